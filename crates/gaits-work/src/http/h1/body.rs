//! The body of a response, taken out of its framing piece by piece.
//!
//! Its pieces are views into the bytes that come; nothing is copied or kept. Limit: trailers are checked and read over, nobody is told of them.

use super::chars::{is_token, is_value};
use super::framing::Delimited;
use super::malformed::Malformed;

/// So many bytes the chunk extensions of one body may have, less one. As hyper has it.
pub const MAX_EXTENSIONS: u32 = 16 * 1024;

/// So many bytes the trailers of one body may have, with the empty line behind them, less one. As hyper has it.
pub const MAX_TRAILERS: u32 = 16 * 1024;

/// With so many characters a chunk's size may be written. Some servers fill up with zeros or blanks to a fixed width; without a limit they could send them for ever.
pub const MAX_SIZE_LINE: u32 = 1024;

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
    /// The body of a response whose head says that it ends so.
    #[must_use]
    pub fn new(delimited: Delimited) -> Self {
        Self(match delimited {
            Delimited::Absent | Delimited::Length(0) => State::Done,
            Delimited::Length(length) => State::Length(length),
            Delimited::UntilClose => State::UntilClose,
            Delimited::Chunked => State::Chunked(Chunked::default()),
        })
    }

    /// Takes the next data from the beginning of `bytes`, which it shortens by what it used; none when it can do no more with them: then they are
    /// used up or [`is_done`](Self::is_done).
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

    /// Whether all of it has come. Bytes after that are no part of the response.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.0, State::Done)
    }

    /// How many bytes are still to come, if the server has said so.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        match self.0 {
            State::Done => Some(0),
            State::Length(left) => Some(left),
            State::UntilClose | State::Chunked(_) => None,
        }
    }

    /// Says that no more bytes will come; whether all of the body has.
    pub fn close(&mut self) -> bool {
        if let State::UntilClose = self.0 {
            self.0 = State::Done;
        }
        self.is_done()
    }
}

/// Splits off the beginning of `bytes`, of `most` bytes at most.
fn split_at_most<'b>(bytes: &mut &'b [u8], most: u64) -> &'b [u8] {
    let len = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
    let (first, rest) = bytes.split_at(len);
    *bytes = rest;
    first
}

/// Where a chunked body is at, between two bytes.
#[derive(Debug, Default)]
struct Chunked {
    at: At,
    /// The size of the chunk, while it is read, and then what is left of it.
    left: u64,
    /// The characters of the size's line.
    line: u32,
    extensions: u32,
    trailers: u32,
}

/// What the next byte belongs to.
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
    /// The beginning of a trailer, or of the line break that ends all.
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

    /// What comes after `byte`, which is none of the data.
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
                    self.lengthen_line()?;
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
            // Not asked about these two.
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

    /// Takes a hexadecimal digit of a chunk's size.
    fn digit(&mut self, byte: u8) -> Result<(), Malformed> {
        let digit = char::from(byte).to_digit(16).ok_or(Malformed::ChunkSize)?;
        self.left = self.left.checked_mul(16).ok_or(Malformed::ChunkSizeOverflow)?;
        self.left += u64::from(digit);
        self.lengthen_line()
    }

    fn lengthen_line(&mut self) -> Result<(), Malformed> {
        self.line += 1;
        if self.line > MAX_SIZE_LINE { Err(Malformed::ChunkSizeTooLong) } else { Ok(()) }
    }
}

/// Goes on to `next` if `byte` is the one that must come.
fn expect(byte: u8, wanted: u8, next: At, error: Malformed) -> Result<At, Malformed> {
    if byte == wanted { Ok(next) } else { Err(error) }
}
