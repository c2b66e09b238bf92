//! Worker processes that die: whatever kills them, every item gets its record and nobody else's work is lost.

use crate::scene::{
    ASYNC, BLOCKING, Collect, Ended, Live, PARENT_VERB, Scene, Watch, failure, list, program,
};
use crate::script::SCRIPT;
use crate::script::STILLBORN;
use crate::trial;
use gaits_engine::plan::{Limits, Rate};
use gaits_engine::{
    ExecutorError, Notice, Program, RunError, Stopped, WORKER_VERB, WorkerCommand, run,
};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, mkfifo};
use std::fs::File;
use std::io::Read;
use std::num::NonZeroU32;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("crashes::a_worker_killed_from_outside_loses_nothing", killed_from_outside),
        trial("crashes::what_one_took_along_is_tried_again_by_halves", tried_by_halves),
        trial("crashes::others_flow_while_a_trial_is_on", others_flow),
        trial("crashes::what_may_not_be_done_twice_is_not", not_twice),
        trial("crashes::nor_is_what_was_finished_and_not_heard_of", not_heard_of),
        trial("crashes::a_trial_goes_to_whoever_is_idle_first", trial_to_idle),
        trial("crashes::what_is_tried_again_keeps_to_rates", trial_keeps_to_rates),
        trial("crashes::what_is_tried_again_waits_for_the_end_of_a_pause", trial_waits_for_pause),
        trial("crashes::what_is_of_a_host_given_up_is_not_tried_again", trial_given_up),
        trial("crashes::an_exit_is_told_with_its_status", exit_status),
        trial("crashes::others_go_on_while_a_worker_is_replaced", others_go_on),
        trial("crashes::workers_that_die_at_start_end_the_run", stillborn),
        trial("crashes::what_a_worker_says_arrives", says),
        trial("crashes::a_flood_of_words_passes", flood),
        trial("crashes::what_a_worker_has_started_does_not_hide_its_death", lingering),
        trial("crashes::one_slow_item_strands_nothing_behind_it", nothing_stranded),
        trial("crashes::a_finished_item_is_not_done_again", finished_is_finished),
        trial("crashes::a_worker_that_makes_no_sense_loses_nothing", bad_frames),
    ];
    for (model, kind) in [
        ("processes:1", BLOCKING),
        ("processes:2", BLOCKING),
        ("processes:2/async:4", ASYNC),
        ("processes:1/async:8", ASYNC),
        ("processes:2/threads:3", BLOCKING),
    ] {
        trials.push(trial(format!("crashes::{model}::killers_are_quarantined"), move || {
            killers_are_quarantined(model, kind);
        }));
    }
    for step in ["wait never", "spin"] {
        for model in ["processes:2", "processes:2/threads:2"] {
            trials.push(trial(
                format!("crashes::{model}::no_worker_outlives_its_parent at `{step}`"),
                move || no_worker_outlives_its_parent(model, step),
            ));
        }
    }
    trials
}

fn kill_9(pid: u32) {
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
}

fn killed_from_outside() {
    for (model, kind) in [
        ("processes:2", BLOCKING),
        ("processes:2/async:2", ASYNC),
        ("processes:2/threads:2", ASYNC),
    ] {
        let scene = Scene::new(model, kind);
        let mut items = vec!["ok"; 40];
        items[7] = "touch began; wait go";
        let live = scene.start(items);
        kill_9(scene.await_file("began"));
        live.wait_until(|sights| {
            sights.notices.iter().any(|notice| matches!(notice, Notice::WorkerDied { .. }))
        });
        scene.touch("go");
        let ended = live.end();
        ended.assert_all_ok(40);
        assert_eq!(ended.records[7].attempts, 2, "{model}");
        assert!(ended.records.iter().all(|record| record.attempts <= 2), "{model}");
        if model == "processes:2" {
            let again = ended.records.iter().filter(|record| record.attempts > 1).count();
            assert_eq!(again, 1, "nobody else was at work there");
        }
        let how = "was killed by signal 9 (SIGKILL)";
        assert!(
            ended.notices.iter().any(
                |notice| matches!(notice, Notice::WorkerDied { how: told, .. } if told == how)
            )
        );
    }
}

