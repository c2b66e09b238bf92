//! The race: every model in every round, in an order shuffled anew for each.
//!
//! Limit: it runs models one after the other and measures them; what the measurements mean is the comparison's to say.

mod control;
mod models;

pub use control::RaceControl;
pub use models::models_for;

use crate::layout::layout;
use crate::sys;
use crate::tally::SharedTally;
use gaits_core::{Data, ItemFacts, SessionScope, Sink};
use gaits_engine::plan::{Limits, Model, Plan, WorkSpec};
use gaits_engine::source::List;
use gaits_engine::{Control, Notice, Observer, Program, RunEnd, WorkError};
use gaits_report::{Comparison, Contender, RaceInfo, Trial};
use std::io;

/// Everything that a race is run with.
#[derive(Debug, Clone, PartialEq)]
pub struct Race {
    /// What the race is about, in a few words; the comparison says so.
    pub about: String,
    /// The work, and its settings.
    pub work: WorkSpec,
    /// Who shares a session.
    pub session: SessionScope,
    /// The items, which the work must take: they are not checked again.
    pub items: Vec<Data>,
    /// How many items each run has: the list is gone through over and over up to this number.
    pub count: u64,
    /// The models that take part, each named once.
    pub models: Vec<Model>,
    /// How often each model runs, after one round to warm up.
    pub rounds: u32,
    /// What the order of each round is drawn from.
    pub seed: u64,
}

/// What came of a race.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RaceOutcome {
    /// How the models compare, by the rounds that were complete.
    pub comparison: Comparison,
    /// Whether it was stopped before its last round.
    pub interrupted: bool,
}

/// Why a race could not begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RaceError {
    /// No model takes part.
    #[error("no models to race")]
    NoModels,
    /// A model takes part twice.
    #[error("{model} takes part twice")]
    Twice {
        /// The model.
        model: Model,
    },
    /// The work can't be set up. Nothing was started.
    #[error(transparent)]
    Work(WorkError),
    /// A run could not begin or go on.
    #[error(transparent)]
    Engine(gaits_engine::RunError),
    /// The system does not tell how much CPU time was spent.
    #[error("can't measure CPU time")]
    CpuTime(#[source] io::Error),
}

impl From<gaits_engine::RunError> for RaceError {
    fn from(error: gaits_engine::RunError) -> Self {
        match error {
            gaits_engine::RunError::Work(error) => RaceError::Work(error),
            other => RaceError::Engine(other),
        }
    }
}

/// Watches a race. [`RaceObserver::notice`] and [`RaceObserver::abandoned`] are called on the dispatcher's thread of the
/// run at hand, so what takes long in them holds up what is measured.
pub trait RaceObserver: Send {
    /// A model begins to run in `round`; round 0 warms up.
    fn trial_starts(&mut self, round: u32, model: Model) {
        let _ = (round, model);
    }

    /// A model has ended its run in `round`; `trial` is none if it was stopped. That of round 0 is not compared.
    fn trial_ended(&mut self, round: u32, model: Model, trial: Option<&Trial>) {
        let _ = (round, model, trial);
    }

    /// Something worth telling the user at once about the run at hand.
    fn notice(&mut self, notice: Notice) {
        let _ = notice;
    }

    /// The race was told to end at once. A thread that computes can't be stopped, so [`Race::run`] may return much later.
    /// An observer that can't wait for that may end the process here.
    fn abandoned(&mut self) {}
}

/// Watches nothing.
impl RaceObserver for () {}

impl Race {
    /// How many runs it has in all, those of the round that warms up included.
    #[must_use]
    pub fn runs(&self) -> u64 {
        (u64::from(self.rounds) + 1) * self.models.len() as u64
    }

    /// Runs it, and blocks until its last round is over or it is stopped.
    ///
    /// # Errors
    /// The models are none or not all different, or one of them could not begin or go on.
    pub fn run(
        &self,
        program: &Program,
        observer: &mut dyn RaceObserver,
        control: &RaceControl,
    ) -> Result<RaceOutcome, RaceError> {
        self.validate()?;
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let mut trials = Vec::new();
        let mut interrupted = false;
        let mut rounds = 0;
        // Round 0 warms up: caches, names, the server; it does not count.
        'race: for round in 0..=self.rounds {
            let mut order = self.models.clone();
            rng.shuffle(&mut order);
            let mut complete = Vec::new();
            for model in order {
                observer.trial_starts(round, model);
                let trial = self.trial(model, round, program, observer, control)?;
                observer.trial_ended(round, model, trial.as_ref());
                let Some(trial) = trial else {
                    interrupted = true;
                    break 'race;
                };
                complete.push(trial);
            }
            if round > 0 {
                trials.append(&mut complete);
                rounds = round;
            }
        }
        let contenders = self
            .models
            .iter()
            .map(|model| Contender { model: model.to_string(), workers: layout(*model).brief() });
        let about = RaceInfo {
            work: self.about.clone(),
            items: self.count,
            rounds,
            seed: self.seed,
            contenders: contenders.collect(),
        };
        Ok(RaceOutcome { comparison: Comparison::new(trials, about), interrupted })
    }

    /// Refuses what is no race. [`Race::run`] does so by itself, before it starts anything.
    ///
    /// # Errors
    /// The models are none or not all different.
    pub fn validate(&self) -> Result<(), RaceError> {
        if self.models.is_empty() {
            return Err(RaceError::NoModels);
        }
        let twice = |(at, model): (usize, &Model)| self.models[..at].contains(model);
        match self.models.iter().enumerate().find(|named| twice(*named)) {
            Some((_, model)) => Err(RaceError::Twice { model: *model }),
            None => Ok(()),
        }
    }

    /// One run of one model; none if it was stopped.
    fn trial(
        &self,
        model: Model,
        round: u32,
        program: &Program,
        observer: &mut dyn RaceObserver,
        control: &RaceControl,
    ) -> Result<Option<Trial>, RaceError> {
        let plan = Plan {
            work: self.work.clone(),
            model,
            session: self.session,
            limits: Limits::default(),
        };
        let source = Box::new(List::cycled(
            self.items.clone(),
            self.count,
            Box::new(|_| Ok(ItemFacts { repeatable: true, ..ItemFacts::default() })),
        ));
        let run = Control::new();
        control.attach(&run);
        let tally = SharedTally::default();
        let mut counted = tally.clone();
        let mut sinks: [&mut dyn Sink; 1] = [&mut counted];
        let mut watch = Watch(observer);
        let before = sys::cpu_us().map_err(RaceError::CpuTime)?;
        let end = gaits_engine::run(program, &plan, source, &mut sinks, &mut watch, &run)?;
        let cpu_us = sys::cpu_us().map_err(RaceError::CpuTime)?.saturating_sub(before);
        Ok((!end.interrupted).then(|| Trial {
            model: model.to_string(),
            round,
            wall_us: end.wall_us - end.suspended_us,
            cpu_us,
            missing_workers: end.missing_workers,
            tally: tally.read(),
        }))
    }
}

/// Passes on what the engine tells.
struct Watch<'a>(&'a mut dyn RaceObserver);

impl Observer for Watch<'_> {
    fn notice(&mut self, notice: Notice) {
        self.0.notice(notice);
    }

    fn abandoned(&mut self, _: &RunEnd) {
        self.0.abandoned();
    }
}
