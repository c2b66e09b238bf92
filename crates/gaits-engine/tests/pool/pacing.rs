//! Limits, retries and pauses, under every model.

use crate::panics::MODELS;
use crate::scene::{ASYNC, BLOCKING, Ended, Scene, failure};
use crate::trial;
use gaits_core::Record;
use gaits_engine::plan::{Limits, Rate};
use gaits_engine::{Notice, Stopped};
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    type Test = (&'static str, fn(&str));
    let mut trials = Vec::new();
    let tests: &[Test] = &[
        ("what_may_pass_is_tried_again_and_told", retried),
        ("an_item_is_tried_no_more_often_than_allowed", used_up),
        ("no_more_are_in_flight_to_a_host_than_allowed", per_host),
        ("a_pause_is_heeded_by_every_worker_and_holds_up_no_other_host", paused),
        ("who_wants_too_long_a_pause_is_given_up", given_up),
        ("who_wants_time_between_two_items_gets_it", spaced_out),
        ("an_item_whose_start_went_into_something_else_is_started_again", started_again),
        ("advice_to_stop_is_followed", stopped),
        ("so_many_failures_are_enough", enough),
    ];
    for model in MODELS {
        for (name, test) in tests {
            trials.push(trial(format!("pacing::{model}::{name}"), move || test(model)));
        }
    }
    trials.extend([
        trial("pacing::a_retry_that_waits_holds_no_worker", no_worker_held),
        trial("pacing::a_rate_is_kept", rate),
        trial("pacing::an_item_that_holds_its_process_for_too_long_fails_alone", overdue),
        trial("pacing::the_deadline_is_one_for_each_try", deadline_of_a_try),
        trial("pacing::a_host_that_belongs_to_others_is_treated_politely", polite),
    ]);
    trials
}

fn limits() -> Limits {
    Limits { longest_pause: Some(Duration::from_mins(1)), ..Limits::default() }
}

fn retried(model: &str) {
    let limits = Limits { retries: 3, ..limits() };
    let ended = Scene::new(model, ASYNC).run_with(limits, ["ok", "fail-until 1", "ok"]);
    ended.assert_all_ok(3);
    let [first, second, _] = &*ended.records else { panic!("{ended:?}") };
    assert_eq!((first.attempts, first.tries.len()), (1, 0));
    assert_eq!(second.attempts, 2);
    let [failed] = &*second.tries else { panic!("{second:?}") };
    assert_eq!(failed.error.message, "it was told to fail");
    assert!(failed.started_us <= failed.finished_us);
    assert!(failed.finished_us <= second.timing.started_us);
    assert_eq!(ended.end.unwrap().retries, 1);
}

fn used_up(model: &str) {
    let limits = Limits { retries: 1, ..limits() };
    let ended = Scene::new(model, BLOCKING).run_with(limits, ["fail-until 9", "fail", "ok"]);
    ended.assert_one_record_each(3);
    let [first, second, third] = &*ended.records else { panic!("{ended:?}") };
    assert_eq!((first.attempts, first.tries.len()), (2, 1));
    assert_eq!((second.attempts, second.tries.len()), (1, 0), "it is not to be tried again");
    assert_eq!(failure(first), ("command", "it was told to fail"));
    assert!(third.outcome.is_ok());
}

/// The records of the items of one host.
fn at<'e>(ended: &'e Ended, host: &str) -> Vec<&'e Record> {
    let start = format!("at {host};");
    let records = ended.records.iter();
    records.filter(|record| record.item.as_text().unwrap().starts_with(&start)).collect()
}

/// How many of them were at work at once at most, as the workers' stamps tell.
fn most_at_once(records: &[&Record]) -> usize {
    let is_at = |us, record: &Record| {
        let timing = record.timing;
        (timing.started_us..timing.finished_us).contains(&us)
    };
    let at_once = |us| records.iter().filter(|record| is_at(us, record)).count();
    records.iter().map(|record| at_once(record.timing.started_us)).max().unwrap_or(0)
}

fn per_host(model: &str) {
    let scene = Scene::new(model, ASYNC);
    let limits = Limits { per_key: NonZeroU32::new(2), ..limits() };
    let items = (0..60).map(|n| format!("at {}; touch x{n}", if n < 40 { "a" } else { "b" }));
    let ended = scene.run_with(limits, items);
    ended.assert_all_ok(60);
    for host in ["a", "b"] {
        let most = most_at_once(&at(&ended, host));
        assert!((1..=2).contains(&most), "{most} at {host}");
    }
}

