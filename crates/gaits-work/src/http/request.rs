//! One request: what is asked of which server, in which words, and whether it may be asked twice.
//!
//! Limit: knows no connection; a redirect makes another request.

use super::fields::Fields;
use super::method::Method;
use super::payload::Outgoing;
use super::target::Target;
use http::header;

/// One request.
pub(super) struct Request<'a> {
    pub(super) method: &'a Method,
    pub(super) target: &'a Target,
    /// The fields that all requests have in common, or those of this one.
    pub(super) fields: &'a Fields,
    /// Whether they are those that all requests have in common.
    pub(super) common: bool,
    /// What is sent with it.
    pub(super) body: Option<Outgoing<'a>>,
    /// Whether sending it twice has the same effect as sending it once, or its user says that it may be.
    pub(super) repeatable: bool,
    /// Whether a redirect has led away from the item's origin, so that secrets are not shown.
    pub(super) foreign: bool,
    /// The `cookie` field, where cookies are kept.
    pub(super) cookie: Option<Vec<u8>>,
}

impl Request<'_> {
    /// How long its body is, where that is to be said.
    pub(super) fn content_length(&self) -> Option<u64> {
        match self.body {
            Some(body) => Some(body.len()),
            None => self.method.expects_body().then_some(0),
        }
    }

    /// What its body is, where nothing among its fields says so.
    pub(super) fn content_type(&self) -> Option<&str> {
        let said = self.fields.of(self.foreign).contains_key(header::CONTENT_TYPE);
        self.body?.content_type().filter(|_| !said)
    }
}
