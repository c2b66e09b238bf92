//! Two series that were not measured in the same rounds.

use super::pairs::{mean, variance};
use super::quantile::student_t;
use super::{Interval, MIN_ROUNDS, Series};

/// The typical time of `new` over that of `old`, with Welch's interval on the logarithms (1947): the two may vary to
/// different degrees. None with fewer than [`MIN_ROUNDS`] rounds of either, or a time of 0.
#[must_use]
pub fn unpaired(old: &Series, new: &Series, confidence: f64) -> Option<Interval> {
    let fit = |series: &Series| series.rounds() >= MIN_ROUNDS && !series.has_zero();
    if !fit(old) || !fit(new) {
        return None;
    }
    let logs = |series: &Series| series.iter().map(|(_, wall)| wall.ln()).collect::<Vec<_>>();
    let (old, new) = (logs(old), logs(new));
    let part = |logs: &[f64]| (variance(logs) / logs.len() as f64, logs.len() as f64 - 1.0);
    let ((of_old, old_freedom), (of_new, new_freedom)) = (part(&old), part(&new));
    let sum = of_old + of_new;
    // The Welch–Satterthwaite equation.
    let freedom = match of_old.powi(2) / old_freedom + of_new.powi(2) / new_freedom {
        0.0 => old_freedom + new_freedom,
        below => sum.powi(2) / below,
    };
    let estimate = mean(&new) - mean(&old);
    let reach = student_t(f64::midpoint(1.0, confidence), freedom) * sum.sqrt();
    let [estimate, low, high] = [estimate, estimate - reach, estimate + reach].map(f64::exp);
    Some(Interval { estimate, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_scipy() {
        // numpy.log of both; scipy.stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.95), and exp of it.
        let old = Series::new((1..).zip([1.0, 1.1, 0.9, 1.05, 0.97, 1.02]));
        let new = Series::new((1..).zip([1.3, 1.25, 1.4, 1.28, 1.5, 1.1, 1.33]));
        let got = unpaired(&old, &new, 0.95).unwrap();
        for (got, expected) in [
            (got.estimate, 1.297_306_356_754_960_3),
            (got.low, 1.171_649_468_777_814_7),
            (got.high, 1.436_439_675_965_904_6),
        ] {
            assert!((got - expected).abs() < 1e-9, "{got} {expected}");
        }
    }

    #[test]
    fn without_any_noise_the_ratio_is_exact_and_few_rounds_give_none() {
        let series = |wall: f64, rounds| Series::new((1..=rounds).map(|round| (round, wall)));
        let got = unpaired(&series(1.0, 6), &series(2.0, 6), 0.95).unwrap();
        assert!((got.low - 2.0).abs() < 1e-12 && (got.high - 2.0).abs() < 1e-12, "{got:?}");
        assert_eq!(unpaired(&series(1.0, 5), &series(2.0, 6), 0.95), None);
        assert_eq!(unpaired(&series(1.0, 6), &series(0.0, 6), 0.95), None);
    }
}
