//! How far ahead a source is read, and how a run ends with it.

use crate::panics::MODELS;
use crate::scene::{BLOCKING, Live, Scene, Watch, failure, program};
use crate::script::SCRIPT;
use crate::trial;
use gaits_core::{Content, Entry, More, Record, Sink, Source};
use gaits_engine::source::pushed;
use gaits_engine::{Notice, RunError, run};
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for model in MODELS {
        trials.push(trial(format!("sources::{model}::is_read_as_it_is_needed"), || bounded(model)));
    }
    trials.extend([
        trial("sources::the_end_may_come_while_all_are_at_work", late_end),
        trial("sources::an_error_ends_the_run_after_what_was_read", error),
        trial("sources::a_panic_ends_the_run_too", panic),
        trial("sources::invalid_entries_alone_make_a_run", invalid),
        trial("sources::items_may_be_pushed_while_it_runs", pushed_items),
        trial("sources::one_that_is_stopped_learns_what_was_not_done", stopped_source),
        trial("sources::what_nobody_has_started_can_be_withdrawn", withdrawn_items),
        trial("sources::a_trickle_is_done_as_it_comes", trickle),
    ]);
    trials
}

/// Gives `left` items and notes how far it is ahead of the records.
struct Counted {
    left: i64,
    given: i64,
    ahead: Arc<AtomicI64>,
    most: Arc<AtomicI64>,
}

impl Source for Counted {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        let number = self.left.min(i64::try_from(limit).unwrap());
        self.left -= number;
        let next = self.given;
        self.given += number;
        batch.extend((next..next + number).map(|index| Entry::item(index.unsigned_abs(), "ok")));
        let ahead = self.ahead.fetch_add(number, Ordering::SeqCst) + number;
        self.most.fetch_max(ahead, Ordering::SeqCst);
        Ok(if self.left == 0 { More::No } else { More::Maybe })
    }
}

struct Countdown(Arc<AtomicI64>);

