//! Too few file descriptors: a run does with fewer workers what it was to do with many, or ends in good order.

use crate::harness::{Dir, gaits, parse_file};
use gaits_core::ErrorKind;
use gaits_origin::{Config, Origin};
use std::time::Duration;

fn slow() -> Origin {
    // Held this long, connections pile up until no more can be had.
    let latency = Duration::from_millis(100);
    Origin::start(Config { latency, ..Config::default() }).unwrap()
}

#[test]
fn a_run_goes_on_with_as_many_workers_as_there_are_descriptors_for() {
    for model in ["async:100", "threads:60", "threads:4/async:25"] {
        let origin = slow();
        let command = format!("fetch {} --count 300 -m {model}", origin.url("/uuid"));
        let end = gaits(&command).descriptors(40).run().expect_exit(0);
        end.records().expect_all_ok(300);
        let end = end.expect_stderr_contains("going on with ");
        let end = end.expect_stderr_contains("300 of 300 ok");
        assert!(end.stderr.matches("going on with").count() < 15, "it goes on and on: {end:?}");
        assert_eq!(origin.requests(), 300, "{model}");
        assert!(origin.max_in_service() > 1 && origin.max_in_service() < 40, "{model}");
    }
}

/// How many workers were missing in the run whose records are in the file `out`, as its run file says.
fn missing_workers(dir: &Dir) -> u64 {
    let run = std::fs::read_to_string(dir.at("out.run")).unwrap();
    let run: serde_json::Value = serde_json::from_str(&run).unwrap();
    run["runs"][0]["end"]["missing_workers"].as_u64().unwrap()
}

#[test]
fn a_run_goes_on_with_the_threads_that_could_be_started() {
    for _ in 0..5 {
        let dir = Dir::new();
        let run = gaits("run wait --for 1ms --count 3000 -m threads:300 -o").arg(dir.at("out"));
        let end = run.address_space(400_000).run().expect_exit(0);
        parse_file(&dir.at("out")).expect_all_ok(3000);
        let missing = missing_workers(&dir);
        assert!((1..300).contains(&missing), "{missing} are missing");
        let end = end.expect_stderr_contains("workers were missing");
        assert_eq!(end.stderr.matches("going on with the others").count(), 1, "{end:?}");
    }
}

#[test]
fn a_loop_whose_pool_can_start_no_thread_says_so() {
    // Each thread asks for a stack of 1 GiB. With room for a few of them, the first that finds none is that of the pool.
    let mut ends: Vec<_> = (1..=8)
        .map(|gib| {
            let run = gaits("run cpu product --n 10 --count 5 -m async:2/threads:2");
            let end = run.env("RUST_MIN_STACK", "1073741824").address_space(gib << 20).run();
            assert!(!end.stderr.contains("panicked"), "{gib} GiB: {end:?}");
            end
        })
        .collect();
    assert!(ends.iter().any(|end| end.stderr.contains("can't start thread 1 of 2")), "{ends:?}");
    ends.pop().unwrap().expect_exit(0);
}

#[test]
fn an_endless_run_ends_when_told_to_though_threads_are_missing() {
    let origin = Origin::start(Config::default()).unwrap();
    let run = gaits("fetch -i - -m threads:300").address_space(400_000);
    let mut run = run.stdin_open().start();
    run.say(&format!("{}\n", origin.url("/uuid")));
    run.wait_for_lines(1);
    run.end_input();
    run.finish().expect_exit(0).records().expect_all_ok(1);
}

#[test]
fn a_model_whose_threads_are_missing_is_not_ranked() {
    let race = "compare wait --for 1ms --count 300 --rounds 2 --models threads:2,threads:300";
    let end = gaits(race).address_space(400_000).run();
    assert!(end.stdout.contains("ran with fewer workers than its name says"), "{end:?}");
}

#[test]
fn a_low_soft_limit_is_no_limit() {
    let origin = slow();
    for model in ["async:150", "processes:2/async:75"] {
        let command = format!("fetch {} --count 300 -m {model}", origin.url("/uuid"));
        let end = gaits(&command).descriptors_at_first(30).run().expect_exit(0);
        end.records().expect_all_ok(300);
        end.expect_stderr_lacks("going on with");
    }
}

/// The soft and the hard limit of open files of a process.
fn open_files(pid: u32) -> (String, String) {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let mut words = line.split_whitespace().map(str::to_owned);
    (words.next().unwrap(), words.next().unwrap())
}

/// For how many open files the system has made room in a process.
fn room_for_files(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap();
    line.trim().parse().unwrap()
}

#[test]
fn gaits_and_its_worker_processes_may_open_as_many_files_as_the_hard_limit_allows() {
    let mut run = gaits("fetch -i - -m processes:1").descriptors_at_first(64).stdin_open().start();
    let origin = Origin::start(Config::default()).unwrap();
    run.say(&format!("{}\n", origin.url("/uuid")));
    let record = run.wait_for_lines(1).concat();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let worker = u32::try_from(record["worker"]["pid"].as_u64().unwrap()).unwrap();
    assert_ne!(worker, run.pid());
    for pid in [run.pid(), worker] {
        let (soft, hard) = open_files(pid);
        assert_eq!(soft, hard, "of {pid}");
        assert_ne!(hard, "64");
        // While the room grows, nothing else happens on an event loop; so it is made at the start.
        let most = hard.parse().unwrap_or(u64::MAX).min(16_384);
        let room = room_for_files(pid);
        assert!(room >= most, "of {pid}: {room} of {most}");
    }
    run.finish().expect_exit(0);
}

#[test]
fn workers_in_processes_go_on_with_fewer_as_well() {
    let origin = slow();
    let command = format!("fetch {} --count 300 -m processes:2/async:60", origin.url("/uuid"));
    let end = gaits(&command).descriptors(40).run().expect_exit(0);
    end.records().expect_all_ok(300);
    assert!(origin.max_in_service() > 1, "{end:?}");
}

#[test]
fn more_processes_than_there_are_descriptors_for_end_well_or_say_why() {
    let origin = slow();
    let dir = Dir::new();
    let command = format!("fetch {} --count 100 -m processes:40 -o", origin.url("/uuid"));
    let end = gaits(&command).arg(dir.at("out")).descriptors(30).run().expect_exit(0);
    parse_file(&dir.at("out")).expect_all_ok(100);
    end.expect_stderr_contains("can't start a worker, going on with the others");
    let missing = missing_workers(&dir);
    assert!((1..40).contains(&missing), "{missing} are missing");
}

#[test]
fn one_worker_that_never_gets_a_descriptor_fails_in_good_order() {
    let origin = Origin::start(Config::default()).unwrap();
    // The fewer there are, the earlier it fails: before the run, at its start, or at its items.
    for most in 3..20 {
        for model in ["sequential", "threads:1", "async:1", "processes:1"] {
            let command = format!("fetch {} --count 2 -m {model}", origin.url("/uuid"));
            let end = gaits(&command).descriptors(most).run();
            let end = end.expect_stderr_lacks("panicked").expect_exit_one_of(&[0, 1, 2, 3, 127]);
            for kind in end.records().kinds().into_iter().flatten() {
                assert!(matches!(kind, ErrorKind::Connect | ErrorKind::Dns), "{most}: {end:?}");
            }
        }
    }
}

#[test]
fn a_computation_needs_hardly_any_descriptors() {
    for model in ["threads:20", "async:50/threads:20"] {
        let command = format!("run cpu product --n 5 --count 200 -m {model}");
        let end = gaits(&command).descriptors(20).run().expect_exit(0);
        end.records().expect_all_ok(200);
    }
}
