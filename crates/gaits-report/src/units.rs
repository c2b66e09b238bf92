//! Numbers as people read them. Duty: three significant digits and a unit that fits. Limit: it parses nothing, and
//! shows a number that is not finite as [`NOTHING`].

/// What stands where there is no number to show.
pub const NOTHING: &str = "–";

/// A duration of `us` microseconds: `940 µs`, `23.1 ms`, `1.23 s`, `2 min 05 s`, `3 h 07 min`.
#[must_use]
pub fn duration(us: u64) -> String {
    TimeUnit::fitting(us).with_name(us)
}

/// A time to come, in whole seconds: `12 s`, `2 min 05 s`, `3 h 07 min`, `2 d 05 h`. Never less than a second.
#[must_use]
pub fn time_left(us: u64) -> String {
    let seconds = us.div_ceil(1_000_000).max(1);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min {:02} s", seconds % 60),
        3600..86_400 => format!("{hours} h {:02} min", minutes % 60),
        _ => format!("{} d {:02} h", count(days), hours % 24),
    }
}

/// The durations from `low` to `high` in microseconds: `229–240 ms`, `1:05–1:20 min`; each with its unit where one does not fit both.
#[must_use]
pub fn duration_range(low: u64, high: u64) -> String {
    match TimeUnit::common(low, high) {
        Some(unit) => format!("{}–{} {}", unit.number(low), unit.number(high), unit.name()),
        None => format!("{}–{}", duration(low), duration(high)),
    }
}

/// A duration with the range around it, all in microseconds: `231 ms (229–240)`; the unit is said once where it
/// fits all three, and no range where there is none.
#[must_use]
pub fn duration_in_range(middle: u64, low: u64, high: u64) -> String {
    if low == high {
        return duration(middle);
    }
    let unit = TimeUnit::fitting(middle);
    match TimeUnit::common(low, high) {
        Some(common) if common == unit => {
            format!("{} ({}–{})", duration(middle), unit.number(low), unit.number(high))
        }
        _ => format!("{} ({})", duration(middle), duration_range(low, high)),
    }
}

/// `us` microseconds in seconds, without the unit: `23.4`, `0.0120`.
#[must_use]
pub fn seconds(us: u64) -> String {
    number(us as f64 / 1e6)
}

/// A count with its thousands set apart: `1,234,567`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of bytes in decimal units: `950 B`, `4.55 kB`, `1.20 MB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    if n < 1000 { format!("{n} B") } else { bytes_of(n as f64) }
}

/// Bytes a second in decimal units: `1.85 kB/s`.
#[must_use]
pub fn bytes_per_second(rate: f64) -> String {
    if rate.is_finite() { format!("{}/s", bytes_of(rate)) } else { NOTHING.to_owned() }
}

/// A number in three significant digits, whole from a thousand on: `0.0120`, `23.4`, `132,581`.
#[must_use]
pub fn number(x: f64) -> String {
    if !x.is_finite() {
        return NOTHING.to_owned();
    }
    match x {
        x if x < 0.0 => format!("-{}", number(-x)),
        x if x >= 1e18 => format!("{x:.2e}"),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 1e18"
        )]
        x if x >= 999.5 => count(x.round() as u64),
        x if x >= 99.95 => format!("{x:.0}"),
        x if x >= 9.995 => format!("{x:.1}"),
        x if x >= 0.9995 => format!("{x:.2}"),
        x if x >= 0.099_95 => format!("{x:.3}"),
        x if x >= 0.000_05 => format!("{x:.4}"),
        _ => "0".to_owned(),
    }
}

/// What share of a second's worth of `amount` there was each second in `us` microseconds; none for no time.
pub(crate) fn per_second(amount: u64, us: u64) -> Option<f64> {
    (us > 0).then(|| amount as f64 * 1e6 / us as f64)
}

fn bytes_of(n: f64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut n = n;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        // 999.5 would already be shown as 1,000
        if n < 999.5 {
            break;
        }
        n /= 1000.0;
        unit = next;
    }
    format!("{} {unit}", number(n))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeUnit {
    Micro,
    Milli,
    Second,
    Minute,
    Hour,
}

impl TimeUnit {
    /// The unit in which `us` microseconds are shown, after rounding to three digits.
    fn fitting(us: u64) -> Self {
        match us {
            0..1000 => Self::Micro,
            1000..999_500 => Self::Milli,
            999_500..59_950_000 => Self::Second,
            59_950_000..3_599_500_000 => Self::Minute,
            _ => Self::Hour,
        }
    }

    /// The unit in which both can be written.
    fn common(low: u64, high: u64) -> Option<Self> {
        let unit = Self::fitting(high);
        // a tenth of the unit still shows three digits
        (unit == Self::fitting(low) || low >= unit.us() / 10).then_some(unit)
    }

