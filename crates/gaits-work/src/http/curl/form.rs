//! The body of a form with parts, `multipart/form-data` (RFC 7578), as `-F` makes it.
//!
//! Limit: it is text, since it stands in an item; a file that is none is refused.

use super::read_file;
use std::fmt::Write as _;

/// Stands before a value of which nothing is read: no argument of a program has it.
pub(super) const AS_IS: char = '\0';

/// The body of a form, and what separates its parts: the same for the same form, so that an item stays the same.
pub(super) fn multipart(parts: &[(String, String)]) -> Result<(String, String), String> {
    let mut written = Vec::with_capacity(parts.len());
    for (name, value) in parts {
        written.push(part(name, value)?);
    }
    let boundary = format!("gaits-{}", &blake3::hash(written.concat().as_bytes()).to_hex()[..24]);
    let mut body = String::new();
    for part in written {
        let _ = write!(body, "--{boundary}\r\n{part}\r\n");
    }
    let _ = write!(body, "--{boundary}--\r\n");
    Ok((body, boundary))
}

/// A part: its head, a blank line, and what it holds. A value that begins with [`AS_IS`] is text.
fn part(name: &str, value: &str) -> Result<String, String> {
    let name = quoted(name);
    if let Some(text) = value.strip_prefix(AS_IS) {
        return Ok(format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}"));
    }
    let mut pieces = value.split(';');
    let content = pieces.next().unwrap_or_default();
    let file = content.strip_prefix(['@', '<']);
    let (mut kind, mut file_name) = (None, None);
    let mut text = content.to_owned();
    for piece in pieces {
        match piece.trim().split_once('=') {
            Some(("type", value)) => kind = Some(value.to_owned()),
            Some(("filename", value)) => file_name = Some(value.trim_matches('"').to_owned()),
            // A semicolon of the text itself.
            _ if file.is_none() => {
                text.push(';');
                text.push_str(piece);
            }
            _ => {
                return Err(format!(
                    "-F has `{}` after its file, which is not known",
                    piece.trim()
                ));
            }
        }
    }
    if let Some(path) = file {
        text = read_file(path, "-F")?;
        if content.starts_with('@') {
            let last = path.rsplit('/').next().unwrap_or(path);
            file_name.get_or_insert_with(|| last.to_owned());
            kind.get_or_insert_with(|| "application/octet-stream".to_owned());
        }
    }
    let file_name =
        file_name.map(|name| format!("; filename=\"{}\"", quoted(&name))).unwrap_or_default();
    let kind = kind.map(|kind| format!("\r\nContent-Type: {kind}")).unwrap_or_default();
    Ok(format!("Content-Disposition: form-data; name=\"{name}\"{file_name}{kind}\r\n\r\n{text}"))
}

/// A name in quotes, as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
