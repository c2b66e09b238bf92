//! How much memory the windows of all decoders of a process may take together.
//!
//! A few bytes of a body can ask for a window of 16 MB, which lives until the body ends. So a body takes permits for a large
//! window, one for each MiB, before it is allocated, and waits where others have them. A body takes all of its permits at once, and has
//! none while it waits. So those that have theirs wait for no other body, and give them back when they end.
//!
//! Limit: counts windows alone, and not what a decoder holds beside its window; one of less than 1 MiB is not counted either.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(super) const MIB: u32 = 1 << 20;

/// What all windows may take: 32 of the largest that brotli has, 128 of those that its encoders take unless told otherwise,
/// and 256 of zstd's.
const TOTAL: u32 = 512 * MIB;

/// The room that is left for windows.
#[derive(Debug)]
pub(in crate::http) struct Windows(Arc<Semaphore>);

/// Room that was taken. It is given back when the last clone is dropped.
#[derive(Debug, Clone)]
pub(super) struct Window(Option<Arc<OwnedSemaphorePermit>>);

/// How many permits a window of so many bytes takes.
pub(super) const fn permits(bytes: u32) -> u32 {
    if bytes < MIB { 0 } else { bytes.div_ceil(MIB) }
}

impl Default for Windows {
    fn default() -> Self {
        Self::of(TOTAL)
    }
}

impl Windows {
    /// Room for so many bytes.
    pub(super) fn of(bytes: u32) -> Self {
        Self(Arc::new(Semaphore::new(permits(bytes) as usize)))
    }

    /// How many permits nobody has.
    pub(super) fn free(&self) -> u32 {
        u32::try_from(self.0.available_permits()).unwrap_or(u32::MAX)
    }

    /// Takes so many permits, which whoever asks must not have others beside. Those who wait have their turn in order.
    pub(super) async fn take(&self, permits: u32) -> Window {
        // It is never closed.
        let permit = Arc::clone(&self.0).acquire_many_owned(permits).await;
        Window(permit.ok().map(Arc::new))
    }
}

impl Window {
    pub(super) fn permits(&self) -> u32 {
        self.0.as_ref().map_or(0, |permit| u32::try_from(permit.num_permits()).unwrap_or(0))
    }
}
