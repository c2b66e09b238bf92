//! Processes that run out of file descriptors: workers retire until it goes.

use crate::scene::{
    ASYNC, BLOCKING, Collect, Live, OWN_LOOP, Scene, Watch, failure, list, program,
};
use crate::script::SCRIPT;
use crate::trial;
use gaits_engine::plan::Model;
use gaits_engine::{Notice, Program, WORKER_VERB, WorkerCommand, run};
use libtest_mimic::Trial;
use std::sync::Arc;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (model, kind) in [
        ("threads:6", BLOCKING),
        ("threads:6", ASYNC),
        ("async:20", ASYNC),
        ("threads:2/async:5", ASYNC),
        ("async:6/threads:3", BLOCKING),
        ("processes:2/async:8", ASYNC),
        ("processes:2/threads:4", BLOCKING),
    ] {
        trials.push(trial(format!("exhausted::{model}::{kind}_workers_retire"), move || {
            workers_retire(model, kind);
        }));
    }
    for model in
        ["sequential", "threads:1", "async:1", "processes:1", "async:3", "processes:2/async:3"]
    {
        trials.push(trial(format!("exhausted::{model}::the_last_one_fails_the_item"), || {
            last_one_fails(model, ASYNC);
        }));
    }
    // A loop of the work's own goes on with fewer slots, and ends when none of them is left to it.
    for model in ["async:1", "async:3", "threads:2/async:3", "processes:2/async:3"] {
        let name = format!("exhausted::{model}::the_last_slot_of_an_own_loop_fails_the_item");
        trials.push(trial(name, || last_one_fails(model, OWN_LOOP)));
    }
    trials.push(trial(
        "exhausted::a_process_that_takes_the_place_of_another_has_all_workers",
        || {
            replaced_process_has_all_workers();
        },
    ));
    trials.push(trial("exhausted::nothing_lies_at_workers_that_could_not_be_started", || {
        nothing_lies_at_missing_workers();
    }));
    trials
}

/// Stacks of 1 GiB each, and address space in kilobytes for no more than three of them: one for the thread that reads orders,
/// one for that which writes reports, and one for a worker.
const ONE_THREAD: &str = "export RUST_MIN_STACK=1073741824; ulimit -v 3900000";

fn nothing_lies_at_missing_workers() {
    // Each process has one worker where the model has two. One of them is held up; what it would be given beside that would
    // lie there, while the other process is idle.
    let scene = Scene::new("processes:2/threads:2", BLOCKING);
    let binary = std::env::current_exe().unwrap();
    let script = format!(r#"{ONE_THREAD} && exec "$0" {WORKER_VERB}"#);
    let args = ["-c".into(), script.into(), binary.into_os_string()];
    let worker = WorkerCommand { program: "/bin/sh".into(), args: args.into() };
    let program = Program { worker, ..program() };
    let mut items = vec!["ok"; 20];
    items[0] = "wait go";
    let live = Live::start(scene.plan(SCRIPT), list(items), move |seen, control, plan, source| {
        let mut sink = Collect(Arc::clone(seen));
        run(&program, plan, source, &mut [&mut sink], &mut Watch(Arc::clone(seen)), control)
    });
    live.wait_until(|sights| sights.records.len() == 19);
    scene.touch("go");
    let ended = live.end();
    ended.assert_all_ok(20);
    assert_eq!(ended.end.unwrap().missing_workers, 2, "{:?}", ended.notices);
}

fn replaced_process_has_all_workers() {
    // All four workers are at an item when they look, and three retire. Then the process dies. The next one has four
    // workers again, which must be at an item at once, or the run hangs; three of them retire as well.
    let first = ["meet 4; exhausted 0"; 4];
    let second = ["meet 8; exhausted 0"; 4];
    let items = first.into_iter().chain(["once; wait go; kill 9"]).chain(second);
    let scene = Scene::new("processes:1/async:4", ASYNC);
    let live = scene.start(items);
    // What it has said of its workers must have arrived before it dies.
    live.wait_until(|sights| sights.records.len() == 4);
    scene.touch("go");
    let ended = live.end();
    ended.assert_one_record_each(9);
    assert_eq!(ended.died(), 1);
    assert_eq!(ended.end.unwrap().missing_workers, 3, "{:?}", ended.notices);
}

fn workers_retire(model: &str, kind: &'static str) {
    let parsed: Model = model.parse().unwrap();
    let at_once = parsed.layout().processes * parsed.at_once(kind == BLOCKING);
    // All workers are at work at once when the first ones look.
    let meet = format!("meet {at_once}; exhausted 2");
    let items = (0..300).map(|index| if index < at_once { meet.as_str() } else { "exhausted 2" });
    let ended = Scene::new(model, kind).run(items);
    ended.assert_all_ok(300);
    assert!(ended.records.iter().all(|record| record.attempts == 1));
    let left = ended.notices.iter().filter_map(|notice| match notice {
        Notice::FewerWorkers { left, why } => {
            assert_eq!(why, "too many open files");
            Some(*left)
        }
        _ => None,
    });
    assert!(left.min().is_some_and(|left| left >= 1));
}

fn last_one_fails(model: &str, kind: &'static str) {
    let ended = Scene::new(model, kind).run(["exhausted 0", "ok", "exhausted 0", "ok"]);
    ended.assert_one_record_each(4);
    for index in [0, 2] {
        assert_eq!(failure(&ended.records[index]), ("connect", "too many open files"));
    }
    assert!(ended.records[1].outcome.is_ok() && ended.records[3].outcome.is_ok());
}
