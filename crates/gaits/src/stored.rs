//! A results file of a run that is over, added up again.

use crate::layout::layout;
use gaits_core::Record;
use gaits_engine::journal::{RunFile, RunFileError, ScanError, Tail, beside, scan};
use gaits_engine::plan::Model;
use gaits_report::{Summary, Tally};
use std::fs::File;
use std::io;
use std::path::Path;

/// Why a results file can't be reported on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// It can't be read.
    #[error("can't read {results}")]
    Io {
        /// The file.
        results: String,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something else than records.
    #[error(
        "{results}:{line}: {wrong}; gaits report takes a results file, or a folder of gaits compare --save"
    )]
    NoRecord {
        /// The file.
        results: String,
        /// The line.
        line: u64,
        /// What is wrong.
        wrong: String,
    },
    /// What stands beside it can't be understood.
    #[error("can't understand {results}.run")]
    RunFile {
        /// The file.
        results: String,
        /// What is wrong.
        source: RunFileError,
    },
}

/// A results file that was read again.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stored {
    /// What its records add up to.
    pub summary: Summary,
    /// How many bytes at its end are no whole record, and were left out.
    pub torn_bytes: u64,
}

/// What the records in `path` add up to, and what the run file beside it tells of the last run: its model, and how long all
/// runs took. Without one, the wall time is that of the record that was finished last. A torn last line is left out.
///
/// # Errors
/// The file can't be read, or holds something else.
pub fn stored_summary(path: &Path) -> Result<Stored, StoredError> {
    Ok(read(path, |_, _| {})?.0)
}

/// The same, and the run file, if there is one. Each record is shown to `each`, with whether it is the first of a later run.
pub(crate) fn read(
    path: &Path,
    mut each: impl FnMut(bool, &Record),
) -> Result<(Stored, Option<RunFile>), StoredError> {
    let run_file = RunFile::read(&beside(path, "run"))
        .map_err(|source| StoredError::RunFile { results: path.display().to_string(), source })?;
    let (mut tally, mut last_us) = (Tally::new(), 0);
    let mut runs = RunsOfFile::of(run_file.as_ref());
    let tail = records(path, |before, record| {
        tally.add(record);
        if record.timing.is_possible() {
            last_us = last_us.max(record.timing.finished_us);
        }
        each(runs.begins_another(before), record);
    })?;
    let last = run_file.as_ref().and_then(|file| file.runs.last());
    let model = last.and_then(|run| run.model.parse::<Model>().ok());
    let ends = run_file.iter().flat_map(|file| &file.runs).filter_map(|run| run.end.as_ref());
    let wall_us: u64 = ends.clone().map(|end| end.wall_us).sum();
    let summary = Summary {
        tally,
        wall_us: if wall_us == 0 { last_us } else { wall_us },
        suspended_us: 0,
        startup_us: 0,
        closing_us: 0,
        model: model.map_or_else(|| Summary::UNKNOWN.to_owned(), |model| model.to_string()),
        layout: layout(model.unwrap_or_default()),
        missing_workers: 0,
        total_items: None,
        interrupted: false,
        early_end: None,
        retries: ends.clone().map(|end| end.counts.retries).sum(),
        pauses: ends.map(|end| end.counts.pauses).sum(),
    };
    let torn_bytes = match tail {
        Tail::Torn(bytes) => bytes,
        Tail::None | Tail::Unended => 0,
    };
    Ok((Stored { summary, torn_bytes }, run_file))
}

/// Shows each record of a file to `each`, with the number of those before it, and says what is torn at its end.
pub(crate) fn records(
    path: &Path,
    mut each: impl FnMut(u64, &Record),
) -> Result<Tail, StoredError> {
    let results = path.display().to_string();
    let io = |source| StoredError::Io { results: results.clone(), source };
    let file = File::open(path).map_err(io)?;
    let mut before = 0;
    let scanned = scan(&file, 0, 0, |line| {
        each(before, &line.record);
        before += 1;
        Ok(())
    });
    scanned.map(|scanned| scanned.tail).map_err(|error| match error {
        ScanError::Io(source) => io(source),
        ScanError::Line { line, wrong } => {
            StoredError::NoRecord { results: results.clone(), line, wrong }
        }
    })
}

/// To which of the runs of a results file its records belong. The times of each run begin at zero.
#[derive(Debug)]
struct RunsOfFile {
    /// How many records there are before each run.
    begins: Vec<u64>,
    /// How many runs have begun. None has where records are older than the run file.
    begun: usize,
}

impl RunsOfFile {
    fn of(file: Option<&RunFile>) -> Self {
        let mut begins: Vec<u64> =
            file.iter().flat_map(|file| &file.runs).map(|run| run.done_before).collect();
        // A run that was killed just when it had taken failed records out has not lowered the numbers yet; that of the next
        // run tells.
        for place in (1..begins.len()).rev() {
            begins[place - 1] = begins[place - 1].min(begins[place]);
        }
        Self { begins, begun: 0 }
    }

    /// Whether the record that has `before` others before it is the first of a later run.
    fn begins_another(&mut self, before: u64) -> bool {
        let begun = self.begins.partition_point(|begins| *begins <= before);
        let is_later = begun > self.begun && before > 0;
        self.begun = begun;
        is_later
    }
}
