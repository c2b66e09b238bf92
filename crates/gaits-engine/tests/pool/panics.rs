//! A panic in one item is that item's failure, under every model.

use crate::scene::{ASYNC, BLOCKING, Live, OWN_LOOP, Scene, failure, list, number};
use crate::script::{BREAKS, BRITTLE, SCRIPT};
use crate::trial;
use gaits_core::{SessionScope, Value};
use gaits_engine::Notice;
use gaits_engine::plan::{Plan, WorkSpec};
use libtest_mimic::Trial;

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
    for model in MODELS {
        for kind in [ASYNC, BLOCKING] {
            trials.push(trial(format!("panics::{model}::{kind}_sessions_that_break"), move || {
                sessions_that_break(model, kind);
            }));
        }
    }
    for model in MODELS {
        trials.push(trial(format!("panics::{model}::own_loops_that_break_off"), move || {
            own_loops_that_break_off(model);
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

/// Whatever breaks, and with whom a session is shared: each item has its record, and the run ends.
fn sessions_that_break(model: &str, kind: &'static str) {
    for scope in [SessionScope::Loop, SessionScope::Worker, SessionScope::None] {
        for breaks in BREAKS {
            let scene = Scene::new(model, kind).sharing(scope);
            let settings = Value::String(format!("{kind} {breaks}").into());
            let plan = Plan { work: WorkSpec::new(BRITTLE, settings), ..scene.plan(SCRIPT) };
            let items = (0..40).map(|index| if index % 10 == 3 { "panic" } else { "ok" });
            let ended = Live::start_plan(plan, list(items)).end();
            ended.assert_one_record_each(40);
            assert_eq!(ended.died(), 0, "{:?}", ended.notices);
            for record in &ended.records {
                let told = record.error().map(|error| (error.kind.as_str(), &*error.message));
                let performed = match record.index % 10 {
                    3 => told.is_some_and(|(kind, message)| {
                        kind == "panic" && message.contains("as it was told")
                    }),
                    _ => told.is_none(),
                };
                let broken = match *breaks {
                    "open panics" | "reopen panics" => told == Some(("panic", "brittle")),
                    "open fails" | "reopen fails" => told == Some(("connect", "brittle")),
                    _ => false,
                };
                let may_go_well = !breaks.starts_with("open");
                assert!(broken || (may_go_well && performed), "{scope:?} {breaks}: {record:?}");
            }
            let unclosed = ended
                .notices
                .iter()
                .any(|notice| matches!(notice, Notice::SessionNotClosed { .. }));
            assert_eq!(unclosed, *breaks == "close panics", "{scope:?}: {:?}", ended.notices);
        }
    }
}

fn own_loops_that_break_off(model: &str) {
    let items = (0..60).map(|index| match index % 15 {
        4 => "break the loop",
        9 => "leave the loop",
        13 => "panic in a task",
        _ => "ok",
    });
    let ended = Scene::new(model, OWN_LOOP).run(items);
    ended.assert_one_record_each(60);
    assert_eq!(ended.died(), 0, "{:?}", ended.notices);
    for record in &ended.records {
        let told = record.error().map(|error| (error.kind.as_str(), &*error.message));
        let broke = told == Some(("command", "the loop broke"));
        let left =
            told == Some(("panic", "the work's event loop ended without an answer for this item"));
        let panicked = told == Some(("panic", "in a task"));
        match record.index % 15 {
            4 => assert!(broke, "{record:?}"),
            9 => assert!(left, "{record:?}"),
            // It takes the loop with it, and so all that is in flight there.
            13 => assert!(panicked, "{record:?}"),
            _ => assert!(told.is_none() || broke || left || panicked, "{record:?}"),
        }
    }
}
