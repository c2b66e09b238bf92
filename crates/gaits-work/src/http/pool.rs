//! The idle connections of one session: a few, for a while.
//!
//! Limit: a session's own, so nothing here is shared or locked; opens nothing.

use super::connection::Connection;
use super::target::Origin;
use std::rc::Rc;

/// How many idle connections a session keeps: what a redirect or two lead through, and the origin itself.
const MAX_IDLE: usize = 4;

/// How long a connection may lie idle before it is not used again, in microseconds. Servers close theirs after
/// 5 (Node, Apache) to 75 seconds (nginx); one that has is noticed or retried, so this only bounds the waste.
const MAX_AGE_US: u64 = 60_000_000;

/// The idle connections of one session, the one used last at the end.
#[derive(Default)]
pub(super) struct Pool {
    idle: Vec<Idle>,
}

struct Idle {
    origin: Rc<Origin>,
    connection: Box<Connection>,
    since_us: u64,
}

impl Pool {
    /// Takes the connection to `origin` that was used last, if it has not grown too old by `now_us`, and tells for
    /// how many microseconds it has been idle.
    pub(super) fn take(&mut self, origin: &Origin, now_us: u64) -> Option<(Box<Connection>, u64)> {
        let at = self.idle.iter().rposition(|idle| idle.origin.is_same(origin))?;
        let idle = self.idle.remove(at);
        let idle_us = now_us.saturating_sub(idle.since_us);
        (idle_us <= MAX_AGE_US).then_some((idle.connection, idle_us))
    }

    /// Keeps `connection` for another request, in the place of the one that was not used for longest.
    pub(super) fn put(&mut self, origin: Rc<Origin>, connection: Box<Connection>, now_us: u64) {
        self.idle.retain(|idle| now_us.saturating_sub(idle.since_us) <= MAX_AGE_US);
        if self.idle.len() == MAX_IDLE {
            self.idle.remove(0);
        }
        self.idle.push(Idle { origin, connection, since_us: now_us });
    }

    /// Closes all; tells whether there were any.
    pub(super) fn clear(&mut self) -> bool {
        let had = !self.idle.is_empty();
        self.idle.clear();
        had
    }
}
