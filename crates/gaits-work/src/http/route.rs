//! How a server is reached, apart from which server is meant.
//!
//! Limit: resolves and dials nothing.

use super::target::{Origin, Scheme};
use super::ways::{Version, Ways};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// The way to an origin.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// What is connected to.
    pub(super) hop: Hop,
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
}

/// Knows the ways to all origins.
#[derive(Debug)]
pub(super) struct Routes {
    unix_socket: Option<Arc<Path>>,
    version: Version,
}

impl Routes {
    pub(super) fn new(ways: &Ways) -> Self {
        Self { unix_socket: ways.unix_socket.as_deref().map(Arc::from), version: ways.version }
    }

    /// The way to `origin`.
    pub(super) fn to(&self, origin: &Origin) -> Route {
        let encrypted = origin.scheme == Scheme::Https;
        let hop = match &self.unix_socket {
            Some(path) => Hop::Unix(path.clone()),
            None => Hop::Tcp(Endpoint::of(origin)),
        };
        Route { hop, encrypted, version: self.version }
    }
}
