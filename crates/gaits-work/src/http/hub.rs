//! The connections of one session, shared by all items in it: idle ones by origin, the one used last first, and those of
//! HTTP/2, which many requests use at a time.
//!
//! It is used from one thread, so nothing in it is locked; no borrow of its tables outlives a step between two waits.
//! Limit: sends a request again only where the server cannot have processed it, or where it may be sent twice and the
//! server had closed the connection while it was idle; follows no redirect and retries no item.

mod host;
mod idle;

use super::answer::Head;
use super::connect::{Opened, Opener};
use super::exchange::Exchange;
use super::fault::Fault;
use super::h1::{AnswerTo, LastHead};
use super::headers;
use super::lent::{Lent, Piece};
use super::method::Method;
use super::proxy::Proxy;
use super::request::Request;
use super::shared::Shared;
use super::target::{Origin, Target, TargetError};
use super::trace::{Phase, Trace};
use super::upload::Unsent;
use super::{h1, h2};
use bytes::Bytes;
use gaits_core::SessionScope;
use host::{Host, Opening, Protocol};
use idle::{IdleConnections, MAX_AGE_US};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use tokio::task::JoinSet;

/// How many connections may lie idle, those of HTTP/2 without a request included, unless more requests than that have been under way
/// at once: these may end together, and each has a connection. When there are more, the half that has been idle for longest is closed.
const MAX_IDLE: usize = 4_096;

/// How many origins are remembered that no connection leads to.
const MAX_HOSTS: usize = 16_384;

/// For how many microseconds after it was put away a connection is taken for open.
const FRESH_US: u64 = 1_000;

/// How many responses that nobody waits for are read at a time. A server that sends none of them to its end would
/// otherwise have us hold a connection for every redirect.
const MAX_READ_OVER: usize = 64;

/// How often a request is sent in all that servers leave unprocessed. A server that winds its connections up leaves some
/// on each.
const MAX_SENT: u32 = 8;

/// The connections of one session.
pub(super) struct Hub {
    pub(super) shared: Arc<Shared>,
    scope: SessionScope,
    opener: Opener,
    pub(super) lent: Rc<Lent>,
    hosts: RefCell<HashMap<Box<str>, Rc<Host>>>,
    /// Where the last request went: the next one often goes there as well.
    last: RefCell<Option<Rc<Host>>>,
    /// The last head that came over HTTP/1.1, from whichever host.
    last_head: RefCell<LastHead<Head>>,
    /// The idle connections of HTTP/1.1.
    idle: Cell<usize>,
    /// The connections of HTTP/2, and those that have ended since they were last counted.
    http2: Cell<usize>,
    /// How many of these had requests when they were last counted.
    busy: Cell<usize>,
    /// When so many hosts are known, those are forgotten to which no connection leads.
    forget_at: Cell<usize>,
    /// How many requests are under way.
    under_way: Cell<usize>,
    /// How many connections may lie idle, and how many origins are remembered: `MAX_IDLE` as a rule, and `MAX_HOSTS`.
    max_idle: Cell<usize>,
    max_hosts: usize,
    /// The idle connections to proxies that are asked for whole URLs.
    to_proxies: RefCell<Vec<(Arc<Proxy>, Rc<IdleConnections>)>>,
    /// Reads responses to their end that nobody waits for.
    tasks: RefCell<JoinSet<()>>,
}

/// A connection on which a request can be sent.
enum Ready {
    /// `now_us` is the time of the run.
    Http1 {
        connection: Box<h1::Connection>,
        reused: bool,
        now_us: u64,
    },
    Http2 {
        connection: h2::Connection,
        reused: bool,
    },
}