fn paused(model: &str) {
    // Long enough that a busy machine does not count: what is started too late by accident is so by less.
    const PAUSE_MS: u64 = 1_500;
    const LATE_US: u64 = 500_000;
    let scene = Scene::new(model, ASYNC);
    let item = |n: u64| match (n % 2, n) {
        (0, 40) => format!("at a; refuse-once refused {PAUSE_MS}"),
        (0, _) => "at a; ok".to_owned(),
        _ => "at b; ok".to_owned(),
    };
    let ended = scene.run_with(limits(), (0..2_000).map(item));
    ended.assert_all_ok(2_000);
    let told = std::fs::read_to_string(scene.file("refused")).unwrap();
    let times: Vec<u64> = told.split(' ').map(|us| us.parse().unwrap()).collect();
    let [refused_us, until_us] = *times else { panic!("{told}") };
    let mut after = 0;
    for record in at(&ended, "a") {
        let started_us = record.timing.started_us;
        let early = (refused_us + LATE_US..until_us).contains(&started_us);
        assert!(!early, "started {started_us}, refused {refused_us} until {until_us}");
        after += u32::from(started_us >= until_us);
    }
    assert!(after > 100, "{after} waited for the end of the pause");
    let last_b = at(&ended, "b").iter().map(|record| record.timing.started_us).max().unwrap();
    assert!(last_b < until_us, "the other host went on");
    let refused = &ended.records[40];
    assert_eq!((refused.attempts, refused.tries.len()), (1, 0), "a pause is no failure");
    assert_eq!(ended.end.unwrap().pauses, 1);
    let is_told = |notice: &&Notice| matches!(notice, Notice::Paused { key, .. } if key == "a");
    assert_eq!(ended.notices.iter().filter(is_told).count(), 1);
}

fn spaced_out(model: &str) {
    const APART_US: u64 = 150_000;
    let scene = Scene::new(model, ASYNC);
    let items = (0..400).map(|n| match n % 100 {
        0 => "at a; apart 150",
        _ => "at b; ok",
    });
    let ended = scene.run_with(limits(), items);
    ended.assert_all_ok(400);
    let mut starts: Vec<u64> =
        at(&ended, "a").iter().map(|record| record.timing.started_us).collect();
    starts.sort_unstable();
    for two in starts.windows(2) {
        assert!(two[1] - two[0] >= APART_US, "{starts:?}");
    }
    assert!(ended.records.iter().all(|record| record.attempts == 1), "it is no failure");
    let is_told = |notice: &&Notice| matches!(notice, Notice::SpacedOut { key, .. } if key == "a");
    assert_eq!(ended.notices.iter().filter(is_told).count(), 1);
}

fn started_again(model: &str) {
    const APART_US: u64 = 50_000;
    let rate =
        Rate { interval: Duration::from_micros(APART_US), burst: NonZeroU32::new(1).unwrap() };
    let scene = Scene::new(model, ASYNC);
    let limits = Limits { rate: Some(rate), retries: 0, ..limits() };
    let ended = scene.run_with(limits, ["at a; first", "at a; ok", "at b; ok"]);
    ended.assert_all_ok(3);
    for record in &ended.records {
        assert_eq!((record.attempts, record.tries.len()), (1, 0), "it is no failure");
    }
    let mut starts: Vec<_> = at(&ended, "a").iter().map(|r| r.timing.started_us).collect();
    starts.sort_unstable();
    // The run begins at 0, and there was a start before these, which is in no record.
    assert!(starts[0] >= APART_US && starts[1] >= 2 * APART_US, "{starts:?}");
    assert!(ended.notices.is_empty(), "{:?}", ended.notices);
}

fn given_up(model: &str) {
    let scene = Scene::new(model, ASYNC);
    // What was handed out of the host before its answer is known waits for that, however late the answer comes.
    let items = (0..40).map(|n| match n % 2 {
        0 => "at a; refuse-once refused 3600000; wait known",
        _ => "at b; ok",
    });
    let live = scene.start_with(limits(), items);
    let is_told = |notice: &Notice| matches!(notice, Notice::GivenUp { key, .. } if key == "a");
    live.wait_until(|sights| sights.notices.iter().any(is_told));
    scene.touch("known");
    let ended = live.end();
    let end = ended.end.as_ref().unwrap();
    let Some(Stopped::Paused { keys: 1, key, for_us }) = &end.stopped else { panic!("{end:?}") };
    assert_eq!(key, "a");
    assert!((3_000_000_000..=3_600_000_000).contains(for_us), "{for_us}");
    assert_eq!(at(&ended, "b").len(), 20);
    assert_eq!(end.ok + end.given_back, 40);
    // Whatever was at work already is done: a few.
    assert!(end.given_back > 10, "{end:?}");
    assert!(!end.interrupted);
}

/// All that has a record went well, but `failed`; the others are undone.
fn assert_stopped(ended: &Ended, items: u64, failed: u64) -> &Stopped {
    let end = ended.end.as_ref().unwrap();
    assert_eq!(end.ok + end.failed, ended.records.len() as u64);
    assert_eq!(end.failed, failed);
    let indices: BTreeSet<_> = ended.records.iter().map(|record| record.index).collect();
    assert_eq!(indices.len(), ended.records.len());
    assert!(end.ok + end.failed < items, "{end:?}");
    assert!(!end.interrupted);
    end.stopped.as_ref().unwrap()
}