fn killers_are_quarantined(model: &str, kind: &'static str) {
    let items: Vec<_> = (0..120)
        .map(|index| match index {
            5 => "kill 9",
            6 => "kill 11",
            60 => "kill 6",
            119 => "exit 3",
            _ => "ok",
        })
        .collect();
    let ended = Scene::new(model, kind).run(items);
    ended.assert_one_record_each(120);
    for record in &ended.records {
        let how = match record.index {
            5 => "killed by signal 9 (SIGKILL)",
            6 => "killed by signal 11 (SIGSEGV)",
            60 => "killed by signal 6 (SIGABRT)",
            119 => "exited with status 3",
            _ => {
                // Each of four killers dies at most three times among others before it is found.
                assert!(record.outcome.is_ok() && record.attempts <= 13, "{record:?}");
                continue;
            }
        };
        let (error, message) = failure(record);
        assert_eq!(error, "worker_crashed");
        assert!(message.ends_with(how), "{message}");
        assert!(message.starts_with("3 worker processes died at it"), "{message}");
        if model == "processes:2" {
            assert_eq!(record.attempts, 3);
        } else {
            assert!((3..=15).contains(&record.attempts), "{record:?}");
        }
        assert!(record.worker.is_some());
    }
    let most = if model == "processes:2" { 12 } else { 24 };
    assert!((10..=most).contains(&ended.died()), "{} died", ended.died());
}

fn tried_by_halves() {
    let scene = Scene::new("processes:1/async:8", ASYNC);
    let mut items: Vec<_> = (0..8).map(|at| format!("touch b{at}; meet 8; wait go")).collect();
    items[7] = "touch b7; meet 8; touch dies; kill-unless killed 9; wait go".into();
    items.extend(vec!["ok".to_owned(); 20]);
    let live = scene.start(items);
    let dead = scene.await_file("dies");
    // Four wait for the same event: each alone would never come to its end.
    for at in 0..4 {
        scene.await_file_of_another(&format!("b{at}"), dead);
    }
    scene.touch("go");
    let ended = live.end();
    ended.assert_all_ok(28);
    assert_eq!(ended.died(), 1);
    let attempts = ended.records.iter().map(|record| record.attempts);
    assert_eq!(attempts.filter(|attempts| *attempts == 2).count(), 8);
}

fn others_flow() {
    let scene = Scene::new("processes:2/async:4", ASYNC);
    let mut items: Vec<_> = vec!["ok".to_owned(); 400];
    items[0] = "touch began; kill-unless killed 9; touch again; wait go".into();
    items[399] = "touch last".into();
    let live = scene.start(items);
    // It is on trial, and the other process does all the rest meanwhile.
    scene.await_file("again");
    live.wait_until(|sights| sights.records.len() == 399);
    scene.touch("go");
    live.end().assert_all_ok(400);
}

fn not_twice() {
    for (model, kind) in [("processes:1", BLOCKING), ("processes:2/async:4", ASYNC)] {
        let scene = Scene::new(model, kind);
        let mut items = vec!["ok"; 40];
        items[9] = "once; touch began; wait never";
        let live = scene.start(items);
        kill_9(scene.await_file("began"));
        let ended = live.end();
        ended.assert_one_record_each(40);
        let (error, message) = failure(&ended.records[9]);
        assert_eq!(error, "worker_crashed");
        assert_eq!(
            message,
            "its worker process was killed by signal 9 (SIGKILL): it may have been processed, so it is not done again"
        );
        assert_eq!(ended.records[9].attempts, 1);
        assert_eq!(ended.died(), 1);
    }
}