/// A request that is under way.
struct UnderWay<'h>(&'h Cell<usize>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Hub {
    pub(super) fn new(shared: Arc<Shared>, scope: SessionScope) -> Self {
        Self {
            opener: Opener::new(shared.clone(), scope),
            shared,
            scope,
            lent: Lent::of_this_loop(),
            hosts: RefCell::default(),
            last: RefCell::default(),
            last_head: RefCell::default(),
            idle: Cell::new(0),
            http2: Cell::new(0),
            busy: Cell::new(0),
            forget_at: Cell::new(0),
            under_way: Cell::new(0),
            max_idle: Cell::new(MAX_IDLE),
            max_hosts: MAX_HOSTS,
            to_proxies: RefCell::default(),
            tasks: RefCell::default(),
        }
    }

    /// Where `text` leads to.
    pub(super) fn target(&self, text: &str) -> Result<Target, TargetError> {
        let last = self.last.borrow();
        let last = last.as_ref().map(|host| &host.origin).filter(|origin| !origin.stranger);
        Target::parse(text, last)
    }

    /// The host that `origin` is.
    fn host(&self, origin: &Rc<Origin>) -> Rc<Host> {
        let mut last = self.last.borrow_mut();
        if let Some(last) = &*last
            && Rc::ptr_eq(&last.origin, origin)
        {
            return last.clone();
        }
        let mut hosts = self.hosts.borrow_mut();
        let key = origin.key();
        let host = if let Some(host) = hosts.get(&*key) {
            host.clone()
        } else {
            if hosts.len() >= self.max_hosts.max(self.forget_at.get()) {
                hosts.retain(|_, host| host.is_in_use());
                // Where few were forgotten, all would be looked at again for each new one.
                self.forget_at.set(2 * hosts.len());
            }
            let route = self.shared.routes.to(origin);
            let idle = route.asked().map(|proxy| self.idle_of(proxy)).unwrap_or_default();
            let host = Rc::new(Host::new(origin.clone(), route, idle));
            hosts.insert(key.into(), host.clone());
            host
        };
        *last = Some(host.clone());
        host
    }

    /// The idle connections to `proxy`, which serve all origins.
    fn idle_of(&self, proxy: &Arc<Proxy>) -> Rc<IdleConnections> {
        let mut known = self.to_proxies.borrow_mut();
        if let Some((_, idle)) = known.iter().find(|(other, _)| Arc::ptr_eq(other, proxy)) {
            return idle.clone();
        }
        let idle = Rc::<IdleConnections>::default();
        known.push((proxy.clone(), idle.clone()));
        idle
    }

    /// Sends `request` and waits for the head of the response. Gives it, the exchange that goes on with the body, and
    /// what has come of that already.
    pub(super) async fn ask(
        &self,
        request: &Request<'_>,
        trace: &mut Trace,
    ) -> Result<(Head, Exchange, Option<Piece<'_>>), Fault> {
        let _under_way = self.begin();
        let host = self.host(&request.target.origin);
        let mut may_reuse = true;
        let mut sent = 0;
        loop {
            sent += 1;
            // First, since a connection that was chosen must not wait for a disk.
            let body = self.body_of(request).await?;
            let ready = self.ready(&host, may_reuse, trace).await;
            let ready = ready.map_err(|fault| host.named(fault))?;
            if let Some(fault) = self.shared.pauses.hold_back(request, trace, &*self.shared.clock) {
                if let Ready::Http1 { connection, now_us, .. } = ready {
                    self.keep_unused(&host, connection, now_us);
                }
                return Err(fault);
            }
            let (asked, reused) = match ready {
                Ready::Http1 { connection, reused, now_us } => {
                    trace.detail.goes_over(reused);
                    (self.ask_http1(&host, request, body, connection, now_us, trace).await, reused)
                }
                Ready::Http2 { connection, reused } => {
                    trace.detail.goes_over(reused);
                    // Boxed, since it would make the future of every item larger.
                    (Box::pin(self.ask_http2(request, body, &connection, trace)).await, reused)
                }
            };
            match asked {
                // The server closed it while it was idle, as it may at any time.
                Err(Fault::Closed(_)) if reused && may_reuse && request.repeatable => {
                    may_reuse = false;
                }
                Err(Fault::Unprocessed(_)) if sent < MAX_SENT => {}
                // Another request on the same connection may have been told before.
                Err(Fault::WantsHttp1(_)) if sent < MAX_SENT => {
                    host.set_protocol(Protocol::OnlyHttp1);
                }
                Ok((head, ..)) if let Some(refusal) = host.refusal(head.status) => {
                    trace.refused_by_proxy = true;
                    return Err(host.named(refusal));
                }
                Ok(asked) => return Ok(asked),
                Err(Fault::Exhausted(error)) => return Err(Fault::Exhausted(error)),
                // Nothing of it has been done, and that must stay known.
                Err(Fault::Unprocessed(error)) => {
                    return Err(Fault::Unprocessed(host.named(Fault::Failed(error)).into_error()));
                }
                Err(fault) => return Err(host.named(Fault::Failed(fault.into_error()))),
            }
        }
    }

