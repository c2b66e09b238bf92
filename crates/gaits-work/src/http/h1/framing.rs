//! Decides where the body of a response ends, and whether its connection can be used again (RFC 9112,
//! sections 6.3 and 9.3).
//!
//! It decides as hyper's client does. Limit: it sees the head only; [`Body`](super::Body) checks what follows.

use super::head::Head;
use super::limits::MAX_CODINGS;
use super::malformed::Malformed;
use crate::http::detail::HttpVersion;

/// Which sort of request the response answers, as far as its framing depends on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerTo {
    /// A HEAD request, whose response has no body, though its fields tell of one.
    Head,
    /// A request with another method. CONNECT, which has rules of its own, is not supported.
    Other,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimited {
    /// There is no body.
    Absent,
    /// It ends after that many bytes.
    Length(u64),
    /// It ends with the last chunk and the trailers behind it.
    Chunked,
    /// It ends when the connection does, so a truncated body cannot be told from a whole one.
    UntilClose,
}

/// What the head of a response says about the bytes behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing<'h> {
    /// Where the body ends.
    pub delimited: Delimited,
    /// The transfer codings that are on the body beside chunked.
    pub codings: Codings<'h>,
    /// Whether the connection can be used again once the body has been read.
    pub persists: bool,
}

impl<'h> Framing<'h> {
    /// Decides the framing of a final response, which is one whose status is not 1xx.
    pub fn of(head: &Head<'h>, to: AnswerTo) -> Result<Self, Malformed> {
        let found = Found::in_head(head);
        let mut codings = Codings::default();
        let delimited = if to == AnswerTo::Head || matches!(head.status, 204 | 304) {
            Delimited::Absent
        } else if let Some(last) = found.last_codings {
            if head.version == HttpVersion::Http10 {
                return Err(Malformed::TransferEncoding);
            }
            let chunked = is_chunked(last);
            codings = Codings::of(head, chunked)?;
            if chunked { Delimited::Chunked } else { Delimited::UntilClose }
        } else {
            match found.length {
                Length::Absent => Delimited::UntilClose,
                Length::Known(length) => Delimited::Length(length),
                Length::Invalid => return Err(Malformed::ContentLength),
            }
        };
        let stays = !found.close && (head.version != HttpVersion::Http10 || found.keep_alive);
        Ok(Self { delimited, codings, persists: stays && delimited != Delimited::UntilClose })
    }
}

/// What framing depends on, found in one pass over the fields.
#[derive(Default)]
struct Found<'h> {
    close: bool,
    keep_alive: bool,
    length: Length,
    /// The value of the last `transfer-encoding`.
    last_codings: Option<&'h [u8]>,
}

impl<'h> Found<'h> {
    fn in_head(head: &Head<'h>) -> Self {
        let mut found = Self::default();
        for field in head.fields {
            let name = field.name.as_bytes();
            if is_word(name, b"connection") {
                found.add_options(field.value);
            } else if is_word(name, b"content-length") {
                found.length = found.length.and(field.value);
            } else if is_word(name, b"transfer-encoding") {
                found.last_codings = Some(field.value);
            }
        }
        found
    }

    /// Adds the options of a `connection` field. As in hyper, a field with bytes beyond ASCII has none.
    fn add_options(&mut self, options: &[u8]) {
        if is_word(options, KEEP_ALIVE) {
            self.keep_alive = true;
        } else if options.is_ascii() {
            for option in parts(options) {
                self.close |= is_word(option, CLOSE);
                self.keep_alive |= is_word(option, KEEP_ALIVE);
            }
        }
    }
}

const CLOSE: &[u8; 5] = b"close";
const KEEP_ALIVE: &[u8; 10] = b"keep-alive";

/// The value of `content-length`.
#[derive(Default, Clone, Copy)]
enum Length {
    #[default]
    Absent,
    Known(u64),
    Invalid,
}

impl Length {
    /// Adds the value of one more field. The same number may be repeated, in a list or in several fields.
    fn and(self, value: &[u8]) -> Self {
        parts(value).fold(self, |length, part| match (length, decimal(part)) {
            (Self::Absent, Some(new)) => Self::Known(new),
            (Self::Known(old), Some(new)) if old == new => length,
            _ => Self::Invalid,
        })
    }
}

