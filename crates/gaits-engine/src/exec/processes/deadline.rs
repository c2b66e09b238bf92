//! Finds the items that a worker process has been at for too long.
//!
//! Limit: it looks at intervals, so an item is found up to an eighth of the deadline late. It ends nothing.

use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

/// How often is looked, at most and at least.
const EVERY: std::ops::RangeInclusive<Duration> = Duration::from_millis(5)..=Duration::from_secs(1);

/// Watches the items of one process.
#[derive(Debug)]
pub(super) struct Deadline {
    after: Duration,
    look: Interval,
    /// The items at work, and when each was first seen to be.
    seen: HashMap<u64, Instant>,
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

    /// Of the items that are at work now, those that have been for too long.
    pub(super) fn overdue(&mut self, at_work: &[u64]) -> Vec<u64> {
        let now = Instant::now();
        let before = std::mem::take(&mut self.seen);
        let seen = |index: &u64| (*index, before.get(index).copied().unwrap_or(now));
        self.seen = at_work.iter().map(seen).collect();
        let is_overdue = |(_, since): &(&u64, &Instant)| now - **since >= self.after;
        self.seen.iter().filter(is_overdue).map(|(index, _)| *index).collect()
    }
}
