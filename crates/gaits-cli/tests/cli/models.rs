//! Every model from the command line: its records, its processes and threads, its connections, and how many items it
//! has in flight.

use crate::harness::{Finished, Records, gaits, http};
use crate::held::Held;
use gaits_origin::{Config, Origin};
use std::collections::{BTreeMap, BTreeSet};

/// A model, and what it must be seen to have when there are items enough for all workers.
struct Shape {
    model: &'static str,
    processes: usize,
    threads: usize,
    in_flight: u64,
}

const fn shape(model: &'static str, processes: usize, threads: usize, in_flight: u64) -> Shape {
    Shape { model, processes, threads, in_flight }
}

const SHAPES: [Shape; 8] = [
    shape("sequential", 1, 1, 1),
    shape("threads:3", 1, 3, 3),
    shape("processes:3", 3, 3, 3),
    shape("async:4", 1, 1, 4),
    shape("threads:2/async:3", 1, 2, 6),
    shape("processes:2/async:3", 2, 2, 6),
    shape("processes:2/threads:2", 2, 4, 4),
    shape("async:4/threads:2", 1, 1, 4),
];

impl Shape {
    fn run(&self, url: &str, options: &str, items: usize) -> Finished {
        let end = gaits(&format!("fetch {url} --count {items} -m {} {options}", self.model)).run();
        end.expect_exit(0)
    }
}

fn processes(records: &Records) -> BTreeSet<u32> {
    records.iter().map(|record| record.worker.unwrap().pid).collect()
}

fn threads(records: &Records) -> BTreeSet<u32> {
    records.iter().map(|record| record.worker.unwrap().tid).collect()
}

#[test]
fn every_model_fills_all_its_workers_and_never_has_more_in_flight() {
    for shape in &SHAPES {
        let Shape { model, in_flight, .. } = *shape;
        let server = Held::after(0);
        let items = 5 * usize::try_from(in_flight).unwrap();
        let running = gaits(&format!("fetch {} --count {items} -m {model}", server.url())).start();
        server.wait_until_held(in_flight);
        server.release();
        let records = running.finish().expect_exit(0).records().expect_all_ok(items);
        assert_eq!(server.most_held(), in_flight, "{model}");
        assert_eq!(processes(&records).len(), shape.processes, "{model}");
        assert_eq!(threads(&records).len(), shape.threads, "{model}");
    }
}

#[test]
fn a_session_of_each_worker_opens_one_connection_and_keeps_it() {
    for shape in &SHAPES {
        let origin = Origin::start(Config::default()).unwrap();
        let items = 60;
        let records = shape
            .run(&origin.url("/uuid"), "--session worker", items)
            .records()
            .expect_all_ok(items);
        let model = shape.model;
        assert_eq!(origin.requests(), 60, "{model}");
        assert!(origin.connections() <= shape.in_flight, "{model}: {}", origin.connections());
        assert!(origin.max_in_service() <= shape.in_flight, "{model}");
        let opened = records.iter().filter(|record| !http(record).reused).count();
        assert_eq!(opened as u64, origin.connections(), "{model}");
    }
}

#[test]
fn without_a_session_every_request_opens_a_connection() {
    for shape in &SHAPES {
        let origin = Origin::start(Config::default()).unwrap();
        let items = 20;
        let records =
            shape.run(&origin.url("/uuid"), "--session none", items).records().expect_all_ok(items);
        assert_eq!((origin.requests(), origin.connections()), (20, 20), "{}", shape.model);
        assert!(records.iter().all(|record| !http(record).reused), "{}", shape.model);
    }
}

#[test]
fn a_server_that_serves_one_at_a_time_gets_all_requests_under_every_model() {
    for shape in &SHAPES {
        let capacity = std::num::NonZeroUsize::new(1);
        let origin = Origin::start(Config { capacity, ..Config::default() }).unwrap();
        shape.run(&origin.url("/json"), "", 40).records().expect_all_ok(40);
        assert_eq!((origin.requests(), origin.max_in_service()), (40, 1), "{}", shape.model);
    }
}

