//! Sweeps: what they recommend, whom they spare, and what they refuse.

use crate::harness::{Dir, Finished, children_of, eventually, gaits, is_gone};
use gaits_origin::{Config, Origin};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::time::Duration;

/// A server that serves 4 at once: more than 4 in flight wait for each other. It takes so long that other work on the machine hardly counts.
fn queue_of_four() -> Origin {
    let capacity = NonZeroUsize::new(4);
    let latency = Duration::from_millis(60);
    Origin::start(Config { capacity, latency, ..Config::default() }).unwrap()
}

fn model(end: &Finished) -> Value {
    end.json()["models"][0].clone()
}

fn numbers(model: &Value) -> Vec<u64> {
    let points = model["points"].as_array().unwrap();
    points.iter().map(|point| point["workers"].as_u64().unwrap()).collect()
}

#[test]
fn the_smallest_number_that_keeps_a_server_busy_is_recommended() {
    let origin = queue_of_four();
    let command =
        format!("sweep http {} -w 1,2,4,6,8,16 --duration 2s --seed 3 --json", origin.url("/uuid"));
    let end = gaits(&command).run().expect_exit(0).expect_stderr_contains("seed 3");
    let sweep = end.json();
    assert_eq!(
        (&sweep["kind"], &sweep["version"], &sweep["seed"]),
        (&"sweep".into(), &1.into(), &3.into())
    );
    let model = model(&end);
    assert_eq!(model["name"], "async");
    let recommended = model["recommended"].as_u64().unwrap();
    assert!((3..=8).contains(&recommended), "{end:?}");
    assert!(model["recommended_low"].as_u64() <= Some(recommended), "{end:?}");
    let sentence = sweep["sentence"].as_str().unwrap();
    assert!(sentence.starts_with(&format!("{recommended} workers")), "{end:?}");
    for point in model["points"].as_array().unwrap() {
        let at = |name: &str| point[name].as_f64().unwrap();
        assert!(at("low") <= at("throughput") && at("throughput") <= at("high"), "{end:?}");
        assert!(at("in_flight") <= at("workers") * 1.05, "{end:?}");
        assert_eq!(point["errors"], 0, "{end:?}");
    }
}

#[test]
fn numbers_of_workers_are_doubled_where_none_are_named() {
    let end = gaits("sweep wait --for 20ms --budget 10 --json").run().expect_exit(0);
    let numbers = numbers(&model(&end));
    assert!(numbers.windows(2).all(|two| two[0] < two[1]) && numbers[..2] == [1, 2], "{end:?}");
    end.expect_stderr_contains("workers doubled from 1 on");
}

#[test]
fn the_answer_comes_first_and_what_will_happen_is_said_before() {
    let origin = queue_of_four();
    let url = origin.url("/uuid");
    let end = gaits(&format!("sweep {url} -w 1,4,16,8,8 --duration 2s")).run().expect_exit(0);
    let mut lines = end.stdout.lines();
    assert!(lines.next().unwrap().contains(" worker"), "{end:?}");
    assert!(lines.next().unwrap().starts_with("http: async, 4 points, 6 rounds, seed "), "{end:?}");
    assert!(end.stdout.contains("in flight") && end.stdout.contains('●'), "{end:?}");
    assert!(!end.stdout.contains('\u{1b}'), "{end:?}");
    end.expect_stderr_contains(
        "async, 1, 4, 8, 16 workers, for 2.00 s each, about 8.00 s in all, seed ",
    )
    .expect_stderr_contains(&format!(
        "requests to {}: as many",
        origin.url("").trim_end_matches('/')
    ))
    .expect_stderr_lacks("8, 8");
}

#[test]
fn quiet_means_the_result_alone() {
    let end = gaits("sweep wait --for 5ms -w 1,2,4 --duration 500ms -q").run().expect_exit(0);
    end.expect_stderr("").expect_stdout_contains("workers");
}

#[test]
fn the_most_workers_that_keep_a_target_are_named() {
    let origin = queue_of_four();
    let url = origin.url("/uuid");
    let command = format!("sweep http {url} -w 1,4,32 --duration 2s --json --target");
    let end = gaits(&command).arg("p50 < 200ms").run().expect_exit(0);
    let recommended = model(&end)["recommended"].as_u64().unwrap();
    assert!((1..=4).contains(&recommended), "32 take 480 ms: {end:?}");
    assert!(end.json()["sentence"].as_str().unwrap().contains("p50 < 200ms"), "{end:?}");
    let command = format!("sweep http {url} -w 1,2 --duration 500ms --json --target");
    let none = gaits(&command).arg("p50 < 1ms").run().expect_exit(0);
    assert!(model(&none)["recommended"].is_null(), "{none:?}");
    let refused = |target: &str| gaits("sweep wait 0 --target").arg(target).run();
    refused("fast").expect_refused("is not a target such as `p99 < 300ms`");
    refused("wall < 3s").expect_refused("`wall` says nothing");
    refused("p99 < 3").expect_refused("is not a limit for p99");
}