fn not_heard_of() {
    // They are finished at once, and the worker goes on to the next one and dies before it has told of all.
    for (model, kind) in [("processes:1", BLOCKING), ("processes:1/async:4", ASYNC)] {
        // It takes luck to die in time.
        let (mut crashed, mut tries) = (0, 0);
        while crashed < 20 {
            tries += 1;
            assert!(tries < 500, "{model}: all that was finished was heard of");
            let scene = Scene::new(model, kind);
            let mut items: Vec<_> = (0..30).map(|at| format!("once; new {at}")).collect();
            items.push("kill-unless killed 9".into());
            let ended = scene.run(items);
            ended.assert_one_record_each(31);
            let failed = ended.records.iter().filter(|record| !record.outcome.is_ok());
            for record in failed {
                assert_eq!(failure(record).0, "worker_crashed", "{model}");
                crashed += 1;
            }
        }
    }
}

fn trial_to_idle() {
    let scene = Scene::new("processes:2/async:2", ASYNC);
    // When it is to be tried again, there is only the other process, which has room and is busy until the trial is over.
    let live = scene.start(["touch long; wait go", "wait long; kill-unless killed 9; touch again"]);
    scene.await_file("again");
    scene.touch("go");
    let ended = live.end();
    ended.assert_all_ok(2);
    assert_eq!(ended.records[0].attempts, 1);
}

fn trial_keeps_to_rates() {
    const INTERVAL: Duration = Duration::from_millis(400);
    let rate = Some(Rate { interval: INTERVAL, burst: NonZeroU32::MIN });
    for limits in
        [Limits { rate, ..Limits::default() }, Limits { total_rate: rate, ..Limits::default() }]
    {
        let scene = Scene::new("processes:1", BLOCKING);
        let ended = scene.run_with(limits, ["at a; kill-unless killed 9", "at a; ok"]);
        ended.assert_all_ok(2);
        let mut starts: Vec<_> = ended.records.iter().map(|r| r.timing.started_us).collect();
        starts.sort_unstable();
        // The run begins at 0, and there was a start before these, which is in no record.
        let interval_us = u64::try_from(INTERVAL.as_micros()).unwrap();
        assert!(starts[0] >= interval_us && starts[1] >= 2 * interval_us, "{starts:?}");
    }
}

/// A run of two items of one host, each in a process of its own: one asks for a pause of so many milliseconds, and after that
/// the process of the other dies.
fn dies_in_a_pause(ms: u32, is_told: impl Fn(&Notice) -> bool) -> (Scene, Ended) {
    let scene = Scene::new("processes:2", BLOCKING);
    let limits = Limits { longest_pause: Some(Duration::from_mins(1)), ..Limits::default() };
    let refuses = format!("at a; wait began; refuse-once refused {ms}");
    let dies = "at a; touch began; wait dies; kill-unless killed 9".to_owned();
    let live = scene.start_with(limits, [refuses, dies]);
    live.wait_until(|sights| sights.notices.iter().any(&is_told));
    scene.touch("dies");
    let ended = live.end();
    assert_eq!(ended.died(), 1);
    (scene, ended)
}

fn trial_waits_for_pause() {
    let is_told = |notice: &Notice| matches!(notice, Notice::Paused { .. });
    let (scene, ended) = dies_in_a_pause(2_000, is_told);
    ended.assert_all_ok(2);
    let told = std::fs::read_to_string(scene.file("refused")).unwrap();
    let until_us: u64 = told.split(' ').next_back().unwrap().parse().unwrap();
    for record in &ended.records {
        assert!(record.timing.started_us >= until_us, "paused until {until_us}: {record:?}");
    }
}

fn trial_given_up() {
    let is_told = |notice: &Notice| matches!(notice, Notice::GivenUp { .. });
    let (_, ended) = dies_in_a_pause(3_600_000, is_told);
    let end = ended.end.as_ref().unwrap();
    assert_eq!((end.given_back, ended.records.len()), (2, 0), "{ended:?}");
    assert!(matches!(end.stopped, Some(Stopped::Paused { .. })), "{end:?}");
}

