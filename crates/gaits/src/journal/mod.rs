//! Goes on with a results file: `docs/design/journal.md`.
//!
//! A [`Journal`] is opened with the results file, under its lock, and only read at first. [`Remaining`] stands between the
//! input and the run, leaves out what is done and compares it. Not before all of that has agreed does [`Journal::begin`]
//! write anything; from then on [`JournalSink`] takes the records.
//!
//! Limit: it is used where records go to a regular file. A pipe or a device has no journal.

mod error;
mod out;
mod paths;
mod plan;
mod put_right;
mod read;
mod remaining;
mod sink;
#[cfg(test)]
mod tests;
mod unrecorded;
mod write;

pub(crate) use error::Gone;
pub use error::JournalError;
use out::Out;
use paths::Paths;
pub(crate) use plan::Planned;
pub(crate) use remaining::{Position, Remaining, note_starts};
pub(crate) use sink::JournalSink;
use write::CHECKPOINT_EVERY_US;

use crate::follow::{HasRecord, Known, known};
use crate::input::input_of;
use crate::sys;
use gaits_core::{Record, Work};
use gaits_engine::MonotonicClock;
use gaits_engine::journal::{Counts, Done, Ending, Match, RunEntry, RunFile, Scanned, Started};
use gaits_engine::sink::JsonLines;
use roaring::RoaringTreemap;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a run goes on with the records of earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GoOn {
    /// Items that failed are done again. Their old records go away before the first one is.
    pub retry_failed: bool,
    /// Items that may have been processed by a run that died are done all the same, although they may not be done twice.
    /// Those that have a record which says so are done again only with `retry_failed`, too.
    pub retry_unsure: bool,
    /// How items are known again.
    pub key: Match,
}

/// What earlier runs have done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Before {
    /// Items that have a record and keep it.
    pub done: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many of those may have been processed, so that they are done again only if asked for by name.
    pub unsure: u64,
    /// Items that failed and are done again.
    pub again: u64,
    /// When the last run ended, or began if it was killed: RFC 3339, UTC.
    pub last_time: Option<String>,
    /// What was out of order in the file and beside it, and what is done about it.
    pub notices: Vec<String>,
}

/// A results file and all that is known of it.
#[derive(Debug)]
pub(crate) struct Journal {
    name: String,
    paths: Paths,
    file: File,
    /// Other runs are kept from writing to the file.
    is_locked: bool,
    /// The file was not there before.
    created: bool,
    /// The records that are there go away when the first new one comes.
    starts_over: bool,
    go_on: GoOn,
    run_file: Option<RunFile>,
    /// What the records hold; goes on growing while the run writes.
    done: Done,
    scanned: Scanned,
    /// Where items are known wherever they stand: the hashes of the items that have a record and keep it.
    items: HashSet<u64>,
    /// Items that were started, may not be done twice, and have no record; with their hashes.
    pending: BTreeMap<u64, u64>,
    /// The work that the first record names, where there is no run file to say it.
    work: Option<String>,
    notices: Vec<String>,
    /// Makes a rewriting of the file give up.
    stop: Arc<AtomicBool>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing was written yet.
    Read,
    /// The run is under way.
    Writing(Box<Writing>),
    /// The run has ended; nothing is written any more.
    Ended,
}

/// What a run writes with.
#[derive(Debug)]
struct Writing {
    records: JsonLines<File>,
    run_file: RunFile,
    /// Items that may not be done twice.
    out: Arc<Out>,
    counts: Counts,
    clock: MonotonicClock,
    next_checkpoint_us: u64,
    /// Something was written since the last checkpoint.
    dirty: bool,
    /// A record could not be written, so the file may not hold all that is in `done`.
    broken: bool,
}

/// A journal that the source's thread and the one that writes records share.
pub(crate) type Shared = Arc<Mutex<Journal>>;

