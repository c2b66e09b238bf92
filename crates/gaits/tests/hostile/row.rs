//! What a row of the table says: how a server behaves, what becomes of an item there, and what it may cost.

use crate::frames::Frames;
use crate::server::{Peer, Speaks};
use gaits::ErrorKind;
use gaits::http::{HttpDetail, HttpSpec, Trust};
use std::time::Duration;

pub(crate) const KIB: i64 = 1 << 10;
pub(crate) const MIB: i64 = 1 << 20;

/// How many bytes of a body come in, and how many come out of its codings, between two yields, unless a row says otherwise.
const BYTES_A_POLL: u64 = 512 << 10;

/// The time-out of the rows whose servers would go on for ever.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// What the message of an item says that took longer. How far it had come depends on how busy the machine is.
pub(crate) const WITHIN: &str = "no complete answer within 0.3 s: still ";

/// A server's behaviour, what becomes of an item there, and what that may cost.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) at: At,
    pub(crate) spec: HttpSpec,
    /// How often the item is performed, one after the other in one session.
    pub(crate) times: usize,
    /// How the last of them ends. Those before it end likewise, or well.
    pub(crate) end: End,
    pub(crate) again: Option<Again>,
    /// How many requests reach the server.
    pub(crate) requests: Option<u64>,
    /// The most bytes that live on the heap at a time.
    pub(crate) heap: i64,
    /// How many bytes of a body come in, and how many come out of its codings, between two yields. It is a mean, since
    /// nobody sees them pass.
    pub(crate) bytes_a_poll: u64,
}

/// Where the item leads.
#[derive(Clone, Copy)]
pub(crate) enum At {
    /// To a path that every origin has.
    Origin(&'static str),
    /// The same over TLS.
    OriginTls(&'static str),
    /// To a server of its own.
    Own(Speaks),
}

/// How an item ends.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// It is a success, with so many bytes of body before and after decoding, where that is known.
    Ok { status: u16, body: Option<(u64, u64)> },
    /// It fails, with a message that has these words in it.
    Fails(ErrorKind, &'static str),
}

/// Whether a failed item may be tried again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    Never,
    /// Whenever one likes.
    AnyTime,
    /// Not before so many seconds have passed.
    After(u64),
}

fn row(name: &'static str, at: At) -> Row {
    Row {
        name,
        at,
        spec: HttpSpec::default(),
        times: 1,
        end: End::Ok { status: 200, body: Some((5, 5)) },
        again: None,
        requests: Some(1),
        heap: MIB,
        bytes_a_poll: BYTES_A_POLL,
    }
}

/// One of the origin's own replies, which is named as its path.
pub(crate) fn built_in(path: &'static str) -> Row {
    row(path, At::Origin(path))
}

/// The same over TLS.
pub(crate) fn built_in_tls(path: &'static str) -> Row {
    row(path, At::OriginTls(path)).with(|spec| spec.trust = Trust::Insecure)
}

/// A server that speaks bytes.
pub(crate) fn http1(name: &'static str, serve: fn(&mut Peer)) -> Row {
    row(name, At::Own(Speaks::Http1(serve)))
}

/// A server that speaks bytes where TLS is expected.
pub(crate) fn no_tls(name: &'static str, serve: fn(&mut Peer)) -> Row {
    row(name, At::Own(Speaks::NoTls(serve))).requests_are_not_counted()
}

/// A server that speaks bytes over TLS, each in a record of its own.
pub(crate) fn records(name: &'static str, serve: fn(&mut Peer)) -> Row {
    row(name, At::Own(Speaks::Records(serve))).with(|spec| spec.trust = Trust::Insecure)
}

/// A server that speaks frames of HTTP/2.
pub(crate) fn http2(name: &'static str, serve: fn(&mut Frames)) -> Row {
    row(name, At::Own(Speaks::Http2(serve))).with(|spec| spec.trust = Trust::Insecure)
}

impl Row {
    /// Whether its client gives up after a time.
    pub(crate) fn is_timed(&self) -> bool {
        self.spec.timeout == Some(SHORT) || self.spec.connect_timeout == Some(SHORT)
    }

    /// Whether so many requests have reached the server as should. On a busy machine, time may be up before the first.
    pub(crate) fn expects_requests(&self, requests: u64) -> bool {
        self.requests
            .is_none_or(|wanted| requests == wanted || (self.is_timed() && requests < wanted))
    }

    /// Whether an item with this failure, or none, ended so.
    pub(crate) fn ends_as(
        &self,
        failure: Option<(ErrorKind, &str)>,
        detail: Option<HttpDetail>,
    ) -> bool {
        match (self.end, failure) {
            (End::Fails(kind, says), Some((failed, message))) => {
                failed == kind && message.contains(says)
            }
            (End::Ok { status, body }, None) => detail.is_some_and(|detail| {
                detail.status == Some(status)
                    && body.is_none_or(|body| body == (detail.bytes, detail.decoded_bytes))
            }),
            _ => false,
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut HttpSpec)) -> Self {
        change(&mut self.spec);
        self
    }

    /// The client gives up soon.
    pub(crate) fn in_short_time(self) -> Self {
        self.with(|spec| spec.timeout = Some(SHORT))
    }

    pub(crate) fn with_cap(self, bytes: i64) -> Self {
        self.with(|spec| spec.max_body_size = bytes.unsigned_abs())
    }

    pub(crate) fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    pub(crate) fn succeeds(mut self, status: u16, bytes: u64, decoded: u64) -> Self {
        self.end = End::Ok { status, body: Some((bytes, decoded)) };
        self
    }

    pub(crate) fn succeeds_with_any_body(mut self, status: u16) -> Self {
        self.end = End::Ok { status, body: None };
        self
    }

    pub(crate) fn fails(mut self, kind: ErrorKind, says: &'static str) -> Self {
        self.end = End::Fails(kind, says);
        self
    }

    pub(crate) fn again(mut self, again: Again) -> Self {
        self.again = Some(again);
        self
    }

    pub(crate) fn requests(mut self, requests: u64) -> Self {
        self.requests = Some(requests);
        self
    }

    pub(crate) fn requests_are_not_counted(mut self) -> Self {
        self.requests = None;
        self
    }

    pub(crate) fn heap(mut self, bytes: i64) -> Self {
        self.heap = bytes;
        self
    }

    pub(crate) fn bytes_a_poll(mut self, bytes: u64) -> Self {
        self.bytes_a_poll = bytes;
        self
    }
}
