//! Takes records while a run is under way, and from time to time writes a checkpoint.

use super::error::Gone;
use super::{Journal, State};
use crate::sys;
use gaits_core::{Clock as _, Record, Sink as _};
use gaits_engine::journal::Checkpoint;
use gaits_engine::sink::JsonLines;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A checkpoint is written no sooner than this after the one before, in microseconds: a run that is killed leaves a tail of
/// a few seconds to be read.
pub(super) const CHECKPOINT_EVERY_US: u64 = 5_000_000;
/// Nor before so many times as long have passed as the one before took, however large it has become.
const CHECKPOINT_SHARE: u64 = 50;

impl Journal {
    /// Takes a record.
    pub(super) fn write(&mut self, record: &Record) -> io::Result<()> {
        if self.starts_over {
            self.file.set_len(0)?;
            // Or after a loss of power the old records could be back, beside a run file that takes them for its own.
            self.file.sync_all()?;
            self.starts_over = false;
            // Only now: until here the records were older than the run file, and it has to say so.
            if let State::Writing(writing) = &mut self.state {
                writing.run_file.replaces_records = false;
                writing.run_file.write(&self.paths.run)?;
            }
        }
        let writing = self.state.writing()?;
        if let Err(error) = writing.records.write(record) {
            writing.broken = true;
            return Err(error);
        }
        self.done.add(record);
        writing.dirty = true;
        *if record.outcome.is_ok() {
            &mut writing.counts.ok
        } else {
            &mut writing.counts.failed
        } += 1;
        writing.out.is_recorded(record.index);
        Ok(())
    }

    /// Hands the records to the operating system, and from time to time writes a checkpoint.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.bring_out(JsonLines::flush)?;
        if let State::Writing(writing) = &self.state
            && writing.dirty
            && writing.clock.now_us() >= writing.next_checkpoint_us
        {
            self.checkpoint();
        }
        Ok(())
    }

    /// Makes the records durable.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.bring_out(JsonLines::finish)?;
        self.checkpoint();
        Ok(())
    }

    /// Brings out what was written, as far as `how` does, and notes whether it got there.
    fn bring_out(
        &mut self,
        how: impl FnOnce(&mut JsonLines<File>) -> io::Result<()>,
    ) -> io::Result<()> {
        let State::Writing(writing) = &mut self.state else { return Ok(()) };
        let records = self.done.len();
        let brought = how(&mut writing.records)
            .and_then(|()| still_there(&self.file, &self.paths.results, records));
        writing.broken |= brought.is_err();
        brought
    }

    /// Writes a checkpoint. One that can't be written makes the next start slower, and nothing else.
    fn checkpoint(&mut self) {
        let State::Writing(writing) = &mut self.state else { return };
        if writing.broken || !writing.dirty {
            return;
        }
        let clock = writing.clock;
        let began_us = clock.now_us();
        self.write_checkpoint();
        let now_us = clock.now_us();
        let State::Writing(writing) = &mut self.state else { return };
        let pause_us = CHECKPOINT_EVERY_US.max((now_us - began_us) * CHECKPOINT_SHARE);
        writing.next_checkpoint_us = now_us + pause_us;
        writing.dirty = false;
    }

    pub(super) fn write_checkpoint(&self) {
        // What the checkpoint covers is never read again, so it has to be on the disk before. An error is the committer's to
        // tell; without a checkpoint the next run reads more.
        let synced = self.file.metadata().and_then(|meta| self.file.sync_data().map(|()| meta));
        if let Ok(meta) = synced {
            let lines = self.done.len();
            let _ = Checkpoint::write(&self.paths.done, &self.file, &self.done, meta.len(), lines);
        }
    }
}

/// What is written to a file that has no name any more is lost, and nobody looks for it under another name than `path`.
/// `records` says how many it holds.
fn still_there(file: &File, path: &Path, records: u64) -> io::Result<()> {
    let ours = file.metadata()?;
    let gone = |error| Err(io::Error::new(io::ErrorKind::NotFound, error));
    if ours.nlink() == 0 {
        return gone(Gone::Removed { records });
    }
    let moved = match fs::metadata(path) {
        Ok(named) => (named.dev(), named.ino()) != (ours.dev(), ours.ino()),
        // Where the folder can't be looked into, nothing is known of the name.
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if moved { gone(Gone::Moved { records, to: sys::path_of(file) }) } else { Ok(()) }
}
