//! HTTP/1.1: writes the head of a request, and reads the response to it.
//!
//! `Connection` alone reads, writes and waits. All else is pure: [`Reader`] reads a response from the bytes that come,
//! without a copy when its head arrives in one piece, and [`write_head`] writes the head of a request from the fields
//! that [`Prepared`] keeps for an origin.
//!
//! Limit: undoes no coding but chunked, drops trailers, and supports neither upgrades nor CONNECT.

mod body;
mod chars;
mod compose;
mod connection;
mod framing;
mod head;
mod last_head;
mod limits;
mod malformed;
mod reader;

pub use body::Body;
pub use compose::{Prepared, Unsendable, write_head};
pub(in crate::http) use connection::Connection;
pub use framing::{AnswerTo, Codings, Delimited, Framing};
pub use head::Head;
pub use last_head::LastHead;
pub use limits::{
    MAX_CODINGS, MAX_EXTENSIONS, MAX_FIELDS, MAX_HEAD, MAX_INTERIM, MAX_SIZE_LINE, MAX_TRAILERS,
};
pub use malformed::Malformed;
pub use reader::{End, Reader};
