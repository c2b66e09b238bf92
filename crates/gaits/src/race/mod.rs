//! The race: every model in every round, each run in a process of its own, in an order shuffled anew for each round.
//!
//! How many items and rounds there are is settled before the first round that counts, from what the round that warms up has
//! shown and what may be spent; then the rounds go on until the ratios are known well enough, or all is spent. Nothing
//! stops because a difference has become clear.
//!
//! Limit: it runs models one after the other and measures them; what the measurements mean is the comparison's to say.

mod control;
mod hosts;
mod load;
mod models;
mod records;
mod saved;
mod schedule;
mod trial;

pub use control::RaceControl;
pub use hosts::{RacedHost, job_of, raced_hosts};
pub use models::{equally_many, models_for, usual_models_for};
pub(crate) use records::records_file;
pub use saved::{Environment, SavedError, SavedRace, SavedRaces};
pub use trial::{TRIAL_VERB, TrialCommand, trial_main};

use crate::layout::layout;
use gaits_core::{Clock as _, Data, SessionScope};
use gaits_engine::plan::{Limits, Model, Plan, WorkSpec};
use gaits_engine::{MonotonicClock, Notice, WorkError};
use gaits_report::stats::Settings;
use gaits_report::why::Job;
use gaits_report::{Comparison, Contender, RaceInfo, Trial};
use schedule::{FEWEST_ROUNDS, Means, Pace, Schedule, TooLittle, schedule};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use trial::{Heard, Job as TrialJob, Over, Said, TrialProcess, describe};

/// The part of the budget that the round which warms up may take.
const WARM_UP: f64 = 0.15;

/// Everything that a race is run with.
#[derive(Debug, Clone, PartialEq)]
pub struct Race {
    /// What the race is about, in a few words; the comparison says so.
    pub about: String,
    /// The work, and its settings.
    pub work: WorkSpec,
    /// What kind of work it is; see [`job_of`].
    pub job: Job,
    /// The time between two items that are to be started, if they are to arrive at a rate of their own.
    pub arrival: Option<Duration>,
    /// Who shares a session.
    pub session: SessionScope,
    /// The items, which the work must take: they are not checked again.
    pub items: Vec<Data>,
    /// How many items each run has: the list is gone through over and over up to this number.
    pub count: u64,
    /// The models that take part, each named once.
    pub models: Vec<Model>,
    /// How long it goes on.
    pub extent: Extent,
    /// The most items that all runs together may do, those that warm up included.
    pub most_items: Option<u64>,
    /// What the comparison is made with.
    pub settings: Settings,
    /// What the order of each round is drawn from.
    pub seed: u64,
    /// How the process of a trial is started.
    pub trial: TrialCommand,
    /// Where to keep the records of every run, if they are to be kept.
    pub records: Option<PathBuf>,
}

/// How long a race goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Until all ratios are known to within the precision of the settings, or so much time is spent. Where that is not
    /// enough for [`Comparison::FEWEST_ROUNDS`] rounds of all items, all models race on the first ones.
    Budget(Duration),
    /// So many rounds of all items, however long they take.
    Rounds(u32),
}

/// What came of a race.
#[derive(Debug)]
#[non_exhaustive]
pub struct RaceOutcome {
    /// How the models compare, by the rounds that were complete.
    pub comparison: Comparison,
    /// What was measured in those rounds.
    pub trials: Vec<Trial>,
    /// Whether it was stopped before its last round.
    pub interrupted: bool,
    /// A server has asked to be left alone, and so it was.
    pub refused: Option<Refusal>,
    /// Why it could not go on, if it couldn't.
    pub failed: Option<RaceError>,
}

/// An answer that ended a race.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The model that got it.
    pub model: Model,
    /// The item, as records show it.
    pub item: String,
    /// The status.
    pub status: u64,
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
    /// There is not even time for one round.
    #[error("the budget is too small: a race with one round takes {} s or more", .needs.as_secs() + 1)]
    Budget {
        /// What it needs, about.
        needs: Duration,
    },
    /// All runs together would do more items than they may.
    #[error("the race would do more than {most} items in all; it needs {needs}")]
    TooManyItems {
        /// How many it may do.
        most: u64,
        /// How many six rounds of all its items have, and one to warm up.
        needs: u64,
    },
    /// The process of a trial can't be started or talked to.
    #[error("can't run {model} in a process of its own")]
    Process {
        /// The model.
        model: Model,
        /// What the system said.
        source: io::Error,
    },
    /// A run could not begin or go on.
    #[error("{model}: {message}")]
    Trial {
        /// The model.
        model: Model,
        /// What it said last.
        message: String,
    },
}

