//! What comes to the dispatcher: reports of workers, entries of the source, signals.
//!
//! Waking a sleeping thread costs more than most items do, so a worker that drops a report wakes the reader only
//! when that is worth it: at the first report after a quiet time, when a batch is full, and when the worker itself
//! has nothing left to do. In between, the reader looks by itself every millisecond.

use super::ExecutorError;
use super::sync::{Condvar, Mutex, MutexGuard};
use gaits_core::{Advice, Entry, Item, ItemError, PacingKey, Record, WorkerId};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::PoisonError;
use std::time::Duration;

/// A full batch: the reader is woken at once.
const FULL: usize = 128;
/// How long reports may lie while others are coming in.
const LINGER: Duration = Duration::from_millis(1);

/// What an executor says of items it was given; each item that was handed out comes back exactly once.
#[derive(Debug)]
pub(crate) enum Report {
    /// It is finished.
    Done {
        /// What is written about it.
        record: Record,
        /// The item's pacing key.
        key: PacingKey,
    },
    /// It has failed, and the work advises to do something about that.
    Advised {
        /// What is written about it, if this was the end of it.
        record: Record,
        /// What the work advises.
        advice: Advice,
        /// The item, to be tried again.
        item: Box<Item>,
    },
    /// It was not started; nothing was lost.
    Unstarted(Item),
    /// Its worker ran out of file descriptors before it could try, and has retired to make room for the others.
    Exhausted(Item, ItemError),
    /// A worker process was at some items for too long, and was replaced.
    Overdue {
        /// Those.
        overdue: Vec<Item>,
        /// What it was at as well.
        started: Vec<Item>,
        /// What it had, and had not started; nothing was lost.
        unstarted: Vec<Item>,
        /// How many of its workers were missing. The process that takes its place has all of them.
        missing: usize,
        /// The process.
        worker: WorkerId,
    },
    /// A worker process died.
    Died {
        /// What it was at.
        started: Vec<Item>,
        /// What it had, and had not started; nothing was lost.
        unstarted: Vec<Item>,
        /// How many of its workers were missing. The process that takes its place has all of them.
        missing: usize,
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
    /// A worker process was at an item for longer than the deadline allows; another takes its place.
    WorkerOverdue {
        /// Process id of the worker.
        pid: u32,
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
    /// A pacing key wants some time between two of its items, and gets it.
    SpacedOut {
        /// The key.
        key: String,
        /// The time between the starts of two, in microseconds.
        apart_us: u64,
    },
    /// A host, or whatever else the work paces together, is asked for fewer items at a time than there are workers, since
    /// it belongs to others.
    Polite {
        /// How many are in flight to one at most.
        in_flight: u32,
    },
    /// A pacing key wants to be left alone, and is.
    Paused {
        /// The key.
        key: String,
        /// For how long, in microseconds.
        for_us: u64,
    },
    /// A pacing key that has asked for several pauses has let so many items through, its pauses included. Told once in a
    /// run.
    LetsThrough {
        /// The key.
        key: String,
        /// How many items it has let through.
        items: u64,
        /// In how long, in microseconds.
        in_us: u64,
    },
    /// A pacing key wants to be left alone for longer than is waited for: its items stay undone.
    GivenUp {
        /// The key.
        key: String,
        /// For how long, in microseconds.
        for_us: u64,
    },
    /// The run ends early, of its own accord: what was started is finished first.
    StoppingEarly {
        /// How many items are still at work.
        in_flight: usize,
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
    /// A sink takes no more records.
    SinkFailed,
    /// Some items are not wanted any more.
    Withdraw(Withdrawal),
    /// The executor has returned.
    ExecutorEnded(Result<(), ExecutorError>),
}

/// Items that are not to be done after all, if nobody has started them.
pub(crate) struct Withdrawal {
    /// The items.
    pub(crate) indices: Vec<u64>,
    /// Hears which of them were taken out.
    pub(crate) told: Box<dyn FnOnce(Vec<u64>) + Send>,
}

impl std::fmt::Debug for Withdrawal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Withdrawal").field("indices", &self.indices).finish_non_exhaustive()
    }
}

/// How long the reader is willing to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until something comes.
    Long,
    /// The same, for so long at most, and perhaps less.
    AtMost(Duration),
    /// Things are coming in: a millisecond, or until a batch is full.
    Short,
}

/// What was in the event queue.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) reports: Vec<Report>,
    /// Whether the work advises something in one of them.
    pub(crate) advised: bool,
    pub(crate) notices: Vec<Notice>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) entries: Vec<Entry>,
    /// Set when the source has ended, after its last entries.
    pub(crate) source_end: Option<io::Result<()>>,
}

/// The queue of everything that comes to the dispatcher, or to the relay of a worker process.
#[derive(Debug)]
pub(crate) struct EventQueue {
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
    waiting: Option<Patience>,
    /// A worker has nothing to do until its report is read.
    urgent: bool,
    closed: bool,
}

