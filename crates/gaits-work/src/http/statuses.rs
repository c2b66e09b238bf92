//! Sets of statuses: which are a success, which may pass, which end a run: `200-399,404`.
//!
//! Limit: knows no status by name.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The statuses that HTTP has: RFC 9110, 15.
const KNOWN: RangeInclusive<u16> = 100..=599;

/// A set of statuses. It is written as numbers and ranges with commas between them, and shown in order, without overlaps.
///
/// ```
/// # use gaits_work::http::Statuses;
/// let accept: Statuses = "404, 200-299,300-399".parse()?;
/// assert!(accept.contains(404) && !accept.contains(500));
/// assert_eq!(accept.to_string(), "200-399,404");
/// # Ok::<(), gaits_work::http::StatusesError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Statuses {
    /// In order; no two of them overlap or touch.
    ranges: Vec<RangeInclusive<u16>>,
}

/// Why a text is not a set of statuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatusesError {
    /// There is nothing in it, or nothing between two commas.
    #[error(
        "a status is missing: write statuses and ranges with commas between, such as 200-399,404"
    )]
    Missing,
    /// A part of it is no number.
    #[error(
        "{0:?} is not a status: write statuses and ranges with commas between, such as 200-399,404"
    )]
    NotANumber(String),
    /// There is no such status.
    #[error("there is no status {0}: they go from 100 to 599")]
    Unknown(u64),
    /// A range ends before it begins.
    #[error("the range {0}-{1} ends before it begins: did you mean {1}-{0}?")]
    Backwards(u16, u16),
}

impl Statuses {
    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u16> {
        self.ranges.iter().cloned().flatten()
    }

    /// Whether `status` is one of them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.ranges.iter().any(|range| range.contains(&status))
    }
}

impl Statuses {
    /// Those that may be gone with the next try: 408, 425, 500, 502, 503, 504.
    #[must_use]
    pub fn that_may_pass() -> Self {
        Self { ranges: vec![408..=408, 425..=425, 500..=500, 502..=504] }
    }
}

/// 200 to 399: success and redirects.
impl Default for Statuses {
    fn default() -> Self {
        Self { ranges: vec![200..=399] }
    }
}

impl FromStr for Statuses {
    type Err = StatusesError;

    fn from_str(text: &str) -> Result<Self, StatusesError> {
        let mut given = text.split(',').map(range).collect::<Result<Vec<_>, _>>()?;
        given.sort_unstable_by_key(|range| *range.start());
        let mut ranges: Vec<RangeInclusive<u16>> = Vec::with_capacity(given.len());
        for range in given {
            match ranges.last_mut() {
                // Both are at most 599.
                Some(last) if *range.start() <= last.end() + 1 => {
                    *last = *last.start()..=(*last.end()).max(*range.end());
                }
                _ => ranges.push(range),
            }
        }
        Ok(Self { ranges })
    }
}

/// `404` or `200-399`.
fn range(text: &str) -> Result<RangeInclusive<u16>, StatusesError> {
    let text = text.trim();
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (status(first, text)?, status(last, text)?);
    if last < first {
        return Err(StatusesError::Backwards(first, last));
    }
    Ok(first..=last)
}

/// A status that stands in `part`.
fn status(text: &str, part: &str) -> Result<u16, StatusesError> {
    let text = text.trim();
    if part.is_empty() {
        return Err(StatusesError::Missing);
    }
    let number: u64 = match text.parse() {
        // `+200` is a number elsewhere.
        Ok(number) if text.bytes().all(|byte| byte.is_ascii_digit()) => number,
        _ => return Err(StatusesError::NotANumber(part.to_owned())),
    };
    match u16::try_from(number) {
        Ok(status) if KNOWN.contains(&status) => Ok(status),
        _ => Err(StatusesError::Unknown(number)),
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.ranges.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}", range.start())?;
            if range.start() < range.end() {
                write!(f, "-{}", range.end())?;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Statuses {
    type Error = StatusesError;

    fn try_from(text: String) -> Result<Self, StatusesError> {
        text.parse()
    }
}

impl From<Statuses> for String {
    fn from(statuses: Statuses) -> Self {
        statuses.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_put_in_order_and_together() {
        for (text, wanted) in [
            ("200", "200"),
            ("200-399", "200-399"),
            ("404,200-399", "200-399,404"),
            (" 404 , 200 - 299,300-399", "200-399,404"),
            ("200-250,210-220,200,201", "200-250"),
            ("100-599", "100-599"),
            ("200,202,201", "200-202"),
        ] {
            let statuses: Statuses = text.parse().unwrap();
            assert_eq!(statuses.to_string(), wanted, "{text}");
        }
        assert_eq!(Statuses::default(), "200-399".parse().unwrap());
        assert_eq!(Statuses::that_may_pass(), "408,425,500,502-504".parse().unwrap());
    }

    #[test]
    fn what_is_wrong_is_told_with_the_fix() {
        const HOW: &str = "write statuses and ranges with commas between, such as 200-399,404";
        for (text, wanted) in [
            ("", &*format!("a status is missing: {HOW}")),
            ("200,,404", &*format!("a status is missing: {HOW}")),
            ("abc", &*format!("\"abc\" is not a status: {HOW}")),
            ("200-", &*format!("\"200-\" is not a status: {HOW}")),
            ("-200", &*format!("\"-200\" is not a status: {HOW}")),
            ("200-299-399", &*format!("\"200-299-399\" is not a status: {HOW}")),
            ("+200", &*format!("\"+200\" is not a status: {HOW}")),
            ("2xx", &*format!("\"2xx\" is not a status: {HOW}")),
            ("700", "there is no status 700: they go from 100 to 599"),
            ("200-600", "there is no status 600: they go from 100 to 599"),
            ("99", "there is no status 99: they go from 100 to 599"),
            ("200-70000", "there is no status 70000: they go from 100 to 599"),
            ("399-200", "the range 399-200 ends before it begins: did you mean 200-399?"),
        ] {
            assert_eq!(text.parse::<Statuses>().unwrap_err().to_string(), wanted);
        }
    }

    proptest! {
        #[test]
        fn a_set_holds_what_was_named_and_survives_being_written(
            ranges in prop::collection::vec((100..=599_u16, 0..50_u16), 1..8),
        ) {
            let named: Vec<_> =
                ranges.iter().map(|(first, more)| *first..=(first + more).min(599)).collect();
            let text: Vec<String> =
                named.iter().map(|range| format!("{}-{}", range.start(), range.end())).collect();
            let statuses: Statuses = text.join(",").parse().unwrap();
            for status in 0..1000 {
                let wanted = named.iter().any(|range| range.contains(&status));
                prop_assert_eq!(statuses.contains(status), wanted, "{}", status);
            }
            let written = serde_json::to_string(&statuses).unwrap();
            prop_assert_eq!(serde_json::from_str::<Statuses>(&written).unwrap(), statuses);
        }
    }
}
