//! How far a run has come, for whoever draws it: written by the dispatcher, read from any thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How far a run has come. The numbers are each right, and may be a moment apart.
#[derive(Debug, Default)]
pub struct Progress {
    ok: AtomicU64,
    failed: AtomicU64,
    in_flight: AtomicU64,
    retrying: AtomicU64,
    now_us: AtomicU64,
    /// What keeps items from being handed out; written seldom.
    held: Mutex<Held>,
}

/// What keeps items from being handed out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// The pacing keys that want to be left alone, and until when, in microseconds since the run began; the one whose time
    /// comes last is the last.
    pub paused: Vec<(String, u64)>,
    /// The run does not end before this, since an item waits to be tried again or a pacing key to be asked again: in
    /// microseconds since the run began; 0 where nothing waits.
    pub not_before_us: u64,
    /// What each item that is left takes at least, on average, in nanoseconds, as the rates of the plan have it; 0 without
    /// rates.
    pub ns_per_item: u64,
    /// What the run waits for where that is not the workers: the pacing keys that hold up the intake, or are the last.
    pub waits_for: Vec<String>,
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

    /// Items that have failed and wait to be tried again.
    #[must_use]
    pub fn retrying(&self) -> u64 {
        self.retrying.load(Ordering::Relaxed)
    }

    /// The time of the run, when these numbers were last written.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.now_us.load(Ordering::Relaxed)
    }

    /// What keeps items from being handed out.
    #[must_use]
    pub fn held(&self) -> Held {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_held(&self, now_us: u64, retrying: usize, held: Held) {
        self.now_us.store(now_us, Ordering::Relaxed);
        self.retrying.store(retrying as u64, Ordering::Relaxed);
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }
}
