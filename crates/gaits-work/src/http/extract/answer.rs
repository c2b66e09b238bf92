//! What of an answer is looked into.
//!
//! Limit: the fields of the head that nobody asked for are gone.

use crate::http::decode::Kept;
use http::HeaderName;
use std::sync::Arc;

/// An answer that fields are taken from.
#[derive(Debug, Default)]
pub(in crate::http) struct Answer {
    /// The fields of its head that [`Extracts::headers`](super::Extracts::headers) names.
    pub(in crate::http) headers: Vec<(HeaderName, Box<[u8]>)>,
    /// Its body; none if it has none, or no field needs it.
    pub(in crate::http) body: Option<Arc<Kept>>,
}
