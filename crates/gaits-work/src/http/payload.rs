//! What is sent with a request: its body, and what it is.
//!
//! Limit: it is held in memory, once for all items that send the same.

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
