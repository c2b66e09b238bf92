//! Takes the body of a response out of its framing, piece by piece.
//!
//! The pieces are views into the bytes that come; nothing is copied or kept. Limit: trailers are checked and
//! dropped.

use super::chars::{is_token, is_value};
use super::framing::Delimited;
use super::limits::{MAX_EXTENSIONS, MAX_SIZE_LINE, MAX_TRAILERS};
use super::malformed::Malformed;

/// Takes a body out of its framing.
#[derive(Debug)]
pub struct Body(State);

#[derive(Debug)]
enum State {
    Done,
    Length(u64),
    UntilClose,
    Chunked(Chunked),
}

impl Body {
    /// Prepares for the first byte of a body that is delimited in this way.
    #[must_use]
    pub fn new(delimited: Delimited) -> Self {
        Self(match delimited {
            Delimited::Absent | Delimited::Length(0) => State::Done,
            Delimited::Length(length) => State::Length(length),
            Delimited::UntilClose => State::UntilClose,
            Delimited::Chunked => State::Chunked(Chunked::default()),
        })
    }

    /// Takes the next piece of data from `bytes`, and shortens `bytes` by what it used. Gives none when `bytes`
    /// is used up or the body [is done](Self::is_done). A piece is never empty.
    pub fn take<'b>(&mut self, bytes: &mut &'b [u8]) -> Result<Option<&'b [u8]>, Malformed> {
        if bytes.is_empty() {
            return Ok(None);
        }
        match &mut self.0 {
            State::Done => Ok(None),
            State::Length(left) => {
                let data = split_at_most(bytes, *left);
                *left -= data.len() as u64;
                if *left == 0 {
                    self.0 = State::Done;
                }
                Ok(Some(data))
            }
            State::UntilClose => Ok(Some(std::mem::take(bytes))),
            State::Chunked(chunked) => {
                let data = chunked.take(bytes)?;
                if chunked.at == At::Done {
                    self.0 = State::Done;
                }
                Ok(data)
            }
        }
    }

    /// Whether all of the body has come. Bytes that follow are not part of the response.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.0, State::Done)
    }

    /// Gives how many bytes are still to come, if the server has announced it.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        match self.0 {
            State::Done => Some(0),
            State::Length(left) => Some(left),
            State::UntilClose | State::Chunked(_) => None,
        }
    }

    /// Tells the body that the connection has ended. Gives whether all of the body has come.
    pub fn close(&mut self) -> bool {
        if let State::UntilClose = self.0 {
            self.0 = State::Done;
        }
        self.is_done()
    }
}

/// Splits at most `most` bytes off the beginning of `bytes`.
fn split_at_most<'b>(bytes: &mut &'b [u8], most: u64) -> &'b [u8] {
    let len = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
    let (first, rest) = bytes.split_at(len);
    *bytes = rest;
    first
}

/// The state of a chunked body between two bytes.
#[derive(Debug, Default)]
struct Chunked {
    at: At,
    /// The size of the chunk as far as it was read, then how much of the chunk is still to come.
    left: u64,
    /// How many characters the size of this chunk was written with so far.
    line: u32,
    /// How many bytes the chunk extensions of the body had so far.
    extensions: u32,
    /// How many bytes have come after the line of the last chunk.
    trailers: u32,
}

/// What the next byte is part of.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The first digit of a chunk's size.
    #[default]
    Start,
    Size,
    /// The blanks after a chunk's size.
    Blanks,
    Extension,
    SizeFeed,
    Data,
    DataReturn,
    DataFeed,
    /// The beginning of a trailer, or of the empty line that ends the body.
    Last,
    TrailerName,
    TrailerValue,
    TrailerFeed,
    LastFeed,
    Done,
}

