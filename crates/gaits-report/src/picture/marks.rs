//! Moments of a run that must not be lost, such as those at which items failed.
//!
//! Limit: there are at most [`Marks::MOST`]. Where more come, those that are near each other share one.

use std::collections::BTreeSet;

/// Moments in microseconds, no finer than a step that grows with their number.
#[derive(Debug, Clone)]
pub(super) struct Marks {
    /// A power of two.
    step_us: u64,
    /// Moments divided by the step.
    at: BTreeSet<u64>,
}

impl Marks {
    /// How many there are at most. A picture has not many more columns than that.
    const MOST: usize = 512;

    pub(super) fn new() -> Self {
        Self { step_us: 1, at: BTreeSet::new() }
    }

    pub(super) fn add(&mut self, us: u64) {
        self.at.insert(us / self.step_us);
        while self.at.len() > Self::MOST {
            self.double();
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        while self.step_us < other.step_us {
            self.double();
        }
        for us in other.moments() {
            self.add(us);
        }
    }

    fn double(&mut self) {
        self.step_us *= 2;
        self.at = self.at.iter().map(|at| at / 2).collect();
    }

    /// The moments in microseconds, in their order.
    pub(super) fn moments(&self) -> impl Iterator<Item = u64> {
        self.at.iter().map(|at| at * self.step_us + self.step_us / 2)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_moment_has_a_mark_near_it(moments in proptest::collection::vec(0..9_000_000_u64, 1..3_000)) {
            let mut marks = Marks::new();
            for us in &moments {
                marks.add(*us);
            }
            let kept: Vec<u64> = marks.moments().collect();
            prop_assert!(kept.len() <= Marks::MOST);
            for us in moments {
                prop_assert!(kept.iter().any(|mark| mark.abs_diff(us) <= 9_000_000 / 256), "{}", us);
            }
        }
    }

    #[test]
    fn few_moments_are_kept_to_the_microsecond() {
        let mut marks = Marks::new();
        for us in [7, 3, 1_000_000_007, 3] {
            marks.add(us);
        }
        assert_eq!(marks.moments().collect::<Vec<_>>(), [3, 7, 1_000_000_007]);
    }
}
