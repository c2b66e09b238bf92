//! What the records of a run add up to, while it runs.

use gaits_core::{Record, Sink};
use gaits_report::Tally;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A tally that a run adds its records to as to a sink, and that others read. All clones are the same tally.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedTally(Arc<Mutex<Tally>>);

impl SharedTally {
    /// What it has come to so far.
    pub(crate) fn read(&self) -> Tally {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for SharedTally {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        self.lock().add(record);
        Ok(())
    }
}
