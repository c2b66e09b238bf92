//! What becomes of the items of a worker process that has died.
//!
//! Limit: which of them are tried together is for [`Suspects`](super::suspects::Suspects) to say.

use super::Dispatcher;
use gaits_core::{ErrorKind, Item, ItemError, Record, WorkerId};

/// After so many workers that died while they were at nothing else, an item is given up.
const KILLS: u32 = 3;

impl Dispatcher<'_> {
    /// A worker process died: `dead` says which, and how. It was at the items `started`, and had those `unstarted`.
    pub(super) fn died(
        &mut self,
        started: Vec<Item>,
        unstarted: Vec<Item>,
        dead: (WorkerId, &str),
        now_us: u64,
        records: &mut Vec<Record>,
    ) {
        let (worker, how) = dead;
        let alone = started.len() == 1;
        let mut suspects = Vec::new();
        for mut item in started {
            item.deaths += 1;
            item.kills += u32::from(alone);
            if let Some(message) = Self::verdict(&item, how) {
                records.push(self.crashed(item, message, worker, now_us));
            } else if self.state.stopping {
                self.again(item);
            } else {
                suspects.push(item);
            }
        }
        self.pacer.taken_back(suspects.len());
        self.state.suspects.accuse(suspects);
        self.unstarted(unstarted);
    }

    /// Puts back what a dead worker had and had not started.
    fn unstarted(&mut self, mut items: Vec<Item>) {
        // The last one first, since each goes back before all others.
        items.sort_unstable_by_key(|item| std::cmp::Reverse(item.index));
        for item in items {
            self.again(item);
        }
    }

    /// Why an item that a worker was at when it died is not done again; none if it is.
    fn verdict(item: &Item, how: &str) -> Option<String> {
        if !item.repeatable {
            return Some(format!(
                "its worker process {how}: it may have been processed, so it is not done again"
            ));
        }
        (item.kills >= KILLS)
            .then(|| format!("{} worker processes died at it, the last one {how}", item.kills))
    }

    fn crashed(&mut self, item: Item, message: String, worker: WorkerId, now_us: u64) -> Record {
        self.pacer.finished(item.key, now_us);
        self.state.suspects.done(item.index);
        let deaths = item.deaths;
        let error = ItemError::new(ErrorKind::WorkerCrashed, message);
        Record::unperformed(item, error, deaths, Some(worker), now_us)
    }
}