    /// What is sent with `request`, ready to be sent once. If there is no descriptor left for a file, idle connections are
    /// closed.
    async fn body_of(&self, request: &Request<'_>) -> Result<Unsent, Fault> {
        let Some(body) = request.body else { return Ok(Unsent::Bytes(Bytes::new())) };
        match body.begin().await {
            Err(Fault::Exhausted(_)) if self.close_idle() => body.begin().await,
            begun => begun,
        }
    }

    async fn ask_http1(
        &self,
        host: &Host,
        request: &Request<'_>,
        body: Unsent,
        mut connection: Box<h1::Connection>,
        since_us: u64,
        trace: &mut Trace,
    ) -> Result<(Head, Exchange, Option<Piece<'_>>), Fault> {
        let to = if *request.method == Method::HEAD { AnswerTo::Head } else { AnswerTo::Other };
        trace.enter_at(Phase::FirstByte, since_us);
        let close = self.scope == SessionScope::None;
        let compose = |out: &mut Vec<u8>| host.heads.write(out, request, close);
        connection.send(&self.lent, to, compose, body).await?;
        let Shared { spec, clock, extracts, .. } = &*self.shared;
        let asked = extracts.headers();
        let on_head =
            |head: &h1::Head<'_>, framing: &h1::Framing<'_>| Head::of_http1(asked, head, framing);
        let begun = {
            let head = pin!(connection.head(&self.lent, &self.last_head, on_head));
            spec.patience.first_byte(head, || true, &**clock).await
        };
        let (head, piece) = begun.map_err(Fault::Failed)??;
        Ok((head, Exchange::Http1(connection), Some(piece)))
    }

    async fn ask_http2(
        &self,
        request: &Request<'_>,
        body: Unsent,
        connection: &h2::Connection,
        trace: &mut Trace,
    ) -> Result<(Head, Exchange, Option<Piece<'_>>), Fault> {
        let head = headers::http2(request).map_err(Fault::Failed)?;
        trace.enter(Phase::FirstByte);
        let Shared { spec, clock, extracts, .. } = &*self.shared;
        let sent = Cell::new(body.is_empty());
        let asked = pin!(connection.send_telling(head, body, &sent));
        let begun = spec.patience.first_byte(asked, || sent.get(), &**clock).await;
        let exchange = begun.map_err(Fault::Failed)??;
        let head = Head::of_http2(extracts.headers(), exchange.status, &exchange.headers);
        Ok((head, Exchange::Http2(Box::new(exchange)), None))
    }

