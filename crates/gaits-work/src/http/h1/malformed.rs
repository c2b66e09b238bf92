//! Why the bytes of a response are not HTTP, in a sentence each.

use super::body::{MAX_EXTENSIONS, MAX_SIZE_LINE, MAX_TRAILERS};
use super::framing::MAX_CODINGS;
use super::head::{MAX_FIELDS, MAX_HEAD};
use super::reader::MAX_INTERIM;

/// The bytes that came are not a response, or not one that can be read.
///
/// After it the connection is of no use: where the next response would begin is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Something other than `HTTP/1.0` or `HTTP/1.1` stands at the beginning.
    #[error("the response does not begin with HTTP/1.0 or HTTP/1.1")]
    Version,
    /// The status is not three digits from 100 to 999, or the reason behind it has forbidden bytes.
    #[error("the response's status line is malformed")]
    Status,
    /// A carriage return stands without a line feed where a line of the head begins.
    #[error(
        "a line of the response's head begins with a carriage return that no line feed follows"
    )]
    NewLine,
    /// A field's name is empty or has forbidden bytes; a space before the colon or at the line's beginning is one.
    #[error("the name of a header field is malformed")]
    FieldName,
    /// A field's value has forbidden bytes, such as a control character.
    #[error("the value of a header field is malformed")]
    FieldValue,
    /// The head is larger than [`MAX_HEAD`].
    #[error("the response's head is larger than {MAX_HEAD} bytes")]
    HeadTooLarge,
    /// The head has more fields than [`MAX_FIELDS`].
    #[error("the response has more than {MAX_FIELDS} header fields")]
    TooManyFields,
    /// More 1xx responses than [`MAX_INTERIM`] came before the one that counts.
    #[error("more than {MAX_INTERIM} interim responses came before the response")]
    TooManyInterim,
    /// The status is 101, which only a request for an upgrade allows.
    #[error("the server switched protocols without being asked to")]
    Upgrade,
    /// `content-length` is not a number of bytes, or is several different ones.
    #[error("the response's content-length is not one number of bytes")]
    ContentLength,
    /// An HTTP/1.0 response has a `transfer-encoding`, which that version does not know.
    #[error("the response has a transfer-encoding although it is HTTP/1.0")]
    TransferEncoding,
    /// More transfer codings than [`MAX_CODINGS`] were applied, not counting the last chunked.
    #[error("the response has more than {MAX_CODINGS} transfer codings")]
    TooManyCodings,
    /// The line with a chunk's size holds no size, or something else beside it.
    #[error("the size of a chunk of the body is malformed")]
    ChunkSize,
    /// A chunk's size does not fit into 64 bits.
    #[error("the size of a chunk of the body is larger than 64 bits can hold")]
    ChunkSizeOverflow,
    /// Zeros and blanks make a chunk's size longer than [`MAX_SIZE_LINE`].
    #[error("the size of a chunk of the body is written with more than {MAX_SIZE_LINE} characters")]
    ChunkSizeTooLong,
    /// A line feed stands in a chunk's extensions, or their size has reached [`MAX_EXTENSIONS`].
    #[error("the chunk extensions of the body are malformed or fill {MAX_EXTENSIONS} bytes")]
    ChunkExtensions,
    /// A chunk is not followed by a line break.
    #[error("a chunk of the body is longer than its announced size")]
    ChunkEnd,
    /// A trailer is not a header field, or does not end with a carriage return and a line feed.
    #[error("what follows the last chunk of the body is malformed")]
    Trailer,
    /// The trailers' size has reached [`MAX_TRAILERS`].
    #[error("the trailers of the body fill {MAX_TRAILERS} bytes")]
    TrailersTooLarge,
}

impl From<httparse::Error> for Malformed {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::Version => Self::Version,
            httparse::Error::HeaderName => Self::FieldName,
            httparse::Error::HeaderValue => Self::FieldValue,
            httparse::Error::NewLine => Self::NewLine,
            httparse::Error::TooManyHeaders => Self::TooManyFields,
            // A token is a thing of requests.
            httparse::Error::Status | httparse::Error::Token => Self::Status,
        }
    }
}
