//! One unit of input.

use crate::{Data, ItemFacts, PacingKey};
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
    /// What it is paced together with.
    pub key: PacingKey,
    /// Whether what the key stands for belongs to others.
    pub public: bool,
    /// Whether doing it twice has the same effect as doing it once.
    pub repeatable: bool,
    /// When it was to be started, in microseconds since the run began, where items arrive at a rate of their own.
    pub due_us: Option<u64>,
    /// How many microseconds after the last item with its key it is started at least, as the work has advised; 0 if it has
    /// not.
    pub apart_us: u64,
    /// The process in which its last start went into something else, as the work has [advised](crate::Advice::Again); 0 if
    /// none did.
    pub put_back_by: u32,
    /// When the dispatcher queued it, in microseconds since the run began.
    pub queued_us: u64,
    /// How many tries at it have failed.
    pub tries: u32,
    /// How many workers have died while they were at it.
    pub deaths: u32,
    /// In how many of these cases it was all that the worker was at, so that nothing else can have killed it.
    pub kills: u32,
    /// Items with the same number here were at work when a worker died. They are done together by one worker process that
    /// does nothing else meanwhile. 0 for all others.
    pub trial: u64,
}

impl Item {
    /// The item at `index` of the input, not yet queued, of which nothing is known.
    pub fn new(index: u64, data: impl Into<Data>) -> Self {
        Self::with_facts(index, data, ItemFacts::default())
    }

    /// The item at `index` of the input, not yet queued, of which the work says this.
    pub fn with_facts(index: u64, data: impl Into<Data>, facts: ItemFacts) -> Self {
        let ItemFacts { key, public, repeatable, shown } = facts;
        Self {
            index,
            data: data.into(),
            shown,
            key,
            public,
            repeatable,
            due_us: None,
            apart_us: 0,
            put_back_by: 0,
            queued_us: 0,
            tries: 0,
            deaths: 0,
            kills: 0,
            trial: 0,
        }
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
        self.tries + self.deaths + 1
    }
}
