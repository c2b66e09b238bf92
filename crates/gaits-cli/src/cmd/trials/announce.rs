//! What is said before a race or a sweep starts, and when a server ends it.

use crate::talk;
use gaits::{RacedHost, units};
use std::time::Duration;

/// As many hosts are named.
const NAMED: usize = 3;

/// Says to whom requests are sent, and how many.
pub(in crate::cmd) fn requests(hosts: &[RacedHost], how_many: &str) {
    let names: Vec<_> = hosts.iter().take(NAMED).map(|host| host.name.as_str()).collect();
    if names.is_empty() {
        return;
    }
    let others = match hosts.len() - names.len() {
        0 => String::new(),
        others => format!(" and {} other hosts", units::count(others as u64)),
    };
    talk::line(&format!("gaits: requests to {}{others}: {how_many}", names.join(", ")));
}

/// How many requests are sent, if they are limited.
pub(in crate::cmd) fn at_most(items: Option<u64>) -> String {
    match items {
        Some(most) => format!("at most {}", units::count(most)),
        None => "as many as there is time for".to_owned(),
    }
}

/// `for 30.0 s at most`
pub(in crate::cmd) fn for_at_most(budget: Duration) -> String {
    let us = u64::try_from(budget.as_micros()).unwrap_or(u64::MAX);
    format!("for {} at most", units::duration(us))
}

/// That a server has asked to be left alone: `what` has ended, and `instead` may be done.
pub(in crate::cmd) fn refusal(
    item: &str,
    status: u64,
    model: &str,
    what: &str,
    instead: &str,
) -> String {
    format!(
        "gaits: {item} was answered with status {status} under {model}, so the {what} has ended: the server wants fewer \
         requests. {instead}"
    )
}
