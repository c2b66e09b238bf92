//! Opens connections: name, address, TCP, TLS, and which HTTP is spoken.
//!
//! Limit: one origin at a time; keeps nothing.

use super::connection::{Connection, Protocol};
use super::dns::{Addresses, LookupError};
use super::fault::{self, Fault};
use super::pool::Pool;
use super::session::seconds;
use super::target::{Origin, Scheme};
use super::tls;
use super::trace::{Phase, Trace};
use super::wire::Wire;
use super::work::Shared;
use gaits_core::{ErrorKind, SessionScope};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Opens connections for one session.
pub(super) struct Opener {
    shared: Arc<Shared>,
    scope: SessionScope,
    /// Made when the first `https` URL needs it.
    connector: Option<TlsConnector>,
}

impl Opener {
    pub(super) const fn new(shared: Arc<Shared>, scope: SessionScope) -> Self {
        Self { shared, scope, connector: None }
    }

    /// Opens a connection to `origin` within the connect timeout. If no file descriptor is left, the idle
    /// connections in `pool` are closed first.
    pub(super) async fn open(
        &mut self,
        origin: &Origin,
        pool: &mut Pool,
        trace: &mut Trace,
    ) -> Result<Box<Connection>, Fault> {
        let Some(limit) = self.shared.spec.connect_timeout else {
            return self.open_in_time(origin, pool, trace).await;
        };
        if let Ok(opened) =
            tokio::time::timeout(limit, self.open_in_time(origin, pool, trace)).await
        {
            return opened;
        }
        let (phase, limit) = (trace.phase(), seconds(limit));
        let message =
            format!("no connection to {} within {limit}: still {phase}", origin.authority);
        Err(Fault::new(ErrorKind::ConnectTimeout, message))
    }

    async fn open_in_time(
        &mut self,
        origin: &Origin,
        pool: &mut Pool,
        trace: &mut Trace,
    ) -> Result<Box<Connection>, Fault> {
        let tcp = match origin.ip {
            Some(ip) => connect(origin, &[ip], pool, trace).await?,
            None => connect(origin, &self.resolve(origin, pool, trace).await?, pool, trace).await?,
        };
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

    async fn resolve(
        &self,
        origin: &Origin,
        pool: &mut Pool,
        trace: &mut Trace,
    ) -> Result<Addresses, Fault> {
        trace.enter(Phase::Dns);
        let mut answer = self.shared.dns.lookup(&origin.host).await;
        if matches!(answer, Err(LookupError::Exhausted(_))) && pool.clear() {
            answer = self.shared.dns.lookup(&origin.host).await;
        }
        answer.map_err(|e| match e {
            LookupError::Failed(why) => {
                Fault::new(ErrorKind::Dns, format!("could not resolve host {}: {why}", origin.host))
            }
            LookupError::Exhausted(why) => Fault::exhausted("looking up a host", &why),
        })
    }

    async fn encrypt(
        &mut self,
        origin: &Origin,
        tcp: TcpStream,
        trace: &mut Trace,
    ) -> Result<(Wire, Protocol), Fault> {
        let connector = match &mut self.connector {
            Some(connector) => connector,
            none => none.insert(self.shared.tls.connector(self.scope)?),
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

/// Connects to the first of `ips` that can be connected to.
async fn connect(
    origin: &Origin,
    ips: &[std::net::IpAddr],
    pool: &mut Pool,
    trace: &mut Trace,
) -> Result<TcpStream, Fault> {
    trace.enter(Phase::Connect);
    let mut first = None;
    for ip in ips {
        let address = SocketAddr::new(*ip, origin.port);
        let connected = match TcpStream::connect(address).await {
            Err(e) if fault::is_exhausted(&e) && pool.clear() => TcpStream::connect(address).await,
            connected => connected,
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(e) if fault::is_exhausted(&e) => {
                return Err(Fault::exhausted("opening a connection", &fault::words(&e)));
            }
            // The first address is the one that its owner prefers.
            Err(e) => first = first.or_else(|| Some(refusal(address, &e))),
        }
    }
    let mut message = first.unwrap_or_else(|| "the host has no address".to_owned());
    if ips.len() > 1 {
        message = format!("{message} (and none of its other {} addresses)", ips.len() - 1);
    }
    Err(Fault::new(ErrorKind::Connect, message))
}

fn refusal(address: SocketAddr, e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::ConnectionRefused => format!("connection refused by {address}"),
        io::ErrorKind::AddrNotAvailable => format!(
            "no local port left to connect to {address} from: keep connections with --session worker, or make fewer at a time"
        ),
        _ => format!("cannot connect to {address}: {}", fault::words(e)),
    }
}
