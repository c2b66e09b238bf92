//! Which hosts are reached without a proxy: a list such as `localhost,.example.com,10.0.0.0/8`, as curl reads it.
//!
//! Limit: compares text and numbers; no name is resolved to be compared with addresses.

use crate::http::domain::{is_within, without_root};
use ipnet::IpNet;
use std::net::IpAddr;

/// Hosts that are reached without a proxy.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct NoProxy {
    all: bool,
    /// In lower case, without dots at either end.
    domains: Vec<String>,
    networks: Vec<IpNet>,
}

impl NoProxy {
    /// Reads a list, whose entries are parted by commas or blanks. A domain stands for all below it as well, and an asterisk
    /// alone for every host.
    pub(in crate::http) fn new(list: &str) -> Self {
        let mut read = Self { all: is_for_all(list), ..Self::default() };
        for entry in entries(list) {
            if let Some(network) = network(entry) {
                read.networks.push(network);
            } else {
                let domain = without_root(entry.strip_prefix('.').unwrap_or(entry));
                read.domains.push(domain.to_ascii_lowercase());
            }
        }
        read
    }

    /// The first entry of a list that stands for no host, since it is neither an address, nor a network, nor a domain.
    pub(in crate::http) fn malformed(list: &str) -> Option<&str> {
        let is_wrong = |entry: &&str| network(entry).is_none() && !may_be_domain(entry);
        entries(list).find(is_wrong).filter(|_| !is_for_all(list))
    }

    /// Whether no host is reached through a proxy.
    pub(in crate::http) const fn is_for_all(&self) -> bool {
        self.all
    }

    /// Whether it holds this host, which is `ip` where it is an address.
    pub(in crate::http) fn holds(&self, host: &str, ip: Option<IpAddr>) -> bool {
        if let Some(ip) = ip {
            return self.all || self.networks.iter().any(|network| network.contains(&ip));
        }
        let host = without_root(host);
        self.all || self.domains.iter().any(|domain| is_within(host, domain))
    }
}

fn is_for_all(list: &str) -> bool {
    list.trim() == "*"
}

fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty())
}

/// The network that an entry is. An address alone is one as well, in brackets or not.
fn network(entry: &str) -> Option<IpNet> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let entry = bare.unwrap_or(entry);
    entry.parse().ok().or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Whether an entry may be a domain: a last part of digits alone is one of an address.
fn may_be_domain(entry: &str) -> bool {
    let name = without_root(entry.strip_prefix('.').unwrap_or(entry));
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
    !is_number
        && !name.starts_with('.')
        && !name.contains("..")
        && !name.contains(['/', ':', '*', '[', ']', '@'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_domains_addresses_and_networks_are_left_out() {
        for (list, held, others) in [
            ("a.test", "a.test b.a.test A.test. ", "ba.test a.test.b test"),
            (".a.test", "a.test b.a.test", "ba.test"),
            ("A.Test., b.test c.test", "a.test b.test c.test", "d.test"),
            ("*", "a.test 127.0.0.1 ::1", ""),
            ("*,b.test", "b.test", "a.test"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2 a.test"),
            ("10.0.0.0/8,::1", "10.9.8.7 ::1", "11.0.0.1 ::2"),
            ("[::1]", "::1", "::2"),
            ("2001:db8::/32", "2001:db8::1", "2001:db9::1"),
            ("", "", "a.test 127.0.0.1"),
            (" , ", "", "a.test"),
        ] {
            let read = NoProxy::new(list);
            let holds = |host: &str| read.holds(&host.to_lowercase(), host.parse().ok());
            assert!(held.split_whitespace().all(holds), "{list:?} holds {held}");
            assert!(!others.split_whitespace().any(holds), "{list:?} does not hold {others}");
        }
    }

    #[test]
    fn what_stands_for_no_host_is_found() {
        for good in [
            "",
            "*",
            " * ",
            "localhost",
            ".a.test",
            "A.test.",
            "a_b.test, c",
            "10.0.0.0/8,::1",
            "[::1]",
            "fe80::/10",
            "1.a",
            "bücher.test",
        ] {
            assert_eq!(NoProxy::malformed(good), None, "{good}");
        }
        for bad in [
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.256",
            "10",
            "::1/129",
            "[::1",
            "[::1]:80",
            "a.test:80",
            "http://a.test",
            "a/8",
            "*.a.test",
            ".",
            "..a",
            "a..b",
            "u@a.test",
        ] {
            assert_eq!(NoProxy::malformed(&format!("b.test,{bad} c")), Some(bad));
        }
        assert_eq!(NoProxy::malformed("*,a.test"), Some("*"));
    }
}
