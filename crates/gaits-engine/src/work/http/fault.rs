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
pub(super) fn io_cause<'a>(e: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
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

/// What the system says, without its number.
pub(super) fn words(e: &io::Error) -> String {
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
pub(super) fn chain(e: &(dyn Error + 'static)) -> String {
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
