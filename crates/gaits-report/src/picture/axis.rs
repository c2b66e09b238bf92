//! The time axis that all runs of a picture share: which moments it names, and how.

use crate::units;

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// Steps beyond seconds, where tens are no round numbers.
const LONG_STEPS: [u64; 11] = [
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    HOUR,
    2 * HOUR,
    6 * HOUR,
    12 * HOUR,
    24 * HOUR,
    48 * HOUR,
];

/// From zero to the end of the longest run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    /// Its length in microseconds, 1 at least.
    pub(super) length_us: u64,
}

impl Axis {
    pub(super) fn new(length_us: u64) -> Self {
        Self { length_us: length_us.max(1) }
    }

    /// Where a moment lies, as a share of the axis.
    pub(super) fn share(self, us: u64) -> f64 {
        us as f64 / self.length_us as f64
    }

    /// At most `most` round moments after zero, evenly spaced, and what each is called.
    pub(super) fn marks(self, most: u64) -> Vec<(u64, String)> {
        let step = self.step(most.max(1));
        (1..=self.length_us / step).map(|place| (place * step, name(place * step, step))).collect()
    }

    fn step(self, most: u64) -> u64 {
        let fits = |step: &u64| self.length_us / step <= most;
        let mut decimal = (0..8).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
        // Minutes are easier to read than hundreds of seconds.
        let short = decimal.find(fits).filter(|step| *step < MINUTE && self.length_us < 2 * MINUTE);
        let mut days = (1..).map(|n| n * 48 * HOUR);
        short
            .or_else(|| LONG_STEPS.into_iter().find(fits))
            .or_else(|| days.find(fits))
            .unwrap_or(self.length_us)
    }
}

/// A moment with as many digits as the steps need.
fn name(us: u64, step: u64) -> String {
    let decimals = |unit: u64| {
        let digits = (0..6).find(|digits| (step * 10_u64.pow(*digits)).is_multiple_of(unit));
        format!("{:.*}", digits.unwrap_or(6) as usize, us as f64 / unit as f64)
    };
    match step {
        HOUR.. => format!("{} h", units::count(us / HOUR)),
        MINUTE.. => format!("{} min", us / MINUTE),
        step if step >= SECOND / 10 => format!("{} s", decimals(SECOND)),
        step if step >= 100 => format!("{} ms", decimals(1000)),
        _ => format!("{us} µs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(length_us: u64, most: u64) -> Vec<String> {
        Axis::new(length_us).marks(most).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn marks_are_round_and_named_with_the_unit_that_fits() {
        assert_eq!(names(1_150_000, 6), ["0.2 s", "0.4 s", "0.6 s", "0.8 s", "1.0 s"]);
        assert_eq!(names(23_000, 6), ["5 ms", "10 ms", "15 ms", "20 ms"]);
        assert_eq!(names(2_300, 5), ["0.5 ms", "1.0 ms", "1.5 ms", "2.0 ms"]);
        assert_eq!(names(70, 8), ["10 µs", "20 µs", "30 µs", "40 µs", "50 µs", "60 µs", "70 µs"]);
        assert_eq!(names(3 * MINUTE + 5, 5), ["1 min", "2 min", "3 min"]);
        assert_eq!(names(5 * HOUR, 5), ["1 h", "2 h", "3 h", "4 h", "5 h"]);
        assert!(names(0, 6).len() <= 1);
    }

    proptest! {
        #[test]
        fn there_are_never_too_many(length_us in 0..u64::MAX / 2, most in 1..40_u64) {
            let marks = Axis::new(length_us).marks(most);
            prop_assert!(marks.len() as u64 <= most);
            prop_assert!(marks.iter().all(|(us, _)| *us <= length_us.max(1)));
        }
    }
}
