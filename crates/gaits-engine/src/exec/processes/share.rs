//! How much of the work each process may hold, so that the first to ask does not take what all of them could do.

use std::cell::Cell;

/// What the worker processes of a run hold together.
#[derive(Debug)]
pub(super) struct Share {
    processes: Cell<usize>,
    held: Cell<usize>,
}

impl Share {
    /// For so many processes.
    pub(super) fn new(processes: usize) -> Self {
        Self { processes: Cell::new(processes), held: Cell::new(0) }
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

    /// A process is gone, for a while or for good.
    pub(super) fn left(&self) {
        self.processes.set(self.processes.get() - 1);
    }

    /// A process is there again.
    pub(super) fn joined(&self) {
        self.processes.set(self.processes.get() + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
