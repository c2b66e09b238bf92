//! Why a request came to nothing, whatever the protocol.
//!
//! Limit: words and kinds only; who sends again is decided above.

use gaits_core::ItemError;
use std::io;

/// Why a request came to nothing.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The item has failed.
    Failed(ItemError),
    /// The server surely has not processed the request, so that it may be sent again on another connection, whatever
    /// its method. The error is for the case that it is not.
    Unprocessed(ItemError),
    /// The server wants this request over HTTP/1.1. The error is for the case that it is not sent again.
    WantsHttp1(ItemError),
}

/// What the system says, without its number.
pub(crate) fn words(e: &io::Error) -> String {
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
