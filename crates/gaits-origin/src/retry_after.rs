//! The `Retry-After` field of the statuses that faults answer with: how it is written on a command line and on the wire.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use http::HeaderValue;

use crate::limits::LONGEST;

/// What stands in the `Retry-After` field of a 429 or 503 that [`Faults`](crate::Faults) ask for.
///
/// It is parsed from `none`, from a number of seconds, from `date` or `date:N` for a date that is 1 or N seconds from
/// now (in the past if N is negative), and any other text stands for itself, so that clients can be tried on nonsense.
///
/// ```
/// use gaits_origin::RetryAfter;
///
/// assert_eq!("2".parse(), Ok(RetryAfter::Seconds(2)));
/// assert_eq!("date:-60".parse(), Ok(RetryAfter::Date(-60)));
/// assert_eq!("soon".parse(), Ok(RetryAfter::Text("soon".to_owned())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryAfter {
    /// There is no such field.
    None,
    /// A number of seconds.
    Seconds(u64),
    /// A date so many seconds from when the response is made; at most a year from then, either way. One that lies ahead is
    /// rounded up to a whole second.
    Date(i64),
    /// This text as it is; it must be fit for a header, which control characters are not.
    Text(String),
}

/// Why a `Retry-After` cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetryAfterError {
    /// A date that is no number of seconds, or too far away.
    #[error(
        "Retry-After date {0:?} is not a whole number of seconds of at most a year, 31536000: write date:60 for a \
         date in a minute or date:-60 for one a minute ago"
    )]
    BadDate(String),
    /// A text with characters that no header can have.
    #[error("Retry-After text {0:?} has control characters: leave them out")]
    BadText(String),
}

impl Default for RetryAfter {
    /// One second.
    fn default() -> Self {
        Self::Seconds(1)
    }
}

impl RetryAfter {
    /// Checks values that were not parsed.
    pub(crate) fn check(&self) -> Result<(), RetryAfterError> {
        match self {
            Self::Date(seconds) if seconds.unsigned_abs() > LONGEST.as_secs() => {
                Err(RetryAfterError::BadDate(seconds.to_string()))
            }
            Self::Text(text) if HeaderValue::from_str(text).is_err() => {
                Err(RetryAfterError::BadText(text.clone()))
            }
            _ => Ok(()),
        }
    }

    /// The field's value at the time `now`.
    pub(crate) fn value(&self, now: SystemTime) -> Option<HeaderValue> {
        let text = match self {
            Self::None => return None,
            Self::Seconds(seconds) => return Some(HeaderValue::from(*seconds)),
            Self::Date(seconds) => {
                let distance = Duration::from_secs(seconds.unsigned_abs());
                let date = if *seconds <= 0 {
                    now.checked_sub(distance)
                } else {
                    // A date has whole seconds and the rest is cut off, but who waits for it shall wait long enough.
                    now.checked_add(distance + Duration::from_nanos(999_999_999))
                };
                // Dates before 1970 cannot be written; there are none unless the machine's clock is wrong.
                httpdate::fmt_http_date(date.unwrap_or(now).max(SystemTime::UNIX_EPOCH))
            }
            Self::Text(text) => text.clone(),
        };
        // What no header can hold has been refused by `check`.
        HeaderValue::from_str(&text).ok()
    }
}

impl FromStr for RetryAfter {
    type Err = RetryAfterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = match text.split_once(':').unwrap_or((text, "1")) {
            ("none", _) if text == "none" => Self::None,
            ("date", seconds) => match seconds.parse() {
                Ok(seconds) => Self::Date(seconds),
                Err(_) => return Err(RetryAfterError::BadDate(seconds.to_owned())),
            },
            _ => match text.parse() {
                Ok(seconds) if text.bytes().all(|b| b.is_ascii_digit()) => Self::Seconds(seconds),
                _ => Self::Text(text.to_owned()),
            },
        };
        value.check().map(|()| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_parsed() {
        for (text, value) in [
            ("none", RetryAfter::None),
            ("0", RetryAfter::Seconds(0)),
            ("120", RetryAfter::Seconds(120)),
            ("date", RetryAfter::Date(1)),
            ("date:31536000", RetryAfter::Date(31_536_000)),
            ("date:-5", RetryAfter::Date(-5)),
            ("-1", RetryAfter::Text("-1".into())),
            ("+1", RetryAfter::Text("+1".into())),
            ("none:1", RetryAfter::Text("none:1".into())),
            ("99999999999999999999", RetryAfter::Text("99999999999999999999".into())),
            (
                "Tue, 15 Nov 1994 12:45:26 GMT",
                RetryAfter::Text("Tue, 15 Nov 1994 12:45:26 GMT".into()),
            ),
            ("", RetryAfter::Text(String::new())),
        ] {
            assert_eq!(text.parse(), Ok(value), "{text:?}");
        }
        for bad in ["date:", "date:soon", "date:31536001", "date:-31536001", "a\nb"] {
            assert!(bad.parse::<RetryAfter>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_date_is_counted_from_now() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_903_526);
        let written = |value: RetryAfter| value.value(now).unwrap().to_str().unwrap().to_owned();
        assert_eq!(written(RetryAfter::Date(0)), "Tue, 15 Nov 1994 12:45:26 GMT");
        assert_eq!(written(RetryAfter::Date(60)), "Tue, 15 Nov 1994 12:46:26 GMT");
        assert_eq!(written(RetryAfter::Date(-6)), "Tue, 15 Nov 1994 12:45:20 GMT");
        let later = RetryAfter::Date(1).value(now + Duration::from_millis(1)).unwrap();
        assert_eq!(later, "Tue, 15 Nov 1994 12:45:28 GMT");
        assert_eq!(written(RetryAfter::Seconds(7)), "7");
        assert_eq!(written(RetryAfter::Text("soon".into())), "soon");
        assert_eq!(RetryAfter::None.value(now), None);
        let early = RetryAfter::Date(-31_536_000).value(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(early, "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
