//! The body of a form with parts, `multipart/form-data` (RFC 7578), as curl's `-F` makes it.
//!
//! Limit: the whole body is built in memory. The caller reads the files.

use super::payload::Payload;
use gaits_core::Data;

/// Stands before a value of which nothing is read: no argument of a program has it.
pub(super) const AS_IS: char = '\0';

/// Reads a file that a part names.
type Read<'r> = &'r dyn Fn(&str) -> Result<Vec<u8>, String>;

/// What is sent for a form some of whose fields are files: `(name, "@FILE")`, perhaps followed by `;type=…` and `;filename=…`. All
/// other values are sent as they are. `read` reads a file.
///
/// # Errors
/// What `read` says, or what stands behind a file and is not known.
pub fn form_with_files(
    fields: &[(String, String)],
    read: impl Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Payload, String> {
    let as_it_is = |value: &str| {
        if value.starts_with('@') { value.to_owned() } else { format!("{AS_IS}{value}") }
    };
    let parts: Vec<_> =
        fields.iter().map(|(name, value)| (name.clone(), as_it_is(value))).collect();
    let (body, boundary) = multipart(&parts, &read)?;
    let data = match String::from_utf8(body) {
        Ok(text) => Data::Text(text.into()),
        Err(error) => Data::Bytes(error.into_bytes().into()),
    };
    Ok(Payload { data, content_type: Some(content_type(&boundary)) })
}

/// The media type of a form with parts.
pub(super) fn content_type(boundary: &str) -> String {
    format!("multipart/form-data; boundary={boundary}")
}

/// The body of a form, and what separates its parts: the same for the same form, so that an item stays the same.
pub(super) fn multipart(
    parts: &[(String, String)],
    read: Read<'_>,
) -> Result<(Vec<u8>, String), String> {
    let mut written = Vec::with_capacity(parts.len());
    for (name, value) in parts {
        written.push(part(name, value, read)?);
    }
    let boundary = format!("gaits-{}", &blake3::hash(&written.concat()).to_hex()[..24]);
    let mut body = Vec::new();
    for part in written {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        body.extend_from_slice(&part);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((body, boundary))
}

/// A part: its head, a blank line, and what it holds. A value that begins with [`AS_IS`] is text.
fn part(name: &str, value: &str, read: Read<'_>) -> Result<Vec<u8>, String> {
    let name = quoted(name);
    if let Some(text) = value.strip_prefix(AS_IS) {
        let part = format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}");
        return Ok(part.into_bytes());
    }
    let mut pieces = value.split(';');
    let content = pieces.next().unwrap_or_default();
    let file = content.strip_prefix(['@', '<']);
    let (mut kind, mut file_name) = (None, None);
    let mut text = content.as_bytes().to_vec();
    for piece in pieces {
        match piece.trim().split_once('=') {
            Some(("type", value)) => kind = Some(value.to_owned()),
            Some(("filename", value)) => file_name = Some(value.trim_matches('"').to_owned()),
            // A semicolon of the text itself.
            _ if file.is_none() => {
                text.push(b';');
                text.extend_from_slice(piece.as_bytes());
            }
            _ => {
                return Err(format!(
                    "`{}` stands behind the file of a form, and only type=… and filename=… are known there",
                    piece.trim()
                ));
            }
        }
    }
    if let Some(path) = file {
        text = read(path)?;
        if content.starts_with('@') {
            let last = path.rsplit('/').next().unwrap_or(path);
            file_name.get_or_insert_with(|| last.to_owned());
            kind.get_or_insert_with(|| "application/octet-stream".to_owned());
        }
    }
    let file_name =
        file_name.map(|name| format!("; filename=\"{}\"", quoted(&name))).unwrap_or_default();
    let kind = kind.map(|kind| format!("\r\nContent-Type: {kind}")).unwrap_or_default();
    let head = format!("Content-Disposition: form-data; name=\"{name}\"{file_name}{kind}\r\n\r\n");
    Ok([head.into_bytes(), text].concat())
}

/// A name in quotes, as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
