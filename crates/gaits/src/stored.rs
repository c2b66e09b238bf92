//! A results file of a run that is over, added up again.

use crate::layout::layout;
use gaits_core::Record;
use gaits_engine::journal::{RunEntry, RunFile, RunFileError, ScanError, Tail, beside, scan};
use gaits_engine::plan::Model;
use gaits_report::{Summary, Tally};
use std::collections::HashMap;
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
    Ok(read(path, |_, _, _| {})?.0)
}

/// The same, and the run file, if there is one. Each record is shown to `each`, with the run file and the number of records
/// before it.
pub(crate) fn read(
    path: &Path,
    mut each: impl FnMut(Option<&RunFile>, u64, &Record),
) -> Result<(Stored, Option<RunFile>), StoredError> {
    let run_file = RunFile::read(&beside(path, "run"))
        .map_err(|source| StoredError::RunFile { results: path.display().to_string(), source })?;
    let (mut tally, mut last_us) = (Tally::new(), 0);
    let tail = records(path, |before, record| {
        tally.add(record);
        if record.timing.is_possible() {
            last_us = last_us.max(record.timing.finished_us);
        }
        each(run_file.as_ref(), before, record);
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
///
/// The run file says how many records there were before each run. Where failed items were done again their old records
/// are gone, so what a process wrote is never taken apart.
#[derive(Debug, Default)]
pub(crate) struct RunsOfFile {
    run: usize,
    run_of: HashMap<u32, usize>,
}

impl RunsOfFile {
    /// Whether `record`, with `before` others before it, is the first of a later run.
    pub(crate) fn begins_another(
        &mut self,
        file: Option<&RunFile>,
        before: u64,
        record: &Record,
    ) -> bool {
        let runs = file.map_or(&[][..], |file| &file.runs);
        let pid = record.worker.map(|worker| worker.pid);
        if pid.is_some_and(|pid| self.run_of.get(&pid) == Some(&self.run)) {
            return false;
        }
        let begun = |run: &RunEntry| run.done_before > 0 && run.done_before <= before;
        let run = runs.iter().rposition(begun).unwrap_or(0);
        if let Some(pid) = pid {
            self.run_of.insert(pid, run.max(self.run));
        }
        let is_later = run > self.run;
        self.run = self.run.max(run);
        is_later
    }
}
