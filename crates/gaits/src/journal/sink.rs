//! The sink that a run with a journal writes its records to.
//!
//! Limit: it does nothing itself but to pass calls on, under the journal's lock.

use super::{Shared, lock};
use gaits_core::{Record, Sink};
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

    fn starts(&mut self, indices: &[u64]) -> io::Result<()> {
        lock(&self.journal).starts(indices)
    }

    fn withdrawn(&mut self, indices: &[u64]) -> io::Result<()> {
        lock(&self.journal).withdrawn(indices)
    }

    fn finish(&mut self) -> io::Result<()> {
        // The source's thread may still be rewriting the file, for a run that was stopped before its first item.
        self.stop.store(true, Ordering::Relaxed);
        lock(&self.journal).finish()
    }
}
