//! Limits, retries, pauses and early ends, from the command line.

use crate::harness::{Finished, gaits};
use crate::held::Held;
use gaits_core::ErrorKind;
use gaits_origin::{Config, Origin};

/// Fetches `path` of `origin`.
fn fetch(origin: &Origin, path: &str, options: &str) -> Finished {
    gaits(&format!("fetch {} {options}", origin.url(path))).run()
}

fn failing(faults: &str, retry_after: &str) -> Origin {
    let (faults, retry_after) = (faults.parse().unwrap(), retry_after.parse().unwrap());
    Origin::start(Config { faults, retry_after, ..Config::default() }).unwrap()
}

#[test]
fn a_host_gets_no_more_requests_at_a_time_than_asked_for() {
    for model in ["async:20", "threads:20", "processes:2/async:10"] {
        let server = Held::after(0);
        let options = format!("--count 12 -m {model} --per-host 3");
        let running = gaits(&format!("fetch {} {options}", server.url())).start();
        server.wait_until_held(3);
        server.release();
        running.finish().expect_exit(0).records().expect_all_ok(12);
        assert_eq!(server.most_held(), 3, "{model}");
    }
}

#[test]
fn a_host_that_may_belong_to_others_gets_eight_requests_at_a_time_unless_told_otherwise() {
    let said = "at most 8 requests at a time to a host that may belong to others; --per-host N";
    let port = |server: &Held| server.url().rsplit(':').next().unwrap().replace('/', "");
    let fetch = |server: &Held, options: &str| {
        let port = port(server);
        let fixed = format!("--resolve public.example:{port}:127.0.0.1");
        gaits(&format!("fetch http://public.example:{port}/ --count 40 {fixed} {options}")).start()
    };
    let server = Held::after(0);
    let running = fetch(&server, "");
    server.wait_until_held(8);
    running.wait_for_stderr(said);
    server.release();
    let end = running.finish().expect_exit(0);
    end.records().expect_all_ok(40);
    assert_eq!(end.stderr.matches("--per-host").count(), 1, "{end:?}");
    assert_eq!(server.most_held(), 8);

    for options in ["-c 12", "-m async:12", "--per-host 12"] {
        let server = Held::after(0);
        let running = fetch(&server, options);
        server.wait_until_held(12);
        server.release();
        let end = running.finish().expect_exit(0).expect_stderr_lacks("--per-host");
        end.records().expect_all_ok(40);
        assert_eq!(server.most_held(), 12, "{options}");
    }
}

#[test]
fn concurrency_is_the_number_of_workers() {
    for (options, most) in [("-c 7", 7), ("-c 3 -m threads", 3), ("-c 4 -m processes:2/async", 4)] {
        let server = Held::after(0);
        let running = gaits(&format!("fetch {} --count 30 {options}", server.url())).start();
        server.wait_until_held(most);
        server.release();
        running.finish().expect_exit(0).records().expect_all_ok(30);
        assert_eq!(server.most_held(), most, "{options}");
    }
}

#[test]
fn workers_that_can_not_be_spread_evenly_are_fewer_and_that_is_said() {
    let said = "gaits: -c 3 can't be spread evenly: processes:2/async:1 has 2 workers\n";
    let uneven = || gaits("run wait 0 --count 4 -c 3 -m processes:2/async");
    uneven().run().expect_exit(0).expect_stderr_contains(said).records().expect_all_ok(4);
    uneven().arg("-q").run().expect_exit(0).expect_stderr("");
    let even = gaits("run wait 0 --count 4 -c 4 -m processes:2/async").run();
    even.expect_exit(0).expect_stderr_lacks("spread evenly");
}

#[test]
fn what_breaks_now_and_then_is_done_in_the_end() {
    let origin = failing("reset:0.1,truncate:0.1,500:0.1", "1");
    for model in ["async:20", "processes:2/async:10"] {
        let options = format!("--count 60 -m {model} --retries 9");
        let records = fetch(&origin, "/uuid", &options).expect_exit(0).records().expect_all_ok(60);
        let tried_again = records.iter().filter(|record| record.attempts > 1);
        for record in tried_again.clone() {
            assert_eq!(record.tries.len() + 1, record.attempts as usize);
        }
        assert!(tried_again.count() > 5, "{model}");
    }
}

#[test]
fn a_host_that_never_stops_to_refuse_ends_the_run_and_not_its_items() {
    let origin = failing("429:1", "1");
    let sound = Origin::start(Config::default()).unwrap();
    let urls = format!("{} {}", origin.url("/uuid"), sound.url("/uuid"));
    let end = gaits(&format!("fetch {urls} --count 40 -m async:8 --max-retry-after 1.5s")).run();
    let records = end.expect_exit(4).expect_stderr_contains("run it again then").records();
    assert_eq!(records.iter().filter(|record| record.outcome.is_ok()).count(), 20);
    assert_eq!(records.len(), 20, "what was refused has no record");
    // Those that were at work together, and one for each pause.
    assert!(origin.requests() <= 8 + 2, "{}", origin.requests());
}

