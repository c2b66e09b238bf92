//! Where records go.

use crate::Record;
use std::io;

/// Where records go.
///
/// All calls come from one thread, which does nothing else. Records arrive in the order in which items finished, each
/// item's once. After an error nothing more is written to the sink, the run is stopped, and `finish` is still called on the
/// *other* sinks. `flush` comes after each batch.
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

    /// Called before items that may not be done twice are handed out, with their indices. They must be noted before it
    /// returns, so that the note survives the death of this process: a later run then knows that they may have been done,
    /// although they have no record.
    ///
    /// # Errors
    /// As for [`Sink::write`]. The items are not handed out.
    fn starts(&mut self, indices: &[u64]) -> io::Result<()> {
        let _ = indices;
        Ok(())
    }

    /// Called for items of which [`Sink::starts`] was told and that no worker has started: they came back undone, because
    /// the run was stopped. A later run may do them.
    ///
    /// # Errors
    /// As for [`Sink::write`].
    fn withdrawn(&mut self, indices: &[u64]) -> io::Result<()> {
        let _ = indices;
        Ok(())
    }

    /// Called once, after the last record: whatever makes the records durable.
    ///
    /// # Errors
    /// As for [`Sink::write`].
    fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }
}