    /// A connection to `host` on which a request can be sent: an idle one if that is wanted, or else a new one.
    async fn ready(
        &self,
        host: &Rc<Host>,
        may_reuse: bool,
        trace: &mut Trace,
    ) -> Result<Ready, Fault> {
        loop {
            let now_us = self.shared.clock.now_us();
            if may_reuse && let Some(connection) = self.take_idle(host, now_us).await {
                return Ok(Ready::Http1 { connection, reused: true, now_us });
            }
            if host.protocol() != Some(Protocol::OnlyHttp1) {
                if let Some(connection) = host.with_capacity(now_us) {
                    return Ok(Ready::Http2 { connection, reused: true });
                }
                // How many requests the server takes at a time is known only when its settings have come.
                if let Some(newest) = host.unsettled() {
                    newest.settled().await;
                    continue;
                }
            }
            let Some(opening) = host.begin_opening() else {
                // Another request opens a connection, which may do for this one as well.
                host.opened().await?;
                continue;
            };
            let opened = self.open(host, trace).await;
            return self.take_new(opening, opened, self.shared.clock.now_us());
        }
    }

    /// Takes what came of an opening. `now_us` is the time of the run.
    fn take_new(
        &self,
        opening: Opening,
        opened: Result<Opened, Fault>,
        now_us: u64,
    ) -> Result<Ready, Fault> {
        if let Ok(Opened::Http2(connection)) = &opened {
            connection.use_at(now_us);
            self.make_room();
            self.http2.set(self.http2.get() + 1);
        }
        Ok(match opening.end(opened)? {
            Opened::Http1(connection) => Ready::Http1 { connection, reused: false, now_us },
            Opened::Http2(connection) => Ready::Http2 { connection, reused: false },
        })
    }

    async fn open(&self, host: &Host, trace: &mut Trace) -> Result<Opened, Fault> {
        match self.open_once(host, trace).await {
            // What the opener itself could not make room for are the files of the system's root certificates.
            Err(Fault::Exhausted(_)) if self.close_idle() => self.open_once(host, trace).await,
            opened => opened,
        }
    }

    async fn open_once(&self, host: &Host, trace: &mut Trace) -> Result<Opened, Fault> {
        let alpn = host.alpn();
        let make_room = || self.close_idle();
        // Boxed, since it would make the future of every item larger.
        Box::pin(self.opener.open(&host.origin, &host.route, alpn, make_room, trace)).await
    }

    /// An idle connection. `now_us` is the time of the run.
    async fn take_idle(&self, host: &Host, now_us: u64) -> Option<Box<h1::Connection>> {
        loop {
            let (mut connection, idle_us) = host.idle.take(now_us)?;
            self.idle.set(self.idle.get() - 1);
            if (idle_us < FRESH_US && !connection.may_have_more())
                || (idle_us <= MAX_AGE_US && connection.is_quiet(&self.lent).await)
            {
                return Some(connection);
            }
        }
    }

    /// Keeps the connection of an exchange that has ended, if there may be another request on it. `now_us` is the time
    /// of the run.
    pub(super) fn keep(&self, origin: &Rc<Origin>, exchange: Exchange, now_us: u64) {
        if self.scope == SessionScope::None {
            return;
        }
        match exchange {
            Exchange::Http1(connection) if connection.persists() => {
                self.keep_unused(&self.host(origin), connection, now_us);
            }
            Exchange::Http1(_) => {}
            Exchange::Http2(exchange) => exchange.use_at(now_us),
        }
    }

    /// Keeps a connection on which nothing is under way.
    fn keep_unused(&self, host: &Host, connection: Box<h1::Connection>, now_us: u64) {
        if self.scope != SessionScope::None {
            self.make_room();
            host.idle.put(connection, now_us);
            self.idle.set(self.idle.get() + 1);
        }
    }

    /// Reads a response to its end, if it is a short one, on a task of its own, and keeps its connection. If there are
    /// too many such tasks, the connection is closed.
    pub(super) fn reclaim(self: &Rc<Self>, origin: &Rc<Origin>, exchange: Exchange) {
        if self.scope == SessionScope::None || !exchange.is_worth_reading() {
            return;
        }
        let (hub, origin) = (Rc::downgrade(self), origin.clone());
        let mut tasks = self.tasks.borrow_mut();
        while tasks.try_join_next().is_some() {}
        if tasks.len() == MAX_READ_OVER {
            return;
        }
        tasks.spawn_local(async move {
            let Some(exchange) = exchange.read_over().await else { return };
            if let Some(hub) = hub.upgrade() {
                hub.keep(&origin, exchange, hub.shared.clock.now_us());
            }
        });
    }

