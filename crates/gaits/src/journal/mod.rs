//! Goes on with a results file: `docs/design/journal.md`.
//!
//! A [`Journal`] is opened with the results file, under its lock, and only read at first. [`Remaining`] stands between the
//! input and the run, leaves out what is done and compares it. Not before all of that has agreed does [`Journal::begin`]
//! write anything; from then on [`JournalSink`] takes the records.
//!
//! Limit: it is used where records go to a regular file. A pipe or a device has no journal.

mod error;
mod out;
mod plan;
mod remaining;
mod sink;
#[cfg(test)]
mod tests;
mod unrecorded;

pub use error::JournalError;
pub(crate) use error::Removed;
use out::Out;
pub(crate) use plan::Planned;
pub(crate) use remaining::{Position, Remaining, note_starts};
pub(crate) use sink::JournalSink;

use crate::follow::{HasRecord, Known, known};
use crate::input::input_of;
use crate::sys;
use gaits_core::{Clock, Record, Sink as _, Work};
use gaits_engine::MonotonicClock;
use gaits_engine::journal::{
    Checkpoint, Counts, Done, Ending, Match, RunEntry, RunFile, ScanError, Scanned, Started, Tail,
    beside, scan, sync_folder,
};
use gaits_engine::sink::JsonLines;
use roaring::RoaringTreemap;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A checkpoint is written no sooner than this after the one before, in microseconds: a run that is killed leaves a tail of
/// a few seconds to be read.
const CHECKPOINT_EVERY_US: u64 = 5_000_000;
/// Nor before so many times as long have passed as the one before took, however large it has become.
const CHECKPOINT_SHARE: u64 = 50;

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

/// The files.
#[derive(Debug)]
struct Paths {
    results: PathBuf,
    run: PathBuf,
    done: PathBuf,
    started: PathBuf,
    /// The results file of a run that does failed items again, until it is whole.
    rewritten: PathBuf,
}

impl Paths {
    fn of(results: PathBuf) -> Self {
        let at = |ending| beside(&results, ending);
        Self {
            run: at("run"),
            done: at("done"),
            started: at("started"),
            rewritten: at("new"),
            results,
        }
    }

    /// Removes what a killed run may have left of files that were not whole yet.
    fn sweep(&self) {
        for path in [&self.run, &self.done, &self.started] {
            let _ = fs::remove_file(beside(path, "tmp"));
        }
        let _ = fs::remove_file(&self.rewritten);
    }
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

    fn read(&mut self, has_records: bool) -> Result<(), JournalError> {
        let path = &self.paths.run;
        self.run_file = RunFile::read(path)
            .map_err(|source| JournalError::RunFile { path: path.clone(), source })?;
        match &self.run_file {
            Some(file) if file.replaces_records && has_records => {
                return Err(JournalError::StartingOver { results: self.name.clone() });
            }
            None if has_records => self.notices.push(format!(
                "{} is missing, so nobody knows which settings the records were made with; \
                 going on as if they were the same",
                path.display()
            )),
            _ => {}
        }
        let path = &self.paths.started;
        self.pending = Started::read(path)
            .map_err(|source| JournalError::Started { path: path.clone(), source })?;
        if has_records {
            self.read_records()?;
        } else {
            self.note_lost();
        }
        self.pending.retain(|index, _| !self.done.contains(*index));
        Ok(())
    }

    /// Tells of what earlier runs have done where the file has no record of it, since it was removed or emptied.
    fn note_lost(&mut self) {
        let last = self.run_file.as_ref().and_then(|file| file.runs.last());
        let Some(RunEntry { done_before, end, .. }) = last else { return };
        let counts = end.as_ref().map(|end| end.counts).unwrap_or_default();
        let items = done_before + counts.ok + counts.failed;
        if items > 0 {
            let (items, they) = if items == 1 {
                ("an item".to_owned(), "it is")
            } else {
                (format!("{items} items"), "they are")
            };
            self.notices.push(format!(
                "earlier runs have done {items}, and {} has no records; {they} done again",
                self.name
            ));
        }
    }

