//! What the values of curl's options stand for: files that are read, and texts that are encoded.
//!
//! Limit: which option means what is for the command to say.

use crate::http::template::encoded_template;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::path::Path;

pub(super) fn basic(user: &str) -> String {
    use base64::Engine as _;
    let user = if user.contains(':') { user.to_owned() } else { format!("{user}:") };
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(user))
}

/// Data, or what a file holds; as -d does it, without its line ends.
pub(super) fn read(value: &str, name: &str, without_line_ends: bool) -> Result<String, String> {
    let Some(file) = value.strip_prefix('@') else { return Ok(value.to_owned()) };
    let text = read_file(file, name)?;
    Ok(if without_line_ends { text.replace(['\r', '\n', '\0'], "") } else { text })
}

/// The largest file that a command may send, in bytes: its item is held in memory, and stands in its record.
const MOST: u64 = 64 * 1024;

pub(super) fn read_file(file: &str, name: &str) -> Result<String, String> {
    if file == "-" {
        return Err(format!("{name} reads standard input, which an item can't"));
    }
    let failed = |why: &dyn std::fmt::Display| format!("{name} is to send {file}: {why}");
    let found = std::fs::metadata(Path::new(file)).map_err(|error| failed(&error))?;
    if !found.is_file() || found.len() > MOST {
        return Err(failed(&"it is no file of at most 64 KiB; use a JSON line with body_file"));
    }
    let bytes = std::fs::read(file).map_err(|error| failed(&error))?;
    String::from_utf8(bytes)
        .map_err(|error| failed(&format!("{error}; use a JSON line with body_file")))
}

/// What curl leaves as it is when it encodes.
pub(super) const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same, and what places of columns are written with.
pub(super) const KEPT_WITH_PLACES: &AsciiSet = &KEPT.remove(b'{').remove(b'}').remove(b'!');

/// A value of --data-urlencode: `content`, `=content`, `name=content`, `@file` or `name@file`. A `=` counts more than a `@` in front
/// of it. With `places`, the columns in it stay as they are.
pub(super) fn encoded(value: &str, name: &str, places: bool) -> Result<String, String> {
    let (field, content) = match (value.split_once('='), value.split_once('@')) {
        (Some((field, content)), _) => (field, content.to_owned()),
        (None, Some((field, file))) => (field, read_file(file, name)?),
        (None, None) => ("", value.to_owned()),
    };
    let encode = |text: &str| utf8_percent_encode(text, KEPT).to_string().replace("%20", "+");
    let content = if places {
        encoded_template(&content, encode).map_err(|error| error.to_string())?
    } else {
        encode(&content)
    };
    Ok(if field.is_empty() { content } else { format!("{field}={content}") })
}
