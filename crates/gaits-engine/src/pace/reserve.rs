//! How many items to hand out beyond one a worker, so that no worker waits while the dispatcher is busy.

/// The reserve lasts this long at the present pace, in microseconds: several times what a sleeping thread takes to
/// come round on a busy machine.
const LASTS_US: u64 = 5_000;
/// The pace is measured over at least this long, in microseconds.
const WINDOW_US: u64 = 2_000;
/// The largest reserve.
pub(super) const MOST: usize = 8_192;

/// Follows the pace at which items are finished.
#[derive(Debug)]
pub(super) struct Reserve {
    since_us: u64,
    done: u64,
    size: usize,
}

impl Reserve {
    pub(super) fn new(now_us: u64) -> Self {
        Self { since_us: now_us, done: 0, size: 0 }
    }

    /// Counts finished items.
    pub(super) fn count(&mut self, done: usize) {
        self.done += done as u64;
    }

    /// Takes a new measure when there has been time for one. It grows at once, and falls by half at a time, so that a
    /// short pause does not take it away.
    pub(super) fn tick(&mut self, now_us: u64) {
        let passed_us = now_us.saturating_sub(self.since_us);
        // At the very start a measure over less is better than none.
        if passed_us < WINDOW_US && (self.size > 0 || self.done < 64 || passed_us == 0) {
            return;
        }
        let lasts = self.done.saturating_mul(LASTS_US) / passed_us;
        let wanted = usize::try_from(lasts).unwrap_or(MOST).min(MOST);
        self.size = wanted.max(self.size / 2);
        self.since_us = now_us;
        self.done = 0;
    }

    /// How many items to hand out beyond one a worker.
    pub(super) fn size(&self) -> usize {
        self.size
    }
}
