//! Races: what they print, whom they rank, and what they leave behind.

use crate::fetch_input::DeadPort;
use crate::harness::{Dir, Finished, children_of, eventually, gaits, is_gone, parse};
use crate::held::Held;
use gaits_origin::{Config, Origin};
use nix::sys::signal::Signal;
use serde_json::Value;

fn models(end: &Finished) -> Vec<Value> {
    end.json()["models"].as_array().unwrap().clone()
}

fn names(end: &Finished) -> Vec<String> {
    let mut names: Vec<_> =
        models(end).iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_race_of_two_is_told_as_json() {
    let origin = Origin::start(Config::default()).unwrap();
    let command = format!("compare http {} --count 30", origin.url("/uuid"));
    let end = gaits(&command)
        .args(["--models", "async:5,threads:2", "--rounds", "2", "--seed", "42", "--json"])
        .run()
        .expect_exit(0)
        .expect_stderr_contains("seed 42");
    let race = end.json();
    assert_eq!(race["seed"], 42);
    assert_eq!((&race["rounds"], &race["items"]), (&2.into(), &30.into()));
    assert!(!race["verdict"]["sentence"].as_str().unwrap().is_empty(), "{end:?}");
    assert_eq!(names(&end), ["async:5", "threads:2"]);
    for row in models(&end) {
        // Two rounds rank nobody.
        assert_eq!((&row["relation"], &row["ok"]), (&"not_ranked".into(), &60.into()), "{end:?}");
        assert_eq!(row["walls_s"].as_array().unwrap().len(), 2, "{end:?}");
        assert!(row["cpu_s"].as_f64() > Some(0.0), "{end:?}");
        assert!(row["peak_memory_bytes"].as_u64() > Some(1_000_000), "{end:?}");
        assert!(row["latency_s"]["p50"].as_f64() <= row["latency_s"]["max"].as_f64(), "{end:?}");
        assert!(row["failed"].as_object().unwrap().is_empty(), "{end:?}");
    }
    // Two models, in two rounds and one to warm up.
    assert_eq!(origin.requests(), 2 * 3 * 30);
}

#[test]
fn options_may_stand_before_the_work() {
    let end = gaits("compare --models async --rounds 1 --json wait 0").run().expect_exit(0);
    assert_eq!(names(&end), ["async:100"]);
}

#[test]
fn nothing_is_lost_of_options_on_both_sides_of_the_work() {
    let race = |words: &str| gaits(words).run();
    let same = "stands in front of `wait` and behind it";
    race("compare --fail-if sequential.wall>1ms wait 0 --fail-if async.wall>1ms")
        .expect_refused(&format!("--fail-if {same}"));
    race("compare --program true wait 0 --program true").expect_refused(same);
    race("compare --rounds 1 wait 0 --rounds 2").expect_refused(same);
    race("sweep --workers 1 wait 0 --workers 2").expect_refused(same);
    race("sweep --target rate>1/s wait 0 --target p50<1s").expect_refused(same);
    for words in ["compare --json wait 0 --markdown", "compare --timeline wait 0 --json"] {
        race(words).expect_refused("cannot be used with");
    }
    race("compare --rounds 1 wait 0 --budget 1s")
        .expect_refused("--rounds in front of `wait` cannot be used with --budget behind it");
    race("sweep --budget 1s wait 0 --duration 1s").expect_refused("cannot be used with");
    let named = "compare --program true --rounds 1 --json wait 0 -n 1 -m async --name it";
    let end = race(named).expect_exit(0);
    assert_eq!(names(&end), ["async:100", "it"]);
    race("compare --rounds 1 wait 0 --name it").expect_refused("name one with --program");
    race("compare --rounds 1 --prepare true").expect_refused("name one with --program");
    race("--color never compare --rounds 1 -m async wait 0 --color never").expect_exit(0);
}

#[test]
fn one_seed_means_one_order() {
    let origin = Origin::start(Config::default()).unwrap();
    let url = origin.url("/uuid");
    let seed = |seed: &str| {
        let command = format!("compare http {url} --models async:2,threads:2 --rounds 1 --json");
        let end = gaits(&command).args(["--seed", seed]).run().expect_exit(0);
        end.json()["seed"].as_u64()
    };
    assert_eq!((seed("7"), seed("0")), (Some(7), Some(0)));
    for bad in ["-1", "many", "9007199254740992"] {
        gaits("compare wait 0").arg(format!("--seed={bad}")).run().expect_refused("--seed");
    }
}

#[test]
fn the_command_that_repeats_a_race_draws_the_same_items() {
    let origin = Origin::start(Config::default()).unwrap();
    let dir = Dir::new();
    let list: Vec<_> = (0..50).map(|n| origin.url(&format!("/get?n={n}"))).collect();
    dir.file("urls.txt", list.join("\n"));
    let items = |command: &str, folder: &str| {
        gaits(command).args(["-q", "--save", folder]).dir(dir.path()).run().expect_exit(0);
        let records = format!("{folder}/records/1/async-100.1.jsonl");
        let text = std::fs::read_to_string(dir.at(&records)).unwrap();
        let mut items: Vec<_> = parse(&text).iter().map(|record| record.item.to_string()).collect();
        items.sort();
        items
    };
    let first = items("compare http -i urls.txt --sample 5 -m async --rounds 1", "first");
    let saved = std::fs::read_to_string(dir.at("first/race.json")).unwrap();
    let saved: Value = serde_json::from_str(&saved).unwrap();
    let command = saved["command"].as_str().unwrap().replace(" -q", "");
    assert!(command.contains("--seed "), "{command}");
    let again = items(command.strip_prefix("gaits ").unwrap(), "again");
    assert_eq!((first.len(), &first), (5, &again), "{command}");
    let other = "compare http -i urls.txt --sample 5 --sample-seed 1 -m async --rounds 1";
    assert_ne!(items(other, "other"), first);
}

#[test]
fn without_a_seed_one_is_drawn_and_told() {
    let command = "compare wait 0 --models async:2,threads:2 --rounds 1 --json";
    let end = gaits(command).run().expect_exit(0);
    let seed = end.json()["seed"].as_u64().unwrap();
    end.expect_stderr_contains(&format!("seed {seed}"));
}

#[test]
fn a_race_is_told_as_a_table_and_one_sentence() {
    let end = gaits("compare wait --for 1ms --count 50 --rounds 2").run().expect_exit(0);
    for model in ["sequential", "threads:", "processes:", "async:100"] {
        assert!(end.stdout.contains(model), "{model}: {end:?}");
    }
    // It may be broken into lines anywhere.
    let text = end.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("2 rounds are too few to rank anything; it takes 6"), "{end:?}");
    let end = gaits("compare wait --for 1ms --count 50 --rounds 2").run();
    assert!(!end.stdout.contains('\u{1b}'), "{end:?}");
}

