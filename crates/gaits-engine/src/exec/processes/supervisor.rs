//! Supervises one worker process: starts it, keeps it supplied, and starts another when it dies.

use super::WorkerCommand;
use super::child::{WorkerProcess, describe};
use super::deadline::Deadline;
use super::protocol::{Begin, FromWorker, ToWorker};
use super::share::Share;
use crate::exec::{Context, ExecutorError};
use crate::flow::{Notice, Report};
use crate::pace::Reserve;
use gaits_core::{Advice, Item, Performs, WorkerId};
use std::collections::{HashMap, HashSet};
use std::io;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How far ahead a worker is supplied: what it does in this many microseconds, at its present pace.
const AHEAD_US: u64 = 2_000;
/// The most it is supplied ahead, whatever its pace.
const MOST_AHEAD: usize = 4096;
/// The most items that a process with so many workers is given at a time.
pub(super) const fn most_given(workers: usize) -> u64 {
    (workers + MOST_AHEAD) as u64
}

/// Items that lie unstarted at a worker for this long are taken back if anybody else could do them.
const STUCK: Duration = Duration::from_millis(10);
/// The first pause before a dead worker is replaced; doubled at each further death without a finished item.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest such pause. An item is given up after a few deaths, so a list full of deadly ones must not take for ever.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// After so many workers in a row that die before they start anything, no other is started.
const STILLBORN: u32 = 5;
/// After so many attempts in a row at which no process could be started, no other attempt is made: with the pauses
/// between them, after some four seconds.
const FAILED_STARTS: u32 = 12;

/// Supervises one worker process, and those that replace it.
#[derive(Debug)]
pub(super) struct Supervisor {
    cx: Rc<Context>,
    start: Start,
    share: Rc<Share>,
}

/// How a worker process is started, and what it is told first.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) command: WorkerCommand,
    pub(super) begin: Begin,
}

/// How serving a worker came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Served {
    /// There was nothing more to do, and it was told to exit.
    ToTheEnd,
    /// It hung up.
    UntilDeath,
    /// It was at these items for too long.
    Overdue(Vec<u64>),
}

impl Served {
    /// The items that it was at for too long.
    fn overdue(&self) -> &[u64] {
        match self {
            Served::Overdue(indices) => indices,
            Served::ToTheEnd | Served::UntilDeath => &[],
        }
    }
}

impl Supervisor {
    pub(super) fn new(cx: Rc<Context>, start: Start, share: Rc<Share>) -> Self {
        Self { cx, start, share }
    }

