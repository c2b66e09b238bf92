//! Asking the name servers, by way of hickory: the hosts file first, then what `resolv.conf` names.
//!
//! Where `resolv.conf` cannot be read, names that the hosts file does not have fail and say so: no other server is
//! asked in its stead. Name services beside the two (mDNS, LDAP, a `hosts` line in `nsswitch.conf`) are not used.
//!
//! Limit: remembers nothing; one question is one look-up.

use super::super::fault;
use super::{Addresses, LookupError, failure_of};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// Which name servers are asked.
#[derive(Debug, Clone)]
pub(in crate::http) enum NameServers {
    /// Those of the system, after its hosts file.
    System,
    /// This one only: for tests.
    #[cfg(test)]
    Only(SocketAddr),
}

/// Asks name servers.
pub(super) struct Upstream {
    resolver: Result<TokioResolver, LookupError>,
    /// Why there are no name servers to ask, if there are none.
    unconfigured: Option<LookupError>,
    deadline: Duration,
}

impl Upstream {
    /// Reads how the system resolves names. To be made on the thread that asks.
    pub(super) fn new(servers: &NameServers, deadline: Duration) -> Self {
        let (config, mut options, unconfigured) = match servers {
            NameServers::System => match hickory_resolver::system_conf::read_system_conf() {
                Ok((config, options)) => (config, options, None),
                Err(e) => {
                    let none = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
                    (none, ResolverOpts::default(), Some(unreadable(&e)))
                }
            },
            #[cfg(test)]
            NameServers::Only(address) => {
                let mut server = hickory_resolver::config::NameServerConfig::udp(address.ip());
                server.connections[0].port = address.port();
                let mut options = ResolverOpts::default();
                options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
                (ResolverConfig::from_parts(None, Vec::new(), vec![server]), options, None)
            }
        };
        // Answers are remembered by whoever asks, in one place for all.
        options.cache_size = 0;
        options.ip_strategy = strategy(
            has_route(IpAddr::V4(DOCUMENTATION_V4)),
            has_route(IpAddr::V6(DOCUMENTATION_V6)),
        );
        let mut builder =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        let resolver = builder.build().map_err(|e| failure(&e));
        Self { resolver, unconfigured, deadline }
    }

    /// Whether it could not even read how the system resolves names, for want of a file descriptor.
    pub(super) const fn is_starved(&self) -> bool {
        matches!(self.unconfigured, Some(LookupError::Exhausted(_))) || self.resolver.is_err()
    }

    /// The addresses of `host` and how long they are valid.
    pub(super) async fn lookup(&self, host: &str) -> Result<(Addresses, Duration), LookupError> {
        let resolver = self.resolver.as_ref().map_err(Clone::clone)?;
        let Ok(found) = tokio::time::timeout(self.deadline, resolver.lookup_ip(host)).await else {
            let message =
                format!("no answer from a name server within {} s", self.deadline.as_secs_f64());
            return Err(LookupError::Failed(message.into()));
        };
        let found = found.map_err(|e| self.unconfigured.clone().unwrap_or_else(|| failure(&e)))?;
        let life = found.as_lookup().answers().iter().map(|record| record.ttl).min().unwrap_or(0);
        let mut seen = BTreeSet::new();
        let addresses: Addresses = found.iter().filter(|ip| seen.insert(*ip)).collect();
        if addresses.is_empty() {
            return Err(LookupError::Failed("it has no address".into()));
        }
        Ok((addresses, Duration::from_secs(life.into())))
    }
}

/// Addresses that belong to nobody (RFC 5737, RFC 3849).
const DOCUMENTATION_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const DOCUMENTATION_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

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

/// Which addresses to ask for: only those that can be reached, as every question counts in a long list.
const fn strategy(v4: bool, v6: bool) -> LookupIpStrategy {
    match (v4, v6) {
        (true, true) => LookupIpStrategy::Ipv4AndIpv6,
        (false, true) => LookupIpStrategy::Ipv6thenIpv4,
        (_, false) => LookupIpStrategy::Ipv4thenIpv6,
    }
}

fn unreadable(e: &NetError) -> LookupError {
    let why = match e {
        NetError::Io(io) if fault::is_exhausted(io) => return failure_of(io),
        NetError::Io(io) => fault::words(io),
        e => e.to_string(),
    };
    LookupError::Failed(
        format!("/etc/resolv.conf names no server to ask ({why}); repair it, or give an address instead of a name").into(),
    )
}

fn failure(e: &NetError) -> LookupError {
    if let NetError::Io(io) = e
        && fault::is_exhausted(io)
    {
        return failure_of(io);
    }
    if e.is_nx_domain() {
        return LookupError::Failed("no such name".into());
    }
    if e.is_no_records_found() {
        return LookupError::Failed("it has no address".into());
    }
    // On its way up the reason may have got lost: is there a descriptor to be had?
    if let Err(io) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        && fault::is_exhausted(&io)
    {
        return failure_of(&io);
    }
    LookupError::Failed(match e {
        NetError::Timeout => "no answer from a name server".into(),
        NetError::Io(io) => {
            format!("the name server cannot be asked ({})", fault::words(io)).into()
        }
        e => e.to_string().into(),
    })
}
