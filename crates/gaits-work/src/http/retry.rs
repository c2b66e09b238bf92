//! What a failed request advises: to try it again, to leave its server alone for a while, to end the run, or nothing.
//!
//! Limit: tries nothing again; that is for the dispatcher to decide.

use super::answer::Head;
use super::calendar::since_1970;
use super::spec::HttpSpec;
use gaits_core::{Advice, ErrorKind};
use std::time::{Duration, UNIX_EPOCH};

/// What is advised after an answer whose status is not accepted. `now_us` is the time of the run.
///
/// A server that answers 429, or 503 with a time, has not processed the request: it may come again, whatever it asks for.
pub(super) fn after_answer(head: &Head, spec: &HttpSpec, repeatable: bool, now_us: u64) -> Advice {
    let status = head.status;
    if spec.stop_on.as_ref().is_some_and(|stop_on| stop_on.contains(status)) {
        return Advice::Stop;
    }
    if head.asks_for_patience() {
        // What was named with the answer comes before what is known of the limits in general.
        let named = head.retry_after.as_deref().and_then(wait);
        let named = named.or_else(|| head.rate_limits.wait(status != 429));
        let until_us = named.map(|wait| after(now_us, wait));
        if status == 429 || until_us.is_some() {
            return Advice::Pause { until_us, of: None };
        }
    }
    if spec.retry_on.contains(status) && repeatable { Advice::Retry } else { Advice::Final }
}

/// What is advised after a request that has failed in this way, without an answer whose status says why.
pub(super) fn after_failure(kind: ErrorKind, repeatable: bool) -> Advice {
    let may_pass = matches!(
        kind,
        ErrorKind::Dns
            | ErrorKind::Connect
            | ErrorKind::ConnectTimeout
            | ErrorKind::Timeout
            | ErrorKind::Stalled
            | ErrorKind::Reset
            | ErrorKind::Truncated
    );
    if may_pass && repeatable { Advice::Retry } else { Advice::Final }
}

/// How long to wait, as a `retry-after` field says. None if it says nothing that makes sense. A time that is too long for
/// its number is the longest there is: a server that does not want to be asked again must not be asked at once.
fn wait(value: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits alone can't be read only if they are too many.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(until.saturating_sub(since_1970()))
}

fn after(now_us: u64, wait: Duration) -> u64 {
    now_us.saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue, StatusCode};

    fn wait_us(value: &[u8]) -> Option<u64> {
        wait(value).map(|wait| after(5, wait))
    }

    #[test]
    fn a_server_says_when_to_come_back_in_seconds_or_by_a_date() {
        assert_eq!(wait_us(b"120"), Some(120_000_005));
        assert_eq!(wait_us(b" 0 "), Some(5));
        assert_eq!(wait_us(b"Sun, 06 Nov 1994 08:49:37 GMT"), Some(5), "it has passed");
        let soon = httpdate::fmt_http_date(UNIX_EPOCH + since_1970() + Duration::from_secs(100));
        let at = wait_us(soon.as_bytes()).unwrap();
        assert!((90_000_000..=100_000_005).contains(&at), "{at}");
        for ages in ["9999999999999999", "99999999999999999999"] {
            assert_eq!(wait_us(ages.as_bytes()), Some(u64::MAX), "{ages}");
        }
        for nonsense in ["-1", "", "soon", "1.5", "\u{e9}"] {
            assert_eq!(wait_us(nonsense.as_bytes()), None, "{nonsense}");
        }
    }

    /// What is advised after an answer with this status and these fields, at the time 7.
    fn advice(spec: &HttpSpec, status: u16, fields: &[(&'static str, &'static str)]) -> Advice {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(*name, HeaderValue::from_static(value));
        }
        let head = Head::of_http2(&[], StatusCode::from_u16(status).unwrap(), &map);
        after_answer(&head, spec, true, 7)
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let spec = HttpSpec::default();
        for status in [408, 425, 500, 502, 503, 504] {
            assert_eq!(advice(&spec, status, &[]), Advice::Retry, "{status}");
        }
        for status in [400, 401, 403, 404, 410, 501] {
            assert_eq!(advice(&spec, status, &[]), Advice::Final, "{status}");
        }
        // Only 429 and 503 are about patience.
        assert_eq!(advice(&spec, 500, &[("retry-after", "7")]), Advice::Retry);
        let failure = |kind| after_failure(kind, true);
        assert_eq!(failure(ErrorKind::Reset), Advice::Retry);
        assert_eq!(after_failure(ErrorKind::Reset, false), Advice::Final);
        assert_eq!(failure(ErrorKind::Tls), Advice::Final);
        assert_eq!(failure(ErrorKind::TooLarge), Advice::Final);
    }

    #[test]
    fn the_user_says_which_statuses_may_pass() {
        let spec = HttpSpec { retry_on: "404,500".parse().unwrap(), ..HttpSpec::default() };
        assert_eq!(advice(&spec, 404, &[]), Advice::Retry);
        assert_eq!(advice(&spec, 502, &[]), Advice::Final);
        assert_eq!(advice(&spec, 503, &[]), Advice::Final);
        assert_eq!(advice(&spec, 429, &[]), Advice::Pause { until_us: None, of: None });
    }

    #[test]
    fn a_server_that_wants_to_be_left_alone_is() {
        let spec = HttpSpec::default();
        let pause = |s: u64| Advice::Pause { until_us: Some(7 + s * 1_000_000), of: None };
        let exhausted = r#""default";r=0;t=30"#;
        for (status, fields, wanted) in [
            (429, &[][..], Advice::Pause { until_us: None, of: None }),
            (429, &[("retry-after", "0")], pause(0)),
            (503, &[("retry-after", "20")], pause(20)),
            (503, &[("retry-after", "soon")], Advice::Retry),
            (429, &[("ratelimit", exhausted)], pause(30)),
            (503, &[("ratelimit", exhausted)], pause(30)),
            (429, &[("retry-after", "20"), ("ratelimit", exhausted)], pause(20)),
            (429, &[("retry-after", "soon"), ("ratelimit", exhausted)], pause(30)),
            (429, &[("x-ratelimit-reset", "4")], pause(4)),
            // It may be down for another reason, and the limit begin anew in an hour.
            (503, &[("x-ratelimit-reset", "4")], Advice::Retry),
            (500, &[("ratelimit", exhausted)], Advice::Retry),
        ] {
            assert_eq!(advice(&spec, status, fields), wanted, "{status} {fields:?}");
        }
    }

    #[test]
    fn an_answer_that_all_others_would_get_too_ends_the_run() {
        let stop_on = Some("401,403,429".parse().unwrap());
        let spec = HttpSpec { stop_on, ..HttpSpec::default() };
        for status in [401, 403, 429] {
            assert_eq!(advice(&spec, status, &[("retry-after", "7")]), Advice::Stop, "{status}");
        }
        assert_eq!(advice(&spec, 404, &[]), Advice::Final);
    }
}
