//! Which numbers of workers are tried. Limit: it runs nothing; it is told what each number gave.

use gaits_engine::plan::{Model, ModelError};
use gaits_report::scalability::{FailedShare, NoMore};
use std::num::NonZeroU32;

/// A step that gains less is none.
const GAIN: f64 = 1.05;
/// After so many falls below the best, there is enough to see where throughput goes.
const FALLS: u32 = 2;
/// So many steps in a row without a gain are a flat line, which may go on for ever without a fall.
const FLAT_STEPS: u32 = 3;
/// In one look, a throughput may be so many times further from the best than what is asked for, and be within it all the same.
const UNSURE: f64 = 3.0;
/// Points that the law should have at least.
const ENOUGH: usize = 6;

/// A model with a number of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbered {
    pub(super) workers: u32,
    pub(super) model: Model,
}

/// What was seen with a number of workers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub(super) throughput: f64,
    pub(super) failures: FailedShare,
    pub(super) missing_workers: u64,
}

/// The model, without the number that is swept.
pub(super) fn name(model: Model) -> String {
    let name = model.to_string();
    match (model.in_flight, model.pool) {
        // The pool is not swept.
        (Some(_), Some(pool)) => format!("async/threads:{pool}"),
        _ => name.rsplit_once(':').map_or(name.clone(), |(name, _)| name.to_owned()),
    }
}

/// The model with just so many workers; none if they can't be spread evenly.
pub(super) fn with(model: Model, workers: u32) -> Result<Option<Numbered>, ModelError> {
    let Some(number) = NonZeroU32::new(workers) else { return Ok(None) };
    let model = model.with_workers(number)?;
    let is_so = model.layout().workers() == u64::from(workers);
    Ok(is_so.then_some(Numbered { workers, model }))
}

/// Doubles the number of workers of a model for as long as that tells something.
#[derive(Debug, Clone)]
pub(super) struct Doubling {
    model: Model,
    next: u32,
    last: u32,
    /// Those with fewer workers.
    failures: Option<FailedShare>,
    best: f64,
    falls: u32,
    flat: u32,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// With twice as many.
    On,
    /// It is known where throughput goes.
    Enough,
    /// This number is not to be measured, and no larger one.
    Refuse(NoMore),
}

impl Doubling {
    pub(super) fn of(model: Model) -> Self {
        Self { model, next: 1, last: 0, failures: None, best: 0.0, falls: 0, flat: 0 }
    }

    /// The next number to be tried, or the largest below it that the model can have; none if it can't have so many.
    pub(super) fn next(&mut self) -> Option<Numbered> {
        loop {
            let model = self.model.with_workers(NonZeroU32::new(self.next)?).ok()?;
            let workers = u32::try_from(model.layout().workers()).ok()?;
            self.next = self.next.checked_mul(2)?;
            if workers > self.last {
                self.last = workers;
                return Some(Numbered { workers, model });
            }
        }
    }

    /// What `seen` with `workers` says.
    pub(super) fn step(&mut self, workers: u32, seen: Seen) -> Step {
        let workers = u64::from(workers);
        if seen.missing_workers > 0 {
            return Step::Refuse(NoMore::Missing { workers, missing: seen.missing_workers });
        }
        if self.failures.is_some_and(|before| seen.failures.are_more_than(before)) {
            return Step::Refuse(NoMore::Failures { workers, share: seen.failures.share() });
        }
        self.failures = Some(self.failures.unwrap_or_default().and(seen.failures));
        let has_begun = self.best > 0.0;
        self.falls += u32::from(has_begun && seen.throughput < self.best);
        self.flat = if has_begun && seen.throughput < GAIN * self.best { self.flat + 1 } else { 0 };
        self.best = self.best.max(seen.throughput);
        if self.falls >= FALLS || self.flat >= FLAT_STEPS { Step::Enough } else { Step::On }
    }
}

