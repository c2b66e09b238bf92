//! How a run ended.

use crate::flow::ExecutorError;
use gaits_core::ItemError;
use std::io;

/// Why a run has ended early, of its own accord. Run again, it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// An item came to an end that all others would come to as well.
    Advised {
        /// The item, as records show it.
        item: String,
        /// How it failed.
        error: ItemError,
    },
    /// So many items have failed as are tolerated.
    Failures {
        /// The last of them, as records show it.
        item: String,
        /// How it failed.
        error: ItemError,
    },
    /// All is done but the items of these pacing keys, which want to be left alone for longer than is waited for.
    Paused {
        /// How many such keys there are.
        keys: u64,
        /// The one whose time comes first.
        key: String,
        /// For how long it is to be left alone from now on, in microseconds.
        for_us: u64,
    },
}

/// How a run ended that went to its end, or was stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunEnd {
    /// Items that went well.
    pub ok: u64,
    /// Items that failed.
    pub failed: u64,
    /// Items that were read but given back undone, because the run was stopped.
    pub given_back: u64,
    /// Whether its user stopped it before the end of its input.
    pub interrupted: bool,
    /// Why it has ended early, of its own accord.
    pub stopped: Option<Stopped>,
    /// How many tries failed and were followed by another.
    pub retries: u64,
    /// How often a pacing key has asked to be left alone.
    pub pauses: u64,
    /// How many of the model's workers were missing, for all of it or at its end: they could not be started, or gave up
    /// because no file descriptor was left for them.
    pub missing_workers: u64,
    /// How long it took, in microseconds, from the start of its workers to the last record written.
    pub wall_us: u64,
    /// For how much of that the process was stopped, as by Ctrl-Z, in microseconds.
    pub suspended_us: u64,
    /// How much of that passed before the first item was started, in microseconds; all of it where no worker did an item.
    pub startup_us: u64,
    /// How much of it passed after the last item was finished, in microseconds: its record was written, the results were
    /// brought to the disk.
    pub closing_us: u64,
}

/// Why a run could not go on. What was recorded until then is intact.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The work can't be set up: nothing was started.
    #[error(transparent)]
    Work(#[from] crate::works::WorkError),
    /// The [`Control`](crate::Control) has served another run.
    #[error("the control has served another run: each needs one of its own")]
    UsedControl,
    /// The workers can't go on.
    #[error(transparent)]
    Executor(ExecutorError),
    /// A sink takes no more records.
    #[error("records can't be written")]
    Sink {
        /// Which of the sinks it was, counted from 0.
        number: usize,
        /// What the system said.
        source: io::Error,
    },
    /// The input can't be read any further; what was read is done.
    #[error("the input can't be read to its end")]
    Source(#[source] io::Error),
    /// A thread of the run itself could not be started.
    #[error("can't start the {name} thread")]
    Thread {
        /// What it is for.
        name: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// An executor ended while items were still out: a defect of gaits.
    #[error("the workers ended with {items} items unaccounted for; please report this")]
    Lost {
        /// How many.
        items: usize,
    },
}
