//! The real clock.

use gaits_core::Clock;
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// When this process was stopped, the last time last: the begin and the end of each time, on the machine's monotonic clock;
/// no end of the one that lasts. It belongs to the process, as the stops do, and not to a run.
static STOPS: Mutex<Vec<(u64, Option<u64>)>> = Mutex::new(Vec::new());

/// As many stops are remembered; nothing in flight goes back further.
const MOST_STOPS: usize = 64;

/// Stops this process by calling `stop`, which comes back when it goes on. Clocks of this process then tell how long that
/// was ([`Clock::stopped_us_since`]).
///
/// It is noted before `stop` is called, since all threads go on at once: another one may ask before this one has come back.
pub fn while_stopped(stop: impl FnOnce()) {
    let stops = || STOPS.lock().unwrap_or_else(PoisonError::into_inner);
    {
        let mut stops = stops();
        if stops.len() == MOST_STOPS {
            stops.remove(0);
        }
        stops.push((read_ns(ClockId::CLOCK_MONOTONIC), None));
    }
    stop();
    if let Some((_, end)) = stops().last_mut() {
        *end = Some(read_ns(ClockId::CLOCK_MONOTONIC));
    }
}

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

    fn stopped_us_since(&self, since_us: u64) -> u64 {
        let now_ns = read_ns(ClockId::CLOCK_MONOTONIC);
        let from_ns = self.zero_ns.saturating_add(since_us.saturating_mul(1_000));
        let stops = STOPS.lock().unwrap_or_else(PoisonError::into_inner);
        let of_each = stops
            .iter()
            .map(|(begin, end)| end.unwrap_or(now_ns).saturating_sub((*begin).max(from_ns)));
        of_each.sum::<u64>() / 1_000
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;
    use std::time::Duration;

    #[test]
    fn a_stop_is_known_while_it_lasts_and_counts_for_what_began_before_it() {
        let clock = MonotonicClock::start();
        let before_us = clock.now_us();
        assert_eq!(clock.stopped_us_since(before_us), 0);
        let mut within_us = 0;
        while_stopped(|| {
            sleep(Duration::from_millis(2));
            within_us = clock.now_us();
            sleep(Duration::from_millis(2));
            assert!(clock.stopped_us_since(before_us) >= 4_000);
        });
        let (all, part) = (clock.stopped_us_since(before_us), clock.stopped_us_since(within_us));
        assert!(all >= 4_000 && part >= 2_000 && part <= all - 2_000, "{all} {part}");
        assert_eq!(clock.stopped_us_since(clock.now_us()), 0);
    }
}
