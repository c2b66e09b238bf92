//! Writes the head of a request.
//!
//! Limit: adds no field by itself, not even `host`; the caller gives all fields in their order.

use super::chars::{is_target, is_token, is_value};

/// Why a head cannot be sent: the server would read another request than the one that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// The method is empty or has a character that is not allowed.
    #[error("the request's method is empty or has a character that is not allowed")]
    Method,
    /// The target is empty or has a character that is not visible ASCII.
    #[error("the request's target is empty or has a character that is not visible ASCII")]
    Target,
    /// The name of a field is empty or has a character that is not allowed.
    #[error("the name of a header field is empty or has a character that is not allowed")]
    FieldName,
    /// The value of a field has a control character.
    #[error("the value of a header field has a control character")]
    FieldValue,
}

/// Keeps the fields that all requests to one origin have in common. They are checked and written out once.
#[derive(Clone)]
pub struct Prepared(Box<[u8]>);

impl Prepared {
    /// Checks these fields and keeps them, in their order and with their names as they are given.
    pub fn new<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Unsendable> {
        let mut block = Vec::new();
        for (name, value) in fields {
            let name = name.as_ref();
            if !is_name(name) {
                return Err(Unsendable::FieldName);
            }
            write_field(&mut block, name, value.as_ref())?;
        }
        Ok(Self(block.into()))
    }
}

impl std::fmt::Debug for Prepared {
    /// Shows the size but not the fields, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("len", &self.0.len()).finish_non_exhaustive()
    }
}

/// Appends the whole head of a request to `out`: the first line, the prepared fields, then the `extra` fields,
/// which only this request has.
///
/// The names of the extra fields must be valid. They are not checked where the program is optimised, and another one would be
/// sent as it is; with debug assertions it is a panic.
///
/// On an error nothing is appended.
pub fn write_head<V: AsRef<[u8]>>(
    out: &mut Vec<u8>,
    method: &str,
    target: &str,
    prepared: &Prepared,
    extra: impl IntoIterator<Item = (&'static str, V)>,
) -> Result<(), Unsendable> {
    if method.is_empty() || !method.bytes().all(is_token) {
        return Err(Unsendable::Method);
    }
    if target.is_empty() || !target.bytes().fold(true, |fit, byte| fit & is_target(byte)) {
        return Err(Unsendable::Target);
    }
    let before = out.len();
    let version = b" HTTP/1.1\r\n";
    out.reserve(method.len() + 1 + target.len() + version.len() + prepared.0.len() + 2);
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(version);
    out.extend_from_slice(&prepared.0);
    for (name, value) in extra {
        debug_assert!(is_name(name.as_bytes()), "{name} is no name of a field");
        if let Err(e) = write_field(out, name.as_bytes(), value.as_ref()) {
            out.truncate(before);
            return Err(e);
        }
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().copied().all(is_token)
}

fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) -> Result<(), Unsendable> {
    if !value.iter().copied().all(is_value) {
        return Err(Unsendable::FieldValue);
    }
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [(&str, &str); 0] = [];

    fn written(
        method: &str,
        target: &str,
        prepared: &[(&str, &str)],
        extra: &[(&'static str, &str)],
    ) -> Result<String, Unsendable> {
        let prepared = Prepared::new(prepared.iter().copied())?;
        let mut out = Vec::new();
        write_head(&mut out, method, target, &prepared, extra.iter().copied())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_head_is_the_first_line_then_the_prepared_fields_then_the_others() {
        let head = written(
            "GET",
            "/a?b=c",
            &[("host", "example.org:8080"), ("accept", "*/*")],
            &[("cookie", "a=b"), ("authorization", "Basic eA==")],
        );
        let expected = "GET /a?b=c HTTP/1.1\r\nhost: example.org:8080\r\naccept: */*\r\n\
             cookie: a=b\r\nauthorization: Basic eA==\r\n\r\n";
        assert_eq!(head.as_deref(), Ok(expected));
        assert_eq!(written("HEAD", "*", &[], &[]).as_deref(), Ok("HEAD * HTTP/1.1\r\n\r\n"));
    }

    #[test]
    fn heads_are_appended_to_what_is_there() {
        let prepared = Prepared::new([("host", "a")]).unwrap();
        let mut out = b"before".to_vec();
        write_head(&mut out, "GET", "/", &prepared, NONE).unwrap();
        write_head(&mut out, "GET", "/", &prepared, [("x", b"\xff\t")]).unwrap();
        let expected =
            b"beforeGET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\nx: \xff\t\r\n\r\n";
        assert_eq!(out, expected);
    }

    #[test]
    fn what_would_be_read_as_something_else_is_refused() {
        use Unsendable::{FieldName, FieldValue, Method, Target};
        for (method, target, name, value, error) in [
            ("", "/", "a", "b", Method),
            ("GET /", "/", "a", "b", Method),
            ("GET\r\n", "/", "a", "b", Method),
            ("GET", "", "a", "b", Target),
            ("GET", "/ HTTP/1.1", "a", "b", Target),
            ("GET", "/\r\nx: y", "a", "b", Target),
            ("GET", "/\0", "a", "b", Target),
            ("GET", "/\u{e9}", "a", "b", Target),
            ("GET", "/\x7f", "a", "b", Target),
            ("GET", "/", "", "b", FieldName),
            ("GET", "/", "a:", "b", FieldName),
            ("GET", "/", "a b", "b", FieldName),
            ("GET", "/", "a\n", "b", FieldName),
            ("GET", "/", "\u{e9}", "b", FieldName),
            ("GET", "/", "a", "b\r\nc: d", FieldValue),
            ("GET", "/", "a", "b\n", FieldValue),
            ("GET", "/", "a", "\r", FieldValue),
            ("GET", "/", "a", "\0", FieldValue),
            ("GET", "/", "a", "\x7f", FieldValue),
            (
                "GET",
                "/",
                "a",
                concat!(
                    "a long value, of more than 64 bytes, with a wrong one at its very end: ",
                    "\0"
                ),
                FieldValue,
            ),
        ] {
            let case = (method, target, name, value);
            if error != FieldName {
                let found = written(method, target, &[], &[("x", "y"), (name, value)]);
                assert_eq!(found, Err(error), "{case:?}");
            }
            if matches!(error, FieldName | FieldValue) {
                let found = written(method, target, &[("x", "y"), (name, value)], &[]);
                assert_eq!(found, Err(error), "{case:?} prepared");
            }
        }
    }

    #[test]
    fn nothing_is_written_of_a_head_that_is_refused() {
        let prepared = Prepared::new([("host", "a")]).unwrap();
        let mut out = b"before".to_vec();
        for target in ["/\r", "/"] {
            write_head(&mut out, "GET", target, &prepared, [("a", "b"), ("c", "\r")]).unwrap_err();
            assert_eq!(out, b"before");
        }
    }

    #[test]
    fn no_field_is_in_the_debug_form() {
        let prepared = Prepared::new([("authorization", "secret")]).unwrap();
        assert_eq!(format!("{prepared:?}"), "Prepared { len: 23, .. }");
    }
}
