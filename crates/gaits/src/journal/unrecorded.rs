//! The items that may not be done twice, from the time when they are read to their record.
//!
//! Limit: it keeps them in memory only; `started.rs` of the engine writes them down.

use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, VecDeque};

/// Items that have no record.
#[derive(Debug, Default)]
pub(super) struct Unrecorded {
    items: FxHashMap<u64, Item>,
    /// How many of them are out.
    out: usize,
    /// How many of them are ahead and not out.
    due: usize,
    /// The indices of those that were read, in their order. Some may be ahead or recorded by now: they are passed over when they are
    /// come across.
    fresh: VecDeque<u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Item {
    hash: u64,
    /// It was handed out, in this run or in an earlier one.
    is_out: bool,
    /// An earlier run has handed it out, and nobody knows what became of it.
    is_unsure: bool,
    /// It is on the disk that it may go out.
    is_ahead: bool,
}

/// So many at least are put ahead with an item, so that a host whose items wait for each other does not have each of them synced.
const LEAST_AHEAD: usize = 8;

/// So many of those that were read are kept before those are looked for that are ahead or recorded by now.
const LEAST_FRESH: usize = 1_024;

impl Unrecorded {
    /// Those that earlier runs have handed out, with their hashes.
    pub(super) fn of_earlier(items: &BTreeMap<u64, u64>) -> Self {
        let out = |(index, hash): (&u64, &u64)| {
            (*index, Item { hash: *hash, is_out: true, is_unsure: true, is_ahead: true })
        };
        Self { items: items.iter().map(out).collect(), out: items.len(), ..Self::default() }
    }

    /// Takes in an item that was read.
    pub(super) fn read(&mut self, index: u64, hash: u64) {
        let item = self.items.entry(index).or_default();
        item.hash = hash;
        if item.is_ahead {
            return;
        }
        if self.fresh.len() >= 2 * self.items.len() + LEAST_FRESH {
            self.fresh.retain(|index| self.items.get(index).is_some_and(|item| !item.is_ahead));
        }
        // As a rule it is the last one.
        let place = match self.fresh.back() {
            Some(last) if *last >= index => self.place_of(index),
            _ => self.fresh.len(),
        };
        self.fresh.insert(place, index);
    }

    /// Takes for such as may go out what of `next` is not, and others that were read, those behind them first; gives their hashes. Of such
    /// others there are about twice as many as `a_second` at most, however often this is asked for.
    pub(super) fn put_ahead(&mut self, next: &[u64], a_second: usize) -> Vec<(u64, u64)> {
        let room = (2 * a_second).saturating_sub(self.due).min(a_second).max(LEAST_AHEAD);
        let from = next.iter().max().map_or(0, |last| last + 1);
        let mut ahead = Vec::with_capacity(next.len() + room);
        for index in next {
            ahead.extend(self.put(*index));
        }
        let most = ahead.len() + room;
        for (from, to) in [(from, u64::MAX), (0, from)] {
            let (start, end) = (self.place_of(from), self.place_of(to));
            let mut taken = 0;
            while ahead.len() < most && start + taken < end {
                ahead.extend(self.put(self.fresh[start + taken]));
                taken += 1;
            }
            self.fresh.drain(start..start + taken);
        }
        ahead
    }

    /// Where an index stands in [`fresh`](Self::fresh), or would.
    fn place_of(&self, index: u64) -> usize {
        self.fresh.partition_point(|other| *other < index)
    }

    fn put(&mut self, index: u64) -> Option<(u64, u64)> {
        let item = self.items.get_mut(&index).filter(|item| !item.is_ahead)?;
        item.is_ahead = true;
        self.due += usize::from(!item.is_out);
        Some((index, item.hash))
    }

    /// Notes that an item goes out; gives its hash, and whether it is on the disk that it may.
    pub(super) fn goes_out(&mut self, index: u64) -> (u64, bool) {
        let item = self.items.entry(index).or_default();
        if !item.is_out {
            self.out += 1;
            self.due -= usize::from(item.is_ahead);
        }
        item.is_out = true;
        (item.hash, item.is_ahead)
    }

    /// Whether it may be said of an item that it did not go out. What this run knows of it says nothing of an earlier one.
    pub(super) fn may_come_back(&self, index: u64) -> bool {
        self.items.get(&index).is_some_and(|item| !item.is_unsure)
    }