/// Numbers between those that were doubled, `seen` in rising order with their throughput: around the smallest that is within `within`
/// of the best, so that the answer is not off by half, and then others until there are enough for the law. Those that matter most come
/// first.
pub(super) fn between(model: Model, seen: &[(u32, f64)], within: f64) -> Vec<Numbered> {
    let best = seen.iter().map(|(_, x)| *x).fold(0.0, f64::max);
    let near = |within: f64| seen.iter().position(|(_, x)| *x >= (1.0 - within) * best);
    // One look is worth little, so the right number may lie below the one that it shows.
    let (Some(least), Some(at)) = (near(UNSURE * within), near(within)) else {
        return Vec::new();
    };
    let middle = |low: usize| {
        let ((low, _), (high, _)) = (*seen.get(low)?, *seen.get(low + 1)?);
        let middle = low.midpoint(high);
        let is_new = low < middle && middle < high;
        is_new.then(|| with(model, middle).ok().flatten()).flatten()
    };
    let mut around: Vec<usize> =
        [least.checked_sub(1), Some(least), Some(at)].into_iter().flatten().collect();
    around.dedup();
    let mut added: Vec<Numbered> = around.into_iter().filter_map(middle).collect();
    let mut gaps: Vec<usize> = (0..seen.len()).collect();
    gaps.sort_by_key(|gap| gap.abs_diff(at));
    for numbered in gaps.into_iter().filter_map(middle) {
        if seen.len() + added.len() >= ENOUGH {
            break;
        }
        if !added.contains(&numbered) {
            added.push(numbered);
        }
    }
    added
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(text: &str) -> Model {
        text.parse().unwrap()
    }

    /// The numbers that are tried, and why no more.
    fn tried(text: &str, curve: impl Fn(f64) -> Seen) -> (Vec<u32>, Option<NoMore>) {
        let mut doubling = Doubling::of(model(text));
        let mut numbers = Vec::new();
        while let Some(Numbered { workers, .. }) = doubling.next() {
            match doubling.step(workers, curve(f64::from(workers))) {
                Step::On => numbers.push(workers),
                Step::Enough => {
                    numbers.push(workers);
                    return (numbers, None);
                }
                Step::Refuse(why) => return (numbers, Some(why)),
            }
        }
        (numbers, Some(NoMore::CanHave))
    }

    /// So many of 100 items.
    fn failures(failed: u64) -> FailedShare {
        FailedShare { failed, items: 100 }
    }

    fn throughput(throughput: f64) -> Seen {
        Seen { throughput, failures: failures(0), missing_workers: 0 }
    }

    #[test]
    fn names_leave_out_the_number_that_is_swept() {
        for (text, known) in [
            ("async:50", "async"),
            ("threads:3", "threads"),
            ("processes:2", "processes"),
            ("threads:2/async:100", "threads:2/async"),
            ("processes:2/threads:4", "processes:2/threads"),
            ("async:9/threads:4", "async/threads:4"),
        ] {
            assert_eq!(name(model(text)), known);
        }
    }

    #[test]
    fn it_doubles_until_throughput_has_fallen_twice_or_is_flat() {
        let (falling, _) = tried("async", |n| throughput(n / (1.0 + 0.01 * n * n)));
        assert_eq!(falling, [1, 2, 4, 8, 16, 32]);
        let (flat, _) = tried("async", |n| throughput(n.min(20.0)));
        assert_eq!(flat, [1, 2, 4, 8, 16, 32, 64, 128, 256]);
        let (most, why) = tried("processes", throughput);
        assert_eq!((most.last(), why), (Some(&512), Some(NoMore::CanHave)));
    }

    #[test]
    fn failures_and_missing_workers_end_it_but_not_those_that_all_have() {
        let (numbers, why) = tried("async", |n| Seen {
            failures: failures(if n > 4.0 { 10 } else { 0 }),
            ..throughput(n)
        });
        assert_eq!(
            (numbers, why),
            (vec![1, 2, 4], Some(NoMore::Failures { workers: 8, share: 0.1 }))
        );
        let (numbers, _) =
            tried("async", |n| Seen { failures: failures(10), ..throughput(n.min(2.0)) });
        assert_eq!(numbers, [1, 2, 4, 8, 16]);
        let missing = |n: f64| Seen { missing_workers: u64::from(n > 1.0), ..throughput(n) };
        assert_eq!(tried("threads", missing).1, Some(NoMore::Missing { workers: 2, missing: 1 }));
    }

    #[test]
    fn only_numbers_that_a_model_can_have_are_tried() {
        let (numbers, _) = tried("threads:3/async", |n| throughput(n.min(2.0)));
        assert_eq!(numbers, [1, 2, 3, 6, 15], "three loops have 3, 6, 15 and so on at once");
        assert_eq!(with(model("threads:2/async"), 3), Ok(None));
        assert!(with(model("sequential"), 2).is_err());
    }

    #[test]
    fn the_answer_is_looked_for_between_doubled_numbers_too() {
        let numbers = |seen: &[(u32, f64)]| -> Vec<u32> {
            between(model("async"), seen, 0.05).iter().map(|one| one.workers).collect()
        };
        let queue = [1, 2, 4, 8, 16, 32, 64, 128].map(|n| (n, f64::from(n).min(20.0)));
        assert_eq!(numbers(&queue), [24, 48]);
        let unsure = [(1, 20.0), (16, 320.0), (32, 370.0), (64, 390.0), (128, 380.0), (256, 390.0)];
        assert_eq!(numbers(&unsure), [24, 48, 96], "what 32 showed may be chance");
        let cores = [1, 2, 4, 8, 16].map(|n| (n, f64::from(n).min(2.0)));
        assert_eq!(numbers(&cores), [3]);
        assert_eq!(numbers(&[(1, 1.0), (2, 1.0), (4, 1.0), (8, 1.0)]), [3, 6]);
        assert!(numbers(&[]).is_empty());
    }
}