#[test]
fn computations_are_raced() {
    let command = "compare cpu product --n 10 --count 20 --models sequential,threads:2 --rounds 2";
    let end = gaits(command).run().expect_exit(0);
    end.expect_stdout_contains("sequential").expect_stdout_contains("threads:2");
    let end = gaits(&format!("{command} --json")).run().expect_exit(0);
    assert_eq!(models(&end).iter().filter(|row| row["ok"] == 40).count(), 2, "{end:?}");
}

#[test]
fn the_obviously_faster_model_wins() {
    let command = "compare wait --for 60ms --count 8 --models sequential,async:8 --rounds 6 --json";
    let end = gaits(command).run().expect_exit(0);
    let race = end.json();
    assert_eq!(race["verdict"]["best"], serde_json::json!(["async:8"]), "{end:?}");
    let [best, slower] = &models(&end)[..] else { panic!("{end:?}") };
    assert_eq!((&best["relation"], &slower["relation"]), (&"best".into(), &"slower".into()));
    let ratio = |bound: &str| slower["ratio_to_best"][bound].as_f64().unwrap();
    assert!(ratio("low") > 1.02 && ratio("low") <= ratio("estimate"), "{end:?}");
    assert!(ratio("estimate") <= ratio("high"), "{end:?}");
}

#[test]
fn a_list_with_failing_items_ranks_as_long_as_all_models_fail_the_same() {
    let origin = Origin::start(Config::default()).unwrap();
    let dir = Dir::new();
    let port = DeadPort::take();
    let (wrong, slow) = (origin.url("/status/404"), origin.url("/delay/0.02"));
    let list = format!("{slow}\n{wrong}\n{slow}\n{}\n{slow}\n{slow}\n", port.url());
    dir.file("urls.txt", list);
    let command = "compare http -i urls.txt -m sequential,async:6 --rounds 6 --json";
    let end = gaits(command).dir(dir.path()).run().expect_exit(1);
    assert_eq!(end.json()["verdict"]["best"], serde_json::json!(["async:6"]), "{end:?}");
    for row in models(&end) {
        assert_eq!(row["failed"], serde_json::json!({"connect": 6, "http_status": 6}), "{end:?}");
    }
}

