//! The errors of reading a response, each with a message for people.

use super::limits::{
    MAX_CODINGS, MAX_EXTENSIONS, MAX_FIELDS, MAX_HEAD, MAX_INTERIM, MAX_SIZE_LINE, MAX_TRAILERS,
};

/// Why the bytes that came are not a response, or not one that can be read.
///
/// The connection cannot be used again, since nobody knows where the next response would begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The response does not begin with `HTTP/1.0` or `HTTP/1.1`.
    #[error("the response does not begin with HTTP/1.0 or HTTP/1.1")]
    Version,
    /// The status is not a number from 100 to 999, or the reason behind it has forbidden bytes.
    #[error("the response's status line is malformed")]
    Status,
    /// A line begins with a carriage return that no line feed follows.
    #[error("a line of the response's head begins with a carriage return without a line feed")]
    NewLine,
    /// The name of a field is empty or has forbidden bytes. Spaces are forbidden, also before the colon and at
    /// the beginning of the line.
    #[error("the name of a header field is malformed")]
    FieldName,
    /// The value of a field has forbidden bytes, which are control characters.
    #[error("the value of a header field is malformed")]
    FieldValue,
    /// The head is larger than [`MAX_HEAD`].
    #[error("the response's head is larger than {MAX_HEAD} bytes")]
    HeadTooLarge,
    /// The head has more fields than [`MAX_FIELDS`].
    #[error("the response has more than {MAX_FIELDS} header fields")]
    TooManyFields,
    /// More 1xx responses than [`MAX_INTERIM`] came before the final one.
    #[error("more than {MAX_INTERIM} interim responses came before the final one")]
    TooManyInterim,
    /// The status is 101, which only answers a request for an upgrade.
    #[error("the server switched to another protocol, which was not requested")]
    Upgrade,
    /// `content-length` is not a number, does not fit into 64 bits, or has several different values.
    #[error("the response's content-length is not a number, or has several different values")]
    ContentLength,
    /// An HTTP/1.0 response has a `transfer-encoding`, which that version does not have.
    #[error("the response has a transfer-encoding although it is HTTP/1.0")]
    TransferEncoding,
    /// The body has more transfer codings than [`MAX_CODINGS`], not counting the last one if it is chunked.
    #[error("the response has more than {MAX_CODINGS} transfer codings")]
    TooManyCodings,
    /// The line with the size of a chunk has no size, or has something beside it that is not allowed.
    #[error("the size of a chunk of the body is malformed")]
    ChunkSize,
    /// The size of a chunk does not fit into 64 bits.
    #[error("the size of a chunk of the body does not fit into 64 bits")]
    ChunkSizeOverflow,
    /// The size of a chunk has more characters than [`MAX_SIZE_LINE`], with zeros and blanks.
    #[error("the size of a chunk of the body is written with more than {MAX_SIZE_LINE} characters")]
    ChunkSizeTooLong,
    /// A chunk extension has a line feed, or all of them together have reached [`MAX_EXTENSIONS`].
    #[error(
        "the chunk extensions of the body are malformed or have {MAX_EXTENSIONS} bytes or more"
    )]
    ChunkExtensions,
    /// No line break follows a chunk.
    #[error("a chunk of the body does not end after its announced size")]
    ChunkEnd,
    /// A trailer does not have the form of a field that ends with a carriage return and a line feed.
    #[error("the trailers of the body are malformed")]
    Trailer,
    /// The trailers together have reached [`MAX_TRAILERS`].
    #[error("the trailers of the body have {MAX_TRAILERS} bytes or more")]
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
            // Only requests have tokens.
            httparse::Error::Status | httparse::Error::Token => Self::Status,
        }
    }
}
