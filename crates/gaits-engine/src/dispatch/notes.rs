//! Has it noted which items are out that may not be done twice.
//!
//! The dispatcher's thread does that itself, between two other things: to ask the thread that writes records and to wait
//! for it takes longer than to write a few hundred lines. Where a sink waits for the disk, it does so for many items at a time.

use super::RunError;
use gaits_core::{Sink, StartNotes};
use std::io;

/// The notes of all sinks that keep some.
#[derive(Default)]
pub(crate) struct Notes {
    /// Each with the number of its sink.
    all: Vec<(usize, Box<dyn StartNotes>)>,
    /// Items that came back undone and are still noted.
    back: Vec<u64>,
}

impl Notes {
    /// Those of `sinks`.
    pub(crate) fn of<'b>(sinks: &mut [&'b mut (dyn Sink + 'b)]) -> Self {
        let mut all = Vec::new();
        for (number, sink) in sinks.iter_mut().enumerate() {
            all.extend(sink.start_notes().map(|notes| (number, notes)));
        }
        Self { all, back: Vec::new() }
    }

    /// Whether a sink keeps some.
    pub(super) fn are_kept(&self) -> bool {
        !self.all.is_empty()
    }

    /// Has it noted that these items are about to go out.
    pub(super) fn add(&mut self, indices: &[u64]) -> Result<(), RunError> {
        if indices.is_empty() {
            return Ok(());
        }
        // One of them may be among those that came back.
        self.settle()?;
        self.each(|notes| notes.add(indices))
    }

    /// An item came back undone. It is noted until [`Notes::settle`].
    pub(super) fn comes_back(&mut self, index: u64) {
        if self.are_kept() {
            self.back.push(index);
        }
    }

    /// Has the notes taken back of what came back.
    pub(super) fn settle(&mut self) -> Result<(), RunError> {
        if self.back.is_empty() {
            return Ok(());
        }
        let back = std::mem::take(&mut self.back);
        self.each(|notes| notes.take_back(&back))
    }

    fn each(
        &mut self,
        mut what: impl FnMut(&mut dyn StartNotes) -> io::Result<()>,
    ) -> Result<(), RunError> {
        for (number, notes) in &mut self.all {
            what(notes.as_mut()).map_err(|source| RunError::Sink { number: *number, source })?;
        }
        Ok(())
    }
}
