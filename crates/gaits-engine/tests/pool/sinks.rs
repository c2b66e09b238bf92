//! Sinks that fail, and sinks that are slow.

use crate::scene::{ASYNC, BLOCKING, Live, Scene, Watch, list, program};
use crate::script::SCRIPT;
use crate::trial;
use gaits_core::{Entry, More, Record, Sink, Source, StartNotes};
use gaits_engine::sink::JsonLines;
use gaits_engine::{Control, RunError, run};
use libtest_mimic::Trial;
use std::fs::File;
use std::io::{self, BufRead};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for model in ["threads:2", "async:8", "processes:2", "async:4/threads:2"] {
        trials.push(trial(format!("sinks::{model}::an_error_ends_the_run"), || error(model)));
        trials.push(trial(format!("sinks::{model}::a_panic_does_not_hang_it"), || panic(model)));
        trials.push(trial(format!("sinks::{model}::a_slow_one_slows_the_intake"), || slow(model)));
    }
    for model in crate::panics::MODELS {
        trials.push(trial(
            format!("sinks::{model}::the_start_of_what_is_done_once_is_noted"),
            || {
                starts(model);
            },
        ));
    }
    for model in ["threads:2", "async:8", "processes:2"] {
        trials.push(trial(format!("sinks::{model}::what_cannot_be_noted_is_not_started"), || {
            unnoted(model);
        }));
    }
    for model in ["threads:2", "async:8"] {
        trials.push(trial(
            format!("sinks::{model}::after_an_error_only_what_was_started_is_noted"),
            || broken_off(model),
        ));
    }
    trials
        .push(trial("sinks::what_waits_for_a_retry_when_the_run_is_stopped_is_not_noted", retried));
    trials.push(trial("sinks::what_is_on_the_disk_is_told", synced));
    trials.push(trial("sinks::lines_of_json_are_whole", json_lines));
    trials.push(trial("sinks::a_device_that_cannot_be_synced_is_a_file_too", dev_null));
    trials
}

/// Fails at the record with this number, counted from 1; notes how it is treated.
#[derive(Default)]
struct Fragile {
    fails_at: Option<usize>,
    panics: bool,
    written: usize,
    finished: usize,
}

impl Sink for Fragile {
    fn write(&mut self, _: &Record) -> io::Result<()> {
        assert_eq!(self.finished, 0);
        self.written += 1;
        assert!(self.fails_at.is_none_or(|at| self.written <= at), "written to after an error");
        if self.fails_at == Some(self.written) {
            assert!(!self.panics, "a sink's panic");
            return Err(io::Error::other("disk full"));
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.finished += 1;
        Ok(())
    }
}

fn error(model: &str) {
    let scene = Scene::new(model, ASYNC);
    let sinks = Arc::new(Mutex::new((0, 0, 0)));
    let theirs = Arc::clone(&sinks);
    // Without an end: the failure alone ends the run.
    let source = Box::new(Endless(Arc::default()));
    let live = Live::start(scene.plan(SCRIPT), source, move |seen, control, plan, source| {
        let mut sound = Fragile::default();
        let mut fragile = Fragile { fails_at: Some(100), ..Fragile::default() };
        let mut watch = Watch(Arc::clone(seen));
        let end =
            run(&program(), plan, source, &mut [&mut sound, &mut fragile], &mut watch, control);
        *theirs.lock().unwrap() = (sound.written, sound.finished, fragile.finished);
        end
    });
    match live.end().end {
        Err(RunError::Sink { number: 1, source }) => assert_eq!(source.to_string(), "disk full"),
        other => panic!("{other:?}"),
    }
    assert_eq!(*sinks.lock().unwrap(), (100, 1, 0));
}

fn panic(model: &str) {
    let scene = Scene::new(model, ASYNC);
    let live = Live::start(scene.plan(SCRIPT), list(["ok"; 600]), |seen, control, plan, source| {
        let mut fragile = Fragile { fails_at: Some(100), panics: true, ..Fragile::default() };
        run(&program(), plan, source, &mut [&mut fragile], &mut Watch(Arc::clone(seen)), control)
    });
    assert!(catch_unwind(AssertUnwindSafe(|| live.end())).is_err());
}

/// Notes starts in the folder of a scene, where items look for them.
#[derive(Clone)]
struct Noting(std::path::PathBuf);

impl Noting {
    fn note(&self, index: u64) -> std::path::PathBuf {
        self.0.join(format!("noted-{index}"))
    }
}

impl Sink for Noting {
    fn write(&mut self, _: &Record) -> io::Result<()> {
        Ok(())
    }

