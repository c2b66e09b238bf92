//! Bodies that are kept: in the records, or in files.

use crate::harness::{Dir, Finished, Records, gaits, http, parse_file};
use gaits_core::{Blake3, ErrorKind, Record, Value};
use gaits_origin::{Config, Origin};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

fn one(end: &Finished) -> Record {
    let Records(mut records) = end.records().expect_items(1);
    records.remove(0)
}

/// All files below `dir`, but the one that tells whose bodies they are.
fn files(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if entry.file_name() != ".gaits" {
            found.insert(path);
        }
    }
    found
}

/// Each record with a body names a file with that body, the files are all there are, and nothing half-written is left.
#[track_caller]
fn check(records: &[Record], dir: &Path) -> Vec<String> {
    let mut kept = BTreeSet::new();
    let mut names = Vec::new();
    for record in records {
        let http = http(record);
        let Some(name) = http.body_file else { continue };
        let path = dir.join(&*name);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{error}: {record:?}"));
        assert_eq!(bytes.len() as u64, http.decoded_bytes, "{record:?}");
        assert_eq!(http.blake3, Some(Blake3(*blake3::hash(&bytes).as_bytes())), "{record:?}");
        kept.insert(path);
        names.push(name.into());
    }
    assert_eq!(files(dir), kept);
    assert!(!dir.join(".partial").exists());
    names
}

