//! The few statistics that are needed: a median, its range, and an interval that assumes nothing.

use serde::Serialize;

/// How a figure spread over the rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// The middle value.
    pub(crate) median: f64,
    /// The smallest value.
    pub(crate) min: f64,
    /// The largest value.
    pub(crate) max: f64,
    /// How many values there are.
    pub(crate) count: usize,
    /// An interval that holds the true median with at least 95 % confidence; none with fewer than 6 values.
    pub(crate) interval: Option<(f64, f64)>,
}

impl Spread {
    /// The spread of `values`; none if there are none.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        let interval =
            interval_rank(sorted.len()).map(|rank| (sorted[rank - 1], sorted[sorted.len() - rank]));
        Some(Self { median, min, max, count: sorted.len(), interval })
    }
}

impl Spread {
    /// What a ratio of two rates says of the first: a difference only if the whole interval lies on one side of 1.
    pub(crate) fn speed(&self) -> &'static str {
        match self.interval {
            Some((low, _)) if low > 1.0 => "faster",
            Some((_, high)) if high < 1.0 => "slower",
            Some(_) => "no difference shown",
            None => "too few rounds to tell",
        }
    }
}

/// The rank r for which the r-th smallest and the r-th largest of `n` values enclose the median with at least 95 %
/// confidence, whatever the distribution.
///
/// The true median lies below the r-th smallest value when fewer than r of the values lie below the median, which are
/// binomial with p = ½. So r is the largest with P(B(n, ½) ≤ r − 1) ≤ 0.025 (David and Nagaraja, Order Statistics, 3rd
/// edition, section 7.1). For n = 10 it is 2, with a confidence of 97.9 %.
fn interval_rank(n: usize) -> Option<usize> {
    let mut term = 0.5_f64.powi(i32::try_from(n).ok()?);
    let mut below = 0.0;
    let mut rank = 0;
    for successes in 0..n {
        below += term;
        if below > 0.025 {
            break;
        }
        rank = successes + 1;
        term *= (n - successes) as f64 / (successes + 1) as f64;
    }
    (rank > 0).then_some(rank)
}

/// The quotients of two contenders' figures, round by round; rounds in which either is missing are left out.
///
/// Rounds are compared with themselves because what disturbs a machine disturbs neighbours in time alike.
pub(crate) fn ratios(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Vec<f64> {
    let both = ours.iter().zip(theirs).filter_map(|(ours, theirs)| Some(((*ours)?, (*theirs)?)));
    both.filter(|(_, theirs)| *theirs > 0.0).map(|(ours, theirs)| ours / theirs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value_or_between_the_two() {
        let median = |values: &[f64]| Spread::of(values).map(|spread| spread.median);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn the_ranks_are_those_of_the_tables() {
        // Two-sided 95 % sign-test intervals, as tabled for n = 5, 6, 8, 9, 10, 15, 20, 25.
        let tabled = [None, Some(1), Some(1), Some(2), Some(2), Some(4), Some(6), Some(8)];
        assert_eq!([5, 6, 8, 9, 10, 15, 20, 25].map(interval_rank), tabled);
    }

    #[test]
    fn the_interval_of_ten_values_leaves_out_one_at_each_end() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(Spread::of(&values).unwrap().interval, Some((2.0, 9.0)));
    }

    #[test]
    fn nothing_is_faster_whose_interval_holds_one() {
        let speed = |values: &[f64]| Spread::of(values).unwrap().speed();
        assert_eq!(speed(&[1.1; 6]), "faster");
        assert_eq!(speed(&[0.9; 6]), "slower");
        assert_eq!(speed(&[0.99, 1.5, 1.5, 1.5, 1.5, 1.5]), "no difference shown");
        assert_eq!(speed(&[2.0; 5]), "too few rounds to tell");
    }

    #[test]
    fn ratios_pair_the_rounds() {
        let ours = [Some(2.0), None, Some(9.0), Some(1.0)];
        let theirs = [Some(1.0), Some(1.0), Some(3.0), None];
        assert_eq!(ratios(&ours, &theirs), vec![2.0, 3.0]);
    }
}
