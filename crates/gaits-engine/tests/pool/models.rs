//! Where and how many at a time: what each model promises.

use crate::scene::{ASYNC, BLOCKING, Ended, Live, Scene, list, number};
use crate::trial;
use gaits_core::Detail;
use gaits_engine::work::WorkSpec;
use gaits_engine::work::cpu::CpuSpec;
use gaits_engine::work::wait::WaitSpec;
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
        trials.push(trial(format!("models::{}::waits_and_computes", case.model), move || {
            waits_and_computes(case);
        }));
        trials.push(trial(format!("models::{}::without_items_it_ends", case.model), move || {
            Scene::new(case.model, BLOCKING).run([""; 0]).assert_all_ok(0);
            Scene::new(case.model, ASYNC).run([""; 0]).assert_all_ok(0);
        }));
    }
    trials.push(trial("models::async_waits_overlap_and_blocking_ones_do_not", overlap));
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

fn waits_and_computes(case: &Case) {
    let scene = Scene::new(case.model, BLOCKING);
    let run = |work, items: Vec<&str>| Live::start_plan(scene.plan_of(work), list(items)).end();
    let waits = vec!["0.001", "0", "0.002", "0", "0.001", "0", "0"];
    for spec in [WaitSpec::Timer, WaitSpec::Blocking] {
        let ended = run(WorkSpec::Wait(spec), waits.clone());
        ended.assert_all_ok(waits.len());
        for (record, asked_us) in ended.records.iter().zip([1_000, 0, 2_000, 0, 1_000, 0, 0]) {
            let Detail::Wait(detail) = record.detail else { panic!("{record:?}") };
            assert_eq!(detail.asked_us, asked_us);
            assert!(record.timing.latency_us() >= detail.asked_us, "{record:?}");
        }
    }
    let ended = run(WorkSpec::Cpu(CpuSpec::Product { n: 8 }), vec![""; 20]);
    ended.assert_all_ok(20);
    for record in &ended.records {
        // python3 -c 'import math; print((math.factorial(7) ** (3 * 49)).bit_length())'
        assert!(matches!(&record.detail, Detail::Cpu(cpu) if cpu.bits == 1808), "{record:?}");
    }
}

fn overlap() {
    let scene = Scene::new("async:3", BLOCKING);
    let waits = ["0.03", "0.02", "0.01"];
    let run = |spec| Live::start_plan(scene.plan_of(WorkSpec::Wait(spec)), list(waits)).end();
    let in_turn = |ended: &Ended| {
        let mut times: Vec<_> = ended.records.iter().map(|r| r.timing).collect();
        times.sort_by_key(|timing| timing.started_us);
        times.windows(2).all(|pair| pair[0].finished_us <= pair[1].started_us)
    };
    let blocking = run(WaitSpec::Blocking);
    assert!(in_turn(blocking.assert_all_ok(3)));
    assert!(blocking.end.unwrap().wall_us >= 60_000);
    // Timers end in the order of their lengths, unless the machine slept through all of them.
    let timers = run(WaitSpec::Timer);
    assert!(!in_turn(timers.assert_all_ok(3)));
}
