//! One trial from its start to its end: the same for a race and for a sweep.

use super::entrant::shell;
use super::load;
use super::{
    Entrant, Heard, Job, ModelJob, OtherProgram, Over, ProgramJob, RaceControl, Said, TrialCommand,
    TrialProcess, describe, records_file,
};
use gaits_core::{Clock as _, Data, SessionScope, Value};
use gaits_engine::plan::{Limits, Plan, WorkSpec, cores};
use gaits_engine::{MonotonicClock, Notice};
use gaits_report::{Trial, why};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// What all trials of a race or a sweep have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// What it is about, in a few words; the comparison says so.
    pub about: String,
    /// The work, and its settings.
    pub work: WorkSpec,
    /// What kind of work it is; see [`job_of`](crate::job_of).
    pub job: why::Job,
    /// The time between two items that are to be started, if they are to arrive at a rate of their own.
    pub arrival: Option<Duration>,
    /// Who shares a session.
    pub session: SessionScope,
    /// The items, which the work must take: they are not checked again.
    pub items: Vec<Data>,
    /// The ports of this machine that the items are for; see [`local_ports`](crate::local_ports).
    pub local_ports: Vec<u16>,
    /// How many items each trial has: the list is gone through over and over up to this number.
    pub count: u64,
}

impl Subject {
    /// That of a race in which only other programs take part: nothing of it is used but what it is called.
    #[must_use]
    pub fn of_programs(about: String) -> Self {
        Self {
            about,
            work: WorkSpec::new("", Value::Null),
            job: why::Job {
                holds_its_thread: false,
                is_http: false,
                cores: cores().into(),
                server_here: false,
                arrivals_per_second: None,
                runs_programs: false,
            },
            arrival: None,
            session: SessionScope::default(),
            items: Vec::new(),
            local_ports: Vec::new(),
            count: 1,
        }
    }
}

/// Watches trials.
pub trait TrialObserver: Send {
    /// A model begins to run in `round`, for about `expected`, where that is known; round 0 warms up.
    fn trial_starts(&mut self, round: u32, name: &str, expected: Option<Duration>) {
        let _ = (round, name, expected);
    }

    /// So many items of the run at hand are done. Told only if [`TrialObserver::wants_progress`].
    fn trial_goes_on(&mut self, done: u64) {
        let _ = done;
    }

    /// Whether to tell how far a run has come; it costs a little.
    fn wants_progress(&self) -> bool {
        false
    }

    /// A model has ended its run in `round`; `trial` is none if it was stopped. That of round 0 is not compared.
    fn trial_ended(&mut self, round: u32, name: &str, trial: Option<&Trial>) {
        let _ = (round, name, trial);
    }

    /// Something worth telling the user at once about the run at hand.
    fn notice(&mut self, notice: Notice) {
        let _ = notice;
    }
}

/// Watches nothing.
impl TrialObserver for () {}

/// An answer that ended a race.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The model that got it.
    pub model: String,
    /// The item, as records show it.
    pub item: String,
    /// The status.
    pub status: u64,
}

/// Why a trial could not begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrialError {
    /// Its process can't be started or talked to.
    #[error("can't run {name} in a process of its own")]
    Process {
        /// The model.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// It could not begin or go on.
    #[error("{name}: {message}")]
    Failed {
        /// The model.
        name: String,
        /// What it said last.
        message: String,
    },
}

/// What came of one trial.
pub(crate) enum Ran {
    /// It went to its end, or as far as its time allowed.
    Whole(Box<Trial>),
    /// Its time was up, `passed_us` after its start, before any of the `at_once` items it had begun with was done.
    TooSlow { passed_us: u64, at_once: u64 },
    /// Somebody has stopped the race.
    Interrupted,
    /// A server has asked to be left alone.
    Refused(Refusal),
}

/// One trial to be run.
#[derive(Clone, Copy)]
pub(crate) struct Start<'a> {
    pub(crate) entrant: &'a Entrant,
    pub(crate) round: u32,
    /// Where in the list it begins.
    pub(crate) first: usize,
    /// So many items of the list, which is gone through over and over; a program does what it does.
    pub(crate) items: u64,
    /// When to start nothing more.
    pub(crate) limit: Option<Duration>,
    /// When to end at once: what is in flight may take for ever.
    pub(crate) abandon: Option<Duration>,
    /// How long it is thought to take.
    pub(crate) expected: Option<Duration>,
    /// Whether to look for its steady part.
    pub(crate) steady: bool,
}

/// Runs trials.
#[derive(Clone, Copy)]
pub(crate) struct Trials<'a> {
    pub(crate) subject: &'a Subject,
    /// The processes of the server that the items are for, where it runs on this machine and can be seen.
    pub(crate) servers: &'a [u32],
    /// How their processes are started.
    pub(crate) command: &'a TrialCommand,
    /// Where to keep their records, if they are to be kept; those of round 0 are not.
    pub(crate) records: Option<&'a Path>,
}

