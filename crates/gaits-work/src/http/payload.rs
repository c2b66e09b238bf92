//! What is sent with a request: its body, and what it is.
//!
//! Limit: bytes are held in memory, once for all items that send the same. Files are for [`upload`](super::upload).

use super::fault::Fault;
use super::upload::{Segments, Unsent};
use bytes::Bytes;
use gaits_core::Data;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is sent with every request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The bytes. They are shared, since they may be many.
    pub data: Arc<Data>,
    /// What they are, for the `content-type` field: none where a header field of the user's says so, or nothing does.
    pub content_type: Option<String>,
}

impl Payload {
    /// Bytes that are sent, and what they are.
    #[must_use]
    pub fn new(bytes: Vec<u8>, content_type: Option<String>) -> Self {
        Self { data: Arc::new(data(bytes)), content_type }
    }
}

/// Bytes as text, where they are that. They are not copied.
pub(super) fn data(bytes: Vec<u8>) -> Data {
    match String::from_utf8(bytes) {
        Ok(text) => Data::Text(text.into()),
        Err(error) => Data::Bytes(error.into_bytes().into()),
    }
}

/// Shared data as bytes that connections send.
pub(super) struct Owner(pub(super) Arc<Data>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
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
            bytes: Bytes::from_owner(Owner(payload.data.clone())),
            content_type: payload.content_type.as_deref().map(Box::from),
        }
    }
}

/// A body that files are a part of.
#[derive(Debug)]
pub(super) struct LongBody {
    pub(super) segments: Segments,
    pub(super) content_type: Option<Box<str>>,
}

/// What is sent with one request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outgoing<'a> {
    Bytes(&'a Body),
    Long(&'a LongBody),
}

impl<'a> Outgoing<'a> {
    /// What it is, as far as that is known.
    pub(super) fn content_type(self) -> Option<&'a str> {
        match self {
            Self::Bytes(body) => body.content_type.as_deref(),
            Self::Long(body) => body.content_type.as_deref(),
        }
    }

    /// How many bytes it has.
    pub(super) fn len(self) -> u64 {
        match self {
            Self::Bytes(body) => body.bytes.len() as u64,
            Self::Long(body) => body.segments.len(),
        }
    }

    /// Makes it ready to be sent once.
    pub(super) async fn begin(self) -> Result<Unsent, Fault> {
        match self {
            Self::Bytes(body) => Ok(Unsent::Bytes(body.bytes.clone())),
            // Boxed, since few items send a file.
            Self::Long(body) => Box::pin(body.segments.open()).await,
        }
    }
}
