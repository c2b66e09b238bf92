//! The text of a body, in whatever encoding it came.
//!
//! As browsers do, in this order: a byte order mark, the charset of the content-type field, what the document says of itself at its
//! beginning; then UTF-8. A body that says nothing and is not UTF-8 is taken for EUC-KR if all of it can be, else for
//! windows-1252, in which everything is a text. JSON is read in another way, since it should be UTF-8.

use encoding_rs::{EUC_KR, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::borrow::Cow;

/// How much of a document is looked at for its own word on its encoding.
const BEGINNING: usize = 1024;

/// The text of `body`; what is malformed becomes U+FFFD.
pub(super) fn text<'b>(body: &'b [u8], content_type: Option<&str>) -> Cow<'b, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(body) {
        return encoding.decode_without_bom_handling(&body[mark..]).0;
    }
    let said = content_type.and_then(|field| charset(field, "charset")).and_then(for_label);
    if let Some(encoding) = said.or_else(|| of_document(body)) {
        return encoding.decode_without_bom_handling(body).0;
    }
    if let Ok(text) = std::str::from_utf8(body) {
        return text.into();
    }
    EUC_KR
        .decode_without_bom_handling_and_without_replacement(body)
        .unwrap_or_else(|| WINDOWS_1252.decode_without_bom_handling(body).0)
}

/// The JSON in `body` as UTF-8: without a byte order mark, and decoded where the mark or the content-type field names another
/// encoding. What is malformed becomes U+FFFD.
///
/// JSON should be UTF-8 whatever a field says of it (RFC 8259, section 11), and servers name other charsets by mistake. So the
/// field counts only where the body can't be JSON in UTF-8.
pub(super) fn json<'b>(body: &'b [u8], content_type: Option<&str>) -> Cow<'b, [u8]> {
    if let Some((encoding, mark)) = Encoding::for_bom(body) {
        return in_utf8(encoding, &body[mark..]);
    }
    let said = content_type.and_then(|field| charset(field, "charset")).and_then(for_label);
    match said.filter(|encoding| *encoding != UTF_8 && !may_be_json(body)) {
        Some(encoding) => in_utf8(encoding, body),
        None => body.into(),
    }
}

/// Whether it may be JSON in UTF-8. That has no control characters, which UTF-16 (NUL) and ISO-2022-JP (ESC) need.
fn may_be_json(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok() && memchr::memchr2(0, 0x1b, body).is_none()
}

/// The same text in UTF-8, which is no copy where it is that already.
fn in_utf8<'b>(encoding: &'static Encoding, bytes: &'b [u8]) -> Cow<'b, [u8]> {
    if encoding == UTF_8 {
        return bytes.into();
    }
    match encoding.decode_without_bom_handling(bytes).0 {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}

fn for_label(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label(label.as_bytes())
}

/// The encoding that a `meta` element or an XML declaration names.
fn of_document(body: &[u8]) -> Option<&'static Encoding> {
    let beginning = &body[..body.len().min(BEGINNING)];
    let text: String = beginning.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    let declared = text.strip_prefix("<?xml").and_then(|rest| {
        let (declaration, _) = rest.split_once("?>")?;
        for_label(charset(declaration, "encoding")?)
    });
    let metas = || text.split("<meta").skip(1).map(|rest| rest.split('>').next().unwrap_or(rest));
    let named =
        declared.or_else(|| metas().find_map(|meta| for_label(charset(meta, "charset")?)))?;
    // It could be read, so it is not what it says.
    Some(if [UTF_16BE, UTF_16LE].contains(&named) { UTF_8 } else { named })
}