    const fn us(self) -> u64 {
        match self {
            Self::Micro => 1,
            Self::Milli => 1000,
            Self::Second => 1_000_000,
            Self::Minute => 60_000_000,
            Self::Hour => 3_600_000_000,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Micro => "µs",
            Self::Milli => "ms",
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
        }
    }

    /// The unit that a number in this one is broken down into.
    const fn next_smaller(self) -> Option<Self> {
        match self {
            Self::Micro | Self::Milli | Self::Second => None,
            Self::Minute => Some(Self::Second),
            Self::Hour => Some(Self::Minute),
        }
    }

    /// In whole steps of the next smaller unit, so that no `60 s` stands beside a minute.
    fn broken_down(us: u64, step: Self) -> (String, u64) {
        let steps = us.saturating_add(step.us() / 2) / step.us();
        (count(steps / 60), steps % 60)
    }

    /// The number that stands before the unit: `231`, `1.23`, and `2:05` for minutes and hours.
    fn number(self, us: u64) -> String {
        if let Some(step) = self.next_smaller() {
            let (whole, rest) = Self::broken_down(us, step);
            return format!("{whole}:{rest:02}");
        }
        match self {
            Self::Micro => us.to_string(),
            _ => number(us as f64 / self.us() as f64),
        }
    }

    fn with_name(self, us: u64) -> String {
        match self.next_smaller() {
            None => format!("{} {}", self.number(us), self.name()),
            Some(step) => {
                let (whole, rest) = Self::broken_down(us, step);
                format!("{whole} {} {rest:02} {}", self.name(), step.name())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_have_three_digits_and_the_unit_that_fits() {
        for (us, text) in [
            (0, "0 µs"),
            (9, "9 µs"),
            (940, "940 µs"),
            (1000, "1.00 ms"),
            (23_149, "23.1 ms"),
            (999_499, "999 ms"),
            (999_500, "1.00 s"),
            (1_234_567, "1.23 s"),
            (59_949_999, "59.9 s"),
            (59_950_000, "1 min 00 s"),
            (125_400_000, "2 min 05 s"),
            (3_599_500_000, "1 h 00 min"),
            (11_220_000_000, "3 h 07 min"),
        ] {
            assert_eq!(duration(us), text, "{us} µs");
        }
    }

    #[test]
    fn a_time_to_come_is_in_whole_seconds() {
        for (us, text) in [
            (0, "1 s"),
            (11_000_001, "12 s"),
            (59_000_001, "1 min 00 s"),
            (125_000_000, "2 min 05 s"),
            (4_320_000_000, "1 h 12 min"),
            (190_800_000_000, "2 d 05 h"),
            (u64::MAX, "213,503,982 d 08 h"),
        ] {
            assert_eq!(time_left(us), text, "{us} µs");
        }
    }

    #[test]
    fn a_range_says_its_unit_once_where_one_fits() {
        assert_eq!(duration_range(229_000, 240_000), "229–240 ms");
        assert_eq!(duration_range(900_000, 1_200_000), "0.900–1.20 s");
        assert_eq!(duration_range(900, 1_200_000), "900 µs–1.20 s");
        assert_eq!(duration_in_range(231_000, 229_000, 240_000), "231 ms (229–240)");
        assert_eq!(duration_in_range(231_000, 231_000, 231_000), "231 ms");
        assert_eq!(duration_in_range(990_000, 980_000, 1_100_000), "990 ms (0.980–1.10 s)");
        assert_eq!(duration_in_range(70_000_000, 65_000_000, 80_000_000), "1 min 10 s (1:05–1:20)");
    }

    #[test]
    fn counts_bytes_and_numbers() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(bytes(950), "950 B");
        assert_eq!(bytes(999_499), "999 kB");
        assert_eq!(bytes(999_500), "1.00 MB");
        assert_eq!(bytes_per_second(1849.6), "1.85 kB/s");
        assert_eq!(number(0.012), "0.0120");
        assert_eq!(number(132_580.6), "132,581");
        assert_eq!(number(999.6), "1,000");
    }

    #[test]
    fn what_is_no_number_is_shown_as_nothing() {
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(number(x), NOTHING);
            assert_eq!(bytes_per_second(x), NOTHING);
        }
    }

    proptest! {
        #[test]
        fn any_duration_is_short(us: u64) {
            let text = duration(us);
            prop_assert!(text.chars().count() <= 24, "{text}");
        }

        #[test]
        fn any_number_is_shown(x: f64) {
            prop_assert!(!number(x).to_lowercase().contains("nan"));
            prop_assert!(!number(x).contains("inf"));
        }
    }
}
