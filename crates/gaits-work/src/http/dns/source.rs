//! Where addresses come from.

use super::answer::{Addresses, LookupError};
use std::sync::Arc;
use std::time::Duration;

/// Where addresses come from: the system's name servers, or whatever else is put in their place.
pub(super) trait Source: Send + 'static {
    /// Looks `host` up. To drop the future is to give the look-up up; the source sets no time limit of its own.
    fn look_up(
        &mut self,
        host: Arc<str>,
    ) -> impl Future<Output = Result<Found, LookupError>> + Send + 'static;
}

/// What a source has found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) addresses: Addresses,
    /// How long they are valid.
    pub(super) life: Duration,
}