impl Chunked {
    fn take<'b>(&mut self, bytes: &mut &'b [u8]) -> Result<Option<&'b [u8]>, Malformed> {
        loop {
            match self.at {
                At::Data if bytes.is_empty() => return Ok(None),
                At::Data => {
                    let data = split_at_most(bytes, self.left);
                    self.left -= data.len() as u64;
                    if self.left == 0 {
                        self.at = At::DataReturn;
                    }
                    return Ok(Some(data));
                }
                At::Done => return Ok(None),
                _ => {
                    let Some((byte, rest)) = bytes.split_first() else { return Ok(None) };
                    self.at = self.after(*byte)?;
                    *bytes = rest;
                }
            }
        }
    }

    /// Looks at `byte`, which is not data, and gives what the byte after it is part of.
    fn after(&mut self, byte: u8) -> Result<At, Malformed> {
        Ok(match self.at {
            At::Start => {
                self.left = 0;
                self.line = 0;
                self.digit(byte)?;
                At::Size
            }
            At::Size | At::Blanks => match byte {
                b'\r' => At::SizeFeed,
                b';' => At::Extension,
                b' ' | b'\t' => {
                    self.count_in_line()?;
                    At::Blanks
                }
                _ if self.at == At::Size => {
                    self.digit(byte)?;
                    At::Size
                }
                _ => return Err(Malformed::ChunkSize),
            },
            At::Extension => match byte {
                b'\r' => At::SizeFeed,
                b'\n' => return Err(Malformed::ChunkExtensions),
                _ => {
                    self.extensions += 1;
                    if self.extensions == MAX_EXTENSIONS {
                        return Err(Malformed::ChunkExtensions);
                    }
                    At::Extension
                }
            },
            At::SizeFeed => {
                let next = if self.left == 0 { At::Last } else { At::Data };
                expect(byte, b'\n', next, Malformed::ChunkSize)?
            }
            At::DataReturn => expect(byte, b'\r', At::DataFeed, Malformed::ChunkEnd)?,
            At::DataFeed => expect(byte, b'\n', At::Start, Malformed::ChunkEnd)?,
            At::Last | At::TrailerName | At::TrailerValue | At::TrailerFeed | At::LastFeed => {
                self.trailers += 1;
                if self.trailers == MAX_TRAILERS {
                    return Err(Malformed::TrailersTooLarge);
                }
                self.after_last_chunk(byte)?
            }
            // `take` does not come here in these two states.
            At::Data | At::Done => self.at,
        })
    }

    fn after_last_chunk(&self, byte: u8) -> Result<At, Malformed> {
        match (self.at, byte) {
            (At::Last, b'\r') => Ok(At::LastFeed),
            (At::LastFeed, b'\n') => Ok(At::Done),
            (At::Last | At::TrailerName, byte) if is_token(byte) => Ok(At::TrailerName),
            (At::TrailerName, b':') => Ok(At::TrailerValue),
            (At::TrailerValue, b'\r') => Ok(At::TrailerFeed),
            (At::TrailerValue, byte) if is_value(byte) => Ok(At::TrailerValue),
            (At::TrailerFeed, b'\n') => Ok(At::Last),
            _ => Err(Malformed::Trailer),
        }
    }

    /// Adds a hexadecimal digit to the size of a chunk.
    fn digit(&mut self, byte: u8) -> Result<(), Malformed> {
        let digit = char::from(byte).to_digit(16).ok_or(Malformed::ChunkSize)?;
        self.left = self.left.checked_mul(16).ok_or(Malformed::ChunkSizeOverflow)?;
        self.left += u64::from(digit);
        self.count_in_line()
    }

    fn count_in_line(&mut self) -> Result<(), Malformed> {
        self.line += 1;
        if self.line > MAX_SIZE_LINE { Err(Malformed::ChunkSizeTooLong) } else { Ok(()) }
    }
}

