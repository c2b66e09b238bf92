//! Whom a race sends its requests to.

use gaits_core::{Data, Performs, Work};
use gaits_engine::plan::cores;
use gaits_report::why::Job;
use std::collections::BTreeMap;
use std::time::Duration;

/// How the names of this machine begin, in a pacing key of `http`.
const LOOPBACK: [&str; 3] = ["://127.", "://localhost", "://[::1]"];

/// What a race does to one pacing key of its work: for `http`, a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RacedHost {
    /// Its name.
    pub name: String,
    /// Whether it belongs to others.
    pub public: bool,
    /// Whether it is this machine.
    pub here: bool,
    /// How many items of one run are for it.
    pub items: u64,
}

/// Whom `count` items are for, gone through over and over; those with the most first. Items of a work that burdens nobody
/// are for none.
#[must_use]
pub fn raced_hosts(work: &dyn Work, items: &[Data], count: u64) -> Vec<RacedHost> {
    let mut found: BTreeMap<String, RacedHost> = BTreeMap::new();
    let length = items.len().max(1) as u64;
    for (at, item) in (0..count).zip(items) {
        let Ok(facts) = work.inspect(item) else { continue };
        if facts.pacing_key.is_empty() {
            continue;
        }
        let times = count / length + u64::from(at < count % length);
        let name = facts.pacing_key.into_owned();
        let here = LOOPBACK.iter().any(|host| name.contains(host));
        let host = RacedHost { name: name.clone(), public: facts.public, here, items: 0 };
        found.entry(name).or_insert(host).items += times;
    }
    let mut hosts: Vec<_> = found.into_values().collect();
    hosts.sort_by_key(|host| std::cmp::Reverse(host.items));
    hosts
}

/// The ports of this machine among `hosts`.
#[must_use]
pub fn local_ports(hosts: &[RacedHost]) -> Vec<u16> {
    let here = hosts.iter().filter(|host| host.here);
    here.filter_map(|host| {
        let (scheme, authority) = host.name.split_once("://")?;
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        Some(port.unwrap_or(if scheme == "https" { 443 } else { 80 }))
    })
    .collect()
}

/// What kind of work a race is about, whose items are for `hosts` and arrive one in every `arrival`, if they have a rate of
/// their own.
#[must_use]
pub fn job_of(work: &dyn Work, name: &str, hosts: &[RacedHost], arrival: Option<Duration>) -> Job {
    Job {
        holds_its_thread: matches!(work.performs(), Performs::Blocking(_)),
        is_http: name == gaits_work::http::NAME,
        cores: u64::from(cores()),
        server_here: hosts.iter().any(|host| host.here),
        arrivals_per_second: arrival
            .map(|each| 1.0 / each.as_secs_f64())
            .filter(|per_second| per_second.is_finite()),
        runs_programs: name == gaits_work::command::NAME,
    }
}
