//! What is written about one finished item.

mod form;

use crate::{Data, Detail, Item, ItemError, Performed, Value};
use serde::{Deserialize, Serialize};

/// Who did an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkerId {
    /// The process.
    pub pid: u32,
    /// The kernel thread; equals `pid` on a process's main thread.
    pub tid: u32,
    /// The in-flight slot of the thread's event loop, counted from 0; 0 on a plain thread or process.
    pub slot: u32,
}

/// When an item was queued, started and finished, in microseconds since the run began, and what it cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timing {
    /// When the item was to be started, where items arrive at a rate of their own, however long others take.
    pub due_us: Option<u64>,
    /// When the dispatcher queued the item for the workers.
    pub queued_us: u64,
    /// When its worker started it, stamped there.
    pub started_us: u64,
    /// When its worker had finished it, stamped there.
    pub finished_us: u64,
    /// CPU time its worker's thread spent on it, in microseconds. On an event loop that holds several items: the
    /// time during which the loop was busy with this one.
    pub cpu_us: u64,
}

impl Timing {
    /// How long the item waited to be started, in microseconds.
    #[must_use]
    pub const fn queue_us(&self) -> u64 {
        self.started_us.saturating_sub(self.queued_us)
    }

    /// Whether the item was finished after it was started, and within ten years of the beginning of its run.
    #[must_use]
    pub const fn is_possible(&self) -> bool {
        const TEN_YEARS_US: u64 = 10 * 365 * 86_400_000_000;
        self.started_us <= self.finished_us && self.finished_us <= TEN_YEARS_US
    }

    /// How long the item took at its worker, in microseconds.
    #[must_use]
    pub const fn at_work_us(&self) -> u64 {
        self.finished_us.saturating_sub(self.started_us)
    }

    /// How long the item took, in microseconds: at its worker, or from the moment when it was to be started, where there is
    /// such a one. Whoever has to wait for a worker then waits, and that counts.
    #[must_use]
    pub const fn latency_us(&self) -> u64 {
        match self.due_us {
            Some(due_us) => self.finished_us.saturating_sub(due_us),
            None => self.at_work_us(),
        }
    }
}

/// How an item ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All that was asked for was done.
    Ok,
    /// It was not, and this is why.
    Failed(ItemError),
}

impl Outcome {
    /// Whether the item went well.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        matches!(self, Outcome::Ok)
    }
}

/// A try at an item that failed and was not the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// When its worker started it, in microseconds since the run began.
    pub started_us: u64,
    /// When it had failed.
    pub finished_us: u64,
    /// Why.
    pub error: ItemError,
}

/// What is written about one finished item: one JSON object a line, `docs/design/records.md`.
///
/// Serialised to a human-readable format, fields without a value are left out; to a binary one, all are there.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Place of the item in the input, counted from 0.
    pub index: u64,
    /// What the input said, to the letter, or what is shown in its place where it holds a secret.
    pub item: Data,
    /// How it ended.
    pub outcome: Outcome,
    /// How often it was tried; 0 for what no worker ever saw.
    pub attempts: u32,
    /// The tries before the last one, where they failed in a way that may pass. A worker's death is counted in `attempts`
    /// and has no entry here.
    pub tries: Vec<Try>,
    /// Who did it last; none for what no worker ever saw.
    pub worker: Option<WorkerId>,
    /// When.
    pub timing: Timing,
    /// What the work measured; none where no worker saw the item, or the work panicked.
    pub detail: Option<Detail>,
    /// Fields taken from the answer, by name.
    pub extract: Vec<(Box<str>, Value)>,
    /// What the work has given back.
    pub payload: Option<Data>,
}

impl Record {
    /// The record of `item`, which `worker` has performed.
    #[must_use]
    pub fn performed(item: Item, performed: Performed, worker: WorkerId, timing: Timing) -> Self {
        Self {
            index: item.index,
            attempts: item.attempt(),
            item: item.into_shown(),
            outcome: match performed.outcome {
                Ok(()) => Outcome::Ok,
                Err(error) => Outcome::Failed(error),
            },
            tries: Vec::new(),
            worker: Some(worker),
            timing,
            detail: performed.detail,
            extract: performed.extract,
            payload: performed.payload,
        }
    }

    /// The record of an item that no worker has finished: it was invalid, or killed every worker it was given to.
    #[must_use]
    pub fn unperformed(
        item: Item,
        error: ItemError,
        attempts: u32,
        worker: Option<WorkerId>,
        now_us: u64,
    ) -> Self {
        let (index, due_us, queued_us) = (item.index, item.due_us, item.queued_us);
        Self {
            index,
            item: item.into_shown(),
            outcome: Outcome::Failed(error),
            attempts,
            tries: Vec::new(),
            worker,
            timing: Timing {
                due_us,
                queued_us,
                started_us: now_us,
                finished_us: now_us,
                cpu_us: 0,
            },
            detail: None,
            extract: Vec::new(),
            payload: None,
        }
    }

    /// Why it failed, if it did.
    #[must_use]
    pub const fn error(&self) -> Option<&ItemError> {
        match &self.outcome {
            Outcome::Ok => None,
            Outcome::Failed(error) => Some(error),
        }
    }
}