/// Watches a race.
pub trait RaceObserver: Send {
    /// The round that warms up is over: each run has `items` items, and there are `rounds` rounds at most; with none,
    /// time alone limits them.
    fn scheduled(&mut self, items: u64, rounds: Option<u64>) {
        let _ = (items, rounds);
    }

    /// A model begins to run in `round`, for about `expected`, where that is known; round 0 warms up.
    fn trial_starts(&mut self, round: u32, model: Model, expected: Option<Duration>) {
        let _ = (round, model, expected);
    }

    /// So many items of the run at hand are done. Told only if [`RaceObserver::wants_progress`].
    fn trial_goes_on(&mut self, done: u64) {
        let _ = done;
    }

    /// Whether to tell how far a run has come; it costs a little.
    fn wants_progress(&self) -> bool {
        false
    }

    /// A model has ended its run in `round`; `trial` is none if it was stopped. That of round 0 is not compared.
    fn trial_ended(&mut self, round: u32, model: Model, trial: Option<&Trial>) {
        let _ = (round, model, trial);
    }

    /// Something worth telling the user at once about the run at hand.
    fn notice(&mut self, notice: Notice) {
        let _ = notice;
    }
}

/// Watches nothing.
impl RaceObserver for () {}

/// How long a race has lasted, without the time in which it was suspended.
#[derive(Debug, Clone, Copy)]
struct Elapsed(MonotonicClock);

impl Elapsed {
    fn read(self) -> Duration {
        Duration::from_micros(self.0.now_us().saturating_sub(self.0.stopped_us_since(0)))
    }
}

/// What came of one run.
enum Ran {
    /// It went to its end, or as far as its time allowed.
    Whole(Box<Trial>, Pace),
    /// Its time was up before anything was done.
    TooSlow(Pace),
    /// Somebody has stopped the race.
    Interrupted,
    /// A server has asked to be left alone.
    Refused(Refusal),
}

/// One run of a race.
#[derive(Clone, Copy)]
struct Start {
    model: Model,
    round: u32,
    items: u64,
    limit: Option<Duration>,
    expected: Option<Duration>,
}

impl Race {
    /// Refuses what is no race. [`Race::run`] does so by itself, before it starts anything.
    ///
    /// # Errors
    /// The models are none or not all different, or all that are asked for is more than may be done.
    pub fn validate(&self) -> Result<(), RaceError> {
        if self.models.is_empty() {
            return Err(RaceError::NoModels);
        }
        let twice = |(at, model): (usize, &Model)| self.models[..at].contains(model);
        if let Some((_, model)) = self.models.iter().enumerate().find(|named| twice(*named)) {
            return Err(RaceError::Twice { model: *model });
        }
        let Some(most) = self.most_items else { return Ok(()) };
        let fewest = self.count.min(FEWEST_ROUNDS);
        let (rounds, items) = match self.extent {
            Extent::Rounds(rounds) => (u64::from(rounds), self.count),
            Extent::Budget(_) => (FEWEST_ROUNDS, fewest),
        };
        if self.items_of(rounds + 1, items) <= most {
            return Ok(());
        }
        Err(RaceError::TooManyItems { most, needs: self.items_of(rounds + 1, self.count) })
    }

    /// How many items `rounds` rounds have, with `items` in each run.
    #[must_use]
    pub fn items_of(&self, rounds: u64, items: u64) -> u64 {
        rounds.saturating_mul(items).saturating_mul(self.models.len() as u64)
    }

    /// How many items there are in each run of the round that warms up.
    #[must_use]
    pub fn warm_up_items(&self) -> u64 {
        match (self.most_items, self.extent) {
            (Some(most), Extent::Budget(_)) => {
                let models = self.models.len().max(1) as u64;
                self.count.min((most / ((FEWEST_ROUNDS + 1) * models)).max(1))
            }
            _ => self.count,
        }
    }

