//! Asking the name servers, by way of hickory: the hosts file first, then what `resolv.conf` names.
//!
//! Where `resolv.conf` cannot be read, names that the hosts file does not have fail and say so: no other server is
//! asked in its stead. Name services beside the two (mDNS, LDAP, a `hosts` line in `nsswitch.conf`) are not used.
//!
//! Limit: remembers nothing; one question is one look-up.

use super::super::fault;
use super::super::ways::{Family, NameService, Ways};
use super::super::words::of_io;
use super::answer::{Addresses, LookupError};
use super::names::MIN_LIFE;
use super::sockets::Sockets;
use super::source::{Found, Source};
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{Record, RecordType};
use hickory_resolver::{Hosts, Resolver, system_conf};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Once there is an answer for one family of addresses, how long that for the other is waited for (RFC 8305, section
/// 3). Some name servers never answer when asked for IPv6 addresses.
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// Which name servers are asked.
#[derive(Debug, Clone)]
pub(in crate::http) enum NameServers {
    /// Those of the system, after its hosts file, for addresses of this family.
    System(Family),
    /// None: the system is asked as a whole, by its function `getaddrinfo`.
    Getaddrinfo,
    /// This one only, for these addresses: for tests.
    #[cfg(test)]
    Only(SocketAddr, Families),
}

impl NameServers {
    /// Those that `ways` name.
    pub(in crate::http) const fn of(ways: &Ways) -> Self {
        match ways.names {
            NameService::Servers => NameServers::System(ways.family),
            NameService::System => NameServers::Getaddrinfo,
        }
    }
}

/// Which addresses of a name are asked for: only those that can be reached, as every question counts in a long list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Families {
    /// IPv4, and IPv6 where a name has none of that.
    V4,
    /// IPv6, and IPv4 where a name has none of that.
    V6,
    /// IPv4 and nothing else.
    OnlyV4,
    /// IPv6 and nothing else.
    OnlyV6,
    /// Both at a time. IPv6 is the preferred one, as RFC 6724 has it.
    Both,
}

/// Asks name servers.
pub(super) struct Upstream {
    servers: NameServers,
    resolver: Result<Resolver<Sockets>, LookupError>,
    families: Families,
    /// Why there are no name servers to ask, if there are none.
    unconfigured: Option<LookupError>,
}

impl Upstream {
    /// Reads how the system resolves names. To be made on the thread that asks.
    pub(super) fn new(servers: NameServers) -> Self {
        let Setup { config, mut options, hosts, families, unconfigured } = Setup::of(&servers);
        // Answers are remembered by whoever asks, in one place for all.
        options.cache_size = 0;
        // Hickory would take a hosts file that it cannot read for an empty one.
        options.use_hosts_file = ResolveHosts::Never;
        options.ip_strategy = match families {
            Families::OnlyV4 => LookupIpStrategy::Ipv4Only,
            Families::OnlyV6 => LookupIpStrategy::Ipv6Only,
            Families::V6 => LookupIpStrategy::Ipv6thenIpv4,
            Families::V4 | Families::Both => LookupIpStrategy::Ipv4thenIpv6,
        };
        let mut builder = Resolver::builder_with_config(config, Sockets::default());
        *builder.options_mut() = options;
        let resolver = match (builder.build(), hosts) {
            (Err(e), _) => Err(failure(&e)),
            (Ok(_), Err(e)) if fault::is_exhausted(&e) => Err(LookupError::from(&e)),
            (Ok(mut resolver), hosts) => {
                resolver.set_hosts(Arc::new(hosts.unwrap_or_default()));
                Ok(resolver)
            }
        };
        Self { servers, resolver, families, unconfigured }
    }

    /// Whether it could not even read how the system resolves names, for want of a file descriptor.
    const fn is_starved(&self) -> bool {
        matches!(self.unconfigured, Some(LookupError::Exhausted(_))) || self.resolver.is_err()
    }
}

/// How names are resolved.
struct Setup {
    config: ResolverConfig,
    options: ResolverOpts,
    hosts: io::Result<Hosts>,
    families: Families,
    unconfigured: Option<LookupError>,
}

impl Setup {
    fn of(servers: &NameServers) -> Self {
        match servers {
            NameServers::System(family) => Self::of_system(*family),
            // Another source is asked in its place.
            NameServers::Getaddrinfo => Self::of_system(Family::Any),
            #[cfg(test)]
            NameServers::Only(address, families) => {
                let mut server = hickory_resolver::config::NameServerConfig::udp(address.ip());
                server.connections[0].port = address.port();
                Self {
                    config: ResolverConfig::from_parts(None, Vec::new(), vec![server]),
                    options: ResolverOpts::default(),
                    hosts: Ok(Hosts::default()),
                    families: *families,
                    unconfigured: None,
                }
            }
        }
    }

    fn of_system(family: Family) -> Self {
        let (config, options, unconfigured) = match system_conf::read_system_conf() {
            Ok((config, options)) => (config, options, None),
            Err(e) => {
                let none = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
                (none, ResolverOpts::default(), Some(unreadable(&e)))
            }
        };
        let (hosts, families) = (Hosts::from_system(), Families::of(family));
        Self { config, options, hosts, families, unconfigured }
    }
}

