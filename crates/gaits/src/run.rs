//! One run of a plan: its records go to an output and to any other sinks, and are added up.

mod error;

pub use error::{LastRecord, RunError};

use crate::bodies::{BodyFolder, Keeper};
use crate::early_end::early_end;
use crate::follow::{Before as BeforeStart, Followers, HasRecord, Unfollowed};
use crate::input::{Input, InputError};
use crate::journal::{Before, Planned, Remaining, Shared, lock, note_starts};
use crate::layout::layout;
use crate::output::Output;
use crate::sys;
use crate::tally::{SharedTally, tally_for};
use crate::works::set_up;
use gaits_core::{Entry, MOST_STEPS, Setting, Sink, Source, Work};
use gaits_engine::RunError as Engine;
use gaits_engine::journal::{Counts, Ending, Match};
use gaits_engine::plan::{Model, Plan};
use gaits_engine::{Control, Notice, Observer, Program, RunEnd, Stopped};
use gaits_report::Summary;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::thread;

/// Watches a run. Its methods are called on the dispatcher's thread, so what takes long holds up the run.
pub trait RunObserver: Send {
    /// Something worth telling the user at once.
    fn notice(&mut self, notice: Notice) {
        let _ = notice;
    }

    /// The run goes on with what earlier ones have left. Told before anything is started, and before the input is compared.
    fn resumed(&mut self, before: &Before) {
        let _ = before;
    }

    /// The run was told to end at once, and what was recorded is with the operating system. What is in flight is dropped
    /// where that can be done; a thread that computes can't be stopped, so [`Run::run`] may return much later. An
    /// observer that can't wait for that may end the process here.
    fn abandoned(&mut self, outcome: &RunOutcome) {
        let _ = outcome;
    }
}

/// Watches nothing.
impl RunObserver for () {}

/// How a run ended that went to its end, or was stopped.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunOutcome {
    /// How many items went which way.
    pub end: RunEnd,
    /// What the records of this run add up to, ready to be shown.
    pub summary: Summary,
    /// What earlier runs had done.
    pub before: Before,
    /// What answers have named and was not done, where they name further items.
    pub unfollowed: Unfollowed,
}

impl RunOutcome {
    /// Whether all was done before, so that this run did nothing.
    #[must_use]
    pub fn nothing_to_do(&self) -> bool {
        let RunEnd { ok, failed, given_back, interrupted, stopped, .. } = &self.end;
        ok + failed + given_back == 0 && !interrupted && stopped.is_none() && self.before.done > 0
    }
}