impl Sink for Countdown {
    fn write(&mut self, _: &Record) -> io::Result<()> {
        self.0.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

fn bounded(model: &str) {
    const ITEMS: i64 = 200_000;
    // Handed out, waiting to be, and three batches on the way from the source.
    const MOST: i64 = 2 * (8_192 + 100) + 3 * 512;
    let ahead = Arc::new(AtomicI64::new(0));
    let most = Arc::new(AtomicI64::new(0));
    let source =
        Counted { left: ITEMS, given: 0, ahead: Arc::clone(&ahead), most: Arc::clone(&most) };
    let scene = Scene::new(model, BLOCKING);
    let live = Live::start(scene.plan(SCRIPT), Box::new(source), {
        let ahead = Arc::clone(&ahead);
        move |seen, control, plan, source| {
            let mut sink = Countdown(ahead);
            run(&program(), plan, source, &mut [&mut sink], &mut Watch(Arc::clone(seen)), control)
        }
    });
    let end = live.end().end.unwrap();
    assert_eq!((end.ok, end.failed, ahead.load(Ordering::SeqCst)), (ITEMS as u64, 0, 0));
    assert!(most.load(Ordering::SeqCst) <= MOST, "{most:?} ahead");
}

/// Steps of a source: entries, or how it ends.
struct Steps(std::vec::IntoIter<Step>, u64);

enum Step {
    Entries(Vec<Content>),
    /// Waits for a file.
    Await(std::path::PathBuf),
    Error,
    Panic,
}

impl Source for Steps {
    fn next_batch(&mut self, _: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        match self.0.next() {
            None => return Ok(More::No),
            Some(Step::Entries(contents)) => {
                for content in contents {
                    batch.push(Entry { index: self.1, content });
                    self.1 += 1;
                }
            }
            Some(Step::Await(file)) => {
                while !file.exists() {
                    std::thread::yield_now();
                }
            }
            Some(Step::Error) => return Err(io::Error::other("unreadable")),
            Some(Step::Panic) => panic!("a source's panic"),
        }
        Ok(More::Maybe)
    }
}

fn items(texts: &[&str]) -> Step {
    let item = |text: &&str| Content::Item { data: (*text).into(), facts: None };
    Step::Entries(texts.iter().map(item).collect())
}

fn steps(scene: &Scene, steps: Vec<Step>) -> Live {
    Live::start_plan(scene.plan(SCRIPT), Box::new(Steps(steps.into_iter(), 0)))
}

fn late_end() {
    // The dispatcher has more than it wants and sleeps until an item is done. Then the source ends, which wakes nobody
    // or the dispatcher for nothing; only after that the item ends.
    for model in MODELS {
        let scene = Scene::new(model, BLOCKING);
        let mut entries = vec!["ok"; 600];
        entries[0] = "touch began; wait gone";
        let script = vec![items(&entries), Step::Await(scene.file("began"))];
        let source = Leaving(Steps(script.into_iter(), 0), scene.file("gone"));
        Live::start_plan(scene.plan(SCRIPT), Box::new(source)).end().assert_all_ok(600);
    }
}

/// Leaves a file when it is dropped, which is after its end was told.
struct Leaving(Steps, std::path::PathBuf);

impl Source for Leaving {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        self.0.next_batch(limit, batch)
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        std::fs::write(&self.1, "").unwrap();
    }
}

fn error() {
    let scene = Scene::new("threads:2", BLOCKING);
    let ended = steps(&scene, vec![items(&["ok"; 5]), Step::Error]).end();
    assert!(
        matches!(&ended.end, Err(RunError::Source(error)) if error.to_string() == "unreadable")
    );
    assert_eq!(ended.records.len(), 5);
}

fn panic() {
    let scene = Scene::new("async:2", BLOCKING);
    let ended = steps(&scene, vec![items(&["ok"; 5]), Step::Panic]).end();
    assert!(matches!(&ended.end, Err(RunError::Source(_))), "{:?}", ended.end);
    assert_eq!(ended.records.len(), 5);
}

fn invalid() {
    for model in MODELS {
        let scene = Scene::new(model, BLOCKING);
        let wrong = |line: u64| Content::Invalid {
            shown: "?".into(),
            message: format!("list:{line}: bad"),
        };
        let entries = (1..=2_000).map(wrong).collect();
        let ended = steps(&scene, vec![Step::Entries(entries)]).end();
        ended.assert_one_record_each(2_000);
        for record in &ended.records {
            let message = format!("list:{}: bad", record.index + 1);
            assert_eq!(failure(record), ("invalid_item", &*message));
            assert_eq!((record.attempts, record.worker), (0, None));
        }
    }
}

fn trickle() {
    // Each item makes the source go on: nothing may wait for a batch to fill.
    for model in MODELS {
        let scene = Scene::new(model, BLOCKING);
        let mut script = Vec::new();
        for number in 0..20 {
            script.push(items(&[&format!("touch done-{number}")]));
            script.push(Step::Await(scene.file(&format!("done-{number}"))));
        }
        steps(&scene, script).end().assert_all_ok(20);
    }
}

fn pushed_items() {
    for model in MODELS {
        let scene = Scene::new(model, BLOCKING);
        let (pusher, source) = pushed(NonZeroUsize::new(4).unwrap());
        let live = Live::start_plan(scene.plan(SCRIPT), Box::new(source));
        for number in 0..50 {
            assert_eq!(pusher.push("ok"), Ok(number));
        }
        live.wait_until(|sights| sights.records.len() == 50);
        // What one item has led to, such as the next page of a list.
        let another = pusher.clone();
        assert_eq!(another.push("ok"), Ok(50));
        drop((pusher, another));
        live.end().assert_all_ok(51);
    }
}

fn withdrawn_items() {
    for model in MODELS {
        let scene = Scene::new(model, BLOCKING);
        let (pusher, source) = pushed(NonZeroUsize::new(5_000).unwrap());
        for number in 0..400 {
            pusher.push(if number == 0 { "touch began; wait go" } else { "wait go" }).unwrap();
        }
        let live = Live::start_plan(scene.plan(SCRIPT), Box::new(source));
        scene.await_file("began");
        let (told, heard) = std::sync::mpsc::channel();
        live.control.withdraw((0..1_000).collect(), move |gone| told.send(gone).unwrap());
        let gone: BTreeSet<_> = heard.recv().unwrap().into_iter().collect();
        assert!(!gone.is_empty(), "{model}");
        scene.touch("go");
        live.wait_until(|sights| sights.records.len() + gone.len() == 400);
        let control = live.control.clone();
        control.interrupt();
        let ended = live.end();
        assert_eq!(ended.end.unwrap().given_back, gone.len() as u64, "{model}");
        assert!(ended.records.iter().all(|record| !gone.contains(&record.index)), "{model}");
        assert!(pusher.given_back().iter().eq(&gone), "{model}");
        // Nobody hears that any more, and nobody waits for it.
        let (told, heard) = std::sync::mpsc::channel::<Vec<u64>>();
        control.withdraw(vec![0], move |gone| told.send(gone).unwrap());
        assert!(heard.recv().is_err(), "{model}");
    }
}

fn stopped_source() {
    for model in MODELS {
        let scene = Scene::new(model, BLOCKING);
        let (pusher, source) = pushed(NonZeroUsize::new(5_000).unwrap());
        for _ in 0..10 {
            pusher.push("ok").unwrap();
        }
        let live = Live::start_plan(scene.plan(SCRIPT), Box::new(source));
        live.wait_until(|sights| sights.records.len() == 10);
        for number in 0..4_000 {
            let item = if number == 0 { "touch began; wait go" } else { "touch x; wait go" };
            pusher.push(item).unwrap();
        }
        scene.await_file("began");
        live.control.interrupt();
        let is_stopping = |notice: &Notice| matches!(notice, Notice::Stopping { .. });
        live.wait_until(|sights| sights.notices.iter().any(is_stopping));
        scene.touch("go");
        let ended = live.end();
        let done = ended.records.iter().map(|record| record.index);
        let undone = pusher.given_back();
        assert!(!undone.is_empty());
        let all: BTreeSet<_> = done.chain(undone.iter().copied()).collect();
        assert_eq!(all.len(), ended.records.len() + undone.len(), "done or undone, not both");
        assert!(all.iter().copied().eq(0..4_010), "{} of 4,010", all.len());
        assert!(pusher.push("ok").is_err());
    }
}
