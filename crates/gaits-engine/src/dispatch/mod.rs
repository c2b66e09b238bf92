//! The dispatcher: the one owner of sequence, counters, retries and cancellation. `docs/design/dispatch.md`.
//!
//! It runs on one thread of its own and takes everything it learns from one event queue, so nothing in it is locked. Limit:
//! it performs nothing, notes on a disk only what may not be done twice, and leaves to the pacer when an item may go out.

mod advice;
mod deaths;
mod end;
mod intake;
mod notes;
mod stop;
mod suspects;
mod trials;
mod withdraw;
mod writer;

pub use end::{RunEnd, RunError, Stopped};

use crate::flow::{
    Batch, EventQueue, ExecutorError, ItemQueue, Notice, Patience, RecordQueue, Report, Signal,
};
use crate::pace::Pacer;
use crate::plan::Limits;
use crate::progress::Progress;
use gaits_core::{
    Clock, Content, Data, Entry, ErrorKind, HearsOf, Item, ItemError, Outcome, Record, Timing, Try,
};
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stop::Release;
use suspects::Suspects;
use tokio_util::sync::CancellationToken;

pub(crate) use intake::pump;
pub(crate) use notes::Notes;
pub(crate) use writer::write;

/// How often it is told what keeps items from being handed out, in microseconds: to find that out, all keys are looked at.
const HELD_EVERY_US: u64 = 250_000;

/// Whoever watches the run; called on the dispatcher's thread.
pub trait Observer: Send {
    /// Something worth telling the user at once.
    fn notice(&mut self, notice: Notice);

    /// All that is to be done is done, or the run can't go on, and the workers are about to be let go. Their threads and
    /// processes are all still there, and can be looked at.
    fn workers_end(&mut self) {}

    /// The run is abandoned and what was recorded is with the operating system. In-flight items are dropped where
    /// that can be done; an observer that can't wait for the rest may end the process here.
    fn abandoned(&mut self, end: &RunEnd) {
        let _ = end;
    }
}

/// What the dispatcher works with.
pub(crate) struct Dispatcher<'a> {
    pub(crate) events: Arc<EventQueue>,
    pub(crate) queue: Arc<ItemQueue>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cancel: CancellationToken,
    pub(crate) records: Arc<RecordQueue>,
    /// Which items are out that may not be done twice.
    pub(crate) notes: Notes,
    /// What came of writing them, once the last one is written.
    pub(crate) written: Receiver<Result<(), RunError>>,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) progress: Arc<Progress>,
    pub(crate) pacer: Pacer,
    pub(crate) limits: Limits,
    /// Hears of items that are left undone, where the source wants to know.
    pub(crate) undone: Option<HearsOf>,
    /// The items that were read and have no record yet, by their indices; none if the source does not want to know.
    pub(crate) open: Option<Arc<Mutex<HashSet<u64>>>>,
    pub(crate) state: State,
}

/// How far the run has come.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and all mixtures occur"
)]
pub(crate) struct State {
    /// How the source has ended, once it has.
    source_end: Option<io::Result<()>>,
    stopping: bool,
    sinks_finished: bool,
    sink_failed: bool,
    executor_ended: bool,
    suspects: Suspects,
    /// When the first item was started and the last one finished, of those that a worker did.
    at_work: Option<(u64, u64)>,
    /// What the work has told.
    said: HashSet<String>,
    /// How the items that are being tried again have failed before.
    tries: HashMap<u64, Vec<Try>>,
    /// When it was last told what keeps items from being handed out.
    held_told_us: u64,
    /// Something has happened since.
    held_untold: bool,
    /// The user was told of the polite limit.
    polite_told: bool,
    /// The user was told how much a key lets through that asks for pauses.
    let_through_told: bool,
    end: RunEnd,
}

