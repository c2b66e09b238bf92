//! How the body of a response is delimited, and whether its connection can be used again (RFC 9112, sections 6.3 and 9.3).
//!
//! Decides as hyper's client does. Limit: believes the server; whether the body comes as announced is found out by [`Body`](super::Body).

use super::head::Head;
use super::malformed::Malformed;
use gaits_core::HttpVersion;

/// The most transfer codings that are told beside the last chunked. Servers apply one at most.
pub const MAX_CODINGS: usize = 4;

/// What the request asked for, as far as the response's framing depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerTo {
    /// A HEAD request: its response has the fields of a body, and none.
    Head,
    /// A request of any other method but CONNECT, which is never sent.
    Other,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimited {
    /// There is none.
    Absent,
    /// After so many bytes.
    Length(u64),
    /// With the last chunk and the trailers after it.
    Chunked,
    /// With the connection, so that a cut-off body looks like a whole one.
    UntilClose,
}

/// What the head of a response says about the bytes behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing<'h> {
    /// Where the body ends.
    pub delimited: Delimited,
    /// What was done to the body beside chunking it.
    pub codings: Codings<'h>,
    /// Whether the connection can be used again once the body has been read.
    pub persists: bool,
}

impl<'h> Framing<'h> {
    /// The framing of a final response, which is one whose status is not 1xx.
    pub fn of(head: &Head<'h>, to: AnswerTo) -> Result<Self, Malformed> {
        let told = Told::by(head);
        let mut codings = Codings::default();
        let delimited = if to == AnswerTo::Head || matches!(head.status, 204 | 304) {
            Delimited::Absent
        } else if let Some(last) = told.last_codings {
            if head.version == HttpVersion::Http10 {
                return Err(Malformed::TransferEncoding);
            }
            let chunked = is_chunked(last);
            codings = Codings::of(head, chunked)?;
            if chunked { Delimited::Chunked } else { Delimited::UntilClose }
        } else {
            match told.length {
                Length::Untold => Delimited::UntilClose,
                Length::Told(length) => Delimited::Length(length),
                Length::Nonsense => return Err(Malformed::ContentLength),
            }
        };
        let stays = !told.close && (head.version != HttpVersion::Http10 || told.keep_alive);
        Ok(Self { delimited, codings, persists: stays && delimited != Delimited::UntilClose })
    }
}

/// What the fields say that framing depends on, collected in one pass.
#[derive(Default)]
struct Told<'h> {
    close: bool,
    keep_alive: bool,
    length: Length,
    /// The value of the last `transfer-encoding`.
    last_codings: Option<&'h [u8]>,
}

impl<'h> Told<'h> {
    fn by(head: &Head<'h>) -> Self {
        let mut told = Self::default();
        for field in head.fields {
            let name = field.name.as_bytes();
            if is_word(name, b"connection") {
                told.hear_connection(field.value);
            } else if is_word(name, b"content-length") {
                told.length = told.length.and(field.value);
            } else if is_word(name, b"transfer-encoding") {
                told.last_codings = Some(field.value);
            }
        }
        told
    }

    /// Notes the options in a `connection` field. Ones with bytes beyond ASCII say nothing, as in hyper.
    fn hear_connection(&mut self, options: &[u8]) {
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

/// What `content-length` says.
#[derive(Default, Clone, Copy)]
enum Length {
    #[default]
    Untold,
    Told(u64),
    Nonsense,
}

impl Length {
    /// What it says with one more value, which may be a list: the same number any number of times is that number.
    fn and(self, value: &[u8]) -> Self {
        parts(value).fold(self, |length, part| match (length, decimal(part)) {
            (Self::Untold, Some(new)) => Self::Told(new),
            (Self::Told(old), Some(new)) if old == new => length,
            _ => Self::Nonsense,
        })
    }
}

/// A number of decimal digits alone, without a sign.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// The parts of a list, which commas separate, without the blanks around them.
fn parts(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// Whether `bytes`, from a head, are that word of lower-case letters and hyphens, in any case.
///
/// Setting one bit makes a letter lower-case. It leaves the hyphen, and makes a hyphen of the carriage return only, which is in no head's names and values. Unlike
/// `eq_ignore_ascii_case` this becomes a few comparisons of whole words.
fn is_word<const N: usize>(bytes: &[u8], word: &[u8; N]) -> bool {
    <&[u8; N]>::try_from(bytes)
        .is_ok_and(|bytes| (0..N).fold(0, |unlike, i| unlike | ((bytes[i] | 0x20) ^ word[i])) == 0)
}

/// Whether the last transfer coding of all is chunked; `last` is the last field's value.
fn is_chunked(last: &[u8]) -> bool {
    last.is_ascii() && parts(last).last().is_some_and(|name| is_word(name, b"chunked"))
}

/// The names of the transfer codings that are still on a body after it was unchunked, in the order in which the server applied them. They are undone like content codings,
/// the last one first.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Codings<'h> {
    names: [&'h [u8]; MAX_CODINGS],
    len: usize,
}

impl<'h> Codings<'h> {
    /// The names as the server wrote them.
    #[must_use]
    pub fn names(&self) -> &[&'h [u8]] {
        &self.names[..self.len]
    }

    /// All but the last when `chunked`, and but `identity`, which stands for none.
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
