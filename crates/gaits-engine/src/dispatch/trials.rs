//! When the items of a dead worker process are tried again.
//!
//! Limit: which of them are tried together is for [`Suspects`](super::suspects::Suspects) to say.

use super::Dispatcher;
use gaits_core::{Item, PacingKey};

impl Dispatcher<'_> {
    /// A group of suspects, if one may be started now.
    pub(super) fn next_trial(&mut self, now_us: u64) -> Vec<Item> {
        let pacer = &mut self.pacer;
        let next = self.state.suspects.next(|group| {
            let from_us = *group.from_us.get_or_insert_with(|| pacer.book_trial(&group.items));
            from_us.max(pacer.left_alone_until_us(&group.items)) <= now_us
        });
        let mut items = next.unwrap_or_default();
        self.pacer.start_trial(&mut items);
        items
    }

    /// When a group of suspects may be started that may not be now, if nothing else happens.
    pub(super) fn trial_wakes_us(&self) -> Option<u64> {
        let from_us = |items: &[Item], from_us: Option<u64>| {
            from_us.unwrap_or(0).max(self.pacer.left_alone_until_us(items))
        };
        let groups = self.state.suspects.next_groups();
        groups.map(|group| from_us(&group.items, group.from_us)).min()
    }

    /// Leaves the suspects of a pacing key undone, since it was given up.
    pub(super) fn leave_suspects(&mut self, id: PacingKey) {
        for item in self.state.suspects.take(id) {
            self.pacer.leave_trial(&item);
        }
    }
}
