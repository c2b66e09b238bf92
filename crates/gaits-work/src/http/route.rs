//! How a server is reached, apart from which server is meant.
//!
//! Today every origin is reached directly: its own host and port are dialled. Limit: resolves and dials nothing.

use super::target::{Origin, Scheme};
use std::net::IpAddr;

/// The way to an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// What is dialled.
    pub(super) endpoint: Endpoint,
    /// Whether TLS is spoken on the connection.
    pub(super) encrypted: bool,
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

impl Route {
    /// Straight to `origin`.
    pub(super) fn direct(origin: &Origin) -> Self {
        let endpoint = Endpoint { host: origin.host.clone(), ip: origin.ip, port: origin.port };
        Self { endpoint, encrypted: origin.scheme == Scheme::Https }
    }
}