#[test]
fn models_are_swept_together() {
    let end =
        gaits("sweep wait --for 5ms -m async,threads:7 -w 1,2,4 --duration 500ms --json").run();
    let sweep = end.expect_exit(0).json();
    let names: Vec<_> =
        sweep["models"].as_array().unwrap().iter().map(|model| &model["name"]).collect();
    assert_eq!(names, ["async", "threads"]);
    // With one worker, and with two, these are the same model.
    let models = "threads:2/async,threads:4/async";
    let same = gaits(&format!("sweep wait --for 5ms -m {models} -w 1,2 --duration 500ms --json"));
    let same = same.run().expect_exit(0).json();
    for model in same["models"].as_array().unwrap() {
        assert_eq!(model["points"][0]["rounds"], 6, "{same}");
    }
    assert_eq!(same["models"][0]["points"][0]["items"], same["models"][1]["points"][0]["items"]);
    let end = gaits("sweep cpu product --n 12 -w 1,2 --duration 500ms --json").run().expect_exit(0);
    assert_eq!(model(&end)["name"], "threads", "{end:?}");
}

#[test]
fn a_time_for_each_point_may_be_given_instead_of_a_budget() {
    let end = gaits("sweep wait --for 5ms -w 1,4 --duration 600ms --json").run().expect_exit(0);
    end.json()["rounds"].as_u64().filter(|rounds| *rounds == 6).unwrap();
    end.expect_stderr_contains("for 600 ms each, about 1.20 s in all");
    gaits("sweep wait --for 5ms --duration 1ms").run().expect_refused("too short to measure");
    gaits("sweep wait 0 --duration 1s --budget 3").run().expect_refused("--budget");
}

#[test]
fn a_server_that_refuses_is_left_alone_and_called_a_rate_limit_only_then() {
    let faults = "429:1".parse().unwrap();
    let latency = Duration::from_millis(20);
    let origin = Origin::start(Config { faults, latency, ..Config::default() }).unwrap();
    let end = gaits(&format!("sweep http {}", origin.url("/uuid"))).run().expect_exit(4);
    end.expect_stderr_contains("answered with status 429")
        .expect_stderr_contains("so the sweep has ended")
        .expect_stdout_contains(
            "no answer: the server refused (status 429) what 1 worker asked for",
        );
    // What was started before that answer was read is not taken back.
    assert!(origin.requests() <= 4, "{}", origin.requests());

    let rate_limit = Some(100.0);
    let origin = Origin::start(Config { rate_limit, latency, ..Config::default() }).unwrap();
    let command = format!("sweep http {} --budget 8 --json", origin.url("/uuid"));
    let end = gaits(&command).run().expect_exit(4);
    assert_eq!(end.json()["refused"]["status"], 429, "{end:?}");
    assert!(end.json()["refused"]["workers"].as_u64() > Some(1), "{end:?}");
}

#[test]
fn hosts_of_others_get_no_more_requests_than_allowed() {
    let refused = gaits("sweep http https://example.com/ -w 1,200").run();
    refused.expect_refused("--max-requests").expect_stderr_contains("at most 1000");
    let origin = queue_of_four();
    let command = format!("sweep http {} --duration 2s --max-requests 300", origin.url("/uuid"));
    let end =
        gaits(&command).arg("--json").run().expect_exit(0).expect_stderr_contains("at most 300");
    assert!(origin.requests() <= 300, "{}", origin.requests());
    // How many workers are recommended is for a quiet machine to say.
    let points = model(&end)["points"].as_array().unwrap().clone();
    assert!(
        points.len() > 1 && points.iter().all(|point| point["items"].as_u64() > Some(0)),
        "{end:?}"
    );
}

#[test]
fn requests_that_are_left_are_for_further_rounds() {
    let command = "sweep wait --for 5ms -w 1,2 --budget 60 --precision 50% --max-requests 1000000";
    let end = gaits(command).arg("--json").run().expect_exit(0);
    assert!(end.json()["rounds"].as_u64() >= Some(10), "precision is not believed before: {end:?}");
}

