//! The time of day. It is compared with dates that servers send, and with nothing else: what a run measures is on the
//! clock of the run.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long ago 1970 began. Nothing by a clock that is set to a time before that.
#[expect(clippy::disallowed_methods, reason = "a date is a point of the calendar, not of the run")]
pub(super) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
