//! Opens connections: name, address, TCP, TLS, and which HTTP is spoken.
//!
//! Limit: one origin at a time; keeps nothing.

use super::connection::{Connection, Protocol};
use super::dial::Route;
use super::fault::Fault;
use super::pool::Pool;
use super::session::seconds;
use super::spec::SessionMode;
use super::target::{Origin, Scheme};
use super::tls;
use super::trace::{Phase, Trace};
use super::wire::Wire;
use super::work::Shared;
use gaits_core::ErrorKind;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Opens connections for one session.
pub(super) struct Opener {
    shared: Arc<Shared>,
    mode: SessionMode,
    /// Made when the first `https` URL needs it.
    connector: Option<TlsConnector>,
}

impl Opener {
    pub(super) const fn new(shared: Arc<Shared>, mode: SessionMode) -> Self {
        Self { shared, mode, connector: None }
    }

    /// Opens a connection to `origin` within the connect timeout, which starts when its name is asked for. If no file
    /// descriptor is left, the idle connections in `pool` are closed first.
    pub(super) async fn open(
        &mut self,
        origin: &Origin,
        pool: &mut Pool,
        trace: &mut Trace,
    ) -> Result<Box<Connection>, Fault> {
        let route = self.shared.dialer.route(origin, trace).await;
        let Some(limit) = self.shared.spec.connect_timeout else {
            return self.open_in_time(route, origin, pool, trace).await;
        };
        let opening = self.open_in_time(route, origin, pool, trace);
        if let Ok(opened) = tokio::time::timeout(limit, opening).await {
            return opened;
        }
        let (phase, limit) = (trace.phase(), seconds(limit));
        let message =
            format!("no connection to {} within {limit}: still {phase}", origin.authority);
        Err(Fault::new(ErrorKind::ConnectTimeout, message))
    }

    async fn open_in_time(
        &mut self,
        route: Route,
        origin: &Origin,
        pool: &mut Pool,
        trace: &mut Trace,
    ) -> Result<Box<Connection>, Fault> {
        let tcp = self.shared.dialer.connect(route, origin, || pool.clear(), trace).await?;
        // Without it, nothing is lost but time.
        let _ = tcp.set_nodelay(true);
        let (wire, protocol) = match origin.scheme {
            Scheme::Http => (Wire::tcp(tcp), Protocol::Http1),
            Scheme::Https => self.encrypt(origin, tcp, trace).await?,
        };
        let opened = Connection::open(wire, protocol).await.map_err(Fault::Failed)?;
        trace.enter(Phase::Between);
        Ok(Box::new(opened))
    }

    async fn encrypt(
        &mut self,
        origin: &Origin,
        tcp: TcpStream,
        trace: &mut Trace,
    ) -> Result<(Wire, Protocol), Fault> {
        let connector = match &mut self.connector {
            Some(connector) => connector,
            none => none.insert(self.shared.tls.connector(self.mode)?),
        };
        let name = tls::server_name(origin)?;
        trace.enter(Phase::Tls);
        let stream =
            connector.connect(name, tcp).await.map_err(|e| tls::handshake_error(origin, &e))?;
        let protocol = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        Ok((Wire::tls(stream), protocol))
    }
}
