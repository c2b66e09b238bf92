//! HTTP/1.1 as bytes: what a request's head looks like, and what the bytes of a response mean.
//!
//! Everything here is pure: bytes go in and come out, and whoever owns the socket reads, writes and waits. A response is read with [`Reader`], which
//! needs no copy when a head arrives in one piece; a request's head is written with [`write_head`] from the block of fields that [`Prepared`] keeps for its origin.
//!
//! Limit: undoes neither transfer codings other than chunked nor content codings, reads over trailers, and never asks for an upgrade or a tunnel.

mod body;
mod chars;
mod compose;
mod framing;
mod head;
mod malformed;
mod reader;

pub use body::{Body, MAX_EXTENSIONS, MAX_SIZE_LINE, MAX_TRAILERS};
pub use compose::{Prepared, Unsendable, write_head};
pub use framing::{AnswerTo, Codings, Delimited, Framing, MAX_CODINGS};
pub use head::{Head, MAX_FIELDS, MAX_HEAD};
pub use malformed::Malformed;
pub use reader::{End, MAX_INTERIM, Reader};
