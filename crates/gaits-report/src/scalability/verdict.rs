//! How many workers are recommended, and where throughput goes with more. Duty: the decision, from what was measured alone. Limit:
//! how it is put is for `words`.

use super::SweepInfo;
use super::fitted::LimitKind;
use super::points::Point;
use super::resample::{DRAWS, Sample, draw_rounds, interval};
use super::target::Kept;
use fastrand::Rng;

/// From so large a share on, cores are called busy.
const BUSY: f64 = 0.85;
/// With the fewest workers the machine is at most so busy, as a share of what it is with the most, if it is they who keep it busy.
const BROUGHT: f64 = 0.7;

/// Where throughput goes with more workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trend {
    /// It still grows with the most that were tried.
    Growing,
    /// It grows no more.
    Flat,
    /// It falls.
    Falling,
    /// There are too few points to tell.
    Unknown,
}

/// How many workers are recommended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recommended {
    /// So many; one of the numbers that were measured.
    pub workers: f64,
    /// From so many to so many it may be, with what is known of the measurements; none for points from elsewhere.
    pub range: Option<(f64, f64)>,
}

/// The smallest number whose throughput is within `within` of the best, by its place; none of no throughput at all.
fn smallest_within(throughputs: &[f64], within: f64) -> Option<usize> {
    let best = throughputs.iter().copied().fold(0.0, f64::max);
    throughputs.iter().position(|x| best > 0.0 && *x >= (1.0 - within) * best)
}

pub(super) fn by_throughput(
    usable: &[&Point],
    samples: &[Sample],
    about: &SweepInfo,
) -> Option<Recommended> {
    if usable.len() < 2 {
        return None;
    }
    let within = about.settings.within;
    let measured: Vec<f64> = samples.iter().map(|sample| sample.x).collect();
    let workers = usable.get(smallest_within(&measured, within)?)?.workers;
    let mut rng = Rng::with_seed(about.seed);
    let drawn = (0..DRAWS).filter_map(|_| {
        let drawn = draw_rounds(samples, &mut rng)?;
        let throughputs: Vec<f64> = drawn.iter().map(|(_, x)| *x).collect();
        Some(usable[smallest_within(&throughputs, within)?].workers)
    });
    let drawn = interval(workers, &[drawn.collect()], about.settings.confidence);
    Some(Recommended { workers, range: drawn.map(|of| (of.low, of.high)) })
}

/// The largest number that surely keeps all targets; it may be as many as the largest of which it can't be said that they don't.
pub(super) fn by_targets(usable: &[&Point]) -> Option<Recommended> {
    let all =
        |point: &Point, fine: fn(Kept) -> bool| point.targets.iter().all(|(kept, _)| fine(*kept));
    let surely = usable.iter().rev().find(|point| all(point, |kept| kept == Kept::Yes))?;
    let may = usable.iter().rev().find(|point| all(point, |kept| kept != Kept::No))?;
    Some(Recommended { workers: surely.workers, range: Some((surely.workers, may.workers)) })
}

/// Where throughput goes.
pub(super) fn trend(usable: &[&Point], within: f64) -> Trend {
    let throughputs: Vec<f64> = usable.iter().filter_map(|point| point.throughput).collect();
    let (Some(last), Some(reached)) = (usable.last(), smallest_within(&throughputs, within)) else {
        return Trend::Unknown;
    };
    if usable.len() < 2 {
        return Trend::Unknown;
    }
    let best = usable
        .iter()
        .max_by(|a, b| a.throughput.unwrap_or(0.0).total_cmp(&b.throughput.unwrap_or(0.0)));
    let is_less = best.is_some_and(|best| {
        let much = last.throughput.unwrap_or(0.0) < (1.0 - within) * best.throughput.unwrap_or(0.0);
        let surely = last.range.zip(best.range).is_none_or(|(last, best)| last.1 < best.0);
        much && surely
    });
    if is_less {
        Trend::Falling
    } else if reached + 1 == usable.len() {
        Trend::Growing
    } else {
        Trend::Flat
    }
}

/// What sets the limit that shows with the most of the `usable` numbers of workers.
pub(super) fn kind_of_limit(name: &str, usable: &[&Point], about: &SweepInfo) -> LimitKind {
    let (Some(first), Some(last)) = (usable.first(), usable.last()) else {
        return LimitKind::Unknown;
    };
    let is_busy = |share: Option<f64>| share.is_some_and(|share| share >= BUSY);
    // What keeps the cores busy with the fewest workers as well does not come from workers.
    let comes_with_workers = first
        .machine_busy
        .zip(last.machine_busy)
        .is_some_and(|(first, last)| first < BROUGHT * last);
    // More programs would use more cores.
    let cores_left = about.job.runs_programs && last.threads < about.job.cores;
    if is_busy(last.busy) && !cores_left {
        LimitKind::Cores
    } else if about.job.server_here && is_busy(last.machine_busy) && comes_with_workers {
        LimitKind::SharedCores
    } else if about.refused.as_ref().is_some_and(|refused| refused.model == name) {
        LimitKind::RateLimit
    } else {
        LimitKind::Unknown
    }
}
