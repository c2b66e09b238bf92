//! The race: every model in every round, each run in a process of its own, in an order shuffled anew for each round.
//!
//! How many items and rounds there are is settled before the first round that counts, from what the round that warms up has
//! shown and what may be spent; then the rounds go on until the ratios are known well enough, or all is spent. Nothing
//! stops because a difference has become clear.
//!
//! Limit: it runs models one after the other and measures them; what the measurements mean is the comparison's to say.

mod pictured;
mod saved;
mod schedule;

pub(crate) use pictured::{TypicalRun, records_of_run, typical_run};
pub use saved::{SavedRace, SavedRaces};

use crate::layout::layout;
use crate::trial::{
    Elapsed, Entrant, RaceControl, Ran, Refusal, Start, Subject, TrialCommand, TrialError,
    TrialObserver, Trials, clean_up, listeners,
};
use gaits_engine::WorkError;
use gaits_report::stats::Settings;
use gaits_report::{Comparison, Contender, RaceInfo, Trial};
use schedule::{FEWEST_ROUNDS, Means, Pace, Schedule, TooLittle, fewest_items, schedule};
use std::path::PathBuf;
use std::time::Duration;

/// The part of the budget that all that warms up may take.
const WARM_UP: f64 = 0.15;

/// Everything that a race is run with.
#[derive(Debug, Clone, PartialEq)]
pub struct Race {
    /// What is raced on.
    pub subject: Subject,
    /// What takes part: models, and other programs, each named once. Where there are programs, all are ranked as whole
    /// processes.
    pub entrants: Vec<Entrant>,
    /// How often each runs before the rounds that count; 1 at least.
    pub warm_ups: u32,
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

/// Why a race could not begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RaceError {
    /// No model takes part.
    #[error("no models to race")]
    NoModels,
    /// A model takes part twice, or two programs have one name.
    #[error("{name} takes part twice")]
    Twice {
        /// Its name.
        name: String,
    },
    /// Another program can't be started, whatever happens. Nothing was started.
    #[error("can't run `{command}`: {wrong}")]
    NoProgram {
        /// The command.
        command: String,
        /// What is wrong with it.
        wrong: String,
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
    /// Another program had not ended when the whole budget was spent, and was ended.
    #[error("{name} had not ended after {:.1} s, and was ended; a larger --budget waits longer", .after.as_secs_f64())]
    Unending {
        /// Its name.
        name: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// All runs together would do more items than they may.
    #[error("the race would do more than {most} items in all; it needs {needs}")]
    TooManyItems {
        /// How many it may do.
        most: u64,
        /// How many all its rounds of all items have, or six if time limits them, with those that warm up.
        needs: u64,
    },
    /// A trial could not begin or go on.
    #[error(transparent)]
    Trial(#[from] TrialError),
}

/// Watches a race.
pub trait RaceObserver: TrialObserver {
    /// The round that warms up is over: each run has `items` items, and there are `rounds` rounds at most; with none,
    /// time alone limits them.
    fn scheduled(&mut self, items: u64, rounds: Option<u64>) {
        let _ = (items, rounds);
    }
}

/// Watches nothing.
impl RaceObserver for () {}

impl Race {
    /// Refuses what is no race. [`Race::run`] does so by itself, before it starts anything.
    ///
    /// # Errors
    /// The models are none or not all different, or all that are asked for is more than may be done.
    pub fn validate(&self) -> Result<(), RaceError> {
        if self.entrants.is_empty() {
            return Err(RaceError::NoModels);
        }
        let names: Vec<String> = self.entrants.iter().map(ToString::to_string).collect();
        if let Some(at) = (0..names.len()).find(|at| names[..*at].contains(&names[*at])) {
            return Err(RaceError::Twice { name: names[at].clone() });
        }
        for entrant in &self.entrants {
            let Entrant::Program(program) = entrant else { continue };
            program.check().map_err(|wrong| RaceError::NoProgram {
                command: program.command.clone(),
                wrong,
            })?;
        }
        let Some(most) = self.most_items else { return Ok(()) };
        let (rounds, items) = match self.extent {
            Extent::Rounds(rounds) => (u64::from(rounds), self.subject.count),
            Extent::Budget(_) => {
                (FEWEST_ROUNDS, fewest_items(self.subject.count, !self.has_programs()))
            }
        };
        let warm_ups = self.items_of(self.warm_ups().into(), self.warm_up_items());
        if self.items_of(rounds, items).saturating_add(warm_ups) <= most {
            return Ok(());
        }
        Err(RaceError::TooManyItems { most, needs: self.items_of_all(rounds) })
    }

    /// How often everything runs before the rounds that count.
    #[must_use]
    pub fn warm_ups(&self) -> u32 {
        self.warm_ups.max(1)
    }

    /// How many items `rounds` rounds of all items have, with those that warm up.
    #[must_use]
    pub fn items_of_all(&self, rounds: u64) -> u64 {
        self.items_of(rounds.saturating_add(self.warm_ups().into()), self.subject.count)
    }

    /// How many items `rounds` rounds have, with `items` in each run.
    #[must_use]
    pub fn items_of(&self, rounds: u64, items: u64) -> u64 {
        rounds.saturating_mul(items).saturating_mul(self.models() as u64)
    }

    /// How many models take part.
    fn models(&self) -> usize {
        self.entrants.iter().filter(|entrant| matches!(entrant, Entrant::Model(_))).count()
    }

    /// Whether other programs take part, so that all are ranked as whole processes, and on all items: a program does
    /// whatever it does.
    #[must_use]
    pub fn has_programs(&self) -> bool {
        self.models() < self.entrants.len()
    }

    /// The names of the programs that take part.
    fn programs(&self) -> Vec<String> {
        let programs = self.entrants.iter().filter_map(|entrant| match entrant {
            Entrant::Program(program) => Some(program.name.clone()),
            Entrant::Model(_) => None,
        });
        programs.collect()
    }

    /// How many items there are in each run that warms up.
    #[must_use]
    pub fn warm_up_items(&self) -> u64 {
        match (self.most_items, self.extent) {
            (Some(most), Extent::Budget(_)) if !self.has_programs() => {
                // All runs that warm up have the share of one round of seven.
                let runs = (self.models().max(1) as u64).saturating_mul(self.warm_ups().into());
                self.subject.count.min((most / (FEWEST_ROUNDS + 1) / runs).max(1))
            }
            _ => self.subject.count,
        }
    }

    /// How long each run that warms up may take, if it may be cut off.
    fn warm_up_time(&self) -> Option<Duration> {
        let Extent::Budget(budget) = self.extent else { return None };
        let runs = self.entrants.len() as f64 * f64::from(self.warm_ups());
        (!self.has_programs()).then(|| budget.mul_f64(WARM_UP / runs))
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
        let mut outcome = self.rounds(observer, control);
        // Whatever came of it.
        for entrant in &self.entrants {
            let cleaned = clean_up(entrant).map_err(RaceError::from);
            match (&mut outcome, cleaned) {
                (Ok(outcome), Err(error)) if outcome.failed.is_none() => {
                    outcome.failed = Some(error);
                }
                _ => {}
            }
        }
        outcome
    }

    fn rounds(
        &self,
        observer: &mut dyn RaceObserver,
        control: &RaceControl,
    ) -> Result<RaceOutcome, RaceError> {
        let clock = Elapsed::start();
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let mut found = Found::default();
        let mut paces = Vec::new();
        let mut schedule = Schedule { items: self.subject.count, rounds: None };
        let budget = match self.extent {
            Extent::Budget(budget) => Some(budget),
            Extent::Rounds(_) => None,
        };
        let warm_up = self.warm_up_time();
        let servers = listeners(&self.subject.local_ports);
        let trials = Trials {
            subject: &self.subject,
            servers: &servers,
            command: &self.trial,
            records: self.records.as_deref(),
        };
        let (mut round, mut warm_ups) = (0, self.warm_ups());
        let mut longest = Duration::ZERO;
        loop {
            let round_began = clock.read();
            let mut order: Vec<usize> = (0..self.entrants.len()).collect();
            rng.shuffle(&mut order);
            let mut complete = Vec::new();
            for at in order {
                let expected = paces.iter().find(|(known, _)| *known == at);
                let entrant = &self.entrants[at];
                let is_program = matches!(entrant, Entrant::Program(_));
                let start = Start {
                    entrant,
                    round,
                    first: 0,
                    items: if round == 0 { self.warm_up_items() } else { schedule.items },
                    limit: warm_up.filter(|_| round == 0),
                    abandon: budget.filter(|_| round == 0 || is_program),
                    expected: expected.map(|(_, pace): &(usize, Pace)| {
                        Duration::from_micros(pace.expected_us(schedule.items))
                    }),
                    steady: false,
                };
                let began = clock.read();
                let ran = match trials.run(start, observer, control) {
                    // What was measured before is still worth having.
                    Err(error) if !found.trials.is_empty() => {
                        return Ok(self.outcome(found.failed(error.into()), schedule));
                    }
                    ran => ran?,
                };
                match ran {
                    // What fails from the start is no race; what it said tells why.
                    Ran::Whole(trial) if is_program && round == 0 && trial.tally.ok() == 0 => {
                        return Err(failed_program(entrant, &trial));
                    }
                    Ran::Whole(trial) if round == 0 => {
                        paces.retain(|(known, _)| *known != at);
                        let pace = if is_program {
                            // With what was to be done before it.
                            Pace::whole(clock.read().saturating_sub(began))
                        } else {
                            Pace::of(&trial)
                        };
                        paces.push((at, pace));
                    }
                    Ran::Whole(trial) => complete.push(*trial),
                    Ran::TooSlow { .. } if !found.trials.is_empty() => {
                        let name = entrant.to_string();
                        let message = "took longer than the whole budget, and was ended".to_owned();
                        let error = TrialError::Failed { name, message };
                        return Ok(self.outcome(found.failed(error.into()), schedule));
                    }
                    Ran::TooSlow { passed_us, .. } if is_program => {
                        let name = entrant.to_string();
                        let after = Duration::from_micros(passed_us);
                        return Err(RaceError::Unending { name, after });
                    }
                    Ran::TooSlow { passed_us, at_once } => {
                        let pace = Pace::unfinished(passed_us, at_once);
                        let round = pace.expected_us(FEWEST_ROUNDS.min(self.subject.count));
                        let needs = round.saturating_mul(self.entrants.len() as u64);
                        return Err(RaceError::Budget { needs: Duration::from_micros(needs) });
                    }
                    Ran::Interrupted => return Ok(self.outcome(found.interrupted(), schedule)),
                    Ran::Refused(why) => return Ok(self.outcome(found.refused(why), schedule)),
                }
            }
            // With nothing left for a round, more of it is in vain.
            if round == 0 && warm_ups > 1 && budget.is_none_or(|budget| clock.read() < budget) {
                warm_ups -= 1;
                continue;
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
    fn plan(&self, paces: &[(usize, Pace)], clock: Elapsed) -> Result<Schedule, RaceError> {
        let budget = match self.extent {
            Extent::Rounds(rounds) => {
                return Ok(Schedule { items: self.subject.count, rounds: Some(rounds.into()) });
            }
            Extent::Budget(budget) => budget,
        };
        let paces: Vec<Pace> = paces.iter().map(|(_, pace)| *pace).collect();
        let spent = self.items_of(self.warm_ups().into(), self.warm_up_items());
        let left = budget.saturating_sub(clock.read());
        let means = Means {
            left_us: u64::try_from(left.as_micros()).unwrap_or(u64::MAX),
            items: self.most_items.map(|most| most.saturating_sub(spent)),
        };
        let may_be_cut = !self.has_programs();
        schedule(&paces, self.subject.count, may_be_cut, means).map_err(|too_little| {
            match too_little {
                TooLittle::Time { needs_us } => {
                    RaceError::Budget { needs: clock.read() + Duration::from_micros(needs_us) }
                }
                TooLittle::Items => RaceError::TooManyItems {
                    most: self.most_items.unwrap_or(0),
                    needs: self.items_of_all(FEWEST_ROUNDS),
                },
            }
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
        // Nothing will be ranked, however often it fails.
        let failed = |trial: &Trial| trial.tally.ok() == 0 && trial.tally.items() > 0;
        if schedule.rounds.is_some_and(|rounds| round >= rounds) || found.trials.iter().all(failed)
        {
            return true;
        }
        let Extent::Budget(budget) = self.extent else { return false };
        let spent = clock.read() + longest > budget;
        // The six were planned for; a guess that was a little short does not make them worthless.
        let enough = round >= FEWEST_ROUNDS;
        let precise =
            || Comparison::would_be_precise(&found.trials, self.settings, &self.programs());
        enough && (spent || precise())
    }

    fn compare(&self, trials: &[Trial], schedule: Schedule) -> Comparison {
        let contenders = self.entrants.iter().map(|entrant| match entrant {
            Entrant::Model(model) => Contender::model(model.to_string(), layout(*model)),
            Entrant::Program(program) => {
                Contender::program(program.name.clone(), program.command.clone())
            }
        });
        let about = RaceInfo {
            work: self.subject.about.clone(),
            items: schedule.items,
            all_items: self.subject.count,
            seed: self.seed,
            job: self.subject.job,
            contenders: contenders.collect(),
            settings: self.settings,
            whole_processes: self.has_programs(),
        };
        Comparison::new(trials, about)
    }

    fn outcome(&self, found: Found, schedule: Schedule) -> RaceOutcome {
        let Found { trials, interrupted, refused, failed } = found;
        let comparison = self.compare(&trials, schedule);
        RaceOutcome { comparison, trials, interrupted, refused, failed }
    }
}

/// Another program fails before the race has begun.
fn failed_program(entrant: &Entrant, trial: &Trial) -> RaceError {
    let failures = trial.tally.failures_by_count();
    let message =
        failures.first().map_or_else(|| "failed".to_owned(), |(_, first)| first.message.clone());
    TrialError::Failed { name: entrant.to_string(), message }.into()
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