    fn read_records(&mut self) -> Result<(), JournalError> {
        let by_item = self.go_on.key.is_by_item();
        // What the checkpoint lacks must be read from the records themselves.
        let start = match &self.run_file {
            Some(_) if !by_item => Checkpoint::read(&self.paths.done, &self.file),
            _ => None,
        }
        .unwrap_or_default();
        self.done = start.done;
        let (done, items, work) = (&mut self.done, &mut self.items, &mut self.work);
        let go_on = &self.go_on;
        let scanned = scan(&self.file, start.offset, start.lines, |line| {
            let record = line.record;
            if !done.add(&record) {
                return Err(format!("item {} has a record already", record.index));
            }
            if by_item && !is_retried(&record, go_on) {
                items.insert(go_on.key.hash(&record.item));
            }
            if let (None, Some(detail)) = (&work, &record.detail) {
                *work = Some(detail.work().to_owned());
            }
            Ok(())
        });
        let results = self.name.clone();
        self.scanned = scanned.map_err(|error| match error {
            ScanError::Io(source) => JournalError::Read { results, source },
            ScanError::Line { line: 1, wrong } if self.run_file.is_none() => {
                JournalError::NotResults { results, wrong }
            }
            ScanError::Line { line, wrong } => JournalError::Line { results, line, wrong },
        })?;
        if let Tail::Torn(bytes) = self.scanned.tail {
            let cut = if bytes == 1 { "byte is" } else { "bytes are" };
            self.notices.push(format!(
                "the last record in {} is torn; its {bytes} {cut} cut off and its item is done again",
                self.name
            ));
        }
        Ok(())
    }

