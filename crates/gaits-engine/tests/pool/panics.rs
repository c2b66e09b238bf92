//! A panic in one item is that item's failure, under every model.

use crate::scene::{ASYNC, BLOCKING, Live, Scene, failure, list, number};
use crate::script::BRITTLE;
use crate::trial;
use gaits_engine::plan::Model;
use libtest_mimic::Trial;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for model in MODELS {
        for kind in [ASYNC, BLOCKING] {
            trials.push(trial(format!("panics::{model}::{kind}_items_fail_alone"), move || {
                items_fail_alone(model, kind);
            }));
        }
    }
    trials.push(trial("panics::after_one_the_session_is_a_fresh_one", fresh_session));
    for model in ["sequential", "threads:2", "async:2"] {
        trials.push(trial(format!("panics::{model}::while_opening_the_run_ends"), move || {
            while_opening_the_run_ends(model);
        }));
    }
    trials
}

pub(crate) const MODELS: &[&str] = &[
    "sequential",
    "threads:3",
    "processes:2",
    "async:4",
    "threads:2/async:2",
    "processes:2/async:3",
    "processes:2/threads:2",
    "async:4/threads:2",
];

fn items_fail_alone(model: &str, kind: &'static str) {
    let items = (0..60).map(|index| match index % 10 {
        3 => format!("panic number {index}"),
        // Before there is a future to poll.
        7 if kind == ASYNC => "panic at call".into(),
        _ => "ok".into(),
    });
    let ended = Scene::new(model, kind).run(items);
    ended.assert_one_record_each(60);
    assert_eq!(ended.died(), 0, "{:?}", ended.notices);
    for record in &ended.records {
        match record.index % 10 {
            3 => assert_eq!(failure(record), ("panic", &*format!("number {}", record.index))),
            7 if kind == ASYNC => assert_eq!(failure(record), ("panic", "panic at call")),
            _ => assert!(record.outcome.is_ok(), "{record:?}"),
        }
        assert_eq!(record.attempts, 1);
    }
}

fn fresh_session() {
    for (model, kind) in [("sequential", ASYNC), ("sequential", BLOCKING), ("processes:1", ASYNC)] {
        let ended = Scene::new(model, kind).run(["ok", "ok", "panic x", "ok", "ok"]);
        let sessions = [0, 1, 3, 4].map(|index| number(&ended.records[index], "session"));
        assert_eq!(sessions, [0, 0, 1, 1], "{model} {kind}");
    }
}

fn while_opening_the_run_ends(model: &str) {
    let scene = Scene::new(model, BLOCKING);
    assert!(model.parse::<Model>().is_ok());
    let live = Live::start_plan(scene.plan(BRITTLE), list(["ok"; 100]));
    assert!(catch_unwind(AssertUnwindSafe(|| live.end())).is_err());
}
