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
fn silent_names_hold_up_those_behind_them_for_a_turn_of_each_place_and_no_more() {
    let (script, log) = silent_names();
    scripted::run(script, Duration::from_secs(10), async |dns| {
        let begun = Instant::now();
        let mut silent: Vec<Lookup> = silent(2 * MAX_LOOKUPS).map(|n| dns.look_up(&n)).collect();
        let good = (0..20).map(|i| dns.look_up(&format!("good{i}.example")));
        for good in join_all(good.map(Lookup::answer)).await {
            good.unwrap();
        }
        let waited = begun.elapsed();
        assert!(waited >= 2 * TURN && waited < 3 * TURN, "{waited:?}");
        for lookup in join_all(silent.drain(..).map(Lookup::answer)).await {
            let why = "no answer from a name server within 9 s";
            assert_eq!(lookup.unwrap_err(), LookupError::failed(why));
        }
        assert_eq!(log.most(), MAX_LOOKUPS);
    });
}

#[test]
fn the_time_of_a_look_up_begins_when_its_name_is_asked_for() {
    let (script, log) = silent_names();
    scripted::run(script, Duration::from_millis(400), async |dns| {
        let begun = Instant::now();
        let first: Vec<Lookup> = silent(MAX_LOOKUPS).map(|n| dns.look_up(&n)).collect();
        let mut last = dns.look_up("silent.example");
        assert!(last.is_queued());
        last.asked().await;
        assert_eq!(log.times("silent.example"), [Instant::now()]);
        assert_eq!(
            begun.elapsed().as_millis(),
            360,
            "the places are free when the first have failed"
        );
        let why = "no answer from a name server within 0.36 s";
        assert_eq!(last.answer().await.unwrap_err(), LookupError::failed(why));
        assert_eq!(begun.elapsed().as_millis(), 720);
        drop(first);
    });
}

#[test]
fn a_look_up_keeps_its_place_as_long_as_nobody_wants_it() {
    let (script, log) = Script::new(|_, _| Some(Duration::from_secs(5)));
    scripted::run(script, Duration::from_secs(10), async |dns| {
        let names: Vec<String> = silent(MAX_LOOKUPS).collect();
        for answer in join_all(names.iter().map(|name| dns.look_up(name).answer())).await {
            answer.unwrap();
        }
        assert!(names.iter().all(|name| log.times(name).len() == 1));
    });
}

#[test]
fn a_name_that_lost_its_place_is_asked_for_again() {
    let (script, log) = Script::new(|host, before| match host {
        // The name server has found it in the meantime.
        "slow.example" if before > 0 => Some(Duration::ZERO),
        _ => None,
    });
    scripted::run(script, Duration::from_secs(10), async |dns| {
        let slow = dns.look_up("slow.example");
        let silent: Vec<Lookup> = silent(MAX_LOOKUPS).map(|n| dns.look_up(&n)).collect();
        slow.answer().await.unwrap();
        assert_eq!(log.times("slow.example").len(), 2);
        drop(silent);
    });
}

#[test]
fn names_that_all_take_longer_than_a_turn_come_to_their_answers() {
    let (script, log) = Script::new(|_, _| Some(TURN + Duration::from_millis(200)));
    scripted::run(script, Duration::from_secs(10), async |dns| {
        let names: Vec<String> = (0..3 * MAX_LOOKUPS).map(|i| format!("n{i}.example")).collect();
        for answer in join_all(names.iter().map(|name| dns.look_up(name).answer())).await {
            answer.unwrap();
        }
        assert_eq!(log.most(), MAX_LOOKUPS);
    });
}

#[test]
fn a_name_that_nobody_waits_for_any_more_is_not_asked_for() {
    let (script, log) = silent_names();
    scripted::run(script, Duration::from_secs(10), async |dns| {
        let silent: Vec<Lookup> = silent(MAX_LOOKUPS).map(|n| dns.look_up(&n)).collect();
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
