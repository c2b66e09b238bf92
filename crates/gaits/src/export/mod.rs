//! The records of a results file, written down again as the rows of a table.
//!
//! A file is written aside and gets its name when all rows are in it. Limit: of a file that grows meanwhile, what was there
//! at the beginning is taken.

mod blocks;
mod input;
mod output;
mod parts;

use crate::output::Destination;
use gaits_engine::journal::Tail;
use gaits_report::export::{Columns, PartMaker, RowError, Table, TableFormat, Wanted};
use input::Input;
use output::Output;
use std::io;
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

/// More threads than this don't make rows, since one writes those of all.
const MOST_THREADS: usize = 4;

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
    /// Exports the records in `from` to `to`. It is asked again and again whether it `is_to_stop`.
    ///
    /// # Errors
    /// The records can't be read, or the table can't be written. What stood under the name of a file is then still there.
    pub fn run(
        self,
        from: &ExportFrom,
        to: &Destination,
        is_to_stop: impl Fn() -> bool + Sync,
    ) -> Result<Exported, ExportError> {
        let mut input = Input::open(from)?;
        let mut output = Output::open(to, &input)?;
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        let mut columns = if let Some(columns) = self.columns {
            columns
        } else {
            let on_threads =
                |input: &mut Input, lines| parts::survey(input, lines, threads, &is_to_stop);
            let seen = input.survey(on_threads, threads, &is_to_stop)?;
            Columns::usual(seen.names())
        };
        if self.form.has_types() {
            columns = input.typed(columns, self.wanted, &is_to_stop)?;
        }
        let failed = |name: &str| {
            let output = name.to_owned();
            move |source| ExportError::Write { output, source }
        };
        let name = output.name.clone();
        let maker = PartMaker::of(self.form, &columns, self.wanted).filter(|_| threads > 1);
        let lines = if maker.is_some() { input.long_lines()? } else { None };
        let table = Table::begin(&mut output, self.form, columns, self.wanted);
        let table = table.map_err(failed(&name))?;
        let exported = match (maker, lines) {
            (Some(maker), Some(lines)) => {
                // Its head.
                let (_, columns) = table.finish().map_err(failed(&name))?;
                let parts =
                    parts::write(&mut input, lines, &maker, threads, &mut output, &is_to_stop)?;
                let empty = columns.into_iter().zip(parts.filled).filter(|(_, filled)| !filled);
                let empty = empty.map(|(column, _)| column).collect();
                Exported { rows: parts.rows, empty, torn_bytes: torn(parts.tail) }
            }
            _ => in_one(table, &mut input, &name, &is_to_stop)?,
        };
        output.finish().map_err(failed(&name))?;
        Ok(exported)
    }
}

/// Writes the rows of all lines into `table`, whose output goes by this name.
fn in_one(
    mut table: Table<'_>,
    input: &mut Input,
    output: &str,
    is_to_stop: &impl Fn() -> bool,
) -> Result<Exported, ExportError> {
    let failed = |source| ExportError::Write { output: output.to_owned(), source };
    let mut refused = None;
    let scanned = input.scan(is_to_stop, |line| {
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
    Ok(Exported { rows, empty, torn_bytes: torn(tail) })
}

/// How many bytes at the end are no whole record.
fn torn(tail: Tail) -> u64 {
    match tail {
        Tail::Torn(bytes) => bytes,
        Tail::None | Tail::Unended => 0,
    }
}
