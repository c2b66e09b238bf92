//! Reads `multipart/form-data`, RFC 7578. Headers of a part other than its name and its file's name mean nothing here.

/// One field of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) name: String,
    /// Whether it came with the name of a file.
    pub(super) is_file: bool,
    pub(super) content: &'a [u8],
}

/// The fields of a form whose media type, with its boundary, is `media_type`; none if it is not such a form or broken.
pub(super) fn fields<'a>(media_type: &str, body: &'a [u8]) -> Option<Vec<Field<'a>>> {
    let (kind, parameters) = value_and_parameters(media_type);
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(&parameters, "boundary").filter(|boundary| !boundary.is_empty())?;
    let delimiter = format!("\r\n--{boundary}");
    let delimiter = delimiter.as_bytes();
    // What stands before the first delimiter is no part. That delimiter may be the very first thing, without its line break.
    let mut rest = match body.strip_prefix(&delimiter[2..]) {
        Some(rest) => rest,
        None => after(body, delimiter)?,
    };
    let mut fields = Vec::new();
    while !rest.starts_with(b"--") {
        let line_end = find(rest, b"\r\n")?;
        // Only blanks may stand between a delimiter and the end of its line.
        if !rest[..line_end].trim_ascii().is_empty() {
            return None;
        }
        // The line break belongs to the part as well: a part without headers begins with an empty line.
        let part = &rest[line_end..];
        let end = find(part, delimiter)?;
        fields.push(field(&part[..end])?);
        rest = &part[end + delimiter.len()..];
    }
    Some(fields)
}

fn field(part: &[u8]) -> Option<Field<'_>> {
    let head_end = find(part, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&part[..head_end]);
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let (_, parameters) = value_and_parameters(disposition);
    Some(Field {
        name: parameter(&parameters, "name")?.to_owned(),
        is_file: parameter(&parameters, "filename").is_some(),
        content: &part[head_end + 4..],
    })
}

/// Splits `value; name=word; name="quoted text"`.
fn value_and_parameters(header: &str) -> (&str, Vec<(&str, String)>) {
    let (value, mut rest) = header.split_once(';').unwrap_or((header, ""));
    let mut parameters = Vec::new();
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', '\t', ';']);
        let after = after.trim_start();
        let (text, next) = if let Some(quoted) = after.strip_prefix('"') {
            unquote(quoted)
        } else {
            let (word, next) = after.split_once(';').unwrap_or((after, ""));
            (word.trim().to_owned(), next)
        };
        parameters.push((name, text));
        rest = next;
    }
    (value.trim(), parameters)
}

/// The text up to a closing quotation mark, which `quoted` lacks if it is broken, and what follows it.
fn unquote(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = quoted.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return (text, &quoted[index + 1..]),
            '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => text.push(c),
        }
    }
    (text, "")
}

fn parameter<'a>(parameters: &'a [(&str, String)], wanted: &str) -> Option<&'a str> {
    let found = parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    found.map(|(_, text)| text.as_str())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn after<'a>(bytes: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    find(bytes, wanted).map(|at| &bytes[at + wanted.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"-xyz\"";

    fn text(name: &str, content: &'static str) -> Field<'static> {
        Field { name: name.into(), is_file: false, content: content.as_bytes() }
    }

    #[test]
    fn fields_and_files_are_told_apart() {
        let body = "---xyz\r\nContent-Disposition: form-data; name=\"a \\\"b\\\"\"\r\n\r\none\r\n\
                    ---xyz \r\ncontent-type: text/plain\r\ncontent-disposition: form-data; filename=\"f;.txt\"; name=c\r\n\
                    \r\ntwo\r\n\r\n--lines\r\n\r\n---xyz--\r\nepilogue";
        let fields = fields(TYPE, body.as_bytes()).unwrap();
        let file = Field { is_file: true, ..text("c", "two\r\n\r\n--lines\r\n") };
        assert_eq!(fields, [text("a \"b\"", "one"), file]);
    }

    #[test]
    fn a_preamble_empty_contents_and_an_empty_form_are_fine() {
        let body =
            "preamble\r\n---xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n---xyz--";
        assert_eq!(fields(TYPE, body.as_bytes()).unwrap(), [text("a", "")]);
        assert_eq!(fields(TYPE, b"---xyz--").unwrap(), []);
    }

    #[test]
    fn what_is_broken_is_no_form() {
        let good = "---xyz\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n---xyz--";
        assert!(fields(TYPE, good.as_bytes()).is_some());
        for cut in 0..good.len() - 2 {
            assert_eq!(fields(TYPE, &good.as_bytes()[..cut]), None, "{:?}", &good[..cut]);
        }
        for (media_type, body) in [
            ("text/plain; boundary=-xyz", good),
            ("multipart/form-data", good),
            ("multipart/form-data; boundary=", good),
            ("multipart/form-data; boundary=other", good),
            (TYPE, "---xyz\r\nContent-Disposition: form-data\r\n\r\nb\r\n---xyz--"),
            (TYPE, "---xyz\r\n\r\nb\r\n---xyz--"),
            (TYPE, "---xyzmore\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n---xyz--"),
        ] {
            assert_eq!(fields(media_type, body.as_bytes()), None, "{media_type} {body:?}");
        }
    }
}