fn exit_status() {
    let ended = Scene::new("processes:1", BLOCKING).run(["exit 0", "ok"]);
    ended.assert_one_record_each(2);
    let (kind, message) = failure(&ended.records[0]);
    assert_eq!(kind, "worker_crashed");
    assert!(message.ends_with("exited with status 0"), "{message}");
}

fn others_go_on() {
    // Three dead workers in a row; meanwhile the other one does all the rest.
    let scene = Scene::new("processes:2", BLOCKING);
    let mut items = vec!["ok".to_owned(); 300];
    items[0] = "kill 9".into();
    items[299] = "touch last".into();
    let ended = scene.run(items);
    assert_eq!(ended.assert_one_record_each(300).records[0].attempts, 3);
    assert!(scene.file("last").exists());
}

fn finished_is_finished() {
    // The first item is finished and on its way when the second one kills the worker: both ends of that are right,
    // but none of them may cost the first one its record or a second one.
    for _ in 0..20 {
        let scene = Scene::new("processes:1", BLOCKING);
        let ended = scene.run(["ok", "kill-unless killed 9", "ok", "ok"]);
        ended.assert_all_ok(4);
        assert_eq!(ended.records[1].attempts, 2);
        assert_eq!(ended.died(), 1);
    }
}

/// The first worker process has a companion, which writes one frame of the test's to the parent when it is told to.
fn worker_with_bad_frame(scene: &Scene, frame: &str) -> WorkerCommand {
    let script = format!(
        r#"cd "$1"; if mkdir first 2>/dev/null; then (read x < speak; printf '{frame}' >&3) & fi; exec "$0" {WORKER_VERB}"#
    );
    let binary = std::env::current_exe().unwrap();
    let args = ["-c".into(), script.into(), binary.into(), scene.file("").into_os_string()];
    WorkerCommand { program: "/bin/sh".into(), args: args.into() }
}

fn bad_frames() {
    // A length, a number of messages, and then each of them: a kind, and the index of an item.
    for (case, frame) in [
        ("no message at all", r"\003\000\000\000\377\377\377"),
        ("an item that the worker never had", r"\003\000\000\000\001\001\143"),
        ("the same after an item that it gives back", r"\005\000\000\000\002\001\012\001\143"),
        ("more bytes than belong to the messages", r"\004\000\000\000\001\001\012\000"),
        ("a frame that is too long", r"\377\377\377\377"),
    ] {
        let scene = Scene::new("processes:1", BLOCKING);
        mkfifo(&scene.file("speak"), Mode::S_IRWXU).unwrap();
        let mut items = vec!["ok"; 21];
        items[10] = "touch began; wait go";
        let program = Program { worker: worker_with_bad_frame(&scene, frame), ..program() };
        let plan = scene.plan(SCRIPT);
        let live = Live::start(plan, list(items), move |seen, control, plan, source| {
            let mut sink = Collect(Arc::clone(seen));
            run(&program, plan, source, &mut [&mut sink], &mut Watch(Arc::clone(seen)), control)
        });
        let confused = scene.await_file("began");
        std::fs::write(scene.file("speak"), "now\n").unwrap();
        live.wait_until(|sights| {
            sights.notices.iter().any(|notice| matches!(notice, Notice::WorkerDied { .. }))
        });
        scene.touch("go");
        let ended = live.end();
        ended.assert_all_ok(21);
        assert_eq!(ended.died(), 1, "{case}");
        assert_ne!(ended.records[10].worker.unwrap().pid, confused, "{case}");
    }
}

fn stillborn() {
    let scene = Scene::new("processes:2", BLOCKING);
    let ended = Live::start_plan(scene.plan(STILLBORN), list(["ok"; 10])).end();
    match ended.end {
        Err(RunError::Executor(ExecutorError::Stillborn { times, how })) => {
            assert_eq!((times, &*how), (5, "exited with status 7"));
        }
        other => panic!("{other:?}"),
    }
    assert!(ended.records.is_empty());
}

