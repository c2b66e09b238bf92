//! The sweep: one model with many numbers of workers, or several models, each run in a process of its own.
//!
//! First it looks how far to go, with one short run for each number: 1, 2, 4 and so on, or those that are named. These runs do not
//! count. Then come rounds of all numbers, in an order shuffled anew for each, until throughput is known well enough or all is spent.
//!
//! Limit: it runs and measures; what the measurements mean is for [`Scalability`] to say.

mod look;
mod numbers;
mod saved;
mod schedule;

pub use saved::SavedSweep;

use crate::layout::layout;
use crate::trial::{
    Elapsed, Entrant, RaceControl, Ran, Start, Subject, TrialCommand, TrialError, TrialObserver,
    Trials, listeners,
};
use gaits_core::Data;
use gaits_engine::plan::{Model, ModelError};
use gaits_report::Trial;
use gaits_report::scalability::{
    NoMore, Refused, Scalability, SweepInfo, SweepSettings, SweptModel, SweptPoint, Target,
    is_precise,
};
use look::{Looked, Looking};
use numbers::{Numbered, name, with};
use schedule::{FEWEST_ROUNDS, Known, ROUNDS, Schedule, Time, TooLittle, items_of, schedule};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// As many items are drawn from a list and gone through over and over.
const MOST_DRAWN: usize = 10_000;

/// No number of workers can be measured in less time than this.
const SHORTEST: Duration = Duration::from_millis(500);

/// Everything that a sweep is run with.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// What is done. Its `count` is how many items a run may have at most.
    pub subject: Subject,
    /// The models; each stands for all its numbers of workers.
    pub models: Vec<Model>,
    /// The numbers of workers; without any, they are doubled from 1 on.
    pub workers: Vec<NonZeroU32>,
    /// How long it goes on.
    pub time: SweepTime,
    /// The most items that all runs together may do.
    pub most_items: Option<u64>,
    /// What is asked of it.
    pub settings: SweepSettings,
    /// What the number of workers must keep.
    pub targets: Vec<Target>,
    /// What the order of rounds and items is drawn from.
    pub seed: u64,
    /// How the process of a trial is started.
    pub trial: TrialCommand,
    /// Where to keep the records of every run that counts, if they are to be kept.
    pub records: Option<PathBuf>,
}

/// How long a sweep goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepTime {
    /// So long in all, or until throughput is known to within the precision of the settings.
    Budget(Duration),
    /// Each number of workers is measured for so long, in all rounds together.
    EachPoint(Duration),
}

/// What came of a sweep.
#[derive(Debug)]
#[non_exhaustive]
pub struct SweepOutcome {
    /// What it says, by the rounds that were complete.
    pub scalability: Scalability,
    /// What was measured in those rounds.
    pub trials: Vec<Trial>,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// Whether items failed, in the runs that looked how far to go as well.
    pub some_failed: bool,
    /// Why it could not go on, if it couldn't.
    pub failed: Option<SweepError>,
}

/// Why a sweep could not begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// No model takes part.
    #[error("no model to sweep")]
    NoModels,
    /// A model takes part twice.
    #[error("{name} is named twice; its number of workers is what is swept")]
    Twice {
        /// The model, without its number of workers.
        name: String,
    },
    /// A model has one worker, whatever is asked for.
    #[error(
        "`sequential` does one item at a time, so it has no number of workers to sweep; choose another model, such as `async` or `threads`"
    )]
    OneWorker,
    /// There is one number of workers, which says nothing of more or fewer.
    #[error("a sweep of one point says nothing of more or fewer workers: name two numbers or more")]
    OnePoint,
    /// A model can't have so many workers.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A model can't have just so many workers.
    #[error("{name} can't have just {workers} workers: they can't be spread evenly; {below} can")]
    Uneven {
        /// The model, without its number of workers.
        name: String,
        /// How many were asked for.
        workers: u32,
        /// The largest number below that it can have.
        below: u64,
    },
    /// The time for each number of workers is too short to measure anything.
    #[error("{} ms for each number of workers is too short to measure anything: give a second or more", .each.as_millis())]
    TooShort {
        /// The time.
        each: Duration,
    },
    /// There is not even time for a few rounds.
    #[error("the budget is too small: this sweep takes {} s or more", .needs.as_secs() + 1)]
    Budget {
        /// What it needs, about.
        needs: Duration,
    },
    /// All runs together would do more items than they may.
    #[error("the sweep would do more than {most} items in all; it needs {needs}")]
    TooManyItems {
        /// How many it may do.
        most: u64,
        /// How many it needs.
        needs: u64,
    },
    /// A trial could not begin or go on.
    #[error(transparent)]
    Trial(#[from] TrialError),
}

