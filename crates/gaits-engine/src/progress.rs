//! How far a run has come, for whoever draws it: written by the dispatcher, read from any thread.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far a run has come. The numbers are each right, and may be a moment apart.
#[derive(Debug, Default)]
pub struct Progress {
    ok: AtomicU64,
    failed: AtomicU64,
    in_flight: AtomicU64,
}

impl Progress {
    pub(crate) fn set(&self, ok: u64, failed: u64, in_flight: usize) {
        self.ok.store(ok, Ordering::Relaxed);
        self.failed.store(failed, Ordering::Relaxed);
        self.in_flight.store(in_flight as u64, Ordering::Relaxed);
    }

    /// Items that went well.
    #[must_use]
    pub fn ok(&self) -> u64 {
        self.ok.load(Ordering::Relaxed)
    }

    /// Items that failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Items handed out and not done.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }
}
