//! Proxies: from a connection to one of them to a connection that leads to an origin.
//!
//! For `http://` URLs an HTTP proxy is asked as if it were the server, with the whole URL, so its connections serve all
//! origins; for `https://` URLs it opens a tunnel. A SOCKS5 proxy always opens one.
//!
//! Limit: dials nothing, and speaks no TLS. Whoever waits sets the time limit.

mod socks;
mod tunnel;

use super::credentials::basic_authorization;
use super::fault::Fault;
use super::target::{Origin, Scheme};
use super::trace::Trace;
use super::ways::{ProxyUrl, Speaks};
use super::wire::Wire;
use gaits_core::ItemError;
use http::header::HeaderValue;
use std::fmt;
use std::net::IpAddr;

/// One proxy.
pub(super) struct Proxy {
    speaks: Speaks,
    /// The proxy itself, as what is connected to.
    pub(super) origin: Origin,
    /// Without user and password.
    shown: Box<str>,
    /// With user and password, if it has any.
    given: Box<str>,
    credentials: Option<(String, String)>,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// # Errors
    ///
    /// Why it can't be reached.
    pub(super) fn new(url: &ProxyUrl) -> Result<Self, UnreachableProxy> {
        let (host, ip) = url.host();
        let scheme = if url.speaks() == Speaks::Https { Scheme::Https } else { Scheme::Http };
        Ok(Self {
            speaks: url.speaks(),
            origin: Origin::new(scheme, &host, ip, url.port())
                .map_err(|e| UnreachableProxy { proxy: url.to_string(), reason: e.to_string() })?,
            shown: url.to_string().into(),
            given: String::from(url.clone()).into(),
            credentials: url.user_and_password(),
            authorization: basic_authorization(url.with_credentials()),
        })
    }

    /// As the user has named it, with user and password.
    pub(super) const fn given(&self) -> &str {
        &self.given
    }

    /// Its user and password, if it has any.
    pub(super) const fn credentials(&self) -> Option<&(String, String)> {
        self.credentials.as_ref()
    }

    /// Whether TLS is spoken with the proxy itself.
    pub(super) fn is_encrypted(&self) -> bool {
        self.speaks == Speaks::Https
    }

    /// Whether it speaks HTTP, so that it may be asked for a whole URL.
    pub(super) fn speaks_http(&self) -> bool {
        matches!(self.speaks, Speaks::Http | Speaks::Https)
    }

    /// Whether it is told an address, so that the origin's name is resolved here.
    pub(super) fn wants_address(&self) -> bool {
        self.speaks == Speaks::Socks5
    }

    /// The `proxy-authorization` field, if it wants one.
    pub(super) const fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// Has it open a tunnel to `origin`, whose address is `ip` where the proxy is to be told one.
    pub(super) async fn open(
        &self,
        mut wire: Wire,
        origin: &Origin,
        ip: Option<IpAddr>,
        trace: &mut Trace,
    ) -> Result<Wire, Fault> {
        if self.speaks_http() {
            tunnel::open(&mut wire, self, origin, trace).await?;
            Ok(wire)
        } else {
            socks::open(wire, self.credentials.as_ref(), origin, ip, trace).await
        }
    }

    /// An error on the way through it, which names it.
    pub(super) fn named(&self, error: &ItemError) -> ItemError {
        let message = format!("through the proxy {self}: {}", error.message);
        ItemError::new(error.kind, message)
    }
}

/// Without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Without user and password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// The host of a proxy is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the proxy {proxy} can't be reached: {reason}")]
pub struct UnreachableProxy {
    /// Without user and password.
    proxy: String,
    reason: String,
}

/// What is said where a proxy wants to know who asks; `has_credentials` tells whether it was told.
pub(super) fn wants_credentials(has_credentials: bool) -> &'static str {
    if has_credentials {
        "it does not accept this user and password"
    } else {
        "it wants a user and a password: --proxy http://USER:PASSWORD@HOST:PORT"
    }
}
