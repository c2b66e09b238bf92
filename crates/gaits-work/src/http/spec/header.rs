//! A header field of the user's: whether it can be sent, and who may see it.

use super::HttpSpecError;
use http::header::{self, HeaderName, HeaderValue};
use http::uri::Authority;

/// Fields that say where a message ends or what the connection turns into.
const FRAMING: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TRAILER,
    header::EXPECT,
];

/// Fields whose values HTTP/2 must not put into its compression table.
const SECRET: [HeaderName; 3] =
    [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE];

/// The user's fields that another origin may see; all others may hold a secret under a name that nobody knows.
const HARMLESS: [HeaderName; 9] = [
    header::ACCEPT,
    header::ACCEPT_CHARSET,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CACHE_CONTROL,
    header::IF_MODIFIED_SINCE,
    header::PRAGMA,
    header::RANGE,
    header::USER_AGENT,
];

/// A header field as curl's -H has it: `Name: value`, `Name;` for one without a value, and `Name:`, which has none here, for one
/// that is left out. None if it has neither a colon nor a semicolon at its end.
///
/// Blanks around name and value do not belong to them (RFC 9110, section 5.5).
#[must_use]
pub fn header_option(text: &str) -> Option<(&str, Option<&str>)> {
    match text.split_once(':') {
        Some((name, value)) => Some((
            without_blanks(name),
            Some(without_blanks(value)).filter(|value| !value.is_empty()),
        )),
        None => text.strip_suffix(';').map(|name| (without_blanks(name), Some(""))),
    }
}

/// A header field of the user's, in the types that requests are made of.
pub(in crate::http) fn parse_header(
    name: &str,
    value: &str,
) -> Result<(HeaderName, HeaderValue), HttpSpecError> {
    let wrong = |reason: String| HttpSpecError::Header { name: name.to_owned(), reason };
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|e| wrong(format!("{e}; a name has letters, digits and -")))?;
    if FRAMING.contains(&parsed) {
        return Err(wrong("it frames the message, which gaits does itself".to_owned()));
    }
    let mut value = header_value(value).map_err(&wrong)?;
    if parsed == header::HOST {
        check_host(&value).map_err(wrong)?;
    }
    value.set_sensitive(SECRET.contains(&parsed));
    Ok((parsed, value))
}

/// A text without the blanks around it that HTTP knows.
fn without_blanks(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A field's value, which is sent as UTF-8 where it is not ASCII. Blanks of Unicode around it belong to it.
pub(super) fn header_value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(without_blanks(text).as_bytes())
        .map_err(|e| format!("its value holds a control character ({e}); leave that out"))
}

/// Whether `value` names a host and perhaps a port, and nothing else.
fn check_host(value: &HeaderValue) -> Result<(), String> {
    let wrong = || "its value is not a host such as example.com or example.com:8080".to_owned();
    let authority =
        Authority::try_from(value.as_bytes()).map_err(|e| format!("{} ({e})", wrong()))?;
    let (host, port) = (authority.host(), authority.port_u16());
    // What is left when host and port are taken away: a user, or a port that is no number.
    let rest =
        authority.as_str().len() - host.len() - port.map_or(0, |port| 1 + port.to_string().len());
    if host.is_empty() || rest > 0 { Err(wrong()) } else { Ok(()) }
}

/// Whether another origin may see a field, and anybody its value.
pub(in crate::http) fn is_harmless(name: &HeaderName) -> bool {
    HARMLESS.contains(name)
}
