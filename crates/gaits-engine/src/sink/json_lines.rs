//! Records as JSON Lines: `docs/design/records.md`.

use super::record_json;
use crate::journal::commit;
use gaits_core::{Record, Sink};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What is older than this survives a loss of power.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// So many bytes at the end of the file stay in the system's cache, since somebody may want to read them soon. A cache that
/// grew with the file would take memory from other programs; and where a virtual machine gets its memory from its host only
/// when it is first used, to write there takes many times as long.
const CACHED: u64 = 1 << 30;
/// That much is taken out of the cache at a time.
const OUT_AT_A_TIME: u64 = 16 << 20;
/// Records are collected up to about this many bytes before they are written.
const BUFFER: usize = 64 * 1024;

/// One JSON object a line, appended by whole lines: whoever reads along, or finds what a killed run has left, sees no
/// half of one.
#[derive(Debug)]
pub struct JsonLines<W: Write> {
    writer: W,
    lines: Vec<u8>,
    /// How many records were written.
    written: u64,
    /// How many of them were brought to the disk at the end.
    synced: u64,
    committer: Option<Committer>,
    input_of: Option<InputOf>,
}

/// The fields of a record's item that are the user's own, as a JSON object.
pub type InputOf = fn(&Record) -> Option<String>;

impl JsonLines<File> {
    /// Writes to a file, which is brought to the disk once a second and at the end; and with the first records `folder`,
    /// where the file is new in it, or it could be lost with all that is in it. If no thread can be started for that, it is
    /// done after each write.
    ///
    /// # Errors
    /// The file has no second handle, say because too many are open.
    pub fn file(file: File, folder: Option<File>) -> io::Result<Self> {
        let to_commit = ToCommit { folder, ..ToCommit::of(file.try_clone()?) };
        Ok(Self { committer: Some(Committer::start(to_commit)), ..Self::stream(file) })
    }
}

impl<W: Write> JsonLines<W> {
    /// Writes to a pipe, a terminal, or anything else that can't be brought to a disk.
    pub fn stream(writer: W) -> Self {
        Self {
            writer,
            lines: Vec::with_capacity(BUFFER + BUFFER / 8),
            written: 0,
            synced: 0,
            committer: None,
            input_of: None,
        }
    }

    /// Writes to each record, as its field `input`, what `input_of` finds in its item.
    #[must_use]
    pub fn with_input(mut self, input_of: InputOf) -> Self {
        self.input_of = Some(input_of);
        self
    }