    /// Until the item queue has ended, or the run was abandoned.
    pub(super) async fn run(self) -> Result<(), ExecutorError> {
        let cx = &self.cx;
        let width = width(cx, &self.start.begin);
        let mut pause = FIRST_PAUSE;
        let mut stillborn = 0;
        let mut failed_starts = 0;
        while !cx.queue.has_ended() {
            let Start { command, begin } = &self.start;
            let process = match WorkerProcess::start(command, begin, &cx.out).await {
                Ok(process) => process,
                Err(error) => {
                    failed_starts += 1;
                    if !may_pass(&error) || failed_starts == FAILED_STARTS {
                        self.share.left();
                        return cx.fewer(1, width, ExecutorError::Spawn(error));
                    }
                    self.rest(&mut pause).await;
                    continue;
                }
            };
            failed_starts = 0;
            let pid = process.pid;
            let mut serving = Serving::new(cx, width, &self.share, process);
            serving.deadline = self.start.begin.plan.limits.deadline.map(Deadline::new);
            let served = tokio::select! {
                biased;
                () = cx.cancel.cancelled() => None,
                served = serving.serve() => Some(served),
            };
            let Some(served) = served else {
                serving.process.kill().await;
                break;
            };
            let Serving { finished, missing, mut outstanding, mut process, .. } = serving;
            if let Served::Overdue(_) = served {
                process.start_kill();
            }
            self.share.released(outstanding.len());
            let (how, started) = match process.end().await {
                Ok((status, started)) => (describe(status), started),
                Err(error) => (format!("ended in a way that can't be told: {error}"), Vec::new()),
            };
            if served == Served::ToTheEnd && outstanding.is_empty() {
                self.share.left();
                break;
            }
            let overdue = served.overdue().iter().filter_map(|index| outstanding.remove(index));
            let overdue: Vec<_> = overdue.collect();
            let noted: HashSet<u64> = started.into_iter().collect();
            let (started, unstarted): (Vec<_>, Vec<_>) =
                outstanding.into_values().partition(|item| noted.contains(&item.index));
            if !overdue.is_empty() {
                cx.out.notice(Notice::WorkerOverdue { pid });
                let worker = WorkerId { pid, tid: pid, slot: 0 };
                cx.out.report(Report::Overdue { overdue, started, unstarted, missing, worker });
                cx.out.idle();
                pause = FIRST_PAUSE;
                continue;
            }
            stillborn = if finished == 0 && started.is_empty() { stillborn + 1 } else { 0 };
            cx.out.notice(Notice::WorkerDied { pid, how: how.clone() });
            let worker = WorkerId { pid, tid: pid, slot: 0 };
            let how_it_died = how.clone();
            cx.out.report(Report::Died { started, unstarted, missing, worker, how: how_it_died });
            cx.out.idle();
            if stillborn == STILLBORN {
                self.share.left();
                return cx.fewer(1, width, ExecutorError::Stillborn { times: stillborn, how });
            }
            if finished > 0 {
                pause = FIRST_PAUSE;
            }
            self.rest(&mut pause).await;
        }
        Ok(())
    }

    /// Lets some time pass before the next process is started, and longer the next time.
    async fn rest(&self, pause: &mut Duration) {
        self.share.left();
        tokio::select! {
            () = self.cx.cancel.cancelled() => {}
            () = self.cx.queue.ended() => {}
            () = sleep(*pause) => {}
        }
        self.share.joined();
        *pause = (*pause * 2).min(LONGEST_PAUSE);
    }
}

/// Waits until it is time to look for items that take too long; for ever, if there is no deadline.
async fn look(deadline: &mut Option<Deadline>) {
    match deadline {
        Some(deadline) => deadline.time_to_look().await,
        None => std::future::pending().await,
    }
}

/// How many items a process can be at at the same time.
fn width(cx: &Context, begin: &Begin) -> usize {
    let blocking = matches!(cx.work.performs(), Performs::Blocking(_));
    begin.plan.model.at_once(blocking) as usize
}

/// Whether what kept a process from being started may be over in a moment: the machine, or this user, has too many
/// processes or too little memory now.
fn may_pass(error: &io::Error) -> bool {
    use io::ErrorKind::{OutOfMemory, WouldBlock};
    matches!(error.kind(), WouldBlock | OutOfMemory)
}

/// One process being served.
struct Serving<'a> {
    cx: &'a Context,
    share: &'a Share,
    process: WorkerProcess,
    /// What it was given and has said nothing of.
    outstanding: HashMap<u64, Item>,
    /// The trial that it has offered. It is given nothing more while that waits, so that at least one process comes to have
    /// nothing else.
    offered: Option<u64>,
    /// How many items it has finished.
    finished: u64,
    /// Items it can be at at the same time.
    width: usize,
    /// Workers of it that could not be started, or have retired.
    missing: usize,
    ahead: Reserve,
    deadline: Option<Deadline>,
    closing: bool,
}

impl<'a> Serving<'a> {
    fn new(cx: &'a Context, width: usize, share: &'a Share, process: WorkerProcess) -> Self {
        Self {
            cx,
            share,
            process,
            outstanding: HashMap::new(),
            offered: None,
            finished: 0,
            width,
            missing: 0,
            ahead: Reserve::new(AHEAD_US, MOST_AHEAD, cx.clock.now_us()),
            deadline: None,
            closing: false,
        }
    }

