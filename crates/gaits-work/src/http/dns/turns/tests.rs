//! Look-ups that a script answers, on a clock that stands still while there is something to do.

use super::*;
use crate::http::dns::Lookup;
use crate::http::dns::scripted::{self, Log, Script, join_all};
use std::sync::Arc;

/// Some names are never answered, and the others at once.
fn silent_names() -> (Script, Arc<Log>) {
    Script::new(|host, _| (!host.starts_with("silent")).then_some(Duration::from_millis(1)))
}

fn silent(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|i| format!("silent{i}.example"))
}

#[test]
fn names_behind_silent_ones_are_asked_for_as_soon_as_those_are_late() {
    // In the second case there are more than are kept running.
    for (count, turns) in [(2 * MAX_FRESH, 2), (2 * MAX_LOOKUPS, 8)] {
        let (script, log) = silent_names();
        scripted::run(script, Duration::from_secs(10), async |dns| {
            let begun = Instant::now();
            let silent: Vec<Lookup> = silent(count).map(|name| dns.look_up(&name)).collect();
            let good = (0..20).map(|i| dns.look_up(&format!("good{i}.example")));
            for good in join_all(good.map(Lookup::answer)).await {
                good.unwrap();
            }
            let waited = begun.elapsed();
            assert!(waited >= turns * LATE && waited < (turns + 1) * LATE, "{waited:?}");
            for lookup in join_all(silent.into_iter().map(Lookup::answer)).await {
                let why = "no answer from a name server within 9 s";
                assert_eq!(lookup.unwrap_err(), LookupError::failed(why));
            }
            assert_eq!(log.most(), MAX_LOOKUPS.min(count + 20));
        });
    }
}

#[test]
fn the_time_of_a_look_up_begins_when_its_name_is_asked_for() {
    let (script, log) = silent_names();
    scripted::run(script, Duration::from_millis(400), async |dns| {
        let begun = Instant::now();
        let first: Vec<Lookup> = silent(MAX_FRESH).map(|name| dns.look_up(&name)).collect();
        let mut last = dns.look_up("silent.example");
        assert!(last.is_queued());
        last.asked().await;
        assert_eq!(log.times("silent.example"), [Instant::now()]);
        assert_eq!(begun.elapsed().as_millis(), 360, "it was asked for when the first had failed");
        let why = "no answer from a name server within 0.36 s";
        assert_eq!(last.answer().await.unwrap_err(), LookupError::failed(why));
        assert_eq!(begun.elapsed().as_millis(), 720);
        drop(first);
    });
}

#[test]
fn slow_names_are_asked_for_once_and_listened_to() {
    let (script, log) = Script::new(|_, _| Some(Duration::from_millis(1900)));
    scripted::run(script, Duration::from_secs(100), async |dns| {
        let names: Vec<String> = silent(3 * MAX_LOOKUPS).collect();
        for answer in join_all(names.iter().map(|name| dns.look_up(name).answer())).await {
            answer.unwrap();
        }
        assert!(names.iter().all(|name| log.times(name).len() == 1));
        assert!(log.most() > MAX_FRESH && log.most() <= MAX_LOOKUPS);
    });
}

#[test]
fn a_look_up_that_had_to_be_dropped_is_begun_again() {
    let (script, log) = Script::new(|host, before| match host {
        // The name server has found it in the meantime.
        "slow.example" if before > 0 => Some(Duration::ZERO),
        _ => None,
    });
    scripted::run(script, Duration::from_secs(10), async |dns| {
        let slow = dns.look_up("slow.example");
        let silent: Vec<Lookup> = silent(MAX_LOOKUPS).map(|name| dns.look_up(&name)).collect();
        slow.answer().await.unwrap();
        let times = log.times("slow.example");
        assert_eq!(times.len(), 2);
        assert!(times[1] - times[0] >= Duration::from_secs(2), "{times:?}");
        drop(silent);
    });
}

#[test]
fn a_name_that_nobody_waits_for_any_more_is_not_asked_for() {
    let (script, log) = silent_names();
    scripted::run(script, Duration::from_secs(10), async |dns| {
        let silent: Vec<Lookup> = silent(MAX_FRESH).map(|name| dns.look_up(&name)).collect();
        let (given_up, wanted) = (dns.look_up("given-up.example"), dns.look_up("wanted.example"));
        let joined = dns.look_up("wanted.example");
        drop((given_up, wanted));
        joined.answer().await.unwrap();
        assert_eq!(log.times("given-up.example"), []);
        assert_eq!(log.times("wanted.example").len(), 1);
        dns.look_up("given-up.example").answer().await.unwrap();
        drop(silent);
    });
}
