//! One unit of input.

use serde::{Deserialize, Serialize};

/// One unit of input: a URL, a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Place in the input, counted from 0.
    pub index: u64,
    /// What the input said, to the letter.
    pub text: Box<str>,
    /// When the dispatcher queued it, in microseconds since the run began.
    pub queued_us: u64,
    /// How many workers have died at it. One that has killed a worker is handed out alone, so that no other
    /// item is blamed for its next crash.
    pub crashes: u32,
}

impl Item {
    /// The item at `index` of the input, not yet queued.
    pub fn new(index: u64, text: impl Into<Box<str>>) -> Self {
        Self { index, text: text.into(), queued_us: 0, crashes: 0 }
    }

    /// Which attempt the next one is, counted from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.crashes + 1
    }
}
