//! Where items come from.

use crate::{Data, ItemFacts};
use std::io;
use std::sync::Arc;

/// One entry of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the input, counted from 0, or for one that came out of an answer [a number](crate::follower) that no input
    /// has: what records, and the source itself, know it by. A source that goes on with
    /// an input that was done in part leaves out those that are done.
    pub index: u64,
    /// What stands there.
    pub content: Content,
}

/// What stands at a place of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Something the work takes.
    Item {
        /// What the input said, to the letter.
        data: Data,
        /// What the work makes of it, where the source has asked; else the run asks.
        facts: Option<ItemFacts>,
    },
    /// Something it does not: ends up as a failed record of kind `invalid_item`, the run goes on.
    Invalid {
        /// What the input said, as far as it can be shown.
        shown: Data,
        /// What is wrong and where (`file:line`).
        message: String,
    },
    /// Something that is not to be done, because an earlier run may have done it: ends up as a failed record of kind
    /// `cancelled`.
    Cancelled {
        /// What the input said, as far as it can be shown.
        shown: Data,
        /// Why it is not to be done.
        message: String,
    },
}

impl Content {
    /// What records and messages show of it.
    #[must_use]
    pub fn shown(&self) -> &Data {
        match self {
            Content::Item { data, facts } => {
                facts.as_ref().and_then(|facts| facts.shown.as_deref()).unwrap_or(data)
            }
            Content::Invalid { shown, .. } | Content::Cancelled { shown, .. } => shown,
        }
    }

    /// The same, on its own.
    #[must_use]
    pub fn into_shown(self) -> Data {
        match self {
            Content::Item { data, facts } => {
                facts.and_then(|facts| facts.shown).map_or(data, |shown| *shown)
            }
            Content::Invalid { shown, .. } | Content::Cancelled { shown, .. } => shown,
        }
    }
}

impl Entry {
    /// An item of which the work has not been asked yet.
    pub fn item(index: u64, data: impl Into<Data>) -> Self {
        Self { index, content: Content::Item { data: data.into(), facts: None } }
    }
}

/// Whether a source may have more to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// Ask again.
    Maybe,
    /// The input has ended.
    No,
}

/// Says of an index whether its item is done.
pub type IsDone = Box<dyn Fn(u64) -> bool + Send + Sync>;

/// Hears of items, by their indices.
pub type HearsOf = Arc<dyn Fn(&[u64]) + Send + Sync>;

/// Where items come from.
///
/// A source is read by one thread, from start to end. It may block (a pipe nobody writes to), and may have no
/// end; it hands out what it has rather than wait until `limit` entries are there. The indices of its
/// input rise from entry to entry.
pub trait Source: Send {
    /// Appends up to `limit` further entries to `batch`.
    ///
    /// # Errors
    /// The input can't be read any further. Entries appended before the error stay valid.
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More>;

    /// How many entries there are in all, where that is known without reading them.
    fn total(&self) -> Option<u64> {
        None
    }

    /// Tells the source, before the first read, which items are done already, by their indices. It need not look at whether
    /// they are valid, which takes longer than to read them: their entries may hold what the input says, unasked.
    fn are_done(&mut self, done: IsDone) {
        drop(done);
    }

    /// What ends the source from another thread, where it can be ended: the read that is under way, and all later ones,
    /// then come back soon, with [`More::No`]. One that has none is not waited for when its run ends before it.
    fn stopper(&self) -> Option<Arc<dyn Fn() + Send + Sync>> {
        None
    }

    /// What hears, while the run goes on, of items that it leaves undone: no record will come of them. Called on the
    /// dispatcher's thread, so it must not wait.
    fn hears_of_undone(&self) -> Option<HearsOf> {
        None
    }

    /// Items that were read and are given back undone, by their indices: the run has ended before they were done. Told
    /// once, after the last read, and only to a source that has a [stopper](Source::stopper).
    fn given_back(&mut self, indices: &[u64]) {
        let _ = indices;
    }
}
