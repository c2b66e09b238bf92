//! Opens connections: name, address, TCP, TLS, and which HTTP is spoken.
//!
//! Limit: one at a time; keeps nothing.

use super::dial::Begun;
use super::fault::Fault;
use super::route::Route;
use super::shared::Shared;
use super::target::Origin;
use super::tls::{self, Alpn, Connectors};
use super::trace::{Phase, Trace};
use super::wire::Wire;
use super::words::seconds;
use super::{h1, h2};
use crate::deadline::within;
use gaits_core::{ErrorKind, SessionScope};
use std::pin::pin;
use std::sync::Arc;

/// Opens connections for one hub.
pub(super) struct Opener {
    shared: Arc<Shared>,
    connectors: Connectors,
}

/// A connection that was just opened.
pub(super) enum Opened {
    Http1(Box<h1::Connection>),
    Http2(h2::Connection),
}

impl Opener {
    pub(super) fn new(shared: Arc<Shared>, scope: SessionScope) -> Self {
        Self { shared, connectors: Connectors::new(scope) }
    }

    /// Opens a connection to `origin` on `route` within the connect timeout, which begins when the name is asked for.
    /// Where no file descriptor is left, `make_room` may close some; it tells whether it has.
    pub(super) async fn open(
        &self,
        origin: &Origin,
        route: &Route,
        alpn: Alpn,
        make_room: impl FnMut() -> bool,
        trace: &mut Trace,
    ) -> Result<Opened, Fault> {
        let begun = self.shared.dialer.begin(&route.hop, trace).await;
        let opening = self.open_begun(begun, origin, route, alpn, make_room, trace);
        let Some(limit) = self.shared.spec.connect_timeout else {
            return opening.await;
        };
        if let Some(opened) = within(pin!(opening), limit, &*self.shared.clock).await {
            return opened;
        }
        let (phase, limit) = (trace.phase(), seconds(limit));
        let message =
            format!("no connection to {} within {limit}: still {phase}", origin.authority);
        Err(Fault::new(ErrorKind::ConnectTimeout, message))
    }

    async fn open_begun(
        &self,
        begun: Begun<'_>,
        origin: &Origin,
        route: &Route,
        alpn: Alpn,
        make_room: impl FnMut() -> bool,
        trace: &mut Trace,
    ) -> Result<Opened, Fault> {
        let wire = self.shared.dialer.reach(begun, make_room, trace).await?;
        let opened = if route.encrypted {
            // Boxed, since a handshake would make the future of every item larger.
            Box::pin(self.encrypt(origin, wire, alpn, trace)).await?
        } else if route.assumes_http2() && alpn == Alpn::Any {
            Opened::Http2(h2::Connection::open(wire).await?)
        } else {
            Opened::Http1(Box::new(h1::Connection::new(wire)))
        };
        trace.enter(Phase::Between);
        Ok(opened)
    }

    async fn encrypt(
        &self,
        origin: &Origin,
        wire: Wire,
        alpn: Alpn,
        trace: &mut Trace,
    ) -> Result<Opened, Fault> {
        let connector = self.connectors.get(&self.shared.tls, alpn)?;
        let name = tls::server_name(origin)?;
        trace.enter(Phase::Tls);
        let stream =
            connector.connect(name, wire).await.map_err(|e| tls::handshake_error(origin, &e))?;
        let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let wire = Wire::tls(stream);
        Ok(if speaks_http2 {
            Opened::Http2(h2::Connection::open(wire).await?)
        } else {
            Opened::Http1(Box::new(h1::Connection::new(wire)))
        })
    }
}
