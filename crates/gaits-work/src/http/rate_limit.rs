//! What a server says about its limits beside `Retry-After`: `RateLimit`, `RateLimit-Reset`, `X-RateLimit-Reset` and their
//! relatives, which no two servers use alike.
//!
//! Limit: it only reads fields, and only an answer that asks for patience has them read. What does not make sense is
//! ignored.

use super::calendar::since_1970;
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

/// The fields about limits that an answer has, in the order in which they came.
#[derive(Debug, Default, Clone)]
pub(super) struct RateLimits {
    fields: Vec<(Box<str>, Box<str>)>,
}

/// What is known of one limit. A server may have several: for a second and for a day, for requests and for bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Quota {
    /// How much of it is left.
    remaining: Option<f64>,
    /// After how long there is more.
    wait: Option<Duration>,
}

/// A larger number is no number of seconds from now on, but a point in time, in seconds since 1970: a wait of 31 years
/// makes no sense.
const A_TIME: f64 = 1e9;

/// A larger number is a point in time in milliseconds since 1970.
const A_TIME_IN_MS: f64 = 1e11;

impl RateLimits {
    /// Notes a field, if it is about a limit.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8]) {
        const NAME: &[u8] = b"ratelimit";
        let bare = match name {
            [b'x' | b'X', b'-', rest @ ..] => rest,
            name => name,
        };
        let is_one = bare.get(..NAME.len()).is_some_and(|start| start.eq_ignore_ascii_case(NAME));
        if let (true, Ok(name), Ok(value)) =
            (is_one, std::str::from_utf8(bare), std::str::from_utf8(value))
        {
            self.fields.push((name.to_ascii_lowercase().into(), value.into()));
        }
    }

    /// How long the server wants to be left alone; none if it does not say. With `only_if_used_up`, a limit counts only if
    /// the server says that nothing of it is left: the answer may have another reason, and then a limit that begins anew
    /// in an hour is not what is waited for.
    pub(super) fn wait(&self, only_if_used_up: bool) -> Option<Duration> {
        let quotas = self.quotas();
        let used_up = quotas.iter().filter(|quota| quota.remaining.is_some_and(|left| left <= 0.0));
        // All of them must have begun anew before a request can go through.
        let longest = used_up.filter_map(|quota| quota.wait).max();
        if longest.is_some() || only_if_used_up {
            return longest;
        }
        // One of them is in the way, and which one is not known; the first that begins anew may be enough.
        let unknown = quotas.iter().filter(|quota| quota.remaining.is_none());
        unknown.filter_map(|quota| quota.wait).min()
    }

    fn quotas(&self) -> Vec<Quota> {
        let mut quotas = Vec::new();
        // What stands in fields of its own: `ratelimit-remaining`, or `ratelimit-remaining-tokens` of several limits.
        let mut apart: BTreeMap<&str, Quota> = BTreeMap::new();
        let mut of = |limit, set: &dyn Fn(&mut Quota)| set(apart.entry(limit).or_default());
        for (name, value) in &self.fields {
            match name.strip_prefix("ratelimit") {
                Some("") => quotas.extend(structured(value)),
                Some("-reset-after") => of("", &|quota| quota.wait = seconds(value)),
                Some(rest) => {
                    if let Some(limit) = rest.strip_prefix("-remaining") {
                        of(limit, &|quota| quota.remaining = number(value));
                    } else if let Some(limit) = rest.strip_prefix("-reset") {
                        // A wait that is named as such is more certain than a point in time.
                        of(limit, &|quota| quota.wait = quota.wait.or_else(|| reset(value)));
                    }
                }
                None => {}
            }
        }
        quotas.extend(apart.into_values());
        quotas
    }
}

/// The limits in a `RateLimit` field: `"default";r=0;t=30`, or `limit=100, remaining=0, reset=30` as older drafts of
/// draft-ietf-httpapi-ratelimit-headers have it.
fn structured(value: &str) -> Vec<Quota> {
    let parameter = |part: &str| {
        let (key, value) = part.split_once('=')?;
        Some((key.trim().to_ascii_lowercase(), value.trim().to_owned()))
    };
    let is_old = !value.contains(';');
    let mut old = Quota::default();
    let mut quotas = Vec::new();
    for member in value.split(',') {
        let quota = if is_old { &mut old } else { quotas.push_mut(Quota::default()) };
        for (key, value) in member.split(';').filter_map(parameter) {
            match &*key {
                "r" | "remaining" => quota.remaining = number(&value),
                "t" | "reset" => quota.wait = reset(&value),
                _ => {}
            }
        }
    }
    if is_old {
        quotas.push(old);
    }
    quotas
}

/// When a limit begins anew, from now on: a number of seconds, a point in time, a date, or `1m30s`.
fn reset(text: &str) -> Option<Duration> {
    let until = |time: Duration| time.saturating_sub(since_1970());
    match number(text) {
        Some(ms) if ms > A_TIME_IN_MS => whole(ms / 1e3).map(until),
        Some(s) if s > A_TIME => whole(s).map(until),
        Some(s) => whole(s),
        None => match httpdate::parse_http_date(text.trim()) {
            Ok(date) => date.duration_since(UNIX_EPOCH).ok().map(until),
            Err(_) => units(text.trim()),
        },
    }
}

/// A number of seconds, from now on.
fn seconds(text: &str) -> Option<Duration> {
    number(text).and_then(whole)
}

