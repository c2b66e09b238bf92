//! What the records of a run add up to, while it runs.

use gaits_core::{Record, Sink, Value};
use gaits_report::Tally;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A tally that a run adds its records to as to a sink, and that others read. All clones are the same tally.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedTally(Arc<Mutex<Tally>>);

impl SharedTally {
    /// Of no record yet.
    pub(crate) fn of(tally: Tally) -> Self {
        Self(Arc::new(Mutex::new(tally)))
    }

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

/// A tally of no record yet, for records of a work with these settings.
pub(crate) fn tally_for<'s>(settings: impl IntoIterator<Item = (&'s str, &'s Value)>) -> Tally {
    let (mut has_each, mut has_fields) = (false, false);
    for setting in settings {
        match setting {
            ("each", value) => has_each = *value != Value::Null,
            ("extract", Value::Array(fields)) => has_fields = !fields.is_empty(),
            _ => {}
        }
    }
    if has_each && !has_fields { Tally::new().of_whole_elements() } else { Tally::new() }
}
