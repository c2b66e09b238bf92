//! How fast one connection may be written to. Counts bytes and time; it writes nothing and waits for nothing itself.

use std::num::NonZeroU64;
use std::time::Duration;

use tokio::time::Instant;

/// How much time's worth of bytes is written at once. Longer and the bytes come in bursts; shorter and the timer, which
/// has a resolution of a millisecond, is asked more often than it can answer.
const PORTION: Duration = Duration::from_millis(10);

/// How much time may be made up for after a timer that fired late or a pause of the writer. Without it each late timer
/// would lower the mean.
const SLACK: Duration = Duration::from_millis(20);

/// A limit of bytes a second.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: f64,
    /// When all that has been written is within the limit.
    paid: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(per_second: NonZeroU64) -> Self {
        Self { per_second: per_second.get() as f64, paid: None }
    }

    /// How many bytes may be written at `now`; at least one. The error is the time from when some may be.
    pub(crate) fn allowance(&self, now: Instant) -> Result<usize, Instant> {
        match self.paid {
            Some(paid) if paid > now => Err(paid),
            _ => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "positive; what is more than all memory may be rounded to that"
                )]
                let portion = (self.per_second * PORTION.as_secs_f64()) as usize;
                Ok(portion.max(1))
            }
        }
    }

    /// Takes down that `bytes` have been written at `now`.
    pub(crate) fn spend(&mut self, bytes: usize, now: Instant) {
        let earliest = now.checked_sub(SLACK).unwrap_or(now);
        let from = self.paid.map_or(now, |paid| paid.max(earliest));
        self.paid = Some(from + Duration::from_secs_f64(bytes as f64 / self.per_second));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long `total` bytes take a writer that comes when it is told to, or `late`.
    fn time_for(per_second: u64, mut total: usize, late: Duration) -> Duration {
        let start = Instant::now();
        let mut now = start;
        let mut pace = Pace::new(NonZeroU64::new(per_second).unwrap());
        while total > 0 {
            match pace.allowance(now) {
                Ok(allowed) => {
                    let size = allowed.min(total);
                    pace.spend(size, now);
                    total -= size;
                }
                Err(until) => now = until + late,
            }
        }
        now - start
    }

    #[test]
    fn bytes_take_their_time_less_the_first_portion() {
        let close = |time: Duration, ms: u64| {
            assert!(
                time.abs_diff(Duration::from_millis(ms)) < Duration::from_millis(1),
                "{time:?}"
            );
        };
        close(time_for(1_000_000, 1_000_000, Duration::ZERO), 990);
        close(time_for(100, 10, Duration::ZERO), 90);
        close(time_for(1, 3, Duration::ZERO), 2_000);
        close(time_for(1_000_000, 10_000, Duration::ZERO), 0);
    }

    #[test]
    fn a_late_timer_is_made_up_for() {
        let time = time_for(1_000_000, 1_000_000, Duration::from_millis(3));
        assert!((980..=1_000).contains(&time.as_millis()), "{time:?}");
    }

    #[test]
    fn a_pause_earns_no_more_than_the_slack() {
        let start = Instant::now();
        let mut pace = Pace::new(NonZeroU64::new(1_000).unwrap());
        pace.spend(10, start);
        let later = start + Duration::from_mins(1);
        let mut burst = 0;
        while let Ok(allowed) = pace.allowance(later) {
            pace.spend(allowed, later);
            burst += allowed;
        }
        assert_eq!(burst, 30);
    }

    #[test]
    fn the_fastest_and_the_slowest_pace_can_be_reckoned_with() {
        let now = Instant::now();
        let fast = Pace::new(NonZeroU64::MAX);
        assert!(fast.allowance(now).unwrap() > 1 << 40);
        let mut slow = Pace::new(NonZeroU64::MIN);
        slow.spend(1, now);
        assert_eq!(slow.allowance(now), Err(now + Duration::from_secs(1)));
    }
}
