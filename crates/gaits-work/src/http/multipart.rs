//! The body of a form with parts, `multipart/form-data` (RFC 7578), as curl's `-F` makes it.
//!
//! Limit: reads no file. Which parts a form has, and how they are sent, is for [`form`](super::form).

/// Stands before a value of which nothing is read: no argument of a program has it.
pub(super) const AS_IS: char = '\0';

/// The media type of a form with parts.
pub(super) fn content_type(boundary: &str) -> String {
    format!("multipart/form-data; boundary={boundary}")
}

/// The body that parts make, and what separates them: the same for the same parts, so that an item stays the same.
pub(super) fn joined(parts: &[Vec<u8>]) -> (Vec<u8>, String) {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let boundary = boundary(&hasher.finalize());
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        body.extend_from_slice(part);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (body, boundary)
}

/// What separates the parts of a form that has this hash.
pub(super) fn boundary(hash: &blake3::Hash) -> String {
    format!("gaits-{}", &hash.to_hex()[..24])
}

/// The head of a part, and the blank line behind it.
pub(super) fn head(name: &str, file_name: Option<&str>, kind: Option<&str>) -> String {
    let file_name =
        file_name.map(|name| format!("; filename=\"{}\"", quoted(name))).unwrap_or_default();
    let kind = kind.map(|kind| format!("\r\nContent-Type: {kind}")).unwrap_or_default();
    let name = quoted(name);
    format!("Content-Disposition: form-data; name=\"{name}\"{file_name}{kind}\r\n\r\n")
}

/// A value as curl reads it: what is sent, and what may stand behind it.
pub(super) struct Value {
    pub(super) sent: Sent,
    /// A text, or the path of a file.
    pub(super) content: String,
    pub(super) kind: Option<String>,
    pub(super) file_name: Option<String>,
}

/// What is sent as a part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Text,
    /// A file that is sent as one.
    File,
    /// A file whose content is sent as a text.
    ContentOfFile,
}

impl Value {
    pub(super) fn of(value: &str) -> Result<Self, String> {
        let (sent, text) = match value.split_at_checked(1) {
            Some(("@", path)) => (Sent::File, path),
            Some(("<", path)) => (Sent::ContentOfFile, path),
            _ => (Sent::Text, value),
        };
        let (content, is_quoted, mut rest) = word(text)?;
        let mut read = Self { sent, content, kind: None, file_name: None };
        // Where a type began: it goes on behind a semicolon, as in text/plain; charset=utf-8.
        let mut in_type = None::<&str>;
        // Where the text, and the type, end: as far as what follows belongs to them.
        let (mut text_to, mut type_to, mut kind) = (None, 0, None::<&str>);
        while let Some(behind) = rest.strip_prefix(';') {
            let behind = behind.trim_start();
            let piece = behind.split(';').next().unwrap_or_default();
            rest = &behind[piece.len()..];
            let name = piece.split_once('=').map_or("", |(name, _)| name);
            let value = behind.get(name.len() + 1..).unwrap_or_default();
            if name.eq_ignore_ascii_case("filename") {
                let (file_name, _, after) = word(value)?;
                (read.file_name, rest, in_type) = (Some(file_name), after, None);
            } else if name.eq_ignore_ascii_case("type") && in_type.is_none() {
                (in_type, type_to) = (Some(value), rest.len());
                kind = Some(value);
            } else if ["headers", "encoder"].iter().any(|other| name.eq_ignore_ascii_case(other)) {
                return Err(unknown(piece));
            } else if in_type.is_some() {
                type_to = rest.len();
            } else if sent == Sent::Text && !is_quoted && read.file_name.is_none() {
                // A semicolon of the text itself. curl would leave out what follows it.
                text_to = Some(text.len() - rest.len());
            } else {
                return Err(unknown(piece));
            }
        }
        read.kind = kind.map(|from| from[..from.len() - type_to].trim().to_owned());
        if let Some(end) = text_to {
            text[..end].trim().clone_into(&mut read.content);
        }
        Ok(read)
    }
}

/// The first word of a text, whether it stands in quotes, and what follows it: nothing, or a semicolon and more. White space
/// around the word is no part of it. In quotes, `\"` stands for a quote and `\\` for a backslash. A quote that never ends is one of
/// the word itself.
///
/// # Errors
/// Something else follows a word in quotes.
fn word(text: &str) -> Result<(String, bool, &str), String> {
    let text = text.trim_start();
    if let Some(quoted) = text.strip_prefix('"') {
        let mut word = String::new();
        let mut chars = quoted.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => {
                    let escaped = chars.next_if(|(_, next)| ['\\', '"'].contains(next));
                    word.push(escaped.map_or(c, |(_, escaped)| escaped));
                }
                '"' => {
                    let rest = quoted[at + 1..].trim_start();
                    if !rest.is_empty() && !rest.starts_with(';') {
                        return Err(unknown(rest));
                    }
                    return Ok((word, true, rest));
                }
                _ => word.push(c),
            }
        }
    }
    let end = text.find(';').unwrap_or(text.len());
    Ok((text[..end].trim_end().to_owned(), false, &text[end..]))
}

fn unknown(piece: &str) -> String {
    format!(
        "`{}` stands behind a value of a form, and only type=… and filename=… are known there",
        piece.trim()
    )
}

/// A name in quotes, as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