/// Watches a sweep.
pub trait SweepObserver: TrialObserver {
    /// It is known how far to go: there are so many points, and each round takes about so long.
    fn looked(&mut self, points: usize, round: Duration) {
        let _ = (points, round);
    }
}

/// Watches nothing.
impl SweepObserver for () {}

/// A model, and the numbers of workers that are measured, each with how it is run.
#[derive(Debug, Clone)]
struct Planned {
    name: String,
    points: Vec<(Numbered, Known)>,
    no_more: Option<NoMore>,
}

impl Sweep {
    /// Refuses what is no sweep. [`Sweep::run`] does so by itself, before it starts anything.
    ///
    /// # Errors
    /// A model can't be swept or is named twice, a number of workers can't be had, or all that are asked for need more items than may
    /// be done.
    pub fn validate(&self) -> Result<(), SweepError> {
        if self.models.is_empty() {
            return Err(SweepError::NoModels);
        }
        let names = self.names();
        for (at, model) in self.models.iter().enumerate() {
            if names[..at].contains(&names[at]) {
                return Err(SweepError::Twice { name: names[at].clone() });
            }
            if *model == Model::default() {
                return Err(SweepError::OneWorker);
            }
            self.named(*model)?;
        }
        if self.numbers().len() == 1 {
            return Err(SweepError::OnePoint);
        }
        if let SweepTime::EachPoint(each) = self.time
            && each < SHORTEST
        {
            return Err(SweepError::TooShort { each });
        }
        let Some(most) = self.most_items else { return Ok(()) };
        let least = [1, 2].map(|workers| NonZeroU32::new(workers).unwrap_or(NonZeroU32::MIN));
        let numbers = if self.workers.is_empty() { least.to_vec() } else { self.numbers() };
        let each: u64 = numbers.iter().map(|workers| self.items_of(workers.get())).sum();
        let needs = (FEWEST_ROUNDS + 1) * each * self.models.len() as u64;
        if needs > most { Err(SweepError::TooManyItems { most, needs }) } else { Ok(()) }
    }

