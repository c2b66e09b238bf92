//! Other ways to compare models, to choose among them by figures. Each says of each model where the logarithm of its
//! ratio to the best lies.

use fastrand::Rng;
use gaits_report::stats::{Series, Settings, judge};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Critical values of Dunnett's intervals, from R.
const DUNNETT: &str = include_str!("../../tests/data/dunnett.csv");

const RESAMPLES: usize = 399;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Candidate {
    /// Slower if the whole range of what was seen lies beyond that of the fastest by median; the intervals are the
    /// ranges of the ratios.
    Ranges,
    /// One variance for all models, with Dunnett's critical values.
    Pooled,
    /// A variance for each pair, with Bonferroni's bound.
    Paired,
    /// The same, with critical values from resampled rounds.
    Bootstrap,
    /// What this crate does: as `Paired`, with moderated variances.
    Moderated,
}

impl Candidate {
    pub(crate) const ALL: [(Self, &'static str); 5] = [
        (Self::Ranges, "overlap of ranges (before)"),
        (Self::Pooled, "one variance, Dunnett's t"),
        (Self::Paired, "a variance a pair, Bonferroni's t"),
        (Self::Bootstrap, "a variance a pair, studentised bootstrap"),
        (Self::Moderated, "moderated variances, Bonferroni's t (chosen)"),
    ];

    /// (low, high) of the logarithm of each model's ratio to the best.
    pub(crate) fn intervals(self, models: &[Series], random: &mut Rng) -> Vec<(f64, f64)> {
        let logs = models
            .iter()
            .map(|model| model.iter().map(|(_, wall)| wall.ln()).collect::<Vec<_>>())
            .collect::<Vec<_>>();
        let (k, n) = (logs.len(), logs[0].len());
        let own = n as f64 - 1.0;
        match self {
            Self::Ranges => ranges(&logs),
            Self::Pooled => {
                let variance = residual_variance(&logs);
                let error = (2.0 * variance / n as f64).sqrt();
                edwards_hsu(
                    &means(&logs),
                    &vec![vec![error; k]; k],
                    &vec![dunnett(k, (k - 1) * (n - 1)); k],
                )
            }
            Self::Paired => {
                let t = StudentsT::new(0.0, 1.0, own)
                    .unwrap()
                    .inverse_cdf(1.0 - 0.05 / (2.0 * (k as f64 - 1.0)));
                edwards_hsu(&means(&logs), &errors(&logs), &vec![t; k])
            }
            Self::Bootstrap => {
                edwards_hsu(&means(&logs), &errors(&logs), &bootstrap(&logs, random))
            }
            Self::Moderated => {
                let judged = judge(models, Settings::default());
                let ratios = judged.verdicts.iter().map(|verdict| verdict.ratio_to_best.unwrap());
                ratios.map(|ratio| (ratio.low.ln(), ratio.high.ln())).collect()
            }
        }
    }
}

fn dunnett(models: usize, freedom: usize) -> f64 {
    let row = format!("{models},{freedom},");
    let found = DUNNETT.lines().find_map(|line| line.strip_prefix(&row));
    found.unwrap_or_else(|| panic!("dunnett.csv has no {row}")).parse().unwrap()
}

fn ranges(logs: &[Vec<f64>]) -> Vec<(f64, f64)> {
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    };
    let median = |values: &Vec<f64>| {
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
    };
    let best =
        (0..logs.len()).min_by(|a, b| median(&logs[*a]).total_cmp(&median(&logs[*b]))).unwrap();
    let (_, best_high) = range(&mut logs[best].iter().copied());
    let of_model = |(model, values): (usize, &Vec<f64>)| {
        if model == best {
            return (0.0, 0.0);
        }
        let (low, high) = range(&mut values.iter().zip(&logs[best]).map(|(a, b)| a - b));
        let overlap = range(&mut values.iter().copied()).0 <= best_high;
        (if overlap { low.min(0.0) } else { low }, high)
    };
    logs.iter().enumerate().map(of_model).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn means(logs: &[Vec<f64>]) -> Vec<f64> {
    logs.iter().map(|values| mean(values)).collect()
}

fn residual_variance(logs: &[Vec<f64>]) -> f64 {
    let (k, n) = (logs.len(), logs[0].len());
    let of_models = means(logs);
    let of_rounds =
        (0..n).map(|round| logs.iter().map(|values| values[round]).sum::<f64>() / k as f64);
    let of_rounds = of_rounds.collect::<Vec<_>>();
    let all = mean(&of_models);
    let residual =
        |model: usize, round: usize| logs[model][round] - of_models[model] - of_rounds[round] + all;
    let squares = (0..k).flat_map(|model| (0..n).map(move |round| (model, round)));
    squares.map(|(model, round)| residual(model, round).powi(2)).sum::<f64>()
        / ((k - 1) * (n - 1)) as f64
}

/// Standard errors of the mean difference of every two.
fn errors(logs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let error = |a: &Vec<f64>, b: &Vec<f64>| {
        let n = a.len() as f64;
        let differences = a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
        let center = mean(&differences);
        (differences.iter().map(|d| (d - center).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt()
    };
    logs.iter().map(|a| logs.iter().map(|b| error(a, b)).collect()).collect()
}

/// For each model as the best, what the largest studentised deviation of the others stays below.
fn bootstrap(logs: &[Vec<f64>], random: &mut Rng) -> Vec<f64> {
    let (k, n) = (logs.len(), logs[0].len());
    let center = means(logs);
    let mut largest = vec![Vec::with_capacity(RESAMPLES); k];
    for _ in 0..RESAMPLES {
        let rounds = (0..n).map(|_| random.usize(..n)).collect::<Vec<_>>();
        let resample =
            |values: &Vec<f64>| rounds.iter().map(|&round| values[round]).collect::<Vec<_>>();
        let resampled = logs.iter().map(resample).collect::<Vec<_>>();
        let (means, errors) = (means(&resampled), errors(&resampled));
        for best in 0..k {
            let deviation = |i: usize| {
                let deviation = (means[i] - means[best]) - (center[i] - center[best]);
                (deviation / errors[i][best]).abs()
            };
            // a round drawn n times has no spread, and says nothing
            let all = (0..k).filter(|&i| i != best && errors[i][best] > 1e-12).map(deviation);
            largest[best].push(all.fold(0.0, f64::max));
        }
    }
    for values in &mut largest {
        values.sort_by(f64::total_cmp);
    }
    largest.iter().map(|values| values[(RESAMPLES + 1) * 95 / 100 - 1]).collect()
}

/// The intervals to the best, whichever it is, from `critical` values for each model as the best.
fn edwards_hsu(means: &[f64], errors: &[Vec<f64>], critical: &[f64]) -> Vec<(f64, f64)> {
    let k = means.len();
    let interval = |i: usize, j: usize| {
        if i == j {
            return (0.0, 0.0);
        }
        let (ratio, reach) = (means[i] - means[j], critical[j] * errors[i][j]);
        (ratio - reach, ratio + reach)
    };
    let candidates =
        (0..k).filter(|&j| (0..k).all(|i| interval(i, j).1 >= 0.0)).collect::<Vec<_>>();
    let hull = |i: usize| {
        let all = candidates.iter().map(|&j| interval(i, j));
        let (low, high) = all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 0.0));
        (low.max(0.0), high.max(0.0))
    };
    (0..k).map(hull).collect()
}
