//! What is known of one connection: its exchanges and what passed over the socket, kept outside of the h2 crate.
//!
//! h2 does not tell which streams a GOAWAY spared, nor whether a request had been written when the connection broke.
//! Both decide whether a request may be sent again, so `watch` notes them here as the bytes pass.
//!
//! Limit: numbers and flags; nothing here reads or writes.

use super::frames::GoAway;
use std::cell::{Cell, RefCell};
use tokio::sync::Notify;

/// After how many requests that were given up a connection takes no more.
///
/// Each request given up resets its stream, and the h2 crate remembers such a stream, so that a late answer to it is
/// not taken for a fault of the server. (It would answer each late frame of a forgotten one with a reset, and close the
/// connection after 1,024 of them.) So the number remembered must be bounded; a new connection costs little beside
/// a thousand time-outs.
pub(super) const MAX_GIVEN_UP: u32 = 1_000;

/// How many requests a connection may carry in its life: stream numbers are odd and end at 2^31 - 1. Two fewer, for
/// safety.
const MAX_REQUESTS: u32 = (1 << 30) - 2;

/// What is known of one connection.
#[derive(Debug, Default)]
pub(super) struct State {
    /// How many requests are on it.
    in_use: Cell<usize>,
    /// How many requests it has taken in its life.
    taken: Cell<u32>,
    /// How many of them were given up.
    given_up: Cell<u32>,
    /// It takes no more requests, though the server would.
    retired: Cell<bool>,
    /// When a request was last put on it, or last ended well, in microseconds of the run.
    used_us: Cell<u64>,
    /// How often something came from the server.
    heard: Cell<u64>,
    /// The highest stream whose request was handed to the system, if only its beginning.
    written: Cell<u32>,
    go_away: Cell<Option<GoAway>>,
    /// The server's settings have been read from the socket.
    settings_came: Cell<bool>,
    /// They count, or never will.
    settled: Cell<bool>,
    settling: Notify,
    ended: Cell<bool>,
    end: RefCell<Option<End>>,
    /// The streams whose last fields begin with one about the message itself, as those of a response without a body do.
    pseudo_ends: RefCell<Vec<u32>>,
}

/// How the bytes from the server ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The server closed the connection.
    Closed,
    /// What the system said to a read or a write.
    Error(String),
    /// What came over TLS was malformed.
    Malformed(String),
    /// The server sent frame after frame that carried nothing.
    Flood,
}

impl State {
    /// Counts one request more.
    pub(super) fn take_place(&self) {
        self.in_use.set(self.in_use.get() + 1);
        self.taken.set(self.taken.get() + 1);
    }

    /// Counts one request less.
    pub(super) fn free_place(&self) {
        self.in_use.set(self.in_use.get() - 1);
    }

    pub(super) const fn in_use(&self) -> usize {
        self.in_use.get()
    }

    /// Notes that it is used at this time of the run.
    pub(super) fn use_at(&self, now_us: u64) {
        self.used_us.set(now_us);
    }

    pub(super) const fn used_us(&self) -> u64 {
        self.used_us.get()
    }

    /// How many requests it may still take before its stream numbers are used up.
    pub(super) const fn left(&self) -> u32 {
        MAX_REQUESTS.saturating_sub(self.taken.get())
    }

    /// Notes that a request was given up. `in_silence`: nothing had come from the server since it was waited for.
    ///
    /// The server, or the way to it, may be gone without a sign. Over HTTP/1.1 a request that is given up takes its
    /// connection along; here the next thousand would be lost on the same one.
    pub(super) fn give_up(&self, in_silence: bool) {
        self.given_up.set(self.given_up.get() + 1);
        if in_silence || self.given_up.get() >= MAX_GIVEN_UP {
            self.retire();
        }
    }

    /// Takes no more requests.
    pub(super) fn retire(&self) {
        self.retired.set(true);
    }

    /// Whether it takes no more requests, now and for ever.
    pub(super) fn is_closed(&self) -> bool {
        self.ended.get() || self.retired.get() || self.go_away.get().is_some() || self.left() == 0
    }

    /// Notes that something came from the server.
    pub(super) fn hear(&self) {
        self.heard.set(self.heard.get() + 1);
    }

    /// A number that changes when something comes from the server.
    pub(super) const fn heard(&self) -> u64 {
        self.heard.get()
    }

    /// Notes that the last fields on `stream` begin with one about the message itself. Those of requests that were given up are never
    /// asked for, so what is noted is bounded.
    pub(super) fn end_with_pseudo(&self, stream: u32) {
        let mut ends = self.pseudo_ends.borrow_mut();
        if ends.len() <= self.in_use.get() + MAX_GIVEN_UP as usize {
            ends.push(stream);
        }
    }

    /// Whether the last fields on `stream` began with one about the message itself. It is forgotten.
    pub(super) fn take_pseudo_end(&self, stream: u32) -> bool {
        let mut ends = self.pseudo_ends.borrow_mut();
        let before = ends.len();
        ends.retain(|other| *other != stream);
        ends.len() < before
    }

    /// Notes that the request on `stream` is being written.
    pub(super) fn write(&self, stream: u32) {
        self.written.set(self.written.get().max(stream));
    }

    /// Whether not one byte of the request on `stream` has left.
    pub(super) const fn is_unwritten(&self, stream: u32) -> bool {
        stream > self.written.get()
    }

    /// Notes what a GOAWAY said. A later one may only lower the last stream.
    pub(super) fn go_away(&self, new: GoAway) {
        let last = self.go_away.get().map_or(u32::MAX, |old| old.last_stream);
        self.go_away.set(Some(GoAway { last_stream: last.min(new.last_stream), code: new.code }));
    }

    /// Why the server goes away, if it does.
    pub(super) fn go_away_code(&self) -> Option<u32> {
        self.go_away.get().map(|go_away| go_away.code)
    }

    /// Whether the server said that it has not processed `stream`, and will not.
    pub(super) fn is_left_out(&self, stream: u32) -> bool {
        self.go_away.get().is_some_and(|go_away| stream > go_away.last_stream)
    }

    /// Notes that the server's settings have been read from the socket.
    pub(super) fn settings_came(&self) {
        self.settings_came.set(true);
    }

    /// Notes that a poll of the connection has ended, so that settings that came in it count.
    pub(super) fn polled(&self) {
        if self.settings_came.get() {
            self.settle();
        }
    }

    fn settle(&self) {
        if !self.settled.replace(true) {
            self.settling.notify_waiters();
        }
    }

    /// Whether the server's settings have come, or the connection has ended.
    pub(super) fn is_settled(&self) -> bool {
        self.settled.get()
    }

    /// Waits until the server's settings count, or never will.
    pub(super) async fn settled(&self) {
        while !self.settled.get() {
            self.settling.notified().await;
        }
    }

    /// Notes how the bytes from the server ended; what is noted first counts.
    pub(super) fn end_with(&self, end: End) {
        self.end.borrow_mut().get_or_insert(end);
    }

    pub(super) fn end(&self) -> Option<End> {
        self.end.borrow().clone()
    }

    /// Notes that nothing drives the connection any more.
    pub(super) fn ended(&self) {
        self.ended.set(true);
        self.settle();
    }
}