impl Trials<'_> {
    /// Runs one, and again for as long as it was suspended in the middle.
    pub(crate) fn run(
        &self,
        start: Start<'_>,
        observer: &mut dyn TrialObserver,
        control: &RaceControl,
    ) -> Result<Ran, TrialError> {
        let name = start.entrant.to_string();
        loop {
            if control.is_interrupted() {
                return Ok(Ran::Interrupted);
            }
            match prepare(start.entrant) {
                // The same Ctrl-C ended it.
                Err(_) if control.is_interrupted() => return Ok(Ran::Interrupted),
                prepared => prepared?,
            }
            observer.trial_starts(start.round, &name, start.expected);
            let ran = self.try_once(start, observer, control)?;
            if let Some(ran) = ran {
                let trial = match &ran {
                    Ran::Whole(trial) => Some(&**trial),
                    Ran::TooSlow { .. } | Ran::Interrupted | Ran::Refused(_) => None,
                };
                observer.trial_ended(start.round, &name, trial);
                return Ok(ran);
            }
            observer.trial_ended(start.round, &name, None);
        }
    }

    /// None if the times mean nothing, since the process was suspended.
    fn try_once(
        &self,
        start: Start<'_>,
        observer: &mut dyn TrialObserver,
        control: &RaceControl,
    ) -> Result<Option<Ran>, TrialError> {
        if control.is_interrupted() {
            return Ok(Some(Ran::Interrupted));
        }
        let name = start.entrant.to_string();
        let failed = |source| TrialError::Process { name: name.clone(), source };
        let ended = |message| TrialError::Failed { name: name.clone(), message };
        let job = self.job(start, observer.wants_progress());
        let (load, process_clock) = (load::Watch::begin(self.servers), MonotonicClock::start());
        let mut process = TrialProcess::start(self.command).map_err(failed)?;
        match process.begin(&job) {
            // It has ended already, and how is heard next.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            begun => begun.map_err(failed)?,
        }
        control.attach(&process.commands());
        let over = loop {
            match process.hear().map_err(failed)? {
                Heard::Said(Said::Notice(notice)) => observer.notice(notice),
                Heard::Said(Said::Done(done)) => observer.trial_goes_on(done),
                Heard::Said(Said::Over(over)) => break over,
                Heard::Said(Said::Failed(message)) => return Err(ended(message)),
                Heard::Ended(_) if control.is_interrupted() => return Ok(Some(Ran::Interrupted)),
                // Not even what it had begun with was done in all the time that there is.
                Heard::Ended(_)
                    if start.abandon.is_some_and(|abandon| {
                        Duration::from_micros(process_clock.now_us()) >= abandon
                    }) =>
                {
                    let at_once = match start.entrant {
                        Entrant::Model(model) => model.layout().workers().min(start.items),
                        Entrant::Program(_) => 1,
                    };
                    return Ok(Some(Ran::TooSlow { passed_us: process_clock.now_us(), at_once }));
                }
                Heard::Ended(status) => {
                    return Err(ended(format!("its process {}", describe(status))));
                }
            }
        };
        process.end().map_err(failed)?;
        let process_us = process_clock.now_us();
        if control.is_interrupted() {
            return Ok(Some(Ran::Interrupted));
        }
        if over.suspended {
            return Ok(None);
        }
        let machine = load.end(over.usage.cpu_us);
        let Over { wall_us, startup_us, closing_us, .. } = *over;
        if let Some((item, status)) = over.refused {
            return Ok(Some(Ran::Refused(Refusal { model: name, item, status })));
        }
        Ok(Some(Ran::Whole(Box::new(Trial {
            model: name,
            round: start.round,
            wall_us,
            startup_us,
            closing_us,
            // The process that watches another program is no part of it.
            process_us: match start.entrant {
                Entrant::Model(_) => process_us.saturating_sub(over.looked_us),
                Entrant::Program(_) => wall_us,
            },
            missing_workers: over.missing_workers,
            workers_died: over.workers_died,
            tally: over.tally,
            outcomes: over.outcomes,
            usage: over.usage,
            machine,
            steady: over.steady,
        }))))
    }

    /// What the process is told to do.
    fn job(&self, start: Start<'_>, tell_progress: bool) -> Job {
        let Start { entrant, round, first, items, limit, abandon, steady, .. } = start;
        let in_us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let model = match entrant {
            Entrant::Model(model) => *model,
            Entrant::Program(program) => {
                let (program, abandon_us) = (program.clone(), abandon.map(in_us));
                return Job::Program(ProgramJob { program, abandon_us });
            }
        };
        let Subject { work, session, arrival, items: list, .. } = self.subject;
        let (before, from) = list.split_at(first.min(list.len()));
        let records = self.records.filter(|_| round > 0);
        Job::Model(Box::new(ModelJob {
            plan: Plan {
                work: work.clone(),
                model,
                session: *session,
                limits: Limits { arrival: *arrival, ..Limits::default() },
            },
            items: [from, before].concat(),
            count: items,
            limit_us: limit.map(in_us),
            abandon_us: abandon.map(in_us),
            records: records.map(|folder| records_file(folder, &model.to_string(), round)),
            tell_progress,
            steady,
        }))
    }
}

/// Runs what is to be run before a program.
fn prepare(entrant: &Entrant) -> Result<(), TrialError> {
    match entrant {
        Entrant::Program(OtherProgram { name, prepare: Some(command), .. }) => {
            beside(name, "--prepare", command)
        }
        _ => Ok(()),
    }
}

/// Runs what is to be run after the last run of a program.
pub(crate) fn clean_up(entrant: &Entrant) -> Result<(), TrialError> {
    match entrant {
        Entrant::Program(OtherProgram { name, cleanup: Some(command), .. }) => {
            beside(name, "--cleanup", command)
        }
        _ => Ok(()),
    }
}

/// Runs a command that belongs to a program and does not count. What it says is not shown.
fn beside(name: &str, option: &str, command: &str) -> Result<(), TrialError> {
    let mut shell = shell(command);
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status =
        shell.status().map_err(|source| TrialError::Process { name: name.to_owned(), source })?;
    if status.success() {
        return Ok(());
    }
    let message = format!("`{command}` of {option} {}", describe(status));
    Err(TrialError::Failed { name: name.to_owned(), message })
}
