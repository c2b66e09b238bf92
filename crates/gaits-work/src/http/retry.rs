//! What a failed request advises: to try it again, to leave its server alone for a while, or neither.
//!
//! Limit: tries nothing again; that is for the dispatcher to decide.

use super::calendar::since_1970;
use super::spec::Method;
use gaits_core::{Advice, ErrorKind};
use std::time::{Duration, UNIX_EPOCH};

/// What is advised for a request that failed in this way. `not_before_us` is when the server wants it back, in
/// microseconds since the run began. A server that answers 429, or 503 with such a time, has not processed the request.
pub(super) fn of(
    kind: ErrorKind,
    status: Option<u16>,
    method: Method,
    not_before_us: Option<u64>,
) -> Advice {
    let may_pass = match kind {
        ErrorKind::Dns
        | ErrorKind::Connect
        | ErrorKind::ConnectTimeout
        | ErrorKind::Timeout
        | ErrorKind::Stalled
        | ErrorKind::Reset
        | ErrorKind::Truncated => true,
        ErrorKind::HttpStatus => match (status, not_before_us) {
            (Some(429), until_us) | (Some(503), until_us @ Some(_)) => {
                return Advice::Pause { until_us };
            }
            (Some(status), _) => matches!(status, 408 | 425 | 500 | 502 | 503 | 504),
            (None, _) => false,
        },
        _ => false,
    };
    if may_pass && method.is_safe() { Advice::Retry } else { Advice::Final }
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
        let advice = |kind, status, at| of(kind, status, Method::Get, at);
        assert_eq!(advice(ErrorKind::HttpStatus, Some(503), None), Advice::Retry);
        assert_eq!(advice(ErrorKind::HttpStatus, Some(500), Some(7)), Advice::Retry);
        assert_eq!(advice(ErrorKind::Reset, None, None), Advice::Retry);
        assert_eq!(advice(ErrorKind::HttpStatus, Some(404), None), Advice::Final);
        assert_eq!(advice(ErrorKind::Tls, None, None), Advice::Final);
        assert_eq!(advice(ErrorKind::TooLarge, Some(200), None), Advice::Final);
    }

    #[test]
    fn a_server_that_wants_to_be_left_alone_is() {
        let advice = |status, at| of(ErrorKind::HttpStatus, Some(status), Method::Get, at);
        assert_eq!(advice(429, None), Advice::Pause { until_us: None });
        assert_eq!(advice(429, Some(7)), Advice::Pause { until_us: Some(7) });
        assert_eq!(advice(503, Some(7)), Advice::Pause { until_us: Some(7) });
    }
}