#[test]
fn a_server_that_asks_to_be_left_alone_is() {
    let faults = "429:1".parse().unwrap();
    let origin = Origin::start(Config { faults, ..Config::default() }).unwrap();
    let command = format!("compare http {} --count 50 -m sequential,async:2", origin.url("/uuid"));
    gaits(&command)
        .run()
        .expect_exit(4)
        .expect_stderr_contains("answered with status 429")
        .expect_stderr_contains("the server wants fewer requests");
    // What was started before that answer was read is not taken back, and a busy machine reads late; but no run had all its
    // items.
    assert!(origin.requests() < 50, "{}", origin.requests());
}

#[test]
fn hosts_of_others_get_no_more_requests_than_allowed() {
    let command = "compare http https://example.com/ --count 100 --rounds 6 -m sequential,async";
    let refused = gaits(command).run().expect_refused("the race needs 1400 requests");
    refused.expect_stderr_contains("--max-requests 1400 allows them");
    let origin = Origin::start(Config::default()).unwrap();
    let command =
        format!("compare http {} --count 30 --budget 20s --precision 50%", origin.url("/uuid"));
    let end = gaits(&command)
        .args(["--max-requests", "300", "-m", "async:3,threads:3", "--json"])
        .run()
        .expect_exit(0)
        .expect_stderr_contains("at most 300");
    assert!(origin.requests() <= 300, "{}", origin.requests());
    assert_eq!(
        (&end.json()["items"], &end.json()["all_items"]),
        (&21.into(), &30.into()),
        "{end:?}"
    );
}

#[test]
fn a_condition_that_surely_holds_fails_the_race_and_one_on_nobody_is_refused_at_once() {
    let command = "compare wait --for 20ms --count 6 -m sequential,async:6 --rounds 6 -q";
    let fails = |gate: &str| gaits(command).args(["--fail-if", gate]).run();
    fails("async.wall > 1ms").expect_exit(5).expect_stderr_contains("async.wall > 1ms: holds: ");
    fails("ratio(async, sequential) > 1").expect_exit(0).expect_stderr_contains("does not hold");
    fails("async.p99 > 1ms").expect_refused("takes 100 items in each run or more, and there are 6");
    let origin = Origin::start(Config::default()).unwrap();
    let race = format!("compare http {} -m sequential,async -q", origin.url("/uuid"));
    let refused = gaits(&race).args(["--fail-if", "threads.wall > 1s"]).run();
    refused.expect_refused("names threads, which does not take part");
    assert_eq!(origin.requests(), 0);
    fails("async is slow").expect_refused("is not a condition");
}

#[test]
fn races_are_saved_and_looked_at_again() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    let race = "compare wait --for 10ms --count 6 -m sequential,async:6 --rounds 6 -q --save";
    let first = run(&format!("{race} one")).expect_exit(0);
    let again = run("report one").expect_exit(0);
    assert_eq!(again.stdout, first.stdout);
    assert_eq!(run("report one --json").expect_exit(0).json()["rounds"], 6);
    run("report one --markdown").expect_exit(0).expect_stdout_contains("| async:6 |");
    let records = dir.path().join("one/records/1/async-6.6.jsonl");
    assert_eq!(std::fs::read_to_string(records).unwrap().lines().count(), 6);
    run(&format!("{race} one")).expect_refused("is there already and holds a race");
    // As a race leaves it that goes on, or was killed.
    std::fs::create_dir_all(dir.path().join("killed/records/1")).unwrap();
    run(&format!("{race} killed")).expect_refused("killed/records is there already");
    let failing = "compare wait --for 10s --count 6 -m sequential --budget 1s -q --save";
    run(&format!("{failing} none")).expect_refused("budget");
    assert!(!dir.path().join("none").exists());
    run(&format!("{race} two")).expect_exit(0);
    run("report --against one two").expect_exit(0).expect_stdout_contains("async:6: ");
    let saved = dir.path().join("two/race.json");
    let text = std::fs::read_to_string(&saved).unwrap();
    std::fs::write(&saved, text.replace("\"hostname\": \"", "\"hostname\": \"other-")).unwrap();
    let unlike = run("report --against one two").expect_exit(0);
    assert!(!unlike.stdout.contains('×'), "{unlike:?}");
    unlike.expect_stdout_contains("they differ in machine: ");
    std::fs::write(&saved, &text[..text.len() / 2]).unwrap();
    run("report two").expect_refused("is no saved race, or damaged");
    std::fs::write(&saved, text.replacen("\"format\": 1", "\"format\": 2", 1)).unwrap();
    run("report two").expect_refused("newer than this one");
    std::fs::write(&saved, text.replacen("\"work\": \"", "\"work\": \"\\u001b]0;x", 1)).unwrap();
    run("report two").expect_refused("a name in it holds control characters");
    run("report nowhere").expect_refused("nowhere");
    std::fs::write(dir.path().join("file"), "").unwrap();
    let is_file = "file is a file; give a folder, as --save makes one";
    run(&format!("{race} file")).expect_refused(is_file);
    run("report file --against one").expect_refused(is_file);
    run("report one --against file").expect_refused(is_file);
    run("sweep wait --for 1ms --save file").expect_refused(is_file);
    run("fetch http://127.0.0.1:9/ -o results.jsonl -q --retries 0").expect_exit(1);
    run("report results.jsonl").expect_exit(0).expect_stdout_contains("0 of 1 ok, 1 failed");
    let whole = std::fs::read_to_string(dir.path().join("results.jsonl")).unwrap();
    dir.file("torn.jsonl", format!("{whole}{}", &whole[..40]));
    run("report torn.jsonl").expect_exit(0).expect_stderr_contains("broken off (40 bytes)");
    dir.file("empty.jsonl", "");
    run("report empty.jsonl").expect_exit(0).expect_stderr_contains("holds no records");
    dir.file("list.csv", "a,b\n1,2\n");
    run("report list.csv").expect_refused("list.csv:1: ");
}

