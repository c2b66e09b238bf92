//! What a response says: what of its head is needed once its bytes are gone, and what its status means.
//!
//! Limit: reads no body.

use super::decode::Codings;
use super::detail::HttpVersion;
use super::h1::{self, Framing};
use super::rate_limit::RateLimits;
use gaits_core::{ErrorKind, ItemError};
use http::{HeaderMap, HeaderName, StatusCode};

/// What of a response's head is needed once its bytes are gone.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) version: HttpVersion,
    /// What was done to the body, and is to be undone.
    pub(super) codings: Codings,
    /// Where a redirect leads.
    pub(super) location: Option<Box<[u8]>>,
    /// When to come back.
    pub(super) retry_after: Option<Box<[u8]>>,
    /// What is said of limits, where the answer asks for patience.
    pub(super) rate_limits: RateLimits,
    /// The cookies that are set.
    pub(super) cookies: Vec<Box<[u8]>>,
    /// The fields that were asked for by name.
    pub(super) asked: Vec<(HeaderName, Box<[u8]>)>,
}

impl Head {
    fn new(status: u16, version: HttpVersion) -> Self {
        Self {
            status,
            version,
            codings: Codings::default(),
            location: None,
            retry_after: None,
            rate_limits: RateLimits::default(),
            cookies: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// Of a response over HTTP/1, with the `asked` fields.
    pub(super) fn of_http1(
        asked: &[HeaderName],
        head: &h1::Head<'_>,
        framing: &Framing<'_>,
    ) -> Self {
        let mut known = Self::new(head.status, head.version);
        for coding in framing.codings.names() {
            known.codings.transfer_encoding(coding);
        }
        for field in head.fields {
            known.field(field.name.as_bytes(), field.value);
            known.note(asked, field.name.as_bytes(), field.value);
        }
        known
    }

    /// Of a response over HTTP/2, with the `asked` fields.
    pub(super) fn of_http2(asked: &[HeaderName], status: StatusCode, fields: &HeaderMap) -> Self {
        let mut known = Self::new(status.as_u16(), HttpVersion::Http2);
        for (name, value) in fields {
            known.field(name.as_str().as_bytes(), value.as_bytes());
            known.note(asked, name.as_str().as_bytes(), value.as_bytes());
        }
        known
    }

    /// Whether the status says that the server would answer later on: too many requests, or not available.
    pub(super) const fn asks_for_patience(&self) -> bool {
        matches!(self.status, 429 | 503)
    }

    /// Notes a field, if it was asked for.
    fn note(&mut self, asked: &[HeaderName], name: &[u8], value: &[u8]) {
        let is_it = |asked: &&HeaderName| asked.as_str().as_bytes().eq_ignore_ascii_case(name);
        if let Some(name) = asked.iter().find(is_it) {
            self.asked.push((name.clone(), value.into()));
        }
    }

    /// Notes a field, if it is one that is needed.
    fn field(&mut self, name: &[u8], value: &[u8]) {
        // The length of its name tells most fields apart from these.
        match name.len() {
            8 if name.eq_ignore_ascii_case(b"location") => {
                self.location.get_or_insert_with(|| value.into());
            }
            10 if name.eq_ignore_ascii_case(b"set-cookie") => self.cookies.push(value.into()),
            11 if name.eq_ignore_ascii_case(b"retry-after") => {
                self.retry_after.get_or_insert_with(|| value.into());
            }
            16 if name.eq_ignore_ascii_case(b"content-encoding") => {
                self.codings.content_encoding(value);
            }
            _ if self.asks_for_patience() => self.rate_limits.field(name, value),
            _ => {}
        }
    }
}

/// How much of a body a message shows, in bytes.
const SHOWN: usize = 200;

/// The failure by a status that concerns all other items as well.
pub(super) struct StatusError {
    status: u16,
    body: Vec<u8>,
    /// How much of the body is shown.
    most: usize,
}

impl StatusError {
    /// With the beginning of the body, if it `ends` the run, since it may say why.
    pub(super) fn new(head: &Head, ends: bool) -> Self {
        let most = if ends && head.codings.is_empty() { SHOWN } else { 0 };
        Self { status: head.status, body: Vec::new(), most }
    }

    /// Takes the next of the body.
    pub(super) fn see(&mut self, data: &[u8]) {
        let left = self.most - self.body.len();
        self.body.extend_from_slice(&data[..data.len().min(left)]);
    }

    /// `401 Unauthorized: {"error":"the token has expired"}`
    pub(super) fn into_error(self) -> ItemError {
        let mut error = status_error(self.status);
        let text = String::from_utf8_lossy(&self.body);
        let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
        let words: Vec<_> = text
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|w| !w.is_empty())
            .collect();
        if !words.is_empty() {
            let more = if self.body.len() == SHOWN { " …" } else { "" };
            error.message = format!("{}: {}{more}", error.message, words.join(" "));
        }
        error
    }
}

/// `404 Not Found`
pub(super) fn status_error(status: u16) -> ItemError {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let message = match reason {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    };
    ItemError::new(ErrorKind::HttpStatus, message)
}
