//! The records of a results file, written down again as the rows of a table.
//!
//! A file is written aside and gets its name when all rows are in it. Limit: of a file that grows meanwhile, what was there
//! at the beginning is taken.

use crate::output::Destination;
use crate::sys;
use gaits_engine::journal::{Aside, ScanError, Tail, scan_lines};
use gaits_report::export::{Columns, Kinds, RowError, Survey, Table, TableFormat, Wanted};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek as _, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

/// Why an export is stopped within a scan, which knows of lines only.
const STOPPED: &str = "stopped";

/// Where records are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportFrom {
    /// Standard input.
    Stdin,
    /// This file.
    File(PathBuf),
}

/// What an export is to make of a results file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The form of the table.
    pub form: TableFormat,
    /// Its columns; without them, the usual ones and one for each extracted field, which takes a look at all records first.
    pub columns: Option<Columns>,
    /// Which records get a row.
    pub wanted: Wanted,
}

/// What an export has written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// How many rows there are.
    pub rows: u64,
    /// The columns without a value in any of them.
    pub empty: Vec<String>,
    /// How many bytes at the end of the results are no whole record, and were left out.
    pub torn_bytes: u64,
}

/// Why records can't be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The results can't be read.
    #[error("can't read {results}")]
    Read {
        /// Their name.
        results: String,
        /// What the system said.
        source: io::Error,
    },
    /// They hold something else than records.
    #[error(
        "{results}:{line}: {wrong}; gaits export takes a results file, with a record on each line"
    )]
    NoRecord {
        /// Their name.
        results: String,
        /// The line.
        line: u64,
        /// What is wrong with it.
        wrong: String,
    },
    /// They can be read only once, and columns would have to be looked for first.
    #[error(
        "{results} can't be read twice, and {sought} are looked for before the first row is written: {advice}"
    )]
    ReadsOnce {
        /// Their name.
        results: String,
        /// What has to be looked for.
        sought: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The table can't be written there at all.
    #[error("can't write to {output}: {why}")]
    NoPlace {
        /// Its name.
        output: String,
        /// Why not.
        why: String,
    },
    /// The table can't be written; nothing of it stands under its final name.
    #[error("can't write to {output}")]
    Write {
        /// Its name.
        output: String,
        /// What the system said.
        source: io::Error,
    },
    /// It was stopped before its end.
    #[error("stopped")]
    Stopped,
}