/// A number that is not negative.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    // Words such as `inf` and signs are numbers elsewhere.
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { text.parse().ok() } else { None }
}

fn whole(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// `6m0s`, `17ms`.
fn units(mut text: &str) -> Option<Duration> {
    if text.is_empty() {
        return None;
    }
    let mut all = Duration::ZERO;
    while !text.is_empty() {
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (count, rest) = text.split_at(digits);
        let unit = rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(unit);
        let seconds = match unit {
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        all = all.checked_add(whole(number(count)? * seconds)?)?;
        text = rest;
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(fields: &[(&str, &str)]) -> RateLimits {
        let mut limits = RateLimits::default();
        for (name, value) in fields {
            limits.field(name.as_bytes(), value.as_bytes());
        }
        limits
    }

    fn wait_s(fields: &[(&str, &str)], only_if_used_up: bool) -> Option<f64> {
        limits(fields).wait(only_if_used_up).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn limits_are_told_in_many_ways() {
        for (fields, wanted) in [
            (&[("RateLimit", r#""default";r=0;t=30"#)][..], Some(30.0)),
            (&[("ratelimit", r#""burst";r=0;t=2, "daily";r=17;t=4000"#)], Some(2.0)),
            (&[("ratelimit", r#""burst";r=0;t=2, "daily";r=0;t=4000"#)], Some(4000.0)),
            (&[("RateLimit", "limit=100, remaining=0, reset=30")], Some(30.0)),
            (&[("RateLimit", "limit=100;w=60, remaining=0, reset=30")], Some(30.0)),
            (&[("RateLimit-Remaining", "0"), ("RateLimit-Reset", "45")], Some(45.0)),
            (&[("X-RateLimit-Reset", "7")], Some(7.0)),
            (&[("x-ratelimit-reset", "0")], Some(0.0)),
            (&[("X-RateLimit-Reset-After", "1.5")], Some(1.5)),
            (&[("X-RateLimit-Reset", "1"), ("X-RateLimit-Reset-After", "9")], Some(9.0)),
            (&[("X-RateLimit-Reset-After", "9"), ("X-RateLimit-Reset", "1")], Some(9.0)),
            (&[("x-ratelimit-reset-requests", "6m0s")], Some(360.0)),
            (&[("x-ratelimit-reset-requests", "17ms")], Some(0.017)),
            (
                &[
                    ("x-ratelimit-remaining-requests", "59"),
                    ("x-ratelimit-reset-requests", "1s"),
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "1m30s"),
                ],
                Some(90.0),
            ),
            // Which of the two is in the way is not known.
            (&[("x-ratelimit-reset-a", "20"), ("x-ratelimit-reset-b", "5")], Some(5.0)),
            // There is some left, so another limit is in the way, which it does not tell.
            (&[("X-RateLimit-Remaining", "4999"), ("X-RateLimit-Reset", "3000")], None),
            (&[("X-RateLimit-Reset", "1000000001")], Some(0.0)),
            (&[("X-RateLimit-Reset", "Sun, 06 Nov 1994 08:49:37 GMT")], Some(0.0)),
            (&[], None),
            (&[("RateLimit-Policy", r#""default";q=100;w=60"#)], None),
            (&[("X-Other-Reset", "3"), ("Rate", "4"), ("X-", "5"), ("", "6")], None),
        ] {
            assert_eq!(wait_s(fields, false), wanted, "{fields:?}");
        }
    }

    #[test]
    fn nonsense_is_ignored() {
        for value in ["", "soon", "-1", "1e5", "inf", "NaN", "\"", ";;", "=", ",", "1.2.3", "5x"] {
            for name in ["RateLimit", "RateLimit-Reset", "X-RateLimit-Reset-After"] {
                assert_eq!(wait_s(&[(name, value)], false), None, "{name}: {value}");
            }
        }
        let too_long = "9".repeat(400);
        assert_eq!(wait_s(&[("RateLimit-Reset", &too_long)], false), None);
        assert_eq!(wait_s(&[("RateLimit-Reset", &format!("{too_long}h"))], false), None);
        let mut limits = RateLimits::default();
        limits.field(b"ratelimit-reset", b"\xff");
        assert_eq!(limits.wait(false), None);
    }

    #[test]
    fn a_large_number_is_a_point_in_time() {
        let in_a_minute = since_1970().as_secs() + 60;
        let soon = |text: String| {
            let fields = [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", &*text)];
            let wait = wait_s(&fields, true).unwrap();
            assert!((30.0..=61.0).contains(&wait), "{text}: {wait}");
        };
        soon(in_a_minute.to_string());
        soon(format!("{in_a_minute}.25"));
        soon(format!("{in_a_minute}000"));
        soon(httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(in_a_minute)));
    }

    #[test]
    fn an_answer_that_may_have_another_reason_counts_only_if_nothing_is_left() {
        for (fields, wanted) in [
            (&[("RateLimit", r#""default";r=0;t=30"#)][..], Some(30.0)),
            (&[("RateLimit", r#""default";r=3;t=30"#)], None),
            (&[("X-RateLimit-Reset", "30")], None),
            (&[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "30")], Some(30.0)),
            (&[("X-RateLimit-Remaining", "many"), ("X-RateLimit-Reset", "30")], None),
        ] {
            assert_eq!(wait_s(fields, true), wanted, "{fields:?}");
        }
    }
}