#[test]
fn workers_in_processes_are_not_the_command_itself() {
    for (model, own) in [("sequential", true), ("threads:2", true), ("async", true)]
        .into_iter()
        .chain([("processes:2", false), ("processes:2/async", false)])
    {
        let origin = Origin::start(Config::default()).unwrap();
        let running = gaits(&format!("fetch {} --count 6 -m {model}", origin.url("/uuid"))).start();
        let pid = running.pid();
        let records = running.finish().expect_exit(0).records().expect_all_ok(6);
        assert_eq!(processes(&records).contains(&pid), own, "{model}");
    }
}

#[test]
fn times_go_forward_under_every_model() {
    let origin = Origin::start(Config::default()).unwrap();
    for shape in &SHAPES {
        let records = shape.run(&origin.url("/uuid"), "", 20).records().expect_all_ok(20);
        for record in records.iter() {
            let timing = record.timing;
            let forward =
                timing.queued_us <= timing.started_us && timing.started_us <= timing.finished_us;
            assert!(forward, "{}: {record:?}", shape.model);
        }
    }
}

#[test]
fn a_sequential_run_does_one_item_after_the_other_in_order() {
    let origin = Origin::start(Config::default()).unwrap();
    let records = SHAPES[0].run(&origin.url("/uuid"), "", 20).records().expect_all_ok(20);
    let in_turn =
        records.windows(2).all(|pair| pair[0].timing.finished_us <= pair[1].timing.started_us);
    assert!(in_turn, "{records:?}");
}

#[test]
fn more_workers_than_items_are_no_trouble() {
    let origin = Origin::start(Config::default()).unwrap();
    for model in ["threads:40", "processes:8", "async:5000", "processes:4/async:50"] {
        let command = format!("fetch {} --count 2 -m {model}", origin.url("/uuid"));
        gaits(&command).run().expect_exit(0).records().expect_all_ok(2);
    }
}

#[test]
fn thousands_of_items_have_one_record_each() {
    let origin = Origin::start(Config::default()).unwrap();
    let url = origin.url("/status/200");
    for model in ["threads:4", "processes:3", "async", "processes:2/async", "processes:2/threads:2"]
    {
        let end = gaits(&format!("fetch {url} --count 3000 -m {model}")).run().expect_exit(0);
        let records = end.records().expect_all_ok(3000);
        let mut of_workers = BTreeMap::<_, u32>::new();
        for record in records.iter() {
            *of_workers.entry(record.worker).or_default() += 1;
        }
        assert_eq!(of_workers.values().sum::<u32>(), 3000, "{model}");
    }
}

#[test]
fn an_unknown_model_is_refused_with_the_one_that_was_meant() {
    let refuse = |model: &str| gaits("fetch http://127.0.0.1/ -m").arg(model).run();
    refuse("thread:4")
        .expect_refused("unknown model `thread:4`; did you mean `threads:4`?")
        .expect_stderr_contains("processes:P/async:N");
    refuse("aync").expect_refused("did you mean `async`?");
    refuse("process").expect_refused("did you mean `processes`?");
    refuse("bananas").expect_refused("unknown model `bananas`");
    refuse("").expect_refused("model");
    // It is to come.
    refuse("auto").expect_refused("unknown model `auto`");
}

#[test]
fn absurd_numbers_of_workers_are_refused() {
    for model in [
        "threads:0",
        "processes:0",
        "async:0",
        "threads:-1",
        "threads:1.5",
        "threads:",
        "threads:ten",
        "threads:99999999999999999999",
        "processes:100000",
        "async:1000000",
        "threads:1000/async:1000",
        "sequential:4",
        "processes:0/async:5",
    ] {
        gaits("fetch http://127.0.0.1/ -m").arg(model).run().expect_refused(model);
    }
}
