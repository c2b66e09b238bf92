//! Interrupts: once, what was started is finished; twice, the run ends at once.

use crate::panics::MODELS;
use crate::scene::{ASYNC, BLOCKING, Collect, Live, Scene, Watch, list, program};
use crate::script::SCRIPT;
use crate::trial;
use gaits_core::{Entry, ItemFacts, More, Source};
use gaits_engine::plan::Model;
use gaits_engine::source::Lines;
use gaits_engine::{Notice, RunError, run};
use libtest_mimic::Trial;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::sync::Arc;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for model in MODELS {
        for kind in [ASYNC, BLOCKING] {
            trials.push(trial(format!("cancel::{model}::{kind}_items_started_are_finished"), {
                move || started_are_finished(model, kind)
            }));
        }
        trials.push(trial(format!("cancel::{model}::before_it_begins"), || before(model)));
    }
    for model in MODELS.iter().filter(|model| model.contains("async") || model.contains("proc")) {
        trials.push(trial(format!("cancel::{model}::twice_ends_it_at_once"), || twice(model)));
    }
    trials.extend([
        trial("cancel::twice_leaves_no_worker_behind", twice_leaves_no_worker),
        trial("cancel::a_source_that_blocks_is_left", blocked_source),
        trial("cancel::an_endless_source_ends", endless),
        trial("cancel::a_control_serves_one_run", used_twice),
        trial("cancel::while_a_dead_worker_waits_to_be_replaced", while_replacing),
        trial("cancel::a_suspect_is_not_started_any_more", suspect),
    ]);
    trials
}

/// Items that a model has at work at once.
fn at_once(model: &str, kind: &str) -> usize {
    let layout = model.parse::<Model>().unwrap().layout();
    let pool = if model == "async:4/threads:2" { 2 } else { 1 };
    let loops = layout.processes * layout.threads;
    (if kind == BLOCKING { loops * pool } else { loops * layout.in_flight }) as usize
}

fn started_are_finished(model: &str, kind: &'static str) {
    let scene = Scene::new(model, kind);
    let started = at_once(model, kind);
    // Quick ones first, so that items are handed out ahead.
    let slow = (0..1000).map(|number| format!("touch began-{number}; wait go"));
    let items = std::iter::repeat_n("ok".to_owned(), 5_000).chain(slow);
    let live = scene.start(items);
    let began = || {
        let names =
            std::fs::read_dir(scene.file("")).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("began-")).count()
    };
    while began() < started {
        std::thread::yield_now();
    }
    // However many reasons there are to stop, only a second interrupt ends it at once.
    live.control.stop();
    live.control.stop();
    live.control.interrupt();
    live.wait_until(|sights| {
        sights.notices.iter().any(|notice| matches!(notice, Notice::Stopping { .. }))
    });
    // Workers in processes learn of it a moment later; what they hold unstarted comes back first.
    scene.touch("go");
    let ended = live.end();
    let end = ended.end.as_ref().unwrap();
    assert!(end.interrupted && end.failed == 0, "{end:?}");
    assert_eq!(ended.records.len() as u64, end.ok);
    // Every one that was started has its record.
    let slow = ended.records.iter().filter(|record| record.item != *"ok").count();
    assert_eq!(slow, began(), "{end:?}");
    assert!(ended.records.iter().all(|record| record.outcome.is_ok()));
    let processes = model.parse::<Model>().unwrap().inside_processes().is_some();
    if !processes {
        assert_eq!(began(), started, "no other one was");
    }
    assert_eq!(ended.died(), 0);
}

fn before(model: &str) {
    let scene = Scene::new(model, BLOCKING);
    let control = gaits_engine::Control::new();
    control.interrupt();
    let plan = scene.plan(SCRIPT);
    let mut observer = Nobody;
    let program = crate::scene::program();
    let ended =
        gaits_engine::run(&program, &plan, list(["ok"; 10]), &mut [], &mut observer, &control);
    let end = ended.unwrap();
    assert!(end.interrupted && end.ok == 0, "{end:?}");
}

struct Nobody;

impl gaits_engine::Observer for Nobody {
    fn notice(&mut self, _: Notice) {}
}

