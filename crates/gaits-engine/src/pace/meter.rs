//! How often something may be started: the generic cell rate algorithm (ITU-T I.371), which keeps even intervals and allows
//! a number at once after a quiet time.

use crate::plan::Rate;

/// Who comes late by less than this, in microseconds, has waited for its turn and was not seen in time: what was lost by
/// that is made up for.
const LATE_US: u64 = 10_000;

/// Counts starts against a rate.
#[derive(Debug)]
pub(super) struct Meter {
    /// All of these in nanoseconds, since an interval may be shorter than a microsecond.
    interval: u64,
    /// How far ahead of an even course the starts may be.
    ahead: u64,
    /// When the next start is due on an even course.
    due: u64,
}

impl Meter {
    pub(super) fn new(rate: Rate) -> Self {
        let interval = u64::try_from(rate.interval.as_nanos()).unwrap_or(u64::MAX);
        let ahead = interval.saturating_mul(u64::from(rate.burst.get()) - 1);
        Self { interval, ahead, due: 0 }
    }

    /// From when on the next start is allowed, in microseconds since the run began.
    pub(super) fn next_us(&self) -> u64 {
        self.due.saturating_sub(self.ahead).div_ceil(1_000)
    }

    /// Whether as many may be started at once as in the beginning, so that a new meter would allow no more.
    pub(super) fn is_full(&self, now_us: u64) -> bool {
        self.due <= now_us.saturating_mul(1_000)
    }

    /// Counts a start as soon as one is allowed, and tells when that is.
    pub(super) fn book(&mut self, now_us: u64) -> u64 {
        let next_us = self.next_us();
        self.start(now_us.max(next_us));
        next_us
    }

    /// Counts a start.
    pub(super) fn start(&mut self, now_us: u64) {
        let now = now_us.saturating_mul(1_000);
        let is_late = now.saturating_sub(self.due) >= LATE_US * 1_000;
        let from = if is_late { now } else { self.due };
        self.due = from.saturating_add(self.interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn meter(interval: Duration, burst: u32) -> Meter {
        Meter::new(Rate { interval, burst: NonZeroU32::new(burst).unwrap() })
    }

    /// When each of `count` starts comes, if each comes as soon as it may, from `from_us` on.
    fn starts(meter: &mut Meter, from_us: u64, count: usize) -> Vec<u64> {
        let mut now_us = from_us;
        let start = |_| {
            now_us = now_us.max(meter.next_us());
            meter.start(now_us);
            now_us
        };
        (0..count).map(start).collect()
    }

    #[test]
    fn starts_are_even_and_a_burst_comes_at_once() {
        let mut even = meter(Duration::from_millis(100), 1);
        assert_eq!(starts(&mut even, 7_000_000, 3), [7_000_000, 7_100_000, 7_200_000]);
        let mut burst = meter(Duration::from_millis(100), 3);
        let expected = [7_000_000, 7_000_000, 7_000_000, 7_100_000, 7_200_000];
        assert_eq!(starts(&mut burst, 7_000_000, 5), expected);
        let after_a_quiet_time = [9_000_000, 9_000_000, 9_000_000, 9_100_000];
        assert_eq!(starts(&mut burst, 9_000_000, 4), after_a_quiet_time);
    }

    #[test]
    fn who_is_seen_a_little_late_loses_nothing() {
        let mut meter = meter(Duration::from_millis(1), 1);
        let mut now_us = 50_000;
        for _ in 0..1_000 {
            now_us = now_us.max(meter.next_us() + 300);
            meter.start(now_us);
        }
        assert!(now_us < 1_050_500, "{now_us}");
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_allows_in_any_time(
            interval_us in 1..100_000_u64,
            burst in 1..20_u32,
            waits in prop::collection::vec(0..200_000_u64, 1..200),
        ) {
            let mut meter = meter(Duration::from_micros(interval_us), burst);
            let (mut now_us, mut starts) = (LATE_US, Vec::new());
            for wait_us in waits {
                now_us = (now_us + wait_us / 10).max(meter.next_us());
                meter.start(now_us);
                starts.push(now_us);
            }
            for (at, first) in starts.iter().enumerate() {
                for (more, last) in starts[at..].iter().enumerate() {
                    // One more for the one at the start, and what may be made up for.
                    let most = (last - first + LATE_US) / interval_us + u64::from(burst) + 1;
                    prop_assert!(more as u64 <= most, "{more} within {} us", last - first);
                }
            }
        }
    }
}
