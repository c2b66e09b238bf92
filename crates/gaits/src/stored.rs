//! A results file of a run that is over, added up again.

use crate::layout::layout;
use crate::tally::tally_for;
use gaits_core::Record;
use gaits_engine::journal::{
    Ending, RunEntry, RunFile, RunFileError, ScanError, Tail, beside, scan,
};
use gaits_engine::plan::Model;
use gaits_report::Summary;
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
/// runs took. The wall time of a run that was killed, or of which nothing is told, is that of its record that was finished
/// last. A torn last line is left out.
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
    let settings = run_file.iter().flat_map(|file| &file.settings);
    let mut tally = tally_for(settings.map(|setting| (&*setting.name, &setting.value)));
    let mut runs = RunsOfFile::of(run_file.as_ref());
    let tail = records(path, |before, record| {
        tally.add(record);
        each(runs.begins_another(before, record), record);
    })?;
    let last = run_file.as_ref().and_then(|file| file.runs.last());
    let model = last.and_then(|run| run.model.parse::<Model>().ok());
    let (mut wall_us, mut retries, mut pauses) = (0_u64, 0, 0);
    for (end, left) in runs.ends().zip(&runs.left) {
        wall_us = wall_us.saturating_add(end.map_or(left.last_us, |end| end.wall_us));
        retries += end.map_or(left.retries, |end| end.counts.retries);
        pauses += end.map_or(0, |end| end.counts.pauses);
    }
    let summary = Summary {
        tally,
        wall_us,
        suspended_us: 0,
        startup_us: 0,
        closing_us: 0,
        model: model.map_or_else(|| Summary::UNKNOWN.to_owned(), |model| model.to_string()),
        layout: layout(model.unwrap_or_default()),
        missing_workers: 0,
        total_items: None,
        interrupted: false,
        early_end: None,
        retries,
        pauses,
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
struct RunsOfFile<'a> {
    runs: &'a [RunEntry],
    /// How many records there are before each run.
    begins: Vec<u64>,
    /// How many runs have begun. None has where records are older than the run file.
    begun: usize,
    /// What the records of each run tell; first of those that are older than the run file.
    left: Vec<Left>,
}

/// What the records of a run tell of it, which is all that one has left that was killed.
#[derive(Debug, Clone, Copy, Default)]
struct Left {
    /// When the last of them was finished.
    last_us: u64,
    /// Tries that failed and were followed by another.
    retries: u64,
}

impl<'a> RunsOfFile<'a> {
    fn of(file: Option<&'a RunFile>) -> Self {
        let runs = file.map_or(&[][..], |file| &file.runs);
        let mut begins: Vec<u64> = runs.iter().map(|run| run.done_before).collect();
        // A run that was killed just when it had taken failed records out has not lowered the numbers yet; that of the next
        // run tells.
        for place in (1..begins.len()).rev() {
            begins[place - 1] = begins[place - 1].min(begins[place]);
        }
        Self { runs, begins, begun: 0, left: vec![Left::default(); runs.len() + 1] }
    }

    /// Takes `record`, which has `before` others before it, and says whether it is the first of a later run.
    fn begins_another(&mut self, before: u64, record: &Record) -> bool {
        let begun = self.begins.partition_point(|begins| *begins <= before);
        let is_later = begun > self.begun && before > 0;
        self.begun = begun;
        let left = &mut self.left[begun];
        left.retries += record.tries.len() as u64;
        if record.timing.is_possible() {
            left.last_us = left.last_us.max(record.timing.finished_us);
        }
        is_later
    }

    /// How each run has ended; first none, for the records that are older than the run file.
    fn ends(&self) -> impl Iterator<Item = Option<&Ending>> {
        std::iter::once(None).chain(self.runs.iter().map(|run| run.end.as_ref()))
    }
}
