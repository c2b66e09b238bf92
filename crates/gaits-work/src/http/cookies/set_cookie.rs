//! One `set-cookie` field, taken apart: RFC 6265bis, 5.6.
//!
//! Limit: does not know who sent it; whether the sender may set such a cookie is decided by the jar.

use super::date;

/// How long name and value may be together.
const LONGEST: usize = 4096;

/// How long the value of an attribute may be; a longer one is passed over.
const LONGEST_ATTRIBUTE: usize = 1024;

/// How long a cookie may be kept, in seconds: 400 days.
const OLDEST_S: i64 = 400 * 86_400;

/// What a `set-cookie` field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SetCookie<'a> {
    /// Empty for a cookie that is a value only.
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    /// Seconds since 1970; none for a cookie that lives as long as the session.
    pub(super) expires_s: Option<i64>,
    /// As given, without a leading dot; empty if none was given.
    pub(super) domain: &'a [u8],
    /// None unless it begins with a slash.
    pub(super) path: Option<&'a [u8]>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
}

impl<'a> SetCookie<'a> {
    /// What `field` says at the time `now_s`, in seconds since 1970; none if it sets no cookie.
    pub(super) fn parse(field: &'a [u8], now_s: i64) -> Option<Self> {
        // A control character, the tab apart, spoils it all.
        if field.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return None;
        }
        let mut parts = field.split(|byte| *byte == b';');
        let pair = parts.next().unwrap_or_default();
        let (name, value) = split_at_equals(pair).unwrap_or((b"", pair));
        let (name, value) = (name.trim_ascii(), value.trim_ascii());
        if name.is_empty() && value.is_empty() || name.len() + value.len() > LONGEST {
            return None;
        }
        let mut cookie = Self {
            name,
            value,
            expires_s: None,
            domain: b"",
            path: None,
            secure: false,
            http_only: false,
        };
        let mut max_age = None;
        for attribute in parts {
            let (key, value) = split_at_equals(attribute).unwrap_or((attribute, b""));
            let (key, value) = (key.trim_ascii(), value.trim_ascii());
            if value.len() > LONGEST_ATTRIBUTE {
                continue;
            }
            // Of an attribute that is there twice, the last counts.
            if key.eq_ignore_ascii_case(b"expires") {
                if let Some(expires) = date::parse(value) {
                    cookie.expires_s = Some(expires.min(now_s.saturating_add(OLDEST_S)));
                }
            } else if key.eq_ignore_ascii_case(b"max-age") {
                max_age = seconds(value).or(max_age);
            } else if key.eq_ignore_ascii_case(b"domain") {
                cookie.domain = value.strip_prefix(b".").unwrap_or(value);
            } else if key.eq_ignore_ascii_case(b"path") {
                cookie.path = value.starts_with(b"/").then_some(value);
            } else if key.eq_ignore_ascii_case(b"secure") {
                cookie.secure = true;
            } else if key.eq_ignore_ascii_case(b"httponly") {
                cookie.http_only = true;
            }
        }
        // `max-age` counts more than `expires`, wherever it stands.
        if let Some(max_age) = max_age {
            cookie.expires_s = Some(now_s.saturating_add(max_age.clamp(-1, OLDEST_S)));
        }
        Some(cookie)
    }

    /// Whether its name says that it is for one host only, set over TLS, for all paths.
    pub(super) fn is_host_prefixed(&self) -> bool {
        self.has_prefix(b"__Host-")
    }

    /// Whether its name says that it was set over TLS.
    pub(super) fn is_secure_prefixed(&self) -> bool {
        self.has_prefix(b"__Secure-")
    }

    /// A cookie without a name must not pass for one with such a name either, for it is sent as its value only.
    fn has_prefix(&self, prefix: &[u8]) -> bool {
        let shown = if self.name.is_empty() { self.value } else { self.name };
        shown.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    }
}

fn split_at_equals(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b'=')?;
    Some((&text[..at], &text[at + 1..]))
}

