//! Time as an input, so that tests can turn it by hand.

use std::sync::atomic::{AtomicU64, Ordering};

/// Tells how many microseconds have passed since the run began.
///
/// Every process of a run agrees on the zero: implementations read the system's monotonic clock, which is
/// one for all processes of a machine.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Microseconds since the run began. Never goes back.
    fn now_us(&self) -> u64;

    /// Microseconds of CPU that the calling thread has used since it started.
    fn thread_cpu_us(&self) -> u64;
}

/// A clock that stands still until it is set: for tests.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_us: AtomicU64,
}

impl ManualClock {
    /// Lets `us` microseconds pass.
    pub fn advance_us(&self, us: u64) {
        self.now_us.fetch_add(us, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_us(&self) -> u64 {
        self.now_us.load(Ordering::SeqCst)
    }

    fn thread_cpu_us(&self) -> u64 {
        0
    }
}
