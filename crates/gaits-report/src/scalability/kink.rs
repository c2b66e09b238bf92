//! Throughput that grows with the number in flight up to a limit and then stays: min(γN, limit). Cores, a server's queue and a rate
//! limit do that. It is another curve than the law's, which bends everywhere.

use super::law::Measured;

/// So many points must lie where throughput no longer grows: one alone is a limit of itself.
const FEWEST_BEYOND: usize = 2;
/// What lies that close below the limit is on it.
const ON_THE_LIMIT: f64 = 0.97;

/// Growth in proportion, and then a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Kink {
    /// Throughput of one alone, in items a second.
    pub(super) gamma: f64,
    /// The limit, in items a second.
    pub(super) limit: f64,
}

impl Kink {
    /// The throughput with `n` in flight.
    pub(super) fn at(&self, n: f64) -> f64 {
        (self.gamma * n).min(self.limit)
    }

    /// With how many in flight the limit is reached.
    pub(super) fn knee(self) -> f64 {
        self.limit / self.gamma
    }

    /// The sum of the squares of what it misses.
    pub(super) fn squares(self, points: &[Measured]) -> f64 {
        points.iter().map(|(n, x)| (x - self.at(*n)).powi(2)).sum()
    }

    /// The kink that misses `points` the least, by the sum of squares; none where none lies below the limit, or too few on it.
    pub(super) fn fit(points: &[Measured]) -> Option<Self> {
        let mut points = points.to_vec();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let last = points.len().checked_sub(FEWEST_BEYOND)?;
        let (mut nx, mut nn) = (0.0, 0.0);
        let kinks = (1..=last).filter_map(|split| {
            let beyond = &points[split..];
            let (n, x) = points[split - 1];
            (nx, nn) = (nx + n * x, nn + n * n);
            let limit = beyond.iter().map(|(_, x)| x).sum::<f64>() / beyond.len() as f64;
            let kink = Self { gamma: nx / nn, limit };
            let is_one = kink.gamma > 0.0 && kink.limit > 0.0 && kink.knee().is_finite();
            is_one.then(|| (kink.squares(&points), kink))
        });
        let (_, kink) = kinks.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
        let on_it = points.iter().filter(|(n, _)| kink.gamma * n >= ON_THE_LIMIT * kink.limit);
        let below = points.iter().filter(|(n, _)| kink.gamma * n < ON_THE_LIMIT * kink.limit);
        (on_it.count() >= FEWEST_BEYOND && below.count() >= 1).then_some(kink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalability::law::{Law, tests::SPECSDM91};

    /// A server that takes 50 ms and serves 20 at once.
    fn served(n: f64) -> Measured {
        (n, (n / 0.05).min(400.0))
    }

    #[test]
    fn a_limit_is_found_where_it_is_and_fits_better_than_the_law() {
        let points = [1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 32.0, 64.0].map(served);
        let kink = Kink::fit(&points).unwrap();
        assert!((kink.knee() - 20.0).abs() < 0.1 && (kink.limit - 400.0).abs() < 1e-9, "{kink:?}");
        let law = Law::fit(&points).unwrap();
        assert!(kink.squares(&points) < 0.1 * law.squares(&points));
    }

    #[test]
    fn where_the_law_holds_it_fits_better() {
        let (kink, law) = (Kink::fit(&SPECSDM91).unwrap(), Law::fit(&SPECSDM91).unwrap());
        assert!(kink.squares(&SPECSDM91) > law.squares(&SPECSDM91));
    }

    #[test]
    fn without_points_on_both_sides_there_is_none() {
        assert_eq!(Kink::fit(&[1.0, 2.0, 4.0, 8.0].map(served)), None);
        assert_eq!(Kink::fit(&[1.0, 2.0, 4.0, 8.0, 32.0].map(served)), None);
        assert_eq!(Kink::fit(&[32.0, 40.0, 64.0].map(served)), None);
        assert_eq!(Kink::fit(&[]), None);
        assert_eq!(Kink::fit(&[(1.0, 0.0), (2.0, 0.0), (3.0, 0.0)]), None);
    }
}
