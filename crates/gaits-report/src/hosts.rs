//! How the hosts of a run have done, each by itself. Duty: bounded memory, whatever the number of hosts, and a cheap
//! look-up, since it is made for every record. Limit: the hosts beyond [`MOST_HOSTS`] are counted together.

use gaits_core::{ErrorKind, Outcome, Record};
use hdrhistogram::Histogram;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;

/// As many hosts are told apart: each takes up to some 10 kB.
const MOST_HOSTS: usize = 1_000;

/// What ends the part of a URL that names its server.
const ENDS: [u8; 4] = *b"/?#\\";

/// Longer latencies count as this: one day.
const LONGEST_US: u64 = 86_400_000_000;

/// How the items of one host have done.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    items: u64,
    failed: u64,
    /// Of the items that went well, at two significant digits: one more host must not cost much memory.
    latency: Histogram<u32>,
    max_us: u64,
}

/// The hosts of a run.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    /// Where each host is, by its name.
    places: HashMap<Box<str>, usize>,
    each: Vec<Host>,
    /// All that came when there was no more room for a host of their own.
    others: Option<Host>,
    /// The host of the record before, as its URL had it, and its place: lists often come sorted by host.
    last: Option<(Box<str>, Option<usize>)>,
}

impl Host {
    fn new() -> Self {
        let mut latency = match Histogram::new_with_bounds(1, 2, 2) {
            Ok(latency) => latency,
            Err(error) => unreachable!("1, 2 and 2 digits are bounds it takes: {error}"),
        };
        latency.auto(true);
        Self { items: 0, failed: 0, latency, max_us: 0 }
    }

    /// Items that have come to an end.
    #[must_use]
    pub const fn items(&self) -> u64 {
        self.items
    }

    /// Items that failed.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.failed
    }

    /// The latency that a share of `quantile` of the items that went well did not exceed, in microseconds, at two
    /// digits; none where none went well.
    #[must_use]
    pub fn quantile_us(&self, quantile: f64) -> Option<u64> {
        (!self.latency.is_empty())
            .then(|| self.latency.value_at_quantile(quantile).min(self.max_us))
    }

    fn add(&mut self, record: &Record) {
        self.items += 1;
        match record.outcome {
            // Within a day it takes every value.
            Outcome::Ok => {
                let us = record.timing.latency_us();
                let _ = self.latency.record(us.min(LONGEST_US));
                self.max_us = self.max_us.max(us);
            }
            Outcome::Failed(_) => self.failed += 1,
        }
    }

    fn merge(&mut self, other: &Self) {
        self.items += other.items;
        self.failed += other.failed;
        // What one of them holds, the other can hold.
        let _ = self.latency.add(&other.latency);
        self.max_us = self.max_us.max(other.max_us);
    }
}

impl Hosts {
    /// Counts a record, if its item is a URL, or what was measured of it holds one. What stands in an invalid item may look
    /// like a host, and is none.
    pub(crate) fn add(&mut self, record: &Record) {
        if record.error().is_some_and(|error| error.kind == ErrorKind::InvalidItem) {
            return;
        }
        let text = record.item.as_text();
        let described = text.filter(|text| text.starts_with('{')).and_then(described_url);
        let url = described.as_deref().or(text);
        if let Some((last, place)) = &self.last
            && url.and_then(|url| url.strip_prefix(&**last)).is_some_and(ends_authority)
        {
            let place = *place;
            self.at(place).add(record);
        } else if let Some(authority) = url.and_then(authority) {
            self.add_to(authority, record);
        } else if let Some(detail) = &record.detail {
            detail.fields(|name, value| {
                if name == "url"
                    && let Some(authority) = value.as_text().and_then(authority)
                {
                    self.add_to(authority, record);
                }
            });
        }
    }

    fn add_to(&mut self, authority: &str, record: &Record) {
        let place = self.place(&name(authority));
        self.last = Some((authority.into(), place));
        self.at(place).add(record);
    }

