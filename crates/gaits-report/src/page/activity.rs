//! How many items were in which phase at any time, from every record, whether its bar is drawn or not.
//!
//! Limit: it is as fine as the run divided by [`BINS`]; within a bin, only sums are known.

use super::phases::Phases;

/// Into how many parts a run is divided at most; while it is added up there are between half as many and all of them.
const BINS: usize = 1024;

/// The microseconds that items spent in each phase, by parts of the run.
#[derive(Debug, Clone)]
pub(crate) struct Activity {
    /// The length of a bin in microseconds, a power of two.
    pub(crate) bin_us: u64,
    /// For each bin, the sum of microseconds by phase.
    pub(crate) bins: Vec<[u64; Phases::COUNT]>,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self { bin_us: 1, bins: Vec::new() }
    }

    /// Adds the phases of an item that began at `from_us`.
    pub(crate) fn add(&mut self, from_us: u64, phases: Phases) {
        let mut at = from_us;
        for (phase, length) in phases.0.into_iter().enumerate() {
            let end = at.saturating_add(length);
            self.add_span(phase, at, end);
            at = end;
        }
    }

    fn add_span(&mut self, phase: usize, from: u64, to: u64) {
        if to <= from {
            return;
        }
        while (to - 1) / self.bin_us >= BINS as u64 {
            self.halve();
        }
        // Both are below BINS now.
        let bin = |us: u64| usize::try_from(us / self.bin_us).unwrap_or(BINS - 1);
        let (first, last) = (bin(from), bin(to - 1));
        if self.bins.len() <= last {
            self.bins.resize(last + 1, [0; Phases::COUNT]);
        }
        for (place, bin) in self.bins[first..=last].iter_mut().enumerate() {
            let begins = (first + place) as u64 * self.bin_us;
            let overlap = to.min(begins + self.bin_us) - from.max(begins);
            bin[phase] = bin[phase].saturating_add(overlap);
        }
    }

    /// Adds all of `other`.
    pub(crate) fn merge(&mut self, other: &Self) {
        while self.bin_us < other.bin_us {
            self.halve();
        }
        let merged = usize::try_from(self.bin_us / other.bin_us).unwrap_or(usize::MAX);
        for (place, bin) in other.bins.iter().enumerate() {
            let to = place / merged;
            if self.bins.len() <= to {
                self.bins.resize(to + 1, [0; Phases::COUNT]);
            }
            for (sum, us) in self.bins[to].iter_mut().zip(bin) {
                *sum = sum.saturating_add(*us);
            }
        }
    }

    fn halve(&mut self) {
        self.bin_us *= 2;
        let halved = self.bins.chunks(2).map(|pair| {
            let mut sum = [0_u64; Phases::COUNT];
            for bin in pair {
                for (sum, us) in sum.iter_mut().zip(bin) {
                    *sum = sum.saturating_add(*us);
                }
            }
            sum
        });
        self.bins = halved.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_microsecond_is_lost_or_counted_twice(
            items in proptest::collection::vec((0..5_000_000_u64, 0..90_000_u64, 0..90_000_u64), 0..60),
        ) {
            let mut activity = Activity::new();
            for &(from, waiting, computing) in &items {
                activity.add(from, Phases([0, waiting, 0, computing]));
            }
            let of = |phase: usize| activity.bins.iter().map(|bin| bin[phase]).sum::<u64>();
            prop_assert_eq!(of(1), items.iter().map(|item| item.1).sum::<u64>());
            prop_assert_eq!(of(3), items.iter().map(|item| item.2).sum::<u64>());
            prop_assert!(activity.bins.len() <= BINS);
            // Added up in two halves, it is the same.
            let (mut one, mut other) = (Activity::new(), Activity::new());
            for (place, &(from, waiting, computing)) in items.iter().enumerate() {
                let half = if place % 3 == 0 { &mut one } else { &mut other };
                half.add(from, Phases([0, waiting, 0, computing]));
            }
            one.merge(&other);
            prop_assert_eq!(one.bin_us, activity.bin_us);
            prop_assert_eq!(one.bins, activity.bins);
        }
    }

    #[test]
    fn a_bin_holds_what_was_under_way_in_it() {
        let mut activity = Activity::new();
        activity.add(0, Phases([2048, 0, 0, 0]));
        activity.add(1024, Phases([0, 1024, 0, 0]));
        assert_eq!(activity.bin_us, 2);
        assert_eq!(activity.bins[0], [2, 0, 0, 0]);
        assert_eq!(activity.bins[1023], [2, 2, 0, 0]);
    }
}
