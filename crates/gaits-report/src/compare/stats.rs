//! From trials to entries in order. Limit: medians and ranges of what was seen; no inference.

use super::{Contender, Entry, RaceInfo, Standing, Trial, per_second};
use crate::Tally;

/// Median, smallest and largest of some whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// The middle one; of an even number of values the mean of the two in the middle, rounded down.
    pub median: u64,
    /// The smallest.
    pub min: u64,
    /// The largest.
    pub max: u64,
}

impl Spread {
    /// Of `values`; none of none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut values = values.into_iter().collect::<Vec<_>>();
        values.sort_unstable();
        let (min, max) = (*values.first()?, *values.last()?);
        let (low, high) = middle(values.len());
        Some(Self { median: values[low].midpoint(values[high]), min, max })
    }

    /// Whether some value may lie in both.
    #[must_use]
    pub const fn overlaps(&self, other: &Self) -> bool {
        self.min <= other.max && other.min <= self.max
    }
}

/// Median, smallest and largest of the ratios of two models' wall times, one a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The middle one; of an even number of rounds the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Ratio {
    /// That of a model to itself.
    pub const ONE: Self = Self { median: 1.0, min: 1.0, max: 1.0 };

    /// Of the walls to those of `base`, both as (round, microseconds), in the rounds that have both and where that
    /// of `base` is not 0; none where there is no such round.
    #[must_use]
    pub fn paired(walls: &[(u32, u64)], base: &[(u32, u64)]) -> Option<Self> {
        let ratio = |&(round, wall): &(u32, u64)| {
            let (_, base) = base.iter().find(|(other, _)| *other == round)?;
            (*base > 0).then(|| wall as f64 / *base as f64)
        };
        let mut ratios = walls.iter().filter_map(ratio).collect::<Vec<_>>();
        ratios.sort_by(f64::total_cmp);
        let (min, max) = (*ratios.first()?, *ratios.last()?);
        let (low, high) = middle(ratios.len());
        Some(Self { median: f64::midpoint(ratios[low], ratios[high]), min, max })
    }

    /// Whether it goes either way.
    #[must_use]
    pub const fn includes_one(&self) -> bool {
        self.min <= 1.0 && 1.0 <= self.max
    }
}

/// The places of the two values in the middle of `len` sorted ones; the same place twice if `len` is odd.
const fn middle(len: usize) -> (usize, usize) {
    ((len - 1) / 2, len / 2)
}

/// The entries of the race in the order in which they are shown.
pub(super) fn entries(trials: Vec<Trial>, about: &RaceInfo) -> Vec<Entry> {
    let mut gathered: Vec<(Contender, Vec<Trial>)> = Vec::new();
    for contender in &about.contenders {
        if !gathered.iter().any(|(known, _)| known.model == contender.model) {
            gathered.push((contender.clone(), Vec::new()));
        }
    }
    for trial in trials {
        let known = gathered.iter().position(|(known, _)| known.model == trial.model);
        let place = known.unwrap_or_else(|| {
            let model = trial.model.clone();
            gathered.push((Contender { model, workers: String::new() }, Vec::new()));
            gathered.len() - 1
        });
        gathered[place].1.push(trial);
    }
    let entries = gathered.into_iter().map(|(contender, list)| entry(contender, list, about.items));
    let (ranked, others): (Vec<_>, Vec<_>) = entries.partition(Entry::is_ranked);
    let mut entries = rank(ranked);
    entries.extend(others);
    entries
}

/// What the trials of one model give, not yet ranked among others.
fn entry(contender: Contender, mut trials: Vec<Trial>, items: u64) -> Entry {
    trials.sort_by_key(|trial| trial.round);
    let mut tally = Tally::new();
    for trial in &trials {
        tally.merge(&trial.tally);
    }
    let missing_workers = trials.iter().map(|trial| trial.missing_workers).max().unwrap_or(0);
    let standing = if trials.is_empty() {
        Standing::NotRun
    } else if tally.failed() > 0 {
        Standing::Failed
    } else if missing_workers > 0 {
        Standing::Degraded { missing_workers }
    } else if items == 0 || trials.iter().any(|trial| trial.tally.ok() != items) {
        Standing::Incomplete
    } else {
        Standing::Ranked { rank: 1, to_fastest: None, tied: false }
    };
    let wall_us = Spread::of(trials.iter().map(|trial| trial.wall_us));
    let rate =
        |wall: Spread| per_second(tally.ok(), wall.median).map(|rate| rate / trials.len() as f64);
    Entry {
        standing,
        items_per_second: wall_us.and_then(rate),
        wall_us,
        cpu_us: Spread::of(trials.iter().map(|trial| trial.usage.cpu_us)).map(|cpu| cpu.median),
        walls_us: trials.iter().map(|trial| (trial.round, trial.wall_us)).collect(),
        contender,
        tally,
    }
}

/// The ranked ones in their order, each with its ratio to the first.
fn rank(mut ranked: Vec<Entry>) -> Vec<Entry> {
    ranked.sort_by_key(|entry| entry.wall_us.map(|wall| (wall.median, wall.min, wall.max)));
    let Some((fastest, others)) = ranked.split_first_mut() else { return ranked };
    let mut any_tied = false;
    for (rank, entry) in (2..).zip(others) {
        let to_fastest = Ratio::paired(&entry.walls_us, &fastest.walls_us);
        let overlap = entry.wall_us.zip(fastest.wall_us).is_some_and(|(a, b)| a.overlaps(&b));
        let tied = overlap || to_fastest.is_some_and(|ratio| ratio.includes_one());
        any_tied |= tied;
        entry.standing = Standing::Ranked { rank, to_fastest, tied };
    }
    fastest.standing = Standing::Ranked { rank: 1, to_fastest: Some(Ratio::ONE), tied: any_tied };
    ranked
}
