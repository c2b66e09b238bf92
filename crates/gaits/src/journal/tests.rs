//! Items that may not be done twice, and inputs that are too long to be compared before the first item goes out.

use super::{GoOn, Journal, JournalError, JournalSink, Planned, Remaining, Shared, lock};
use crate::works::{set_up, works};
use gaits_core::{
    Content, Entry, ErrorKind, Item, ItemError, ItemFacts, More, Outcome, Record, Sink as _, Source,
};
use gaits_engine::journal::Match;
use gaits_engine::plan::WorkSpec;
use gaits_work::wait::{self, WaitSpec};
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Items that may not be done twice.
struct Orders(Vec<Box<str>>, u64);

impl Source for Orders {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        for _ in 0..limit {
            let Some(text) = self.0.get(usize::try_from(self.1).unwrap()) else {
                return Ok(More::No);
            };
            let facts = Some(ItemFacts { repeatable: false, ..ItemFacts::default() });
            let content = Content::Item { data: text.clone().into(), facts };
            batch.push(Entry { index: self.1, content });
            self.1 += 1;
        }
        Ok(More::Maybe)
    }
}

fn orders(items: &[&str]) -> Box<dyn Source> {
    Box::new(Orders(items.iter().map(|&item| item.into()).collect(), 0))
}

fn open(path: &Path, go_on: GoOn) -> Shared {
    let file = OpenOptions::new().read(true).append(true).create(true).open(path).unwrap();
    Arc::new(Mutex::new(Journal::open(path, file, None, false, Some(go_on)).unwrap()))
}

fn remaining(journal: &Shared, source: Box<dyn Source>) -> Remaining {
    let spec = WorkSpec::new(wait::NAME, WaitSpec::Timer.settings().unwrap());
    let work = set_up(&works(), &spec).unwrap();
    let planned = Planned {
        work: spec.name,
        settings: work.settings(),
        model: "async".into(),
        input: "orders".into(),
        arguments: Vec::new(),
    };
    Remaining::new(source, work, Arc::clone(journal), planned, None)
}

fn all(source: &mut dyn Source) -> io::Result<Vec<Entry>> {
    let mut batch = Vec::new();
    while source.next_batch(3, &mut batch)? == More::Maybe {}
    Ok(batch)
}

fn ok(index: u64, item: &str) -> Record {
    let error = ItemError::new(ErrorKind::Timeout, "");
    let mut record = Record::unperformed(Item::new(index, item), error, 1, None, 0);
    record.outcome = Outcome::Ok;
    record
}

/// How each entry is to be done: its index, and whether it goes to a worker.
fn fates(entries: &[Entry]) -> Vec<(u64, bool)> {
    let goes = |entry: &Entry| matches!(entry.content, Content::Item { .. });
    entries.iter().map(|entry| (entry.index, goes(entry))).collect()
}

/// A run over five orders that is killed: 0 is recorded, 1 and 3 are out, 2 was taken back, 4 was never handed out.
fn killed(path: &Path) {
    let journal = open(path, GoOn::default());
    assert_eq!(all(&mut remaining(&journal, orders(&["a", "b", "c", "d", "e"]))).unwrap().len(), 5);
    let mut sink = JournalSink::new(journal);
    let mut notes = sink.start_notes().unwrap();
    notes.add(&[0, 1, 2, 3]).unwrap();
    sink.write(&ok(0, "a")).unwrap();
    notes.take_back(&[2]).unwrap();
    sink.flush().unwrap();
}

#[test]
fn what_was_out_when_a_run_died_is_cancelled_and_the_rest_is_done() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    killed(&path);
    let journal = open(&path, GoOn::default());
    let entries = all(&mut remaining(&journal, orders(&["a", "b", "c", "d", "e"]))).unwrap();
    assert_eq!(fates(&entries), [(1, false), (2, true), (3, false), (4, true)]);
    let Content::Cancelled { shown, message } = &entries[0].content else { panic!() };
    assert!(*shown == *"b" && message.contains("may have been processed"), "{message}");

    // Their records are not on the disk yet: should this run be killed as well, they are still known.
    drop(journal);
    let journal = open(&path, GoOn::default());
    let again = all(&mut remaining(&journal, orders(&["a", "b", "c", "d", "e"]))).unwrap();
    assert_eq!(fates(&again), fates(&entries));

    // With a record each, there is nothing left to know.
    let mut sink = JournalSink::new(Arc::clone(&journal));
    for entry in &again {
        sink.write(&ok(
            entry.index,
            ["a", "b", "c", "d", "e"][usize::try_from(entry.index).unwrap()],
        ))
        .unwrap();
    }
    sink.finish().unwrap();
    lock(&journal).end(|counts| {
        assert_eq!(counts.ok, 4);
        crate::journal::Ending { how: "finished".into(), counts, ..Default::default() }
    });
    assert!(!scratch.path().join("r.jsonl.started").exists());
}

#[test]
fn what_was_out_is_done_again_when_asked_for() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    killed(&path);
    let journal = open(&path, GoOn { retry_unsure: true, ..GoOn::default() });
    let entries = all(&mut remaining(&journal, orders(&["a", "b", "c", "d", "e"]))).unwrap();
    assert_eq!(fates(&entries), [(1, true), (2, true), (3, true), (4, true)]);
}

#[test]
fn what_was_out_is_known_by_its_key_wherever_it_stands() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    killed(&path);
    let journal = open(&path, GoOn { key: Match::Item, ..GoOn::default() });
    let entries = all(&mut remaining(&journal, orders(&["d", "x", "b", "a", "x", "c"]))).unwrap();
    assert_eq!(fates(&entries), [(3, false), (4, true), (1, false), (5, true)]);
}

#[test]
fn another_item_in_the_place_of_one_that_was_out_is_noticed() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    killed(&path);
    let journal = open(&path, GoOn::default());
    let error = all(&mut remaining(&journal, orders(&["a", "x", "c", "d", "e"]))).unwrap_err();
    assert!(error.to_string().contains("\"x\" at item 1 now"), "{error}");
}

#[test]
fn of_a_long_input_items_go_out_before_all_is_compared_and_a_difference_is_found_later() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    let record = serde_json::to_string(&ok(700, "another")).unwrap() + "\n";
    std::fs::write(&path, record).unwrap();
    // 700 items of 60 kB are more than are held.
    let long = "x".repeat(60_000);
    let items: Vec<&str> = std::iter::repeat_n(long.as_str(), 701).collect();
    let journal = open(&path, GoOn::default());
    let mut source = remaining(&journal, orders(&items));
    let mut batch = Vec::new();
    source.next_batch(50, &mut batch).unwrap();
    assert!(!batch.is_empty() && batch.len() <= 50, "{}", batch.len());
    let error = all(&mut source).unwrap_err();
    let error = error.downcast::<JournalError>().unwrap();
    assert!(matches!(error, JournalError::Item { index: 700, .. }), "{error}");
}