fn stopped(model: &str) {
    let scene = Scene::new(model, ASYNC);
    let item = |n: u64| if n < 50 { "ok" } else { "stop" };
    let ended = scene.run_with(limits(), (0..100_000).map(item));
    let stopped = assert_stopped(&ended, 100_000, 0);
    let Stopped::Advised { item, error } = stopped else { panic!("{stopped:?}") };
    assert_eq!((&**item, &*error.message), ("stop", "it was told to fail"));
    // What another worker had not started by then is undone as well.
    assert!(ended.records.len() <= 50, "what was told to stop has no record");
}

fn enough(model: &str) {
    let scene = Scene::new(model, BLOCKING);
    let limits = Limits { stop_after_failures: NonZeroU64::new(3), ..limits() };
    let item = |n: u64| if n % 10 == 9 { "fail" } else { "ok" };
    let ended = scene.run_with(limits, (0..100_000).map(item));
    let failed = ended.records.iter().filter(|record| !record.outcome.is_ok()).count() as u64;
    assert!(failed >= 3);
    let stopped = assert_stopped(&ended, 100_000, failed);
    assert!(matches!(stopped, Stopped::Failures { .. }), "{stopped:?}");
    // Where all is done by then, there is nothing to go on with.
    let limits = Limits { stop_after_failures: NonZeroU64::new(3), ..self::limits() };
    let ended = Scene::new("sequential", BLOCKING).run_with(limits, ["fail", "ok", "fail", "fail"]);
    assert_eq!(ended.end.unwrap().stopped, None);
    assert_eq!(ended.records.len(), 4);
}

fn no_worker_held() {
    for model in ["sequential", "processes:1"] {
        let scene = Scene::new(model, BLOCKING);
        let limits = Limits { retries: 1, ..limits() };
        // The only worker would never come to the second item.
        let ended = scene.run_with(limits, ["fail-until 1; wait second", "touch second"]);
        ended.assert_all_ok(2);
    }
}

fn rate() {
    let interval = Duration::from_millis(20);
    for burst in [1, 5] {
        let burst = NonZeroU32::new(burst).unwrap();
        let limits = Limits { rate: Some(Rate { interval, burst }), ..limits() };
        let ended = Scene::new("async:4", ASYNC).run_with(limits, (0..30).map(|_| "at a; ok"));
        ended.assert_all_ok(30);
        let mut queued: Vec<_> =
            ended.records.iter().map(|record| record.timing.queued_us).collect();
        queued.sort_unstable();
        // What is handed out late because the machine is busy is made up for within 10 ms.
        let took_us = queued[29] - queued[0];
        let least_us = 20_000 * u64::from(30 - burst.get()) - 10_000;
        assert!(took_us >= least_us, "{took_us} us, burst {burst}");
    }
}

fn polite() {
    let scene = Scene::new("async:20", ASYNC);
    let limits = Limits { polite: NonZeroU32::new(3), ..limits() };
    let host = |n: u64| if n < 100 { "public" } else { "own" };
    let ended = scene.run_with(limits, (0..200).map(|n| format!("at {}; touch x{n}", host(n))));
    ended.assert_all_ok(200);
    assert!(most_at_once(&at(&ended, "public")) <= 3);
    let told =
        ended.notices.iter().filter(|notice| matches!(notice, Notice::Polite { in_flight: 3 }));
    assert_eq!(told.count(), 1);
}

fn overdue() {
    for model in ["processes:2", "processes:2/threads:3", "processes:1/async:4"] {
        let scene = Scene::new(model, BLOCKING);
        let limits = Limits { deadline: Some(Duration::from_millis(300)), ..limits() };
        let item = |n: u64| if n == 7 { "spin" } else { "ok" };
        let ended = scene.run_with(limits, (0..60).map(item));
        ended.assert_one_record_each(60);
        for record in &ended.records {
            match record.index {
                7 => {
                    let message = "still at work after 300ms: its worker process was replaced";
                    assert_eq!(failure(record), ("timeout", message));
                    assert_eq!(record.attempts, 1);
                }
                _ => assert!(record.outcome.is_ok(), "{model}: {record:?}"),
            }
        }
        assert_eq!(ended.died(), 0);
    }
}

fn deadline_of_a_try() {
    // All tries together take three times as long as it allows for one, in one process.
    let scene = Scene::new("processes:1", BLOCKING);
    let limits = Limits { deadline: Some(Duration::from_secs(1)), ..limits() };
    let ended = scene.run_with(limits, ["again 120 25"]);
    ended.assert_all_ok(1);
    assert_eq!(ended.died(), 0);
}
