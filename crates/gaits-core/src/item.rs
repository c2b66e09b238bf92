//! One unit of input.

use crate::Data;
use serde::{Deserialize, Serialize};

/// One unit of input: a URL, a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Place in the input, counted from 0.
    pub index: u64,
    /// What the input said, to the letter.
    pub data: Data,
    /// What its record and messages show in its place, where the data holds a secret.
    pub shown: Option<Box<Data>>,
    /// When the dispatcher queued it, in microseconds since the run began.
    pub queued_us: u64,
    /// How many workers have died while they were at it.
    pub deaths: u32,
    /// In how many of these cases it was all that the worker was at, so that nothing else can have killed it.
    pub kills: u32,
    /// Items with the same number here were at work when a worker died. They are done together by one worker process that
    /// does nothing else meanwhile. 0 for all others.
    pub trial: u64,
}

impl Item {
    /// The item at `index` of the input, not yet queued.
    pub fn new(index: u64, data: impl Into<Data>) -> Self {
        Self { index, data: data.into(), shown: None, queued_us: 0, deaths: 0, kills: 0, trial: 0 }
    }

    /// The text of the item; none if it is bytes.
    #[must_use]
    pub const fn text(&self) -> Option<&str> {
        self.data.as_text()
    }

    /// What records and messages may show of it.
    #[must_use]
    pub fn into_shown(self) -> Data {
        self.shown.map_or(self.data, |shown| *shown)
    }

    /// Which attempt the next one is, counted from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.deaths + 1
    }
}
