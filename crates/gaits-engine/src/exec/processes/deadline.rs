//! Finds the items that a worker process has been at for too long.
//!
//! Limit: it looks at intervals, so an item is found up to an eighth of the deadline late. It ends nothing.

use gaits_core::Clock;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often is looked, at most and at least.
const EVERY: std::ops::RangeInclusive<Duration> = Duration::from_millis(5)..=Duration::from_secs(1);

/// Watches the items of one process.
#[derive(Debug)]
pub(super) struct Deadline {
    after: Duration,
    look: Interval,
    /// The items at work, and when each was first seen to be, in microseconds since the run began.
    seen: HashMap<u64, u64>,
}

impl Deadline {
    pub(super) fn new(after: Duration) -> Self {
        let every = (after / 8).clamp(*EVERY.start(), *EVERY.end());
        let mut look = interval(every);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { after, look, seen: HashMap::new() }
    }

    /// Waits until it is time to look again.
    pub(super) async fn time_to_look(&mut self) {
        self.look.tick().await;
    }

    /// An item has come back. If it is started again before the next look, its time begins anew.
    pub(super) fn returned(&mut self, index: u64) {
        self.seen.remove(&index);
    }

    /// Of the items that are at work now, those that have been for too long. Time in which the run was stopped as a whole,
    /// by Ctrl-Z, does not count.
    pub(super) fn overdue(&mut self, at_work: &[u64], clock: &dyn Clock) -> Vec<u64> {
        let now_us = clock.now_us();
        let before = std::mem::take(&mut self.seen);
        let seen = |index: &u64| (*index, before.get(index).copied().unwrap_or(now_us));
        self.seen = at_work.iter().map(seen).collect();
        let is_overdue = |(_, since_us): &(&u64, &u64)| {
            let took_us = now_us.saturating_sub(**since_us);
            let took_us = took_us.saturating_sub(clock.stopped_us_since(**since_us));
            u128::from(took_us) >= self.after.as_micros()
        };
        self.seen.iter().filter(is_overdue).map(|(index, _)| *index).collect()
    }
}
