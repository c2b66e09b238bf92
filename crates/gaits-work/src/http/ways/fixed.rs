//! `HOST:PORT:ADDRESS`: an address that takes the place of a look-up.
//!
//! Limit: looks nothing up. A host is compared as it stands in the URL, in lower case.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use url::Host;

/// Addresses that take the place of a look-up: `example.com:443:127.0.0.1,[::1]`. The host `*` is every host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fixed {
    /// In lower case, without brackets; none for every host.
    host: Option<Box<str>>,
    port: u16,
    addresses: Vec<IpAddr>,
}

/// Why a text names no fixed address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; it should be HOST:PORT:ADDRESS, such as example.com:443:127.0.0.1")]
pub struct FixedError(String);

impl Fixed {
    /// Whom it is for: a host, or every one.
    pub(in crate::http) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    pub(in crate::http) const fn port(&self) -> u16 {
        self.port
    }

    pub(in crate::http) fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }
}

impl FromStr for Fixed {
    type Err = FixedError;

    fn from_str(text: &str) -> Result<Self, FixedError> {
        let wrong = |why: String| FixedError(why);
        if text.starts_with('-') {
            return Err(wrong(
                "nothing is looked up before, so there is nothing to take away".into(),
            ));
        }
        // With a plus, curl forgets the address after a while; here a run is one job, and it stays.
        let text = text.strip_prefix('+').unwrap_or(text);
        let split = if let Some(rest) = text.strip_prefix('[') {
            rest.split_once("]:")
        } else {
            text.split_once(':')
        };
        let (host, rest) = split.ok_or_else(|| wrong("it has no port".to_owned()))?;
        let (port, addresses) =
            rest.split_once(':').ok_or_else(|| wrong("it has no address".to_owned()))?;
        let port = match port.parse() {
            Ok(0) | Err(_) => return Err(wrong(format!("`{port}` is not a port"))),
            Ok(port) => port,
        };
        let host = match host {
            "*" => None,
            host => Some(normal(host).ok_or_else(|| wrong(format!("`{host}` is not a host")))?),
        };
        let addresses: Result<Vec<IpAddr>, FixedError> = addresses
            .split(',')
            .map(|address| {
                let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                let parsed = bare.unwrap_or(address).trim().parse();
                parsed.map_err(|e| wrong(format!("`{address}` is not an address ({e})")))
            })
            .collect();
        Ok(Self { host, port, addresses: addresses? })
    }
}

/// The host as targets have it.
fn normal(host: &str) -> Option<Box<str>> {
    if let Ok(ip) = host.parse::<Ipv6Addr>() {
        return Some(ip.to_string().into());
    }
    match Host::parse(host).ok()? {
        Host::Domain(name) => Some(name.into()),
        Host::Ipv4(ip) => Some(ip.to_string().into()),
        Host::Ipv6(ip) => Some(ip.to_string().into()),
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            None => f.write_str("*")?,
            Some(host) if host.contains(':') => write!(f, "[{host}]")?,
            Some(host) => f.write_str(host)?,
        }
        write!(f, ":{}:", self.port)?;
        for (at, address) in self.addresses.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{address}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_port_get_addresses() {
        for (text, shown) in [
            ("a.test:80:127.0.0.1", "a.test:80:127.0.0.1"),
            ("+A.Test:443:127.0.0.1,[::1]", "a.test:443:127.0.0.1,::1"),
            ("*:8080:::1", "*:8080:::1"),
            ("[::1]:80:10.0.0.1", "[::1]:80:10.0.0.1"),
            ("127.1:80:10.0.0.1", "127.0.0.1:80:10.0.0.1"),
            ("b\u{fc}cher.test:80:10.0.0.1", "xn--bcher-kva.test:80:10.0.0.1"),
        ] {
            assert_eq!(
                text.parse::<Fixed>().map(|f| f.to_string()).as_deref(),
                Ok(shown),
                "{text}"
            );
        }
    }

    #[test]
    fn anything_else_is_refused_and_says_why() {
        for (text, why) in [
            ("a.test", "it has no port"),
            ("a.test:80", "it has no address"),
            ("a.test:0:127.0.0.1", "`0` is not a port"),
            ("a.test:http:127.0.0.1", "`http` is not a port"),
            ("a.test:80:b.test", "`b.test` is not an address"),
            ("a.test:80:127.0.0.1,", "`` is not an address"),
            ("a b:80:127.0.0.1", "`a b` is not a host"),
            ("-a.test:80", "nothing is looked up before"),
        ] {
            let error = text.parse::<Fixed>().unwrap_err().to_string();
            assert!(
                error.starts_with(why) && error.contains("HOST:PORT:ADDRESS"),
                "{text}: {error}"
            );
        }
    }
}