    fn write_out(&mut self) -> io::Result<()> {
        let written = self.writer.write_all(&self.lines);
        self.lines.clear();
        written.and_then(|()| self.writer.flush())
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        let before = self.lines.len();
        if let Err(error) = record_json::write(&mut self.lines, record) {
            // What is there of it is no line.
            self.lines.truncate(before);
            return Err(error);
        }
        if let Some(input) = self.input_of.and_then(|input_of| input_of(record))
            && self.lines.pop_if(|last| *last == b'}').is_some()
        {
            self.lines.extend_from_slice(b",\"input\":");
            self.lines.extend_from_slice(input.as_bytes());
            self.lines.push(b'}');
        }
        self.lines.push(b'\n');
        self.written += 1;
        if self.lines.len() < BUFFER { Ok(()) } else { self.write_out() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_out()?;
        self.committer.as_mut().map_or(Ok(()), |committer| committer.dirty(self.written))
    }

    fn synced(&self) -> u64 {
        self.committer.as_ref().map_or(self.synced, |committer| committer.shared.lock().synced)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.write_out()?;
        if let Some(committer) = self.committer.take() {
            committer.finish()?;
            self.synced = self.written;
        }
        Ok(())
    }
}

/// Brings a file to the disk at intervals, on a thread of its own: it can take long, and nobody should wait for it.
#[derive(Debug)]
struct Committer {
    shared: Arc<Shared>,
    by: By,
}

/// Who does it.
#[derive(Debug)]
enum By {
    Thread(thread::JoinHandle<()>),
    /// Whoever writes, since no thread could be started.
    Writer(Arc<Mutex<ToCommit>>),
    /// It is over.
    Nobody,
}

/// What is brought to the disk.
#[derive(Debug)]
struct ToCommit {
    file: File,
    /// Once, with the first records.
    folder: Option<File>,
    /// Up to here the cache is left alone, or taken out already.
    seen_to: u64,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How many records were written.
    written: u64,
    /// How many of them were when the last commit began that is over.
    synced: u64,
    /// Nothing more will be.
    closed: bool,
    failed: Option<io::Error>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Committer {
    fn start(to_commit: ToCommit) -> Self {
        Self::start_by(to_commit, |body| {
            thread::Builder::new().name("committer".into()).spawn(body)
        })
    }

    /// `spawn` starts the thread, or fails.
    fn start_by(
        to_commit: ToCommit,
        spawn: impl FnOnce(Box<dyn FnOnce() + Send>) -> io::Result<thread::JoinHandle<()>>,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        // A thread that can't be started takes what it was given with it, so it shares it.
        let to_commit = Arc::new(Mutex::new(to_commit));
        let of_thread = Arc::clone(&to_commit);
        let body = move || {
            let mut to_commit = of_thread.lock().unwrap_or_else(PoisonError::into_inner);
            commit_at_intervals(&mut to_commit, &theirs);
        };
        let by = spawn(Box::new(body)).map_or(By::Writer(to_commit), By::Thread);
        Self { shared, by }
    }

    /// Notes that there is something to commit, and tells if the last commit failed.
    fn dirty(&mut self, written: u64) -> io::Result<()> {
        let mut state = self.shared.lock();
        let was_clean = state.written == state.synced;
        state.written = written;
        if let By::Writer(to_commit) = &self.by {
            to_commit.lock().unwrap_or_else(PoisonError::into_inner).commit()?;
            state.synced = written;
        } else if was_clean {
            self.shared.changed.notify_one();
        }
        state.failed.take().map_or(Ok(()), Err)
    }

    fn finish(mut self) -> io::Result<()> {
        self.close();
        match std::mem::replace(&mut self.by, By::Nobody) {
            By::Thread(thread) => {
                if let Err(panic) = thread.join() {
                    std::panic::resume_unwind(panic);
                }
            }
            By::Writer(to_commit) => {
                to_commit.lock().unwrap_or_else(PoisonError::into_inner).commit()?;
            }
            By::Nobody => (),
        }
        self.shared.lock().failed.take().map_or(Ok(()), Err)
    }

    fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

impl Drop for Committer {
    /// A sink that has failed is not finished; its thread must end all the same.
    fn drop(&mut self) {
        self.close();
    }
}

fn commit_at_intervals(to_commit: &mut ToCommit, shared: &Shared) {
    let mut state = shared.lock();
    loop {
        state = shared
            .changed
            .wait_while(state, |state| state.written == state.synced && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        // Let writes gather, unless the end has come.
        state = shared
            .changed
            .wait_timeout_while(state, COMMIT_EVERY, |state| !state.closed)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        let written = state.written;
        let closed = state.closed;
        drop(state);
        let committed = to_commit.commit();
        state = shared.lock();
        if let Err(error) = committed {
            state.failed = Some(error);
            return;
        }
        state.synced = written;
        if closed {
            return;
        }
    }
}

impl ToCommit {
    /// A file with what it holds by now.
    fn of(file: File) -> Self {
        Self { seen_to: length(&file), file, folder: None }
    }

    fn commit(&mut self) -> io::Result<()> {
        let len = length(&self.file);
        commit(&self.file)?;
        if let Some(Range { start, end }) = self.out_of_cache(len) {
            let [from, len] = [start, end - start].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
            // It is advice: nothing depends on it.
            let _ = posix_fadvise(&self.file, from, len, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
        }
        self.folder.take().map_or(Ok(()), |folder| commit(&folder))
    }

    /// What may leave the cache, where so many bytes are on the disk.
    fn out_of_cache(&mut self, synced: u64) -> Option<Range<u64>> {
        let end = synced.saturating_sub(CACHED);
        // It may have been emptied since.
        self.seen_to = self.seen_to.min(synced);
        if end < self.seen_to.saturating_add(OUT_AT_A_TIME) {
            return None;
        }
        Some(std::mem::replace(&mut self.seen_to, end)..end)
    }
}

/// How long a file is; 0 for what has no length.
fn length(file: &File) -> u64 {
    file.metadata().map_or(0, |meta| meta.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_thread_records_are_on_the_disk_after_each_write() {
        let file = tempfile::tempfile().unwrap();
        let to_commit = ToCommit::of(file);
        let no_thread = |_| Err(io::ErrorKind::WouldBlock.into());
        let mut committer = Committer::start_by(to_commit, no_thread);
        for written in [1, 5, 6] {
            committer.dirty(written).unwrap();
            assert_eq!(committer.shared.lock().synced, written);
        }
        committer.finish().unwrap();
    }

    #[test]
    fn what_is_far_behind_leaves_the_cache_once() {
        let mut to_commit = ToCommit::of(tempfile::tempfile().unwrap());
        assert_eq!(to_commit.out_of_cache(CACHED + OUT_AT_A_TIME - 1), None);
        let long = CACHED + OUT_AT_A_TIME + 5;
        assert_eq!(to_commit.out_of_cache(long), Some(0..OUT_AT_A_TIME + 5));
        assert_eq!(to_commit.out_of_cache(long + OUT_AT_A_TIME - 1), None);
        let longer = long + 2 * OUT_AT_A_TIME;
        let expected = OUT_AT_A_TIME + 5..3 * OUT_AT_A_TIME + 5;
        assert_eq!(to_commit.out_of_cache(longer), Some(expected));
        // What was there before is left alone.
        let earlier = tempfile::tempfile().unwrap();
        earlier.set_len(3 * CACHED).unwrap();
        let mut goes_on = ToCommit::of(earlier);
        assert_eq!(goes_on.out_of_cache(4 * CACHED), None);
        assert_eq!(goes_on.out_of_cache(5 * CACHED), Some(3 * CACHED..4 * CACHED));
        // Unless it is emptied.
        assert_eq!(goes_on.out_of_cache(CACHED), None);
        assert_eq!(goes_on.out_of_cache(3 * CACHED), Some(CACHED..2 * CACHED));
    }
}
