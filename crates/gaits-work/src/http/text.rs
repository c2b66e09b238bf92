//! The text of header fields that hold URLs.
//!
//! Limit: checks no URL.

use percent_encoding::AsciiSet;
use std::borrow::Cow;

/// A location or a link as text. One that is not UTF-8 is in an encoding that nobody names: its bytes are percent-encoded as they are,
/// as browsers do, so that the server gets back what it sent.
pub(super) fn text_of(location: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(location) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => percent_encoding::percent_encode(location, NOT_ASCII).into(),
    }
}

/// Encodes nothing but what is not ASCII, which every set does.
const NOT_ASCII: &AsciiSet = &AsciiSet::EMPTY;
