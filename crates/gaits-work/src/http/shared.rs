//! What the sessions of one process share: DNS answers and TLS settings above all.
//!
//! Limit: holds nothing that every request changes; event loops would wait for each other there.

use super::body_file::BodyWriter;
use super::dial::Dialer;
use super::extract::Extracts;
use super::fields::Fields;
use super::payload::Body;
use super::spec::HttpSpec;
use super::tls::Tls;
use gaits_core::Clock;
use std::sync::Arc;

/// What the sessions of one process share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) spec: HttpSpec,
    pub(super) fields: Fields,
    pub(super) extracts: Extracts,
    /// See [`of_all`](super::item::of_all).
    pub(super) of_all: blake3::Hash,
    /// What is sent with each request that describes no body of its own.
    pub(super) payload: Option<Body>,
    pub(super) dialer: Dialer,
    pub(super) tls: Tls,
    pub(super) clock: Arc<dyn Clock>,
    /// Writes bodies to files, where they go there.
    pub(super) bodies: Option<BodyWriter>,
}
