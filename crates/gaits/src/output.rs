//! Where the records of a run go, as a user describes it: opened, or refused with the reason.
//!
//! Limit: one run writes to an output. Programs that know nothing of the lock on a results file are not kept from it.

use crate::input::Input;
use crate::sys;
use gaits_core::{Record, Sink};
use gaits_engine::sink::JsonLines;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// This file, or the pipe or device that has this path.
    File(PathBuf),
}

/// What becomes of a results file that has records already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is refused.
    Refuse,
    /// The old records are taken away when the first new one comes.
    StartOver,
}

/// Why an output can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// It can't be written to.
    #[error("can't write to {output}")]
    Open {
        /// Its name.
        output: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is a directory.
    #[error(
        "can't write to {}: it is a directory; give a file, such as {}",
        .path.display(),
        .path.join("results.jsonl").display()
    )]
    Directory {
        /// Its path.
        path: PathBuf,
    },
    /// Items are read from the same file.
    #[error("{output} is the input; records need a file of their own")]
    IsInput {
        /// Its name.
        output: String,
    },
    /// It is a file with records, and [`Existing::Refuse`] was asked for.
    #[error("{output} has records already")]
    HasRecords {
        /// Its name.
        output: String,
    },
    /// Another run writes to it now.
    #[error("{output} is being written to by another run; wait for its end, or give another file")]
    InUse {
        /// Its name.
        output: String,
    },
    /// Standard output was closed when this process was started.
    #[error("standard output is closed")]
    StdoutClosed,
}

/// Where the records of a run go, as JSON Lines.
///
/// A regular file is brought to the disk once a second and at the end. Anything else is a stream, written to as a pipe
/// is.
pub struct Output {
    sink: Box<dyn Sink>,
    name: String,
    /// The results file, where it is one.
    results: Option<Results>,
}

/// A results file, and whether it was there before.
#[derive(Debug)]
struct Results {
    file: File,
    path: PathBuf,
    created: bool,
}

impl Drop for Results {
    /// The thread that syncs it may hold it open for a moment longer; the lock goes now.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("name", &self.name)
            .field("results", &self.results)
            .finish_non_exhaustive()
    }
}

impl Output {
    /// Opens `destination`, which must not be the file of `input`. Records that are there already are never overwritten
    /// unasked, nor before there is one to take their place.
    ///
    /// # Errors
    /// It can't be written to, or should not be.
    pub fn open(
        destination: &Destination,
        existing: Existing,
        input: Option<&Input>,
    ) -> Result<Self, OutputError> {
        match destination {
            Destination::Stdout => Self::stdout(input),
            Destination::File(path) => Self::file(path, existing, input),
        }
    }

    fn stdout(input: Option<&Input>) -> Result<Self, OutputError> {
        let name = "standard output".to_owned();
        if is_input(io::stdout().as_fd(), input) {
            return Err(OutputError::IsInput { output: name });
        }
        if sys::was_closed(io::stdout().as_fd()) {
            return Err(OutputError::StdoutClosed);
        }
        let sink = Box::new(JsonLines::stream(io::stdout()));
        Ok(Self { sink, name, results: None })
    }

    fn file(path: &Path, existing: Existing, input: Option<&Input>) -> Result<Self, OutputError> {
        let name = path.display().to_string();
        let failed = |source| OutputError::Open { output: name.clone(), source };
        if path.is_dir() {
            return Err(OutputError::Directory { path: path.to_owned() });
        }
        let created = !path.exists();
        let file =
            OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        if !meta.is_file() {
            return Ok(Self { sink: Box::new(JsonLines::stream(file)), name, results: None });
        }
        if is_input(file.as_fd(), input) {
            return Err(OutputError::IsInput { output: name });
        }
        // The lock dies with its holder, however that ends.
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(OutputError::InUse { output: name });
        }
        let has_records = meta.len() > 0;
        if has_records && existing == Existing::Refuse {
            return Err(OutputError::HasRecords { output: name });
        }
        let copy = || file.try_clone().map_err(failed);
        let folder = match path.parent() {
            _ if !created => None,
            Some(folder) if folder != Path::new("") => Some(File::open(folder)),
            _ => Some(File::open(".")),
        };
        // One that may be written to and not be read can't be brought to the disk.
        let folder = folder.and_then(Result::ok);
        let records = JsonLines::file(copy()?, folder).map_err(failed)?;
        let old = if has_records { Some(copy()?) } else { None };
        let results = Results { path: path.to_owned(), created, file };
        Ok(Self { sink: Box::new(StartOver { records, old }), name, results: Some(results) })
    }

    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What takes the records.
    pub(crate) fn sink(&mut self) -> &mut dyn Sink {
        self.sink.as_mut()
    }

    /// Leaves things as they were, where nothing was recorded: a file that was created for the run and is still empty
    /// goes away.
    pub fn discard(self) {
        if let Some(results) = &self.results
            && results.created
            && results.file.metadata().is_ok_and(|meta| meta.len() == 0)
        {
            // An empty file that stays does no harm.
            let _ = fs::remove_file(&results.path);
        }
    }

    /// Cuts off what was written of a last record when a write failed, as it does when the disk is full: the others are
    /// whole.
    pub(crate) fn cut_torn_line(self) -> io::Result<()> {
        const CHUNK: u64 = 64 * 1024;
        // It tries once more to write what it still holds.
        drop(self.sink);
        let Some(Results { file, .. }) = &self.results else { return Ok(()) };
        let length = file.metadata()?.len();
        let mut end = length;
        let mut chunk = Vec::new();
        while end > 0 {
            let start = end.saturating_sub(CHUNK);
            chunk.resize(usize::try_from(end - start).map_err(io::Error::other)?, 0);
            file.read_exact_at(&mut chunk, start)?;
            if let Some(at) = chunk.iter().rposition(|byte| *byte == b'\n') {
                end = start + at as u64 + 1;
                break;
            }
            end = start;
        }
        if end < length { file.set_len(end) } else { Ok(()) }
    }
}

/// Takes the old records away when the first new one comes.
#[derive(Debug)]
struct StartOver {
    records: JsonLines<File>,
    old: Option<File>,
}

impl Sink for StartOver {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        if let Some(old) = self.old.take() {
            old.set_len(0)?;
        }
        self.records.write(record)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.records.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.records.finish()
    }
}

/// Whether `output` is the very file that items are read from.
fn is_input(output: BorrowedFd<'_>, input: Option<&Input>) -> bool {
    match input {
        None | Some(Input::Listed { .. }) => false,
        Some(Input::Stdin) => sys::is_stdin(output),
        Some(Input::File(path)) => sys::is_file_at(output, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_of_a_last_record_is_cut_off_and_whole_records_stay() {
        let scratch = tempfile::tempdir().unwrap();
        let whole = "{\"index\":0}\n".repeat(20_000);
        let long = "x".repeat(200_000);
        for (text, left) in [
            (format!("{whole}{{\"ind"), whole.as_str()),
            (format!("{whole}{long}"), &whole),
            (whole.clone(), &whole),
            (long.clone(), ""),
            (String::new(), ""),
        ] {
            let path = scratch.path().join("results.jsonl");
            fs::write(&path, &text).unwrap();
            let to = Destination::File(path.clone());
            let output = Output::open(&to, Existing::StartOver, None).unwrap();
            output.cut_torn_line().unwrap();
            assert!(fs::read_to_string(&path).unwrap() == left, "{} bytes", text.len());
        }
    }
}
