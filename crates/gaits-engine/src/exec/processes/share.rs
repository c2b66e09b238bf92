//! What the worker processes of a run do about each other: how much of the work each may hold, so that the first to ask does
//! not take what all of them could do; and which of them does a trial.

use gaits_core::{Item, PacingKey};
use std::cell::{Cell, RefCell};
use tokio::sync::Notify;

/// What the worker processes of a run hold together.
#[derive(Debug)]
pub(super) struct Share {
    processes: Cell<usize>,
    held: Cell<usize>,
    /// Trials that wait for a process that has nothing else.
    trials: RefCell<Vec<Vec<Item>>>,
    offered: Notify,
}

impl Share {
    /// For so many processes.
    pub(super) fn new(processes: usize) -> Self {
        Self {
            processes: Cell::new(processes),
            held: Cell::new(0),
            trials: RefCell::default(),
            offered: Notify::new(),
        }
    }

    /// The most items that one process may hold while `waiting` are held by none: an even part of all, and at least
    /// one.
    pub(super) fn of(&self, waiting: usize) -> usize {
        (waiting + self.held.get()).div_ceil(self.processes.get().max(1)).max(1)
    }

    /// A process was given items.
    pub(super) fn took(&self, items: usize) {
        self.held.set(self.held.get() + items);
    }

    /// Items were done or came back.
    pub(super) fn released(&self, items: usize) {
        self.held.set(self.held.get() - items);
    }

    /// Has a trial wait for the first process that has nothing else. Whoever offers it must take nothing more until it is
    /// taken: else all processes could be busy for ever. Gives its number.
    pub(super) fn offer(&self, trial: Vec<Item>) -> u64 {
        let number = number(&trial);
        self.trials.borrow_mut().push(trial);
        self.offered.notify_one();
        number
    }

    /// Whether the trial of this number waits.
    pub(super) fn offers(&self, trial: u64) -> bool {
        self.trials.borrow().iter().any(|items| number(items) == trial)
    }

    /// Whether the trial of this number waits, and has an item of `key`.
    pub(super) fn offers_of(&self, trial: u64, key: PacingKey) -> bool {
        let is_of =
            |items: &Vec<Item>| number(items) == trial && items.iter().any(|item| item.key == key);
        self.trials.borrow().iter().any(is_of)
    }

    /// Takes the trial of this number back, if it waits.
    pub(super) fn withdraw(&self, trial: u64) -> Vec<Item> {
        let mut trials = self.trials.borrow_mut();
        let at = trials.iter().position(|items| number(items) == trial);
        at.map_or_else(Vec::new, |at| trials.remove(at))
    }

    /// Waits for a trial: to be called for a process that has nothing else.
    pub(super) async fn trial(&self) -> Vec<Item> {
        loop {
            let offered = self.offered.notified();
            if let Some(trial) = self.trials.borrow_mut().pop() {
                return trial;
            }
            offered.await;
        }
    }

    /// A process is gone, for a while or for good.
    pub(super) fn left(&self) {
        self.processes.set(self.processes.get() - 1);
    }

    /// A process is there again.
    pub(super) fn joined(&self) {
        self.processes.set(self.processes.get() + 1);
    }
}

/// The number of a trial.
fn number(items: &[Item]) -> u64 {
    items.first().map_or(0, |item| item.trial)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn each_gets_an_even_part_and_never_nothing() {
        let share = Share::new(4);
        assert_eq!(share.of(100), 25);
        share.took(25);
        assert_eq!(share.of(75), 25, "what one has taken makes the parts no smaller");
        share.released(25);
        assert_eq!(share.of(2), 1);
        assert_eq!(share.of(0), 1);
        share.left();
        assert_eq!(share.of(75), 25);
        share.joined();
        assert_eq!(share.of(100), 25);
    }

    #[test]
    fn a_trial_waits_for_whoever_comes_first_and_can_be_taken_back() {
        let share = Share::new(2);
        let trial = |trial| vec![Item { trial, ..Item::new(7, "x") }];
        let first = share.offer(trial(1));
        assert!(share.offers(first));
        let (own, other) = (PacingKey::default(), PacingKey::of("other"));
        assert!(share.offers_of(first, own) && !share.offers_of(first, other));
        assert_eq!(share.trial().now_or_never().map(|items| items[0].trial), Some(first));
        assert!(!share.offers(first) && share.withdraw(first).is_empty());
        assert!(share.trial().now_or_never().is_none());
        let second = share.offer(trial(2));
        assert_eq!(share.withdraw(second).len(), 1);
        assert!(!share.offers(second));
    }
}
