//! Dialling: from an endpoint to a TCP connection to one of its addresses.
//!
//! That happens in two steps. [`Dialer::locate`] waits only as long as the origin's name waits to be asked for; this is
//! no time in which a server could have answered, so the connect timeout starts after it. [`Dialer::connect`] waits for
//! the addresses and connects to the first of them that answers, by happy eyeballs (RFC 8305).
//!
//! Limit: plain TCP without socket options; keeps no connection. It does not watch the clock of the connect timeout:
//! whoever dials drops the future.

mod dead;
mod fixed;
mod hop;
mod private;
mod race;
mod socket;

pub(super) use hop::Begun;
pub(super) use socket::LastDescriptors;

use super::dns::{Addresses, Dns, Lookup, LookupError, NameServers};
use super::fault::{self, Fault};
use super::patience::Patience;
use super::route::Endpoint;
use super::trace::{Phase, Trace};
use super::ways::{Family, Ways};
use super::wire::Tcp;
use super::words::of_io;
use dead::DeadAddresses;
use fixed::FixedAddresses;
use gaits_core::{Clock, ErrorKind};
use race::{Lost, Won, race};
use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// How long an address has for itself before the next one is tried beside it: what RFC 8305 recommends.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The least that RFC 8305 allows.
const MIN_ATTEMPT_DELAY: Duration = Duration::from_millis(10);

/// Dials for all sessions of one process.
#[derive(Debug)]
pub(super) struct Dialer {
    dns: Dns,
    dead: DeadAddresses,
    delay: Duration,
    last: LastDescriptors,
    reach: Reach,
    family: Family,
    fixed: FixedAddresses,
    /// How long a name server may take.
    slowness: Patience,
    clock: Arc<dyn Clock>,
}

/// Which addresses may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// All.
    Any,
    /// Those of the public internet. What counts is the address that is connected to, so that a name can't lead elsewhere
    /// on its second look-up, nor a redirect.
    Public,
}

impl Reach {
    /// Those of `ips` that may be connected to.
    ///
    /// # Errors
    /// None of them; says what sort of address the first one is.
    fn allowed(self, ips: &[IpAddr]) -> Result<Cow<'_, [IpAddr]>, (IpAddr, &'static str)> {
        if self == Reach::Any {
            return Ok(Cow::Borrowed(ips));
        }
        let sort = |ip: &IpAddr| private::not_public(*ip);
        let allowed: Vec<IpAddr> = ips.iter().copied().filter(|ip| sort(ip).is_none()).collect();
        match ips.first().and_then(|ip| Some((*ip, sort(ip)?))) {
            Some(refused) if allowed.is_empty() => Err(refused),
            _ => Ok(allowed.into()),
        }
    }
}

/// Where an endpoint is to be reached, as far as that is known.
#[derive(Debug)]
pub(super) enum Located {
    /// At this address.
    Address(IpAddr),
    /// At one of the addresses that this look-up finds.
    Name(Lookup),
}

impl Dialer {
    /// Asks `servers` for names. `patience` is how long opening a connection may take.
    pub(super) fn new(
        servers: NameServers,
        patience: Option<Duration>,
        clock: Arc<dyn Clock>,
        last: LastDescriptors,
        reach: Reach,
    ) -> Self {
        Self {
            last,
            reach,
            ..Self::with(Dns::new(servers, patience, clock.clone()), patience, clock)
        }
    }

    /// The same, with the addresses and the family that `ways` name.
    pub(super) fn by(self, ways: &Ways) -> Self {
        Self { family: ways.family, fixed: FixedAddresses::new(&ways.fixed), ..self }
    }

    /// The same, with as much patience for name servers.
    pub(super) fn patient(self, slowness: Patience) -> Self {
        Self { slowness, ..self }
    }

    fn with(dns: Dns, patience: Option<Duration>, clock: Arc<dyn Clock>) -> Self {
        // There must be time for a few addresses.
        let delay = patience.map_or(ATTEMPT_DELAY, |patience| ATTEMPT_DELAY.min(patience / 4));
        let delay = delay.max(MIN_ATTEMPT_DELAY);
        let (last, reach) = (LastDescriptors::ForAnything, Reach::Any);
        let (family, fixed) = (Family::Any, FixedAddresses::default());
        let (dead, slowness) = (DeadAddresses::new(clock.clone()), Patience::default());
        Self { dns, dead, delay, last, reach, family, fixed, slowness, clock }
    }

    /// Finds out where `endpoint` is to be reached. If its name has to be asked for, the look-up has begun when this
    /// returns, but may not have ended.
    pub(super) async fn locate(&self, endpoint: &Endpoint, trace: &mut Trace) -> Located {
        if let Some(addresses) = self.fixed.of(endpoint) {
            return Located::Name(Lookup::known(Ok(addresses)));
        }
        if let Some(ip) = endpoint.ip {
            return Located::Address(ip);
        }
        trace.enter(Phase::Dns);
        let mut lookup = self.dns.look_up(&endpoint.host);
        if lookup.is_queued() {
            trace.enter(Phase::DnsQueue);
            lookup.asked().await;
            trace.enter(Phase::Dns);
        }
        Located::Name(lookup)
    }

