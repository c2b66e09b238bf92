//! Items that have failed and wait to be tried again. They hold no worker meanwhile.

use gaits_core::Item;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

/// The wait before the first retry is at most this long; doubled each time.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_mins(1);

/// Items that wait to be tried again.
#[derive(Debug, Default)]
pub(super) struct Retries {
    /// By the time at which they are due, and their index.
    waiting: BTreeMap<(u64, u64), Item>,
    /// How many bytes they have.
    bytes: usize,
    rng: fastrand::Rng,
}

impl Retries {
    /// Takes an item that has just failed. It waits for a random time up to a limit that doubles from try to try ("full
    /// jitter"): what failed together must not come back together.
    pub(super) fn add(&mut self, item: Item, now_us: u64) {
        let doubled = FIRST.saturating_mul(1 << item.tries.saturating_sub(1).min(16));
        let most_us = u64::try_from(doubled.min(LONGEST).as_micros()).unwrap_or(u64::MAX);
        let due_us = now_us.saturating_add(self.rng.u64(0..=most_us));
        self.bytes += item.data.len();
        self.waiting.insert((due_us, item.index), item);
    }

    /// When the first of them is due.
    pub(super) fn next_us(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|((due_us, _), _)| *due_us)
    }

    /// When the last of them is due.
    pub(super) fn last_us(&self) -> Option<u64> {
        self.waiting.last_key_value().map(|((due_us, _), _)| *due_us)
    }

    /// The items that are due, the one with the highest index first.
    pub(super) fn due(&mut self, now_us: u64) -> Vec<Item> {
        if self.next_us().is_none_or(|due_us| due_us > now_us) {
            return Vec::new();
        }
        let later = self.waiting.split_off(&(now_us.saturating_add(1), 0));
        let due = std::mem::replace(&mut self.waiting, later);
        let mut due: Vec<_> = due.into_values().collect();
        self.bytes -= due.iter().map(|item| item.data.len()).sum::<usize>();
        due.sort_unstable_by_key(|item| Reverse(item.index));
        due
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many bytes the items have that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread_over_all_the_time_and_double() {
        for (tries, most_us) in [(1, 1_000_000), (2, 2_000_000), (4, 8_000_000), (40, 60_000_000)] {
            let mut retries = Retries { rng: fastrand::Rng::with_seed(7), ..Retries::default() };
            for index in 0..1_000 {
                retries.add(Item { tries, ..Item::new(index, "x") }, 500);
            }
            assert_eq!(retries.due(499).len(), 0);
            let half = retries.due(500 + most_us / 2).len();
            assert!((400..600).contains(&half), "{half} of 1,000 in the first half");
            assert_eq!(retries.len(), 1_000 - half);
            assert_eq!(retries.due(500 + most_us).len(), 1_000 - half);
            assert_eq!(retries.next_us(), None);
        }
    }
}