    /// Notes that an item did not go out after all.
    pub(super) fn comes_back(&mut self, index: u64) {
        if let Some(item) = self.items.get_mut(&index) {
            if item.is_out {
                self.out -= 1;
                self.due += usize::from(item.is_ahead);
            }
            item.is_out = false;
        }
    }

    /// Forgets an item, which has a record now.
    pub(super) fn is_recorded(&mut self, index: u64) {
        if !self.items.is_empty()
            && let Some(item) = self.items.remove(&index)
        {
            self.out -= usize::from(item.is_out);
            self.due -= usize::from(item.is_ahead && !item.is_out);
        }
    }

    /// Whether an item is out.
    pub(super) fn has_out(&self) -> bool {
        self.out > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_run_has_handed_out_stays_out_until_it_has_a_record() {
        let mut items = Unrecorded::of_earlier(&BTreeMap::from([(7, 70)]));
        items.read(7, 70);
        items.goes_out(7);
        items.goes_out(8);
        assert_eq!([7, 8, 9].map(|index| items.may_come_back(index)), [false, true, false]);
        items.comes_back(8);
        assert!(items.has_out());
        items.is_recorded(7);
        assert!(!items.has_out());
    }

    #[test]
    fn what_goes_out_is_ahead_with_what_was_read_behind_it() {
        let mut items = Unrecorded::of_earlier(&BTreeMap::from([(7, 70)]));
        for index in (1..=6).chain(8..=100) {
            items.read(index, index * 10);
        }
        let indices = |items: &mut Unrecorded, next: &[u64], a_second| {
            let ahead = items.put_ahead(next, a_second);
            assert!(ahead.iter().all(|(index, hash)| *hash == index * 10));
            ahead.into_iter().map(|(index, _)| index).collect::<Vec<_>>()
        };
        let first = indices(&mut items, &[5, 4], 10);
        assert_eq!(first, [5, 4, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        let is_ahead = |index| items.items[&index].is_ahead;
        assert!([7, 16, 4].into_iter().all(is_ahead) && !is_ahead(17));
        for index in [4, 5, 6] {
            items.goes_out(index);
        }
        // There is room for one second more, and then for the least.
        assert_eq!(indices(&mut items, &[50], 10).len(), 11);
        assert_eq!(indices(&mut items, &[70], 10).len(), 1 + LEAST_AHEAD);
        assert_eq!(indices(&mut items, &[100], 10)[..4], [100, 1, 2, 3], "none is behind it");
        for index in 1..=100 {
            items.goes_out(index);
            items.is_recorded(index);
        }
        assert_eq!((items.due, items.items.len(), items.has_out()), (0, 0, false));
    }

    #[test]
    fn what_was_read_is_kept_in_order_and_what_is_done_with_is_forgotten() {
        let mut items = Unrecorded::default();
        for index in [5, 9, 7, 7, 1] {
            items.read(index, index);
        }
        assert_eq!(items.fresh, [1, 5, 7, 7, 9]);
        items.is_recorded(5);
        let ahead = items.put_ahead(&[7], 10).into_iter().map(|(index, _)| index);
        assert_eq!(ahead.collect::<Vec<_>>(), [7, 9, 1]);
        for index in 10..100_000 {
            items.read(index, index);
            items.is_recorded(index);
        }
        assert!(items.fresh.len() <= LEAST_FRESH + 10, "{} are kept", items.fresh.len());
    }

    #[test]
    fn items_are_out_until_they_come_back_or_have_a_record() {
        let mut items = Unrecorded::of_earlier(&BTreeMap::from([(7, 70)]));
        assert!(items.has_out());
        items.is_recorded(7);
        assert!(!items.has_out());
        items.read(1, 10);
        items.read(2, 20);
        assert!(!items.has_out());
        assert_eq!([1, 2, 3].map(|index| items.goes_out(index).0), [10, 20, 0]);
        // Twice is once.
        assert_eq!(items.goes_out(1), (10, false));
        items.comes_back(1);
        items.comes_back(1);
        items.is_recorded(2);
        assert!(items.has_out());
        items.is_recorded(3);
        assert!(!items.has_out());
        assert_eq!(items.goes_out(1).0, 10, "its hash is known until it has a record");
        items.is_recorded(1);
        assert!(!items.has_out());
        assert_eq!(items.items.len(), 0);
    }
}