#[test]
fn what_is_no_sweep_is_refused_before_anything_is_started() {
    let origin = queue_of_four();
    let url = origin.url("/uuid");
    let refused =
        |words: &str, said: &str| gaits(&format!("sweep {words}")).run().expect_refused(said);
    refused("", "nothing to sweep: give a work");
    refused(&format!("http {url} -w 4"), "a sweep of one point says nothing");
    refused(&format!("http {url} -w 8,8"), "a sweep of one point says nothing");
    refused(&format!("http {url} -w 0,1"), "`0` is not a whole number from 1");
    refused(&format!("http {url} -w 1,many"), "`many` is not a whole number");
    refused(&format!("http {url} -m sequential"), "has no number of workers to sweep");
    refused(&format!("http {url} -m async,async:7"), "async is named twice");
    refused(&format!("http {url} -m threads:2/async -w 2,3"), "can't have just 3 workers");
    refused(&format!("http {url} -w 1,2000000"), "can have 100000 workers at most");
    refused(&format!("http {url} -c 4"), "--workers 1,2,4 names them");
    refused(&format!("http {url} --bodies x"), "a sweep keeps no bodies");
    refused(&format!("http {url} --stop-on 401"), "a sweep does all items: leave out --stop-on");
    refused("http nonsense", "nonsense");
}

#[test]
fn a_budget_that_proves_too_small_leaves_room_for_a_larger_one() {
    let dir = Dir::new();
    let run = |words: &str| gaits(&format!("sweep wait {words}")).dir(dir.path()).run();
    let few = run("--for 300ms -w 1,2,3 --budget 1 --save d").expect_exit(4);
    few.expect_stderr_contains("the budget is too small: this sweep takes");
    run("--for 5ms -w 1,2 --duration 500ms --save d -q").expect_exit(0);
}

#[test]
fn points_of_ones_own_are_fitted() {
    let dir = Dir::new();
    dir.file(
        "p.csv",
        "n,x\n1,64.9\n18,995.9\n36,1652.4\n72,1853.2\n108,1828.9\n216,1702.2\n144,1775.0\n",
    );
    let run = |words: &str| gaits(&format!("sweep {words}")).dir(dir.path()).run();
    let end = run("--from p.csv --seed 1 --json").expect_exit(0).expect_stderr_contains(
        "p.csv:8: this n is smaller than the one before; points are taken in the order of n",
    );
    let law = &model(&end)["law"];
    for (name, known) in [
        ("alpha", 0.027_728_5),
        ("beta", 1.044e-4),
        ("gamma", 89.9952),
        ("peak_n", 96.52),
        ("peak_x", 1884.0),
    ] {
        let value = law[name].as_f64().unwrap();
        assert!((value - known).abs() <= 1e-3 * known, "{name} {value}: {end:?}");
        let ends = |end: &str| law["intervals"][name][end].as_f64().unwrap();
        assert!(ends("low") < value && value < ends("high"), "{name}: {end:?}");
    }
    assert_eq!(model(&end)["recommended"], 72, "{end:?}");
    assert_eq!(run("--from p.csv --seed 1 --json").stdout, end.stdout, "one seed, one answer");
    let text = run("--from p.csv").expect_exit(0);
    text.expect_stdout_contains("n = 72: beyond that")
        .expect_stdout_contains("throughput is highest with 96.5");
    run("--from p.csv --markdown").expect_exit(0).expect_stdout_contains("| 72 | 1,853 |");
}

#[test]
fn files_that_hold_no_points_are_refused_with_line_and_remedy() {
    let dir = Dir::new();
    let refused = |text: &[u8], said: &str| {
        dir.file("p.csv", text);
        gaits("sweep --from p.csv").dir(dir.path()).run().expect_refused(said);
    };
    refused(
        b"url,status\nhttp://x/,200\n",
        "p.csv:1: `url,status` is another head; the first line must be `n,x`",
    );
    refused(b"n,x\n1,2\n2,NaN\n", "p.csv:3: x is `NaN`, and must be a number from 0 up");
    refused(b"n,x\n1,2\n-2,3\n", "p.csv:3: n is `-2`, and must be a number above 0");
    refused(b"n,x\n1,2\n1,3\n", "p.csv:3: n = 1 is in line 2 already: keep one line for each n");
    refused(b"n,x\n", "p.csv:1: no points below the head");
    refused(b"", "p.csv:1: nothing in it");
    refused(b"\xff\xfe\x00", "p.csv is no text");
    refused(&vec![b'x'; 2 << 20], "more than 1 MiB");
    let run = |words: &str| gaits(&format!("sweep {words}")).dir(dir.path()).run();
    run("--from nowhere.csv").expect_refused("can't read nowhere.csv");
    run("--from .").expect_refused("can't read .");
    run("--from p.csv wait 0").expect_refused("leave out the work");
    run("--from p.csv -w 1,2").expect_refused("--workers");
    // A file of one point is well-formed, and says nothing.
    dir.file("p.csv", "n,x\n4,10\n");
    run("--from p.csv").expect_exit(0).expect_stdout_contains("no answer: one point, n = 4");
}

