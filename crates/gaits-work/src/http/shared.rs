//! What the sessions of one process share: DNS answers and TLS settings above all.
//!
//! Limit: holds nothing that every request changes; event loops would wait for each other there. Only where
//! robots.txt is obeyed does each request take a lock, to look its host's rules up; and where a server wants to be left alone,
//! until that is over.

use super::auth::Access;
use super::body_file::BodyWriter;
use super::decode::Windows;
use super::dial::Dialer;
use super::extract::Extracts;
use super::fields::Fields;
use super::fill::Fill;
use super::pauses::Pauses;
use super::payload::Body;
use super::robots::Robots;
use super::route::Routes;
use super::spec::HttpSpec;
use super::tls::{Tell, Tls};
use gaits_core::Clock;
use std::fmt;
use std::sync::Arc;

/// What the sessions of one process share.
pub(super) struct Shared {
    pub(super) spec: HttpSpec,
    pub(super) fields: Fields,
    pub(super) access: Access,
    pub(super) extracts: Extracts,
    /// See [`of_all`](super::item::of_all).
    pub(super) of_all: blake3::Hash,
    /// What is sent with each request that describes no body of its own.
    pub(super) payload: Option<Body>,
    /// What each item fills, where the requests are templates.
    pub(super) fill: Option<Fill>,
    pub(super) dialer: Dialer,
    pub(super) routes: Routes,
    /// Which servers want to be left alone.
    pub(super) pauses: Pauses,
    /// What hosts allow, where that is obeyed.
    pub(super) robots: Option<Robots>,
    pub(super) tls: Tls,
    /// The room for the windows of decoders.
    pub(super) windows: Windows,
    pub(super) clock: Arc<dyn Clock>,
    /// What the user is told goes there.
    pub(super) tell: Tell,
    /// Writes bodies to files, where they go there.
    pub(super) bodies: Option<BodyWriter>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("spec", &self.spec).finish_non_exhaustive()
    }
}