/// A number of seconds; one that is too large for us is as large as can be.
fn seconds(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0_i64, |number, digit| {
        number.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn parsed(field: &str) -> SetCookie<'_> {
        SetCookie::parse(field.as_bytes(), NOW).unwrap_or_else(|| panic!("{field:?} sets a cookie"))
    }

    fn pair(field: &str) -> (&str, &str) {
        let cookie = parsed(field);
        (std::str::from_utf8(cookie.name).unwrap(), std::str::from_utf8(cookie.value).unwrap())
    }

    #[test]
    fn names_and_values_are_taken_as_they_are() {
        assert_eq!(pair("a=b"), ("a", "b"));
        assert_eq!(pair(" a = b c ; Path=/"), ("a", "b c"));
        assert_eq!(pair("a=\"b=c\""), ("a", "\"b=c\""));
        assert_eq!(pair("a="), ("a", ""));
        assert_eq!(pair("=b"), ("", "b"));
        assert_eq!(pair("b"), ("", "b"));
        assert_eq!(SetCookie::parse(b"a=\xfc", NOW).unwrap().value, b"\xfc");
        for nothing in [&b""[..], b" ; Path=/", b"=", b"a=b\x07c", b"a=b; Path=/\x7f"] {
            assert_eq!(SetCookie::parse(nothing, NOW), None);
        }
    }

    #[test]
    fn a_cookie_has_at_most_4096_bytes() {
        let fits = format!("name={}", "x".repeat(4092));
        assert_eq!(parsed(&fits).value.len(), 4092);
        assert_eq!(SetCookie::parse(format!("{fits}x").as_bytes(), NOW), None);
        let path = format!("/{}", "p".repeat(1023));
        assert_eq!(parsed(&format!("a=b; Path={path}")).path, Some(path.as_bytes()));
        assert_eq!(parsed(&format!("a=b; Path={path}p; Secure")).path, None);
        assert!(parsed(&format!("a=b; Path={path}p; Secure")).secure);
    }

    #[test]
    fn attributes_are_read_in_any_case_and_the_last_counts() {
        let cookie =
            parsed("a=b; DOMAIN=.Example.com; path=/x; pAth=/y; SECURE; HttpOnly; SameSite=Lax; z");
        assert_eq!(
            (cookie.domain, cookie.path, cookie.secure),
            (&b"Example.com"[..], Some(&b"/y"[..]), true)
        );
        assert_eq!(parsed("a=b; path=x").path, None);
        assert_eq!(parsed("a=b; domain=x; domain=").domain, b"");
        assert!(parsed("a=b; secure=false").secure);
    }

    #[test]
    fn max_age_counts_more_than_expires() {
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        for (field, wanted) in [
            ("a=b", None),
            (&*format!("a=b; Expires={date}"), Some(1_792_567_680)),
            (&*format!("a=b; Max-Age=60; Expires={date}"), Some(NOW + 60)),
            (&*format!("a=b; Expires={date}; Max-Age=60"), Some(NOW + 60)),
            (&*format!("a=b; Expires={date}; Max-Age=soon"), Some(1_792_567_680)),
            ("a=b; Max-Age=0", Some(NOW)),
            ("a=b; Max-Age=-99999999999999999999999", Some(NOW - 1)),
            ("a=b; Max-Age=99999999999999999999999", Some(NOW + OLDEST_S)),
            ("a=b; Max-Age=", None),
            ("a=b; Max-Age=+1", None),
            ("a=b; Expires=soon", None),
            ("a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT", Some(NOW + OLDEST_S)),
        ] {
            assert_eq!(parsed(field).expires_s, wanted, "{field}");
        }
    }

    #[test]
    fn prefixes_are_found_in_names_and_in_values_that_stand_alone() {
        assert!(parsed("__Host-a=b").is_host_prefixed());
        assert!(parsed("__host-a=b").is_host_prefixed());
        assert!(parsed("=__Secure-a=b").is_secure_prefixed());
        assert!(!parsed("a=__Secure-b").is_secure_prefixed());
        assert!(!parsed("__Hos=b").is_host_prefixed());
    }
}
