//! When items are to be started that arrive at a rate of their own.

use std::time::Duration;

/// Counts arrivals at even intervals from the beginning of the run.
#[derive(Debug)]
pub(super) struct Arrival {
    /// In nanoseconds, since it may be shorter than a microsecond.
    interval: u128,
    count: u64,
}

impl Arrival {
    pub(super) fn every(interval: Duration) -> Self {
        Self { interval: interval.as_nanos(), count: 0 }
    }

    /// When the next item is to be started, in microseconds since the run began.
    pub(super) fn due_us(&self) -> u64 {
        let due = self.interval.saturating_mul(u128::from(self.count)) / 1_000;
        u64::try_from(due).unwrap_or(u64::MAX)
    }

    /// Counts an arrival; tells when it was to be.
    pub(super) fn take(&mut self) -> u64 {
        let due_us = self.due_us();
        self.count += 1;
        due_us
    }
}