#[test]
fn after_some_pauses_a_rate_is_named_that_needs_none() {
    let origin = Origin::start(Config { rate_limit: Some(40.0), ..Config::default() }).unwrap();
    let end = fetch(&origin, "/uuid", "--count 45 -m async:20").expect_exit(0);
    let told: Vec<_> = end.stderr.lines().filter(|line| line.contains("--rate")).collect();
    assert_eq!(told.len(), 1, "{end:?}");
    let (host, rest) = told[0].split_once(" lets about ").unwrap();
    assert_eq!(host, format!("gaits: {}", origin.addr()));
    let (rate, rest) = rest.split_once(" through, its pauses included: --rate ").unwrap();
    assert_eq!(rest, format!("{rate} would need none, and a higher one may go, too"));
    // Not more than the server allows.
    let per_second: f64 = rate.strip_suffix("/s").unwrap().parse().unwrap();
    assert!(per_second < 40.0, "{end:?}");
    // One that has been left alone.
    let origin = Origin::start(Config { rate_limit: Some(40.0), ..Config::default() }).unwrap();
    let again = fetch(&origin, "/uuid", &format!("--count 10 -m async:20 --rate {rate}"));
    again.expect_exit(0).expect_stderr_lacks("left alone").records().expect_all_ok(10);
    end.records().expect_all_ok(45);
}

#[test]
fn a_pause_that_is_too_long_is_not_waited_for() {
    let origin = failing("503:1", "7200");
    let end = fetch(&origin, "/uuid", "--count 10 -m sequential").expect_exit(4);
    end.expect_no_stdout().expect_stderr_contains("wants to be left alone");
    assert_eq!(origin.requests(), 1);
}

#[test]
fn a_post_that_was_redirected_is_not_sent_again_whatever_is_answered_then() {
    for (status, words) in [(429, ""), (429, "--robots"), (401, "--stop-on 401")] {
        let origin = Origin::start(Config::default()).unwrap();
        let to = format!("/redirect-to?url=/status/{status}&status_code=303");
        let end = fetch(&origin, &to, &format!("-X POST -d x {words}")).expect_exit(1);
        let message = end.records().expect_one_failure(ErrorKind::HttpStatus);
        assert!(message.contains(&status.to_string()), "{message}");
    }
}

#[test]
fn failures_that_are_too_many_end_the_run() {
    let origin = Origin::start(Config::default()).unwrap();
    let options = "--count 1000 -m sequential --stop-after-failures 5";
    let end = fetch(&origin, "/status/404", options).expect_exit(4);
    // What was under way by then is done, and recorded.
    let records = end.records().len();
    assert!((5..100).contains(&records), "{records}");
    assert_eq!(origin.requests(), records as u64);
}

#[test]
fn limits_that_make_no_sense_are_refused_before_anything_is_sent() {
    let origin = Origin::start(Config::default()).unwrap();
    for (options, wanted) in [
        ("--rate ten", "`ten` is not a rate such as 10/s, 300/m or 5000/h"),
        ("--rate 0/s", "is not between one in a year and a thousand million a second"),
        ("--total-rate 5/week", "is not a rate"),
        ("--per-host 0", "--per-host"),
        ("-c 0", "--concurrency"),
        (
            "-c 200000",
            "error: -c 200000: async:100 can have 100000 workers at most, and 200000 are asked for",
        ),
        ("-c 2 -m sequential", "`sequential` does one item at a time, and 2 are asked for"),
        ("--burst 5", "--burst needs --rate or --total-rate"),
        ("--delay 1s --rate 5/s", "cannot be used with"),
        ("--delay soon", "`soon` is not a duration"),
        ("--deadline 1s", "async:100 has no worker processes that could be replaced"),
        ("--deadline 0 -m processes", "no item can be done in no time"),
        ("--stop-after-failures 0", "--stop-after-failures"),
        ("--max-retry-after long", "`long` is not a duration"),
        ("--retries many", "--retries"),
        ("--rate -1/s", "`-1/s` is negative, which it can't be"),
        ("--total-rate -0.5/h", "`-0.5/h` is negative, which it can't be"),
        ("--delay -1s", "`-1s` is negative, which it can't be"),
        ("--max-retry-after -1", "`-1` is negative, which it can't be"),
        ("--retries -1", "`-1` is not a whole number from 0 to 4294967295"),
        ("--per-host -8", "`-8` is not a whole number from 1 to 4294967295"),
        ("-c -8", "`-8` is not a whole number from 1 to 4294967295"),
        ("--stop-after-failures -1", "`-1` is not a whole number from 1 to 18446744073709551615"),
        ("--count -1", "`-1` is not a whole number from 1 to 18446744073709551615"),
        ("--retries --quiet", "a value is required for '--retries <N>'"),
    ] {
        fetch(&origin, "/uuid", options).expect_refused(wanted);
    }
    assert_eq!(origin.requests(), 0);
}

#[test]
fn options_that_can_do_nothing_are_refused() {
    for work in ["wait 0", "cpu product --count 1"] {
        for (option, wanted) in [
            ("--per-host 3", "--per-host: this work has no hosts; -c N says"),
            ("--retries 2", "--retries: this work fails in no way that may pass"),
            ("--max-retry-after 1h", "--max-retry-after: this work asks no server"),
        ] {
            gaits(&format!("run {work} {option}")).run().expect_refused(wanted);
        }
    }
    let origin = Origin::start(Config::default()).unwrap();
    let race = |option| gaits(&format!("compare http {} {option}", origin.url("/uuid"))).run();
    race("--stop-on 401").expect_refused("a race does all items: leave out --stop-on");
    race("--retry-on 500").expect_refused("a race tries nothing again: leave out --retry-on");
    assert_eq!(origin.requests(), 0);
}

#[test]
fn a_computation_that_takes_too_long_is_ended() {
    let end = gaits("run cpu product --n 100 --count 2 -m processes:2 --deadline 10ms").run();
    let records = end.expect_exit(1).expect_stderr_contains("longer than --deadline").records();
    for record in records.expect_items(2).iter() {
        let error = record.error().unwrap();
        assert_eq!(error.kind.as_str(), "timeout", "{error}");
    }
}
