//! How much of a budget is spent.

use gaits_core::Clock as _;
use gaits_engine::MonotonicClock;
use std::time::Duration;

/// How long a race or a sweep has lasted, without the time in which it was suspended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elapsed(MonotonicClock);

impl Elapsed {
    /// From now on.
    pub(crate) fn start() -> Self {
        Self(MonotonicClock::start())
    }

    /// So long it has lasted by now.
    pub(crate) fn read(self) -> Duration {
        Duration::from_micros(self.0.now_us().saturating_sub(self.0.stopped_us_since(0)))
    }
}
