//! The body of a form with parts, `multipart/form-data` (RFC 7578), as curl's `-F` makes it.
//!
//! Limit: [`multipart`] builds the whole body in memory, and its caller reads the files. What is sent piece by piece is made by
//! [`form`](super::form).

/// Stands before a value of which nothing is read: no argument of a program has it.
pub(super) const AS_IS: char = '\0';

/// Reads a file that a part names.
type Read<'r> = &'r dyn Fn(&str) -> Result<Vec<u8>, String>;

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
    Ok(joined(&written))
}

/// The body that parts make, and what separates them.
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

/// A part: its head, a blank line, and what it holds. A value that begins with [`AS_IS`] is text.
fn part(name: &str, value: &str, read: Read<'_>) -> Result<Vec<u8>, String> {
    if let Some(text) = value.strip_prefix(AS_IS) {
        return Ok((head(name, None, None) + text).into_bytes());
    }
    let Value { sent, content, kind, file_name } = Value::of(value)?;
    let (mut kind, mut file_name) = (kind, file_name);
    if sent == Sent::File {
        let last = content.rsplit('/').next().unwrap_or(&content);
        file_name.get_or_insert_with(|| last.to_owned());
        kind.get_or_insert_with(|| "application/octet-stream".to_owned());
    }
    let bytes = match sent {
        Sent::Text => content.into_bytes(),
        Sent::File | Sent::ContentOfFile => read(&content)?,
    };
    let head = head(name, file_name.as_deref(), kind.as_deref());
    Ok([head.into_bytes(), bytes].concat())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of the head of a part of a form, and what the part holds. A file holds its path.
    fn parted(value: &str) -> Result<(Vec<String>, String), String> {
        let part = part("f", value, &|path| Ok(format!("({path})").into_bytes()))?;
        let part = String::from_utf8(part).unwrap();
        let (head, content) = part.split_once("\r\n\r\n").unwrap();
        let head = head.strip_prefix("Content-Disposition: form-data; name=\"f\"").unwrap();
        Ok((head.split("\r\n").map(str::to_owned).collect(), content.to_owned()))
    }

    #[test]
    fn a_value_is_read_as_curl_reads_it() {
        // As curl 7.88 sends them.
        for (value, head, content) in [
            (r#""123""#, &[""][..], "123"),
            (r#""a;b";type=c/d"#, &["", "Content-Type: c/d"], "a;b"),
            (r#""1\"2\\3\n""#, &[""], r#"1"2\3\n"#),
            (r#"a"b""#, &[""], r#"a"b""#),
            (r#""a"#, &[""], r#""a"#),
            (" a \n", &[""], "a"),
            (r#" "a ""#, &[""], "a "),
            (" @f", &[""], "@f"),
            (r#""@f""#, &[""], "@f"),
            ("a;type=c/d; charset=e", &["", "Content-Type: c/d; charset=e"], "a"),
            (r#"<"f""#, &[""], "(f)"),
            (r#"@a"b;type=a/b"#, &["; filename=\"a%22b\"", "Content-Type: a/b"], r#"(a"b)"#),
            (r"@d/a\b;type=a/b", &["; filename=\"a\\b\"", "Content-Type: a/b"], r"(d/a\b)"),
            (
                r#"@"d/a;\"b.txt";type=a/b"#,
                &["; filename=\"a;%22b.txt\"", "Content-Type: a/b"],
                r#"(d/a;"b.txt)"#,
            ),
            (
                r#"@ f ; filename= "x\"y" ; TYPE=a/b ; charset=c "#,
                &["; filename=\"x%22y\"", "Content-Type: a/b ; charset=c"],
                "(f)",
            ),
            (
                "@f;type=a/b;foo=x;filename=z ",
                &["; filename=\"z\"", "Content-Type: a/b;foo=x"],
                "(f)",
            ),
        ] {
            let found = parted(value).unwrap();
            assert_eq!(
                (found.0, &*found.1),
                (head.iter().map(ToString::to_string).collect(), content),
                "{value}"
            );
        }
        // curl leaves this semicolon out, and what follows it.
        assert_eq!(parted(" a ; b ;type=c/d").unwrap().1, "a ; b");
    }

    #[test]
    fn what_a_form_does_not_know_is_named() {
        for value in ["@f;headers=a", r#""a"b"#, r#"@"f"g"#, r#""a";b"#, "a;encoder=base64", "@f;b"]
        {
            let wrong = parted(value).unwrap_err();
            assert!(wrong.contains("only type=… and filename=… are known"), "{value}: {wrong}");
        }
    }
}
