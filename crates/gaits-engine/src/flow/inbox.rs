//! What comes to the dispatcher: reports of workers, entries of the source, signals.
//!
//! Whoever brings something wakes the reader if it sleeps. While it is busy, what comes piles up, and it takes all of that
//! together.

use super::ExecutorError;
use gaits_core::{Entry, Item, ItemError, Record, Retry, WorkerId};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What an executor says of items it was given; each item that was handed out comes back exactly once.
#[derive(Debug)]
pub(crate) enum Report {
    /// It is finished.
    Done {
        /// What is written about it.
        record: Record,
        /// Whether and when it may be tried again, if it failed.
        retry: Option<Retry>,
    },
    /// It was not started; nothing was lost.
    Unstarted(Item),
    /// Its worker ran out of file descriptors before it could try, and has retired to make room for the others.
    Exhausted(Item, ItemError),
    /// A worker process died.
    Died {
        /// What it was at.
        started: Vec<Item>,
        /// What it had, and had not started; nothing was lost.
        unstarted: Vec<Item>,
        /// The dead worker.
        worker: WorkerId,
        /// How it died, as in "was killed by signal 9 (SIGKILL)".
        how: String,
    },
}

/// Something worth telling the user at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Notice {
    /// The work has something to tell about itself. It is told once, however many processes say it.
    WorkSaid {
        /// A sentence.
        line: String,
    },
    /// A session panicked while it was closed. No item is lost by that.
    SessionNotClosed {
        /// What the panic said.
        why: String,
    },
    /// A worker process wrote this line to its standard error.
    WorkerSaid {
        /// Process id of the worker.
        pid: u32,
        /// The line, without its end.
        line: String,
    },
    /// A worker process died and is started anew.
    WorkerDied {
        /// Process id of the worker.
        pid: u32,
        /// How it died, as in "was killed by signal 9 (SIGKILL)".
        how: String,
    },
    /// Some workers could not be started; the run goes on with the others.
    WorkersNotStarted {
        /// How many.
        workers: usize,
        /// What the system said.
        why: String,
    },
    /// File descriptors ran out, so the run goes on with fewer workers.
    FewerWorkers {
        /// How many are left.
        left: usize,
        /// What could not be done.
        why: String,
    },
    /// The run is being stopped: what was started is finished first.
    Stopping {
        /// How many items are still at work.
        in_flight: usize,
    },
}

/// What happens to the run as a whole.
#[derive(Debug)]
pub(crate) enum Signal {
    /// Stop taking items in, finish what is in flight.
    Interrupt,
    /// Stop at once.
    Abandon,
    /// The executor has returned.
    ExecutorEnded(Result<(), ExecutorError>),
}

/// What was in the inbox.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) reports: Vec<Report>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) entries: Vec<Entry>,
    /// Set when the source has ended, after its last entries.
    pub(crate) source_end: Option<io::Result<()>>,
}

/// The queue of everything that comes to the dispatcher, or to the relay of a worker process.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    /// The reader waits here.
    arrived: Condvar,
    /// The source's thread waits here for its last entries to be taken.
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    held: Batch,
    /// Whether the reader takes entries of the source now.
    wants_entries: bool,
    /// Whether the reader sleeps.
    sleeps: bool,
    closed: bool,
}

impl State {
    /// Whether there is anything the reader may take.
    fn is_readable(&self) -> bool {
        let held = &self.held;
        !held.reports.is_empty()
            || !held.notices.is_empty()
            || !held.signals.is_empty()
            || (self.wants_entries && (!held.entries.is_empty() || held.source_end.is_some()))
    }
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing inside the lock can panic half-way, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, put: impl FnOnce(&mut Batch)) {
        let mut state = self.lock();
        put(&mut state.held);
        self.wake(state);
    }

    /// Wakes the reader if it sleeps and may take what is there.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        if state.sleeps && state.is_readable() {
            state.sleeps = false;
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// Takes a report. Never waits: there are at most as many as items were handed out.
    pub(crate) fn report(&self, report: Report) {
        self.put(|held| held.reports.push(report));
    }

    /// Takes several reports.
    pub(crate) fn reports(&self, reports: impl IntoIterator<Item = Report>) {
        self.put(|held| held.reports.extend(reports));
    }

    /// Takes a notice for the user.
    pub(crate) fn notice(&self, notice: Notice) {
        self.put(|held| held.notices.push(notice));
    }

    /// How many notices have not been read.
    pub(crate) fn notices(&self) -> usize {
        self.lock().held.notices.len()
    }

    /// Takes a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.put(|held| held.signals.push(signal));
    }

    /// Takes entries of the source once the last ones are gone; false when nobody wants any more.
    pub(crate) fn entries(&self, entries: &mut Vec<Entry>) -> bool {
        let mut state = self.lock();
        while !state.held.entries.is_empty() && !state.closed {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return false;
        }
        std::mem::swap(&mut state.held.entries, entries);
        self.wake(state);
        true
    }

    /// Takes the end of the source.
    pub(crate) fn source_end(&self, end: io::Result<()>) {
        self.put(|held| held.source_end = Some(end));
    }

    /// Nobody will read any more: the source's thread is let go.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
    }

    /// Moves what is there into `batch`, whose lists must be empty, and waits for it if there is nothing. Entries stay where
    /// they are unless `wants_entries`.
    pub(crate) fn collect(&self, batch: &mut Batch, wants_entries: bool) {
        let mut state = self.lock();
        state.wants_entries = wants_entries;
        while !state.is_readable() {
            state.sleeps = true;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.sleeps = false;
        std::mem::swap(&mut state.held.reports, &mut batch.reports);
        std::mem::swap(&mut state.held.notices, &mut batch.notices);
        std::mem::swap(&mut state.held.signals, &mut batch.signals);
        if wants_entries {
            std::mem::swap(&mut state.held.entries, &mut batch.entries);
            if state.held.entries.is_empty() {
                batch.source_end = state.held.source_end.take();
            }
            drop(state);
            self.room.notify_one();
        }
    }
}