#[test]
fn a_race_that_fails_under_every_model_ends_after_a_round() {
    let command = "compare http http://127.0.0.1:9/ -n 5 -m sequential,async --budget 60s --json";
    let end = gaits(command).run().expect_exit(1);
    let race = end.json();
    assert_eq!(race["rounds"], 1, "{end:?}");
    assert_eq!(race["models"][0]["reason"], "all_failed", "{end:?}");
}

#[test]
fn conditions_are_looked_at_in_every_race_that_has_the_model() {
    let end = gaits("compare --rounds 6 -q --fail-if").args(["threads/async.wall > 1h"]).run();
    let said = end.expect_exit(0).stderr;
    assert_eq!(said.matches("threads/async.wall > 1h").count(), 2, "{said}");
}

#[test]
fn every_model_can_be_given_equally_many_in_flight() {
    let end = gaits("compare wait 0 --count 4 -c 4 --rounds 1 --json").run().expect_exit(0);
    for row in models(&end) {
        let number = |name: &str| row[name].as_u64().unwrap();
        let in_flight = number("processes") * number("threads") * number("in_flight");
        assert_eq!(in_flight, 4, "{end:?}");
    }
    assert!(names(&end).contains(&"threads:4".to_owned()), "{end:?}");
    let some = gaits("compare wait 0 --count 4 -m sequential,async -c 4 --rounds 1").run();
    some.expect_exit(0)
        .expect_stderr_contains("sequential can't have just 4 in flight, and will not");
    gaits("compare wait 0 -m sequential -c 4").run().expect_refused("can't have just 4 in flight");
}

#[test]
fn a_budget_ends_a_race_and_one_that_is_too_small_is_refused() {
    let command = "compare wait --for 30ms --count 400 -m sequential,async:400 --budget 8s --json";
    let end = gaits(command).run().expect_exit(0);
    let race = end.json();
    assert_eq!(race["all_items"], 400, "{end:?}");
    assert!((6..100).contains(&race["items"].as_u64().unwrap()), "{end:?}");
    assert!(race["rounds"].as_u64() >= Some(6), "{end:?}");
    assert_eq!(race["verdict"]["best"], serde_json::json!(["async:400"]), "{end:?}");
    gaits("compare wait --for 400ms --count 20 -m sequential,async --budget 1s")
        .run()
        .expect_refused("the budget is too small: a race with one round takes ");
}

#[test]
fn items_that_are_not_valid_are_refused() {
    let dir = Dir::new();
    dir.file("urls.txt", "http://127.0.0.1/\nnonsense\n");
    dir.file("none.txt", "# nothing\n");
    let compare = |words: &str| gaits("compare").args(words.split(' ')).dir(dir.path()).run();
    compare("http -i urls.txt").expect_refused("urls.txt:2: ");
    compare("http -i none.txt").expect_refused("no items in none.txt");
    compare("http -i nosuch.txt").expect_refused("can't read nosuch.txt");
    compare("http nonsense").expect_refused("nonsense");
    compare("http nonsense --count 3").expect_refused("nonsense");
    compare("http").expect_refused("nothing to fetch");
    compare("wait soon").expect_refused("soon");
    compare("wait 1 --count 0").expect_refused("--count");
}

