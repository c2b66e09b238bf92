//! The items that may not be done twice, from the time when they are read to their record.
//!
//! Limit: it keeps them in memory only; `started.rs` of the engine writes them down.

use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Items that have no record.
#[derive(Debug, Default)]
pub(super) struct Unrecorded {
    items: FxHashMap<u64, Item>,
    /// How many of them are out.
    out: usize,
    /// Behind the last one that was read.
    read_to: u64,
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

/// Among so many indices at most are those looked for that may go out next.
const LOOKED_AT: u64 = 16 * 1024;

impl Unrecorded {
    /// Those that earlier runs have handed out, with their hashes.
    pub(super) fn of_earlier(items: &BTreeMap<u64, u64>) -> Self {
        let out = |(index, hash): (&u64, &u64)| {
            (*index, Item { hash: *hash, is_out: true, is_unsure: true, is_ahead: true })
        };
        Self { items: items.iter().map(out).collect(), out: items.len(), read_to: 0 }
    }

    /// Takes in an item that was read.
    pub(super) fn read(&mut self, index: u64, hash: u64) {
        self.items.entry(index).or_default().hash = hash;
        self.read_to = self.read_to.max(index + 1);
    }

    /// Whether it is on the disk of each of `next` that it may go out.
    pub(super) fn are_ahead(&self, next: &[u64]) -> bool {
        next.iter().all(|index| self.items.get(index).is_some_and(|item| item.is_ahead))
    }

    /// Takes for such as may go out what of `next` is not, and then as many as `more` that were read and come behind; gives their
    /// hashes.
    pub(super) fn put_ahead(&mut self, next: &[u64], more: usize) -> Vec<(u64, u64)> {
        let mut put = |index| {
            let item = self.items.get_mut(&index).filter(|item| !item.is_ahead)?;
            item.is_ahead = true;
            Some((index, item.hash))
        };
        let mut ahead: Vec<_> = next.iter().filter_map(|index| put(*index)).collect();
        let from = next.iter().max().map_or(0, |last| last + 1);
        let to = self.read_to.min(from + LOOKED_AT);
        ahead.extend((from..to).filter_map(put).take(more));
        ahead
    }

    /// Notes that an item goes out; gives its hash.
    pub(super) fn goes_out(&mut self, index: u64) -> u64 {
        let item = self.items.entry(index).or_default();
        self.out += usize::from(!item.is_out);
        item.is_out = true;
        item.hash
    }

    /// Whether it may be said of an item that it did not go out. What this run knows of it says nothing of an earlier one.
    pub(super) fn may_come_back(&self, index: u64) -> bool {
        self.items.get(&index).is_some_and(|item| !item.is_unsure)
    }

    /// Notes that an item did not go out after all.
    pub(super) fn comes_back(&mut self, index: u64) {
        if let Some(item) = self.items.get_mut(&index) {
            self.out -= usize::from(item.is_out);
            item.is_out = false;
        }
    }

    /// Forgets an item, which has a record now.
    pub(super) fn is_recorded(&mut self, index: u64) {
        if !self.items.is_empty()
            && let Some(item) = self.items.remove(&index)
        {
            self.out -= usize::from(item.is_out);
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
        for index in [1, 2, 3, 5, 6, 8] {
            items.read(index, index * 10);
        }
        assert_eq!(items.put_ahead(&[2, 1], 2), [(2, 20), (1, 10), (3, 30), (5, 50)]);
        assert!(items.are_ahead(&[2, 5]) && !items.are_ahead(&[5, 6]));
        assert_eq!(items.put_ahead(&[5, 6], 9), [(6, 60), (8, 80)], "and 7 was before");
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
        assert_eq!([1, 2, 3].map(|index| items.goes_out(index)), [10, 20, 0]);
        // Twice is once.
        assert_eq!(items.goes_out(1), 10);
        items.comes_back(1);
        items.comes_back(1);
        items.is_recorded(2);
        assert!(items.has_out());
        items.is_recorded(3);
        assert!(!items.has_out());
        assert_eq!(items.goes_out(1), 10, "its hash is known until it has a record");
        items.is_recorded(1);
        assert!(!items.has_out());
        assert_eq!(items.items.len(), 0);
    }
}