#[test]
fn sweeps_are_saved_and_looked_at_again() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    let sweep = "sweep wait --for 5ms -w 1,2,4 --duration 500ms -q --save";
    let first = run(&format!("{sweep} one")).expect_exit(0);
    assert_eq!(run("report one").expect_exit(0).stdout, first.stdout);
    assert_eq!(run("report one --json").expect_exit(0).json()["kind"], "sweep");
    run("report one --markdown").expect_exit(0).expect_stdout_contains("| workers |");
    assert!(dir.path().join("one/records/async-4.1.jsonl").exists());
    run(&format!("{sweep} one")).expect_refused("is there already and holds a sweep");
    run("compare wait 0 --rounds 1 --save one")
        .expect_refused("is there already and holds a sweep");
    let saved = dir.path().join("one/sweep.json");
    let text = std::fs::read_to_string(&saved).unwrap();
    std::fs::write(&saved, &text[..text.len() / 2]).unwrap();
    run("report one").expect_refused("is no saved sweep, or damaged");
    let mut damaged: Value = serde_json::from_str(&text).unwrap();
    damaged["trials"][0]["tally"]["ok"] = json!(u64::MAX);
    std::fs::write(&saved, damaged.to_string()).unwrap();
    run("report one").expect_refused("more items went well in it than there were");
    std::fs::write(&saved, text.replacen("\"format\": 1", "\"format\": 2", 1)).unwrap();
    run("report one").expect_refused("newer than this one");
}

#[test]
fn each_run_begins_at_another_place_of_the_list_that_the_seed_gives() {
    let dir = Dir::new();
    let origin = Origin::start(Config::default()).unwrap();
    let urls: Vec<String> = (0..50).map(|n| origin.url(&format!("/delay/0.01?{n}"))).collect();
    dir.file("list", urls.join("\n"));
    let begins = |folder: &str| -> Vec<Value> {
        let command = "sweep http -i list -w 1,2 --duration 500ms --seed 3 -q --save";
        gaits(&format!("{command} {folder}")).dir(dir.path()).run().expect_exit(0);
        let records = dir.path().join(folder).join("records");
        let first = |round| {
            let all = std::fs::read_to_string(records.join(format!("async-1.{round}.jsonl")));
            let first: Value = serde_json::from_str(all.unwrap().lines().next().unwrap()).unwrap();
            first["item"].clone()
        };
        (1..=6).map(first).collect()
    };
    let one = begins("one");
    assert!(one.iter().any(|item| *item != one[0]), "{one:?}");
    assert_eq!(begins("other"), one);
}

#[test]
fn ctrl_c_shows_what_is_known_and_leaves_nothing() {
    let running =
        gaits("sweep wait --for 5ms -m processes -w 1,2 --budget 600 --precision 0.1% --json")
            .start();
    running.wait_for_stderr("seed");
    eventually("a trial runs", || !children_of(running.pid()).is_empty());
    let trials = children_of(running.pid());
    running.interrupt();
    let end = running.finish().expect_exit(130).expect_stderr_contains("stopped after");
    assert_eq!(end.json()["kind"], json!("sweep"));
    for pid in trials {
        eventually("the trial is gone", || is_gone(pid));
    }
}

#[test]
fn items_that_fail_are_told_by_the_exit_code() {
    let origin = Origin::start(Config::default()).unwrap();
    let command = format!("sweep http {} -w 1,64 --duration 500ms", origin.url("/status/404"));
    let end = gaits(&command).args(["-n", "5"]).run().expect_exit(1);
    end.expect_stdout_contains("no answer: with 1 worker, all items failed");
    assert_eq!(origin.requests(), 5, "nobody asks for more of what always fails");
}

#[test]
fn a_sweep_is_shown_as_a_page_and_so_is_a_saved_one() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    dir.file("points.csv", "n,x\n0.5,10\n4,78\n8,130\n12.5,170\n16,190\n20,200\n");
    run("sweep --from points.csv --html points.html -q").expect_exit(0);
    run("sweep wait 0.002 -m async --workers 1,2,4 --budget 3s --save kept --html kept.html -q")
        .expect_exit(0);
    run("report kept --html again.html").expect_exit(0);
    for name in ["points.html", "kept.html", "again.html"] {
        let page = std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(
            page.starts_with("<!doctype html>") && page.contains("\"kind\":\"sweep\""),
            "{name}"
        );
        assert!(page.len() < 400_000, "{name}: {} bytes", page.len());
    }
    run("report kept --svg kept.svg").expect_refused("--html shows a sweep");
}