    /// Closes all idle connections; tells whether there were any.
    pub(super) fn close_idle(&self) -> bool {
        let had = self.idle.replace(0) > 0;
        self.all_idle().iter().for_each(|idle| idle.close(u64::MAX));
        self.hosts.borrow().values().for_each(|host| host.close_unused(u64::MAX));
        had
    }

    /// Counts a request that is under way for as long as what this gives.
    fn begin(&self) -> UnderWay<'_> {
        let under_way = self.under_way.get() + 1;
        self.under_way.set(under_way);
        self.max_idle.set(self.max_idle.get().max(under_way));
        UnderWay(&self.under_way)
    }

    /// Closes the half of the idle connections that has been idle for longest, if there are as many as there may be.
    fn make_room(&self) {
        if self.idle.get() + self.http2.get() < self.max_idle.get() + self.busy.get() {
            return;
        }
        let (all, hosts) = (self.all_idle(), self.hosts.borrow());
        let mut times = Vec::new();
        for idle in &all {
            idle.times(&mut times);
        }
        self.busy.set(hosts.values().map(|host| host.unused_times(&mut times)).sum());
        // Fewer, if connections of HTTP/2 have ended or were put to use. It takes many new ones then until they are counted again.
        if times.len() > self.max_idle.get() / 2 {
            let middle = times.len() / 2;
            let since_us = *times.select_nth_unstable(middle).1;
            for idle in &all {
                idle.close(since_us);
            }
            hosts.values().for_each(|host| host.close_unused(since_us));
        }
        self.idle.set(all.iter().map(|idle| idle.len()).sum());
        self.http2.set(hosts.values().map(|host| host.http2()).sum());
    }

    /// All idle connections of HTTP/1.1, each in one place.
    fn all_idle(&self) -> Vec<Rc<IdleConnections>> {
        let hosts = self.hosts.borrow();
        let own = hosts.values().filter(|host| host.route.asked().is_none());
        let to_proxies = self.to_proxies.borrow();
        let shared = to_proxies.iter().map(|(_, idle)| idle);
        own.map(|host| &host.idle).chain(shared).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::idle::MAX_AGE_US;
    use super::*;
    use crate::http::{HttpSpec, HttpWork};
    use gaits_core::ManualClock;
    use http::HeaderMap;
    use http::uri::{Authority, PathAndQuery, Scheme};
    use std::task::{Context, Waker};
    use tokio::io::DuplexStream;
    use tokio::runtime::{Builder, LocalOptions};

    fn run(test: impl Future<Output = ()>) {
        let runtime = Builder::new_current_thread().build_local(LocalOptions::default()).unwrap();
        runtime.block_on(test);
    }

    fn hub(max_idle: usize, max_hosts: usize) -> Hub {
        let work = HttpWork::new(&HttpSpec::default(), Arc::new(ManualClock::default())).unwrap();
        Hub {
            max_idle: Cell::new(max_idle),
            max_hosts,
            ..Hub::new(work.shared, SessionScope::Loop)
        }
    }

    fn origin(n: u64) -> Rc<Origin> {
        Target::parse(&format!("https://h{n}.test/"), None).unwrap().origin
    }

    /// A connection to the host `n`, opened at `n`, and its far end.
    async fn open(hub: &Hub, n: u64) -> (h2::Connection, DuplexStream) {
        let (near, far) = tokio::io::duplex(1 << 16);
        let opened = Opened::Http2(h2::Connection::open(near).await.unwrap());
        let opening = hub.host(&origin(n)).begin_opening().unwrap();
        let Ok(Ready::Http2 { connection, .. }) = hub.take_new(opening, Ok(opened), n) else {
            panic!("it is not kept");
        };
        (connection, far)
    }

    fn kept(hub: &Hub) -> usize {
        hub.hosts.borrow().values().map(|host| host.http2()).sum()
    }

    #[test]
    fn of_too_many_unused_connections_of_http2_the_older_half_is_closed() {
        run(async {
            let hub = hub(8, MAX_HOSTS);
            let (busy, _far) = open(&hub, 0).await;
            let here = (Authority::from_static("h0.test"), PathAndQuery::from_static("/"));
            let head =
                h2::request(http::Method::GET, Scheme::HTTPS, here.0, here.1, HeaderMap::new());
            let sent = Cell::new(false);
            let mut asked =
                pin!(busy.send_telling(head.unwrap(), Unsent::Bytes(Bytes::new()), &sent));
            assert!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            let mut all = Vec::new();
            for n in 1..40 {
                all.push(open(&hub, n).await);
                // What has a request is not idle.
                assert!(kept(&hub) <= 8 + 1, "{}", kept(&hub));
            }
            assert!(kept(&hub) >= 4, "{}", kept(&hub));
            let has = |n| hub.host(&origin(n)).with_capacity(40).is_some();
            assert!(has(0) && has(39) && !has(1) && !has(20));
        });
    }

    #[test]
    fn as_many_connections_are_kept_as_requests_were_under_way_at_once() {
        run(async {
            let hub = hub(8, MAX_HOSTS);
            for _ in 0..3 {
                let under_way: Vec<_> = (0..20).map(|_| hub.begin()).collect();
                drop(under_way);
            }
            let mut all = Vec::new();
            for n in 0..20 {
                all.push(open(&hub, n).await);
            }
            assert_eq!((kept(&hub), hub.under_way.get()), (20, 0));
            for n in 20..40 {
                all.push(open(&hub, n).await);
            }
            assert!(kept(&hub) <= 20, "{}", kept(&hub));
        });
    }

    #[test]
    fn a_connection_of_http2_that_was_unused_for_long_is_not_used_again() {
        run(async {
            let hub = hub(MAX_IDLE, MAX_HOSTS);
            let (connection, _far) = open(&hub, 1).await;
            let host = hub.host(&origin(1));
            assert!(host.with_capacity(MAX_AGE_US + 1).is_some());
            assert!(host.with_capacity(2 * MAX_AGE_US + 1).is_some(), "it was used meanwhile");
            connection.use_at(2 * MAX_AGE_US + 2);
            assert!(
                host.with_capacity(3 * MAX_AGE_US + 2).is_some(),
                "a request has ended meanwhile"
            );
            assert!(host.with_capacity(4 * MAX_AGE_US + 3).is_none());
            assert_eq!(kept(&hub), 0);
        });
    }

    #[test]
    fn hosts_are_forgotten_when_their_connections_of_http2_have_ended() {
        run(async {
            let hub = hub(MAX_IDLE, 4);
            let mut all = Vec::new();
            for n in 0..4 {
                all.push(open(&hub, n).await);
            }
            for (connection, far) in all.drain(1..) {
                drop(far);
                connection.settled().await;
            }
            hub.host(&origin(4));
            assert_eq!(hub.hosts.borrow().len(), 2, "one that is open, and the new one");
        });
    }

    #[test]
    fn where_no_host_can_be_forgotten_that_is_not_tried_again_for_each_new_one() {
        run(async {
            let hub = hub(MAX_IDLE, 4);
            let mut all = Vec::new();
            for n in 0..4 {
                all.push(open(&hub, n).await);
            }
            for n in 4..8 {
                hub.host(&origin(n));
            }
            assert_eq!(hub.hosts.borrow().len(), 8);
            hub.host(&origin(8));
            assert_eq!(hub.hosts.borrow().len(), 5, "the hosts in use and the new one");
        });
    }
}