/// Its content; a panic of the other side leaves it usable.
pub(crate) fn lock(shared: &Shared) -> MutexGuard<'_, Journal> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// Reads what earlier runs have left in `file`, which is locked, unless `unlocked` tells why it can't be. With no
    /// `go_on`, its records are to be replaced.
    pub(crate) fn open(
        path: &Path,
        file: File,
        unlocked: Option<io::Error>,
        created: bool,
        go_on: Option<GoOn>,
    ) -> Result<Self, JournalError> {
        let goes_on = go_on.is_some();
        let name = path.display().to_string();
        let failed = |source| JournalError::Read { results: name.clone(), source };
        let has_records = file.metadata().map_err(failed)?.len() > 0;
        // A link is followed, so that it makes no difference by which name the results are called.
        let paths = Paths::of(fs::canonicalize(path).map_err(failed)?);
        let mut journal = Self {
            name,
            paths,
            file,
            created,
            starts_over: go_on.is_none() && has_records,
            go_on: go_on.unwrap_or_default(),
            run_file: None,
            done: Done::default(),
            scanned: Scanned::default(),
            items: HashSet::new(),
            pending: BTreeMap::new(),
            work: None,
            is_locked: unlocked.is_none(),
            notices: Vec::new(),
            stop: Arc::default(),
            state: State::Read,
        };
        if let Some(error) = unlocked {
            journal.notices.push(format!(
                "can't lock {} ({error}); make sure that no other run writes to it meanwhile",
                journal.name
            ));
        }
        if goes_on {
            journal.read(has_records)?;
        }
        Ok(journal)
    }

    /// What earlier runs have done.
    pub(crate) fn before(&self) -> Before {
        let again = self.again().len();
        Before {
            done: self.done.len() - again,
            failed: self.done.failed() - again,
            unsure: if self.go_on.retry_unsure { 0 } else { self.done.unsure() },
            again,
            last_time: self.run_file.as_ref().and_then(RunFile::last_time).map(str::to_owned),
            notices: self.notices.clone(),
        }
    }

    /// The listings that were not followed to their end, as far as their records stay.
    pub(crate) fn open_listings(
        &self,
        work: &dyn Work,
    ) -> Result<HashMap<u64, Vec<Known>>, JournalError> {
        if self.starts_over || self.done.is_empty() {
            return Ok(HashMap::new());
        }
        let failed = |source| JournalError::Read { results: self.name.clone(), source };
        let file = self.file.try_clone().map_err(failed)?;
        known(&file, work, self.has_record()).map_err(|error| failed(io::Error::other(error)))
    }

    /// Says of an index whether earlier runs have left a record that stays.
    pub(crate) fn has_record(&self) -> HasRecord {
        if self.starts_over {
            return Box::new(|_| false);
        }
        let done = self.done.recorded() - &self.again();
        Box::new(move |index| done.contains(index))
    }

    /// How items are known again.
    pub(crate) fn key(&self) -> Match {
        self.go_on.key.clone()
    }

    /// The items that are done again.
    fn again(&self) -> RoaringTreemap {
        if self.go_on.retry_failed {
            self.done.to_retry(self.go_on.retry_unsure)
        } else {
            RoaringTreemap::new()
        }
    }

    /// Where a source has to begin.
    pub(crate) fn position(&self) -> Position {
        Position {
            done: self.done.clone(),
            again: self.again(),
            items: self.items.clone(),
            pending: self.pending.clone(),
            go_on: self.go_on.clone(),
        }
    }

    /// Makes ready to write: notes the run, and puts right what is not in order in the results file. Says no if the run has
    /// ended meanwhile.
    pub(crate) fn begin(&mut self, planned: &Planned) -> Result<bool, JournalError> {
        match self.state {
            State::Writing(_) => return Ok(true),
            State::Ended => return Ok(false),
            State::Read => {}
        }
        self.paths.sweep();
        let mut run_file = self.note_run(planned)?;
        let failed = |path: &Path, source| JournalError::Write { path: path.to_owned(), source };
        if self.starts_over || self.done.is_empty() {
            // It tells of records that are there no more, or soon will not be.
            let _ = fs::remove_file(&self.paths.done);
        }
        self.before_notes_go()?;
        let started = Started::begin(&self.paths.started, &self.pending)
            .map_err(|error| failed(&self.paths.started, error))?;
        let results = self.paths.results.clone();
        if !self.put_right(&mut run_file)? {
            return Ok(false);
        }
        let folder = if self.created { results.parent().map(File::open) } else { None };
        // One that may be written to and not be read can't be brought to the disk.
        let folder = folder.and_then(Result::ok);
        let records = self.file.try_clone().and_then(|file| JsonLines::file(file, folder));
        let records = records.map(|records| records.with_input(input_of));
        self.state = State::Writing(Box::new(Writing {
            records: records.map_err(|error| failed(&results, error))?,
            run_file,
            out: Arc::new(Out::begin(started, &self.pending)),
            counts: Counts::default(),
            clock: MonotonicClock::start(),
            next_checkpoint_us: CHECKPOINT_EVERY_US,
            dirty: false,
            broken: false,
        }));
        Ok(true)
    }

    /// Brings the records to the disk: a note of an item goes only when its record is there.
    fn before_notes_go(&self) -> Result<(), JournalError> {
        if self.paths.started.exists() {
            let path = &self.paths.results;
            let failed = |source| JournalError::Write { path: path.clone(), source };
            self.file.sync_data().map_err(failed)?;
        }
        Ok(())
    }

    /// Writes the run file with this run in it.
    fn note_run(&mut self, planned: &Planned) -> Result<RunFile, JournalError> {
        let mut run_file = planned.run_file(self.go_on.key.clone());
        run_file.replaces_records = self.starts_over;
        if !self.starts_over
            && let Some(earlier) = &mut self.run_file
        {
            run_file.runs.append(&mut earlier.runs);
        }
        // Records of items that are done again are still there.
        run_file.runs.push(RunEntry { done_before: self.done.len(), ..planned.entry() });
        run_file
            .write(&self.paths.run)
            .map_err(|source| JournalError::Write { path: self.paths.run.clone(), source })?;
        Ok(run_file)
    }

    /// Keeps the hashes of items that may not be done twice, for when they go out.
    pub(crate) fn will_start(&mut self, items: impl Iterator<Item = (u64, u64)>) {
        if let State::Writing(writing) = &mut self.state {
            writing.out.read(items);
        }
    }

    /// Which items are out that may not be done twice.
    fn out(&mut self) -> io::Result<Arc<Out>> {
        self.state.writing().map(|writing| Arc::clone(&writing.out))
    }

    /// Notes how the run has ended; `ending` is given what was recorded. Nothing is written after that.
    pub(crate) fn end(&mut self, ending: impl FnOnce(Counts) -> Ending) {
        let State::Writing(mut writing) = std::mem::replace(&mut self.state, State::Ended) else {
            return;
        };
        // Where a record was lost, its item still counts as out.
        if !writing.broken {
            writing.out.end();
        }
        // That it can't be written does no harm: a run without an end counts as killed.
        if let Some(entry) = writing.run_file.runs.last_mut() {
            entry.end = Some(ending(writing.counts));
        }
        let _ = writing.run_file.write(&self.paths.run);
    }

    /// Whether an item has no record. Where the records are about to be replaced, nothing is known of them.
    pub(crate) fn lacks_record(&self, index: u64) -> bool {
        !self.starts_over && !self.done.contains(index)
    }

    /// Whether anything was written.
    pub(crate) fn has_begun(&self) -> bool {
        !matches!(self.state, State::Read)
    }

    /// Removes the results file if it was made for this run and is still empty.
    pub(crate) fn discard(&self) {
        if self.created && self.file.metadata().is_ok_and(|meta| meta.len() == 0) {
            // Empty files that stay do no harm.
            let _ = fs::remove_file(&self.paths.results);
            let _ = fs::remove_file(&self.paths.run);
        }
    }

    /// Cuts off what was written of a last record when a write failed.
    pub(crate) fn cut_torn_line(&mut self) -> io::Result<()> {
        sys::cut_torn_line(&self.file)
    }

    pub(crate) fn unlock(&self) {
        let _ = self.file.unlock();
    }

    pub(crate) fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

impl State {
    fn writing(&mut self) -> io::Result<&mut Writing> {
        match self {
            State::Writing(writing) => Ok(writing),
            _ => Err(io::Error::other("a record came while no run was under way")),
        }
    }
}

/// Whether the record's item is done again.
fn is_retried(record: &Record, go_on: &GoOn) -> bool {
    let unsure = |error: &gaits_core::ItemError| error.may_have_been_processed();
    go_on.retry_failed && record.error().is_some_and(|error| go_on.retry_unsure || !unsure(error))
}
