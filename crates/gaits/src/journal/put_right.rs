//! Puts right what is not in order in the results file, before the first record is written to it.

use super::error::JournalError;
use super::{Journal, is_retried};
use gaits_engine::journal::{Done, RunEntry, RunFile, Tail, scan, sync_folder};
use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::sync::atomic::Ordering;

impl Journal {
    /// Ends the last line as it should be, and takes out the records of items that are done again. Says no if it was told
    /// to stop.
    pub(super) fn put_right(&mut self, run_file: &mut RunFile) -> Result<bool, JournalError> {
        if self.starts_over {
            return Ok(true);
        }
        let (results, run) = (self.paths.results.clone(), self.paths.run.clone());
        self.end_last_line()
            .map_err(|source| JournalError::Write { path: results.clone(), source })?;
        if self.before().again == 0 {
            return Ok(true);
        }
        let is_whole = self
            .take_out_retried(&mut run_file.runs)
            .map_err(|source| JournalError::Write { path: results, source })?;
        if is_whole {
            run_file.write(&run).map_err(|source| JournalError::Write { path: run, source })?;
        }
        Ok(is_whole)
    }

    /// Cuts off a last record that is torn, and ends the line of one that is whole.
    fn end_last_line(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.scanned.tail) {
            Tail::None => Ok(()),
            Tail::Unended => self.file.write_all(b"\n"),
            Tail::Torn(_) => self.file.set_len(self.scanned.end),
        }
    }

    /// Leaves the results file and what stands beside it in order although no run has begun, since all was done before.
    pub(crate) fn nothing_to_do(&mut self) -> Result<(), JournalError> {
        self.paths.sweep();
        let path = self.paths.results.clone();
        self.end_last_line().map_err(|source| JournalError::Write { path, source })?;
        if self.pending.is_empty() {
            self.before_notes_go()?;
            let _ = fs::remove_file(&self.paths.started);
        }
        // The next run need not read the records again that this one has read.
        if !self.paths.done.exists() {
            self.write_checkpoint();
        }
        Ok(())
    }

    /// Puts another file in the place of the results file, without the records of items that are done again. At every
    /// moment there is one whole file of the name, and it is locked: whoever opens it now and has waited for the lock sees
    /// that the name belongs to another file. Then `runs` have as many records before them as are left.
    fn take_out_retried(&mut self, runs: &mut [RunEntry]) -> io::Result<bool> {
        let path = &self.paths.rewritten;
        let file = OpenOptions::new().read(true).append(true).create_new(true).open(path)?;
        file.set_permissions(self.file.metadata()?.permissions())?;
        if self.is_locked {
            file.try_lock()?;
        }
        let mut out = BufWriter::with_capacity(256 * 1024, &file);
        let mut done = Done::default();
        let mut written = Ok(());
        let mut left: Vec<u64> = runs.iter().map(|run| run.done_before).collect();
        let mut number = 0;
        let (go_on, stop) = (&self.go_on, &self.stop);
        let scanned = scan(&self.file, 0, 0, |line| {
            if stop.load(Ordering::Relaxed) {
                return Err("stopped".into());
            }
            if is_retried(&line.record, go_on) {
                for (left, run) in left.iter_mut().zip(&*runs) {
                    *left -= u64::from(number < run.done_before);
                }
            } else {
                done.add(&line.record);
                written = out.write_all(line.bytes).and_then(|()| out.write_all(b"\n"));
            }
            number += 1;
            written.as_ref().map_err(ToString::to_string).map(drop)
        });
        let finished = written
            .and_then(|()| scanned.map_err(io::Error::other))
            .and_then(|_| out.flush())
            .and_then(|()| file.sync_all());
        drop(out);
        if let Err(error) = finished {
            let _ = fs::remove_file(path);
            return if self.stop.load(Ordering::Relaxed) { Ok(false) } else { Err(error) };
        }
        // It tells of the old file.
        let _ = fs::remove_file(&self.paths.done);
        fs::rename(path, &self.paths.results)?;
        sync_folder(&self.paths.results)?;
        self.file = file;
        self.done = done;
        for (left, run) in left.into_iter().zip(runs) {
            run.done_before = left;
        }
        Ok(true)
    }
}
