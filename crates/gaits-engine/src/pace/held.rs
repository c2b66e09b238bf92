//! What keeps items from being handed out, and how long the run takes for it at least: for whoever shows how far it is.
//!
//! Limit: it looks at all keys, so it is not to be asked for each item.

use super::Pacer;
use super::key::Key;
use crate::plan::Rate;
use crate::progress::Held;

/// As many names are given of what is waited for.
const NAMES: usize = 3;
/// Of so many keys are names given; to look at more takes too long.
const MOST_NAMED: usize = 10_000;

impl Pacer {
    /// What keeps items from being handed out. `at_end` says that no new ones come.
    pub(crate) fn held(&self, at_end: bool) -> Held {
        let interval_ns = |rate: Option<Rate>| {
            rate.map_or(0, |rate| u64::try_from(rate.interval.as_nanos()).unwrap_or(u64::MAX))
        };
        let mut held = Held {
            ns_per_item: interval_ns(self.limits.total_rate),
            not_before_us: self.retries.last_us().unwrap_or_default(),
            ..Held::default()
        };
        if self.keys.len() > MOST_NAMED {
            return held;
        }
        let waiting = self.keys.values().filter(|key| !key.waiting.is_empty());
        held.paused = waiting
            .filter_map(|key| Some((key.name.to_string(), key.paused_until_us(self.now_us)?)))
            .collect();
        held.paused.sort_by_key(|(_, until_us)| *until_us);
        if let Some((_, until_us)) = held.paused.last() {
            held.not_before_us = held.not_before_us.max(*until_us);
        }
        let of_key_ns = self.share_of_largest_key(interval_ns(self.limits.rate));
        held.ns_per_item = held.ns_per_item.max(of_key_ns);
        let few = at_end && self.waiting() + self.outstanding < self.workers.max(10);
        if self.is_full() || few {
            held.waits_for = self.with_most_items();
        }
        held
    }

    /// What each item that is left takes at least, on average, if the key with most items may start one in `interval_ns`. The
    /// items that wait stand for those that are not read yet.
    fn share_of_largest_key(&self, interval_ns: u64) -> u64 {
        let largest = self.keys.values().map(|key| key.waiting.len()).max().unwrap_or_default();
        if self.waiting == 0 {
            return 0;
        }
        let ns = u128::from(interval_ns) * largest as u128 / self.waiting as u128;
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    /// The names of the keys that most items are of.
    fn with_most_items(&self) -> Vec<String> {
        let items = |key: &Key| key.waiting.len() + key.retrying + key.in_flight as usize;
        let mut keys: Vec<_> = self
            .keys
            .values()
            .map(|key| (items(key), &key.name))
            .filter(|(items, name)| *items > 0 && !name.is_empty())
            .collect();
        keys.sort_unstable_by(|one, other| other.cmp(one));
        keys.iter().take(NAMES).map(|(_, name)| name.to_string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pacer;
    use crate::plan::{Limits, Rate};
    use gaits_core::{Item, PacingKey};
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn pacer(limits: Limits, hosts: &[&str]) -> Pacer {
        let mut pacer = Pacer::new(1, limits, Box::new(|data| data.to_string().into()), 0);
        for (index, host) in (0..).zip(hosts) {
            pacer.admit(Item { key: PacingKey::of(host), ..Item::new(index, *host) });
        }
        pacer
    }

    #[test]
    fn rates_tell_what_an_item_takes_at_least() {
        let every = |ms| Some(Rate { interval: Duration::from_millis(ms), burst: NonZeroU32::MIN });
        let ms = |limits, hosts: &[&str]| pacer(limits, hosts).held(false).ns_per_item / 1_000_000;
        let (rate, total_rate) = (every(100), every(40));
        let hosts = ["a", "b", "a", "a"];
        assert_eq!(ms(Limits::default(), &hosts), 0);
        assert_eq!(ms(Limits { total_rate, ..Limits::default() }, &hosts), 40);
        assert_eq!(ms(Limits { rate, ..Limits::default() }, &hosts), 75, "three of four are of a");
        assert_eq!(ms(Limits { rate, ..Limits::default() }, &["a", "a"]), 100);
        assert_eq!(ms(Limits { rate, total_rate, ..Limits::default() }, &["a", "b", "c"]), 40);
    }

    #[test]
    fn it_ends_not_before_the_last_retry_and_the_last_pause() {
        let longest_pause = Some(Duration::from_hours(1));
        let mut pacer = pacer(Limits { longest_pause, ..Limits::default() }, &["a", "b"]);
        let first = pacer.next().unwrap();
        pacer.retry(Item { tries: 7, ..first }, 0);
        let due_us = pacer.retries.next_us().unwrap();
        assert_eq!(pacer.held(true).not_before_us, due_us);
        let second = pacer.next().unwrap();
        pacer.pause(second, 0, Some(100_000_000), None);
        assert_eq!(pacer.held(true).not_before_us, 100_000_000);
    }
}
