//! Which trials took unlike long. They are named, never dropped: a stall is a part of what a model does.

use super::quantile::student_t;
use super::walls::middle;
use super::{MIN_ROUNDS, Outlier, Series};
use std::collections::BTreeMap;

/// In how many races of well-behaved times some trial is named, at most.
const FALSE_ALARMS: f64 = 0.05;

/// Makes the median absolute deviation of normal values their standard deviation.
const MAD_TO_SD: f64 = 1.4826;

/// The degrees of freedom of the median absolute deviation, as a share of the values less one. By simulation: with this
/// share, [`FALSE_ALARMS`] holds from 6 to 50 rounds, with 2 to 8 models.
const MAD_FREEDOM: f64 = 0.55;

/// The outliers among models with [`MIN_ROUNDS`] rounds or more, by round. A trial's deviation is from what its model
/// and its round would make one expect: a round that was slow for all has none. Of two models there is no telling
/// which one was off; the slower one is named. Deviations within the margin are not worth naming.
pub(super) fn find(models: &[Series], margin: f64) -> Vec<Outlier> {
    let judged = |model: &Series| model.rounds() >= MIN_ROUNDS && !model.has_zero();
    // (model, round) and the logarithm of the time, relative to the model's median
    let mut rounds: BTreeMap<u32, Vec<(usize, f64)>> = BTreeMap::new();
    for (index, model) in models.iter().enumerate().filter(|(_, model)| judged(model)) {
        let logs = model.iter().map(|(_, wall)| wall.ln());
        let center = median(logs).unwrap_or(0.0);
        for (round, wall) in model.iter() {
            rounds.entry(round).or_default().push((index, wall.ln() - center));
        }
    }
    let total = rounds.values().map(Vec::len).sum::<usize>() as f64;
    let mut found = Vec::new();
    for (index, model) in models.iter().enumerate().filter(|(_, model)| judged(model)) {
        let deviations = deviations(index, &rounds);
        let spread =
            MAD_TO_SD * median(deviations.iter().map(|d| d.to_others.abs())).unwrap_or(0.0);
        let freedom = (MAD_FREEDOM * (model.rounds() as f64 - 1.0)).max(1.0);
        let limit = spread * student_t(1.0 - FALSE_ALARMS / (2.0 * total), freedom);
        let is_outlier = |d: &&Deviation| d.to_all.abs() > limit.max(margin.ln_1p());
        found.extend(deviations.iter().filter(is_outlier).map(|d| Outlier {
            model: index,
            round: d.round,
            times: d.to_all.exp(),
        }));
    }
    found.sort_by_key(|outlier| (outlier.round, outlier.model));
    found
}

/// How far a trial's logarithm is from those of its round, in the middle of the model's own.
struct Deviation {
    round: u32,
    to_all: f64,
    /// To the other models alone. To all, a model in the middle of its round does not deviate at all, which would make
    /// the spread too small.
    to_others: f64,
}

fn deviations(index: usize, rounds: &BTreeMap<u32, Vec<(usize, f64)>>) -> Vec<Deviation> {
    let of_round = |(&round, trials): (&u32, &Vec<(usize, f64)>)| {
        let own = trials.iter().find(|(model, _)| *model == index)?.1;
        let all = trials.iter().map(|(_, log)| *log);
        let others = trials.iter().filter(|(model, _)| *model != index).map(|(_, log)| *log);
        Some(Deviation {
            round,
            to_all: own - if trials.len() > 1 { lower_median(all)? } else { 0.0 },
            to_others: own - lower_median(others).unwrap_or(0.0),
        })
    };
    let mut deviations = rounds.iter().filter_map(of_round).collect::<Vec<_>>();
    let of_all = median(deviations.iter().map(|d| d.to_all)).unwrap_or(0.0);
    let of_others = median(deviations.iter().map(|d| d.to_others)).unwrap_or(0.0);
    for deviation in &mut deviations {
        deviation.to_all -= of_all;
        deviation.to_others -= of_others;
    }
    deviations
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values = values.collect::<Vec<_>>();
    values.sort_by(f64::total_cmp);
    middle(&values)
}

/// Of an even number of values the lower one in the middle: of two models the faster one stands for the round.
fn lower_median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values = values.collect::<Vec<_>>();
    values.sort_by(f64::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}