/// One run of a plan over the items of a source, not yet begun.
pub struct Run<'a> {
    program: &'a Program,
    plan: &'a Plan,
    source: Box<dyn Source>,
    input: String,
    /// What is said if there is no item.
    no_items: InputError,
    /// What another input would differ in.
    input_settings: Vec<Setting>,
    output: Option<Output>,
    bodies: Option<BodyFolder>,
    sinks: Vec<&'a mut (dyn Sink + 'a)>,
    arguments: Vec<String>,
    most_followers: u64,
    /// What the plan names, where it was set up already.
    work: Option<Arc<dyn Work>>,
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("plan", &self.plan)
            .field("input", &self.input)
            .field("output", &self.output)
            .field("bodies", &self.bodies)
            .field("sinks", &self.sinks.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Run<'a> {
    /// A run of `plan` over `source`, which messages call `input`. The source itself sees to it that it holds no item
    /// that the work does not take.
    pub fn new(
        program: &'a Program,
        plan: &'a Plan,
        source: Box<dyn Source>,
        input: impl Into<String>,
    ) -> Self {
        let input = input.into();
        Self {
            program,
            plan,
            source,
            no_items: InputError::Empty { input: input.clone() },
            input,
            input_settings: Vec::new(),
            output: None,
            bodies: None,
            sinks: Vec::new(),
            arguments: Vec::new(),
            most_followers: MOST_STEPS,
            work: None,
        }
    }

    /// A run of `plan` over `input`. An item that the work does not take becomes a failed record.
    ///
    /// # Errors
    /// The work can't be set up, or the input can't be opened.
    pub fn over(program: &'a Program, plan: &'a Plan, input: &Input) -> Result<Self, RunError> {
        Self::over_known_by(&Match::Place, program, plan, input)
    }

    /// The same, where an earlier run's items are known by `key`: a table must have a column for it.
    ///
    /// # Errors
    /// The work can't be set up, or the input can't be opened.
    pub fn over_known_by(
        key: &Match,
        program: &'a Program,
        plan: &'a Plan,
        input: &Input,
    ) -> Result<Self, RunError> {
        let work = set_up(&program.works, &plan.work)?;
        let run = Self::new(program, plan, input.open_by(&work, key)?, input.name());
        let no_items = input.no_items();
        Ok(Self { input_settings: input.settings(), work: Some(work), no_items, ..run })
    }

    /// Writes the records to `output`, too.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.output = Some(output);
        self
    }

    /// Keeps the bodies that workers write to [`BodyFolder::partial`]: each is durable and has its final name before its
    /// record goes to the output. Other sinks get the record as the worker has made it.
    #[must_use]
    pub fn bodies(mut self, bodies: BodyFolder) -> Self {
        self.bodies = Some(bodies);
        self
    }

    /// Gives the records to `sink`, too; after the output, and in the order in which sinks were added.
    #[must_use]
    pub fn sink(mut self, sink: &'a mut (dyn Sink + 'a)) -> Self {
        self.sinks.push(sink);
        self
    }

    /// Notes in the run file with which arguments the program was called. They must hold no secret.
    #[must_use]
    pub fn arguments(mut self, arguments: Vec<String>) -> Self {
        self.arguments = arguments;
        self
    }

    /// How many items may follow one of the input, where answers name further items, such as the next page of a listing.
    #[must_use]
    pub fn most_followers(mut self, most: u64) -> Self {
        self.most_followers = most;
        self
    }

    /// Runs it, and blocks until each item has its record. A `control` serves one run. Where the output goes on with a file
    /// and all is done already, nothing is started: see [`RunOutcome::nothing_to_do`].
    ///
    /// # Errors
    /// The run could not begin or go on, or the input has no items.
    pub fn run(
        mut self,
        observer: &mut dyn RunObserver,
        control: &Control,
    ) -> Result<RunOutcome, RunError> {
        let journal = self.output.as_ref().and_then(Output::journal);
        let mut before = self.output.as_ref().map(Output::before).unwrap_or_default();
        let work = match self.work.take() {
            Some(work) => work,
            None => set_up(&self.program.works, &self.plan.work)?,
        };
        let settings = work.settings();
        let settings = settings.iter().map(|setting| (setting.name, &setting.value));
        let mut tally = SharedTally::of(tally_for(settings));
        let mut followers = None;
        if let Some(journal) = &journal {
            let planned = Planned {
                work: self.plan.work.name.clone(),
                settings: work
                    .settings()
                    .into_iter()
                    .chain(self.input_settings.drain(..))
                    .collect(),
                model: self.plan.model.to_string(),
                input: self.input.clone(),
                arguments: std::mem::take(&mut self.arguments),
            };
            lock(journal).compare(&planned)?;
            if let Some(bodies) = &self.bodies {
                go_on_with(bodies, journal, &mut before)?;
            }
            if before != Before::default() {
                observer.resumed(&before);
            }
            followers = self.followers(&work)?;
            let journal = Arc::clone(journal);
            let followers = followers.clone();
            self.source = Box::new(Remaining::new(self.source, work, journal, planned, followers));
        } else if work.has_followers() {
            followers = self.followers(&work)?;
        }
        let total_items = self.source.total().filter(|_| followers.is_none());
        if let Some(followers) = &followers {
            self.source = Box::new(followers.source(self.source));
        }
        let mut watch = Watch {
            observer,
            tally: tally.clone(),
            model: self.plan.model,
            total_items,
            followers: followers.clone(),
            journal: journal.clone(),
            before,
        };
        let bodies = self.bodies.take();
        let has_first = self.output.is_some() || bodies.is_some();
        let result = thread::scope(|scope| {
            let output = self.output.as_mut().map(Output::sink);
            let mut keeper = None;
            let mut sinks: Vec<&mut dyn Sink> = Vec::new();
            match bodies {
                Some(bodies) => {
                    let started = Keeper::start(scope, bodies, output)
                        .map_err(|source| Engine::Thread { name: "keeper", source })?;
                    sinks.push(keeper.insert(started));
                }
                None => sinks.extend(output.map(|sink| sink as &mut dyn Sink)),
            }
            sinks.extend(self.sinks.iter_mut().map(|sink| &mut **sink as &mut dyn Sink));
            sinks.push(&mut tally);
            // Last, so that what is named by a record goes out when the record is written.
            sinks.extend(followers.iter_mut().map(|sink| sink as &mut dyn Sink));
            gaits_engine::run(self.program, self.plan, self.source, &mut sinks, &mut watch, control)
        });
        match result {
            Ok(end) => {
                watch.note_end(&end);
                let outcome = watch.outcome(&end);
                let nothing = end.ok + end.failed + end.given_back == 0 && !end.interrupted;
                if nothing && end.stopped.is_none() && !outcome.nothing_to_do() {
                    if let Some(output) = self.output {
                        output.discard();
                    }
                    return Err(self.no_items.into());
                }
                if let Some(journal) = journal.filter(|_| outcome.nothing_to_do()) {
                    lock(&journal).nothing_to_do()?;
                }
                Ok(outcome)
            }
            Err(error) => {
                let begun = journal.as_ref().is_some_and(|journal| lock(journal).has_begun());
                let error =
                    error::explain(error, self.output.as_ref(), has_first, self.input, begun);
                if let Some(journal) = &journal {
                    let why = Some(error.to_string());
                    lock(journal).end(|counts| Ending { why, ..ending("failed", counts) });
                }
                // Only now: the file must be locked for as long as something is written beside it.
                match (&error, self.output) {
                    (RunError::Journal(_), Some(output)) => output.discard(),
                    (_, output) => drop(output),
                }
                Err(error)
            }
        }
    }
}

