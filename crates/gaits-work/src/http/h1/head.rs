//! The head of a response: its status line and its header fields.
//!
//! Accepts what httparse accepts by default: a lone line feed ends a line too, empty lines may precede the status line, the reason may be missing. Refuses
//! folded lines and spaces around a field's name.

use super::malformed::Malformed;
use gaits_core::HttpVersion;
use httparse::{Header, ParserConfig, Response, Status};
use memchr::memchr;
use std::mem::MaybeUninit;

/// The largest head in bytes, with the empty lines before it and the one that ends it. It is how much hyper's client holds of a head that is not complete.
pub const MAX_HEAD: usize = 8 * 1024 + 400 * 1024;

/// The most header fields that a head may have.
pub const MAX_FIELDS: usize = 4096;

/// So many fields are parsed without an allocation. Servers send some ten, those behind many proxies some forty.
const SLOTS: usize = 64;

/// The head of a response, as a view into the bytes that hold it.
#[derive(Debug, Clone, Copy)]
pub struct Head<'h> {
    /// From 100 to 999.
    pub status: u16,
    /// Either HTTP/1.0 or HTTP/1.1.
    pub version: HttpVersion,
    /// In the order they came, names as the server wrote them, values without the white space around them.
    pub fields: &'h [Header<'h>],
}

impl<'h> Head<'h> {
    /// The values of all fields of that name, which may be written in any case.
    pub fn values<'n>(&self, name: &'n str) -> impl Iterator<Item = &'h [u8]> + use<'h, 'n> {
        self.fields.iter().filter(move |f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value)
    }

    /// The value of the first field of that name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'h [u8]> {
        self.values(name).next()
    }
}

/// Parses the head at the beginning of `bytes` and gives it to `then`, with its length; none if it is not complete.
pub(super) fn parse<T>(
    bytes: &[u8],
    then: impl FnOnce(&Head<'_>, usize) -> T,
) -> Result<Option<T>, Malformed> {
    let mut slots = [const { MaybeUninit::uninit() }; SLOTS];
    match parse_into(bytes, &mut slots) {
        Ok(None) => Ok(None),
        Ok(Some((head, len))) => Ok(Some(then(&head, len))),
        Err(Malformed::TooManyFields) => parse_many(bytes, then),
        Err(e) => Err(e),
    }
}

/// As [`parse`], for a head that has more than [`SLOTS`] fields.
#[cold]
fn parse_many<T>(
    bytes: &[u8],
    then: impl FnOnce(&Head<'_>, usize) -> T,
) -> Result<Option<T>, Malformed> {
    let mut slots = Box::new_uninit_slice(MAX_FIELDS);
    Ok(parse_into(bytes, &mut slots)?.map(|(head, len)| then(&head, len)))
}

fn parse_into<'h>(
    bytes: &'h [u8],
    slots: &'h mut [MaybeUninit<Header<'h>>],
) -> Result<Option<(Head<'h>, usize)>, Malformed> {
    let mut response = Response::new(&mut []);
    let parsed =
        ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, slots);
    #[cfg(test)]
    scanned::add(match parsed {
        Ok(Status::Complete(len)) => len,
        _ => bytes.len(),
    });
    let Status::Complete(len) = parsed? else { return Ok(None) };
    let status = response.code.filter(|status| *status >= 100).ok_or(Malformed::Status)?;
    let version =
        if response.version == Some(0) { HttpVersion::Http10 } else { HttpVersion::Http11 };
    Ok(Some((Head { status, version, fields: response.headers }, len)))
}

/// What has come of a head that is not complete yet.
///
/// The search for the head's end goes on where it stopped, so a head that comes byte by byte costs no more than three looks at each byte.
#[derive(Debug, Default)]
pub(super) struct Partial {
    at: At,
    /// How many bytes have come since the last head ended, with empty lines that are not kept.
    len: usize,
    /// The head from its first byte on.
    kept: Vec<u8>,
}

/// What the last byte looked at was.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    /// It ended an empty line before the head, or there was none.
    #[default]
    Before,
    /// The carriage return of an empty line before the head.
    BeforeReturn,
    /// It lies within a line of the head.
    Line,
    /// It ended a line.
    LineEnd,
    /// A carriage return that begins a line.
    Return,
}

impl Partial {
    /// Whether the head's first byte is still to come, so that it may be parsed where it lies.
    pub(super) fn is_empty(&self) -> bool {
        self.at == At::Before
    }

    /// The head as far as it has come.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Says that a head of `len` bytes was found without being kept here.
    pub(super) fn found(&mut self, len: usize) -> Result<(), Malformed> {
        let whole = self.len + len;
        self.len = 0;
        if whole > MAX_HEAD { Err(Malformed::HeadTooLarge) } else { Ok(()) }
    }

    /// Takes from `bytes` what belongs to the head; whether the head is complete now.
    pub(super) fn take(&mut self, bytes: &mut &[u8]) -> Result<bool, Malformed> {
        let given = *bytes;
        let (head, end) = self.search(given)?;
        let taken = end.unwrap_or(given.len());
        self.len += taken;
        if self.len > MAX_HEAD || (end.is_none() && self.len == MAX_HEAD) {
            return Err(Malformed::HeadTooLarge);
        }
        self.kept.extend_from_slice(&given[head..taken]);
        *bytes = &given[taken..];
        Ok(end.is_some())
    }

    /// Where in `given` the head begins or goes on, and where it ends if it does.
    fn search(&mut self, given: &[u8]) -> Result<(usize, Option<usize>), Malformed> {
        let mut head = 0;
        let mut next = 0;
        while let Some(&byte) = given.get(next) {
            self.at = match (self.at, byte) {
                (At::Before | At::BeforeReturn, b'\n') => {
                    head = next + 1;
                    At::Before
                }
                (At::Before, b'\r') => {
                    head = next + 1;
                    At::BeforeReturn
                }
                (At::BeforeReturn, _) => return Err(Malformed::NewLine),
                (At::LineEnd | At::Return, b'\n') => return Ok((head, Some(next + 1))),
                (At::LineEnd, b'\r') => At::Return,
                (At::Before | At::Line | At::LineEnd | At::Return, _) => {
                    let feed = memchr(b'\n', &given[next..]);
                    #[cfg(test)]
                    scanned::add(feed.map_or(given.len() - next, |distance| distance + 1));
                    next = feed.map_or(given.len(), |distance| next + distance);
                    if feed.is_some() { At::LineEnd } else { At::Line }
                }
            };
            next += 1;
        }
        Ok((head, None))
    }
}

/// Counts the bytes that this thread has looked at, for the tests that the work is linear.
#[cfg(test)]
pub(super) mod scanned {
    use std::cell::Cell;

    thread_local!(static BYTES: Cell<usize> = const { Cell::new(0) });

    pub(in super::super) fn add(bytes: usize) {
        BYTES.set(BYTES.get() + bytes);
    }

    pub(in super::super) fn total() -> usize {
        BYTES.get()
    }
}