    /// Where the host of that name is, which gets a place if there is room; none among the others.
    fn place(&mut self, name: &str) -> Option<usize> {
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        if self.each.len() == MOST_HOSTS {
            return None;
        }
        let place = self.each.len();
        self.each.push(Host::new());
        self.places.insert(name.into(), place);
        Some(place)
    }

    fn at(&mut self, place: Option<usize>) -> &mut Host {
        match place {
            Some(place) => &mut self.each[place],
            None => self.others.get_or_insert_with(Host::new),
        }
    }

    /// Counts all that `other` has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (name, place) in other.in_order() {
            let ours = self.place(name);
            self.at(ours).merge(&other.each[place]);
        }
        if let Some(others) = &other.others {
            self.at(None).merge(others);
        }
    }

    /// The hosts in the order in which they came.
    fn in_order(&self) -> Vec<(&str, usize)> {
        let mut hosts: Vec<_> = self.places.iter().map(|(name, place)| (&**name, *place)).collect();
        hosts.sort_by_key(|(_, place)| *place);
        hosts
    }

    /// Those that are told apart, with their names: first those that failed most often, then the slowest.
    #[must_use]
    pub fn worst_first(&self) -> Vec<(&str, &Host)> {
        let named = self.in_order().into_iter();
        let mut hosts: Vec<_> = named.map(|(name, place)| (name, &self.each[place])).collect();
        hosts.sort_by_key(|(_, host)| std::cmp::Reverse((host.failed, host.quantile_us(0.5))));
        hosts
    }

    /// What the hosts have done that there was no room for.
    #[must_use]
    pub const fn others(&self) -> Option<&Host> {
        self.others.as_ref()
    }
}

/// The record before is no part of what was counted.
impl PartialEq for Hosts {
    fn eq(&self, other: &Self) -> bool {
        let named = |hosts: &Self| -> HashMap<Box<str>, Host> {
            let host = |place: &usize| hosts.each[*place].clone();
            hosts.places.iter().map(|(name, place)| (name.clone(), host(place))).collect()
        };
        self.others == other.others && named(self) == named(other)
    }
}

/// The URL that a JSON item asks for.
fn described_url(text: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Described<'a> {
        #[serde(borrow)]
        url: Cow<'a, str>,
    }
    serde_json::from_str(text).ok().map(|Described { url }| url)
}

/// The part of a URL that names its server, with the scheme before it: `http://user@host:80`. A text in which a URL stands
/// somewhere is none.
fn authority(url: &str) -> Option<&str> {
    // Most begin so, and a search costs more.
    let start = if url.starts_with("http://") {
        7
    } else if url.starts_with("https://") {
        8
    } else {
        let scheme = url.find("://")?;
        let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        url.as_bytes()[..scheme].iter().copied().all(is_of_scheme).then_some(scheme + 3)?
    };
    let length = url.as_bytes()[start..].iter().position(|byte| ENDS.contains(byte));
    Some(length.map_or(url, |length| &url[..start + length]))
}

/// Whether a URL's authority is over where this follows.
fn ends_authority(rest: &str) -> bool {
    rest.bytes().next().is_none_or(|byte| ENDS.contains(&byte))
}

/// The host, and its port where that is not the usual one: what people call it.
fn name(authority: &str) -> Cow<'_, str> {
    let (scheme, host) = authority.split_once("://").unwrap_or(("", authority));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let usual = match scheme.to_ascii_lowercase().as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let host = host.strip_suffix(usual).unwrap_or(host);
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        host.to_ascii_lowercase().into()
    } else {
        host.into()
    }
}