    fn start_notes(&mut self) -> Option<Box<dyn StartNotes>> {
        Some(Box::new(self.clone()))
    }
}

impl StartNotes for Noting {
    fn add(&mut self, indices: &[u64]) -> io::Result<()> {
        indices.iter().try_for_each(|index| std::fs::write(self.note(*index), ""))
    }

    fn take_back(&mut self, indices: &[u64]) -> io::Result<()> {
        indices.iter().try_for_each(|index| std::fs::remove_file(self.note(*index)))
    }
}

fn starts(model: &'static str) {
    let scene = Scene::new(model, ASYNC);
    let dir = scene.file("");
    // Each of those panics unless its start was noted before.
    let item =
        |n: u64| if n.is_multiple_of(3) { format!("once; find noted-{n}") } else { "ok".into() };
    let live =
        Live::start(scene.plan(SCRIPT), list((0..300).map(item)), |seen, control, plan, source| {
            let (mut noting, mut collect) = (Noting(dir), crate::scene::Collect(Arc::clone(seen)));
            let mut watch = Watch(Arc::clone(seen));
            run(&program(), plan, source, &mut [&mut noting, &mut collect], &mut watch, control)
        });
    live.end().assert_all_ok(300);
    let noted = (0..300).filter(|n| scene.file(&format!("noted-{n}")).exists());
    assert_eq!(noted.count(), 100, "and of nothing else");
}

fn broken_off(model: &'static str) {
    let scene = Scene::new(model, ASYNC);
    let dir = scene.file("");
    let items = list((0..3_000).map(|n| format!("once; touch started-{n}")));
    let live = Live::start(scene.plan(SCRIPT), items, |seen, control, plan, source| {
        let mut fragile = Fragile { fails_at: Some(100), ..Fragile::default() };
        let (mut noting, mut watch) = (Noting(dir), Watch(Arc::clone(seen)));
        run(&program(), plan, source, &mut [&mut noting, &mut fragile], &mut watch, control)
    });
    assert!(matches!(live.end().end, Err(RunError::Sink { number: 1, .. })));
    for n in 0..3_000 {
        let [noted, started] = ["noted", "started"].map(|what| scene.file(&format!("{what}-{n}")));
        assert!(started.exists() || !noted.exists(), "{n}");
    }
    assert!(scene.file("noted-0").exists());
}

fn retried() {
    let scene = Scene::new("async:2", ASYNC);
    let mut plan = scene.plan(SCRIPT);
    plan.limits.retries = 1;
    let dir = scene.file("");
    let items = list(["once; fail-until 1", "once; touch began; wait go"]);
    let live = Live::start(plan, items, |seen, control, plan, source| {
        let (mut noting, mut collect) = (Noting(dir), crate::scene::Collect(Arc::clone(seen)));
        let mut watch = Watch(Arc::clone(seen));
        run(&program(), plan, source, &mut [&mut noting, &mut collect], &mut watch, control)
    });
    scene.await_file("began");
    live.control.interrupt();
    scene.touch("go");
    let ended = live.end();
    // The first one has a record if its time came before the interrupt.
    for n in 0..2 {
        let has_record = ended.records.iter().any(|record| record.index == n);
        assert_eq!(scene.file(&format!("noted-{n}")).exists(), has_record, "{n}");
    }
    assert_eq!(ended.records.last().map(|record| record.index), Some(1));
}

/// Notes as [`Noting`] does, until it has no more room.
struct Full(Noting);

impl Sink for Full {
    fn write(&mut self, _: &Record) -> io::Result<()> {
        Ok(())
    }

    fn start_notes(&mut self) -> Option<Box<dyn StartNotes>> {
        Some(Box::new(Full(self.0.clone())))
    }
}

impl StartNotes for Full {
    fn add(&mut self, indices: &[u64]) -> io::Result<()> {
        if indices.iter().any(|index| *index >= 100) {
            return Err(io::Error::other("disk full"));
        }
        self.0.add(indices)
    }