impl Run<'_> {
    /// What sees to the items that answers name, where `work` has such answers.
    fn followers(&self, work: &Arc<dyn Work>) -> Result<Option<Followers>, RunError> {
        if !work.has_followers() {
            return Ok(None);
        }
        let journal = self.output.as_ref().and_then(Output::journal);
        let (has_record, known): (HasRecord, _) = match &journal {
            Some(journal) => {
                let journal = lock(journal);
                (journal.has_record(), journal.open_listings(&**work)?)
            }
            None => (Box::new(|_| false), HashMap::new()),
        };
        let before = journal.map(|journal| {
            let key = lock(&journal).key();
            Box::new(move |entries: &[Entry]| note_starts(&journal, &key, entries)) as BeforeStart
        });
        let work = Arc::clone(work);
        Ok(Some(Followers::new(work, self.most_followers, before, has_record, known)))
    }
}

/// Puts the bodies of earlier runs in order, and notes where they are gone. Those that a user has moved away are no reason to stop.
fn go_on_with(bodies: &BodyFolder, journal: &Shared, before: &mut Before) -> Result<(), RunError> {
    let journal = lock(journal);
    let swept = bodies.sweep_unrecorded(|index| journal.lacks_record(index));
    swept.map_err(|source| RunError::Bodies { source })?;
    if before.done > 0 {
        let results = journal.file().ok();
        before.notices.extend(results.and_then(|file| bodies.note_lost(&file)));
    }
    Ok(())
}

/// How a run has ended, as far as that is known of each.
fn ending(how: &str, counts: Counts) -> Ending {
    Ending { at: sys::now(), how: how.to_owned(), counts, ..Ending::default() }
}

/// Adds up what the engine's observer does not know.
struct Watch<'a> {
    observer: &'a mut dyn RunObserver,
    tally: SharedTally,
    model: Model,
    total_items: Option<u64>,
    followers: Option<Followers>,
    journal: Option<Shared>,
    before: Before,
}

impl Watch<'_> {
    /// Writes to the run file how the run has ended.
    fn note_end(&self, end: &RunEnd) {
        let Some(journal) = &self.journal else { return };
        let how = match end {
            RunEnd { interrupted: true, .. } => "interrupted",
            RunEnd { stopped: Some(_), .. } => "stopped",
            _ => "finished",
        };
        let why = match &end.stopped {
            Some(Stopped::Advised { item, error } | Stopped::Failures { item, error }) => {
                Some(format!("{item}: {error}"))
            }
            Some(Stopped::Paused { key, .. }) => Some(format!("{key} wants to be left alone")),
            _ => None,
        };
        let RunEnd { ok, failed, given_back, retries, pauses, .. } = *end;
        lock(journal).end(|_| Ending {
            why,
            wall_us: end.wall_us,
            startup_us: end.startup_us,
            closing_us: end.closing_us,
            missing_workers: end.missing_workers,
            ..ending(how, Counts { ok, failed, given_back, retries, pauses })
        });
    }

    fn outcome(&self, end: &RunEnd) -> RunOutcome {
        let summary = Summary {
            tally: self.tally.read(),
            wall_us: end.wall_us,
            suspended_us: end.suspended_us,
            startup_us: end.startup_us,
            closing_us: end.closing_us,
            model: self.model.to_string(),
            layout: layout(self.model),
            missing_workers: end.missing_workers,
            total_items: self.total_items,
            interrupted: end.interrupted,
            early_end: end.stopped.as_ref().map(early_end),
            retries: end.retries,
            pauses: end.pauses,
        };
        let unfollowed = self.followers.as_ref().map(Followers::unfollowed).unwrap_or_default();
        RunOutcome { end: end.clone(), summary, before: self.before.clone(), unfollowed }
    }
}

impl Observer for Watch<'_> {
    fn notice(&mut self, notice: Notice) {
        self.observer.notice(notice);
    }

    fn abandoned(&mut self, end: &RunEnd) {
        // The observer may end the process.
        self.note_end(end);
        let outcome = self.outcome(end);
        self.observer.abandoned(&outcome);
    }
}
