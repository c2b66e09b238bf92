//! The rules by which the reader of an event queue is woken, in all orders in which its threads can run.
//!
//! A wait that ends by itself after a while does not in here, so a wake-up that is only late elsewhere is one that never
//! comes: the model then reports that all threads wait for each other. Run by `bench/orders`.

use super::{Batch, EventQueue, Patience, Report, Signal};
use gaits_core::{Entry, Item};
use loom::sync::Arc;
use loom::thread;

fn report(index: u64) -> Report {
    Report::Unstarted(Item::new(index, "x"))
}

/// Reads as the dispatcher does, until so many reports have come.
fn read(events: &EventQueue, mut reports: usize) {
    let mut batch = Batch::default();
    let mut patience = Patience::Long;
    while reports > 0 {
        events.collect(&mut batch, patience, false);
        patience = if batch.reports.is_empty() { Patience::Long } else { Patience::Short };
        reports -= batch.reports.drain(..).len();
    }
}

#[test]
fn a_worker_that_has_nothing_left_to_do_has_been_heard() {
    loom::model(|| {
        let events = Arc::new(EventQueue::new());
        let workers: Vec<_> = [0, 1]
            .into_iter()
            .map(|index| {
                let events = Arc::clone(&events);
                thread::spawn(move || {
                    events.report(report(index));
                    events.idle();
                })
            })
            .collect();
        read(&events, 2);
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

#[test]
fn one_worker_that_goes_on_is_heard_when_it_rests() {
    loom::model(|| {
        let events = Arc::new(EventQueue::new());
        let theirs = Arc::clone(&events);
        let worker = thread::spawn(move || {
            theirs.report(report(0));
            theirs.idle();
            theirs.report(report(1));
            theirs.report(report(2));
            theirs.idle();
        });
        read(&events, 3);
        worker.join().unwrap();
    });
}

#[test]
fn a_signal_is_heard_whatever_else_comes() {
    loom::model(|| {
        let events = Arc::new(EventQueue::new());
        let theirs = Arc::clone(&events);
        let worker = thread::spawn(move || theirs.report(report(0)));
        let theirs = Arc::clone(&events);
        let user = thread::spawn(move || theirs.signal(Signal::Interrupt));
        let mut batch = Batch::default();
        let mut patience = Patience::Long;
        let mut signals = 0;
        while signals == 0 {
            events.collect(&mut batch, patience, false);
            patience = if batch.reports.is_empty() { Patience::Long } else { Patience::Short };
            batch.reports.clear();
            signals += batch.signals.drain(..).len();
        }
        worker.join().unwrap();
        user.join().unwrap();
    });
}

#[test]
fn the_source_and_the_reader_never_wait_for_each_other() {
    loom::model(|| {
        let events = Arc::new(EventQueue::new());
        let theirs = Arc::clone(&events);
        let source = thread::spawn(move || {
            for index in 0..2 {
                let mut entries = vec![Entry::item(index, "x")];
                assert!(theirs.entries(&mut entries));
            }
            theirs.source_end(Ok(()));
        });
        let (mut batch, mut entries) = (Batch::default(), 0);
        while batch.source_end.is_none() {
            events.collect(&mut batch, Patience::Long, true);
            entries += batch.entries.drain(..).len();
        }
        assert_eq!(entries, 2, "the end comes after all of them");
        source.join().unwrap();
    });
}

#[test]
fn a_source_is_let_go_when_nobody_reads_any_more() {
    loom::model(|| {
        let events = Arc::new(EventQueue::new());
        let theirs = Arc::clone(&events);
        let source = thread::spawn(move || {
            let mut entries = vec![Entry::item(0, "x")];
            while theirs.entries(&mut entries) {
                entries.push(Entry::item(1, "x"));
            }
        });
        events.close();
        source.join().unwrap();
    });
}
