//! Reads the counters of a run, and adds what they don't tell: how fast it has been going of late, and how long pauses
//! last from now on.
//!
//! Limit: somebody must look often. What happened between two looks is spread evenly over the time between them.

use super::line::Snapshot;
use gaits::{Clock, Progress};

/// The rate is an exponentially weighted mean: what happened this many microseconds ago counts 1/e of what happens now.
const MEMORY_US: f64 = 8e6;

/// Looks at the counters of a run.
pub(super) struct Meter<C> {
    clock: C,
    rate: Rate,
    /// When it looked last, on its own clock.
    looked_us: u64,
    /// The time of the run that was seen last, and when that was, on its own clock: between two reports of the run its
    /// time goes on.
    seen: (u64, u64),
}

impl<C: Clock> Meter<C> {
    pub(super) fn new(clock: C) -> Self {
        let now_us = clock.now_us();
        Self { clock, rate: Rate::default(), looked_us: now_us, seen: (0, now_us) }
    }

    /// How far the run has come, of `total` items.
    pub(super) fn look(&mut self, progress: &Progress, total: Option<u64>) -> Snapshot {
        let now_us = self.clock.now_us();
        let done = progress.ok() + progress.failed();
        // While this process is stopped it does nothing, and is not slow.
        let stopped_us = self.clock.stopped_us_since(self.looked_us);
        self.rate.add(done, now_us.saturating_sub(self.looked_us).saturating_sub(stopped_us));
        self.looked_us = now_us;
        let run_us = progress.now_us();
        if run_us != self.seen.0 {
            self.seen = (run_us, now_us);
        }
        let run_now_us = self.seen.0.saturating_add(now_us.saturating_sub(self.seen.1));
        let held = progress.held();
        let left = |(key, until_us): (String, u64)| (key, until_us.saturating_sub(run_now_us));
        Snapshot {
            done,
            failed: progress.failed(),
            total,
            in_flight: progress.in_flight(),
            retrying: progress.retrying(),
            rate: self.rate.per_second(),
            paused: held.paused.into_iter().map(left).filter(|(_, left)| *left > 0).collect(),
            not_before_us: held.not_before_us.saturating_sub(run_now_us),
            ns_per_item: held.ns_per_item,
            waits_for: held.waits_for,
        }
    }
}

/// How many items are done in a second, of late.
#[derive(Debug, Default)]
struct Rate {
    done: u64,
    /// The weighted mean, as if nothing had been done before it began.
    mean: f64,
    /// The sum of all weights so far, which goes towards 1.
    weight: f64,
}

impl Rate {
    /// So many are done by now, `us` microseconds after the time before.
    fn add(&mut self, done: u64, us: u64) {
        if us == 0 {
            return;
        }
        let new = done.saturating_sub(self.done) as f64 * 1e6 / us as f64;
        let kept = (-(us as f64) / MEMORY_US).exp();
        self.mean = self.mean * kept + new * (1.0 - kept);
        self.weight = self.weight * kept + (1.0 - kept);
        self.done = done;
    }

    /// None before the first item is done.
    fn per_second(&self) -> Option<f64> {
        (self.done > 0 && self.weight > 0.0).then(|| self.mean / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::ManualClock;

    #[test]
    fn the_rate_is_that_of_late_and_not_since_the_beginning() {
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(), None);
        let mut done = 0;
        let mut go = |seconds: u64, each: u64| {
            for _ in 0..seconds * 10 {
                done += each;
                rate.add(done, 100_000);
            }
            rate.per_second().unwrap()
        };
        // From the first moment on, not only when the memory is full.
        assert!((99.0..101.0).contains(&go(1, 10)));
        assert!((99.0..101.0).contains(&go(60, 10)));
        let slower = go(8, 1);
        assert!((35.0..50.0).contains(&slower), "{slower}");
        assert!(go(60, 1) < 11.0);
        assert!(go(120, 0) < 0.01);
    }

    #[test]
    fn a_look_takes_what_the_run_tells() {
        let mut meter = Meter::new(ManualClock::default());
        let progress = Progress::default();
        meter.clock.advance_us(1_000_000);
        let now = meter.look(&progress, Some(3));
        assert_eq!(now, Snapshot { total: Some(3), ..Snapshot::default() });
    }

    #[test]
    fn a_stop_does_not_make_it_slow() {
        let mut meter = Meter::new(ManualClock::default());
        meter.rate.add(100, 1_000_000);
        meter.clock.advance_us(100_000);
        meter.clock.stop_us(3_600_000_000);
        meter.rate.done = 0;
        meter.look(&Progress::default(), None);
        assert!(
            meter.rate.mean > 0.9 * 100.0 * (1.0 - (-1e6 / MEMORY_US).exp()),
            "{}",
            meter.rate.mean
        );
    }
}
