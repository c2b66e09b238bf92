//! From wall times to intervals. Every two models are compared round by round; what slows a whole round slows both,
//! and drops out of their ratio. All numbers here are natural logarithms of times and of ratios of times.

use super::Series;
use super::quantile::simultaneous;

/// The models' mean logarithms over the rounds that all of them have, and how much the ratio of every two varies.
#[derive(Debug, Clone)]
pub(super) struct Pairs {
    rounds: usize,
    means: Vec<f64>,
    /// `variances[i][j]`: of the logarithm of the ratio of models i and j in a round.
    variances: Vec<Vec<f64>>,
    /// How many degrees of freedom the variances borrow from each other, if there are rounds enough; see [`borrowed`].
    borrowed: f64,
}

/// From where to where a logarithm lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Pairs {
    /// Compares `models` over their shared `rounds`; each must have a time above 0 in each of them.
    pub(super) fn new(models: &[Series], rounds: &[u32]) -> Self {
        let log = |model: &Series| {
            rounds.iter().filter_map(|round| model.wall(*round)).map(f64::ln).collect::<Vec<_>>()
        };
        let logs = models.iter().map(log).collect::<Vec<_>>();
        let means = logs.iter().map(|logs| mean(logs)).collect::<Vec<_>>();
        let mut variances = vec![vec![0.0; logs.len()]; logs.len()];
        for i in 0..logs.len() {
            for j in 0..i {
                let ratios = logs[i].iter().zip(&logs[j]).map(|(a, b)| a - b).collect::<Vec<_>>();
                variances[i][j] = variance(&ratios);
                variances[j][i] = variances[i][j];
            }
        }
        let borrowed = borrowed(&variances, rounds.len());
        Self { rounds: rounds.len(), means, variances, borrowed }
    }

    pub(super) const fn rounds(&self) -> usize {
        self.rounds
    }

    pub(super) fn mean(&self, model: usize) -> f64 {
        self.means[model]
    }

    /// The model with the smallest mean; the first of several.
    pub(super) fn leader(&self) -> usize {
        let by_mean = |a: &usize, b: &usize| self.means[*a].total_cmp(&self.means[*b]);
        (0..self.means.len()).min_by(by_mean).unwrap_or(0)
    }

    /// For each model whether it may be the best, and where its ratio to the best lies, whichever that is: all of it
    /// true at once with probability `confidence`. Edwards and Hsu (1983): the true best is one that no other surely
    /// beats; so a model's ratio to the best lies somewhere in its intervals against those.
    pub(super) fn against_the_best(&self, confidence: f64) -> Vec<(bool, Bounds)> {
        self.bounds(self.rounds, self.critical(self.rounds, confidence))
    }

    /// What [`Self::against_the_best`] would say after `rounds`, were means and variances the same then, with each
    /// interval `spare` standard errors wider.
    pub(super) fn foresee(
        &self,
        rounds: usize,
        confidence: f64,
        spare: f64,
    ) -> Vec<(bool, Bounds)> {
        self.bounds(rounds, self.critical(rounds, confidence) + spare)
    }

    fn critical(&self, rounds: usize, confidence: f64) -> f64 {
        let own = rounds as f64 - 1.0;
        simultaneous(confidence, self.means.len() - 1, own + self.borrowed_at(rounds))
    }

    fn borrowed_at(&self, rounds: usize) -> f64 {
        self.borrowed.min((rounds as f64 - 1.0) / 2.0)
    }

    fn bounds(&self, rounds: usize, critical: f64) -> Vec<(bool, Bounds)> {
        let errors = self.standard_errors(rounds);
        let all = 0..self.means.len();
        let interval = |i: usize, j: usize| {
            let (ratio, reach) = (self.means[i] - self.means[j], critical * errors[i][j]);
            Bounds { low: ratio - reach, high: ratio + reach }
        };
        let may_be_best = |j: usize| all.clone().all(|i| i == j || interval(i, j).high >= 0.0);
        let best = all.clone().map(may_be_best).collect::<Vec<_>>();
        let against = |i: usize| {
            let candidates = all.clone().filter(|&j| best[j]);
            let intervals = candidates
                .map(|j| if i == j { Bounds { low: 0.0, high: 0.0 } } else { interval(i, j) });
            let hull =
                intervals.reduce(|a, b| Bounds { low: a.low.min(b.low), high: a.high.max(b.high) });
            // the leader is always a candidate, so there is a hull; nothing is faster than the best
            let hull = hull.unwrap_or(Bounds { low: 0.0, high: 0.0 });
            (best[i], Bounds { low: hull.low.max(0.0), high: hull.high.max(0.0) })
        };
        all.clone().map(against).collect()
    }

    /// Of the mean of each pair's logarithms over `rounds`. A pair's own variance is drawn a little towards that of a
    /// typical pair: few rounds tell little of a variance, and the pairs together tell more (Smyth 2004).
    fn standard_errors(&self, rounds: usize) -> Vec<Vec<f64>> {
        let own = self.rounds as f64 - 1.0;
        let borrowed = self.borrowed_at(self.rounds);
        let typical = if borrowed > 0.0 { typical(&self.variances, own) } else { 0.0 };
        let error = |variance: &f64| {
            let moderated = (borrowed * typical + own * variance) / (borrowed + own);
            (moderated / rounds as f64).sqrt()
        };
        self.variances.iter().map(|row| row.iter().map(error).collect()).collect()
    }
}

/// How many degrees of freedom pairs may borrow from each other: many if their variances differ no more than chance
/// makes them, none if they truly differ. With n rounds the logarithm of a variance varies by chance by 2 / (n − 2);
/// what they vary beyond that is true, and `2 /` that excess is the weight of the typical pair. The caller lets it be
/// half the own degrees at most: with more, intervals come out too narrow where noise differs twofold.
fn borrowed(variances: &[Vec<f64>], rounds: usize) -> f64 {
    let logs = logs_of_pairs(variances);
    // one pair has nothing to borrow from, and one without variance is like no other
    if logs.len() < 2 || rounds < 3 || logs.iter().any(|log| !log.is_finite()) {
        return 0.0;
    }
    let excess = variance(&logs) - 2.0 / (rounds as f64 - 2.0);
    if excess > 0.0 { 2.0 / excess } else { f64::INFINITY }
}

/// The typical variance of a pair: the geometric mean, which one noisy model cannot carry away. The mean of the
/// logarithm of a variance with `own` degrees of freedom lies 1 / `own` too low.
fn typical(variances: &[Vec<f64>], own: f64) -> f64 {
    (mean(&logs_of_pairs(variances)) + 1.0 / own).exp()
}

fn logs_of_pairs(variances: &[Vec<f64>]) -> Vec<f64> {
    let below = variances.iter().enumerate().flat_map(|(i, row)| &row[..i]);
    below.map(|variance| variance.ln()).collect()
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The unbiased variance; 0 of fewer than two values.
pub(super) fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
}
