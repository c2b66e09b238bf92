//! The process of a trial.

use super::account::{Account, Snapshot};
use super::{INTERRUPT, Job, ModelJob, Over, Said};
use crate::tally::SharedTally;
use gaits_core::{Clock as _, ItemFacts, Record, Sink, WorkerId};
use gaits_engine::sink::JsonLines;
use gaits_engine::source::List;
use gaits_engine::{Control, MonotonicClock, Notice, Observer, Program, RunEnd};
use gaits_report::{OutcomesOf, SteadyOf, Tally};
use gaits_work::command::{self, guard::GuardCommand};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How often it tells how far it has come.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Statuses with which a server asks to be left alone.
const REFUSALS: [u64; 2] = [429, 503];

/// Does one trial, as the parent says by way of `from`, which ends with it; `to` goes to the parent. To be called by the process
/// that a [`TrialCommand`](super::TrialCommand) starts, before it does anything else, with its standard input and output. Other
/// programs are ended by a `guard`, if there is one, when this process is killed.
#[must_use]
pub fn trial_main(
    program: &Program,
    guard: Option<GuardCommand>,
    from: impl BufRead + Send + 'static,
    to: impl Write + Send + 'static,
) -> ExitCode {
    let parent = Parent(Arc::new(Mutex::new(Box::new(to))));
    parent.tell(&match trial(program, guard, from, &parent) {
        Ok(over) => Said::Over(Box::new(over)),
        Err(error) => Said::Failed(error),
    });
    ExitCode::SUCCESS
}

/// Tells the parent something. All clones tell the same one.
#[derive(Clone)]
struct Parent(Arc<Mutex<Box<dyn Write + Send>>>);

impl Parent {
    /// A parent that is gone hears nothing.
    fn tell(&self, said: &Said) {
        let Ok(mut line) = serde_json::to_vec(said) else { return };
        line.push(b'\n');
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }
}

fn trial(
    program: &Program,
    guard: Option<GuardCommand>,
    mut from: impl BufRead + Send + 'static,
    parent: &Parent,
) -> Result<Over, String> {
    let mut line = String::new();
    from.read_line(&mut line).map_err(|error| format!("can't read its job: {error}"))?;
    let job: Job =
        serde_json::from_str(&line).map_err(|error| format!("can't read its job: {error}"))?;
    drop(line);
    let job = match job {
        Job::Model(job) => *job,
        Job::Program(job) => return super::program::run(&job, guard, from),
    };
    let control = Control::new();
    let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(body);
        thread.map(drop).map_err(|error| format!("can't start a thread: {error}"))
    };
    let to_stop = control.clone();
    spawn("commands", Box::new(move || obey(from, &to_stop)))?;
    let (over, is_over) = channel::<()>();
    let tells = job.tell_progress.then(|| parent.clone());
    let ends = [(job.limit_us, End::Soon), (job.abandon_us, End::AtOnce)];
    let ends = ends.into_iter().filter_map(|(us, end)| Some((Duration::from_micros(us?), end)));
    let ends: Vec<_> = ends.collect();
    if tells.is_some() || !ends.is_empty() {
        let to_stop = control.clone();
        spawn("watch", Box::new(move || watch(&to_stop, ends, tells.as_ref(), &is_over)))?;
    }
    run(program, job, &control, parent, over)
}

fn run(
    program: &Program,
    job: ModelJob,
    control: &Control,
    parent: &Parent,
    over: Sender<()>,
) -> Result<Over, String> {
    let ModelJob { plan, items, count, records, steady, .. } = job;
    // The parent has had every item looked at.
    let facts = Box::new(|_: &_| Ok(ItemFacts { repeatable: true, ..ItemFacts::default() }));
    let source = Box::new(List::cycled(items, count, facts));
    let mut file = None;
    if let Some(path) = records {
        let failed = |error: io::Error| format!("can't write {}: {error}", path.display());
        let created = File::create(&path).and_then(|created| JsonLines::file(created, None));
        file = Some(created.map_err(failed)?);
    }
    let tally = SharedTally::default();
    let mut gathered = Gathered {
        control,
        outcomes: OutcomesOf::new(),
        steady: steady.then(SteadyOf::default),
        refused: None,
        memory: HashMap::new(),
    };
    let mut counted = tally.clone();
    let mut watch = Watch { parent: parent.clone(), snapshot: None, died: 0 };
    let account = Account::open();
    let clock = MonotonicClock::start();
    let end = {
        let mut sinks: Vec<&mut dyn Sink> = vec![&mut counted, &mut gathered];
        sinks.extend(file.as_mut().map(|file| file as &mut dyn Sink));
        gaits_engine::run(program, &plan, source, &mut sinks, &mut watch, control)
    };
    let wall_us = clock.now_us();
    drop(over);
    let end = end.map_err(|error| in_full(&error))?;
    let snapshot = watch.snapshot.unwrap_or_default();
    // What passed after the engine had stopped its clock, and not what it took to look at the workers.
    let closing_us =
        (end.closing_us + wall_us.saturating_sub(end.wall_us)).saturating_sub(snapshot.took_us);
    let wall_us = wall_us.saturating_sub(snapshot.took_us);
    let tally: Tally = tally.read();
    Ok(Over {
        wall_us,
        startup_us: end.startup_us,
        closing_us,
        looked_us: account.took_us + snapshot.took_us,
        missing_workers: end.missing_workers,
        workers_died: watch.died,
        stopped: end.interrupted,
        suspended: clock.stopped_us_since(0) > 0,
        usage: account.close(snapshot, gathered.memory.values().sum()),
        outcomes: gathered.outcomes.finish(count),
        steady: gathered.steady.and_then(SteadyOf::finish),
        refused: gathered.refused,
        tally,
    })
}

