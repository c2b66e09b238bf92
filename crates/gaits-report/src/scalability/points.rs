//! What was measured with each number of workers. Duty: from trials to points, and whether a point can be used. Limit: what follows
//! from the points is decided elsewhere.

use super::SweepSettings;
use super::resample::Sample;
use super::target::{Kept, Target};
use crate::language::Said;
use crate::stats::{self, Interval, Series, percentiles_for};
use crate::why::Job;
use crate::{Layout, Tally, Trial};
use serde::{Deserialize, Serialize};

/// If failures are a share of the items that is larger by more than this, throughput counts failures instead of work.
const MOST_ERRORS: f64 = 0.01;

/// A difference of so many standard errors is no chance: that brings one in some 700 times.
const NO_CHANCE: f64 = 3.0;

/// Where throughput may lie within a larger factor than this, it is not known at all.
const MOST_SPREAD: f64 = 2.0;

/// How many items failed, and of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailedShare {
    /// So many failed.
    pub failed: u64,
    /// Of so many.
    pub items: u64,
}

impl FailedShare {
    /// Those of a tally.
    #[must_use]
    pub const fn of(tally: &Tally) -> Self {
        Self { failed: tally.failed(), items: tally.items() }
    }

    /// Their share of the items, from 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        self.failed as f64 / self.items.max(1) as f64
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            failed: self.failed.saturating_add(other.failed),
            items: self.items.saturating_add(other.items),
        }
    }

    /// Whether there are more than `before`: by over 1 % of all, and by more than chance brings, since each run does another part of the
    /// list. Two shares are compared by their difference in standard errors, with Yates's correction for few items.
    #[must_use]
    pub fn are_more_than(self, before: Self) -> bool {
        let by = self.share() - before.share();
        let both = self.and(before).share();
        let each = 1.0 / self.items.max(1) as f64 + 1.0 / before.items.max(1) as f64;
        by > MOST_ERRORS && by - each / 2.0 > NO_CHANCE * (both * (1.0 - both) * each).sqrt()
    }
}

/// A number of workers of a model that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptPoint {
    /// How many workers.
    pub workers: u64,
    /// The model with so many, as its trials name it.
    pub model: String,
    /// How they are laid out.
    pub layout: Layout,
}

/// Whether the measurements with a number of workers can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PointState {
    /// They can.
    Usable,
    /// There are fewer than two rounds of it, so nothing says how far it may be off.
    TooFewRounds,
    /// Its rounds differ so much that its throughput may be twice as high at one end of the interval as at the other.
    Unsteady,
    /// It ran with fewer workers than it was to have.
    Degraded {
        /// The most that were missing in a round.
        missing_workers: u64,
    },
    /// None of its items went well.
    AllFailed,
    /// More of its items failed than with fewer workers, by over 1 % of all and by more than chance.
    Failing,
}

/// What was measured with one number of workers.
#[derive(Debug, Clone)]
pub struct Point {
    /// How many workers; in points from a file, n.
    pub workers: f64,
    /// Whether it can be used.
    pub state: PointState,
    /// How many were in flight on average, by Little's law: the sum of the items' times over the time that passed. None where nothing
    /// was measured.
    pub in_flight: Option<f64>,
    /// Items a second: the geometric mean over the rounds. None with fewer than two rounds, or if they differ too much.
    pub throughput: Option<f64>,
    /// Where the throughput lies; none for points from a file, which say nothing of that.
    pub range: Option<(f64, f64)>,
    /// The rounds in which something was measured.
    pub rounds: usize,
    /// All records of all rounds.
    pub tally: Tally,
    /// Time on a core over the time that the cores had which its threads, or the programs that it runs, can use, from 0 to 1.
    pub busy: Option<f64>,
    /// The same of the whole machine, with all that ran on it; none where the workers may use only some of its cores.
    pub machine_busy: Option<f64>,
    /// Whether the targets are kept, each with what was measured.
    pub(super) targets: Vec<(Kept, Said)>,
    pub(super) sample: Option<Sample>,
    /// The threads that can be at work; where items are programs, as many of these as run at once.
    pub(super) threads: u64,
}

impl Point {
    /// Of the trials of one number of workers.
    pub(super) fn of(
        swept: &SweptPoint,
        trials: &[&Trial],
        targets: &[Target],
        job: &Job,
        confidence: f64,
    ) -> Self {
        let mut tally = Tally::new();
        for trial in trials {
            tally.merge(&trial.tally);
        }
        let measured = of_rounds(trials);
        let missing_workers = trials.iter().map(|trial| trial.missing_workers).max().unwrap_or(0);
        let series = Series::new(measured.iter().map(|(round, _, x)| (*round, *x)));
        let typical = stats::typical(&series, confidence);
        let has_rounds = typical.is_some();
        let typical = typical.filter(|interval| interval.high <= MOST_SPREAD * interval.low);
        let in_flight = (!measured.is_empty())
            .then(|| measured.iter().map(|(_, n, _)| n).sum::<f64>() / measured.len() as f64);
        let rounds = measured.iter().map(|(_, n, x)| (*n, *x)).collect();
        let sample = typical.zip(in_flight).map(|(Interval { estimate, .. }, n)| Sample {
            n,
            x: estimate,
            rounds,
        });
        let range = typical.map(|Interval { low, high, .. }| (low, high));
        let layout = swept.layout;
        let threads = if job.runs_programs {
            swept.workers
        } else {
            u64::from(layout.processes)
                * (u64::from(layout.threads) + u64::from(layout.pool_threads))
        };
        Self {
            workers: swept.workers as f64,
            state: if missing_workers > 0 {
                PointState::Degraded { missing_workers }
            } else if tally.items() > 0 && tally.ok() == 0 {
                PointState::AllFailed
            } else if sample.is_none() && has_rounds {
                PointState::Unsteady
            } else if sample.is_none() {
                PointState::TooFewRounds
            } else {
                PointState::Usable
            },
            in_flight,
            throughput: typical.map(|typical| typical.estimate),
            range,
            rounds: measured.len(),
            busy: busy(trials, job.cores.min(threads)),
            machine_busy: machine_busy(trials, job.cores),
            targets: targets.iter().map(|target| target.kept(trials, &tally, range)).collect(),
            sample,
            threads,
            tally,
        }
    }

