//! Time as an input, so that tests can turn it by hand.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Tells how many microseconds have passed since the run began.
///
/// Every process of a run agrees on the zero: implementations read the system's monotonic clock, which is
/// one for all processes of a machine.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Microseconds since the run began. Never goes back.
    fn now_us(&self) -> u64;

    /// Microseconds of CPU that the calling thread has used since it started.
    fn thread_cpu_us(&self) -> u64;

    /// For how many of the microseconds since `since_us` this process was stopped, as Ctrl-Z stops it. The clock goes on
    /// in that time, but a process that does nothing must not run out of time.
    fn stopped_us_since(&self, since_us: u64) -> u64 {
        let _ = since_us;
        0
    }
}

/// A clock that stands still until it is set: for tests.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_us: AtomicU64,
    /// When the process was stopped: the begin and the end of each time.
    stops: Mutex<Vec<(u64, u64)>>,
}

impl ManualClock {
    /// Lets `us` microseconds pass.
    pub fn advance_us(&self, us: u64) {
        self.now_us.fetch_add(us, Ordering::SeqCst);
    }

    /// Lets `us` microseconds pass in which the process is stopped.
    pub fn stop_us(&self, us: u64) {
        let begin_us = self.now_us.fetch_add(us, Ordering::SeqCst);
        let mut stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        stops.push((begin_us, begin_us + us));
    }
}

impl Clock for ManualClock {
    fn now_us(&self) -> u64 {
        self.now_us.load(Ordering::SeqCst)
    }

    fn thread_cpu_us(&self) -> u64 {
        0
    }

    fn stopped_us_since(&self, since_us: u64) -> u64 {
        let stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        stops.iter().map(|(begin, end)| end.saturating_sub(since_us.max(*begin))).sum()
    }
}
