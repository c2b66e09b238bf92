//! The time of day, for what shows it to people and other machines: dates in headers and in the access log. Everything
//! that is waited for or measured uses the monotonic clock of tokio instead.

use std::time::SystemTime;

/// What time it is.
#[expect(
    clippy::disallowed_methods,
    reason = "the origin stands alone, without gaits-core and its Clock; it is a server, whose time is the real one"
)]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
