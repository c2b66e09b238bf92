//! Opens connections.

use super::connection::{Connection, Protocol};
use super::fault::{self, Fault};
use super::pool::Pool;
use super::target::{Origin, Scheme};
use super::trace::{Phase, Trace};
use super::wire::Wire;
use gaits_core::ErrorKind;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// Opens a connection to `origin`.
pub(super) async fn open(
    origin: &Origin,
    pool: &mut Pool,
    trace: &mut Trace,
) -> Result<Box<Connection>, Fault> {
    let Some(ip) = origin.ip else {
        return Err(Fault::new(ErrorKind::Dns, "names are not resolved yet"));
    };
    if origin.scheme == Scheme::Https {
        return Err(Fault::new(ErrorKind::Tls, "https is not spoken yet"));
    }
    trace.enter(Phase::Connect);
    let address = SocketAddr::new(ip, origin.port);
    let stream = match TcpStream::connect(address).await {
        Err(e) if fault::is_exhausted(&e) && pool.clear() => TcpStream::connect(address).await,
        other => other,
    };
    let stream = stream.map_err(|e| {
        if fault::is_exhausted(&e) {
            return Fault::exhausted("connecting", &e);
        }
        let message = match e.kind() {
            std::io::ErrorKind::ConnectionRefused => format!("connection refused by {address}"),
            _ => format!("cannot connect to {address}: {}", fault::words(&e)),
        };
        Fault::new(ErrorKind::Connect, message)
    })?;
    // Without it, nothing is lost but time.
    let _ = stream.set_nodelay(true);
    let connection =
        Connection::open(Wire::tcp(stream), Protocol::Http1).await.map_err(Fault::Failed)?;
    Ok(Box::new(connection))
}
