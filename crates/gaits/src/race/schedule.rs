//! How many items and rounds a race can have: from what the round that warms up has shown, and what may be spent.
//!
//! Limit: pure arithmetic. It knows nothing of what the rounds show, and so cannot stop because of it.

use gaits_report::{Comparison, Trial};
use std::time::Duration;

/// Nothing is ranked on fewer rounds.
pub(super) const FEWEST_ROUNDS: u64 = Comparison::FEWEST_ROUNDS as u64;
/// Nor is a list cut to fewer items for the sake of the rounds.
const FEWEST_ITEMS: u64 = 6;

/// What one run has shown of a model's pace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
    /// What passes however few items there are: the start of the process, of threads, and their end.
    pub(super) fixed_us: u64,
    /// The time between the start of the first item and the end of the last.
    pub(super) work_us: u64,
    /// How many items were done in it.
    pub(super) done: u64,
    /// How long an item took on average.
    pub(super) latency_us: f64,
}

/// What may be spent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Means {
    /// Time, in microseconds.
    pub(super) left_us: u64,
    /// Items in all runs together, if there is a limit.
    pub(super) items: Option<u64>,
}

/// What a race can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    /// Items in each run: the first ones of the list.
    pub(super) items: u64,
    /// The most rounds, where something other than time limits them.
    pub(super) rounds: Option<u64>,
}

/// What is too small for any race.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooLittle {
    /// The time: a race with one round needs so much more, in microseconds.
    Time { needs_us: u64 },
    /// The number of items.
    Items,
}

impl Pace {
    /// Of a run that went to its end, or as far as its time allowed.
    pub(super) fn of(trial: &Trial) -> Self {
        let Trial { wall_us, startup_us, closing_us, process_us, tally, .. } = trial;
        let (latency, failed) = (tally.latency(), tally.failed_latency());
        let count = latency.count() + failed.count();
        let sum_us = latency.sum_us() + failed.sum_us();
        Self {
            fixed_us: process_us.saturating_sub(*wall_us) + startup_us + closing_us,
            work_us: wall_us.saturating_sub(startup_us + closing_us),
            done: tally.items(),
            latency_us: if count == 0 { 0.0 } else { sum_us as f64 / count as f64 },
        }
    }

    /// Of a run that had not done anything after `passed_us`, with so many items `at_once`: it takes longer than that.
    pub(super) fn unfinished(passed_us: u64, at_once: u64) -> Self {
        Self { fixed_us: 0, work_us: passed_us, done: at_once.max(1), latency_us: passed_us as f64 }
    }

    /// Of another program, which takes as long as it takes.
    pub(super) fn whole(took: Duration) -> Self {
        let fixed_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        Self { fixed_us, work_us: 0, done: 1, latency_us: 0.0 }
    }

    /// How long a run of `items` items is expected to take, in microseconds.
    pub(super) fn expected_us(&self, items: u64) -> u64 {
        let each_us = self.work_us as f64 / self.done.max(1) as f64;
        // However many are in flight, none takes less than itself.
        let work_us = (each_us * items as f64).max(self.latency_us);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
        let work_us = work_us as u64;
        self.fixed_us.saturating_add(work_us)
    }
}

/// The fewest items of a list of `count` that a race can have.
pub(super) fn fewest_items(count: u64, may_be_cut: bool) -> u64 {
    if may_be_cut { FEWEST_ITEMS.min(count) } else { count }
}

/// The schedule for a list of `count` items, which all models may race on the first ones of if it `may_be_cut`.
pub(super) fn schedule(
    paces: &[Pace],
    count: u64,
    may_be_cut: bool,
    means: Means,
) -> Result<Schedule, TooLittle> {
    let models = paces.len().max(1) as u64;
    let round_us = |items: u64| -> u64 {
        paces.iter().map(|pace| pace.expected_us(items)).fold(0, u64::saturating_add)
    };
    let in_time = |items| round_us(items).saturating_mul(FEWEST_ROUNDS) <= means.left_us;
    let most_items = means.items.map_or(count, |items| items / (FEWEST_ROUNDS * models)).min(count);
    let fewest = fewest_items(count, may_be_cut);
    if most_items < fewest {
        return Err(TooLittle::Items);
    }
    let rounds = |items: u64| means.items.map(|most| most / (items.max(1) * models));
    let items = largest(most_items, in_time);
    if items >= fewest {
        return Ok(Schedule { items, rounds: rounds(items) });
    }
    // Too slow for six rounds: as many as there is time for, if there is any.
    match round_us(fewest) {
        needs_us if needs_us <= means.left_us => {
            let in_time = means.left_us / needs_us.max(1);
            let rounds = rounds(fewest).map_or(in_time, |rounds| rounds.min(in_time));
            Ok(Schedule { items: fewest, rounds: Some(rounds) })
        }
        needs_us => Err(TooLittle::Time { needs_us }),
    }
}

/// The largest number up to `most` for which `holds` does; if it does for a number, it does for all below.
fn largest(most: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if holds(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model with `in_flight` items of 230 ms at a time.
    fn pace(in_flight: u64) -> Pace {
        Pace { fixed_us: 5_000, work_us: 230_000, done: in_flight, latency_us: 230_000.0 }
    }

    fn seconds(seconds: u64) -> Means {
        Means { left_us: seconds * 1_000_000, items: None }
    }

    #[test]
    fn a_fast_race_has_all_items() {
        let paces = [pace(10), pace(100)];
        assert_eq!(
            schedule(&paces, 100, true, seconds(25)),
            Ok(Schedule { items: 100, rounds: None })
        );
    }

    #[test]
    fn a_slow_model_makes_all_race_on_fewer_items() {
        // One after another they take 23 s, so there is no time for six rounds of all.
        let paces = [pace(1), pace(10), pace(10), pace(100)];
        let Ok(Schedule { items, rounds: None }) = schedule(&paces, 100, true, seconds(25)) else {
            panic!()
        };
        assert!((10..20).contains(&items), "{items}");
        let round_us: u64 = paces.iter().map(|pace| pace.expected_us(items)).sum();
        assert!(6 * round_us <= 25_000_000);
    }

    #[test]
    fn with_too_little_time_there_are_fewer_rounds_and_in_the_end_none() {
        let slow = Pace { fixed_us: 0, work_us: 1_000_000, done: 1, latency_us: 1e6 };
        let few = schedule(&[slow, slow], 100, true, seconds(30));
        assert_eq!(few, Ok(Schedule { items: 6, rounds: Some(2) }));
        let none = schedule(&[slow, slow], 100, true, seconds(10));
        assert_eq!(none, Err(TooLittle::Time { needs_us: 12_000_000 }));
    }

    #[test]
    fn requests_are_limited_in_all() {
        let limited = |items| Means { items: Some(items), ..seconds(1_000) };
        let paces = [pace(100), pace(100)];
        let all = schedule(&paces, 10, true, limited(1_000));
        assert_eq!(all, Ok(Schedule { items: 10, rounds: Some(50) }));
        let some = schedule(&paces, 200, true, limited(1_000));
        assert_eq!(some, Ok(Schedule { items: 83, rounds: Some(6) }));
        assert_eq!(schedule(&paces, 200, true, limited(60)), Err(TooLittle::Items));
        let one = schedule(&paces, 1, true, limited(60));
        assert_eq!(one, Ok(Schedule { items: 1, rounds: Some(30) }));
    }
}
