//! The real clock.

use gaits_core::Clock;
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// The system's monotonic clock, counted from the beginning of a run.
///
/// Its zero is a point of the machine's monotonic clock, so it can be sent to a worker process, which then
/// stamps its records on the same scale.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct MonotonicClock {
    zero_ns: u64,
}

impl MonotonicClock {
    /// A clock that reads zero now.
    #[must_use]
    pub fn start() -> Self {
        Self { zero_ns: read_ns(ClockId::CLOCK_MONOTONIC) }
    }
}

impl Clock for MonotonicClock {
    fn now_us(&self) -> u64 {
        read_ns(ClockId::CLOCK_MONOTONIC).saturating_sub(self.zero_ns) / 1_000
    }

    fn thread_cpu_us(&self) -> u64 {
        read_ns(ClockId::CLOCK_THREAD_CPUTIME_ID) / 1_000
    }
}

/// Reads a clock that every Linux has; both never fail with a valid id.
fn read_ns(id: ClockId) -> u64 {
    clock_gettime(id).map_or(0, |time| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        let nanos = u64::try_from(time.tv_nsec()).unwrap_or(0);
        seconds * 1_000_000_000 + nanos
    })
}