    /// Connects to `endpoint` where it was `located`. Where there is no file descriptor left, `make_room` may close some; it tells
    /// whether it has.
    pub(super) async fn connect(
        &self,
        located: Located,
        endpoint: &Endpoint,
        mut make_room: impl FnMut() -> bool,
        trace: &mut Trace,
    ) -> Result<Tcp, Fault> {
        let lookup = match located {
            Located::Address(ip) => {
                self.allowed(&[ip], endpoint)?;
                trace.enter(Phase::Connect);
                return self.connect_to(SocketAddr::new(ip, endpoint.port), make_room).await;
            }
            Located::Name(lookup) => lookup,
        };
        trace.enter(Phase::Dns);
        let addresses = self.resolve(lookup, endpoint, &mut make_room).await?;
        let allowed = self.allowed(addresses.ips(), endpoint)?;
        trace.enter(Phase::Connect);
        match &*allowed {
            [ip] => self.connect_to(SocketAddr::new(*ip, endpoint.port), make_room).await,
            // Boxed, since it would make the future of every item larger.
            ips => {
                let turn = addresses.next_turn();
                Box::pin(self.connect_to_any(ips, turn, endpoint.port, make_room)).await
            }
        }
    }

    /// Those of an endpoint's addresses that may be connected to; never none.
    fn allowed<'a>(
        &self,
        ips: &'a [IpAddr],
        endpoint: &Endpoint,
    ) -> Result<Cow<'a, [IpAddr]>, Fault> {
        if ips.iter().all(|ip| self.family.holds(*ip)) {
            return self.reach.allowed(ips).map_err(|refused| blocked(endpoint, refused));
        }
        let of_family: Vec<IpAddr> =
            ips.iter().copied().filter(|ip| self.family.holds(*ip)).collect();
        if of_family.is_empty() {
            return Err(hop::of_other_family(endpoint, self.family));
        }
        let allowed = self.reach.allowed(&of_family).map(Cow::into_owned);
        allowed.map(Cow::Owned).map_err(|refused| blocked(endpoint, refused))
    }

    async fn resolve(
        &self,
        lookup: Lookup,
        endpoint: &Endpoint,
        make_room: &mut impl FnMut() -> bool,
    ) -> Result<Arc<Addresses>, Fault> {
        let answer = async {
            let answer = lookup.answer().await;
            if matches!(answer, Err(LookupError::Exhausted(_))) && make_room() {
                return self.dns.look_up(&endpoint.host).answer().await;
            }
            answer
        };
        let answer = self.slowness.dns(answer, &endpoint.host, &*self.clock).await;
        answer.map_err(Fault::Failed)?.map_err(|e| match e {
            LookupError::Failed(why) => Fault::new(
                ErrorKind::Dns,
                format!("could not resolve host {}: {why}", endpoint.host),
            ),
            LookupError::Exhausted(why) => Fault::exhausted("looking up a host", &why),
        })
    }

    /// Connects to the one address that there is.
    async fn connect_to(
        &self,
        address: SocketAddr,
        mut make_room: impl FnMut() -> bool,
    ) -> Result<Tcp, Fault> {
        let connected = match self.last.connect(address).await {
            Err(e) if fault::is_exhausted(&e) && make_room() => self.last.connect(address).await,
            connected => connected,
        };
        connected.map_err(|e| {
            if fault::is_exhausted(&e) {
                exhausted(&e)
            } else {
                Fault::new(ErrorKind::Connect, refusal(address, &e))
            }
        })
    }

    async fn connect_to_any(
        &self,
        ips: &[IpAddr],
        turn: usize,
        port: u16,
        make_room: impl FnMut() -> bool,
    ) -> Result<Tcp, Fault> {
        let order = self.dead.last(in_turn(ips, turn, port));
        match race(&order, self.delay, |address| self.last.connect(address), make_room).await {
            Ok(Won { stream, address, dead }) => {
                self.dead.learn(address, &dead);
                Ok(stream)
            }
            Err(Lost::Exhausted(e)) => Err(exhausted(&e)),
            Err(Lost::Failed(e)) => {
                let refusal = refusal(order[0], &e);
                let others = order.len() - 1;
                let message = format!("{refusal} (and none of its other {others} addresses)");
                Err(Fault::new(ErrorKind::Connect, message))
            }
        }
    }
}

/// The addresses in the order in which to try them: one of the preferred family, which is that of the first, then one
/// of the other, and so on (RFC 8305, section 4). Each family is begun at its `turn`th address, so that a host's
/// addresses share the load.
fn in_turn(ips: &[IpAddr], turn: usize, port: u16) -> Vec<SocketAddr> {
    let family = |v4: bool| {
        let len = ips.iter().filter(|ip| ip.is_ipv4() == v4).count();
        let all = ips.iter().filter(move |ip| ip.is_ipv4() == v4);
        all.cycle().skip(turn.checked_rem(len).unwrap_or(0)).take(len)
    };
    let v4_first = ips.first().is_some_and(IpAddr::is_ipv4);
    let (mut preferred, mut other) = (family(v4_first), family(!v4_first));
    let mut order = Vec::with_capacity(ips.len());
    while order.len() < ips.len() {
        let next = preferred.next().into_iter().chain(other.next());
        order.extend(next.map(|ip| SocketAddr::new(*ip, port)));
    }
    order
}

/// The endpoint is at an address that may not be connected to.
fn blocked(endpoint: &Endpoint, (ip, sort): (IpAddr, &'static str)) -> Fault {
    let host = &endpoint.host;
    let whose = if endpoint.ip.is_some() { String::new() } else { format!("{host} is at ") };
    let message = format!("{whose}{ip}, {sort}: --deny-private allows none such");
    Fault::new(ErrorKind::BlockedAddress, message)
}

fn exhausted(e: &io::Error) -> Fault {
    Fault::exhausted("opening a connection", &of_io(e))
}

fn refusal(address: SocketAddr, e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::ConnectionRefused => format!("connection refused by {address}"),
        io::ErrorKind::AddrNotAvailable => format!(
            "no local port left to connect to {address} from: keep connections with --session loop, or make fewer at a time"
        ),
        _ => format!("cannot connect to {address}: {}", of_io(e)),
    }
}

#[cfg(test)]
mod tests;
