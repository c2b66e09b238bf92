//! The part of a run in which as many items were in flight as its workers could have: without its start, when nothing was finished
//! yet, and without its end, when nothing more was started. In a short run these are a large part of all.

use gaits_core::{ErrorKind, Record};
use serde::{Deserialize, Serialize};

/// As many items are looked at; of a longer run the first ones.
const MOST: usize = 4_000_000;
/// The part must be at least so many times as long as an item takes, else what is in it is chance.
const LEAST: f64 = 0.5;

/// What was seen in the steady part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Steady {
    /// How many items were in flight on average.
    pub in_flight: f64,
    /// How long an item took on average that was started in it, in microseconds.
    pub latency_us: f64,
}

impl Steady {
    /// Items a second, by Little's law: X = N / R. Counting those that end in a short time would depend on where it begins and ends, if
    /// many end together.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        self.in_flight * 1e6 / self.latency_us
    }
}

/// Finds the steady part of a run from its records, in any order.
#[derive(Debug, Default)]
pub struct SteadyOf {
    /// When each item was started, and when it was finished, in microseconds.
    items: Vec<(u64, u64)>,
}

impl SteadyOf {
    /// Takes in one record. When a worker that crashed had begun with its item is not known.
    pub fn add(&mut self, record: &Record) {
        let crashed = record.error().is_some_and(|error| error.kind == ErrorKind::WorkerCrashed);
        if !crashed && record.worker.is_some() && self.items.len() < MOST {
            self.items.push((record.timing.started_us, record.timing.finished_us));
        }
    }

    /// The steady part: from the end of the first item to the start of the last. None if a run has none.
    #[must_use]
    pub fn finish(self) -> Option<Steady> {
        let begins = self.items.iter().map(|(_, finished)| *finished).min()?;
        let ends = self.items.iter().map(|(started, _)| *started).max()?;
        let within = ends.checked_sub(begins).filter(|us| *us > 0)? as f64;
        let overlap = |(started, finished): &(u64, u64)| {
            (*finished).min(ends).saturating_sub((*started).max(begins)) as f64
        };
        let in_flight = self.items.iter().map(overlap).sum::<f64>() / within;
        // Those that were started before found no others in their way.
        let started = self.items.iter().filter(|(started, _)| *started >= begins);
        let (count, sum) = started.fold((0_u64, 0.0), |(count, sum), (started, finished)| {
            (count + 1, sum + finished.saturating_sub(*started) as f64)
        });
        let latency_us = sum / count.max(1) as f64;
        let is_long = within >= LEAST * latency_us;
        (in_flight > 0.0 && latency_us > 0.0 && is_long).then_some(Steady { in_flight, latency_us })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::tests::record;

    /// What `workers` are seen to do on a server that takes 50 ms and serves 20 at once, if nothing is started after `limit_ms`.
    fn seen(workers: u64, limit_ms: u64) -> Option<Steady> {
        let mut free = [0; 20];
        let mut idle = vec![0; usize::try_from(workers).unwrap()];
        let mut of = SteadyOf::default();
        loop {
            idle.sort_unstable();
            let started = idle[0];
            if started >= limit_ms * 1_000 {
                return of.finish();
            }
            free.sort_unstable();
            let finished = free[0].max(started) + 50_000;
            (free[0], idle[0]) = (finished, finished);
            of.items.push((started, finished));
        }
    }

    #[test]
    fn neither_the_start_nor_the_end_of_a_short_run_counts() {
        for (workers, throughput) in
            [(1, 20.0), (8, 160.0), (20, 400.0), (24, 400.0), (30, 400.0), (64, 400.0)]
        {
            let steady = seen(workers, 500).unwrap();
            assert!((steady.in_flight - workers as f64).abs() < 1e-6, "{workers}: {steady:?}");
            let off = steady.throughput() / throughput - 1.0;
            assert!(off.abs() < 0.03, "{workers}: {steady:?}");
        }
    }

    #[test]
    fn an_item_whose_worker_crashed_is_none_of_no_time() {
        let mut of = SteadyOf::default();
        of.add(&record((1, 1), 0, Some((ErrorKind::WorkerCrashed, "killed by SIGKILL"))));
        of.add(&record((1, 1), 20, Some((ErrorKind::Timeout, "late"))));
        assert_eq!(of.items, [(5, 25)]);
    }

    #[test]
    fn a_run_that_is_over_at_once_has_no_steady_part() {
        assert_eq!(seen(8, 10), None);
        assert_eq!(SteadyOf::default().finish(), None);
        let one = SteadyOf { items: vec![(0, 10)] };
        assert_eq!(one.finish(), None);
    }
}
