//! Records as JSON Lines: `docs/design/records.md`.

use super::record_json;
use gaits_core::{Record, Sink};
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What is older than this survives a loss of power.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
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
    /// where the file is new in it, or it could be lost with all that is in it.
    ///
    /// # Errors
    /// The thread that does it can't be started.
    pub fn file(file: File, folder: Option<File>) -> io::Result<Self> {
        let committer = Committer::start(file.try_clone()?, folder)?;
        Ok(Self { committer: Some(committer), ..Self::stream(file) })
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
        self.committer.as_ref().map_or(Ok(()), |committer| committer.dirty(self.written))
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
    thread: Option<thread::JoinHandle<()>>,
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
    fn start(file: File, folder: Option<File>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("committer".into())
            .spawn(move || commit_at_intervals(&file, folder, &theirs))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Notes that there is something to commit, and tells if the last commit failed.
    fn dirty(&self, written: u64) -> io::Result<()> {
        let mut state = self.shared.lock();
        let was_clean = state.written == state.synced;
        state.written = written;
        if was_clean {
            self.shared.changed.notify_one();
        }
        state.failed.take().map_or(Ok(()), Err)
    }

    fn finish(mut self) -> io::Result<()> {
        self.close();
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
        {
            std::panic::resume_unwind(panic);
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

fn commit_at_intervals(file: &File, mut folder: Option<File>, shared: &Shared) {
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
        let committed =
            commit(file).and_then(|()| folder.take().map_or(Ok(()), |folder| commit(&folder)));
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

/// Brings a file to the disk, if that is where it is.
fn commit(file: &File) -> io::Result<()> {
    match file.sync_data() {
        // A device or a pipe: `/dev/null`, `/dev/stdout`.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        committed => committed,
    }
}