#[test]
fn bodies_go_into_records_as_text_base64_or_json() {
    let origin = origin();
    let body = |path: &str, form: &str| {
        let end = gaits(&format!("fetch {} --body {form}", origin.url(path))).run().expect_exit(0);
        (http(&one(&end)).body, end.stdout)
    };
    let (json, line) = body("/json", "json");
    assert!(matches!(json, Some(Value::Object(_))), "{line}");
    assert!(line.contains(r#""body":{"library":{"#), "{line}");
    let (text, line) = body("/json", "inline");
    assert!(
        matches!(&text, Some(Value::String(text)) if text.contains("Ways of walking")),
        "{line}"
    );
    let (bytes, line) = body("/bytes/100", "inline");
    assert!(bytes.is_some() && line.contains(r#""body":{"base64":""#), "{line}");
    assert_eq!(body("/json", "none").0, None);
}

#[test]
fn a_body_that_is_no_json_is_a_failure_and_kept() {
    let origin = origin();
    let end = gaits(&format!("fetch {} --body json", origin.url("/bytes/30"))).run().expect_exit(1);
    end.records().expect_one_failure(ErrorKind::Decode);
    assert!(http(&one(&end)).body.is_some(), "{end:?}");
}

#[test]
fn a_body_that_is_too_large_for_a_record_is_a_failure_that_tells_the_way() {
    let origin = origin();
    let end = gaits(&format!("fetch {} --body inline", origin.url("/bytes/3000000"))).run();
    let message = end.expect_exit(1).records().expect_one_failure(ErrorKind::TooLarge);
    assert!(message.contains("--bodies DIR"), "{message}");
}

#[test]
fn bodies_go_to_files_under_every_model() {
    let (origin, dir) = (origin(), Dir::new());
    let paths = ["/bytes/10", "/bytes/3000000", "/gzip", "/status/404", "/bytes/0", "/json"];
    let urls: Vec<_> = paths.iter().cycle().take(60).map(|path| origin.url(path)).collect();
    let list = dir.file("urls.txt", urls.join("\n"));
    for (number, model) in
        ["async:20", "threads:3", "processes:2/async:10", "sequential"].iter().enumerate()
    {
        let bodies = dir.at(&format!("bodies{number}"));
        let results = dir.at(&format!("results{number}.jsonl"));
        let command = format!("fetch -m {model} -i");
        let command = gaits(&command).arg(&list).arg("--bodies").arg(&bodies);
        command.arg("-o").arg(&results).run().expect_exit(1);
        let records = parse_file(&results).expect_items(60);
        let names = check(&records, &bodies);
        assert_eq!(names.len(), 60, "failed statuses have bodies, too: {model}");
        assert_eq!((&*names[1], &*names[59]), ("01/000000001", "3b/000000059"));
    }
}

#[test]
fn bodies_are_kept_though_connections_could_take_all_descriptors() {
    let latency = std::time::Duration::from_millis(100);
    let origin = Origin::start(Config { latency, ..Config::default() }).unwrap();
    for (number, model) in ["async:100", "processes:2/async:50"].iter().enumerate() {
        let dir = Dir::new();
        let (bodies, results) = (dir.at("bodies"), dir.at("results.jsonl"));
        let command = format!("fetch {} --count 300 -m {model}", origin.url("/bytes/300000"));
        let command = gaits(&command).arg("--bodies").arg(&bodies).arg("-o").arg(&results);
        let end = command.descriptors(40).run().expect_exit(0);
        end.expect_stderr_contains("going on with ");
        let records = parse_file(&results).expect_all_ok(300);
        assert_eq!(check(&records, &bodies).len(), 300, "{model}");
        assert_eq!(origin.requests(), 300 * (number as u64 + 1), "nothing was asked for twice");
    }
}

#[test]
fn files_are_named_by_index_hash_or_url() {
    let (origin, dir) = (origin(), Dir::new());
    let list = dir.file(
        "urls.txt",
        format!("{0}\n{0}\n{1}\n", origin.url("/json"), origin.url("/bytes/9?x=../y")),
    );
    let names = |names: &str| {
        let bodies = dir.at(names);
        let command = gaits(&format!("fetch --bodies-name {names} -i")).arg(&list);
        let end = command.arg("--bodies").arg(&bodies).run().expect_exit(0);
        check(&end.records().expect_all_ok(3), &bodies)
    };
    assert_eq!(names("index"), ["00/000000000", "01/000000001", "02/000000002"]);
    let host = format!("127.0.0.1_{}", origin.addr().port());
    let by_url = names("url");
    assert_eq!(by_url[0], format!("00/{host}_json~0"));
    assert_eq!(by_url[1], format!("01/{host}_json~1"), "two items with one URL are told apart");
    assert_eq!(by_url[2], format!("02/{host}_bytes_9_x_.._y~2"));
    let by_hash = names("hash");
    assert_eq!(by_hash[0], by_hash[1], "equal bodies share a file");
    assert!(by_hash[0] != by_hash[2] && by_hash[0].len() == 67, "{by_hash:?}");
}

#[test]
fn bodies_of_another_run_are_told_apart() {
    let (origin, dir) = (origin(), Dir::new());
    let bodies = dir.at("bodies");
    let fetch = |path: &str, results: &str| {
        let command = gaits(&format!("fetch {} --fresh -o", origin.url(path)));
        command.arg(dir.at(results)).arg("--bodies").arg(&bodies).run().expect_exit(0);
        http(&parse_file(&dir.at(results))[0]).body_file.unwrap()
    };
    assert_eq!(&*fetch("/bytes/10", "a.jsonl"), "00/000000000");
    assert_eq!(&*fetch("/bytes/11", "a.jsonl"), "00/000000000", "the same item, started over");
    assert_eq!(&*fetch("/bytes/12", "b.jsonl"), "00/000000000~2");
    assert_eq!(&*fetch("/bytes/13", "b.jsonl"), "00/000000000~3");
    let sizes: Vec<_> =
        files(&bodies).iter().map(|file| fs::metadata(file).unwrap().len()).collect();
    assert_eq!(sizes, [11, 12, 13]);
}

#[test]
fn bodies_of_earlier_runs_that_are_gone_are_told() {
    let (origin, dir) = (origin(), Dir::new());
    let (bodies, elsewhere) = (dir.at("bodies"), dir.at("elsewhere"));
    let fetch = |folder: &Path, words: &str| {
        let command = gaits(&format!("fetch {} -n 2 {words} -o", origin.url("/bytes/10")));
        command.arg(dir.at("r.jsonl")).arg("--bodies").arg(folder).run().expect_exit(0)
    };
    let told = |folder: &Path| {
        format!("gaits: {} lacks bodies of earlier runs, such as 00/000000000, ", folder.display())
    };
    fetch(&bodies, "").expect_stderr_lacks("lacks");
    fetch(&bodies, "").expect_stderr_lacks("lacks").expect_stderr_contains("nothing to do");
    fetch(&elsewhere, "").expect_stderr_contains(&told(&elsewhere));
    fs::remove_dir_all(&bodies).unwrap();
    for _ in ["it is not there", "it is empty"] {
        let end = fetch(&bodies, "").expect_stderr_contains(&told(&bodies));
        end.expect_stderr_contains("--fresh fetches all anew");
    }
    fetch(&bodies, "--fresh").expect_stderr_lacks("lacks");
    assert_eq!(files(&bodies).len(), 2);
    fetch(&bodies, "").expect_stderr_lacks("lacks");
}

#[test]
fn failures_without_a_body_leave_no_file() {
    let dir = Dir::new();
    let faults = "truncate:0.5".parse().unwrap();
    let origin = Origin::start(Config { faults, ..Config::default() }).unwrap();
    let bodies = dir.at("bodies");
    let command =
        format!("fetch {} --count 40 -m async:10 --retries 0", origin.url("/bytes/2000000"));
    let end = gaits(&command).arg("--bodies").arg(&bodies).run().expect_exit_one_of(&[0, 1]);
    let records = end.records().expect_items(40);
    check(&records, &bodies);
    for record in records.iter() {
        assert_eq!(http(record).body_file.is_some(), record.outcome.is_ok(), "{record:?}");
    }
}

#[test]
fn an_item_that_is_tried_again_has_the_body_of_its_last_try() {
    let dir = Dir::new();
    for (number, fault) in ["truncate:0.3", "500:0.3"].iter().enumerate() {
        let faults = fault.parse().unwrap();
        let origin = Origin::start(Config { faults, ..Config::default() }).unwrap();
        let bodies = dir.at(&format!("bodies{number}"));
        let url = origin.url("/bytes/700000");
        let command = format!("fetch {url} --count 30 -m processes:2/async:5 --retries 9");
        let end = gaits(&command).arg("--bodies").arg(&bodies).run().expect_exit(0);
        let records = end.records().expect_all_ok(30);
        assert_eq!(check(&records, &bodies).len(), 30);
        assert!(records.iter().any(|record| record.attempts > 1), "{end:?}");
    }
}

#[test]
fn a_folder_that_takes_no_files_is_refused_before_anything_is_sent() {
    let (origin, dir) = (origin(), Dir::new());
    let file = dir.file("file", "");
    let results = dir.at("results.jsonl");
    let fetch = |bodies: &Path| {
        let command = gaits("fetch -o").arg(&results).arg(origin.url("/uuid"));
        command.arg("--bodies").arg(bodies).run()
    };
    let file_is_none = format!("{}: it is not a folder; give a folder", file.display());
    fetch(&file).expect_refused(&file_is_none);
    fetch(&file.join("below")).expect_refused("can't write bodies to ");
    fetch(Path::new("/proc/none")).expect_refused("can't write bodies to /proc/none");
    assert_eq!(origin.requests(), 0);
    assert!(!results.exists(), "the results file that was made is gone again");
}

#[test]
fn a_folder_that_goes_away_ends_the_run() {
    let (origin, dir) = (origin(), Dir::new());
    let bodies = dir.at("bodies");
    for model in ["async:2", "processes:2"] {
        let command = gaits(&format!("fetch -m {model} -i -")).stdin_open();
        let mut running = command.arg("--bodies").arg(&bodies).start();
        running.say(&format!("{}\n", origin.url("/bytes/10")));
        running.wait_for_lines(1);
        fs::remove_dir_all(&bodies).unwrap();
        running.say(&format!("{0}\n{0}\n{0}\n", origin.url("/bytes/10")));
        let end = running.finish().expect_exit(3);
        let end =
            end.expect_stderr_contains("bodies can't be kept").expect_stderr_lacks("panicked");
        end.records().expect_all_ok(1);
    }
}

#[test]
fn a_body_that_no_file_has_room_for_ends_the_run() {
    let (origin, dir) = (origin(), Dir::new());
    let starter = ["sh", "-c", "ulimit -f 64; exec \"$@\"", "sh"].map(OsStr::new);
    for model in ["async:2", "processes:2"] {
        let command = format!("fetch {} -q -m {model} --bodies", origin.url("/bytes/300000"));
        let run = gaits(&command).arg(dir.at(model)).started_by(&starter);
        let end = run.run().expect_exit(3);
        end.expect_stderr_contains("File too large").records().expect_items(0);
    }
}

#[test]
fn a_killed_run_leaves_nothing_that_the_next_one_does_not_sweep_away() {
    let (origin, dir) = (origin(), Dir::new());
    let bodies = dir.at("bodies");
    let running = gaits(&format!("fetch {} -m processes:2/async", origin.url("/delay/3600")));
    let running = running.arg("--bodies").arg(&bodies).start();
    crate::harness::eventually("a request was sent", || origin.requests() > 0);
    let again = || gaits(&format!("fetch {} --bodies", origin.url("/uuid"))).arg(&bodies).run();
    again().expect_refused("is being written to by another run");
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.finish();
    fs::write(bodies.join(".partial/17"), "half").unwrap();
    check(&again().expect_exit(0).records().expect_all_ok(1), &bodies);
}

#[test]
fn a_body_whose_record_a_kill_has_prevented_goes_when_its_item_is_done_again() {
    let (origin, dir) = (origin(), Dir::new());
    let (bodies, results) = (dir.at("bodies"), dir.at("results.jsonl"));
    let fetch = |names: &str| {
        let command = gaits(&format!("fetch {} --count 3 -m async:1", origin.url("/uuid")));
        let command = command.args(["--bodies-name", names, "-o"]).arg(&results);
        command.arg("--bodies").arg(&bodies).run().expect_exit(0);
        check(&parse_file(&results).expect_all_ok(3), &bodies)
    };
    let first = fetch("hash");
    // As after a kill between the names and the records of the last two: these lack, and the list of their names is there.
    let text = fs::read_to_string(&results).unwrap();
    fs::write(&results, text.split_inclusive('\n').next().unwrap()).unwrap();
    let list = format!("{}\n1 {}\n2 {}\n", results.display(), first[1], first[2]);
    fs::write(bodies.join(".unrecorded"), list).unwrap();
    let now = fetch("hash");
    assert_eq!(now[0], first[0]);
    assert!(!now.contains(&first[1]) && !now.contains(&first[2]), "{now:?}");
}

#[test]
fn an_item_that_is_done_again_and_has_no_body_now_leaves_no_old_one() {
    let (origin, dir) = (origin(), Dir::new());
    let url = origin.url("/status/500");
    let (bodies, results) = (dir.at("bodies"), dir.at("results.jsonl"));
    let fetch = |options: &str| {
        let command = gaits(&format!("fetch {url} --retries 0 {options} -o"));
        command.arg(&results).arg("--bodies").arg(&bodies).run().expect_exit(1);
        check(&parse_file(&results).expect_items(1), &bodies).len()
    };
    assert_eq!(fetch(""), 1, "failed statuses have bodies, too");
    drop(origin);
    assert_eq!(fetch("--retry-failed"), 0, "nobody answers any more");
}

#[test]
fn options_that_do_not_fit_are_refused() {
    for (options, why) in [
        ("--body some", "inline, json, none"),
        ("--bodies-name url", "--bodies <DIR>"),
        ("--bodies x --bodies-name size", "index, hash, url"),
        ("--bodies x --body inline", "cannot be used with"),
        ("-I --body inline", "HEAD has no body to keep"),
        ("-I --bodies x", "HEAD has no body to keep"),
    ] {
        gaits(&format!("fetch http://127.0.0.1:9/ {options}")).run().expect_refused(why);
    }
    let race = "compare http http://127.0.0.1:9/ --bodies x";
    gaits(race).run().expect_refused("a race keeps no bodies");
}
