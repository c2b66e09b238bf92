//! Parses the head of a response: its status line and its header fields.
//!
//! It accepts what httparse accepts by default, and so what hyper's client accepts: a line may end with a line
//! feed alone, empty lines may come first, and the reason may be missing. It refuses folded lines and spaces
//! around a field's name.

use super::limits::{MAX_FIELDS, MAX_HEAD};
use super::malformed::Malformed;
use crate::http::detail::HttpVersion;
use httparse::{Header, ParserConfig, Response, Status};
use memchr::memchr;
use std::mem::MaybeUninit;

/// How many fields are parsed without an allocation. Most servers send about ten; those behind several
/// proxies send about forty.
const SLOTS: usize = 64;

/// The head of a response, as a view into the bytes that hold it.
#[derive(Debug, Clone, Copy)]
pub struct Head<'h> {
    /// The status code, from 100 to 999.
    pub status: u16,
    /// The version, which is HTTP/1.0 or HTTP/1.1.
    pub version: HttpVersion,
    /// The fields in the order in which they came. A name is as the server wrote it; a value has no white
    /// space around it.
    pub fields: &'h [Header<'h>],
}

impl<'h> Head<'h> {
    /// Gives the values of all fields of that name, in whatever case the two are written.
    pub fn values<'n>(&self, name: &'n str) -> impl Iterator<Item = &'h [u8]> + use<'h, 'n> {
        self.fields.iter().filter(move |f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value)
    }

    /// Gives the value of the first field of that name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'h [u8]> {
        self.values(name).next()
    }
}

/// Parses the head at the beginning of `bytes` and gives it to `then`, with its length. Gives none, without a
/// call, when the head is not complete.
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

/// Does as [`parse`] for a head that has more than [`SLOTS`] fields.
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

/// Keeps a head that is not complete yet.
///
/// The search for the end of the head goes on where it stopped. So the work grows with the length of the head,
/// even when it comes byte by byte.
#[derive(Debug, Default)]
pub(super) struct Partial {
    at: At,
    /// How many bytes have come since the last head ended. Empty lines before this head count, but are not
    /// kept.
    len: usize,
    /// The head, from its first byte to the last that has come.
    kept: Vec<u8>,
}

/// Where the search is, after the last byte it has seen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the head: there was no byte, or it ended an empty line.
    #[default]
    Before,
    /// Before the head, after the carriage return of an empty line.
    BeforeReturn,
    /// Within a line of the head.
    Line,
    /// After the line feed that ends a line of the head.
    LineEnd,
    /// After a carriage return at the beginning of a line of the head.
    Return,
}

impl Partial {
    /// Whether no byte of the head has come, so that the head can be parsed in the caller's buffer.
    pub(super) fn is_empty(&self) -> bool {
        self.at == At::Before
    }

    /// Whether no byte has come at all since the last head ended.
    pub(super) fn is_new(&self) -> bool {
        self.is_empty() && self.len == 0
    }

    /// Gives the bytes of the head that have come.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Checks the size of a head of `len` bytes that was parsed in the caller's buffer, and begins anew.
    pub(super) fn skip(&mut self, len: usize) -> Result<(), Malformed> {
        let whole = self.len + len;
        self.len = 0;
        if whole > MAX_HEAD { Err(Malformed::HeadTooLarge) } else { Ok(()) }
    }

    /// Takes from `bytes` what belongs to the head. Gives whether the head is complete now.
    pub(super) fn take(&mut self, bytes: &mut &[u8]) -> Result<bool, Malformed> {
        let given = *bytes;
        let (head, end) = self.search(given)?;
        let taken = end.unwrap_or(given.len());
        self.len += taken;
        if self.len > MAX_HEAD || (end.is_none() && self.len == MAX_HEAD) {
            return Err(Malformed::HeadTooLarge);
        }
        self.keep(&given[head..taken]);
        *bytes = &given[taken..];
        Ok(end.is_some())
    }

    /// Keeps more of the head. It grows as a `Vec` does, but never beyond what a head may have.
    fn keep(&mut self, part: &[u8]) {
        let len = self.kept.len();
        if self.kept.capacity() - len < part.len() {
            let wanted = (2 * len).clamp(len + part.len(), MAX_HEAD);
            self.kept.reserve_exact(wanted - len);
        }
        self.kept.extend_from_slice(part);
    }

    /// Finds where in `given` the head begins or goes on, and where it ends, if it does.
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

/// Counts the bytes that this thread has searched and parsed, to test that the work is linear.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, version and fields of a head, and how long it is.
    type Parsed = (u16, HttpVersion, Vec<(String, Vec<u8>)>, usize);