    /// Runs it, and blocks until its last round is over or it is stopped.
    ///
    /// # Errors
    /// The models are none or not all different, or one of them could not begin or go on.
    pub fn run(
        &self,
        observer: &mut dyn RaceObserver,
        control: &RaceControl,
    ) -> Result<RaceOutcome, RaceError> {
        self.validate()?;
        let clock = Elapsed(MonotonicClock::start());
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let mut found = Found::default();
        let mut paces = Vec::new();
        let mut schedule = Schedule { items: self.count, rounds: None };
        let warm_up = match self.extent {
            Extent::Budget(budget) => Some(budget.mul_f64(WARM_UP / self.models.len() as f64)),
            Extent::Rounds(_) => None,
        };
        let mut round = 0;
        let mut longest = Duration::ZERO;
        loop {
            let round_began = clock.read();
            let mut order: Vec<usize> = (0..self.models.len()).collect();
            rng.shuffle(&mut order);
            let mut complete = Vec::new();
            for at in order {
                let expected = paces.iter().find(|(model, _)| *model == self.models[at]);
                let start = Start {
                    model: self.models[at],
                    round,
                    items: if round == 0 { self.warm_up_items() } else { schedule.items },
                    limit: warm_up.filter(|_| round == 0),
                    expected: expected.map(|(_, pace): &(Model, Pace)| {
                        Duration::from_micros(pace.expected_us(schedule.items))
                    }),
                };
                let ran = match self.trial(start, observer, control) {
                    // What was measured before is still worth having.
                    Err(error) if !found.trials.is_empty() => {
                        return Ok(self.outcome(found.failed(error), schedule));
                    }
                    ran => ran?,
                };
                match ran {
                    Ran::Whole(trial, pace) if round == 0 => {
                        drop(trial);
                        paces.push((start.model, pace));
                    }
                    Ran::Whole(trial, _) => complete.push(*trial),
                    Ran::TooSlow(pace) => {
                        let round = pace.expected_us(FEWEST_ROUNDS.min(self.count));
                        let needs = round.saturating_mul(self.models.len() as u64);
                        return Err(RaceError::Budget { needs: Duration::from_micros(needs) });
                    }
                    Ran::Interrupted => return Ok(self.outcome(found.interrupted(), schedule)),
                    Ran::Refused(why) => return Ok(self.outcome(found.refused(why), schedule)),
                }
            }
            if round == 0 {
                schedule = self.plan(&paces, clock)?;
                observer.scheduled(schedule.items, schedule.rounds);
            } else {
                found.trials.append(&mut complete);
                longest = longest.max(clock.read().saturating_sub(round_began));
            }
            if self.is_over(u64::from(round), schedule, &found, clock, longest) {
                return Ok(self.outcome(found, schedule));
            }
            round += 1;
        }
    }

    /// What the rounds that count can have.
    fn plan(&self, paces: &[(Model, Pace)], clock: Elapsed) -> Result<Schedule, RaceError> {
        let budget = match self.extent {
            Extent::Rounds(rounds) => {
                return Ok(Schedule { items: self.count, rounds: Some(rounds.into()) });
            }
            Extent::Budget(budget) => budget,
        };
        let paces: Vec<Pace> = paces.iter().map(|(_, pace)| *pace).collect();
        let spent = self.items_of(1, self.warm_up_items());
        let left = budget.saturating_sub(clock.read());
        let means = Means {
            left_us: u64::try_from(left.as_micros()).unwrap_or(u64::MAX),
            items: self.most_items.map(|most| most.saturating_sub(spent)),
        };
        schedule(&paces, self.count, means).map_err(|too_little| match too_little {
            TooLittle::Time { needs_us } => {
                RaceError::Budget { needs: clock.read() + Duration::from_micros(needs_us) }
            }
            TooLittle::Items => RaceError::TooManyItems {
                most: self.most_items.unwrap_or(0),
                needs: self.items_of(FEWEST_ROUNDS + 1, self.count),
            },
        })
    }

    /// Whether `round` was the last.
    fn is_over(
        &self,
        round: u64,
        schedule: Schedule,
        found: &Found,
        clock: Elapsed,
        longest: Duration,
    ) -> bool {
        if round == 0 {
            return false;
        }
        if schedule.rounds.is_some_and(|rounds| round >= rounds) {
            return true;
        }
        let Extent::Budget(budget) = self.extent else { return false };
        let spent = clock.read() + longest > budget;
        // The six were planned for; a guess that was a little short does not make them worthless.
        let enough = round >= FEWEST_ROUNDS;
        enough && (spent || self.compare(&found.trials, schedule).is_precise())
    }

    fn compare(&self, trials: &[Trial], schedule: Schedule) -> Comparison {
        let contenders = self
            .models
            .iter()
            .map(|model| Contender { model: model.to_string(), workers: layout(*model) });
        let about = RaceInfo {
            work: self.about.clone(),
            items: schedule.items,
            all_items: self.count,
            seed: self.seed,
            job: self.job,
            contenders: contenders.collect(),
            settings: self.settings,
        };
        Comparison::new(trials, about)
    }

