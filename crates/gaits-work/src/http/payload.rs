//! What is sent with a request: its body, and what it is.
//!
//! Limit: bytes are held in memory, once for all items that send the same. Files are for [`upload`](super::upload).

use super::fault::Fault;
use super::upload::{LongFile, Unsent};
use bytes::Bytes;
use gaits_core::Data;
use serde::{Deserialize, Serialize};

/// What is sent with every request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The bytes.
    pub data: Data,
    /// What they are, for the `content-type` field: none where a header field of the user's says so, or nothing does.
    pub content_type: Option<String>,
}

/// A body as connections send it. Clones are the same bytes.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    pub(super) content_type: Option<Box<str>>,
}

impl From<&Payload> for Body {
    fn from(payload: &Payload) -> Self {
        Self {
            bytes: Bytes::copy_from_slice(payload.data.as_bytes()),
            content_type: payload.content_type.as_deref().map(Box::from),
        }
    }
}

/// What is sent with one request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outgoing<'a> {
    Bytes(&'a Body),
    File(&'a LongFile),
}

impl Outgoing<'_> {
    /// How many bytes it has.
    pub(super) fn len(self) -> u64 {
        match self {
            Self::Bytes(body) => body.bytes.len() as u64,
            Self::File(file) => file.len(),
        }
    }

    /// Makes it ready to be sent once.
    pub(super) async fn begin(self) -> Result<Unsent, Fault> {
        match self {
            Self::Bytes(body) => Ok(Unsent::Bytes(body.bytes.clone())),
            // Boxed, since few items send a file.
            Self::File(file) => Box::pin(file.open()).await,
        }
    }
}