/// Gives `next` if `byte` is the wanted one.
fn expect(byte: u8, wanted: u8, next: At, error: Malformed) -> Result<At, Malformed> {
    if byte == wanted { Ok(next) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What came of a body and of the bytes behind it.
    #[derive(Debug, PartialEq, Eq)]
    enum Outcome {
        Whole { data: Vec<u8>, unused: usize },
        Cut { data: Vec<u8> },
        Malformed(Malformed),
    }

    fn whole(data: &[u8], unused: usize) -> Outcome {
        Outcome::Whole { data: data.to_vec(), unused }
    }

    fn cut(data: &[u8]) -> Outcome {
        Outcome::Cut { data: data.to_vec() }
    }

    /// Hands `bytes` to a body in pieces of `size`, then closes.
    fn read(delimited: Delimited, bytes: &[u8], size: usize) -> Outcome {
        let mut body = Body::new(delimited);
        let mut data = Vec::new();
        let mut used = 0;
        for piece in bytes.chunks(size) {
            let mut rest = piece;
            loop {
                match body.take(&mut rest) {
                    Ok(None) => break,
                    Ok(Some(piece)) => {
                        assert!(!piece.is_empty(), "an empty piece of data");
                        data.extend_from_slice(piece);
                    }
                    Err(e) => return Outcome::Malformed(e),
                }
            }
            assert!(rest.is_empty() || body.is_done(), "bytes left for no reason");
            used += piece.len() - rest.len();
        }
        if body.close() {
            Outcome::Whole { data, unused: bytes.len() - used }
        } else {
            Outcome::Cut { data }
        }
    }

    fn assert_reads(delimited: Delimited, bytes: &[u8], expected: &Outcome) {
        for size in [1, 2, 3, 5, 7, 64, usize::MAX] {
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
            let read = read(delimited, bytes, size);
            assert_eq!(&read, expected, "{delimited:?} {shown:?} in pieces of {size}");
        }
    }

    #[test]
    fn a_body_ends_where_its_framing_says() {
        for (delimited, bytes, expected) in [
            (Delimited::Absent, "", whole(b"", 0)),
            (Delimited::Absent, "abc", whole(b"", 3)),
            (Delimited::Length(0), "abc", whole(b"", 3)),
            (Delimited::Length(3), "abc", whole(b"abc", 0)),
            (Delimited::Length(3), "abcde", whole(b"abc", 2)),
            (Delimited::Length(3), "ab", cut(b"ab")),
            (Delimited::Length(3), "", cut(b"")),
            (Delimited::Length(u64::MAX), "abc", cut(b"abc")),
            (Delimited::UntilClose, "", whole(b"", 0)),
            (Delimited::UntilClose, "abc\r\n\r\n", whole(b"abc\r\n\r\n", 0)),
        ] {
            assert_reads(delimited, bytes.as_bytes(), &expected);
        }
    }

    #[test]
    fn chunks_are_put_together() {
        for (bytes, expected) in [
            ("0\r\n\r\n", whole(b"", 0)),
            ("3\r\nabc\r\n0\r\n\r\n", whole(b"abc", 0)),
            ("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nHTTP", whole(b"abcde", 4)),
            ("A\r\n0123456789\r\n0\r\n\r\n", whole(b"0123456789", 0)),
            ("00b\r\n0123456789a\r\n000\r\n\r\n", whole(b"0123456789a", 0)),
            ("3 \t \r\nabc\r\n0 \r\n\r\n", whole(b"abc", 0)),
            ("3;name=\"va\\\"lue\";\u{1}\r\nabc\r\n0;x\r\n\r\n", whole(b"abc", 0)),
            ("3 ; x\r\nabc\r\n0;\r\n\r\n", whole(b"abc", 0)),
            ("3\r\na\r\n\r\n0\r\n\r\n", whole(b"a\r\n", 0)),
            ("0\r\na: b\r\nC:\r\nd:\t\u{e9} f\r\n\r\nX", whole(b"", 1)),
        ] {
            assert_reads(Delimited::Chunked, bytes.as_bytes(), &expected);
        }
    }

    #[test]
    fn a_chunked_body_is_cut_until_its_last_line_break() {
        let bytes = b"2;x\r\nab\r\n01 \r\nc\r\n0\r\nA: b\r\n\r\n";
        for len in 0..bytes.len() {
            let read = read(Delimited::Chunked, &bytes[..len], usize::MAX);
            assert!(matches!(read, Outcome::Cut { .. }), "{len} bytes: {read:?}");
        }
        assert_reads(Delimited::Chunked, bytes, &whole(b"abc", 0));
    }

    #[test]
    fn wrong_chunks_are_refused() {
        for (bytes, error) in [
            ("\r\n", Malformed::ChunkSize),
            (" 3\r\nabc\r\n", Malformed::ChunkSize),
            (";x\r\n", Malformed::ChunkSize),
            ("-1\r\n", Malformed::ChunkSize),
            ("0x3\r\nabc\r\n", Malformed::ChunkSize),
            ("g\r\n", Malformed::ChunkSize),
            ("3\nabc\r\n", Malformed::ChunkSize),
            ("3\rabc", Malformed::ChunkSize),
            ("3 3\r\n", Malformed::ChunkSize),
            ("3 \nabc", Malformed::ChunkSize),
            ("10000000000000000\r\n", Malformed::ChunkSizeOverflow),
            ("fffffffffffffffff\r\n", Malformed::ChunkSizeOverflow),
            ("3;x\nabc\r\n", Malformed::ChunkExtensions),
            ("3;x\ry", Malformed::ChunkSize),
            ("3\r\nabcd\r\n", Malformed::ChunkEnd),
            ("3\r\nabc\n0\r\n\r\n", Malformed::ChunkEnd),
            ("3\r\nabc\rX", Malformed::ChunkEnd),
            ("3\r\nabc0\r\n\r\n", Malformed::ChunkEnd),
            ("0\r\n\n", Malformed::Trailer),
            ("0\r\n\rX", Malformed::Trailer),
            ("0\r\n: b\r\n\r\n", Malformed::Trailer),
            ("0\r\nHTTP/1.1 200 OK\r\n\r\n", Malformed::Trailer),
            ("0\r\na : b\r\n\r\n", Malformed::Trailer),
            ("0\r\na: b\n\r\n", Malformed::Trailer),
            ("0\r\na: \0\r\n\r\n", Malformed::Trailer),
            ("0\r\na: b\r\n c\r\n\r\n", Malformed::Trailer),
        ] {
            let expected = Outcome::Malformed(error);
            assert_reads(Delimited::Chunked, bytes.as_bytes(), &expected);
        }
    }

    #[test]
    fn the_largest_chunk_size_fits() {
        for bytes in ["ffffffffffffffff\r\nab", "0000ffffffffffffffff\r\nab"] {
            assert_reads(Delimited::Chunked, bytes.as_bytes(), &cut(b"ab"));
        }
    }

    #[test]
    fn what_is_not_data_is_bounded() {
        let line = |zeros: usize, blanks: usize| {
            let (zeros, blanks) = ("0".repeat(zeros), " ".repeat(blanks));
            format!("{zeros}1{blanks}\r\na\r\n{zeros}1\r\nb\r\n0\r\n\r\n")
        };
        let most = MAX_SIZE_LINE as usize;
        let extension = |first: usize, second: usize| {
            let (first, second) = ("x".repeat(first), "y".repeat(second));
            format!("1;{first}\r\na\r\n1;{second}\r\nb\r\n0\r\n\r\n")
        };
        let extensions = MAX_EXTENSIONS as usize;
        let trailers = |len: usize| {
            // The bytes around it are eleven.
            format!("1\r\na\r\n1\r\nb\r\n0\r\na: {}\r\nb:\r\n\r\n", "x".repeat(len - 11))
        };
        let trailing = MAX_TRAILERS as usize;
        let ok = whole(b"ab", 0);
        for (bytes, expected) in [
            (line(most - 1, 0), &ok),
            (line(most - 5, 4), &ok),
            (line(most, 0), &Outcome::Malformed(Malformed::ChunkSizeTooLong)),
            (line(most - 5, 5), &Outcome::Malformed(Malformed::ChunkSizeTooLong)),
            (extension(extensions - 1, 0), &ok),
            (extension(extensions - 6, 5), &ok),
            (extension(extensions, 0), &Outcome::Malformed(Malformed::ChunkExtensions)),
            (extension(extensions - 6, 6), &Outcome::Malformed(Malformed::ChunkExtensions)),
            (trailers(trailing - 1), &ok),
            (trailers(trailing), &Outcome::Malformed(Malformed::TrailersTooLarge)),
        ] {
            assert_reads(Delimited::Chunked, bytes.as_bytes(), expected);
        }
    }

    #[test]
    fn data_is_a_view_into_the_given_bytes() {
        let bytes = b"3\r\nabc\r\n0\r\n\r\n";
        let mut rest = &bytes[..];
        let data = Body::new(Delimited::Chunked).take(&mut rest).unwrap().unwrap();
        assert_eq!(data.as_ptr_range(), bytes[3..6].as_ptr_range());
    }

    #[test]
    fn the_rest_is_known_when_the_server_has_told_it() {
        let mut body = Body::new(Delimited::Length(3));
        assert_eq!(body.left(), Some(3));
        body.take(&mut &b"ab"[..]).unwrap();
        assert_eq!(body.left(), Some(1));
        body.take(&mut &b"cd"[..]).unwrap();
        assert_eq!(body.left(), Some(0));
        assert_eq!(Body::new(Delimited::Absent).left(), Some(0));
        assert_eq!(Body::new(Delimited::Chunked).left(), None);
        assert_eq!(Body::new(Delimited::UntilClose).left(), None);
    }
}
