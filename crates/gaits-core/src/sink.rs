//! Where records go.

use crate::Record;
use std::io;

/// Where records go.
///
/// All calls but [`Sink::start_notes`] come from one thread, which does nothing else. Records arrive in the order in which
/// items finished, each item's once. After an error nothing more is written to the sink, the run is stopped, and `finish` is
/// still called on the *other* sinks. `flush` comes after each batch.
pub trait Sink: Send {
    /// Takes one record.
    ///
    /// # Errors
    /// The record could not be kept: the run ends.
    fn write(&mut self, record: &Record) -> io::Result<()>;

    /// How many of the records that were written, from the first one on, survive a loss of power by now. What is not
    /// durable before its end says 0 until then.
    fn synced(&self) -> u64 {
        0
    }

    /// Hands what was written to the operating system, so that it survives the death of this process.
    ///
    /// # Errors
    /// As for [`Sink::write`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Where it is noted which items are out, if the sink keeps such notes. It is asked for once, before the first record,
    /// and is used from another thread than the sink at the same time.
    fn start_notes(&mut self) -> Option<Box<dyn StartNotes>> {
        None
    }

    /// Called once, after the last record: whatever makes the records durable.
    ///
    /// # Errors
    /// As for [`Sink::write`].
    fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }
}

/// Notes which items are out that may not be done twice. A later run then knows that they may have been done, if they have
/// no record. All calls come from one thread.
pub trait StartNotes: Send {
    /// Called before such items are handed out, with their indices. They must be noted before it returns, so that the note
    /// survives the death of this process, and it should survive a loss of power.
    ///
    /// # Errors
    /// They could not be noted: they are not handed out, and the run ends as after a failure of the sink. The sink itself is
    /// still given what was done before, and finished.
    fn add(&mut self, indices: &[u64]) -> io::Result<()>;

    /// Called for noted items that came back undone. A later run may do them.
    ///
    /// # Errors
    /// As for [`StartNotes::add`].
    fn take_back(&mut self, indices: &[u64]) -> io::Result<()>;
}
