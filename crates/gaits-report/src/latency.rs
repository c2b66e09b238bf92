//! How long items took at their workers. Duty: percentiles at three digits in constant memory. Limit: it holds no
//! single value, and knows nothing of outcomes.

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Longer latencies count as this in the percentiles, in microseconds: one day.
const LONGEST_US: u64 = 86_400_000_000;

/// The distribution of latencies, in microseconds: an `HdrHistogram` of three significant digits.
#[derive(Clone, PartialEq)]
pub struct Latency {
    histogram: Histogram<u64>,
    max_us: u64,
    sum_us: u128,
}

impl Latency {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let mut histogram = match Histogram::new_with_bounds(1, 2, 3) {
            Ok(histogram) => histogram,
            Err(error) => unreachable!("1, 2 and 3 digits are bounds it takes: {error}"),
        };
        // it grows to what the values need, 220 kB at a day: a race holds many of these
        histogram.auto(true);
        Self { histogram, max_us: 0, sum_us: 0 }
    }

    /// Counts one that took `us` microseconds.
    pub fn add(&mut self, us: u64) {
        // within the day it takes every value, so the error cannot come; were it to, one value is lost, not the run
        let _ = self.histogram.record(us.min(LONGEST_US));
        self.max_us = self.max_us.max(us);
        self.sum_us += u128::from(us);
    }

    /// Counts all that `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        // as above: what one of them holds, the other can hold
        let _ = self.histogram.add(&other.histogram);
        self.max_us = self.max_us.max(other.max_us);
        self.sum_us += other.sum_us;
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The latency that a share of `quantile` (0.5: the median) did not exceed, in microseconds, at three digits;
    /// none when nothing was counted. Never more than [`Self::max_us`].
    #[must_use]
    pub fn quantile_us(&self, quantile: f64) -> Option<u64> {
        // a bucket is told by its upper end, which may lie above all that fell into it
        (self.count() > 0).then(|| self.histogram.value_at_quantile(quantile).min(self.max_us))
    }

    /// The median, in microseconds.
    #[must_use]
    pub fn p50_us(&self) -> Option<u64> {
        self.quantile_us(0.50)
    }

    /// The 90th percentile, in microseconds.
    #[must_use]
    pub fn p90_us(&self) -> Option<u64> {
        self.quantile_us(0.90)
    }

    /// The 99th percentile, in microseconds.
    #[must_use]
    pub fn p99_us(&self) -> Option<u64> {
        self.quantile_us(0.99)
    }

    /// The longest, exactly, in microseconds; none when nothing was counted.
    #[must_use]
    pub fn max_us(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.max_us)
    }

    /// The sum of all, in microseconds.
    #[must_use]
    pub const fn sum_us(&self) -> u128 {
        self.sum_us
    }
}

/// Written down as the values that occur, as far as they are told apart, each with how often it does.
#[derive(Serialize, Deserialize)]
struct Written {
    counts: Vec<(u64, u64)>,
    max_us: u64,
    sum_us: u64,
}

impl Serialize for Latency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = self.histogram.iter_recorded();
        let counts = counts.map(|at| (at.value_iterated_to(), at.count_at_value())).collect();
        let sum_us = u64::try_from(self.sum_us).unwrap_or(u64::MAX);
        Written { counts, max_us: self.max_us, sum_us }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { counts, max_us, sum_us } = Written::deserialize(deserializer)?;
        let mut latency = Self::new();
        for (value, count) in counts {
            // as above: within a day every value is taken
            let _ = latency.histogram.record_n(value.min(LONGEST_US), count);
        }
        Ok(Self { max_us, sum_us: sum_us.into(), ..latency })
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latency")
            .field("count", &self.count())
            .field("p50_us", &self.p50_us())
            .field("p99_us", &self.p99_us())
            .field("max_us", &self.max_us())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn of_nothing_there_is_no_percentile() {
        let none = Latency::new();
        assert_eq!((none.p50_us(), none.p99_us(), none.max_us()), (None, None, None));
    }

    #[test]
    fn beyond_a_day_it_saturates_but_the_longest_stays_exact() {
        let mut long = Latency::new();
        long.add(0);
        long.add(u64::MAX);
        assert_eq!(long.count(), 2);
        assert_eq!(long.p50_us(), Some(0));
        assert_eq!(long.max_us(), Some(u64::MAX));
    }

    proptest! {
        #[test]
        fn percentiles_are_three_digits_from_the_truth(
            mut values in proptest::collection::vec(0..=LONGEST_US, 1..200),
            quantile in 0.0..=1.0_f64,
        ) {
            let mut latency = Latency::new();
            for &value in &values {
                latency.add(value);
            }
            values.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
            let rank = (quantile * values.len() as f64).ceil().max(1.0) as usize - 1;
            let (got, truth) = (latency.quantile_us(quantile).unwrap(), values[rank]);
            prop_assert!(got.abs_diff(truth) as f64 <= truth as f64 / 1000.0, "{got} for {truth}");
        }

        #[test]
        fn what_is_written_down_can_be_read_again(values in proptest::collection::vec(..LONGEST_US, 0..200)) {
            let mut latency = Latency::new();
            for &value in &values {
                latency.add(value);
            }
            let text = serde_json::to_string(&latency).unwrap();
            let read: Latency = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.sum_us(), latency.sum_us());
            for quantile in [0.0, 0.1, 0.5, 0.9, 0.99, 1.0] {
                prop_assert_eq!(read.quantile_us(quantile), latency.quantile_us(quantile));
            }
        }

        #[test]
        fn percentiles_do_not_fall(values in proptest::collection::vec(any::<u64>(), 1..200)) {
            let mut latency = Latency::new();
            for &value in &values {
                latency.add(value);
            }
            let row = [latency.p50_us(), latency.p90_us(), latency.p99_us(), latency.max_us()];
            prop_assert!(row.is_sorted(), "{row:?}");
            prop_assert_eq!(latency.max_us(), values.iter().copied().max());
        }
    }
}
