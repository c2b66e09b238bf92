//! Where the records of a run go, as a user describes it: opened, or refused with the reason.
//!
//! Limit: one run writes to an output. Programs that know nothing of the lock on a results file are not kept from it.

use crate::input::{Input, Place, input_of};
use crate::journal::{Before, GoOn, Journal, JournalError, JournalSink, Shared, lock};
use crate::rows::{EmptyColumns, Rows};
use crate::sys;
use gaits_core::Sink;
use gaits_engine::sink::JsonLines;
use gaits_report::export::{Columns, TableFormat};
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// This file, or the pipe or device that has this path.
    File(PathBuf),
}

/// What becomes of a results file that has records already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Existing {
    /// It is refused.
    Refuse,
    /// The old records are taken away when the first new one comes.
    StartOver,
    /// They stay, and only those items are done that have none.
    GoOn(GoOn),
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
    /// What earlier runs have left in the file or beside it can't be gone on with.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Standard output was closed when this process was started.
    #[error("standard output is closed")]
    StdoutClosed,
}

/// Where the records of a run go, as JSON Lines.
///
/// A regular file is brought to the disk once a second and at the end, and has a journal beside it, so that a later run can
/// go on with it. Anything else is a stream, written to as a pipe is.
pub struct Output {
    sink: Box<dyn Sink>,
    name: String,
    /// The results file, where it is one.
    journal: Option<Held>,
}

/// A results file, for as long as this output may write to it.
#[derive(Debug)]
struct Held(Shared);

impl Drop for Held {
    /// The threads that sync it and read the input may hold it open for longer; the lock goes now.
    fn drop(&mut self) {
        lock(&self.0).unlock();
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("name", &self.name)
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}

impl Output {
    /// Opens `destination`, which must not be the file of `input`. Records that are there already are never overwritten
    /// unasked, nor before there is one to take their place. To go on with them, they are read, or what the journal says of
    /// them; nothing is written yet.
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

    /// Opens standard output, or a pipe or device, for a table instead: a row for each record, as they come. `empty` is told
    /// which columns have no value.
    ///
    /// # Errors
    /// It can't be written to, or should not be.
    pub fn open_table(
        destination: &Destination,
        form: TableFormat,
        columns: Columns,
        empty: EmptyColumns,
        input: Option<&Input>,
    ) -> Result<Self, OutputError> {
        match destination {
            Destination::Stdout => {
                let opened = Self::stdout(input)?;
                let rows = Rows::new(io::stdout(), form, columns, empty);
                Ok(Self { sink: Box::new(JsonLines::stream(rows).with_input(input_of)), ..opened })
            }
            Destination::File(path) => {
                let name = path.display().to_string();
                let opened = OpenOptions::new().append(true).open(path);
                let file =
                    opened.map_err(|source| OutputError::Open { output: name.clone(), source })?;
                let rows = Rows::new(file, form, columns, empty);
                let sink = Box::new(JsonLines::stream(rows).with_input(input_of));
                Ok(Self { sink, name, journal: None })
            }
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
        let sink = Box::new(JsonLines::stream(io::stdout()).with_input(input_of));
        Ok(Self { sink, name, journal: None })
    }

    fn file(path: &Path, existing: Existing, input: Option<&Input>) -> Result<Self, OutputError> {
        Self::file_locked_by(File::try_lock, path, existing, input)
    }

    /// Opens a file that `lock` keeps other runs from. A file that can't be locked at all is written to nevertheless.
    fn file_locked_by(
        lock: impl Fn(&File) -> Result<(), TryLockError>,
        path: &Path,
        existing: Existing,
        input: Option<&Input>,
    ) -> Result<Self, OutputError> {
        let name = path.display().to_string();
        let failed = |source| OutputError::Open { output: name.clone(), source };
        if path.is_dir() {
            return Err(OutputError::Directory { path: path.to_owned() });
        }
        if path.metadata().is_ok_and(|meta| !meta.is_file()) {
            // A pipe that was open for reading here would never be without a reader.
            let file = OpenOptions::new().append(true).open(path).map_err(failed)?;
            let sink = Box::new(JsonLines::stream(file).with_input(input_of));
            return Ok(Self { sink, name, journal: None });
        }
        let created = !path.exists();
        let mut file;
        let mut unlocked;
        loop {
            file = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .open(path)
                .map_err(failed)?;
            if is_input(file.as_fd(), input) {
                return Err(OutputError::IsInput { output: name });
            }
            // The lock dies with its holder, however that ends.
            unlocked = match lock(&file) {
                Ok(()) => None,
                Err(TryLockError::WouldBlock) => return Err(OutputError::InUse { output: name }),
                Err(TryLockError::Error(error)) => Some(error),
            };
            // Another run may have put a new file in the place of this one before the lock was free.
            if sys::is_file_at(file.as_fd(), path) {
                break;
            }
        }
        let has_records = file.metadata().map_err(failed)?.len() > 0;
        let go_on = match existing {
            Existing::Refuse if has_records => {
                return Err(OutputError::HasRecords { output: name });
            }
            Existing::Refuse => Some(GoOn::default()),
            Existing::StartOver => None,
            Existing::GoOn(how) => Some(how),
        };
        let journal = Arc::new(Mutex::new(Journal::open(path, file, unlocked, created, go_on)?));
        let sink = Box::new(JournalSink::new(Arc::clone(&journal)));
        Ok(Self { sink, name, journal: Some(Held(journal)) })
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
        if let Some(journal) = &self.journal {
            lock(&journal.0).discard();
        }
    }

    /// What earlier runs have done, where the run goes on with a file.
    #[must_use]
    pub fn before(&self) -> Before {
        self.journal.as_ref().map(|journal| lock(&journal.0).before()).unwrap_or_default()
    }

    /// What is known of the results file, where it is one.
    pub(crate) fn journal(&self) -> Option<Shared> {
        self.journal.as_ref().map(|journal| Arc::clone(&journal.0))
    }

    /// Cuts off what was written of a last record when a write failed, as it does when the disk is full: the others are
    /// whole.
    pub(crate) fn cut_torn_line(&self) -> io::Result<()> {
        self.journal.as_ref().map_or(Ok(()), |journal| lock(&journal.0).cut_torn_line())
    }
}

/// Whether `output` is the very file that items are read from.
fn is_input(output: BorrowedFd<'_>, input: Option<&Input>) -> bool {
    input.is_some_and(|input| {
        input.places().iter().any(|place| match place {
            Place::Stdin => sys::is_stdin(output),
            Place::File(path) => sys::is_file_at(output, path),
            Place::Made(_) => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_locked_is_written_to_with_a_warning() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("results.jsonl");
        let go_on = || Existing::GoOn(GoOn::default());
        for existing in [Existing::Refuse, Existing::StartOver, go_on()] {
            let refuses = |_: &File| Err(TryLockError::Error(io::ErrorKind::Unsupported.into()));
            let output = Output::file_locked_by(refuses, &path, existing, None).unwrap();
            let [notice] = &output.before().notices[..] else { panic!("{output:?}") };
            let expected = format!("can't lock {} (unsupported)", path.display());
            assert!(notice.starts_with(&expected), "{notice}");
        }
        let output = Output::file(&path, go_on(), None).unwrap();
        assert_eq!(output.before().notices, [""; 0]);
        let refused = Output::file(&path, go_on(), None).unwrap_err();
        assert!(matches!(refused, OutputError::InUse { .. }), "{refused:?}");
    }
}