/// The value of `name=value`, with or without quotes.
fn charset<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let bytes = text.as_bytes();
    let at = (0..bytes.len().saturating_sub(name.len()))
        .find(|at| bytes[*at..*at + name.len()].eq_ignore_ascii_case(name.as_bytes()))?;
    let value = text.get(at + name.len()..)?.trim_start().strip_prefix('=')?.trim_start();
    let (value, end) = match value.strip_prefix(['"', '\'']) {
        Some(rest) => (rest, rest.find(['"', '\''])),
        None => (value, value.find([';', '"', '\'', ' ', '\t', '\n', '\r', '/'])),
    };
    Some(value[..end.unwrap_or(value.len())].trim()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KOREAN: &str = "안녕하세요, 세계";

    #[test]
    fn the_encoding_is_found_wherever_it_is_said() {
        let (korean, _, _) = EUC_KR.encode(KOREAN);
        let with = |before: &str| [before.as_bytes(), &korean].concat();
        for (body, field) in [
            (korean.to_vec(), Some("text/html; charset=EUC-KR")),
            (korean.to_vec(), Some("text/html;Charset = \"ks_c_5601-1987\"; x=y")),
            (korean.to_vec(), Some("text/html")),
            (korean.to_vec(), None),
            (with("<meta charset=euc-kr>"), None),
            (
                with("<!doctype html><META http-equiv='x' content='text/html; charset=euc-kr'>"),
                None,
            ),
            (with("<?xml version='1.0' encoding='euc-kr'?>"), None),
            (with("<meta charset=nonsense><meta charset=\"cp949\" />"), None),
            ([b"\xef\xbb\xbf", KOREAN.as_bytes()].concat(), Some("text/html; charset=euc-kr")),
            (KOREAN.as_bytes().to_vec(), None),
            (KOREAN.as_bytes().to_vec(), Some("text/html; charset=nonsense")),
            ([b"<meta charset=utf-16>", KOREAN.as_bytes()].concat(), None),
        ] {
            let text = text(&body, field);
            assert!(text.ends_with(KOREAN), "{field:?} {text}");
        }
        let utf16: Vec<u8> = KOREAN.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text(&[b"\xff\xfe", &*utf16].concat(), None), KOREAN);
        assert_eq!(text(b"caf\xe9 \xff", None), "café ÿ");
        assert_eq!(text(b"", Some("")), "");
    }

    #[test]
    fn json_is_read_in_the_encoding_of_its_mark_or_else_of_its_field() {
        let text = format!("{{\"a\":\"{KOREAN}\"}}");
        let (korean, _, _) = EUC_KR.encode(&text);
        let utf16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect();
        let (little, big): (Vec<u8>, Vec<u8>) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
        let japanese = "{\"a\":\"日本\"}";
        let (escaped, _, _) = encoding_rs::ISO_2022_JP.encode(japanese);
        let says = |charset: &str| Some(format!("application/json; charset={charset}"));
        for (body, field, wanted) in [
            (text.clone().into_bytes(), None, &*text),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), says("euc-kr"), &text),
            ([b"\xff\xfe", &*little].concat(), None, &text),
            ([b"\xfe\xff", &*big].concat(), says("utf-8"), &text),
            (little, says("utf-16"), &text),
            (korean.to_vec(), says("EUC-KR"), &text),
            (escaped.to_vec(), says("iso-2022-jp"), japanese),
            // It says something else than it is.
            (text.clone().into_bytes(), says("iso-8859-1"), &text),
            (text.clone().into_bytes(), says("utf-16"), &text),
            (text.clone().into_bytes(), says("nonsense"), &text),
        ] {
            let read = json(&body, field.as_deref());
            assert_eq!(std::str::from_utf8(&read).unwrap(), wanted, "{field:?}");
        }
        for body in [text.as_bytes(), &[b"\xef\xbb\xbf", text.as_bytes()].concat()] {
            for field in [None, Some("application/json; charset=utf-8")] {
                assert!(matches!(json(body, field), Cow::Borrowed(_)), "it is not copied");
            }
        }
    }

    #[test]
    fn no_beginning_makes_it_panic() {
        for body in [
            "<meta",
            "<meta charset",
            "<meta charset=",
            "<?xml",
            "<meta charset=\"",
            "\u{130}charset=é",
        ] {
            assert_eq!(text(body.as_bytes(), Some(body)), body);
        }
    }
}
