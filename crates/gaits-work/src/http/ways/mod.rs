//! How servers are reached, as the plan says it: plain data that can travel.
//!
//! Limit: says nothing about which server is meant, resolves no name and connects to nothing.

mod fixed;
mod no_proxy;
mod proxies;

pub use fixed::{Fixed, FixedError};
pub(super) use no_proxy::NoProxy;
pub(super) use proxies::Speaks;
pub use proxies::{EnvironmentError, Proxies, ProxyError, ProxyUrl};

use gaits_core::{Setting, Value};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How servers are reached, apart from which servers are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ways {
    /// Addresses that take the place of a look-up. Of two for the same host and port, the last one counts.
    pub fixed: Vec<Fixed>,
    /// Which addresses may be connected to.
    pub family: Family,
    /// All connections are made to this socket, whatever the URL's host is.
    pub unix_socket: Option<PathBuf>,
    /// Which HTTP is spoken.
    pub version: Version,
    /// Who is asked for the addresses of a name.
    pub names: NameService,
    /// Which proxies requests go through.
    pub proxies: Proxies,
}

/// Which addresses may be connected to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// Those of IPv4 and of IPv6.
    #[default]
    Any,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

/// Which HTTP is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// HTTP/2 over TLS where the server offers it, and HTTP/1.1 everywhere else.
    #[default]
    Any,
    /// HTTP/1.1, over TLS too.
    Http1,
    /// As `Any`, and HTTP/2 without TLS as well. Nothing is negotiated there: the server must know HTTP/2.
    Http2,
}

/// Who is asked for the addresses of a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameService {
    /// The hosts file, then the name servers of `resolv.conf`. Many names are asked for at a time.
    #[default]
    Servers,
    /// The function `getaddrinfo` of the system, which knows all that is set up on this machine.
    System,
}

impl Family {
    /// Whether `ip` is one of its addresses.
    pub(super) const fn holds(self, ip: std::net::IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => ip.is_ipv4(),
            Family::V6 => ip.is_ipv6(),
        }
    }
}

impl Ways {
    /// As anybody may see them. None of them changes what is asked for.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let text = |text: &str| Value::String(text.into());
        let or_null =
            |text: Option<String>| text.map_or(Value::Null, |text| Value::String(text.into()));
        let fixed = self.fixed.iter().map(|fixed| text(&fixed.to_string()));
        let family = match self.family {
            Family::Any => "any",
            Family::V4 => "ipv4",
            Family::V6 => "ipv6",
        };
        let version = match self.version {
            Version::Any => "any",
            Version::Http1 => "http1",
            Version::Http2 => "http2",
        };
        let service = match self.names {
            NameService::Servers => "servers",
            NameService::System => "system",
        };
        let socket = self.unix_socket.as_ref().map(|path| path.display().to_string());
        let all = [
            ("resolve", Value::Array(fixed.collect())),
            ("ip-family", text(family)),
            ("unix-socket", or_null(socket)),
            ("http-version", text(version)),
            ("dns", text(service)),
        ];
        let all = all.into_iter().chain(self.proxies.settings());
        all.map(|(name, value)| Setting { name, value, changes_meaning: false }).collect()
    }
}