    fn parsed(bytes: &[u8]) -> Result<Option<Parsed>, Malformed> {
        parse(bytes, |head, len| {
            let fields = head.fields.iter().map(|f| (f.name.to_owned(), f.value.to_vec()));
            (head.status, head.version, fields.collect(), len)
        })
    }

    /// A head of `count` fields.
    fn with_fields(count: usize) -> Vec<u8> {
        let fields = (0..count).map(|i| format!("x-{i}: {i}\r\n"));
        let fields = fields.collect::<Vec<_>>().concat();
        format!("HTTP/1.1 200 OK\r\n{fields}\r\n").into_bytes()
    }

    #[test]
    fn a_head_is_told_apart_from_what_follows_it() {
        let bytes = b"HTTP/1.0 404 Not Found\r\nServer:  a \t\r\nX:\r\n\r\nbody";
        let fields = vec![("Server".to_owned(), b"a".to_vec()), ("X".to_owned(), Vec::new())];
        assert_eq!(parsed(bytes), Ok(Some((404, HttpVersion::Http10, fields, bytes.len() - 4))));
    }

    #[test]
    fn fields_are_found_by_a_name_in_any_case() {
        let found = parse(b"HTTP/1.1 200 OK\r\nA: 1\r\nb: 2\r\na: 3\r\n\r\n", |head, _| {
            let all = head.values("A").map(<[u8]>::to_vec).collect::<Vec<_>>();
            (all, head.value("B").map(<[u8]>::to_vec), head.value("c").is_some())
        });
        let all = vec![b"1".to_vec(), b"3".to_vec()];
        assert_eq!(found, Ok(Some((all, Some(b"2".to_vec()), false))));
    }

