//! Whom a race sends its requests to.

use gaits_core::{Data, Work};
use std::collections::BTreeMap;

/// What a race does to one pacing key of its work: for `http`, a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RacedHost {
    /// Its name.
    pub name: String,
    /// Whether it belongs to others.
    pub public: bool,
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
        let host = RacedHost { name: name.clone(), public: facts.public, items: 0 };
        found.entry(name).or_insert(host).items += times;
    }
    let mut hosts: Vec<_> = found.into_values().collect();
    hosts.sort_by_key(|host| std::cmp::Reverse(host.items));
    hosts
}
