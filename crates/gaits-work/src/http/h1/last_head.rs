//! Remembers the head of the last response, and what it meant.
//!
//! A server that answers thousands of requests a second answers many with the same head, byte for byte: its date changes
//! once a second. Comparing such a head costs far less than reading it. Limit: remembers one head, and no long one.

use super::framing::{AnswerTo, Delimited};

/// No head longer than this is remembered.
const LONGEST: usize = 1024;

/// The head of the last response, with what its reader made of it.
#[derive(Debug)]
pub struct LastHead<T> {
    bytes: Vec<u8>,
    meaning: Option<Meaning<T>>,
}

/// What a head means. It follows from the head's bytes and the sort of the request alone.
#[derive(Debug)]
pub(super) struct Meaning<T> {
    pub(super) to: AnswerTo,
    pub(super) delimited: Delimited,
    pub(super) persists: bool,
    pub(super) made: T,
}

// By hand, since a derived one would ask it of `T` as well.
impl<T> Default for LastHead<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), meaning: None }
    }
}

impl<T> LastHead<T> {
    /// If `given` begins with the head that is remembered, gives its length and its meaning.
    pub(super) fn at_start_of(&self, given: &[u8], to: AnswerTo) -> Option<(usize, &Meaning<T>)> {
        let meaning = self.meaning.as_ref().filter(|meaning| meaning.to == to)?;
        given.starts_with(&self.bytes).then_some((self.bytes.len(), meaning))
    }

    /// Remembers a head, unless it is long, and gives what was made of it. `bytes` are all that were read of it, from the
    /// first to the empty line.
    pub(super) fn remember(&mut self, bytes: &[u8], meaning: Meaning<T>) -> T
    where
        T: Clone,
    {
        if bytes.len() > LONGEST {
            return meaning.made;
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.meaning.insert(meaning).made.clone()
    }
}