    /// What earlier runs have done.
    pub(crate) fn before(&self) -> Before {
        let again = self.again().len();
        Before {
            done: self.done.len() - again,
            failed: self.done.failed() - again,
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
        let run_file = self.note_run(planned)?;
        let failed = |path: &Path, source| JournalError::Write { path: path.to_owned(), source };
        if self.starts_over || self.done.is_empty() {
            // It tells of records that are there no more, or soon will not be.
            let _ = fs::remove_file(&self.paths.done);
        }
        let started = Started::begin(&self.paths.started, &self.pending)
            .map_err(|error| failed(&self.paths.started, error))?;
        let results = self.paths.results.clone();
        if !self.put_right().map_err(|error| failed(&results, error))? {
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

    /// Writes the run file with this run in it.
    fn note_run(&mut self, planned: &Planned) -> Result<RunFile, JournalError> {
        let mut run_file = planned.run_file(self.go_on.key.clone());
        run_file.replaces_records = self.starts_over;
        if !self.starts_over
            && let Some(earlier) = &mut self.run_file
        {
            run_file.runs.append(&mut earlier.runs);
        }
        run_file.runs.push(RunEntry { done_before: self.before().done, ..planned.entry() });
        run_file
            .write(&self.paths.run)
            .map_err(|source| JournalError::Write { path: self.paths.run.clone(), source })?;
        Ok(run_file)
    }

    /// Ends the last line as it should be, and takes out the records of items that are done again. Says no if it was told
    /// to stop.
    fn put_right(&mut self) -> io::Result<bool> {
        if self.starts_over {
            return Ok(true);
        }
        self.end_last_line()?;
        if self.before().again > 0 { self.take_out_retried() } else { Ok(true) }
    }

    /// Cuts off a last record that is torn, and ends the line of one that is whole.
    fn end_last_line(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.scanned.tail) {
            Tail::None => Ok(()),
            Tail::Unended => self.file.write_all(b"\n"),
            Tail::Torn(_) => self.file.set_len(self.scanned.end),
        }
    }

    /// Leaves the results file and what stands beside it in order although no run has begun, since all was done before.
    pub(crate) fn nothing_to_do(&mut self) -> Result<(), JournalError> {
        self.paths.sweep();
        let path = self.paths.results.clone();
        self.end_last_line().map_err(|source| JournalError::Write { path, source })?;
        // The next run need not read the records again that this one has read.
        if !self.paths.done.exists() {
            self.write_checkpoint();
        }
        Ok(())
    }

    /// Puts another file in the place of the results file, without the records of items that are done again. At every
    /// moment there is one whole file of the name, and it is locked: whoever opens it now and has waited for the lock sees
    /// that the name belongs to another file.
    fn take_out_retried(&mut self) -> io::Result<bool> {
        let path = &self.paths.rewritten;
        let file = OpenOptions::new().read(true).append(true).create_new(true).open(path)?;
        file.set_permissions(self.file.metadata()?.permissions())?;
        if self.is_locked {
            file.try_lock()?;
        }
        let mut out = BufWriter::with_capacity(256 * 1024, &file);
        let mut done = Done::default();
        let mut written = Ok(());
        let (go_on, stop) = (&self.go_on, &self.stop);
        let scanned = scan(&self.file, 0, 0, |line| {
            if stop.load(Ordering::Relaxed) {
                return Err("stopped".into());
            }
            if !is_retried(&line.record, go_on) {
                done.add(&line.record);
                written = out.write_all(line.bytes).and_then(|()| out.write_all(b"\n"));
            }
            written.as_ref().map_err(ToString::to_string).map(drop)
        });
        let finished = written
            .and_then(|()| scanned.map_err(io::Error::other))
            .and_then(|_| out.flush())
            .and_then(|()| file.sync_all());
        drop(out);
        if let Err(error) = finished {
            let _ = fs::remove_file(path);
            return if self.stop.load(Ordering::Relaxed) { Ok(false) } else { Err(error) };
        }
        // It tells of the old file.
        let _ = fs::remove_file(&self.paths.done);
        fs::rename(path, &self.paths.results)?;
        sync_folder(&self.paths.results)?;
        self.file = file;
        self.done = done;
        Ok(true)
    }

    /// Takes a record.
    fn write(&mut self, record: &Record) -> io::Result<()> {
        if self.starts_over {
            self.file.set_len(0)?;
            // Or after a loss of power the old records could be back, beside a run file that takes them for its own.
            self.file.sync_all()?;
            self.starts_over = false;
            // Only now: until here the records were older than the run file, and it has to say so.
            if let State::Writing(writing) = &mut self.state {
                writing.run_file.replaces_records = false;
                writing.run_file.write(&self.paths.run)?;
            }
        }
        let writing = self.state.writing()?;
        if let Err(error) = writing.records.write(record) {
            writing.broken = true;
            return Err(error);
        }
        self.done.add(record);
        writing.dirty = true;
        *if record.outcome.is_ok() {
            &mut writing.counts.ok
        } else {
            &mut writing.counts.failed
        } += 1;
        writing.out.is_recorded(record.index);
        Ok(())
    }

    /// Hands the records to the operating system, and from time to time writes a checkpoint.
    fn flush(&mut self) -> io::Result<()> {
        let State::Writing(writing) = &mut self.state else { return Ok(()) };
        let records = self.done.len();
        let flushed = writing.records.flush().and_then(|()| still_there(&self.file, records));
        writing.broken |= flushed.is_err();
        flushed?;
        let now_us = writing.clock.now_us();
        if writing.dirty && now_us >= writing.next_checkpoint_us {
            self.checkpoint();
        }
        Ok(())
    }

    /// Makes the records durable.
    fn finish(&mut self) -> io::Result<()> {
        let State::Writing(writing) = &mut self.state else { return Ok(()) };
        let records = self.done.len();
        let finished = writing.records.finish().and_then(|()| still_there(&self.file, records));
        writing.broken |= finished.is_err();
        finished?;
        self.checkpoint();
        Ok(())
    }

    /// Writes a checkpoint. One that can't be written makes the next start slower, and nothing else.
    fn checkpoint(&mut self) {
        let State::Writing(writing) = &mut self.state else { return };
        if writing.broken || !writing.dirty {
            return;
        }
        let clock = writing.clock;
        let began_us = clock.now_us();
        self.write_checkpoint();
        let now_us = clock.now_us();
        let State::Writing(writing) = &mut self.state else { return };
        let pause_us = CHECKPOINT_EVERY_US.max((now_us - began_us) * CHECKPOINT_SHARE);
        writing.next_checkpoint_us = now_us + pause_us;
        writing.dirty = false;
    }

    fn write_checkpoint(&self) {
        // What the checkpoint covers is never read again, so it has to be on the disk before. An error is the committer's to
        // tell; without a checkpoint the next run reads more.
        let synced = self.file.metadata().and_then(|meta| self.file.sync_data().map(|()| meta));
        if let Ok(meta) = synced {
            let lines = self.done.len();
            let _ = Checkpoint::write(&self.paths.done, &self.file, &self.done, meta.len(), lines);
        }
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

/// What is written to a file that has no name any more is lost; `records` says how much that is.
fn still_there(file: &File, records: u64) -> io::Result<()> {
    if file.metadata()?.nlink() == 0 {
        return Err(io::Error::new(io::ErrorKind::NotFound, Removed { records }));
    }
    Ok(())
}
