//! An answer before it is sent: what an endpoint decides. Turning it into a response, with HEAD and faults, is the
//! service's part.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use serde::Serialize;

use crate::body::Payload;

/// Status, headers and content of an answer. `Content-Length` follows from the content.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    /// How long the endpoint wants the answer held, beyond the latency.
    pub(crate) delay: Duration,
}

impl Reply {
    /// An answer without content.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), payload: Payload::EMPTY, delay: Duration::ZERO }
    }

    /// A 200 with content of a media type.
    pub(crate) fn content(media_type: &'static str, payload: Payload) -> Self {
        let reply = Self { payload, ..Self::empty(StatusCode::OK) };
        reply.with(CONTENT_TYPE, HeaderValue::from_static(media_type))
    }

    /// A 200 with JSON that is already written down.
    pub(crate) fn json_text(text: impl Into<Bytes>) -> Self {
        Self::content("application/json", Payload::Whole(text.into()))
    }

    /// A 200 with JSON.
    pub(crate) fn json(value: &impl Serialize) -> Self {
        match serde_json::to_vec_pretty(value) {
            Ok(mut text) => {
                text.push(b'\n');
                Self::json_text(text)
            }
            Err(error) => Self::error(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }

    /// An error, told as JSON.
    pub(crate) fn error(status: StatusCode, message: &str) -> Self {
        let value = serde_json::json!({ "error": message, "status": status.as_u16() });
        Self { status, ..Self::json_text(format!("{value:#}\n")) }
    }

    /// The client asked for something that cannot be done.
    pub(crate) fn bad_request(message: &str) -> Self {
        Self::error(StatusCode::BAD_REQUEST, message)
    }

    /// Sends the client elsewhere.
    pub(crate) fn redirect(status: StatusCode, location: &str) -> Self {
        match HeaderValue::from_str(location) {
            Ok(location) => Self::empty(status).with(LOCATION, location),
            Err(_) => Self::bad_request("the address to redirect to cannot be written in a header"),
        }
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }
}