/// What people call the server that a pacing key names: `http://api.example:80` is `api.example`. A key that is no URL is
/// left as it is.
#[must_use]
pub fn host_name(key: &str) -> Cow<'_, str> {
    authority(key).map_or(key.into(), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::tests::{http, record};
    use gaits_core::{Detail, Value};

    fn of(url: &str, latency_us: u64, error: Option<(ErrorKind, &str)>) -> Record {
        Record { item: url.into(), ..record((1, 1), latency_us, error) }
    }

    #[test]
    fn spellings_of_a_host_are_one_host() {
        let mut hosts = Hosts::default();
        for url in [
            "http://api.example/a",
            "http://api.example:80/b",
            "HTTP://API.example?c",
            "https://user:secret@api.example:443#d",
            "https://api.example:8443",
        ] {
            hosts.add(&of(url, 10, None));
        }
        let names: Vec<_> = hosts
            .worst_first()
            .iter()
            .map(|(name, host)| ((*name).to_owned(), host.items()))
            .collect();
        assert_eq!(names, [("api.example".to_owned(), 4), ("api.example:8443".to_owned(), 1)]);
        assert_eq!(host_name("http://api.example:80"), "api.example");
        assert_eq!(host_name("http://[::1]:8080"), "[::1]:8080");
        assert_eq!(host_name("no url"), "no url");
    }

    #[test]
    fn an_item_that_is_no_url_counts_by_that_of_its_answer() {
        let mut hosts = Hosts::default();
        let fields = vec![("url".into(), Value::String("http://b.example/".into()))];
        let detail = Some(Detail::read("http", fields));
        let detail = || detail.clone();
        hosts.add(&Record { detail: detail(), ..of("{\"path\":\"/\"}", 10, None) });
        let json = "{\"body\":\"https://other.example/\",\"url\":\"http://b.example/\"}";
        hosts.add(&Record { detail: detail(), ..of(json, 10, None) });
        hosts.add(&Record { detail: Some(http(None, false, 0)), ..of("17", 10, None) });
        assert_eq!(hosts.worst_first().len(), 1);
        let (name, host) = hosts.worst_first()[0];
        assert_eq!((name, host.items()), ("b.example", 2));
        // Another one has answered, after a redirect.
        let json = "{\"referer\":\"https://other.example/\",\"url\":\"http://a.example\\/x\"}";
        hosts.add(&Record { detail: detail(), ..of(json, 10, None) });
        let names: Vec<_> =
            hosts.worst_first().iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names, ["b.example", "a.example"]);
    }

    #[test]
    fn an_invalid_item_has_no_host() {
        let mut hosts = Hosts::default();
        let invalid = Some((ErrorKind::InvalidItem, "list:3: not a URL"));
        for url in ["http://bad host/", "ftp://files.example/", "http://a.example/"] {
            hosts.add(&of(url, 0, invalid));
        }
        assert_eq!(hosts, Hosts::default());
    }

    #[test]
    fn the_worst_come_first() {
        let mut hosts = Hosts::default();
        for us in [100, 200, 300] {
            hosts.add(&of("http://quick.example/", us, None));
            hosts.add(&of("http://slow.example/", us * 1000, None));
        }
        hosts.add(&of("http://bad.example/", 5, Some((ErrorKind::Timeout, "too late"))));
        let names: Vec<_> = hosts.worst_first().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["bad.example", "slow.example", "quick.example"]);
        let (_, slow) = hosts.worst_first()[1];
        assert!((190_000..=210_000).contains(&slow.quantile_us(0.5).unwrap()));
        assert_eq!(hosts.worst_first()[0].1.quantile_us(0.5), None);
    }

    #[test]
    fn a_million_hosts_take_no_more_memory_than_a_thousand() {
        let mut hosts = Hosts::default();
        for number in 0..3 * MOST_HOSTS {
            hosts.add(&of(&format!("http://h{number}.example/"), 10, None));
            hosts.add(&of("http://h0.example/", 10, None));
        }
        assert_eq!(hosts.worst_first().len(), MOST_HOSTS);
        assert_eq!(hosts.others().map(Host::items), Some(2 * MOST_HOSTS as u64));
        let mut merged = Hosts::default();
        merged.merge(&hosts);
        assert_eq!(merged, hosts);
    }
}
