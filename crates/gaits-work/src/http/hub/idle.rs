//! Idle connections of HTTP/1.1 that lead to the same place.
//!
//! Limit: does not look whether they are still open.

use crate::http::h1;
use std::cell::RefCell;

/// How long a connection may lie idle before it is not used again, in microseconds. Servers close theirs after
/// 5 (Node, Apache) to 75 seconds (nginx); one that has is noticed or replaced, so this only bounds the waste.
pub(super) const MAX_AGE_US: u64 = 60_000_000;

/// Idle connections. The one that was used last is at the end.
#[derive(Default)]
pub(super) struct IdleConnections(RefCell<Vec<Idle>>);

struct Idle {
    connection: Box<h1::Connection>,
    since_us: u64,
}

impl IdleConnections {
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// The one that was used last, and for how long it has been idle by `now_us`.
    pub(super) fn take(&self, now_us: u64) -> Option<(Box<h1::Connection>, u64)> {
        let Idle { connection, since_us } = self.0.borrow_mut().pop()?;
        Some((connection, now_us.saturating_sub(since_us)))
    }

    pub(super) fn put(&self, connection: Box<h1::Connection>, since_us: u64) {
        self.0.borrow_mut().push(Idle { connection, since_us });
    }

    /// Closes what has been idle since `since_us` or longer.
    pub(super) fn close(&self, since_us: u64) {
        self.0.borrow_mut().retain(|idle| idle.since_us > since_us);
    }

    /// Adds to `times` since when they are idle.
    pub(super) fn times(&self, times: &mut Vec<u64>) {
        times.extend(self.0.borrow().iter().map(|idle| idle.since_us));
    }
}