impl ExportError {
    /// Whether whoever reads what is written has gone away.
    #[must_use]
    pub fn reader_is_gone(&self) -> bool {
        matches!(self, Self::Write { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl Export {
    /// Exports the records in `from` to `to`. It is asked before each record whether it `is_to_stop`.
    ///
    /// # Errors
    /// The records can't be read, or the table can't be written. What stood under the name of a file is then still there.
    pub fn run(
        self,
        from: &ExportFrom,
        to: &Destination,
        is_to_stop: impl Fn() -> bool,
    ) -> Result<Exported, ExportError> {
        let mut input = Input::open(from)?;
        let mut output = Output::open(to, &input)?;
        let mut columns = match self.columns {
            Some(columns) => columns,
            None => input.survey(&is_to_stop)?,
        };
        if self.form.has_types() {
            columns = input.typed(columns, self.wanted, &is_to_stop)?;
        }
        let name = output.name.clone();
        let failed = |source| ExportError::Write { output: name.clone(), source };
        let mut table =
            Table::begin(&mut output, self.form, columns, self.wanted).map_err(failed)?;
        let mut refused = None;
        let scanned = input.scan(&is_to_stop, |line| {
            table.add(line).map_err(|error| match error {
                RowError::Line(wrong) => wrong,
                RowError::Write(error) => {
                    refused = Some(error);
                    STOPPED.into()
                }
            })
        });
        let tail = match (scanned, refused) {
            (_, Some(error)) => return Err(failed(error)),
            (scanned, None) => scanned?,
        };
        let (rows, empty) = table.finish().map_err(failed)?;
        output.finish().map_err(failed)?;
        let torn_bytes = match tail {
            Tail::Torn(bytes) => bytes,
            Tail::None | Tail::Unended => 0,
        };
        Ok(Exported { rows, empty, torn_bytes })
    }
}

/// What records are read from.
struct Input {
    name: String,
    file: File,
    /// How long it was when it was opened, if it can be read more than once.
    length: Option<u64>,
}

impl Input {
    fn open(from: &ExportFrom) -> Result<Self, ExportError> {
        let (name, file) = match from {
            ExportFrom::Stdin => (
                "standard input".to_owned(),
                io::stdin().as_fd().try_clone_to_owned().map(File::from),
            ),
            ExportFrom::File(path) => (path.display().to_string(), File::open(path)),
        };
        let read = |source| ExportError::Read { results: name.clone(), source };
        let mut file = file.map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        if metadata.is_dir() {
            return Err(read(io::ErrorKind::IsADirectory.into()));
        }
        // A file on standard input may have been read in part.
        let mut from_start = || file.stream_position().is_ok_and(|position| position == 0);
        let length = (metadata.is_file() && from_start()).then_some(metadata.len());
        Ok(Self { name, file, length })
    }

    /// The usual columns, and those of the extracted fields, for which all lines are looked at.
    fn survey(&mut self, is_to_stop: &impl Fn() -> bool) -> Result<Columns, ExportError> {
        self.check_reads_twice(
            "the extracted fields",
            "name the columns, such as --columns index,item,status,price, or give a file",
        )?;
        let mut survey = Survey::default();
        self.scan(is_to_stop, |line| survey.add(line))?;
        self.rewind()?;
        Ok(Columns::usual(survey.names()))
    }

    /// The columns with their types, for which all lines are looked at, unless the types are known.
    fn typed(
        &mut self,
        columns: Columns,
        wanted: Wanted,
        is_to_stop: &impl Fn() -> bool,
    ) -> Result<Columns, ExportError> {
        let mut kinds = Kinds::of(&columns, wanted);
        if !kinds.are_known() {
            self.check_reads_twice("the types of the columns", "give a file")?;
            self.scan(is_to_stop, |line| kinds.add(line))?;
            self.rewind()?;
        }
        Ok(kinds.settle(columns))
    }

    fn check_reads_twice(
        &self,
        sought: &'static str,
        advice: &'static str,
    ) -> Result<(), ExportError> {
        let results = || self.name.clone();
        match self.length {
            Some(_) => Ok(()),
            None => Err(ExportError::ReadsOnce { results: results(), sought, advice }),
        }
    }

    fn rewind(&mut self) -> Result<(), ExportError> {
        let read = |source| ExportError::Read { results: self.name.clone(), source };
        self.file.rewind().map_err(read)
    }

    /// Hands each line over, and asks before whether it `is_to_stop`.
    fn scan(
        &mut self,
        is_to_stop: &impl Fn() -> bool,
        mut each: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<Tail, ExportError> {
        let each = |line: &[u8]| if is_to_stop() { Err(STOPPED.into()) } else { each(line) };
        let results = || self.name.clone();
        let input = (&self.file).take(self.length.unwrap_or(u64::MAX));
        let scanned = scan_lines(input, 0, 0, each, |_, ()| Ok(()));
        scanned.map(|scanned| scanned.tail).map_err(|error| match error {
            ScanError::Io(source) => ExportError::Read { results: results(), source },
            ScanError::Line { wrong, .. } if wrong == STOPPED => ExportError::Stopped,
            ScanError::Line { line, wrong } => {
                ExportError::NoRecord { results: results(), line, wrong }
            }
        })
    }
}

/// What the table is written to.
struct Output {
    name: String,
    to: To,
}

enum To {
    /// A pipe, a terminal, a device.
    Stream(File),
    /// A file that gets its name at the end.
    Aside(Aside),
}

impl Output {
    fn open(to: &Destination, input: &Input) -> Result<Self, ExportError> {
        let name = match to {
            Destination::Stdout => "standard output".to_owned(),
            Destination::File(path) => path.display().to_string(),
        };
        let no_place = |why: &dyn std::fmt::Display| ExportError::NoPlace {
            output: name.clone(),
            why: why.to_string(),
        };
        let is_input = || no_place(&"it is what is read; the table needs a file of its own");
        let to = match to {
            Destination::Stdout => {
                if sys::was_closed(io::stdout().as_fd()) {
                    return Err(no_place(&"it is closed; give a file with -o FILE"));
                }
                let stdout: OwnedFd =
                    io::stdout().as_fd().try_clone_to_owned().map_err(|error| no_place(&error))?;
                if sys::is_same_file(stdout.as_fd(), input.file.as_fd()) {
                    return Err(is_input());
                }
                To::Stream(stdout.into())
            }
            Destination::File(path) if path.is_dir() || path.file_name().is_none() => {
                return Err(no_place(&"it is a folder; give a file"));
            }
            Destination::File(path) => {
                if sys::is_file_at(input.file.as_fd(), path) {
                    return Err(is_input());
                }
                if path.exists() && !path.is_file() {
                    // A device or a pipe must not be replaced by a file.
                    let opened = OpenOptions::new().write(true).open(path);
                    To::Stream(opened.map_err(|error| no_place(&error))?)
                } else {
                    To::Aside(Aside::create(path).map_err(|error| no_place(&error))?)
                }
            }
        };
        Ok(Self { name, to })
    }

    fn finish(self) -> io::Result<()> {
        match self.to {
            To::Stream(_) => Ok(()),
            To::Aside(aside) => aside.finish(true),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Stream(file) => file.write(bytes),
            To::Aside(aside) => aside.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
