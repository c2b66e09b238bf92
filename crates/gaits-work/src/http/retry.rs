//! Which failures of a request make sense to try again, and not before when.
//!
//! Limit: tries nothing again; that is for the dispatcher to decide.

use super::calendar::since_1970;
use super::spec::Method;
use gaits_core::{ErrorKind, Retry};
use std::time::{Duration, UNIX_EPOCH};

/// Whether a request that failed in this way may be tried again: if what went wrong may pass, and the request may be
/// made twice. `not_before_us` is when the server wants it back, in microseconds since the run began.
pub(super) fn of(
    kind: ErrorKind,
    status: Option<u16>,
    method: Method,
    not_before_us: Option<u64>,
) -> Option<Retry> {
    let may_pass = match kind {
        ErrorKind::Dns
        | ErrorKind::Connect
        | ErrorKind::ConnectTimeout
        | ErrorKind::Timeout
        | ErrorKind::Stalled
        | ErrorKind::Reset
        | ErrorKind::Truncated => true,
        ErrorKind::HttpStatus => {
            matches!(status, Some(408 | 425 | 429 | 500 | 502 | 503 | 504))
        }
        _ => false,
    };
    (may_pass && method.is_safe()).then_some(Retry { not_before_us })
}

/// When to come back at the earliest, as a `retry-after` field says, in microseconds since the run began; `now_us` is the
/// time of the run. None if it says nothing that makes sense. A time that is too long for its number is the longest there
/// is: a server that does not want to be asked again must not be asked at once.
pub(super) fn not_before_us(value: &[u8], now_us: u64) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits alone can't be read only if they are too many.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let until = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        until.saturating_sub(since_1970())
    };
    Some(now_us.saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_when_to_come_back_in_seconds_or_by_a_date() {
        assert_eq!(not_before_us(b"120", 5), Some(120_000_005));
        assert_eq!(not_before_us(b" 0 ", 5), Some(5));
        assert_eq!(not_before_us(b"Sun, 06 Nov 1994 08:49:37 GMT", 5), Some(5), "it has passed");
        let soon = httpdate::fmt_http_date(UNIX_EPOCH + since_1970() + Duration::from_secs(100));
        let at = not_before_us(soon.as_bytes(), 0).unwrap();
        assert!((90_000_000..=100_000_000).contains(&at), "{at}");
        for ages in ["9999999999999999", "99999999999999999999"] {
            assert_eq!(not_before_us(ages.as_bytes(), 5), Some(u64::MAX), "{ages}");
        }
        for nonsense in ["-1", "", "soon", "1.5", "\u{e9}"] {
            assert_eq!(not_before_us(nonsense.as_bytes(), 5), None, "{nonsense}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let again = |kind, status| of(kind, status, Method::Get, Some(7));
        let retry = Some(Retry { not_before_us: Some(7) });
        assert_eq!(again(ErrorKind::HttpStatus, Some(503)), retry);
        assert_eq!(again(ErrorKind::Reset, None), retry);
        assert_eq!(again(ErrorKind::HttpStatus, Some(404)), None);
        assert_eq!(again(ErrorKind::Tls, None), None);
        assert_eq!(again(ErrorKind::TooLarge, Some(200)), None);
    }
}
