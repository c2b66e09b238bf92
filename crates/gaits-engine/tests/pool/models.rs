//! Where and how many at a time: what each model promises.

use crate::scene::{ASYNC, BLOCKING, OWN_LOOP, Scene, number};
use crate::trial;
use gaits_core::SessionScope;
use gaits_engine::plan::Model;
use libtest_mimic::Trial;
use std::collections::{BTreeMap, BTreeSet};

/// A model, and how it lays out async and blocking work.
struct Case {
    model: &'static str,
    /// Child processes, if it has any.
    processes: Option<usize>,
    /// Threads that do items, in each process, for async and for blocking work.
    threads: (usize, usize),
    /// Items that can be at work at once in each process.
    at_once: (usize, usize),
}

const CASES: &[Case] = &[
    Case { model: "sequential", processes: None, threads: (1, 1), at_once: (1, 1) },
    Case { model: "threads:3", processes: None, threads: (3, 3), at_once: (3, 3) },
    Case { model: "processes:2", processes: Some(2), threads: (1, 1), at_once: (1, 1) },
    Case { model: "async:5", processes: None, threads: (1, 1), at_once: (5, 1) },
    Case { model: "threads:2/async:3", processes: None, threads: (2, 2), at_once: (6, 2) },
    Case { model: "processes:2/async:3", processes: Some(2), threads: (1, 1), at_once: (3, 1) },
    Case { model: "processes:2/threads:2", processes: Some(2), threads: (2, 2), at_once: (2, 2) },
    Case { model: "async:6/threads:2", processes: None, threads: (1, 2), at_once: (6, 2) },
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in CASES {
        for kind in [ASYNC, BLOCKING, OWN_LOOP] {
            let name = format!("models::{}::{kind}_items_run_where_they_should", case.model);
            trials.push(trial(name, move || items_run_where_they_should(case, kind)));
        }
        trials.push(trial(
            format!("models::{}::sessions_are_shared_as_asked", case.model),
            move || {
                sessions_are_shared_as_asked(case);
            },
        ));
        trials.push(trial(format!("models::{}::without_items_it_ends", case.model), move || {
            Scene::new(case.model, BLOCKING).run([""; 0]).assert_all_ok(0);
            Scene::new(case.model, ASYNC).run([""; 0]).assert_all_ok(0);
            Scene::new(case.model, OWN_LOOP).run([""; 0]).assert_all_ok(0);
        }));
    }
    trials.push(trial(
        "models::blocking_work_is_shared_out_one_by_one",
        blocking_work_is_shared_out_one_by_one,
    ));
    trials
}

fn items_run_where_they_should(case: &Case, kind: &'static str) {
    let of = |(asynchronous, blocking)| if kind == BLOCKING { blocking } else { asynchronous };
    let processes = case.processes.unwrap_or(1);
    let in_all = of(case.at_once) * processes;
    // The first ones go on only when as many as the model allows are at work at once.
    let meet = format!("meet {in_all}");
    let items = (0..200).map(|index| if index < 12 { meet.as_str() } else { "ok" });
    let ended = Scene::new(case.model, kind).run(items);
    ended.assert_all_ok(200);

    let own = std::process::id();
    match case.processes {
        None => assert_eq!(ended.pids(), [own].into()),
        Some(processes) => {
            assert_eq!(ended.pids().len(), processes);
            assert!(!ended.pids().contains(&own));
        }
    }
    let mut tids = BTreeMap::<u32, usize>::new();
    for (pid, tid) in ended.tids() {
        *tids.entry(pid).or_default() += 1;
        if case.processes.is_some() && of(case.threads) == 1 {
            assert_eq!(pid, tid, "the main thread");
        }
    }
    assert!(tids.values().all(|tids| *tids <= of(case.threads)), "{:?}", ended.tids());

    assert!(ended.most_at_once() <= in_all, "{} at once", ended.most_at_once());
    let mut sessions = BTreeMap::<u32, i64>::new();
    for record in &ended.records {
        let pid = record.worker.unwrap().pid;
        let most = i64::try_from(of(case.at_once)).unwrap();
        assert!((1..=most).contains(&number(record, "in_flight")), "{record:?}");
        let last = sessions.entry(pid).or_default();
        *last = (*last).max(number(record, "session") + 1);
    }
    let most = gauge_of_sessions(case.model);
    assert!(sessions.values().all(|opened| *opened <= most), "{sessions:?} of {most}");
    for record in &ended.records {
        let timing = record.timing;
        assert!(timing.queued_us <= timing.started_us && timing.started_us <= timing.finished_us);
    }
}

fn model(text: &str) -> Model {
    text.parse().unwrap()
}

/// Sessions that a process of this model opens: one a worker.
fn gauge_of_sessions(model: &str) -> i64 {
    let layout = self::model(model).layout();
    i64::from(layout.threads * layout.in_flight)
}

/// How many sessions a process opens for async and for blocking work, when all its workers are at work at once.
fn sessions_are_shared_as_asked(case: &Case) {
    const ITEMS: i64 = 60;
    for (kind, at_once, threads) in
        [(ASYNC, case.at_once.0, case.threads.0), (BLOCKING, case.at_once.1, case.threads.1)]
    {
        let processes = case.processes.unwrap_or(1);
        let meet = format!("meet {}", at_once * processes);
        let items = || (0..ITEMS).map(|index| if index < 12 { meet.clone() } else { "ok".into() });
        for (scope, most) in [
            (SessionScope::Loop, if kind == ASYNC { threads } else { at_once }),
            (SessionScope::Worker, gauge_of_sessions(case.model).try_into().unwrap()),
            (SessionScope::None, usize::MAX),
        ] {
            let ended = Scene::new(case.model, kind).sharing(scope).run(items());
            ended.assert_all_ok(60);
            let mut sessions = BTreeMap::<u32, BTreeSet<i64>>::new();
            for record in &ended.records {
                let worker = record.worker.unwrap();
                sessions.entry(worker.pid).or_default().insert(number(record, "session"));
                let slots = model(case.model).layout().in_flight;
                assert!(worker.slot < slots, "{record:?}");
            }
            let each = sessions.values().map(BTreeSet::len);
            let opened: usize = each.clone().sum();
            if scope == SessionScope::None {
                assert_eq!(opened, 60, "one for each item");
            } else {
                assert!(each.max().unwrap() <= most, "{kind} {scope:?}: {sessions:?} of {most}");
            }
        }
    }
}

/// Blocking work does one item at a time on an event loop, so a process gets no more than that, however many its loop
/// could hold; else the first process would take all the slow ones.
fn blocking_work_is_shared_out_one_by_one() {
    let scene = Scene::new("processes:2/async:100", BLOCKING);
    // The first ones are finished only when both processes are at one.
    let items = (0..100).map(|index| if index < 50 { "meet 2" } else { "ok" });
    let ended = scene.run(items);
    ended.assert_all_ok(100);
    let first: BTreeSet<u32> = ended.records[..2].iter().map(|r| r.worker.unwrap().pid).collect();
    assert_eq!(first.len(), 2, "the first two went to different processes");
}