    /// How many more items it may be given: its window or its share, whichever is smaller. `waiting` are in the item queue.
    fn room(&self, waiting: usize) -> usize {
        self.window().min(self.share.of(waiting)).saturating_sub(self.outstanding.len())
    }

    /// How many items it may hold by what it can do.
    fn window(&self) -> usize {
        self.width + self.ahead.size()
    }

    /// Whether nothing but its share keeps it from taking more. That changes without its doing.
    fn is_held_to_its_share(&self) -> bool {
        !self.closing && !self.drains() && self.outstanding.len() < self.window()
    }

    /// Whether it is given nothing more, so that a trial can begin.
    fn drains(&self) -> bool {
        self.offered.is_some_and(|trial| self.share.offers(trial))
    }

    /// Whether it has nothing to do.
    fn is_idle(&self) -> bool {
        !self.closing && self.outstanding.is_empty()
    }

    /// Whether it may be given more: there is room, and no trial.
    fn has_room(&self) -> bool {
        !self.closing
            && !self.drains()
            // It waits for the next item, too, if that would be its own.
            && self.room(self.cx.queue.len().max(1)) > 0
            && self.outstanding.values().next().is_none_or(|item| item.trial == 0)
    }

    async fn serve(&mut self) -> Served {
        let mut tick = interval(STUCK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut quiet = false;
        let (cx, share) = (self.cx, self.share);
        let mut recalls = cx.queue.recalls();
        let ended = cx.queue.ended();
        tokio::pin!(ended);
        loop {
            let has_room = self.has_room();
            // Both change without its doing.
            let looks_again = !has_room && (self.is_held_to_its_share() || self.drains());
            let step = tokio::select! {
                biased;
                heard = self.process.hear() => match heard {
                    Ok(Some(said)) => {
                        quiet = false;
                        self.take_in(said)
                    }
                    Ok(None) if self.closing => return Served::ToTheEnd,
                    Ok(None) | Err(_) => return self.died(),
                },
                // Without regard to room: what the worker has not started must not be started any more.
                () = &mut ended, if !self.closing => self.close().await,
                recalled = recalls.recv(), if !self.closing => {
                    // Some were missed: all is given back, then.
                    let recalled = recalled.ok();
                    let is_of = |key| self.offered.is_some_and(|trial| share.offers_of(trial, key));
                    if recalled.is_none_or(is_of) {
                        self.release_trial();
                    }
                    self.process.say(&ToWorker::Recall(recalled)).await
                }
                trial = share.trial(), if self.is_idle() => self.give(trial).await,
                item = cx.queue.next(|| cx.out.idle()), if has_room => match item {
                    Some(item) => self.supply(item).await,
                    None => self.close().await,
                },
                () = look(&mut self.deadline) => {
                    let overdue = self.overdue();
                    if !overdue.is_empty() {
                        self.release_trial();
                        return Served::Overdue(overdue);
                    }
                    Ok(())
                }
                _ = tick.tick(), if self.outstanding.len() > self.width || looks_again => {
                    self.unstick(std::mem::replace(&mut quiet, true)).await
                }
            };
            if let Err(error) = step {
                return self.hung_up(&error).await;
            }
        }
    }

    /// The items that the process has been at for too long.
    fn overdue(&mut self) -> Vec<u64> {
        // What can't be read now can be the next time.
        let mut at_work = self.process.started().unwrap_or_default();
        at_work.retain(|index| self.outstanding.contains_key(index));
        self.deadline
            .as_mut()
            .map_or_else(Vec::new, |deadline| deadline.overdue(&at_work, self.cx.clock.as_ref()))
    }

    async fn close(&mut self) -> io::Result<()> {
        self.closing = true;
        self.release_trial();
        self.process.say(&ToWorker::Close).await
    }

    /// Nothing can be said to it any more; what it has said before is still there to be heard.
    async fn hung_up(&mut self, error: &io::Error) -> Served {
        let served = self.died();
        if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) {
            while let Ok(Some(said)) = self.process.hear().await
                && self.take_in(said).is_ok()
            {}
        }
        served
    }

