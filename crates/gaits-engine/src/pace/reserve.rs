//! How many items to hand out beyond those that can be at work, so that no worker waits while the one that hands out is busy.

/// The pace is measured over at least this long, in microseconds.
const WINDOW_US: u64 = 2_000;

/// Follows the pace at which items are finished: it holds what is finished in a given time at the present pace.
#[derive(Debug)]
pub(crate) struct Reserve {
    lasts_us: u64,
    most: usize,
    since_us: u64,
    done: u64,
    size: usize,
}

impl Reserve {
    /// One that lasts so many microseconds, and holds at most so many items.
    pub(crate) fn new(lasts_us: u64, most: usize, now_us: u64) -> Self {
        Self { lasts_us, most, since_us: now_us, done: 0, size: 0 }
    }

    /// Counts finished items.
    pub(crate) fn count(&mut self, done: usize) {
        self.done += done as u64;
    }

    /// Takes a new measure when there has been time for one. It grows at once, and falls by half at a time, so that a
    /// short pause does not take it away.
    pub(crate) fn tick(&mut self, now_us: u64) {
        let passed_us = now_us.saturating_sub(self.since_us);
        // At the very start a measure over less is better than none.
        if passed_us < WINDOW_US && (self.size > 0 || self.done < 64 || passed_us == 0) {
            return;
        }
        let lasts = self.done.saturating_mul(self.lasts_us) / passed_us;
        let wanted = usize::try_from(lasts).unwrap_or(self.most).min(self.most);
        self.size = wanted.max(self.size / 2);
        self.since_us = now_us;
        self.done = 0;
    }

    /// Forgets the pace.
    pub(crate) fn forget(&mut self, now_us: u64) {
        *self = Self::new(self.lasts_us, self.most, now_us);
    }

    /// How many items to hand out beyond those that can be at work.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}