    fn outcome(&self, found: Found, schedule: Schedule) -> RaceOutcome {
        let Found { trials, interrupted, refused, failed } = found;
        let comparison = self.compare(&trials, schedule);
        RaceOutcome { comparison, trials, interrupted, refused, failed }
    }

    /// One run of one model, done again for as long as it was suspended in the middle.
    fn trial(
        &self,
        start: Start,
        observer: &mut dyn RaceObserver,
        control: &RaceControl,
    ) -> Result<Ran, RaceError> {
        loop {
            observer.trial_starts(start.round, start.model, start.expected);
            let ran = self.try_once(start, observer, control)?;
            if let Some(ran) = ran {
                let trial = match &ran {
                    Ran::Whole(trial, _) => Some(&**trial),
                    Ran::TooSlow(_) | Ran::Interrupted | Ran::Refused(_) => None,
                };
                observer.trial_ended(start.round, start.model, trial);
                return Ok(ran);
            }
            observer.trial_ended(start.round, start.model, None);
        }
    }

    /// None if the times mean nothing, since the process was suspended.
    fn try_once(
        &self,
        start: Start,
        observer: &mut dyn RaceObserver,
        control: &RaceControl,
    ) -> Result<Option<Ran>, RaceError> {
        let Start { model, round, items, limit, .. } = start;
        if control.is_interrupted() {
            return Ok(Some(Ran::Interrupted));
        }
        let failed = |source| RaceError::Process { model, source };
        let records = self.records.as_ref().filter(|_| round > 0);
        let job = TrialJob {
            plan: Plan {
                work: self.work.clone(),
                model,
                session: self.session,
                limits: Limits { arrival: self.arrival, ..Limits::default() },
            },
            items: self.items.clone(),
            count: items,
            limit_us: limit.map(|limit| u64::try_from(limit.as_micros()).unwrap_or(u64::MAX)),
            abandon_us: limit.and(match self.extent {
                Extent::Budget(budget) => u64::try_from(budget.as_micros()).ok(),
                Extent::Rounds(_) => None,
            }),
            records: records.map(|folder| records_file(folder, &model.to_string(), round)),
            tell_progress: observer.wants_progress(),
        };
        let (load, process_clock) = (load::Watch::begin(), MonotonicClock::start());
        let mut process = TrialProcess::start(&self.trial).map_err(failed)?;
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
                Heard::Said(Said::Failed(message)) => {
                    return Err(RaceError::Trial { model, message });
                }
                Heard::Ended(_) if control.is_interrupted() => return Ok(Some(Ran::Interrupted)),
                // Not even what it had begun with was done in all the time that there is.
                Heard::Ended(_) if limit.is_some() => {
                    let at_once = model.layout().workers().min(items);
                    return Ok(Some(Ran::TooSlow(Pace::unfinished(
                        process_clock.now_us(),
                        at_once,
                    ))));
                }
                Heard::Ended(status) => {
                    let message = format!("its process {}", describe(status));
                    return Err(RaceError::Trial { model, message });
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
            return Ok(Some(Ran::Refused(Refusal { model, item, status })));
        }
        let latency = over.tally.latency();
        let count = latency.count() + over.tally.failed_latency().count();
        let sum_us = latency.sum_us() + over.tally.failed_latency().sum_us();
        let pace = Pace {
            fixed_us: process_us.saturating_sub(wall_us) + startup_us + closing_us,
            work_us: wall_us.saturating_sub(startup_us + closing_us),
            done: over.tally.items(),
            latency_us: if count == 0 { 0.0 } else { sum_us as f64 / count as f64 },
        };
        let trial = Trial {
            model: model.to_string(),
            round,
            wall_us,
            startup_us,
            closing_us,
            process_us,
            missing_workers: over.missing_workers,
            tally: over.tally,
            outcomes: over.outcomes,
            usage: over.usage,
            machine,
        };
        Ok(Some(Ran::Whole(Box::new(trial), pace)))
    }
}

/// What has been found so far.
#[derive(Default)]
struct Found {
    trials: Vec<Trial>,
    interrupted: bool,
    refused: Option<Refusal>,
    failed: Option<RaceError>,
}

impl Found {
    fn failed(self, why: RaceError) -> Self {
        Self { failed: Some(why), ..self }
    }

    fn interrupted(self) -> Self {
        Self { interrupted: true, ..self }
    }

    fn refused(self, why: Refusal) -> Self {
        Self { refused: Some(why), ..self }
    }
}