/// Does what the parent says, and ends with it.
fn obey(from: impl BufRead, control: &Control) {
    for line in from.lines() {
        match line {
            Ok(line) if line == INTERRUPT => control.interrupt(),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    std::process::exit(1);
}

/// How a run ends when its time is up.
enum End {
    /// It finishes what is in flight.
    Soon,
    /// What is in flight may take for ever.
    AtOnce,
}

/// Ends the run when its time is up: at each of `ends`, in their order. Tells how far it has come.
fn watch(
    control: &Control,
    ends: Vec<(Duration, End)>,
    tells: Option<&Parent>,
    is_over: &std::sync::mpsc::Receiver<()>,
) {
    let clock = MonotonicClock::start();
    let elapsed = || Duration::from_micros(clock.now_us());
    let mut ends = ends.into_iter().peekable();
    loop {
        let left = ends.peek().map(|(limit, _)| limit.saturating_sub(elapsed()));
        let wait = match left {
            Some(left) if tells.is_some() => left.min(TELL_EVERY),
            Some(left) => left,
            None => TELL_EVERY,
        };
        if !matches!(is_over.recv_timeout(wait), Err(RecvTimeoutError::Timeout)) {
            return;
        }
        if let Some((_, end)) = ends.next_if(|(limit, _)| elapsed() >= *limit) {
            match end {
                End::Soon => control.stop(),
                End::AtOnce => {
                    // The second time says so.
                    control.interrupt();
                    control.interrupt();
                }
            }
            if ends.peek().is_none() && tells.is_none() {
                return;
            }
        }
        if let Some(parent) = tells {
            let progress = control.progress();
            parent.tell(&Said::Done(progress.ok() + progress.failed()));
        }
    }
}

/// An error with what lies behind it.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Notes how each item ends, and stops at a server that asks to be left alone.
struct Gathered<'a> {
    control: &'a Control,
    outcomes: OutcomesOf,
    /// The steady part of the run, if it is asked for.
    steady: Option<SteadyOf>,
    refused: Option<(String, u64)>,
    /// The most memory that a command of each worker has held, in bytes. A worker runs one at a time.
    memory: HashMap<WorkerId, u64>,
}

impl Sink for Gathered<'_> {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        self.outcomes.add(record);
        if let Some((worker, peak)) = record.worker.zip(memory_of_command(record)) {
            let most = self.memory.entry(worker).or_default();
            *most = peak.max(*most);
        }
        if let Some(steady) = &mut self.steady {
            steady.add(record);
        }
        if record.outcome.is_ok() || self.refused.is_some() {
            return Ok(());
        }
        let mut status = None;
        if let Some(detail) = &record.detail {
            detail.fields(|name, field| {
                if name == "status" {
                    status = field.as_unsigned();
                }
            });
        }
        if let Some(status) = status.filter(|status| REFUSALS.contains(status)) {
            self.refused = Some((record.item.to_string(), status));
            // Its time may be up at the same moment, which is no reason to leave what is in flight.
            self.control.stop();
        }
        Ok(())
    }
}

/// The most memory that the command of an item has held, in bytes, where it was a command and that is known.
fn memory_of_command(record: &Record) -> Option<u64> {
    let detail = record.detail.as_ref().filter(|detail| detail.work() == command::NAME)?;
    let mut peak = None;
    detail.fields(|name, field| {
        if name == "peak_memory" {
            peak = field.as_unsigned();
        }
    });
    peak
}

/// Passes on what the engine tells, and looks at the workers at their end.
struct Watch {
    parent: Parent,
    snapshot: Option<Snapshot>,
    /// Worker processes that died, or were at an item for too long.
    died: u64,
}

impl Observer for Watch {
    fn notice(&mut self, notice: Notice) {
        if matches!(notice, Notice::WorkerDied { .. } | Notice::WorkerOverdue { .. }) {
            self.died += 1;
        }
        self.parent.tell(&Said::Notice(notice));
    }

    fn workers_end(&mut self) {
        self.snapshot = Some(Snapshot::take());
    }

    fn abandoned(&mut self, _: &RunEnd) {
        // A thread that computes can't be stopped, and nobody waits for it.
        std::process::exit(1);
    }
}
