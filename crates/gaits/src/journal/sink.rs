//! The sink that a run with a journal writes its records to, and the notes of which items are out.
//!
//! Limit: it does nothing itself but to pass calls on: records under the journal's lock, notes without it.

use super::out::Pace;
use super::{Out, Shared, lock};
use gaits_core::{Record, Sink, StartNotes};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Passes records to the journal.
#[derive(Debug)]
pub(crate) struct JournalSink {
    journal: Shared,
    stop: Arc<AtomicBool>,
}

impl JournalSink {
    pub(crate) fn new(journal: Shared) -> Self {
        let stop = lock(&journal).stop_flag();
        Self { journal, stop }
    }
}

impl Sink for JournalSink {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        lock(&self.journal).write(record)
    }

    fn flush(&mut self) -> io::Result<()> {
        lock(&self.journal).flush()
    }

    fn start_notes(&mut self) -> Option<Box<dyn StartNotes>> {
        Some(Box::new(JournalNotes {
            journal: Arc::clone(&self.journal),
            out: None,
            pace: Pace::start(),
        }))
    }

    fn finish(&mut self) -> io::Result<()> {
        // The source's thread may still be rewriting the file, for a run that was stopped before its first item.
        self.stop.store(true, Ordering::Relaxed);
        lock(&self.journal).finish()
    }
}

/// Notes which items are out. It holds up nobody who writes records.
struct JournalNotes {
    journal: Shared,
    /// Known once the run has begun.
    out: Option<Arc<Out>>,
    pace: Pace,
}

impl JournalNotes {
    fn out(&mut self) -> io::Result<Arc<Out>> {
        let out = match &self.out {
            Some(out) => Arc::clone(out),
            None => lock(&self.journal).out()?,
        };
        Ok(Arc::clone(self.out.insert(out)))
    }
}

impl StartNotes for JournalNotes {
    fn add(&mut self, indices: &[u64]) -> io::Result<()> {
        self.out()?.add(indices, &mut self.pace)
    }

    fn take_back(&mut self, indices: &[u64]) -> io::Result<()> {
        self.out()?.take_back(indices)
    }
}
