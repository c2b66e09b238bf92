//! Why a request came to nothing: what the system, hyper and the peer report, put into an item's error.
//!
//! Limit: words and kinds only; who tries again is decided by the session.

use gaits_core::{ErrorKind, ItemError};
use std::error::Error;
use std::io;

/// Why a request came to nothing.
#[derive(Debug)]
pub(super) enum Fault {
    /// The item has failed.
    Failed(ItemError),
    /// The process has no file descriptor left: with fewer workers it would go through.
    Exhausted(ItemError),
}

impl Fault {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Fault::Failed(ItemError::new(kind, message))
    }

    /// There is no file descriptor left for `doing` something; `why` is what the system says to that.
    pub(super) fn exhausted(doing: &str, why: &str) -> Self {
        Fault::Exhausted(ItemError::new(
            ErrorKind::Connect,
            format!("{why} ({doing}): raise the limit with ulimit -n or use fewer workers"),
        ))
    }
}

/// EMFILE and ENFILE have the same numbers on every Unix that Rust supports.
pub(super) fn is_exhausted(e: &io::Error) -> bool {
    matches!(e.raw_os_error(), Some(23 | 24))
}

/// The operating system's error at the bottom of `e`, if there is one.
fn io_cause<'a>(e: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut at = Some(e);
    let mut found = None;
    while let Some(e) = at {
        if let Some(io) = e.downcast_ref::<io::Error>() {
            found = Some(io);
            // An io::Error passes its inner error off as its own source's source: look inside.
            if let Some(inner) = io.get_ref()
                && let Some(deeper) = io_cause(inner)
            {
                found = Some(deeper);
            }
        }
        at = e.source();
    }
    found
}

/// What the system says, without its number, or the TLS library, in our words.
pub(super) fn words(e: &io::Error) -> String {
    match e.get_ref().map(|inner| inner.downcast_ref()) {
        Some(Some(tls)) => return super::tls::words(tls),
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

/// The messages of `e` and of what caused it, those left out that repeat what was said.
fn chain(e: &(dyn Error + 'static)) -> String {
    let mut said = e.to_string();
    let mut at = e.source();
    while let Some(e) = at {
        let more = e.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        at = e.source();
    }
    said
}

/// What went wrong before the head of a response was there.
pub(super) fn head_error(e: &hyper::Error) -> ItemError {
    const BEFORE: &str = "before the response's head was complete";
    if e.is_parse() {
        return protocol(&format!("the response is not HTTP: {}", chain(e)));
    }
    if let Some(h2) = h2_cause(e)
        && !h2.is_io()
    {
        return stream_error(h2, ErrorKind::Reset, BEFORE);
    }
    match io_cause(e) {
        Some(io) if is_malformed(io) => protocol(&words(io)),
        Some(io) => ItemError::new(ErrorKind::Reset, format!("{} {BEFORE}", words(io))),
        None if is_closed(e) => {
            ItemError::new(ErrorKind::Reset, format!("the server closed the connection {BEFORE}"))
        }
        None => protocol(&chain(e)),
    }
}

/// What went wrong in the middle of a body.
pub(super) fn body_error(e: &hyper::Error) -> ItemError {
    const BEFORE: &str = "before the end of the body";
    let truncated = |what: &str| ItemError::new(ErrorKind::Truncated, format!("{what} {BEFORE}"));
    if let Some(h2) = h2_cause(e)
        && !h2.is_io()
    {
        return stream_error(h2, ErrorKind::Truncated, BEFORE);
    }
    match io_cause(e) {
        Some(io) if io.kind() == io::ErrorKind::UnexpectedEof => {
            truncated("the connection was closed")
        }
        Some(io) if is_malformed(io) => {
            protocol(&format!("the body's chunks are malformed: {}", words(io)))
        }
        Some(io) => truncated(&words(io)),
        None if is_closed(e) => truncated("the connection was closed"),
        None => protocol(&format!("the body is malformed: {}", chain(e))),
    }
}

/// What HTTP/2 says: the server's doing is a `kind` that happened `before` something, ours is its breach of protocol.
fn stream_error(e: &h2::Error, kind: ErrorKind, before: &str) -> ItemError {
    let reason = e.reason().map_or_else(|| e.to_string(), |reason| reason.description().to_owned());
    if !e.is_remote() {
        return protocol(&format!("the server broke the rules of HTTP/2: {reason}"));
    }
    let what = if e.is_go_away() { "closed the connection" } else { "reset the stream" };
    ItemError::new(kind, format!("the server {what} {before} ({reason})"))
}

fn protocol(message: &str) -> ItemError {
    ItemError::new(ErrorKind::Protocol, message)
}

fn is_malformed(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
}

fn is_closed(e: &hyper::Error) -> bool {
    e.is_incomplete_message() || e.is_canceled() || e.is_closed()
}

fn h2_cause<'a>(e: &'a (dyn Error + 'static)) -> Option<&'a h2::Error> {
    let mut at = Some(e);
    while let Some(e) = at {
        if let Some(h2) = e.downcast_ref() {
            return Some(h2);
        }
        at = e.source();
    }
    None
}
