//! What a connection leads to: scheme, host and port.
//!
//! Limit: knows no path, and reads no URL.

use super::error::TargetError;
use crate::http::domain::without_root;
use http::header::HeaderValue;
use http::uri::Authority;
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(in crate::http) const fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    pub(in crate::http) const fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// What a connection leads to.
#[derive(Debug, Clone)]
pub(in crate::http) struct Origin {
    pub(in crate::http) scheme: Scheme,
    /// In lower case, without brackets.
    pub(in crate::http) host: Box<str>,
    /// The address, where the host is one.
    pub(in crate::http) ip: Option<IpAddr>,
    pub(in crate::http) port: u16,
    /// Host and, if it is not the scheme's own, port.
    pub(in crate::http) authority: Authority,
    /// The same, as the `host` field.
    pub(in crate::http) host_field: HeaderValue,
    /// `scheme://authority`
    pub(super) prefix: Box<str>,
    /// Whether another server has led here, so that the user's certificate is not shown to this one.
    pub(in crate::http) stranger: bool,
}

impl Origin {
    pub(in crate::http) fn new(
        scheme: Scheme,
        host: &str,
        ip: Option<IpAddr>,
        port: u16,
    ) -> Result<Self, TargetError> {
        let bracketed = match ip {
            Some(IpAddr::V6(ip)) => format!("[{ip}]"),
            _ => host.to_owned(),
        };
        let text =
            if port == scheme.default_port() { bracketed } else { format!("{bracketed}:{port}") };
        if port == 0 {
            return Err(TargetError::Port0);
        }
        if ip.is_none() {
            check_name(host)?;
        }
        let malformed = |e: &dyn fmt::Display| TargetError::Malformed(e.to_string());
        Ok(Self {
            scheme,
            host: host.into(),
            ip,
            port,
            host_field: HeaderValue::from_str(&text).map_err(|e| malformed(&e))?,
            prefix: format!("{}://{text}", scheme.as_str()).into(),
            authority: text.parse().map_err(|e| malformed(&e))?,
            stranger: false,
        })
    }

    /// The name under which its connections are kept. A stranger has its own, since the user's certificate may have been shown over others.
    pub(in crate::http) fn key(&self) -> Cow<'_, str> {
        if self.stranger {
            format!("{} stranger", self.prefix).into()
        } else {
            (&*self.prefix).into()
        }
    }

    /// `scheme://authority`
    pub(in crate::http) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(in crate::http) fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.prefix == other.prefix
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix)
    }
}

/// RFC 1035: at most 253 characters, in labels of 1 to 63.
pub(super) fn check_name(host: &str) -> Result<(), TargetError> {
    let name = without_root(host);
    if name.len() > 253 || name.split('.').any(|label| label.len() > 63) {
        return Err(TargetError::LongName);
    }
    if name.split('.').any(str::is_empty) {
        return Err(TargetError::EmptyLabel(host.to_owned()));
    }
    Ok(())
}
