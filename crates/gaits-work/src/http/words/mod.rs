//! Errors and durations in plain words.
//!
//! Limit: words only. Which kind of error it is, and whether a request may be sent again, is decided elsewhere.

mod tls;

pub(super) use tls::{
    is_no_tls, no_certificate, no_key, of_certificate, of_pem, of_tls, of_withheld,
};

use std::io;
use std::time::Duration;

/// What the system says, without its number, or the TLS library, in our words.
pub(super) fn of_io(e: &io::Error) -> String {
    match e.get_ref().map(|inner| inner.downcast_ref()) {
        Some(Some(tls)) => return of_tls(tls),
        // What the library says instead holds the address of its documentation.
        Some(None) if e.kind() == io::ErrorKind::UnexpectedEof => {
            return "the connection was closed".to_owned();
        }
        _ => {}
    }
    let text = e.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    // Acronyms stay as they are.
    match (chars.next(), chars.next()) {
        (Some(a), Some(b)) if a.is_uppercase() && b.is_lowercase() => {
            a.to_lowercase().chain([b]).chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// Writes a duration as `60 s` or `0.25 s`.
pub(super) fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}
