//! Items of a dead worker process that are tried again in groups: they do not wait in the queues of their keys, but the limits
//! of their keys hold for them as well.
//!
//! Limit: which items are tried together, and when, is for the dispatcher to say. From their first start on they are counted
//! as in flight to their keys.

use super::Pacer;
use super::key::Key;
use gaits_core::{Item, PacingKey};
use std::collections::HashSet;

impl Pacer {
    /// Counts items that came back undone and are to be tried again by another way than [`Pacer::next`].
    pub(crate) fn taken_back(&mut self, items: usize) {
        self.outstanding -= items;
    }

    /// Books a start for each key of a group, and one of all keys: tells from when on all of them are allowed. They are booked
    /// ahead, or other items of the keys would take each start that is allowed before all are at the same time.
    pub(crate) fn book_trial(&mut self, items: &[Item]) -> u64 {
        let now_us = self.now_us;
        let mut from_us = self.total.as_mut().map_or(0, |total| total.book(now_us));
        let keys: HashSet<PacingKey> = items.iter().map(|item| item.key).collect();
        for id in keys {
            if let Some(key) = self.keys.get_mut(&id) {
                from_us = from_us.max(key.book(now_us));
            }
            // Another item of the key may have been about to go.
            self.schedule(id);
        }
        from_us
    }

    /// Until when one of the keys of a group is to be left alone.
    pub(crate) fn left_alone_until_us(&self, items: &[Item]) -> u64 {
        let of_keys = items.iter().filter_map(|item| self.keys.get(&item.key));
        of_keys.map(Key::left_alone_until_us).max().unwrap_or(0)
    }

    /// Counts a group that is handed out: also those starts that were not booked, where several items are of one key. The
    /// others of the key wait for so much longer.
    pub(crate) fn start_trial(&mut self, items: &mut [Item]) {
        let now_us = self.now_us;
        let mut booked = HashSet::new();
        for item in &mut *items {
            let is_booked = booked.insert(item.key);
            if let Some(key) = self.keys.get_mut(&item.key) {
                if !is_booked {
                    key.book(now_us);
                }
                key.started(now_us);
                item.apart_us = key.apart_us;
            }
            self.schedule(item.key);
        }
        if let Some(total) = &mut self.total {
            items.iter().skip(1).for_each(|_| total.start(now_us));
        }
        self.outstanding += items.len();
    }

    /// Leaves an item undone that was taken back, since its key was given up.
    pub(crate) fn leave_trial(&mut self, item: &Item) {
        self.release(item.key);
        self.leave(item.index);
    }

    /// Whether a key wants to be left alone for longer than is waited for.
    pub(crate) fn is_given_up(&self, id: PacingKey) -> bool {
        self.keys.get(&id).is_some_and(|key| key.given_up)
    }
}