fn says() {
    let scene = Scene::new("processes:1", BLOCKING);
    let items = ["say one", "spew 100000", "blurt", "wait go; say two; kill 9", "say three"];
    let live = Live::start_plan(scene.plan(SCRIPT), list(items));
    // What a worker had finished just before it died may be done again, and said again.
    live.wait_until(|sights| sights.records.len() == 3);
    scene.touch("go");
    let ended = live.end();
    ended.assert_one_record_each(5);
    let own = std::process::id();
    let said: Vec<&str> = ended
        .notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::WorkerSaid { pid, line } => {
                assert_ne!(*pid, own);
                Some(&**line)
            }
            _ => None,
        })
        .collect();
    let known = said[3..].iter().all(|line| ["two", "three"].contains(line));
    assert!(known, "{said:?}");
    assert_eq!((said[0], said[2]), ("one", "a \u{fffd} b"));
    assert!(said[1].starts_with("xxx") && said[1].ends_with("bytes more)"));
    assert_eq!(said.iter().filter(|line| **line == "two").count(), 3, "{said:?}");
    assert!(said.contains(&"three"), "{said:?}");
}

fn flood() {
    let flood = vec!["say word"; 1000].join(";");
    let ended = Scene::new("processes:2", BLOCKING).run(vec![flood; 20]);
    ended.assert_all_ok(20);
    let said = ended.notices.iter().filter(|notice| matches!(notice, Notice::WorkerSaid { .. }));
    assert_eq!(said.count(), 20_000);
}

fn lingering() {
    // What the worker has started lives on, and holds its standard error open.
    let scene = Scene::new("processes:1", BLOCKING);
    let ended = scene.run(["ok", "linger over; kill-unless killed 9", "ok"]);
    let names = std::fs::read_dir(scene.file("")).unwrap().map(|entry| entry.unwrap().file_name());
    let lingers: Vec<Pid> = names
        .filter_map(|name| name.to_str()?.strip_prefix("lingers ")?.parse().ok())
        .map(Pid::from_raw)
        .collect();
    assert_eq!(lingers.len(), 2, "each attempt starts one");
    for pid in &lingers {
        kill(*pid, None).expect("it lives on");
    }
    scene.touch("over");
    for pid in lingers {
        // Orphans are this process's children.
        waitpid(pid, None).unwrap();
    }
    ended.assert_all_ok(3);
    assert_eq!(ended.died(), 1);
}

fn nothing_stranded() {
    for model in ["processes:2", "processes:2/threads:2"] {
        // The quick ones make the pool hand out well ahead; then one holds its worker until all the others are done.
        let scene = Scene::new(model, BLOCKING);
        let mut items = vec!["ok"; 20_000];
        items[12_000] = "wait go";
        let live = scene.start(items);
        live.wait_until(|sights| sights.records.len() == 19_999);
        scene.touch("go");
        live.end().assert_all_ok(20_000);
    }
}

fn no_worker_outlives_its_parent(model: &str, step: &str) {
    let scene = Scene::new(model, BLOCKING);
    // Whoever reads it sees the end when nobody holds it open any more.
    mkfifo(&scene.file("held"), Mode::S_IRWXU).unwrap();
    let item = |began: &str| format!("hold held; touch {began}; {step}");
    let mut parent = Command::new("/proc/self/exe")
        .args([PARENT_VERB, model, &scene.file("").display().to_string()])
        .args([item("one"), item("two")])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut held = File::open(scene.file("held")).unwrap();
    let workers = [scene.await_file("one"), scene.await_file("two")];
    assert!(!workers.contains(&parent.id()));
    parent.kill().unwrap();
    held.read_to_end(&mut Vec::new()).unwrap();
    parent.wait().unwrap();
}