    /// The models, without their numbers of workers.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.models.iter().map(|model| name(*model)).collect()
    }

    /// The numbers of workers that are named, in rising order.
    #[must_use]
    pub fn numbers(&self) -> Vec<NonZeroU32> {
        let mut numbers = self.workers.clone();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// The model with each number of workers that is named.
    fn named(&self, model: Model) -> Result<Vec<Numbered>, SweepError> {
        let numbered = self.numbers().into_iter().map(|workers| {
            with(model, workers.get())?.ok_or_else(|| {
                let below = model.with_workers(workers).map_or(1, |model| model.layout().workers());
                SweepError::Uneven { name: name(model), workers: workers.get(), below }
            })
        });
        numbered.collect()
    }

    /// How many items a run has at least, if their number is limited.
    fn items_of(&self, workers: u32) -> u64 {
        items_of(workers).min(self.subject.count)
    }

    /// Runs it, and blocks until its last round is over or it is stopped.
    ///
    /// # Errors
    /// As [`Sweep::validate`]; what may be spent is too little; or a trial could not begin or go on, and nothing was measured.
    pub fn run(
        &self,
        observer: &mut dyn SweepObserver,
        control: &RaceControl,
    ) -> Result<SweepOutcome, SweepError> {
        self.validate()?;
        let clock = Elapsed::start();
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let subject = Subject { items: self.drawn(&mut rng), ..self.subject.clone() };
        let records = self.records.as_deref();
        let servers = listeners(&subject.local_ports);
        let trials = Trials { subject: &subject, servers: &servers, command: &self.trial, records };
        let looking = Looking { sweep: self, trials, clock };
        let looked = looking.look(rng.fork(), observer, control)?;
        let mut found = Found { some_failed: looked.some_failed, ..Found::default() };
        let Looked { mut models, mut items_done, ended, .. } = looked;
        if let Some(ended) = ended {
            found.end(ended);
            return Ok(self.outcome(found, &models));
        }
        let planned = self.plan(&mut models, items_done, clock)?;
        let points: Vec<(Numbered, Known)> =
            models.iter().flat_map(|model| model.points.clone()).collect();
        let beside: Duration = points.iter().map(|(_, known)| known.fixed + known.item).sum();
        let round_takes = beside + planned.runs.iter().map(|run| run.time).sum::<Duration>();
        observer.looked(points.len(), round_takes);
        let round_items =
            planned.runs.iter().fold(0, |sum: u64, run| sum.saturating_add(run.items));
        let names: Vec<String> = points.iter().map(|(one, _)| one.model.to_string()).collect();
        let mut longest = Duration::ZERO;
        for round in 1.. {
            let round_began = clock.read();
            // `threads:2/async` and `threads:4/async` with one worker are one model. It runs once, and counts for both.
            let is_new = |at: &usize| !names[..*at].contains(&names[*at]);
            let mut order: Vec<usize> = (0..points.len()).filter(is_new).collect();
            rng.shuffle(&mut order);
            let mut complete = Vec::new();
            for at in order {
                let (Numbered { workers, model }, known) = points[at];
                let run = planned.runs[at];
                let start = Start {
                    entrant: &Entrant::Model(model),
                    round,
                    first: self.first(&mut rng),
                    items: run.items,
                    limit: Some(run.time),
                    abandon: Some(self.abandon(clock, run.time)),
                    expected: Some(run.time + known.item + known.fixed),
                    steady: true,
                };
                match trials.run(start, observer, control) {
                    Ok(Ran::Whole(trial)) => {
                        items_done += trial.tally.items();
                        complete.push(*trial);
                    }
                    // Something that never ends is part of what was measured: the round is not complete.
                    Ok(Ran::TooSlow { .. }) => return Ok(self.outcome(found, &models)),
                    Ok(Ran::Interrupted) => found.interrupted = true,
                    Ok(Ran::Refused(why)) => {
                        let model = models.iter().find(|one| one.points.contains(&points[at]));
                        found.refused = Some(Refused {
                            model: model.map_or_else(String::new, |model| model.name.clone()),
                            workers: workers.into(),
                            item: why.item,
                            status: why.status,
                        });
                    }
                    Err(error) if found.trials.is_empty() => return Err(error.into()),
                    Err(error) => found.failed = Some(error.into()),
                }
                if found.is_over() {
                    return Ok(self.outcome(found, &models));
                }
            }
            found.trials.append(&mut complete);
            longest = longest.max(clock.read().saturating_sub(round_began));
            let left = self.most_items.map(|most| most.saturating_sub(items_done));
            if left.is_some_and(|left| left < round_items) {
                break;
            }
            if self.is_over(round.into(), &planned, &found.trials, &names, clock.read() + longest) {
                break;
            }
        }
        Ok(self.outcome(found, &models))
    }

    /// The items, in an order of their own, so that those that follow each other are a fair part of all.
    fn drawn(&self, rng: &mut fastrand::Rng) -> Vec<Data> {
        let items = &self.subject.items;
        let mut places: Vec<usize> = (0..items.len()).collect();
        rng.shuffle(&mut places);
        places.truncate(MOST_DRAWN);
        places.into_iter().map(|place| items[place].clone()).collect()
    }

    /// Where in the list a run begins. Else all runs would begin with the same items, those with few workers would do no others, and
    /// neither their throughput nor their failures could be compared.
    fn first(&self, rng: &mut fastrand::Rng) -> usize {
        rng.usize(..self.subject.items.len().clamp(1, MOST_DRAWN))
    }

    /// When a run that lasts for `time` is ended at once: what is in flight may take for ever.
    fn abandon(&self, clock: Elapsed, time: Duration) -> Duration {
        let left = match self.time {
            SweepTime::Budget(budget) => budget.saturating_sub(clock.read()),
            SweepTime::EachPoint(each) => each,
        };
        // Rounds go a little beyond the budget if they were planned for.
        left.max(4 * time) + Duration::from_secs(1)
    }

    /// Settles the rounds. Where numbers of workers were doubled, the largest are left out if they are too many for what may be spent.
    fn plan(
        &self,
        models: &mut [Planned],
        items_done: u64,
        clock: Elapsed,
    ) -> Result<Schedule, SweepError> {
        let items = self.most_items.map(|most| most.saturating_sub(items_done));
        loop {
            let known: Vec<Known> =
                models.iter().flat_map(|model| &model.points).map(|(_, known)| *known).collect();
            let time = match self.time {
                SweepTime::Budget(budget) => Time::Left(budget.saturating_sub(clock.read())),
                SweepTime::EachPoint(time) => Time::EachPoint(time),
            };
            let too_little = match schedule(&known, time, self.subject.count, items) {
                Ok(schedule) => return Ok(schedule),
                Err(too_little) => too_little,
            };
            let longest = models
                .iter_mut()
                .filter(|model| self.workers.is_empty() && model.points.len() > 2)
                .max_by_key(|model| model.points.len());
            match (longest, too_little) {
                (Some(model), too_little) => {
                    model.points.pop();
                    model.no_more = Some(match too_little {
                        TooLittle::Time(_) => NoMore::Time,
                        TooLittle::Items(_) => NoMore::Requests,
                    });
                }
                (None, TooLittle::Time(needs)) => {
                    return Err(SweepError::Budget { needs: clock.read() + needs });
                }
                (None, TooLittle::Items(needs)) => {
                    let needs = items_done + needs;
                    return Err(SweepError::TooManyItems {
                        most: self.most_items.unwrap_or(0),
                        needs,
                    });
                }
            }
        }
    }

    /// Whether `round` was the last, when the next one would end at `next`.
    fn is_over(
        &self,
        round: u64,
        planned: &Schedule,
        trials: &[Trial],
        names: &[String],
        next: Duration,
    ) -> bool {
        if planned.most_rounds.is_some_and(|most| round >= most) {
            return true;
        }
        let SweepTime::Budget(budget) = self.time else { return false };
        // Those that were planned for are done; a guess that was a little short does not make them worthless.
        let enough = round >= planned.rounds.min(ROUNDS);
        enough && (next > budget || is_precise(trials, names, self.settings))
    }

    fn outcome(&self, found: Found, models: &[Planned]) -> SweepOutcome {
        let Found { trials, interrupted, some_failed, refused, failed } = found;
        let swept = models.iter().map(|planned| SweptModel {
            name: planned.name.clone(),
            points: planned
                .points
                .iter()
                .map(|(Numbered { workers, model }, _)| SweptPoint {
                    workers: (*workers).into(),
                    model: model.to_string(),
                    layout: layout(*model),
                })
                .collect(),
            no_more: planned.no_more,
        });
        let about = SweepInfo {
            work: self.subject.about.clone(),
            seed: self.seed,
            settings: self.settings,
            job: self.subject.job,
            models: swept.collect(),
            targets: self.targets.clone(),
            refused,
        };
        let some_failed = some_failed || trials.iter().any(|trial| trial.tally.failed() > 0);
        let scalability = Scalability::new(&trials, about);
        SweepOutcome { scalability, trials, interrupted, some_failed, failed }
    }
}

/// What has been found so far.
#[derive(Default)]
struct Found {
    trials: Vec<Trial>,
    interrupted: bool,
    some_failed: bool,
    refused: Option<Refused>,
    failed: Option<SweepError>,
}

/// What ended a sweep while it looked how far to go.
#[derive(Debug)]
enum Ended {
    Interrupted,
    AllFailed,
    Refused(Refused),
}

impl Found {
    fn end(&mut self, ended: Ended) {
        match ended {
            Ended::Interrupted => self.interrupted = true,
            // The model says so.
            Ended::AllFailed => {}
            Ended::Refused(refused) => self.refused = Some(refused),
        }
    }

    fn is_over(&self) -> bool {
        self.interrupted || self.refused.is_some() || self.failed.is_some()
    }
}
