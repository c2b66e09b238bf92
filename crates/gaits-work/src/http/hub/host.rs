//! What a hub knows of one origin: the way to it, its idle connections, which protocol it speaks, and whether a connection to it is being
//! opened.
//!
//! Limit: opens nothing, and waits for nothing but the opening of others.

use super::idle::{IdleConnections, MAX_AGE_US};
use crate::http::connect::Opened;
use crate::http::fault::Fault;
use crate::http::headers::Heads;
use crate::http::route::Route;
use crate::http::target::Origin;
use crate::http::tls::Alpn;
use crate::http::ways::Version;
use crate::http::{h2, proxy};
use gaits_core::{ErrorKind, ItemError};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use tokio::sync::Notify;

/// What is known of one origin.
pub(super) struct Host {
    pub(super) origin: Rc<Origin>,
    pub(super) route: Route,
    /// The heads of requests over HTTP/1.1.
    pub(super) heads: Heads,
    /// Its idle connections; those of a proxy are for all origins that it is asked for.
    pub(super) idle: Rc<IdleConnections>,
    /// Connections that speak HTTP/2; the newest is at the end.
    http2: RefCell<Vec<h2::Connection>>,
    /// Which protocol it speaks; none before the first connection over TLS has told.
    protocol: Cell<Option<Protocol>>,
    /// Whether a connection is being opened for which others wait.
    is_opening: Cell<bool>,
    /// How many openings have ended.
    openings: Cell<u64>,
    /// Which opening was the last one to fail, counted from 1, and why.
    failure: RefCell<Option<(u64, ItemError)>>,
    opened: Notify,
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
    pub(super) fn new(origin: Rc<Origin>, route: Route, idle: Rc<IdleConnections>) -> Self {
        let protocol = match route.version {
            Version::Http1 => Some(Protocol::OnlyHttp1),
            // Without TLS there is nothing that could tell of another one.
            Version::Any if !route.encrypted => Some(Protocol::Http1),
            Version::Any | Version::Http2 => None,
        };
        Self {
            heads: Heads::new(route.asked().cloned()),
            origin,
            route,
            idle,
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
        let has_idle = self.route.asked().is_none() && !self.idle.is_empty();
        let has_open = || self.http2.borrow().iter().any(|connection| !connection.is_closed());
        has_idle || self.is_opening.get() || has_open()
    }

    /// Adds to `times` since when its connections of HTTP/2 have no request; gives how many have some. Those that take no more
    /// requests are let go.
    pub(super) fn unused_times(&self, times: &mut Vec<u64>) -> usize {
        let mut connections = self.http2.borrow_mut();
        connections.retain(|connection| !connection.is_closed());
        let before = times.len();
        times.extend(connections.iter().filter_map(h2::Connection::unused_since_us));
        connections.len() - (times.len() - before)
    }

    /// Closes connections of HTTP/2 that have had no request since `since_us` or longer.
    pub(super) fn close_unused(&self, since_us: u64) {
        let is_used = |unused_us| unused_us > since_us;
        let stays = |connection: &h2::Connection| connection.unused_since_us().is_none_or(is_used);
        self.http2.borrow_mut().retain(stays);
    }

    /// What went wrong on the way to it, with what the user has said about that way: a proxy is named, and so is the option
    /// that takes HTTP/2 for granted.
    pub(super) fn named(&self, fault: Fault) -> Fault {
        let Fault::Failed(mut error) = fault else { return fault };
        if error.kind == ErrorKind::Protocol && self.route.assumes_http2() {
            error.message.push_str("; --http2 takes for granted that it speaks HTTP/2 without TLS");
        }
        match &self.route.proxy {
            Some(proxy) => Fault::Failed(proxy.named(&error)),
            None => Fault::Failed(error),
        }
    }

    /// What it means that `status` came, where it is the proxy that refuses to be asked.
    pub(super) fn refusal(&self, status: u16) -> Option<Fault> {
        let proxy = self.route.asked().filter(|_| status == 407)?;
        let why = proxy::wants_credentials(proxy.authorization().is_some());
        let message = format!("407 Proxy Authentication Required; {why}");
        Some(Fault::new(ErrorKind::Connect, message))
    }

    /// How many connections of HTTP/2 it has.
    pub(super) fn http2(&self) -> usize {
        self.http2.borrow().len()
    }

    /// A connection of HTTP/2 that takes one more request. `now_us` is the time of the run.
    pub(super) fn with_capacity(&self, now_us: u64) -> Option<h2::Connection> {
        let mut connections = self.http2.borrow_mut();
        let is_old = |connection: &h2::Connection| {
            let since_us = connection.unused_since_us();
            since_us.is_some_and(|since_us| now_us.saturating_sub(since_us) > MAX_AGE_US)
        };
        let has_room = |connection: &h2::Connection| connection.capacity() > 0;
        // The first that has room, so that there are no more of them than needed.
        let found = connections.iter().find(|one| has_room(one) && !is_old(one)).cloned();
        match &found {
            Some(connection) => connection.use_at(now_us),
            None => connections.retain(|one| !one.is_closed() && !is_old(one)),
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
        let waited_for = self.openings.get() + 1;
        self.opened.notified().await;
        // By now the next one may have begun, or ended.
        match &*self.failure.borrow() {
            Some((opening, error)) if *opening == waited_for => Err(Fault::Failed(error.clone())),
            _ => Ok(()),
        }
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
        // One that is dropped, since its item's time is over, has no failure to note.
        if self.shared
            && let Some(error) = failure
        {
            *host.failure.borrow_mut() = Some((host.openings.get() + 1, error));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::route::Routes;
    use crate::http::target::Target;
    use crate::http::ways::Ways;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn host(url: &str) -> Rc<Host> {
        let origin = Target::parse(url, None).unwrap().origin;
        let route = Routes::new(&Ways::default()).unwrap().to(&origin);
        Rc::new(Host::new(origin, route, Rc::default()))
    }

    #[test]
    fn those_who_wait_are_told_no_failure_of_an_opening_before() {
        let host = host("https://a.test/");
        let cx = &mut Context::from_waker(Waker::noop());
        let first = host.begin_opening().unwrap();
        let mut waiting = pin!(host.opened());
        assert!(waiting.as_mut().poll(cx).is_pending());
        assert!(first.end(Err(Fault::new(ErrorKind::Tls, "not trusted"))).is_err());
        // The next one may begin before those who waited are polled.
        let second = host.begin_opening().unwrap();
        let Poll::Ready(Err(Fault::Failed(error))) = waiting.poll(cx) else { panic!("it waits") };
        assert_eq!(error.message, "not trusted");
        let mut waiting = pin!(host.opened());
        assert!(waiting.as_mut().poll(cx).is_pending());
        // Its item's time is over.
        drop(second);
        assert!(matches!(waiting.poll(cx), Poll::Ready(Ok(()))), "it may try itself");
    }
}