/// Parses a number that has decimal digits alone: no sign, no blanks.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Splits a list at its commas and removes the blanks around its parts.
fn parts(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// Whether `bytes`, a name or a value of a head, are that word in any case. The word is of lower-case letters
/// and hyphens.
///
/// Setting bit 5 makes a letter lower-case and keeps a hyphen. Of all other bytes only the carriage return
/// becomes a hyphen, and names and values have none. The loop has no branch, so it becomes a few comparisons
/// of whole machine words; `eq_ignore_ascii_case` takes some seven instructions a byte.
fn is_word<const N: usize>(bytes: &[u8], word: &[u8; N]) -> bool {
    <&[u8; N]>::try_from(bytes)
        .is_ok_and(|bytes| (0..N).fold(0, |unlike, i| unlike | ((bytes[i] | 0x20) ^ word[i])) == 0)
}

/// Whether the last transfer coding is chunked. `last` is the value of the last field.
fn is_chunked(last: &[u8]) -> bool {
    last.is_ascii() && parts(last).last().is_some_and(|name| is_word(name, b"chunked"))
}

/// The transfer codings that are still on a body when it is no longer chunked, in the order in which the
/// server applied them. They are undone like content codings, the last one first.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Codings<'h> {
    names: [&'h [u8]; MAX_CODINGS],
    len: usize,
}

impl<'h> Codings<'h> {
    /// Gives their names, as the server wrote them. A name may be any bytes, and may be `chunked` again.
    #[must_use]
    pub fn names(&self) -> &[&'h [u8]] {
        &self.names[..self.len]
    }

    /// Collects the codings of a head; the last one is left out if it is `chunked`. `identity` stands for no
    /// coding.
    #[cold]
    fn of(head: &Head<'h>, chunked: bool) -> Result<Self, Malformed> {
        let mut codings = Self::default();
        let mut names = head
            .values("transfer-encoding")
            .flat_map(parts)
            .filter(|name| !name.is_empty() && !is_word(name, b"identity"))
            .peekable();
        while let Some(name) = names.next() {
            if chunked && names.peek().is_none() {
                break;
            }
            *codings.names.get_mut(codings.len).ok_or(Malformed::TooManyCodings)? = name;
            codings.len += 1;
        }
        Ok(codings)
    }
}

#[cfg(test)]
mod tests {
    use super::super::head;
    use super::*;

    fn framing(head: &str, to: AnswerTo) -> Result<(Delimited, Vec<String>, bool), Malformed> {
        let bytes = format!("{head}\r\n\r\n");
        let framing = head::parse(bytes.as_bytes(), |head, _| {
            Framing::of(head, to).map(|framing| {
                let names = framing.codings.names().iter();
                let names = names.map(|name| String::from_utf8_lossy(name).into_owned());
                (framing.delimited, names.collect(), framing.persists)
            })
        });
        framing.unwrap().unwrap_or_else(|| panic!("{head:?} is no head"))
    }

    /// How the body of a response of that status line and these fields is delimited.
    fn delimited(head: &str) -> Result<Delimited, Malformed> {
        framing(head, AnswerTo::Other).map(|(delimited, ..)| delimited)
    }

    #[test]
    fn some_responses_have_no_body_whatever_their_fields_say() {
        for fields in
            ["", "Content-Length: 5", "Content-Length: no", "Transfer-Encoding: gzip, chunked"]
        {
            for (status, to) in
                [(200, AnswerTo::Head), (204, AnswerTo::Other), (304, AnswerTo::Other)]
            {
                for version in ["1.0", "1.1"] {
                    let head = format!("HTTP/{version} {status} OK\r\n{fields}");
                    let head = head.trim_end();
                    let persists = version == "1.1";
                    let absent = (Delimited::Absent, Vec::new(), persists);
                    assert_eq!(framing(head, to), Ok(absent), "{head:?} to {to:?}");
                }
            }
        }
    }

    #[test]
    fn a_content_length_is_one_number_however_often_it_is_said() {
        use Delimited::{Length, UntilClose};
        let nonsense = Err(Malformed::ContentLength);
        for (fields, expected) in [
            ("", Ok(UntilClose)),
            ("\r\ncontent-length: 0", Ok(Length(0))),
            ("\r\nCONTENT-LENGTH: 50", Ok(Length(50))),
            ("\r\nContent-Length:007", Ok(Length(7))),
            ("\r\nContent-Length: 18446744073709551615", Ok(Length(u64::MAX))),
            ("\r\nContent-Length: 18446744073709551616", nonsense),
            ("\r\nContent-Length: 99999999999999999999999", nonsense),
            ("\r\nContent-Length: 5, 5 ,\t5", Ok(Length(5))),
            ("\r\nContent-Length: 5\r\nA: b\r\ncontent-length: 05", Ok(Length(5))),
            ("\r\nContent-Length: 5\r\nContent-Length: 6", nonsense),
            ("\r\nContent-Length: 5, 6", nonsense),
            ("\r\nContent-Length: 5,", nonsense),
            ("\r\nContent-Length: no\r\nContent-Length: 5", nonsense),
            ("\r\nContent-Length:", nonsense),
            ("\r\nContent-Length: 5O", nonsense),
            ("\r\nContent-Length: +5", nonsense),
            ("\r\nContent-Length: -5", nonsense),
            ("\r\nContent-Length: 5 5", nonsense),
            ("\r\nContent-Length: 0x5", nonsense),
            ("\r\nContent-Length: \u{664}", nonsense),
            ("\r\nContent-Lengths: 5", Ok(UntilClose)),
        ] {
            assert_eq!(delimited(&format!("HTTP/1.1 200 OK{fields}")), expected, "{fields:?}");
        }
    }

    #[test]
    fn the_last_transfer_coding_decides_and_the_others_are_told() {
        use Delimited::{Chunked, UntilClose};
        for (values, delimited, codings) in [
            (&["chunked"][..], Chunked, &[][..]),
            (&["CHUNKED"], Chunked, &[]),
            (&["gzip, chunked"], Chunked, &["gzip"]),
            (&["gzip", "deflate ,\tChunked"], Chunked, &["gzip", "deflate"]),
            (&["a,b,c,d,chunked"], Chunked, &["a", "b", "c", "d"]),
            (&["identity, chunked"], Chunked, &[]),
            (&["gzip"], UntilClose, &["gzip"]),
            (&["identity"], UntilClose, &[]),
            (&[""], UntilClose, &[]),
            (&["chunked, gzip"], UntilClose, &["chunked", "gzip"]),
            (&["chunked", "gzip"], UntilClose, &["chunked", "gzip"]),
            (&["chunked, chunked"], Chunked, &["chunked"]),
            (&["chunked,"], UntilClose, &["chunked"]),
            (&["chunked;q=1"], UntilClose, &["chunked;q=1"]),
            (&["xchunked"], UntilClose, &["xchunked"]),
            (&["\u{e9}, chunked"], UntilClose, &["\u{e9}", "chunked"]),
        ] {
            for length in ["", "\r\nContent-Length: 5", "\r\nContent-Length: no"] {
                let fields = values.iter().map(|v| format!("\r\nTransfer-Encoding: {v}"));
                let head =
                    format!("HTTP/1.1 200 OK{}{length}", fields.collect::<Vec<_>>().concat());
                let codings = codings.iter().map(ToString::to_string).collect();
                let expected = (delimited, codings, delimited == Chunked);
                assert_eq!(framing(&head, AnswerTo::Other), Ok(expected), "{head:?}");
            }
        }
    }

    #[test]
    fn transfer_codings_are_bounded_and_unknown_to_http_1_0() {
        for (head, error) in [
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: a,b,c,d,e,chunked", Malformed::TooManyCodings),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: a,b,c,d,e", Malformed::TooManyCodings),
            ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked", Malformed::TransferEncoding),
            (
                "HTTP/1.0 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 5",
                Malformed::TransferEncoding,
            ),
        ] {
            assert_eq!(delimited(head), Err(error), "{head:?}");
        }
    }

    #[test]
    fn a_connection_persists_as_version_and_options_say() {
        for (version, values, persists) in [
            ("1.1", &[][..], true),
            ("1.1", &["close"], false),
            ("1.1", &["Close"], false),
            ("1.1", &["keep-alive"], true),
            ("1.1", &["keep-alive, close"], false),
            ("1.1", &["close", "keep-alive"], false),
            ("1.1", &["upgrade ,\tCLOSE ,x"], false),
            ("1.1", &["closed"], true),
            ("1.1", &["not close"], true),
            ("1.1", &[""], true),
            ("1.1", &["\u{e9}, close"], true),
            ("1.0", &[], false),
            ("1.0", &["keep-alive"], true),
            ("1.0", &["Keep-Alive"], true),
            ("1.0", &["x, keep-alive"], true),
            ("1.0", &["x", "keep-alive"], true),
            ("1.0", &["keep-alive", "close"], false),
            ("1.0", &["close", "keep-alive"], false),
            ("1.0", &["keepalive"], false),
        ] {
            let fields = values.iter().map(|v| format!("\r\nConnection: {v}"));
            let fields = fields.collect::<Vec<_>>().concat();
            let head = format!("HTTP/{version} 200 OK{fields}\r\nContent-Length: 5");
            let expected = Ok((Delimited::Length(5), Vec::new(), persists));
            assert_eq!(framing(&head, AnswerTo::Other), expected, "{head:?}");
            let head = format!("HTTP/{version} 200 OK{fields}");
            let expected = Ok((Delimited::UntilClose, Vec::new(), false));
            assert_eq!(framing(&head, AnswerTo::Other), expected, "{head:?}");
        }
    }

    #[test]
    fn a_word_is_known_in_any_case_and_no_other_character_passes_for_one_of_its_own() {
        assert!(is_word(b"keep-alive", KEEP_ALIVE) && is_word(b"KeeP-alIVE", KEEP_ALIVE));
        for i in 0..KEEP_ALIVE.len() {
            // The one byte that passes cannot be in a head.
            for byte in (0..=u8::MAX).filter(|byte| *byte != b'\r') {
                let mut other = *KEEP_ALIVE;
                other[i] = byte;
                assert_eq!(
                    is_word(&other, KEEP_ALIVE),
                    byte.eq_ignore_ascii_case(&KEEP_ALIVE[i]),
                    "{byte} at {i}"
                );
            }
        }
    }
}
