//! Which items have a record, how those fared, and what they were: enough to leave them out of a later run and to notice
//! that the input is another one, in about a bit for each item.

use gaits_core::{Data, Record, follower};
use roaring::RoaringTreemap;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use xxhash_rust::xxh3::xxh3_64;

/// So many consecutive indices share a sum. Fewer would make the checkpoint larger: 10⁷ items have 2,442 sums, 39 kB.
pub const BLOCK: u64 = 4096;

/// The items that have a record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Done {
    pub(super) recorded: RoaringTreemap,
    pub(super) failed: RoaringTreemap,
    pub(super) unsure: RoaringTreemap,
    /// For each block of indices, the sum of the [`place_hash`]es of those that have a record. A sum does not depend on
    /// the order in which items finished, so one number serves a block that is done in part as well.
    pub(super) sums: BTreeMap<u64, u64>,
}

impl Done {
    /// Takes in a record. Says no if its item has one already.
    pub fn add(&mut self, record: &Record) -> bool {
        if !self.recorded.insert(record.index) {
            return false;
        }
        if let Some(error) = record.error() {
            self.failed.insert(record.index);
            if error.may_have_been_processed() {
                self.unsure.insert(record.index);
            }
        }
        let sum = self.sums.entry(record.index / BLOCK).or_default();
        *sum = sum.wrapping_add(place_hash(record.index, &record.item));
        true
    }

    /// Whether the item has a record.
    #[must_use]
    pub fn contains(&self, index: u64) -> bool {
        self.recorded.contains(index)
    }

    /// The items that have a record.
    #[must_use]
    pub const fn recorded(&self) -> &RoaringTreemap {
        &self.recorded
    }

    /// How many items have a record.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.recorded.len()
    }

    /// Whether no item has a record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.recorded.is_empty()
    }

    /// The same, without the items that came out of the answers to others.
    #[must_use]
    pub fn of_input(mut self) -> Self {
        if let Some(first) = follower(0, 1) {
            for set in [&mut self.recorded, &mut self.failed, &mut self.unsure] {
                set.remove_range(first..);
            }
            self.sums.retain(|block, _| *block < first / BLOCK);
        }
        self
    }

    /// How many of them failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.len()
    }

    /// The highest index with a record.
    #[must_use]
    pub fn highest(&self) -> Option<u64> {
        self.recorded.max()
    }

    /// How many indices of a range have a record.
    #[must_use]
    pub fn count(&self, range: RangeInclusive<u64>) -> u64 {
        self.recorded.range_cardinality(range)
    }

    /// The sum of a block: of the [`place_hash`]es of its items that have a record.
    #[must_use]
    pub fn sum(&self, block: u64) -> u64 {
        self.sums.get(&block).copied().unwrap_or(0)
    }

    /// The failed ones that may be done again: those that nobody knows of whether they were done are among them only if
    /// `unsure` asks for it.
    #[must_use]
    pub fn to_retry(&self, unsure: bool) -> RoaringTreemap {
        if unsure { self.failed.clone() } else { &self.failed - &self.unsure }
    }

    /// How many failed because nobody knows whether they were done.
    #[must_use]
    pub fn unsure(&self) -> u64 {
        self.unsure.len()
    }
}

/// Stands for an item as records show it, whatever its place.
#[must_use]
pub fn item_hash(shown: &Data) -> u64 {
    xxh3_64(shown.as_bytes()) ^ u64::from(shown.as_text().is_none())
}

/// Stands for an item as records show it, at its place: two items that have changed places have other hashes.
#[must_use]
pub fn place_hash(index: u64, shown: &Data) -> u64 {
    mixed(item_hash(shown) ^ mixed(index))
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood, 2014): each bit of the input changes half of the output's.
const fn mixed(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use gaits_core::{ErrorKind, Item, ItemError};

    pub(crate) fn record(index: u64, item: &str, error: Option<ItemError>) -> Record {
        let failed = ItemError::new(ErrorKind::Cancelled, "");
        let mut record =
            Record::unperformed(Item::new(index, item), failed, 1, None, index * 10 + 1);
        record.outcome = error.map_or(gaits_core::Outcome::Ok, gaits_core::Outcome::Failed);
        record
    }

    #[test]
    fn the_order_of_records_does_not_matter_and_places_do() {
        let (mut one, mut other, mut swapped) = (Done::default(), Done::default(), Done::default());
        for (index, item) in [(0, "a"), (1, "b"), (2, "c")] {
            assert!(one.add(&record(index, item, None)));
        }
        for (index, item) in [(2, "c"), (0, "a"), (1, "b")] {
            assert!(other.add(&record(index, item, None)));
        }
        for (index, item) in [(0, "b"), (1, "a"), (2, "c")] {
            assert!(swapped.add(&record(index, item, None)));
        }
        assert_eq!(one, other);
        assert_ne!(one.sum(0), swapped.sum(0));
        assert!(!one.add(&record(1, "b", None)), "an item has one record");
        assert_eq!(one, other);
    }

    #[test]
    fn what_may_have_been_processed_is_retried_only_when_asked_for() {
        let mut done = Done::default();
        let unsure = format!("it {}", ItemError::MAY_HAVE_BEEN_PROCESSED);
        done.add(&record(3, "a", Some(ItemError::new(ErrorKind::Timeout, "late"))));
        done.add(&record(4, "b", Some(ItemError::new(ErrorKind::Cancelled, unsure))));
        done.add(&record(5, "c", None));
        assert_eq!(done.to_retry(false).iter().collect::<Vec<_>>(), [3]);
        assert_eq!(done.to_retry(true).iter().collect::<Vec<_>>(), [3, 4]);
        assert_eq!((done.len(), done.failed(), done.unsure()), (3, 2, 1));
        assert_eq!(done.highest(), Some(5));
        assert_eq!(done.count(4..=9), 2);
    }
}
