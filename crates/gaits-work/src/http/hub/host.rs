//! What a hub knows of one origin: its idle connections, which protocol it speaks, and whether a connection to it is being
//! opened.
//!
//! Limit: opens nothing, and waits for nothing but the opening of others.

use crate::http::connect::Opened;
use crate::http::fault::Fault;
use crate::http::headers::Heads;
use crate::http::route::Route;
use crate::http::target::Origin;
use crate::http::tls::Alpn;
use crate::http::ways::Version;
use crate::http::{h1, h2};
use gaits_core::ItemError;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use tokio::sync::Notify;

/// What is known of one origin.
pub(super) struct Host {
    pub(super) origin: Rc<Origin>,
    pub(super) route: Route,
    /// The heads of requests over HTTP/1.1.
    pub(super) heads: Heads,
    /// The one that was used last is at the end.
    idle: RefCell<Vec<Idle>>,
    /// Connections that speak HTTP/2; the newest is at the end.
    http2: RefCell<Vec<h2::Connection>>,
    /// Which protocol it speaks; none before the first connection over TLS has told.
    protocol: Cell<Option<Protocol>>,
    /// Whether a connection is being opened for which others wait.
    is_opening: Cell<bool>,
    /// How many openings have ended.
    openings: Cell<u64>,
    /// Why the last opening failed, if it did.
    failure: RefCell<Option<ItemError>>,
    opened: Notify,
}

struct Idle {
    connection: Box<h1::Connection>,
    since_us: u64,
}

/// Which protocol a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
    /// It offers HTTP/2, and wants its requests over HTTP/1.1 all the same; or the user does.
    OnlyHttp1,
}

impl Host {
    pub(super) fn new(origin: Rc<Origin>, route: Route) -> Self {
        let protocol = match route.version {
            Version::Http1 => Some(Protocol::OnlyHttp1),
            // Without TLS there is nothing that could tell of another one.
            Version::Any if !route.encrypted => Some(Protocol::Http1),
            Version::Any | Version::Http2 => None,
        };
        Self {
            origin,
            route,
            heads: Heads::default(),
            idle: RefCell::default(),
            http2: RefCell::default(),
            protocol: Cell::new(protocol),
            is_opening: Cell::new(false),
            openings: Cell::new(0),
            failure: RefCell::default(),
            opened: Notify::new(),
        }
    }

    pub(super) const fn protocol(&self) -> Option<Protocol> {
        self.protocol.get()
    }

    pub(super) fn set_protocol(&self, protocol: Protocol) {
        self.protocol.set(Some(protocol));
    }

    /// What is offered to the server.
    pub(super) fn alpn(&self) -> Alpn {
        match self.protocol() {
            Some(Protocol::OnlyHttp1) => Alpn::Http1,
            _ => Alpn::Any,
        }
    }

    /// Whether anything would be lost if it were forgotten.
    pub(super) fn is_in_use(&self) -> bool {
        !self.idle.borrow().is_empty() || !self.http2.borrow().is_empty() || self.is_opening.get()
    }

    /// The idle connection that was used last, and for how long it has been idle by `now_us`.
    pub(super) fn take_idle(&self, now_us: u64) -> Option<(Box<h1::Connection>, u64)> {
        let Idle { connection, since_us } = self.idle.borrow_mut().pop()?;
        Some((connection, now_us.saturating_sub(since_us)))
    }

    pub(super) fn put_idle(&self, connection: Box<h1::Connection>, since_us: u64) {
        self.idle.borrow_mut().push(Idle { connection, since_us });
    }

    /// Closes what has been idle since `since_us` or longer, connections of HTTP/2 without a request among them.
    pub(super) fn close_idle(&self, since_us: u64) {
        self.idle.borrow_mut().retain(|idle| idle.since_us > since_us);
        self.http2.borrow_mut().retain(|connection| connection.in_use() > 0);
    }

    /// Since when its idle connections are idle.
    pub(super) fn idle_since(&self) -> std::vec::IntoIter<u64> {
        let since: Vec<_> = self.idle.borrow().iter().map(|idle| idle.since_us).collect();
        since.into_iter()
    }

    /// A connection of HTTP/2 that takes one more request.
    pub(super) fn with_capacity(&self) -> Option<h2::Connection> {
        let mut connections = self.http2.borrow_mut();
        // The first that has room, so that there are no more of them than needed.
        let found = connections.iter().find(|connection| connection.capacity() > 0).cloned();
        if found.is_none() {
            connections.retain(|connection| !connection.is_closed());
        }
        found
    }

    /// The newest connection of HTTP/2, if its server has not said yet how many requests it takes.
    pub(super) fn unsettled(&self) -> Option<h2::Connection> {
        let connections = self.http2.borrow();
        connections.last().filter(|connection| !connection.is_settled()).cloned()
    }

    /// Begins to open a connection; none if another request does that for both.
    pub(super) fn begin_opening(self: &Rc<Self>) -> Option<Opening> {
        let shared = !matches!(self.protocol(), Some(Protocol::Http1 | Protocol::OnlyHttp1));
        if shared && self.is_opening.replace(true) {
            return None;
        }
        Some(Opening { host: Rc::clone(self), shared })
    }

    /// Waits until the connection that is being opened is open. Its failure is also that of those who wait.
    pub(super) async fn opened(&self) -> Result<(), Fault> {
        let before = self.openings.get();
        let notified = self.opened.notified();
        notified.await;
        if self.openings.get() == before + 1
            && let Some(error) = &*self.failure.borrow()
        {
            return Err(Fault::Failed(error.clone()));
        }
        Ok(())
    }
}

/// A connection that is being opened. When this is dropped, others may try.
pub(super) struct Opening {
    host: Rc<Host>,
    /// Whether others wait for it.
    shared: bool,
}

impl Opening {
    /// Notes what came of it.
    pub(super) fn end(self, opened: Result<Opened, Fault>) -> Result<Opened, Fault> {
        let host = &self.host;
        let failure = match &opened {
            Ok(Opened::Http2(connection)) => {
                host.http2.borrow_mut().push(connection.clone());
                host.set_protocol(Protocol::Http2);
                None
            }
            Ok(Opened::Http1(_)) => {
                if host.protocol() != Some(Protocol::OnlyHttp1) {
                    host.set_protocol(Protocol::Http1);
                }
                None
            }
            Err(Fault::Failed(error)) => Some(error.clone()),
            // With what it lacks, the others may do better.
            Err(_) => None,
        };
        if self.shared {
            *host.failure.borrow_mut() = failure;
        }
        opened
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if self.shared {
            let host = &self.host;
            host.is_opening.set(false);
            host.openings.set(host.openings.get() + 1);
            host.opened.notify_waiters();
        }
    }
}