impl State {
    /// Whether the reader, as it waits now, should be woken.
    fn worth_waking(&self, urgent: bool) -> bool {
        match self.waiting {
            None => false,
            Some(Patience::Long | Patience::AtMost(_)) => true,
            Some(Patience::Short) => urgent || self.held.reports.len() >= FULL,
        }
    }
}

impl Default for EventQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl EventQueue {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State::default()), arrived: Condvar::new(), room: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing inside the lock can panic half-way, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, urgent: bool, put: impl FnOnce(&mut Batch)) {
        let mut state = self.lock();
        put(&mut state.held);
        self.wake(state, urgent);
    }

    /// Lets go of the lock, and wakes the reader if that is worth it.
    fn wake(&self, mut state: MutexGuard<'_, State>, urgent: bool) {
        if state.worth_waking(urgent) {
            state.waiting = None;
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// Takes a report. Never waits: there are at most as many as items were handed out.
    pub(crate) fn report(&self, report: Report) {
        // What is advised may be to stop at once.
        let urgent = matches!(report, Report::Advised { .. });
        self.put(urgent, |held| {
            held.reports.push(report);
            held.advised |= urgent;
        });
    }

    /// Takes several reports.
    pub(crate) fn reports(&self, reports: Vec<Report>) {
        let urgent = reports.iter().any(|report| matches!(report, Report::Advised { .. }));
        self.put(urgent, |held| {
            held.reports.extend(reports);
            held.advised |= urgent;
        });
    }

    /// Says that a worker has nothing to do: if a report lies here, the reader should see it now.
    pub(crate) fn idle(&self) {
        let mut state = self.lock();
        if !state.held.reports.is_empty() {
            state.urgent = true;
            self.wake(state, true);
        }
    }

    /// Takes a notice for the user.
    pub(crate) fn notice(&self, notice: Notice) {
        self.put(true, |held| held.notices.push(notice));
    }

    /// How many notices have not been read.
    pub(crate) fn notices(&self) -> usize {
        self.lock().held.notices.len()
    }

    /// Takes a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.put(true, |held| held.signals.push(signal));
    }

    /// Takes the wish that items are not done. It is dropped when nobody reads any more.
    pub(crate) fn withdraw(&self, withdrawal: Withdrawal) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.held.signals.push(Signal::Withdraw(withdrawal));
        self.wake(state, true);
    }

    /// Takes entries of the source once the last ones are gone; false when nobody wants any more.
    pub(crate) fn entries(&self, entries: &mut Vec<Entry>) -> bool {
        let mut state = self.lock();
        while !state.held.entries.is_empty() && !state.closed {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            // They were read, and are among those that nobody will do.
            state.held.entries.append(entries);
            return false;
        }
        std::mem::swap(&mut state.held.entries, entries);
        if state.wants_entries {
            self.wake(state, true);
        }
        true
    }

    /// Takes the end of the source.
    pub(crate) fn source_end(&self, end: io::Result<()>) {
        self.put(true, |held| held.source_end = Some(end));
    }

    /// The entries of the source that nobody has read.
    pub(crate) fn unread(&self) -> Vec<Entry> {
        std::mem::take(&mut self.lock().held.entries)
    }

    /// Nobody will read any more: the source's thread is let go.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let signals = std::mem::take(&mut state.held.signals);
        let (unheard, kept) =
            signals.into_iter().partition(|signal| matches!(signal, Signal::Withdraw(_)));
        state.held.signals = kept;
        drop(state);
        // What they hold may do anything when it is dropped, so not under the lock.
        drop::<Vec<_>>(unheard);
        self.room.notify_all();
    }

    /// Moves what is there into `batch`, whose lists must be empty, and waits for it if there is nothing. With
    /// any patience but [`Patience::Long`] it may come back with nothing. Entries stay where they are unless `wants_entries`.
    pub(crate) fn collect(&self, batch: &mut Batch, patience: Patience, wants_entries: bool) {
        let mut state = self.lock();
        state.wants_entries = wants_entries;
        match patience {
            Patience::Long => {
                while !Self::readable(&state) {
                    // Anew each time: whoever woke the reader has taken the note back, and may have brought nothing
                    // that can be read now.
                    state.waiting = Some(Patience::Long);
                    state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
            Patience::AtMost(longest) => {
                if !Self::readable(&state) {
                    state.waiting = Some(patience);
                    let waited = self.arrived.wait_timeout(state, longest);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
            Patience::Short if !Self::pressing(&state) => {
                state.waiting = Some(Patience::Short);
                state = self
                    .arrived
                    .wait_timeout(state, LINGER)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            Patience::Short => {}
        }
        state.waiting = None;
        state.urgent = false;
        state.held.advised = false;
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

    /// Whether there is anything the reader may take.
    fn readable(state: &State) -> bool {
        let held = &state.held;
        !held.reports.is_empty() || Self::pressing(state)
    }

    /// Whether there is something for which the reader should not linger.
    fn pressing(state: &State) -> bool {
        let held = &state.held;
        state.urgent
            || held.advised
            || held.reports.len() >= FULL
            || !held.notices.is_empty()
            || !held.signals.is_empty()
            || (state.wants_entries && (!held.entries.is_empty() || held.source_end.is_some()))
    }
}