impl Source for Upstream {
    fn look_up(
        &mut self,
        host: Arc<str>,
    ) -> impl Future<Output = Result<Found, LookupError>> + Send + 'static {
        if self.is_starved() {
            *self = Self::new(self.servers.clone());
        }
        let (resolver, families) = (self.resolver.clone(), self.families);
        let unconfigured = self.unconfigured.clone();
        async move {
            let resolver = resolver?;
            let found = match families {
                Families::Both => both(&resolver, &host).await,
                Families::V4 | Families::V6 | Families::OnlyV4 | Families::OnlyV6 => resolver
                    .lookup_ip(&*host)
                    .await
                    .map(|found| (found.as_lookup().answers().to_vec(), MAX_TTL)),
            };
            let (records, at_most) =
                found.map_err(|e| unconfigured.unwrap_or_else(|| failure(&e)))?;
            let life = records.iter().map(|record| record.ttl).min().unwrap_or(0);
            let life = Duration::from_secs(life.into()).min(at_most);
            let ips = records.iter().filter_map(|record| record.data.ip_addr());
            Addresses::new(ips)
                .map(|addresses| Found { addresses, life })
                .ok_or_else(|| LookupError::failed("it has no address"))
        }
    }
}

/// No answer is valid for longer (RFC 2181, section 8).
const MAX_TTL: Duration = Duration::from_secs(i32::MAX as u64);

/// Looks up the addresses of both families, and tells how long the answer may be kept at most.
async fn both(
    resolver: &Resolver<Sockets>,
    host: &str,
) -> Result<(Vec<Record>, Duration), NetError> {
    // A name that does not exist has no IPv6 addresses either; the other way round, some name servers are wrong.
    let is_enough = |v6: &Option<Result<Lookup, NetError>>, v4: &Option<_>| match (v6, v4) {
        (_, Some(Err(e))) if NetError::is_nx_domain(e) => true,
        (Some(Ok(found)), _) | (_, Some(Ok(found))) => !Lookup::answers(found).is_empty(),
        _ => false,
    };
    let mut ask_v6 = pin!(resolver.lookup(host, RecordType::AAAA));
    let mut ask_v4 = pin!(resolver.lookup(host, RecordType::A));
    let mut enough = pin!(sleep(RESOLUTION_DELAY));
    let (mut v6, mut v4) = (None, None);
    while v6.is_none() || v4.is_none() {
        tokio::select! {
            found = &mut ask_v6, if v6.is_none() => v6 = Some(found),
            found = &mut ask_v4, if v4.is_none() => v4 = Some(found),
            () = &mut enough, if is_enough(&v6, &v4) => break,
        }
        enough.as_mut().reset(Instant::now() + RESOLUTION_DELAY);
    }
    // Half an answer is soon asked for again.
    let at_most = if v6.is_some() && v4.is_some() { MAX_TTL } else { MIN_LIFE };
    let mut records = Vec::new();
    let mut error = None;
    for found in [v6, v4].into_iter().flatten() {
        match found {
            Ok(found) => records.extend_from_slice(found.answers()),
            Err(e) => error = Some(e),
        }
    }
    match error {
        Some(e) if records.is_empty() => Err(e),
        _ => Ok((records, at_most)),
    }
}

/// Addresses that belong to nobody (RFC 5737, RFC 3849).
const DOCUMENTATION_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const DOCUMENTATION_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

impl Families {
    fn of(family: Family) -> Self {
        match family {
            Family::Any => Self::reachable(),
            Family::V4 => Self::OnlyV4,
            Family::V6 => Self::OnlyV6,
        }
    }

    /// Those that there is a way to.
    fn reachable() -> Self {
        match (has_route(DOCUMENTATION_V4.into()), has_route(DOCUMENTATION_V6.into())) {
            (true, true) => Self::Both,
            (false, true) => Self::V6,
            (_, false) => Self::V4,
        }
    }
}

/// Whether there is a way to addresses like `ip`. Connecting a UDP socket sends nothing.
fn has_route(ip: IpAddr) -> bool {
    let any = if ip.is_ipv4() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    };
    UdpSocket::bind(SocketAddr::new(any, 0))
        .and_then(|socket| socket.connect(SocketAddr::new(ip, 9)))
        .is_ok()
}

fn unreadable(e: &NetError) -> LookupError {
    let why = match e {
        NetError::Io(io) if fault::is_exhausted(io) => return LookupError::from(&**io),
        NetError::Io(io) => of_io(io),
        e => e.to_string(),
    };
    LookupError::failed(format!(
        "/etc/resolv.conf names no server to ask ({why}); repair it, or give an address instead of a name"
    ))
}

fn failure(e: &NetError) -> LookupError {
    if let NetError::Io(io) = e
        && fault::is_exhausted(io)
    {
        return LookupError::from(&**io);
    }
    if e.is_nx_domain() {
        return LookupError::failed("no such name");
    }
    if e.is_no_records_found() {
        return LookupError::failed("it has no address");
    }
    // On its way up the reason may have got lost: is there a descriptor to be had?
    if let Err(io) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        && fault::is_exhausted(&io)
    {
        return LookupError::from(&io);
    }
    LookupError::failed(match e {
        NetError::Timeout => "no answer from a name server".to_owned(),
        NetError::Io(io) => format!("the name server cannot be asked ({})", of_io(io)),
        e => e.to_string(),
    })
}
