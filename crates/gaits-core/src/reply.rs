//! What came of performing an item, as a session answers it.
//!
//! Limit: who did it and when is not known here; a record has that.

use crate::{Data, Detail, ItemError, Value};
use serde::{Deserialize, Serialize};

/// What came of performing an item.
#[derive(Debug)]
pub enum Reply {
    /// It is finished, well or badly.
    Done(Performed),
    /// It could not be tried, because this process has no file descriptor left. The worker should make room:
    /// with fewer workers the same item will go through.
    Exhausted(ItemError),
}

/// Somebody whom items are paced for, as [`Facts`](crate::Facts) name one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paced {
    /// The pacing key.
    pub key: Box<str>,
    /// Whether what it stands for belongs to others.
    pub public: bool,
}

/// What a work advises when an item has failed. What is done is for the run to decide.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Advice {
    /// Leave it at that: another try would end in the same way, or is not allowed.
    #[default]
    Final,
    /// What went wrong may pass: try the item again.
    Retry,
    /// Whoever the pacing key stands for wants to be left alone: start nothing with that key before this time, in
    /// microseconds since the run began, or for a while if none is named. Then try the item again; it is no failure.
    Pause {
        /// The time, where one was named.
        until_us: Option<u64>,
        /// Who wants that, where it is not who the item's own key stands for: the item has turned out to be one of theirs, and
        /// is paced with them from now on.
        of: Option<Box<Paced>>,
    },
    /// Whoever the pacing key stands for wants some time to pass between two items: start one at a time with that key, each
    /// at least this many microseconds after the one before. Then try the item again; it is no failure. Items that come with
    /// this time or a longer one, as [`Item::apart_us`](crate::Item::apart_us), are spaced out already.
    Space {
        /// The time between the starts of two items, in microseconds.
        apart_us: u64,
    },
    /// The item has not been tried: its start went into something that had to come before it, such as a request for the rules of
    /// a server. Put it back, to be started again when the limits allow that; it is no failure. The item then names this
    /// process, as [`Item::put_back_by`](crate::Item::put_back_by), so that the work can see to it that this happens once.
    Again,
    /// What went wrong would meet all other items as well: end the run, with this item undone.
    Stop,
}

/// A finished item, before its executor adds who did it and when.
#[derive(Debug)]
pub struct Performed {
    /// Whether it went well.
    pub outcome: Result<(), ItemError>,
    /// What the work measured; kept for failed items too. None where nothing was.
    pub detail: Option<Detail>,
    /// Fields taken from the answer, by name.
    pub extract: Vec<(Box<str>, Value)>,
    /// What the work gives back: the body of an answer, the result of a function.
    pub payload: Option<Data>,
    /// What is to be done about it, if it failed.
    pub advice: Advice,
}

impl Performed {
    /// It went well, and this was measured.
    #[must_use]
    pub fn ok(detail: Option<Detail>) -> Self {
        Self { outcome: Ok(()), detail, extract: Vec::new(), payload: None, advice: Advice::Final }
    }

    /// It failed with `error`, and is not to be tried again.
    #[must_use]
    pub fn failed(error: ItemError, detail: Option<Detail>) -> Self {
        Self { outcome: Err(error), ..Self::ok(detail) }
    }
}
