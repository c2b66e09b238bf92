//! The first connection of a way, whatever it is made to: a TCP endpoint or a Unix socket.
//!
//! Limit: speaks neither TLS nor with a proxy.

use super::super::fault::{self, Fault};
use super::super::route::{Endpoint, Hop};
use super::super::trace::{Phase, Trace};
use super::super::ways::Family;
use super::super::wire::Wire;
use super::super::words::of_io;
use super::{Dialer, Located, exhausted};
use gaits_core::ErrorKind;
use std::net::IpAddr;
use std::path::Path;
use tokio::net::UnixStream;

/// A connection that was begun.
#[derive(Debug)]
pub(in super::super) enum Begun<'a> {
    Tcp(&'a Endpoint, Located),
    Unix(&'a Path),
}

impl Dialer {
    /// Begins the way to `hop`, as [`locate`](Self::locate) does.
    pub(in super::super) async fn begin<'a>(&self, hop: &'a Hop, trace: &mut Trace) -> Begun<'a> {
        match hop {
            Hop::Tcp(endpoint) => Begun::Tcp(endpoint, self.locate(endpoint, trace).await),
            Hop::Unix(path) => Begun::Unix(path),
        }
    }

    /// Connects to where the way has `begun`. `make_room` is that of [`connect`](Self::connect).
    pub(in super::super) async fn reach(
        &self,
        begun: Begun<'_>,
        make_room: impl FnMut() -> bool,
        trace: &mut Trace,
    ) -> Result<Wire, Fault> {
        match begun {
            Begun::Tcp(endpoint, located) => {
                let tcp = self.connect(located, endpoint, make_room, trace).await?;
                // Without it, nothing is lost but time.
                let _ = tcp.set_nodelay();
                Ok(Wire::Tcp(tcp))
            }
            Begun::Unix(path) => {
                trace.enter(Phase::Connect);
                connect_unix(path, make_room).await.map(Wire::Unix)
            }
        }
    }

    /// An address of `endpoint` where it was `located`, for a proxy to connect to: of the preferred family, a different one
    /// each time.
    pub(in super::super) async fn address(
        &self,
        located: Located,
        endpoint: &Endpoint,
        mut make_room: impl FnMut() -> bool,
        trace: &mut Trace,
    ) -> Result<IpAddr, Fault> {
        let lookup = match located {
            Located::Address(ip) => return self.allowed(&[ip], endpoint).map(|_| ip),
            Located::Name(lookup) => lookup,
        };
        trace.enter(Phase::Dns);
        let addresses = self.resolve(lookup, endpoint, &mut make_room).await?;
        let allowed = self.allowed(addresses.ips(), endpoint)?;
        let preferred = allowed.iter().filter(|ip| ip.is_ipv4() == allowed[0].is_ipv4());
        let preferred: Vec<IpAddr> = preferred.copied().collect();
        Ok(preferred[addresses.next_turn() % preferred.len()])
    }
}

async fn connect_unix(
    path: &Path,
    mut make_room: impl FnMut() -> bool,
) -> Result<UnixStream, Fault> {
    let connected = match UnixStream::connect(path).await {
        Err(e) if fault::is_exhausted(&e) && make_room() => UnixStream::connect(path).await,
        connected => connected,
    };
    connected.map_err(|e| {
        if fault::is_exhausted(&e) {
            return exhausted(&e);
        }
        let (path, why) = (path.display(), of_io(&e));
        Fault::new(ErrorKind::Connect, format!("cannot connect to the Unix socket {path}: {why}"))
    })
}

/// None of the endpoint's addresses is of the family that is wanted.
pub(super) fn of_other_family(endpoint: &Endpoint, family: Family) -> Fault {
    let host = &endpoint.host;
    let (wanted, flag) = match family {
        Family::V6 => ("IPv6", "--ipv6"),
        Family::V4 | Family::Any => ("IPv4", "--ipv4"),
    };
    let message = if endpoint.ip.is_some() {
        format!("{host} is no {wanted} address, and {flag} allows no other")
    } else {
        format!("{host} has no {wanted} address, and {flag} allows no other")
    };
    Fault::new(ErrorKind::Dns, message)
}
