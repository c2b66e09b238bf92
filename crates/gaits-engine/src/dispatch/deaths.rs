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
            } else if self.state.stopping || self.pacer.is_given_up(item.key) {
                self.again(item);
            } else {
                suspects.push(item);
            }
        }
        self.pacer.taken_back(suspects.len());
        self.state.suspects.accuse(suspects);
        self.unstarted(unstarted);
    }

    /// A worker process was replaced because it was at the items `overdue` for too long. The others that it was at have
    /// nothing to do with that.
    pub(super) fn overdue(
        &mut self,
        overdue: Vec<Item>,
        started: Vec<Item>,
        unstarted: Vec<Item>,
        worker: WorkerId,
        now_us: u64,
        records: &mut Vec<Record>,
    ) {
        let limit = self.limits.deadline.unwrap_or_default();
        for item in overdue {
            let error = ItemError::new(
                ErrorKind::Timeout,
                format!("still at work after {limit:?}: its worker process was replaced"),
            );
            let attempts = item.attempt();
            records.push(self.without_answer(item, error, attempts, worker, now_us));
        }
        for item in started {
            if item.repeatable {
                self.again(item);
            } else {
                let how = "was replaced because of another item";
                let message = Self::verdict(&item, how).unwrap_or_default();
                records.push(self.crashed(item, message, worker, now_us));
            }
        }
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
                "its worker process {how}: it {}, so it is not done again",
                ItemError::MAY_HAVE_BEEN_PROCESSED
            ));
        }
        (item.kills >= KILLS)
            .then(|| format!("{} worker processes died at it, the last one {how}", item.kills))
    }

    fn crashed(&mut self, item: Item, message: String, worker: WorkerId, now_us: u64) -> Record {
        let attempts = item.tries + item.deaths;
        let error = ItemError::new(ErrorKind::WorkerCrashed, message);
        self.without_answer(item, error, attempts, worker, now_us)
    }

    /// The record of an item that was started, and of which its worker will say nothing any more.
    fn without_answer(
        &mut self,
        item: Item,
        error: ItemError,
        attempts: u32,
        worker: WorkerId,
        now_us: u64,
    ) -> Record {
        self.pacer.finished(item.key, now_us);
        self.state.suspects.done(item.index);
        let record = Record::unperformed(item, error, attempts, Some(worker), now_us);
        self.with_tries(record)
    }
}