    /// One that somebody has measured elsewhere.
    pub(super) fn from_elsewhere((n, x): (f64, f64)) -> Self {
        Self {
            workers: n,
            state: PointState::Usable,
            in_flight: Some(n),
            throughput: Some(x),
            range: None,
            rounds: 0,
            tally: Tally::new(),
            busy: None,
            machine_busy: None,
            targets: Vec::new(),
            sample: Some(Sample { n, x, rounds: Vec::new() }),
            threads: 0,
        }
    }

    /// The share of its items that failed.
    #[must_use]
    pub fn errors(&self) -> f64 {
        FailedShare::of(&self.tally).share()
    }

    /// Whether it counts.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.state == PointState::Usable
    }

    /// A percentile of how long items took, in microseconds; none for too few items.
    #[must_use]
    pub fn percentile_us(&self, quantile: f64) -> Option<u64> {
        let latency = self.tally.latency();
        let bears = percentiles_for(latency.count()).any(|one| one >= quantile - 1e-9);
        latency.quantile_us(quantile).filter(|_| bears)
    }

    /// How long an item took on average, in seconds: Little's law, R = N / X.
    pub(super) fn response_s(&self) -> Option<f64> {
        let (n, x) = self.sample.as_ref()?.mean();
        (x > 0.0).then(|| n / x)
    }
}

/// Of points of one model by the number of workers: those with many more failures than those before can't be used. One worker does so
/// few items that it alone can't be told from others.
pub(super) fn refuse_failing(points: &mut [Point]) {
    let mut before: Option<FailedShare> = None;
    for point in points.iter_mut().filter(|point| point.tally.items() > 0) {
        let failures = FailedShare::of(&point.tally);
        match before {
            Some(_) if !point.is_usable() => {}
            Some(before) if failures.are_more_than(before) => point.state = PointState::Failing,
            _ => before = Some(before.unwrap_or_default().and(failures)),
        }
    }
}

/// Whether the throughput of each of these models of trials is known to within `precision`, as a share of itself. Not believed on
/// fewer rounds than that of a race.
#[must_use]
pub fn is_precise(trials: &[Trial], models: &[String], settings: SweepSettings) -> bool {
    let is_known = |model: &String| {
        let of = trials.iter().filter(|trial| trial.round > 0 && trial.model == *model);
        let measured = of_rounds(&of.collect::<Vec<_>>());
        let series = Series::new(measured.into_iter().map(|(round, _, x)| (round, x)));
        let typical = stats::typical(&series, settings.confidence);
        series.rounds() >= stats::PRECISION_ROUNDS
            && typical.is_some_and(|interval| interval.is_within(settings.precision))
    };
    models.iter().all(is_known)
}

/// How many were in flight in one trial, on average, and how many were done a second: in its steady part, or else between the start of
/// its first item and the end of its last. None where nothing was done, or no time went by.
#[must_use]
pub fn measured(trial: &Trial) -> Option<(f64, f64)> {
    let whole = || {
        let us = trial.wall_us.saturating_sub(trial.startup_us + trial.closing_us);
        let n = trial.tally.mean_in_flight(us)?;
        Some((n, trial.tally.items() as f64 * 1e6 / us as f64))
    };
    let steady = trial.steady.map(|steady| (steady.in_flight, steady.throughput()));
    steady.or_else(whole).filter(|(n, x)| *n > 0.0 && *x > 0.0 && (n * x).is_finite())
}

/// Each round with what was measured in it. If two rounds or more have a steady part, those without are left out: the other measure
/// is a little lower.
fn of_rounds(trials: &[&Trial]) -> Vec<(u32, f64, f64)> {
    let has_steady = trials.iter().filter(|trial| trial.steady.is_some()).count() >= 2;
    let taken = trials.iter().filter(|trial| !has_steady || trial.steady.is_some());
    taken.filter_map(|trial| measured(trial).map(|(n, x)| (trial.round, n, x))).collect()
}

fn busy(trials: &[&Trial], cores: u64) -> Option<f64> {
    let cpu_us: u64 = trials.iter().map(|trial| trial.usage.cpu_us).sum();
    let wall_us: u64 = trials.iter().map(|trial| trial.wall_us).sum();
    let had = wall_us.saturating_mul(cores.max(1));
    (had > 0).then(|| (cpu_us as f64 / had as f64).min(1.0))
}

fn machine_busy(trials: &[&Trial], cores: u64) -> Option<f64> {
    if trials.iter().any(|trial| trial.machine.cores != cores) {
        return None;
    }
    let all = trials.iter().map(|trial| {
        let load = trial.machine;
        (trial.usage.cpu_us + load.others_us, load.wall_us * load.cores.max(1))
    });
    let (spent, had) = all.fold((0, 0), |(a, b), (spent, had)| (a + spent, b + had));
    (had > 0).then(|| (spent as f64 / had as f64).min(1.0))
}