impl Dispatcher<'_> {
    /// Until every item has its record, or the run can't go on.
    pub(crate) fn run(mut self) -> Result<RunEnd, RunError> {
        let release = Release {
            queue: Arc::clone(&self.queue),
            records: Arc::clone(&self.records),
            events: Arc::clone(&self.events),
            cancel: self.cancel.clone(),
        };
        let mut result = self.dispatch().and(self.notes.settle());
        if result.is_err() || self.state.sink_failed {
            self.cancel.cancel();
        }
        self.observer.workers_end();
        for item in self.queue.close() {
            self.take_back_start(&item);
        }
        drop(release);
        let finished = self.finish_sinks();
        self.stop_clock(self.clock.now_us());
        let ended = self.see_out();
        // Where that fails, the next run takes for started what was not: it says so, and does nothing twice.
        let _ = self.notes.settle();
        if !self.state.end.interrupted {
            result = result.and(ended.map_err(RunError::Executor));
        }
        finished.and(result)?;
        let mut end = self.state.end;
        match self.state.source_end {
            Some(Err(error)) => return Err(RunError::Source(error)),
            // There were as many failures as that only when all was done.
            Some(Ok(())) if end.given_back == 0 => {
                end.stopped.take_if(|why| matches!(why, Stopped::Failures { .. }));
            }
            Some(Ok(())) | None => {}
        }
        Ok(end)
    }

    /// Waits for the workers to end: a worker process may still have something to say. Gives the executor's error, if it
    /// comes only now.
    fn see_out(&mut self) -> Result<(), ExecutorError> {
        let mut batch = Batch::default();
        let mut result = Ok(());
        while !self.state.executor_ended {
            self.events.collect(&mut batch, Patience::Long, false);
            batch.notices.drain(..).for_each(|notice| self.tell(notice));
            for signal in batch.signals.drain(..) {
                match signal {
                    Signal::Interrupt | Signal::SinkFailed | Signal::Withdraw(_) => {}
                    Signal::Abandon => self.cancel.cancel(),
                    Signal::ExecutorEnded(ended) => {
                        self.state.executor_ended = true;
                        result = ended;
                    }
                }
            }
            self.take_back_starts(&mut batch);
        }
        result
    }

    /// Takes back the notes of items that nobody has started, where nothing more is done with reports.
    fn take_back_starts(&mut self, batch: &mut Batch) {
        for report in batch.reports.drain(..) {
            match report {
                Report::Unstarted(item) => self.take_back_start(&item),
                Report::Died { unstarted, .. } | Report::Overdue { unstarted, .. } => {
                    for item in &unstarted {
                        self.take_back_start(item);
                    }
                }
                Report::Done { .. } | Report::Advised { .. } | Report::Exhausted(..) => {}
            }
        }
    }

    fn dispatch(&mut self) -> Result<(), RunError> {
        let mut batch = Batch::default();
        let mut records = Vec::new();
        let mut patience = Patience::Long;
        loop {
            let hungry =
                self.state.source_end.is_none() && !self.state.stopping && self.pacer.is_hungry();
            self.events.collect(&mut batch, self.patience(patience), hungry);
            let now_us = self.clock.now_us();
            self.pacer.tick(now_us);
            patience = if batch.reports.is_empty() { Patience::Long } else { Patience::Short };
            let mut executor_ended = None;
            let mut withdrawals = Vec::new();
            for signal in std::mem::take(&mut batch.signals) {
                match signal {
                    Signal::Interrupt => self.stop(),
                    Signal::SinkFailed => self.state.sink_failed = true,
                    Signal::Abandon => return self.abandon(&mut batch, &mut records),
                    Signal::Withdraw(withdrawal) => withdrawals.push(withdrawal),
                    Signal::ExecutorEnded(ended) => {
                        self.state.executor_ended = true;
                        executor_ended = Some(ended);
                    }
                }
            }
            if self.state.sink_failed {
                self.take_back_starts(&mut batch);
                return Ok(());
            }
            batch.notices.drain(..).for_each(|notice| self.tell(notice));
            for report in batch.reports.drain(..) {
                self.settle(report, now_us, &mut records);
            }
            for entry in batch.entries.drain(..) {
                records.extend(self.admit(entry, now_us));
            }
            if let Some(end) = batch.source_end.take() {
                self.state.source_end = Some(end);
            }
            // Not before all is here that was read.
            for withdrawal in withdrawals {
                self.withdraw_items(withdrawal);
            }
            self.tell_undone();
            // Workers first: they go on while the records are written.
            let handed_out = self.hand_out(now_us);
            self.write(&mut records);
            handed_out?;
            self.show_progress(now_us);
            if let Some(ended) = executor_ended {
                return self.on_executor_end(ended);
            }
            let more = self.state.source_end.is_none() || self.waiting() > 0;
            if self.pacer.outstanding() == 0 && (self.state.stopping || !more) {
                self.note_given_up(now_us);
                return Ok(());
            }
        }
    }

    /// How long to wait for something to happen: no longer than until an item may be handed out, or until it is to be told
    /// what keeps items from that.
    fn patience(&self, patience: Patience) -> Patience {
        let tells_us = self.state.held_untold.then(|| self.state.held_told_us + HELD_EVERY_US);
        let pacer_us = self.pacer.wakes_us();
        let wakes_us = [pacer_us, self.trial_wakes_us(), tells_us].into_iter().flatten().min();
        match wakes_us {
            Some(wakes_us) if patience == Patience::Long && !self.state.stopping => {
                let left_us = wakes_us.saturating_sub(self.clock.now_us());
                Patience::AtMost(Duration::from_micros(left_us))
            }
            _ => patience,
        }
    }

    /// How many items wait to be handed out.
    fn waiting(&self) -> usize {
        self.pacer.waiting() + self.state.suspects.waiting()
    }

    /// Passes a notice on. What the work tells is told once.
    fn tell(&mut self, notice: Notice) {
        match &notice {
            Notice::WorkSaid { line } if !self.state.said.insert(line.clone()) => return,
            Notice::WorkersNotStarted { workers, .. } => {
                self.lose(*workers);
            }
            _ => {}
        }
        self.observer.notice(notice);
    }

    /// Counts workers that are missing; tells how many are left.
    fn lose(&mut self, workers: usize) -> usize {
        let left = self.pacer.lose(workers);
        self.state.end.missing_workers = self.pacer.missing() as u64;
        left
    }

    /// So many of the missing workers are there again, in a process that takes the place of another.
    fn regain(&mut self, workers: usize) {
        self.pacer.regain(workers);
        self.state.end.missing_workers = self.pacer.missing() as u64;
    }

    /// Hands out what may be, once it is noted of those that may not be done twice.
    fn hand_out(&mut self, now_us: u64) -> Result<(), RunError> {
        self.notes.settle()?;
        if self.state.stopping {
            return Ok(());
        }
        let mut batch = self.next_trial(now_us);
        if !self.pacer.may_wait() {
            batch.extend(std::iter::from_fn(|| self.pacer.next()));
        }
        if batch.is_empty() {
            return Ok(());
        }
        if self.notes.are_kept() {
            let once = batch.iter().filter(|item| !item.repeatable).map(|item| item.index);
            self.notes.add(&once.collect::<Vec<_>>())?;
        }
        for item in &mut batch {
            item.queued_us = now_us;
        }
        // An executor that can't go on has closed the item queue, and is about to say so.
        for refused in self.queue.push(batch) {
            self.again(refused);
        }
        Ok(())
    }

    /// Takes an entry of the source; an invalid one has its record at once.
    fn admit(&mut self, entry: Entry, now_us: u64) -> Option<Record> {
        let Entry { index, content } = entry;
        self.with_open(|open| {
            open.insert(index);
        });
        if self.state.stopping {
            return None;
        }
        match content {
            Content::Item { data, facts } => {
                self.pacer.admit(Item::with_facts(index, data, facts.unwrap_or_default()));
                None
            }
            Content::Invalid { shown, message } => {
                let error = ItemError::new(ErrorKind::InvalidItem, message);
                Some(unperformed(index, shown, error, now_us))
            }
            Content::Cancelled { shown, message } => {
                let error = ItemError::new(ErrorKind::Cancelled, message);
                Some(unperformed(index, shown, error, now_us))
            }
        }
    }

    /// What a report means: records, or that items are to be done again.
    fn settle(&mut self, report: Report, now_us: u64, records: &mut Vec<Record>) {
        match report {
            Report::Done { record, key } => {
                self.pacer.finished(key, record.timing.started_us);
                self.state.suspects.done(record.index);
                records.push(self.with_tries(record));
            }
            Report::Advised { record, advice, item } => {
                self.state.suspects.done(record.index);
                records.extend(self.advised(record, advice, *item, now_us));
            }
            Report::Unstarted(item) => self.again(item),
            Report::Exhausted(item, error) => {
                let left = self.lose(1);
                self.observer.notice(Notice::FewerWorkers { left, why: error.message });
                self.again(item);
            }
            Report::Overdue { overdue, started, unstarted, missing, worker } => {
                self.regain(missing);
                self.overdue(overdue, started, unstarted, worker, now_us, records);
            }
            Report::Died { started, unstarted, missing, worker, how } => {
                self.regain(missing);
                self.died(started, unstarted, (worker, &how), now_us, records);
            }
        }
    }

    /// Puts an item back that was handed out and not done.
    fn again(&mut self, item: Item) {
        self.take_back_start(&item);
        if self.state.stopping {
            self.pacer.finished(item.key, 0);
            self.state.end.given_back += 1;
        } else if item.trial > 0 && !self.pacer.is_given_up(item.key) {
            self.pacer.taken_back(1);
            self.state.suspects.put_back(item);
        } else {
            self.state.suspects.done(item.index);
            self.pacer.readmit(item);
        }
    }

    /// Takes back the note that an item was started, where it had one: it was not, or not so that anything came of it.
    fn take_back_start(&mut self, item: &Item) {
        if !item.repeatable {
            self.notes.comes_back(item.index);
        }
    }

    /// Tells the source which items were left undone.
    fn tell_undone(&mut self) {
        let left = self.pacer.just_left();
        if left.len() > 0
            && let Some(tell) = &self.undone
        {
            tell(left.as_slice());
        }
    }

    fn with_open(&self, what: impl FnOnce(&mut HashSet<u64>)) {
        if let Some(open) = &self.open {
            what(&mut open.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn show_progress(&mut self, now_us: u64) {
        let RunEnd { ok, failed, .. } = self.state.end;
        self.progress.set(ok, failed, self.pacer.in_flight());
        self.state.held_untold = now_us.saturating_sub(self.state.held_told_us) < HELD_EVERY_US;
        if !self.state.held_untold {
            self.state.held_told_us = now_us;
            let held = self.pacer.held(self.state.source_end.is_some());
            self.progress.set_held(now_us, self.pacer.retrying(), held);
        }
        if self.pacer.is_polite() && !std::mem::replace(&mut self.state.polite_told, true) {
            let in_flight = self.limits.polite.map_or(0, std::num::NonZero::get);
            self.observer.notice(Notice::Polite { in_flight });
        }
    }

    fn write(&mut self, records: &mut Vec<Record>) {
        if records.is_empty() {
            return;
        }
        let mut enough = None;
        self.with_open(|open| {
            for record in records.iter() {
                open.remove(&record.index);
            }
        });
        for record in records.iter() {
            if record.worker.is_some() {
                let Timing { started_us, finished_us, .. } = record.timing;
                let (first, last) = self.state.at_work.unwrap_or((started_us, finished_us));
                self.state.at_work = Some((first.min(started_us), last.max(finished_us)));
            }
            match &record.outcome {
                Outcome::Ok => self.state.end.ok += 1,
                Outcome::Failed(error) => {
                    self.state.end.failed += 1;
                    if self
                        .limits
                        .stop_after_failures
                        .is_some_and(|n| n.get() == self.state.end.failed)
                    {
                        enough = Some(Stopped::Failures {
                            item: record.item.to_string(),
                            error: error.clone(),
                        });
                    }
                }
            }
        }
        self.records.push(records);
        if let Some(why) = enough {
            self.stop_early(why);
        }
    }
}

/// The record of an item that goes to no worker.
fn unperformed(index: u64, shown: Data, error: ItemError, now_us: u64) -> Record {
    let item = Item { queued_us: now_us, ..Item::new(index, shown) };
    Record::unperformed(item, error, 0, None, now_us)
}
