//! Where items come from.

use crate::Data;
use std::io;

/// One entry of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Something the work takes.
    Item {
        /// What the input said, to the letter.
        data: Data,
        /// What records and messages show in its place, where it holds a secret.
        shown: Option<Data>,
    },
    /// Something it does not: ends up as a failed record of kind `invalid_item`, the run goes on.
    Invalid {
        /// What the input said, as far as it can be shown.
        shown: Data,
        /// What is wrong and where (`file:line`).
        message: String,
    },
}

impl Entry {
    /// An item that holds no secret.
    pub fn item(data: impl Into<Data>) -> Self {
        Entry::Item { data: data.into(), shown: None }
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

/// Where items come from.
///
/// A source is read by one thread, from start to end. It may block (a pipe nobody writes to), and may have no
/// end; it hands out what it has rather than wait until `limit` entries are there.
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
}
