//! The cells of a table as text, and what can go wrong with a row.

use memchr::memchr;
use std::borrow::Cow;
use std::io::{self, Write};

/// What a table is written to. It is no parameter of the table's type, so that its code is made once.
pub(super) type Out<'w> = Box<dyn Write + Send + 'w>;

/// Why a line gets no row.
#[derive(Debug)]
pub enum RowError {
    /// It is no record, or none that fits the table, and why. Nothing of it was written.
    Line(String),
    /// It can't be written.
    Write(io::Error),
}

impl From<io::Error> for RowError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

/// A cell as text: a string without its quotes, all else as it is in JSON, and nothing for null.
pub(super) fn separated(json: &str, excel: bool) -> io::Result<Cow<'_, [u8]>> {
    let Some(text) = json.strip_prefix('"') else {
        return Ok(if json == "null" { Cow::Borrowed(b"") } else { json.as_bytes().into() });
    };
    Ok(guarded(unquoted(json, text)?, excel))
}

/// The text of a JSON string, `inner` being what stands behind its first quote.
fn unquoted<'j>(json: &'j str, inner: &'j str) -> io::Result<Cow<'j, [u8]>> {
    let text = inner.strip_suffix('"').unwrap_or(inner).as_bytes();
    if memchr(b'\\', text).is_none() {
        return Ok(Cow::Borrowed(text));
    }
    let text: String = serde_json::from_str(json)?;
    Ok(Cow::Owned(text.into_bytes()))
}

/// Text that Excel does not take for a formula, whatever a server has put in it.
pub(super) fn guarded(text: Cow<'_, [u8]>, excel: bool) -> Cow<'_, [u8]> {
    match text.first() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r') if excel => {
            Cow::Owned([b"'", &*text].concat())
        }
        _ => text,
    }
}
