//! URLs that go over the wire as they are, which most are: they are taken apart without a copy.
//!
//! Limit: gives up where a URL needs a closer look.

use super::origin::{Scheme, check_name};
use std::net::{IpAddr, Ipv4Addr};

/// The parts of a URL that needs no rewriting.
pub(super) struct Plain<'a> {
    pub(super) scheme: Scheme,
    pub(super) host: &'a str,
    pub(super) ip: Option<IpAddr>,
    pub(super) port: u16,
    pub(super) path: &'a str,
}

impl<'a> Plain<'a> {
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) = match text.strip_prefix("http") {
            Some(rest) if rest.starts_with("://") => (Scheme::Http, &rest[3..]),
            Some(rest) if rest.starts_with("s://") => (Scheme::Https, &rest[4..]),
            _ => return None,
        };
        let end =
            rest.bytes().position(|b| !matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b':'));
        let (authority, path) = rest.split_at(end.unwrap_or(rest.len()));
        let (host, port) = match authority.split_once(':') {
            None => (authority, scheme.default_port()),
            // `+80`, `080`, an empty port, and the scheme's own port, which the URL does not keep, go the long way.
            Some((_, port)) if port.starts_with(['+', '0']) => return None,
            Some((host, port)) => match port.parse() {
                Ok(port) if port != scheme.default_port() => (host, port),
                _ => return None,
            },
        };
        // A last part that begins with a digit may be a number that stands for an address.
        let last = host.rsplit('.').next()?;
        let ip = if last.starts_with(|c: char| c.is_ascii_digit()) {
            Some(IpAddr::V4(host.parse::<Ipv4Addr>().ok()?))
        } else {
            None
        };
        let plain_host = !last.is_empty() && !host.contains("xn--");
        if !plain_host || !is_plain_path(path) {
            return None;
        }
        Some(Self { scheme, host, ip, port, path })
    }
}

impl Plain<'_> {
    /// Whether nothing can be wrong with it.
    pub(super) fn is_certain(&self) -> bool {
        (self.ip.is_some() || check_name(self.host).is_ok()) && self.path.len() < 60_000
    }
}

/// Whether a path and query goes over the wire as it is: no dot segment, nothing to percent-encode.
pub(super) fn is_plain_path(path: &str) -> bool {
    let bytes = path.as_bytes();
    if bytes.is_empty() {
        return true;
    }
    // `/.` may begin a dot segment, and so may `/%2e`.
    let dotted = |pair: &[u8]| pair[0] == b'/' && matches!(pair[1], b'.' | b'%');
    bytes[0] == b'/'
        && bytes.iter().all(|byte| PLAIN_IN_PATH[usize::from(*byte)])
        && !bytes.windows(2).any(dotted)
}

/// The bytes that stand for themselves in a path and query.
static PLAIN_IN_PATH: [bool; 256] = {
    let others = b"/?=&-_~!$()*+,;:@.%";
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "it counts to 255")]
        let is_alphanumeric = (byte as u8).is_ascii_alphanumeric();
        plain[byte] = is_alphanumeric;
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        plain[others[at] as usize] = true;
        at += 1;
    }
    plain
};
