//! Where and how many at a time: what each model promises.

use crate::scene::{ASYNC, BLOCKING, Scene, number};
use crate::trial;
use libtest_mimic::Trial;
use std::collections::BTreeMap;

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
        for kind in [ASYNC, BLOCKING] {
            let name = format!("models::{}::{kind}_items_run_where_they_should", case.model);
            trials.push(trial(name, move || items_run_where_they_should(case, kind)));
        }
        trials.push(trial(format!("models::{}::without_items_it_ends", case.model), move || {
            Scene::new(case.model, BLOCKING).run([""; 0]).assert_all_ok(0);
            Scene::new(case.model, ASYNC).run([""; 0]).assert_all_ok(0);
        }));
    }
    trials
}

fn items_run_where_they_should(case: &Case, kind: &'static str) {
    let of = |(asynchronous, blocking)| if kind == ASYNC { asynchronous } else { blocking };
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

/// Sessions that a process of this model opens: one a worker.
fn gauge_of_sessions(model: &str) -> i64 {
    let layout = model.parse::<gaits_engine::plan::Model>().unwrap().layout();
    i64::from(layout.threads * layout.in_flight)
}
