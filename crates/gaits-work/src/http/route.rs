//! How a server is reached, apart from which server is meant.
//!
//! Limit: resolves and dials nothing.

use super::proxy::{Proxy, UnreachableProxy};
use super::target::{Origin, Scheme};
use super::ways::{NoProxy, ProxyUrl, Version, Ways};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// The way to an origin.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// What is connected to.
    pub(super) hop: Hop,
    /// The proxy that this is.
    pub(super) proxy: Option<Arc<Proxy>>,
    /// Whether TLS is spoken with the origin.
    pub(super) encrypted: bool,
    pub(super) version: Version,
}

/// What a connection is made to.
#[derive(Debug, Clone)]
pub(super) enum Hop {
    Tcp(Endpoint),
    /// A socket in the file system.
    Unix(Arc<Path>),
}

/// What a TCP connection is made to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// In lower case, without brackets.
    pub(super) host: Box<str>,
    /// The address, where the host is one.
    pub(super) ip: Option<IpAddr>,
    pub(super) port: u16,
}

impl Endpoint {
    /// The origin itself.
    pub(super) fn of(origin: &Origin) -> Self {
        Self { host: origin.host.clone(), ip: origin.ip, port: origin.port }
    }
}

impl Route {
    /// Whether HTTP/2 is spoken without having been negotiated.
    pub(super) fn assumes_http2(&self) -> bool {
        !self.encrypted && self.version == Version::Http2
    }

    /// The proxy that is asked for whole URLs, as if it were the origin.
    pub(super) fn asked(&self) -> Option<&Arc<Proxy>> {
        self.proxy.as_ref().filter(|proxy| !self.encrypted && proxy.speaks_http())
    }
}

/// Knows the ways to all origins.
#[derive(Debug)]
pub(super) struct Routes {
    unix_socket: Option<Arc<Path>>,
    version: Version,
    /// The proxies for URLs without TLS.
    http: Vec<Arc<Proxy>>,
    https: Vec<Arc<Proxy>>,
    direct: NoProxy,
}

impl Routes {
    /// # Errors
    ///
    /// Names a proxy whose host is none.
    pub(super) fn new(ways: &Ways) -> Result<Self, UnreachableProxy> {
        let proxies = |urls: &[ProxyUrl]| {
            let made = urls.iter().map(|url| Proxy::new(url).map(Arc::new));
            made.collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            unix_socket: ways.unix_socket.as_deref().map(Arc::from),
            version: ways.version,
            http: proxies(&ways.proxies.http)?,
            https: proxies(&ways.proxies.https)?,
            direct: NoProxy::new(&ways.proxies.none_for),
        })
    }

    /// The way to `origin`.
    pub(super) fn to(&self, origin: &Origin) -> Route {
        let encrypted = origin.scheme == Scheme::Https;
        let mut route = Route {
            hop: Hop::Tcp(Endpoint::of(origin)),
            proxy: None,
            encrypted,
            version: self.version,
        };
        if let Some(path) = &self.unix_socket {
            route.hop = Hop::Unix(path.clone());
        } else if !self.direct.holds(&origin.host, origin.ip) {
            let proxies = if encrypted { &self.https } else { &self.http };
            if let Some(proxy) = chosen(proxies, &origin.host) {
                route.hop = Hop::Tcp(Endpoint::of(&proxy.origin));
                route.proxy = Some(proxy.clone());
            }
        }
        if route.asked().is_some() {
            // Which HTTP the origin speaks is then the proxy's concern.
            route.version = Version::Http1;
        }
        route
    }
}

/// The proxy of a host: always the same in all processes and runs. When proxies are added or taken away, as few hosts as
/// possible get another one (rendezvous hashing). Many gateways have one address, and a user for each way out, so user and
/// password make a proxy another one.
fn chosen<'a>(proxies: &'a [Arc<Proxy>], host: &str) -> Option<&'a Arc<Proxy>> {
    if let [] | [_] = proxies {
        return proxies.first();
    }
    let weight = |proxy: &Proxy| {
        let hashed = match proxy.credentials() {
            Some((user, password)) => format!("{user}:{password}@{proxy} {host}"),
            None => format!("{proxy} {host}"),
        };
        *blake3::hash(hashed.as_bytes()).as_bytes()
    };
    proxies.iter().max_by_key(|proxy| weight(proxy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::target::Target;
    use proptest::prelude::*;

    fn routes(proxies: &[&str], none_for: &str) -> Routes {
        let urls: Vec<ProxyUrl> = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        let mut ways = Ways::default();
        (ways.proxies.http, ways.proxies.https) = (urls.clone(), urls);
        ways.proxies.none_for = none_for.to_owned();
        Routes::new(&ways).unwrap()
    }

    fn proxy_of(routes: &Routes, url: &str) -> Option<String> {
        let route = routes.to(&Target::parse(url, None).unwrap().origin);
        route.proxy.map(|proxy| proxy.to_string())
    }

    #[test]
    fn hosts_stick_to_a_proxy_and_spread_over_all() {
        let three = ["a.test:1", "b.test:1", "c.test:1"];
        let (all, fewer) = (routes(&three, "x.test"), routes(&three[..2], ""));
        let mut counts = [0; 3];
        for host in 0..300 {
            let of = |routes: &Routes, way: &str| proxy_of(routes, &format!("{way}{host}.test/"));
            let found = of(&all, "http://h").unwrap();
            assert_eq!(of(&all, "https://h"), Some(found.clone()));
            let at = three.iter().position(|proxy| found.ends_with(proxy)).unwrap();
            counts[at] += 1;
            if at < 2 {
                assert_eq!(of(&fewer, "http://h"), Some(found), "no reason to change");
            }
        }
        assert!(counts.iter().all(|count| (60..140).contains(count)), "{counts:?}");
        assert_eq!(proxy_of(&all, "http://y.x.test/"), None);
    }

    #[test]
    fn proxies_that_differ_in_their_user_or_password_alone_share_the_hosts() {
        let three = ["s1:p@gw.test:1", "s2:p@gw.test:1", "s2:q@gw.test:1"];
        let routes = routes(&three, "");
        let mut counts = [0; 3];
        for host in 0..300 {
            let target = Target::parse(&format!("http://h{host}.test/"), None).unwrap();
            let found = routes.to(&target.origin).proxy.unwrap();
            counts[three.iter().position(|proxy| found.given() == *proxy).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (60..140).contains(count)), "{counts:?}");
    }

    proptest! {
        #[test]
        fn a_host_has_the_same_proxy_whatever_their_order(host in "[a-z]{1,9}", by in 0..3_usize) {
            let mut proxies = ["a.test:1", "b.test:1", "c.test:1"];
            let url = format!("http://{host}.test/");
            let before = proxy_of(&routes(&proxies, ""), &url);
            proxies.rotate_left(by);
            prop_assert_eq!(proxy_of(&routes(&proxies, ""), &url), before);
        }
    }
}