    fn take_back(&mut self, indices: &[u64]) -> io::Result<()> {
        self.0.take_back(indices)
    }
}

fn unnoted(model: &'static str) {
    let scene = Scene::new(model, ASYNC);
    let dir = scene.file("");
    // What is started says so in the folder.
    let items = list((0..300).map(|n| format!("once; touch started-{n}")));
    let live = Live::start(scene.plan(SCRIPT), items, |seen, control, plan, source| {
        let (mut full, mut collect) = (Full(Noting(dir)), crate::scene::Collect(Arc::clone(seen)));
        let mut watch = Watch(Arc::clone(seen));
        run(&program(), plan, source, &mut [&mut collect, &mut full], &mut watch, control)
    });
    match live.end().end {
        Err(RunError::Sink { number: 1, source }) => assert_eq!(source.to_string(), "disk full"),
        other => panic!("{other:?}"),
    }
    for n in 0..300 {
        let started = scene.file(&format!("started-{n}")).exists();
        assert!(!started || scene.file(&format!("noted-{n}")).exists(), "{n}");
    }
    assert!(scene.file("started-0").exists());
}

fn synced() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = JsonLines::file(File::create(dir.path().join("r")).unwrap(), None).unwrap();
    let item = gaits_core::Item::new(0, "x");
    let error = gaits_core::ItemError::new(gaits_core::ErrorKind::Reset, "gone");
    let record = Record::unperformed(item, error, 1, None, 7);
    for _ in 0..3 {
        sink.write(&record).unwrap();
    }
    assert_eq!(sink.synced(), 0);
    sink.flush().unwrap();
    while sink.synced() < 3 {
        std::thread::yield_now();
    }
    sink.write(&record).unwrap();
    sink.finish().unwrap();
    assert_eq!(sink.synced(), 4);
}

struct Endless(Arc<AtomicUsize>);

impl Source for Endless {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        let first = self.0.fetch_add(limit, Ordering::SeqCst);
        batch.extend((first..first + limit).map(|index| Entry::item(index as u64, "ok")));
        Ok(More::Maybe)
    }
}

/// Takes much longer over a record than the workers over an item, and sees how far the source is ahead of it.
struct Slow {
    read: Arc<AtomicUsize>,
    written: usize,
    most_ahead: usize,
}

impl Sink for Slow {
    fn write(&mut self, _: &Record) -> io::Result<()> {
        for _ in 0..2_000 {
            std::hint::spin_loop();
        }
        self.most_ahead = self.most_ahead.max(self.read.load(Ordering::SeqCst) - self.written);
        self.written += 1;
        Ok(())
    }
}

fn slow(model: &str) {
    // Handed out, waiting to be, and batches on the way from the source.
    const MOST: usize = 2 * (8_192 + 100) + 4 * 512;
    let scene = Scene::new(model, BLOCKING);
    let read = Arc::new(AtomicUsize::new(0));
    let source = Endless(Arc::clone(&read));
    let live = Live::start(scene.plan(SCRIPT), Box::new(source), |seen, control, plan, source| {
        let mut slow = Slow { read, written: 0, most_ahead: 0 };
        let mut watch = Watch(Arc::clone(seen));
        let stop = &mut StopAfter { left: 30_000, control: control.clone() };
        let end = run(&program(), plan, source, &mut [&mut slow, stop], &mut watch, control);
        assert!(slow.most_ahead <= MOST, "{} read ahead", slow.most_ahead);
        end
    });
    assert!(live.end().end.unwrap().ok >= 30_000);
}

/// Interrupts the run after some records.
struct StopAfter {
    left: usize,
    control: Control,
}

impl Sink for StopAfter {
    fn write(&mut self, _: &Record) -> io::Result<()> {
        self.left = self.left.saturating_sub(1);
        if self.left == 1 {
            self.control.interrupt();
        }
        Ok(())
    }
}

fn json_lines() {
    let scene = Scene::new("threads:2", BLOCKING);
    let path = scene.file("out.jsonl");
    let file = File::create(&path).unwrap();
    let live = Live::start(
        scene.plan(SCRIPT),
        list(["ok", "panic no"]),
        move |seen, control, plan, source| {
            let mut sink = JsonLines::file(file, None).unwrap();
            run(&program(), plan, source, &mut [&mut sink], &mut Watch(Arc::clone(seen)), control)
        },
    );
    live.end().end.unwrap();
    let mut indices: Vec<u64> = io::BufReader::new(File::open(path).unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Record>(&line.unwrap()).unwrap().index)
        .collect();
    indices.sort_unstable();
    assert_eq!(indices, [0, 1]);
}

fn dev_null() {
    let scene = Scene::new("sequential", BLOCKING);
    let live = Live::start(scene.plan(SCRIPT), list(["ok"]), |seen, control, plan, source| {
        let null = File::options().write(true).open("/dev/null").unwrap();
        let mut sink = JsonLines::file(null, None).unwrap();
        run(&program(), plan, source, &mut [&mut sink], &mut Watch(Arc::clone(seen)), control)
    });
    assert_eq!(live.end().end.unwrap().ok, 1);
}