fn twice(model: &str) {
    let scene = Scene::new(model, ASYNC);
    let items = (0..50).map(|index| if index < 10 { "ok" } else { "touch began; wait never" });
    let live = scene.start(items);
    scene.await_file("began");
    // The first item is always done first; the others may have come back from a slow process, and lie behind the
    // endless ones.
    live.wait_until(|sights| !sights.records.is_empty());
    live.control.interrupt();
    live.control.interrupt();
    let ended = live.end();
    let end = ended.end.unwrap();
    assert!(end.interrupted && end.given_back > 0, "{end:?}");
    assert_eq!((end.ok, end.failed), (ended.records.len() as u64, 0));
}

fn twice_leaves_no_worker() {
    for step in ["wait never", "spin"] {
        let scene = Scene::new("processes:2", BLOCKING);
        mkfifo(&scene.file("held"), Mode::S_IRWXU).unwrap();
        let item = |began: &str| format!("hold held; touch {began}; {step}");
        let live = scene.start([item("one"), item("two")]);
        let mut held = File::open(scene.file("held")).unwrap();
        let pids = [scene.await_file("one"), scene.await_file("two")];
        live.control.interrupt();
        live.control.interrupt();
        assert!(live.end().end.unwrap().interrupted);
        held.read_to_end(&mut Vec::new()).unwrap();
        for pid in pids {
            assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "a zombie is left");
        }
    }
}

fn blocked_source() {
    for model in ["sequential", "processes:1", "async:2"] {
        let (mut writer, reader) = std::os::unix::net::UnixStream::pair().unwrap();
        writer.write_all(b"ok\nok\n").unwrap();
        let scene = Scene::new(model, BLOCKING);
        let source =
            Lines::new(BufReader::new(reader), "pipe", Box::new(|_| Ok(ItemFacts::default())));
        let live = Live::start_plan(scene.plan(SCRIPT), Box::new(source));
        live.wait_until(|sights| sights.records.len() == 2);
        live.control.interrupt();
        let ended = live.end();
        assert!(ended.end.unwrap().interrupted);
        assert_eq!(ended.records.len(), 2);
    }
}

fn used_twice() {
    let scene = Scene::new("sequential", BLOCKING);
    let live = scene.start(["ok"]);
    let (control, seen) = (live.control.clone(), Arc::clone(&live.seen));
    live.end().assert_all_ok(1);
    let mut sink = Collect(Arc::clone(&seen));
    let (plan, items) = (scene.plan(SCRIPT), list(["touch again"]));
    let again = run(&program(), &plan, items, &mut [&mut sink], &mut Watch(seen), &control);
    assert!(matches!(again, Err(RunError::UsedControl)), "{again:?}");
    assert!(!scene.file("again").exists());
}

struct Endless(u64);

impl Source for Endless {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        for _ in 0..limit {
            batch.push(Entry::item(self.0, "ok"));
            self.0 += 1;
        }
        Ok(More::Maybe)
    }
}

fn endless() {
    for model in MODELS {
        let scene = Scene::new(model, BLOCKING);
        let live = Live::start_plan(scene.plan(SCRIPT), Box::new(Endless(0)));
        live.wait_until(|sights| sights.records.len() > 3_000);
        live.control.interrupt();
        let ended = live.end();
        let end = ended.end.unwrap();
        assert!(end.interrupted && end.failed == 0, "{end:?}");
        assert_eq!(ended.records.len() as u64, end.ok);
        let twice = ended.records.windows(2).find(|pair| pair[0].index == pair[1].index);
        assert!(twice.is_none(), "{model}: {twice:?}");
    }
}

fn while_replacing() {
    let scene = Scene::new("processes:1", BLOCKING);
    let live = scene.start(["kill 9", "ok", "ok"]);
    live.wait_until(|sights| {
        sights.notices.iter().any(|notice| matches!(notice, Notice::WorkerDied { .. }))
    });
    live.control.interrupt();
    assert!(live.end().end.unwrap().interrupted);
}

fn suspect() {
    // The second item has killed a worker; it must wait for the first one, which is in flight, and then there is an
    // interrupt.
    let scene = Scene::new("processes:1/async:2", ASYNC);
    let live = scene.start([
        "touch began-again; wait go",
        "wait began-again; kill-unless killed 9; touch second-try",
    ]);
    live.wait_until(|sights| {
        sights.notices.iter().any(|notice| matches!(notice, Notice::WorkerDied { .. }))
    });
    live.control.interrupt();
    scene.touch("go");
    let ended = live.end();
    let end = ended.end.unwrap();
    assert!(end.interrupted, "{end:?}");
    assert_eq!(end.ok + end.given_back, 2, "{end:?}");
}