    fn died(&mut self) -> Served {
        self.release_trial();
        Served::UntilDeath
    }

    /// The trial that it has offered goes back, if it waits yet.
    fn release_trial(&mut self) {
        let trial = self.offered.take().map_or_else(Vec::new, |trial| self.share.withdraw(trial));
        self.cx.out.reports(trial.into_iter().map(Report::Unstarted).collect());
    }

    /// Takes in what the worker says.
    fn take_in(&mut self, said: Vec<FromWorker>) -> io::Result<()> {
        let mut reports = Vec::with_capacity(said.len());
        let understood = said.into_iter().try_for_each(|said| self.understand(said, &mut reports));
        // Also what came before something that made no sense: nobody else knows of these items any more.
        self.ahead.count(reports.len());
        self.ahead.tick(self.cx.clock.now_us());
        self.cx.out.reports(reports);
        understood
    }

    /// Turns what a worker says of an item into a report. What comes back undone is the parent's own copy: it knows of
    /// crashes.
    fn understand(&mut self, said: FromWorker, reports: &mut Vec<Report>) -> io::Result<()> {
        reports.push(match said {
            FromWorker::Done(record, advice) => {
                let item = self.returned(record.index)?;
                self.finished += 1;
                if advice == Advice::Final {
                    Report::Done { record, key: item.key }
                } else {
                    Report::Advised { record, advice, item: Box::new(item) }
                }
            }
            FromWorker::Unstarted(index) => Report::Unstarted(self.returned(index)?),
            FromWorker::Exhausted(index, error) => {
                let item = self.returned(index)?;
                self.width = self.width.saturating_sub(1).max(1);
                self.missing += 1;
                Report::Exhausted(item, error)
            }
            FromWorker::Noticed(notice) => {
                if let Notice::WorkersNotStarted { workers, .. } = &notice {
                    self.width = self.width.saturating_sub(*workers).max(1);
                    self.missing += workers;
                }
                self.cx.out.notice(notice);
                return Ok(());
            }
        });
        Ok(())
    }

    /// Takes an item off the list of what the worker has.
    fn returned(&mut self, index: u64) -> io::Result<Item> {
        let Some(item) = self.outstanding.remove(&index) else {
            let message = format!("item {index} was not this worker's");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        };
        if let Some(deadline) = &mut self.deadline {
            deadline.returned(index);
        }
        self.share.released(1);
        Ok(item)
    }

    /// Gives the worker `first` and what else it has room for.
    async fn supply(&mut self, first: Item) -> io::Result<()> {
        if first.trial > 0 {
            let trial = self.cx.queue.take_trial(first);
            if self.outstanding.is_empty() {
                return self.give(trial).await;
            }
            // Others may be idle, or be so sooner.
            self.offered = Some(self.share.offer(trial));
            return Ok(());
        }
        // The first one has left the item queue, and is nobody's yet.
        let room = self.room(self.cx.queue.len() + 1);
        let mut batch = vec![first];
        self.cx.queue.take(room, &mut batch);
        self.give(batch).await
    }

    async fn give(&mut self, items: Vec<Item>) -> io::Result<()> {
        self.share.took(items.len());
        self.outstanding.extend(items.iter().map(|item| (item.index, item.clone())));
        self.process.give(items).await
    }

    /// Takes back what lies unstarted at a worker that has said nothing for a whole tick: others may be idle.
    async fn unstick(&mut self, quiet: bool) -> io::Result<()> {
        let stuck = quiet && self.outstanding.len() > self.width;
        if !stuck || self.cx.queue.len() > 0 || self.closing {
            return Ok(());
        }
        self.ahead.forget(self.cx.clock.now_us());
        self.process.say(&ToWorker::Recall(None)).await
    }
}
