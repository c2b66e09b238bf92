//! Values that options take, and what is said of bad ones.

use gaits::http::header_option;
use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;
use std::time::Duration;

/// The longest duration that means anything here.
const LONGEST_S: f64 = 365.0 * 86_400.0;

/// A duration: `230ms`, `1.5s`, `2m`, `1h`; a bare number is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration such as 230ms, 1.5s, 2m or 1h");
    let split = text.find(|c: char| c.is_ascii_alphabetic() || c == 'µ').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim().parse().ok().ok_or_else(wrong)?;
    refuse_negative(text, number)?;
    let seconds = number * seconds;
    if !(0.0..=LONGEST_S).contains(&seconds) {
        return Err(format!("`{text}` is not between 0 and a year"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// How often something may be done, as the time between two: `10/s`, `300/m`, `5000/h`; a bare number is a second's.
pub(super) fn rate(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a rate such as 10/s, 300/m or 5000/h");
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let seconds = match unit.trim() {
        "s" | "sec" => 1.0,
        "m" | "min" => 60.0,
        "h" | "hour" => 3_600.0,
        "d" | "day" => 86_400.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim().parse().ok().ok_or_else(wrong)?;
    refuse_negative(text, number)?;
    let interval_s = seconds / number;
    if !(1e-9..=LONGEST_S).contains(&interval_s) {
        return Err(format!(
            "`{text}` is not between one in a year and a thousand million a second"
        ));
    }
    Ok(Duration::from_secs_f64(interval_s))
}

/// A share of the whole: `5%`, `0.5 %`, `0.05`.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is not a share such as 5% or 0.05");
    let (number, whole) = match text.trim().strip_suffix('%') {
        Some(percent) => (percent, 100.0),
        None => (text, 1.0),
    };
    let number: f64 = number.trim().parse().ok().ok_or_else(wrong)?;
    let share = number / whole;
    if !(0.001..=0.5).contains(&share) {
        return Err(format!("`{text}` is not between 0.1% and 50%"));
    }
    Ok(share)
}

/// A duration after which something is given up; `0` says never.
pub(super) fn timeout(text: &str) -> Result<Timeout, String> {
    let duration = duration(text)?;
    Ok(Timeout((!duration.is_zero()).then_some(duration)))
}

/// After how long something is given up, if ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeout(pub(crate) Option<Duration>);

/// How many items; none is a slip.
pub(super) fn items(text: &str) -> Result<NonZeroU64, String> {
    whole(text, NonZeroU64::MIN, NonZeroU64::MAX)
}

/// A whole number from 1 up.
pub(super) fn at_least_one(text: &str) -> Result<NonZeroU32, String> {
    whole(text, NonZeroU32::MIN, NonZeroU32::MAX)
}

/// A whole number from 0 up.
pub(super) fn number(text: &str) -> Result<u32, String> {
    whole(text, u32::MIN, u32::MAX)
}

/// A whole number; `least` and `most` are what its type can hold.
fn whole<T: FromStr + fmt::Display + Copy>(text: &str, least: T, most: T) -> Result<T, String> {
    let number = text.parse().ok();
    number.ok_or_else(|| format!("`{text}` is not a whole number from {least} to {most}"))
}

/// What is said of a time or a rate below 0, if `number` is one.
fn refuse_negative(text: &str, number: f64) -> Result<(), String> {
    if number < 0.0 { Err(format!("`{text}` is negative, which it can't be")) } else { Ok(()) }
}

/// A size in bytes: `500`, `10kB`, `1GiB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let size = text.parse::<bytesize::ByteSize>().ok().map(|size| size.as_u64());
    size.ok_or_else(|| format!("`{text}` is not a size such as 500, 10kB or 1GiB"))
}

/// A header field: `Name: value`, or `Name;` for one without a value. `Name:` leaves one out, and has no value here.
pub(super) fn header(text: &str) -> Result<(String, Option<String>), String> {
    match header_option(text) {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.to_owned(), value.map(str::to_owned)))
        }
        _ => Err(format!("`{text}` is not a header field such as `Accept: application/json`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, ms) in [("230ms", 230), ("1.5s", 1500), ("2", 2000), ("2m", 120_000), ("0", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        assert_eq!(duration("250µs"), Ok(Duration::from_micros(250)));
        for text in ["", "ms", "1 week", "-1s", "NaN", "1e99", "10 potatoes"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(timeout("0"), Ok(Timeout(None)));
    }

    #[test]
    fn rates_have_units() {
        for (text, us) in [
            ("10/s", 100_000),
            ("5000/h", 720_000),
            ("90/m", 666_667),
            ("4", 250_000),
            ("0.5/s", 2_000_000),
        ] {
            assert_eq!(
                rate(text).map(|every| every.as_micros().abs_diff(us) <= 1),
                Ok(true),
                "{text}"
            );
        }
        for text in ["", "/s", "0/s", "-1/s", "10/week", "x/s", "10/", "inf/s", "NaN/s", "1e99/s"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("500"), Ok(500));
        assert_eq!(size("10kB"), Ok(10_000));
        assert_eq!(size("1GiB"), Ok(1 << 30));
        // What a library would say of it helps nobody.
        assert_eq!(size("many").unwrap_err(), "`many` is not a size such as 500, 10kB or 1GiB");
        assert_eq!(rate("x/s").unwrap_err(), "`x/s` is not a rate such as 10/s, 300/m or 5000/h");
        assert_eq!(share("x%").unwrap_err(), "`x%` is not a share such as 5% or 0.05");
    }

    #[test]
    fn header_fields_have_a_name() {
        assert_eq!(header("X-A: b:c "), Ok(("X-A".into(), Some("b:c".into()))));
        assert_eq!(header("X-A:"), Ok(("X-A".into(), None)));
        assert_eq!(header("X-A;"), Ok(("X-A".into(), Some(String::new()))));
        assert_eq!(header("X-A: \u{a0}"), Ok(("X-A".into(), Some("\u{a0}".into()))));
        assert!(header("nonsense").is_err());
        assert!(header(": x").is_err());
    }
}