    #[test]
    fn heads_that_are_a_little_wrong_are_accepted() {
        for (what, bytes) in [
            ("no reason", "HTTP/1.1 200 \r\n\r\n"),
            ("no reason and no space", "HTTP/1.1 200\r\n\r\n"),
            ("a reason beyond ASCII", "HTTP/1.1 200 d\u{e9}j\u{e0} vu\r\n\r\n"),
            ("lone line feeds", "HTTP/1.1 200 OK\na: b\n\n"),
            ("both kinds of line breaks", "HTTP/1.1 200 OK\r\na: b\n\r\n"),
            ("empty lines before it", "\r\n\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
            ("no space after the colon", "HTTP/1.1 200 OK\r\na:b\r\n\r\n"),
            ("a value beyond ASCII", "HTTP/1.1 200 OK\r\na: \u{fc}\r\n\r\n"),
        ] {
            let found = parsed(bytes.as_bytes());
            assert!(
                matches!(found, Ok(Some((200, _, _, len))) if len == bytes.len()),
                "{what}: {found:?}"
            );
        }
    }

    #[test]
    fn heads_that_are_wrong_are_refused() {
        for (bytes, error) in [
            ("SSH-2.0-OpenSSH_9.2\r\n", Malformed::Version),
            ("HTTP/2.0 200 OK\r\n\r\n", Malformed::Version),
            ("HTTP/0.9 200 OK\r\n\r\n", Malformed::Version),
            ("http/1.1 200 OK\r\n\r\n", Malformed::Version),
            (" HTTP/1.1 200 OK\r\n\r\n", Malformed::Version),
            ("HTTP/1.1  200 OK\r\n\r\n", Malformed::Status),
            ("HTTP/1.1 20 OK\r\n\r\n", Malformed::Status),
            ("HTTP/1.1 2000 OK\r\n\r\n", Malformed::Status),
            ("HTTP/1.1 099 OK\r\n\r\n", Malformed::Status),
            ("HTTP/1.1 200 O\u{1}K\r\n\r\n", Malformed::Status),
            ("HTTP/1.1 200 OK\rX", Malformed::Status),
            ("\rHTTP/1.1 200 OK\r\n\r\n", Malformed::NewLine),
            ("HTTP/1.1 200 OK\r\na: b\r\n\rX", Malformed::NewLine),
            ("HTTP/1.1 200 OK\r\n: b\r\n\r\n", Malformed::FieldName),
            ("HTTP/1.1 200 OK\r\na : b\r\n\r\n", Malformed::FieldName),
            ("HTTP/1.1 200 OK\r\n a: b\r\n\r\n", Malformed::FieldName),
            ("HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n", Malformed::FieldName),
            ("HTTP/1.1 200 OK\r\na b\r\n\r\n", Malformed::FieldName),
            ("HTTP/1.1 200 OK\r\n\u{e4}: b\r\n\r\n", Malformed::FieldName),
            ("HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n", Malformed::FieldValue),
            ("HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n", Malformed::FieldValue),
            ("HTTP/1.1 200 OK\r\na: \u{7f}\r\n\r\n", Malformed::FieldValue),
        ] {
            assert_eq!(parsed(bytes.as_bytes()), Err(error), "{bytes:?}");
        }
    }

    #[test]
    fn every_beginning_of_a_head_is_incomplete() {
        let bytes = b"\r\nHTTP/1.1 200 OK\r\nA: b\r\nC: d\n\r\n";
        for len in 0..bytes.len() {
            assert_eq!(parsed(&bytes[..len]), Ok(None), "{len} bytes");
        }
        assert!(matches!(parsed(bytes), Ok(Some(_))));
    }

    #[test]
    fn a_head_may_have_many_fields_up_to_the_limit() {
        for count in [0, 1, SLOTS, SLOTS + 1, 101, MAX_FIELDS] {
            let bytes = with_fields(count);
            let Ok(Some((_, _, fields, len))) = parsed(&bytes) else { panic!("{count} fields") };
            assert_eq!((fields.len(), len), (count, bytes.len()));
            let last = fields.last().map(|(name, _)| name.clone());
            assert_eq!(last, count.checked_sub(1).map(|i| format!("x-{i}")));
        }
        assert_eq!(parsed(&with_fields(MAX_FIELDS + 1)), Err(Malformed::TooManyFields));
    }

    /// Hands `bytes` to a partial head in pieces of `size`; how many it took if the head is complete, and what it kept.
    fn taken(bytes: &[u8], size: usize) -> Result<(Option<usize>, Vec<u8>), Malformed> {
        let mut partial = Partial::default();
        let mut taken = 0;
        for piece in bytes.chunks(size) {
            let mut rest = piece;
            let complete = partial.take(&mut rest)?;
            taken += piece.len() - rest.len();
            if complete {
                return Ok((Some(taken), partial.kept().to_vec()));
            }
            assert!(rest.is_empty(), "an incomplete head leaves bytes");
        }
        Ok((None, partial.kept().to_vec()))
    }

    #[test]
    fn the_end_of_a_head_is_found_however_it_is_cut() {
        for (bytes, head) in [
            ("HTTP/1.1 200 OK\r\na: b\r\n\r\nbody", 0..25),
            ("HTTP/1.1 200 OK\na: b\n\nbody", 0..22),
            ("HTTP/1.1 200 OK\n\r\nbody", 0..18),
            ("HTTP/1.1 200 OK\r\n\nbody", 0..18),
            ("\r\n\n\r\nHTTP/1.1 200 OK\r\n\r\n\r\n", 5..24),
            ("a\rb\n\rc\r\n\r\n\r\n", 0..10),
        ] {
            for size in 1..=bytes.len() {
                let found = taken(bytes.as_bytes(), size);
                let expected = (Some(head.end), bytes.as_bytes()[head.clone()].to_vec());
                assert_eq!(found, Ok(expected), "{bytes:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn an_empty_line_before_a_head_needs_its_line_feed() {
        for size in 1..=3 {
            assert_eq!(taken(b"\r\n\rX", size), Err(Malformed::NewLine), "pieces of {size}");
        }
    }

    #[test]
    fn a_head_of_the_largest_size_is_taken_and_no_larger_one() {
        assert_eq!(MAX_HEAD, 417_792, "what hyper's client has by default");
        let head = |len: usize| {
            let mut bytes = b"\r\nHTTP/1.1 200 OK\r\na: ".to_vec();
            bytes.resize(len - 4, b'b');
            bytes.extend(b"\r\n\r\n");
            bytes
        };
        for size in [1000, 4096, MAX_HEAD, 2 * MAX_HEAD] {
            let (end, kept) = taken(&head(MAX_HEAD), size).unwrap();
            assert_eq!((end, kept.len()), (Some(MAX_HEAD), MAX_HEAD - 2), "pieces of {size}");
            assert_eq!(taken(&head(MAX_HEAD + 1), size), Err(Malformed::HeadTooLarge));
        }
        let mut partial = Partial::default();
        for mut piece in head(MAX_HEAD).chunks(100_000) {
            partial.take(&mut piece).unwrap();
            assert!(partial.kept.capacity() <= MAX_HEAD, "{}", partial.kept.capacity());
        }
        assert_eq!(Partial::default().skip(MAX_HEAD), Ok(()));
        assert_eq!(Partial::default().skip(MAX_HEAD + 1), Err(Malformed::HeadTooLarge));
    }

    #[test]
    fn endless_empty_lines_reach_the_limit_and_are_not_kept() {
        let mut partial = Partial::default();
        let mut came = 0;
        let error = loop {
            let mut bytes = &b"\r\n\n"[..];
            came += bytes.len();
            match partial.take(&mut bytes) {
                Ok(complete) => assert!(!complete && partial.kept().is_empty()),
                Err(e) => break e,
            }
        };
        assert_eq!((error, came), (Malformed::HeadTooLarge, MAX_HEAD.next_multiple_of(3)));
    }
}