#[test]
fn items_are_taken_from_a_file_and_from_standard_input() {
    let origin = Origin::start(Config::default()).unwrap();
    let dir = Dir::new();
    let list = format!("{0}\n# twice\n{0}\n", origin.url("/uuid"));
    dir.file("urls.txt", &list);
    for input in ["urls.txt", "-"] {
        let command = format!("compare http -i {input} --models async --rounds 1 --json");
        let end = gaits(&command).dir(dir.path()).stdin(&list).run().expect_exit(0);
        assert_eq!(end.json()["items"], 2, "{end:?}");
    }
}

#[test]
fn models_are_named_well() {
    let compare = |models: &str| gaits("compare wait 0 --models").arg(models).run();
    compare("async,bananas").expect_refused("unknown model `bananas`");
    compare("").expect_refused("--models");
    compare(",").expect_refused("--models");
    compare("async,,threads").expect_refused("--models");
    compare("async,async:100").expect_refused("names async:100 twice");
    compare("threads:0").expect_refused("threads:0");
}

#[test]
fn rounds_have_bounds() {
    for bad in ["0", "10001", "many"] {
        gaits("compare wait 0 --rounds").arg(bad).run().expect_refused("--rounds");
    }
}

#[test]
fn quiet_means_the_result_alone() {
    let end = gaits("compare wait 0 --models async --rounds 1 -q").run();
    end.expect_exit(0).expect_stderr("").expect_stdout_contains("async");
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let command = "compare wait 0 --models async --rounds 1";
    gaits(command).stdout_closed().run().expect_stderr_lacks("panicked");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    gaits(command).stdout_to(full).run().expect_exit(3).expect_stderr_contains("No space left");
}

#[test]
fn a_race_without_work_brings_its_own_server() {
    let command = "compare --rounds 1 --models async,threads --json";
    let running = gaits(command).start();
    running.wait_for_stderr("seed");
    let server = children_of(running.pid());
    let end = running.finish().expect_exit(0);
    assert!(models(&end).iter().all(|row| row["ok"] == 100), "{end:?}");
    for pid in server {
        assert!(is_gone(pid), "the server is left behind");
    }
}

#[test]
fn nothing_is_left_of_a_race_that_is_killed_or_stopped() {
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT] {
        let running = gaits("compare --rounds 1000 --models processes:2,async").start();
        running.wait_for_stderr("seed");
        let server = children_of(running.pid());
        assert!(!server.is_empty());
        running.signal(signal);
        let end = running.finish();
        if signal == Signal::SIGKILL {
            end.expect_killed_by(signal);
        } else {
            end.expect_exit(130).expect_stderr_contains("stopped after");
        }
        for pid in server {
            eventually("the server and the workers are gone", || is_gone(pid));
        }
    }
}

#[test]
fn ctrl_c_in_a_terminal_ends_a_race_in_good_order() {
    // The whole group gets the signal, the server that it brought as well.
    let running = gaits("compare --rounds 1000 --models processes:2,async --json").start();
    running.wait_for_stderr("seed");
    let server = children_of(running.pid());
    running.interrupt();
    let end = running.finish().expect_exit(130).expect_stderr_contains("stopped after");
    let counted = models(&end);
    assert!(counted.iter().all(|row| row["failed"].as_object().unwrap().is_empty()), "{end:?}");
    for pid in server {
        eventually("the server is gone", || is_gone(pid));
    }
}

#[test]
fn ctrl_c_twice_ends_a_race_at_once() {
    let server = Held::after(0);
    let command = format!("compare http {} --count 9 --models async:3,threads:3", server.url());
    let running = gaits(&command).start();
    server.wait_until_held(3);
    running.interrupt();
    // The first is taken, as far as one can see, when the second one comes; more do no harm.
    let pid = running.pid();
    eventually("it ends", || {
        let _ =
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), Signal::SIGINT);
        is_gone(pid)
    });
    running.finish().expect_exit(130);
}

#[test]
fn a_huge_count_takes_no_memory_before_it_is_reached() {
    let running = gaits("compare wait 0 --models async --rounds 1")
        .args(["--count", "18446744073709551615"])
        .start();
    running.wait_for_stderr("seed");
    running.interrupt();
    running.finish().expect_exit(130);
}
