//! Who is let in: the rate limit, which refuses, and the capacity, which makes wait. Knows nothing of HTTP.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::counters::{Counters, InService};

/// A token bucket without a lock, kept as one number: the time at which the bucket will be full again (the "generic
/// cell rate algorithm" of ITU-T I.371).
#[derive(Debug)]
pub(crate) struct Rate {
    /// Nanoseconds between two tokens.
    interval: u64,
    /// Nanoseconds' worth of tokens that the bucket holds, beyond the first.
    burst: u64,
    /// When the bucket will be full, in nanoseconds since the origin started.
    full_at: AtomicU64,
}

impl Rate {
    /// `per_second` tokens a second, in a bucket for one and a tenth of a second's worth of them.
    pub(crate) fn new(per_second: f64) -> Self {
        let interval = Duration::try_from_secs_f64(per_second.recip()).unwrap_or(Duration::MAX);
        let interval =
            u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX / 4).clamp(1, u64::MAX / 4);
        // Whole tokens only: a tenth of a second holds none of them below ten a second.
        let burst = interval * (100_000_000 / interval);
        Self { interval, burst, full_at: AtomicU64::new(0) }
    }

    /// Takes a token, or says how long it will be until there is one. `now` counts from the origin's start.
    pub(crate) fn admit(&self, now: Duration) -> Result<(), Duration> {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let mut full_at = self.full_at.load(Relaxed);
        loop {
            let ahead = full_at.saturating_sub(now);
            if ahead > self.burst {
                return Err(Duration::from_nanos(ahead - self.burst));
            }
            let next = full_at.max(now).saturating_add(self.interval);
            match self.full_at.compare_exchange_weak(full_at, next, Relaxed, Relaxed) {
                Ok(_) => return Ok(()),
                Err(changed) => full_at = changed,
            }
        }
    }
}

/// The place where requests wait to be served, first come first served.
#[derive(Debug)]
pub(crate) struct Gate {
    /// `None`: everybody is let in.
    places: Option<Arc<Semaphore>>,
    counters: Arc<Counters>,
}

/// A place among the requests in service. Dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Place {
    // Counted out before the next one is let in, so that the peak never passes the capacity: fields drop in order.
    _counted: InService,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Gate {
    pub(crate) fn new(capacity: Option<NonZeroUsize>, counters: Arc<Counters>) -> Self {
        let places =
            capacity.map(|n| Arc::new(Semaphore::new(n.get().min(Semaphore::MAX_PERMITS))));
        Self { places, counters }
    }

    /// Waits for a place.
    pub(crate) async fn enter(&self) -> Place {
        let permit = match &self.places {
            // An error would mean that the semaphore was closed, which nobody does.
            Some(places) => Arc::clone(places).acquire_owned().await.ok(),
            None => None,
        };
        Place { _counted: InService::enter(&self.counters), _permit: permit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(rate: &Rate, at: Duration) -> u32 {
        (0..10_000).take_while(|_| rate.admit(at).is_ok()).count().try_into().unwrap()
    }

    #[test]
    fn a_bucket_holds_one_and_a_tenth_of_a_second() {
        assert_eq!(admitted(&Rate::new(0.5), Duration::ZERO), 1);
        assert_eq!(admitted(&Rate::new(10.0), Duration::ZERO), 2);
        assert_eq!(admitted(&Rate::new(1_000.0), Duration::ZERO), 101);
    }

    #[test]
    fn a_bucket_fills_at_its_rate_and_no_further() {
        let rate = Rate::new(10.0);
        assert_eq!(admitted(&rate, Duration::ZERO), 2);
        assert_eq!(admitted(&rate, Duration::from_millis(99)), 0);
        assert_eq!(admitted(&rate, Duration::from_millis(100)), 1);
        assert_eq!(admitted(&rate, Duration::from_secs(100)), 2);
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let rate = Rate::new(0.5);
        assert_eq!(rate.admit(Duration::from_secs(5)), Ok(()));
        assert_eq!(rate.admit(Duration::from_secs(6)), Err(Duration::from_secs(1)));
        assert_eq!(rate.admit(Duration::from_secs(7)), Ok(()));
    }

    #[test]
    fn extreme_rates_neither_overflow_nor_divide_by_zero() {
        let slow = Rate::new(f64::MIN_POSITIVE);
        assert_eq!(slow.admit(Duration::ZERO), Ok(()));
        assert!(slow.admit(Duration::from_secs(1)).is_err());
        assert_eq!(admitted(&Rate::new(f64::MAX), Duration::ZERO), 10_000);
    }
}
