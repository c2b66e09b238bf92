//! What is shown: the same Markdown on the terminal and in `RESULTS.md`.

mod ratios;
mod results;
mod section;
mod table;
mod target;

pub(crate) use ratios::{against, over_baseline, over_ratio, rate_target, ratios};
pub(crate) use results::record;
pub(crate) use section::Section;
pub(crate) use table::Table;
pub(crate) use target::{Bound, Target};

use crate::stats::Spread;

/// `1,234,567`.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Three significant digits, or all digits before the point.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => thousands(value),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Seconds to the millisecond.
pub(crate) fn seconds(value: f64) -> String {
    format!("{value:.3}")
}

/// Bytes in megabytes (10⁶).
pub(crate) fn megabytes(bytes: f64) -> String {
    format!("{:.1}", bytes / 1e6)
}

/// `median (low–high)` with the 95 % interval; the median alone after too few rounds for one; a dash without any.
pub(crate) fn spread(spread: Option<Spread>, show: impl Fn(f64) -> String) -> String {
    spread.map_or("–".into(), |spread| match spread.interval {
        Some((low, high)) if low.total_cmp(&high).is_ne() => {
            format!("{} ({}–{})", show(spread.median), show(low), show(high))
        }
        _ => show(spread.median),
    })
}

/// The median alone, or a dash.
pub(crate) fn median(spread: Option<Spread>, show: impl Fn(f64) -> String) -> String {
    spread.map_or("–".into(), |spread| show(spread.median))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(thousands(1_234_567.0), "1,234,567");
        assert_eq!(thousands(123.0), "123");
        assert_eq!([0.123, 12.34, 123.4, 12_345.0].map(digits), ["0.12", "12.3", "123", "12,345"]);
        assert_eq!(megabytes(12_345_678.0), "12.3");
    }

    #[test]
    fn a_spread_shows_its_interval_if_there_is_one() {
        let values = [1.0, 2.0, 2.0, 2.0, 2.0, 3.0];
        assert_eq!(spread(Spread::of(&values), seconds), "2.000 (1.000–3.000)");
        assert_eq!(spread(Spread::of(&values[..5]), seconds), "2.000");
        assert_eq!(spread(Spread::of(&[2.0; 6]), seconds), "2.000");
        assert_eq!(spread(None, seconds), "–");
    }
}
