//! The same command goes on: after a kill, after an end, with another input, with damaged files beside the results.

use crate::harness::{Dir, Finished, eventually, gaits, parse_file};
use crate::held::Held;
use gaits_origin::{Config, Origin};
use nix::sys::signal::Signal;
use std::fs;
use std::path::{Path, PathBuf};

fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

/// A list of `count` different URLs.
fn urls(base: &str, count: usize) -> String {
    (0..count).map(|number| format!("{base}?{number}\n")).collect::<Vec<_>>().concat()
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.matches('\n').count())
}

/// `gaits fetch` of a list into results, with further words.
fn fetch(list: &Path, results: &Path, words: &str) -> Finished {
    gaits(&format!("fetch {words} -i")).arg(list).arg("-o").arg(results).run()
}

#[test]
fn after_a_kill_the_same_command_does_the_rest_under_every_model() {
    for model in [
        "sequential",
        "threads:2",
        "processes:2",
        "async:3",
        "threads:2/async",
        "processes:2/async",
    ] {
        let (held, dir) = (Held::after(4), Dir::new());
        let list = dir.file("urls.txt", urls(&held.url(), 12));
        let file = dir.at("results.jsonl");
        let command = || gaits(&format!("fetch -q -m {model} -i")).arg(&list).arg("-o").arg(&file);
        let first = command().start();
        held.wait_until_held(1);
        eventually("what was answered is recorded", || lines(&file) == 4);
        first.signal(Signal::SIGKILL);
        first.finish().expect_killed_by(Signal::SIGKILL);
        let before = fs::read_to_string(&file).unwrap();
        assert!(dir.at("results.jsonl.run").exists(), "{model}");
        held.release();

        command().run().expect_exit(0).expect_no_stdout().expect_stderr("");
        parse_file(&file).expect_all_ok(12);
        assert!(fs::read_to_string(&file).unwrap().starts_with(&before), "{model}");
    }
}

#[test]
fn with_nothing_to_do_nothing_is_sent_and_nothing_written() {
    let (origin, dir) = (origin(), Dir::new());
    let list = dir.file("urls.txt", urls(&origin.url("/uuid"), 3));
    let file = dir.at("results.jsonl");
    fetch(&list, &file, "").expect_exit(0);
    let read =
        || ["", ".run", ".done"].map(|end| fs::read(format!("{}{end}", file.display())).unwrap());
    let before = read();
    let end = fetch(&list, &file, "").expect_exit(0).expect_no_stdout();
    assert!(end.stderr.starts_with("gaits: nothing to do: 3 items finished on 20"), "{end:?}");
    end.expect_stderr_contains("; --fresh starts over\n");
    assert_eq!(read(), before);
    assert_eq!(origin.requests(), 3);
}

#[test]
fn with_nothing_to_do_items_that_failed_still_count() {
    let (origin, dir) = (origin(), Dir::new());
    let (there, gone) = (origin.url("/uuid"), origin.url("/status/404"));
    let list = dir.file("urls.txt", format!("{there}\n{gone}\n"));
    let file = dir.at("results.jsonl");
    // All are done, although the failure has ended the run.
    fetch(&list, &file, "-c 1 --stop-after-failures 1").expect_exit_one_of(&[1, 4]);
    parse_file(&file).expect_items(2);
    for words in ["", "-q", "--key url", "--stop-after-failures 1"] {
        fetch(&list, &file, words).expect_exit(1);
    }
    fetch(&list, &file, "").expect_stderr_contains("nothing to do: 2 items finished on 20");
    dir.file("urls.txt", &there);
    let end = fetch(&list, &file, "--key url --retry-failed").expect_exit(1);
    end.expect_stderr_contains("1 failed and was not asked for now");
    assert_eq!(origin.requests(), 2);
}

#[test]
fn lines_at_the_end_are_new_items_and_a_line_that_changed_is_named() {
    let (origin, dir) = (origin(), Dir::new());
    let base = origin.url("/uuid");
    let file = dir.at("results.jsonl");
    let list = dir.file("urls.txt", urls(&base, 5));
    fetch(&list, &file, "").expect_exit(0);
    dir.file("urls.txt", urls(&base, 7));
    fetch(&list, &file, "").expect_exit(0).expect_stderr_contains("5 items were done before");
    parse_file(&file).expect_all_ok(7);

    let changed = urls(&base, 7).replace("?3\n", "?30\n");
    let swapped =
        urls(&base, 7).replace("?2\n", "?x\n").replace("?4\n", "?2\n").replace("?x\n", "?4\n");
    let without = urls(&base, 7).replace(&format!("{base}?1\n"), "");
    for (text, wanted) in [
        (changed, format!("\"{base}?30\" at item 3 now; the record of that item")),
        (swapped, format!("\"{base}?4\" at item 2 now; the record of that item")),
        (without, format!("\"{base}?2\" at item 1 now; the record of that item")),
        (urls(&base, 6), "has no item 6 any more".to_owned()),
    ] {
        dir.file("urls.txt", &text);
        fetch(&list, &file, "")
            .expect_refused(&wanted)
            .expect_stderr_contains("--fresh")
            .expect_stderr_contains("--key");
    }
    assert_eq!(origin.requests(), 7, "nothing was started");
    parse_file(&file).expect_all_ok(7);
}

#[test]
fn with_a_key_items_are_known_wherever_they_stand() {
    let (origin, dir) = (origin(), Dir::new());
    let base = origin.url("/uuid");
    let file = dir.at("results.jsonl");
    let list = dir.file("urls.txt", urls(&base, 5));
    fetch(&list, &file, "").expect_exit(0);
    dir.file("urls.txt", format!("{base}?new\n{base}?3\n{base}?0\n{base}?new\n{base}?newer\n"));
    fetch(&list, &file, "--key url").expect_exit(0);
    let items: Vec<_> = parse_file(&file).expect_all_ok(7).iter().map(|r| r.item.clone()).collect();
    assert!(
        items[5] == *format!("{base}?new") && items[6] == *format!("{base}?newer"),
        "{items:?}"
    );
    fetch(&list, &file, "--key item").expect_exit(0).expect_stderr_contains("nothing to do");
    fetch(&list, &file, "").expect_refused("--key was url, is not given now");
    fetch(&list, &file, "--key place").expect_refused("it is `item`, or a field");
    assert_eq!(origin.requests(), 7);
}

#[test]
fn what_changes_an_answer_is_named_and_what_does_not_may_change() {
    let (origin, dir) = (origin(), Dir::new());
    let list = dir.file("urls.txt", urls(&origin.url("/uuid"), 2));
    let file = dir.at("results.jsonl");
    fetch(&list, &file, "--accept 200-399 -HX-Token:hunter2 -m async").expect_exit(0);
    for (words, wanted) in [
        ("-HX-Token:a --accept 200-499", "--accept was 200-399, is 200-499 now"),
        ("-HX-Token:a -HX-B:b", "--header was X-Token: ***, is X-Token: ***, X-B: *** now"),
        ("", "--header was X-Token: ***, is not given now"),
        ("-HX-Token:a -I", "--method was GET, is HEAD now"),
        ("-HX-Token:a --extract a=/uuid", "--extract was not given, is "),
        (
            "-HX-Token:a --max-redirects 0 --cookies",
            "--max-redirects was 10, is 0 now; --cookies was not given",
        ),
    ] {
        fetch(&list, &file, words).expect_refused(wanted).expect_stderr_contains("--fresh");
    }
    gaits("run wait 0 -o").arg(&file).run().expect_refused("the work was http, is wait now");
    let words = "-HX-Token:another -m threads:2 --timeout 5s --connect-timeout 4s -k";
    fetch(&list, &file, words).expect_exit(0).expect_stderr_contains("nothing to do");
    fetch(&list, &file, "--fresh").expect_exit(0).expect_stderr_contains("2 of 2 ok");
}

#[test]
fn no_secret_stands_beside_the_results() {
    let (origin, dir) = (origin(), Dir::new());
    let file = dir.at("results.jsonl");
    let url = origin.url("/uuid").replace("http://", "http://me:hunter2@");
    let command =
        || gaits("fetch --header authorization:hunter2 -HX-Key:hunter2 -o").arg(&file).arg(&url);
    command().run().expect_exit(0);
    // The item is known again without its password.
    command().run().expect_exit(0).expect_stderr_contains("nothing to do");
    for name in fs::read_dir(dir.path()).unwrap().flatten() {
        let bytes = fs::read(name.path()).unwrap();
        assert!(!bytes.windows(7).any(|part| part == b"hunter2"), "{name:?}");
    }
    let run = fs::read_to_string(dir.at("results.jsonl.run")).unwrap();
    let run: serde_json::Value = serde_json::from_str(&run).unwrap();
    let entry = &run["runs"][0];
    assert_eq!((&run["format"], &run["work"]), (&1.into(), &"http".into()));
    assert_eq!(
        (&entry["end"]["how"], &entry["end"]["counts"]["ok"]),
        (&"finished".into(), &1.into())
    );
    assert_eq!(entry["arguments"][0], "fetch");
    assert!(entry["machine"]["cores"].as_u64().is_some_and(|cores| cores > 0), "{entry}");
}

#[test]
fn failed_items_are_done_again_when_asked_for_and_a_kill_loses_and_doubles_nothing() {
    let (held, dir) = (Held::after(0), Dir::new());
    let list = dir.file("urls.txt", urls(&held.url(), 4));
    let file = dir.at("results.jsonl");
    fetch(&list, &file, "--timeout 100ms").expect_exit(1);
    assert!(parse_file(&file).expect_items(4).iter().all(|record| !record.outcome.is_ok()));
    fetch(&list, &file, "").expect_exit(1).expect_stderr_contains("4 failed; --retry-failed");

    let arrived = held.arrived();
    let retry = gaits("fetch --retry-failed -i").arg(&list).arg("-o").arg(&file).start();
    eventually("a request has come", || held.arrived() > arrived);
    retry.signal(Signal::SIGKILL);
    retry.finish().expect_killed_by(Signal::SIGKILL);
    assert_eq!(lines(&file), 0, "failed records make room before their items are sent");
    assert!(!dir.at("results.jsonl.new").exists());

    held.release();
    // What a run leaves that is killed while it rewrites the file.
    dir.file("results.jsonl.new", "{\"index\":0");
    dir.file("results.jsonl.run.tmp", "{");
    fetch(&list, &file, "--retry-failed").expect_exit(0);
    parse_file(&file).expect_all_ok(4);
    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["results.jsonl", "results.jsonl.done", "results.jsonl.run", "urls.txt"]);
}

#[test]
fn the_command_that_does_failed_items_again_is_named_once() {
    let (origin, dir) = (origin(), Dir::new());
    let list = dir.file("urls.txt", urls(&origin.url("/status/404"), 3));
    let file = dir.at("results.jsonl");
    let with_option = "gaits: the same command with --retry-failed does the failed items again\n";
    let as_it_is = "gaits: the same command does the failed items again\n";
    let rest = "gaits: to do the rest";
    fetch(&list, &file, "").expect_exit(1).expect_stderr_contains(with_option);
    let all = fetch(&list, &file, "--retry-failed").expect_exit(1);
    all.expect_stderr_contains(as_it_is).expect_stderr_lacks(rest);
    let stop = "-m sequential --stop-after-failures 1";
    let stopped = fetch(&list, &file, &format!("--retry-failed {stop}")).expect_exit(4);
    let stopped =
        stopped.expect_stderr_contains("gaits: to do the rest and the failed items again: ");
    stopped.expect_stderr_lacks("the same command");
    let stopped = fetch(&list, &file, &format!("--fresh {stop}")).expect_exit(4);
    let in_place =
        "gaits: the same command with --retry-failed in place of --fresh does the failed items";
    stopped.expect_stderr_contains("gaits: to do the rest: ").expect_stderr_contains(in_place);
}

#[test]
fn failed_items_that_are_not_done_again_count_in_the_exit_code() {
    let (origin, dir) = (origin(), Dir::new());
    let (good, bad) = (origin.url("/uuid"), origin.url("/status/500"));
    let list = dir.file("urls.txt", format!("{bad}\n{good}\n"));
    let file = dir.at("results.jsonl");
    fetch(&list, &file, "").expect_exit(1);
    dir.file("urls.txt", format!("{bad}\n{good}\n{good}\n"));
    fetch(&list, &file, "")
        .expect_exit(1)
        .expect_stderr_contains("2 items were done before, 1 failed");
    let before = parse_file(&file);
    fetch(&list, &file, "--retry-failed").expect_exit(1);
    let after = parse_file(&file).expect_items(3);
    assert_eq!(before[1], after[1], "what went well is not done again");
    assert_ne!(before[0], after[0]);
}

#[test]
fn malformed_files_are_named_with_what_to_do() {
    let (origin, dir) = (origin(), Dir::new());
    let list = dir.file("urls.txt", urls(&origin.url("/uuid"), 4));
    let file = dir.at("results.jsonl");
    let run = dir.at("results.jsonl.run");
    fetch(&list, &file, "").expect_exit(0);
    let (records, runs) = (fs::read_to_string(&file).unwrap(), fs::read_to_string(&run).unwrap());

    for malformed in ["", "{", "[1]", "precious"] {
        fs::write(&run, malformed).unwrap();
        let end = fetch(&list, &file, "").expect_refused("results.jsonl.run, which tells");
        let end = end.expect_stderr_contains("--fresh");
        assert_eq!(end.stderr.matches(" at line 1 column ").count(), 1, "{end:?}");
    }
    fs::remove_file(&run).unwrap();
    fs::create_dir(&run).unwrap();
    let end = fetch(&list, &file, "").expect_refused("made with: it is not a file; remove it");
    end.expect_stderr_lacks("os error");
    fs::remove_dir(&run).unwrap();
    fs::write(&run, runs.replace("\"format\": 1", "\"format\": 7")).unwrap();
    fetch(&list, &file, "").expect_refused("its format is version 7");

    fs::remove_file(&run).unwrap();
    let end =
        fetch(&list, &file, "").expect_exit(0).expect_stderr_contains("nothing to do: 4 items");
    end.expect_stderr_contains("results.jsonl.run is missing");
    // Without a run file, the records themselves still say which work they are of.
    gaits("run wait 0 -o").arg(&file).run().expect_refused("the work was http, is wait now");

    fs::write(&run, &runs).unwrap();
    fs::remove_file(dir.at("results.jsonl.done")).unwrap();
    let line = records.lines().nth(1).unwrap();
    for (wrong, wanted) in [
        (line.replace("\"outcome\":\"ok\"", "\"outcome\":\"so so\""), ":2: unknown variant"),
        (line[..line.len() - 2].to_owned(), ":2: "),
        (String::new(), ":2: this is no JSON object"),
        (records.lines().next().unwrap().to_owned(), ":2: item "),
    ] {
        fs::write(&file, records.replace(line, &wrong)).unwrap();
        let end = fetch(&list, &file, "").expect_refused(wanted).expect_stderr_contains("--fresh");
        end.expect_stderr_contains("take the line out");
    }
    fs::remove_file(&run).unwrap();
    for other in ["{\"a\":1}\n{\"a\":2}\n", "precious", "[1]\n", "{\"a\":"] {
        fs::write(&file, other).unwrap();
        fetch(&list, &file, "").expect_refused("does not hold records of gaits");
        assert_eq!(fs::read_to_string(&file).unwrap(), other);
    }
    assert_eq!(origin.requests(), 4, "nothing was started");
}

#[test]
fn a_torn_last_record_is_cut_off_with_a_notice_and_its_item_is_done_again() {
    let (origin, dir) = (origin(), Dir::new());
    let list = dir.file("urls.txt", urls(&origin.url("/uuid"), 3));
    let file = dir.at("results.jsonl");
    fetch(&list, &file, "").expect_exit(0);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, &text[..text.len() - 30]).unwrap();
    let end = fetch(&list, &file, "").expect_exit(0);
    end.expect_stderr_contains("is torn").expect_stderr_contains("2 items were done before");
    parse_file(&file).expect_all_ok(3);
}

#[test]
fn a_journal_that_cannot_be_written_ends_the_run_before_anything_is_sent() {
    let (origin, dir) = (origin(), Dir::new());
    let list = dir.file("urls.txt", urls(&origin.url("/uuid"), 3));
    let file = dir.at("results.jsonl");
    // Whoever runs the tests may be allowed to write into a folder that is read-only.
    fs::create_dir(dir.at("results.jsonl.run.tmp")).unwrap();
    fetch(&list, &file, "").expect_exit(3).expect_stderr_contains("can't write to ");
    assert_eq!(origin.requests(), 0);
    assert!(!file.exists());
}

#[test]
fn a_results_file_that_is_removed_under_way_ends_the_run() {
    let (held, dir) = (Held::after(1), Dir::new());
    let list = dir.file("urls.txt", urls(&held.url(), 3));
    let file = dir.at("results.jsonl");
    let run = gaits("fetch -i").arg(&list).arg("-o").arg(&file).start();
    eventually("a record is there", || lines(&file) == 1);
    fs::remove_file(&file).unwrap();
    held.release();
    let end = run.finish().expect_exit(3).expect_stderr_lacks("whole");
    let told = end.stderr.split_once("its records are lost with it (").unwrap().1;
    let told: u64 =
        told.split_once("), and the same command does them again").unwrap().0.parse().unwrap();
    assert!((1..=3).contains(&told), "{end:?}");
    let again = fetch(&list, &file, "").expect_exit(0);
    again.expect_stderr_contains(" has no records; ");
    parse_file(&file).expect_all_ok(3);
    fetch(&list, &file, "").expect_exit(0).expect_stderr_lacks("has no records");
    fs::remove_file(&file).unwrap();
    let again = fetch(&list, &file, "").expect_exit(0);
    let wanted = format!(
        "gaits: earlier runs have done 3 items, and {} has no records; they are done again\n",
        file.display()
    );
    again.expect_stderr_contains(&wanted);
}

#[test]
fn a_results_file_that_gets_another_name_under_way_ends_the_run_and_keeps_its_records() {
    for replaced in [false, true] {
        let (held, dir) = (Held::after(1), Dir::new());
        let list = dir.file("urls.txt", urls(&held.url(), 3));
        let (file, aside) = (dir.at("results.jsonl"), dir.at("aside.jsonl"));
        let run = gaits("fetch -i").arg(&list).arg("-o").arg(&file).start();
        eventually("a record is there", || lines(&file) == 1);
        fs::rename(&file, &aside).unwrap();
        if replaced {
            fs::write(&file, "").unwrap();
        }
        held.release();
        let end = run.finish().expect_exit(3);
        let records = lines(&aside);
        let told = format!(
            "{} was renamed while the run wrote to it, so the run was stopped; its records are whole in {} ({records}): \
             move it back, and the same command goes on",
            file.display(),
            aside.display()
        );
        end.expect_stderr_contains(&told);
        fs::rename(&aside, &file).unwrap();
        fetch(&list, &file, "").expect_exit(0).expect_stderr_lacks("has no records");
        parse_file(&file).expect_all_ok(3);
    }
}

#[test]
fn a_run_that_was_to_start_over_and_was_killed_before_its_first_record_is_not_mixed_up_with_the_old()
 {
    let (held, dir) = (Held::after(2), Dir::new());
    let list = dir.file("urls.txt", urls(&held.url(), 2));
    let file = dir.at("results.jsonl");
    fetch(&list, &file, "").expect_exit(0);
    let old = fs::read_to_string(&file).unwrap();
    let fresh = gaits("fetch --fresh --accept 200 -i").arg(&list).arg("-o").arg(&file).start();
    held.wait_until_held(1);
    fresh.signal(Signal::SIGKILL);
    fresh.finish().expect_killed_by(Signal::SIGKILL);
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        old,
        "the old records stay until a new one comes"
    );
    held.release();
    fetch(&list, &file, "").expect_refused("give --fresh again");
    fetch(&list, &file, "--fresh --accept 200").expect_exit(0);
    fetch(&list, &file, "--accept 200").expect_exit(0).expect_stderr_contains("nothing to do");
}

#[test]
fn a_list_on_standard_input_goes_on_as_a_file_does() {
    let (origin, dir) = (origin(), Dir::new());
    let base = origin.url("/uuid");
    let file = dir.at("results.jsonl");
    let run = |text: String| gaits("fetch -i - -o").arg(&file).stdin(text).run();
    run(urls(&base, 3)).expect_exit(0);
    run(urls(&base, 5)).expect_exit(0).expect_stderr_contains("3 items were done before");
    run(urls(&base, 5).replace("?0", "?9")).expect_refused("standard input has ");
    parse_file(&file).expect_all_ok(5);
    assert_eq!(origin.requests(), 5);
}

#[test]
fn while_the_input_is_compared_an_interrupt_ends_the_run() {
    let (origin, dir) = (origin(), Dir::new());
    let url = origin.url("/uuid");
    let file = dir.at("results.jsonl");
    gaits("fetch -i - -o").arg(&file).stdin(format!("{url}\n{url}\n")).run().expect_exit(0);
    let mut run = gaits("fetch -i - -o").arg(&file).stdin_open().start();
    // One of the two is still to come, so nothing can go out.
    run.say(&format!("{url}\n"));
    eventually("it listens to signals and reads", || {
        fs::read_dir(format!("/proc/{}/task", run.pid())).is_ok_and(|tasks| {
            tasks.flatten().any(|task| {
                fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name == "source\n")
            })
        })
    });
    run.interrupt();
    run.finish_with_input_open().expect_exit(130);
    parse_file(&file).expect_all_ok(2);
}

#[test]
fn after_a_full_disk_a_rerun_goes_on() {
    let (origin, dir) = (origin(), Dir::new());
    let file = dir.at("results.jsonl");
    let url = origin.url("/uuid");
    let fetch = gaits(&format!("fetch {url} --count 300 -o")).arg(&file).file_blocks(9);
    fetch.run().expect_exit(3);
    let before = fs::read_to_string(&file).unwrap();
    assert!(!before.is_empty());
    gaits(&format!("fetch {url} --count 300 -o")).arg(&file).run().expect_exit(0);
    parse_file(&file).expect_all_ok(300);
    assert!(fs::read_to_string(&file).unwrap().starts_with(&before));
}

/// A POST whose record found no room on the disk: the list, the results file, and what asks for it once more.
fn post_without_a_record(origin: &Origin, dir: &Dir) -> (PathBuf, PathBuf) {
    // The record has its URL twice, and nothing else has it.
    let url = origin.url(&format!("/post?{}", "x".repeat(4_000)));
    let list = dir.file("urls.txt", format!("{url}\n"));
    let file = dir.at("results.jsonl");
    let post = gaits("fetch -X POST -q -i").arg(&list).arg("-o").arg(&file).file_blocks(12);
    post.run().expect_exit(3);
    assert_eq!((origin.requests(), lines(&file)), (1, 0));
    (list, file)
}

#[test]
fn what_was_sent_when_the_disk_was_full_is_not_sent_again() {
    let (origin, dir) = (origin(), Dir::new());
    let (list, file) = post_without_a_record(&origin, &dir);
    fetch(&list, &file, "-X POST -q").expect_exit(1);
    assert_eq!(origin.requests(), 1);
    let message = parse_file(&file).expect_one_failure(gaits_core::ErrorKind::Cancelled);
    assert!(message.contains("may have been processed"), "{message}");
}

#[test]
fn a_run_that_was_refused_does_not_make_sure_of_what_an_earlier_one_has_sent() {
    let rate_limit = Some(0.001);
    let (origin, dir) =
        (Origin::start(Config { rate_limit, ..Config::default() }).unwrap(), Dir::new());
    let (list, file) = post_without_a_record(&origin, &dir);
    let again = "-X POST -q --retry-non-idempotent --max-retry-after 60s";
    fetch(&list, &file, again).expect_exit(4);
    assert_eq!((origin.requests(), lines(&file)), (2, 0));
    fetch(&list, &file, "-X POST -q").expect_exit(1);
    assert_eq!(origin.requests(), 2);
    let message = parse_file(&file).expect_one_failure(gaits_core::ErrorKind::Cancelled);
    assert!(message.contains("may have been processed"), "{message}");
}

#[test]
fn what_was_sent_and_got_no_answer_is_sent_again_only_if_asked_for_by_name() {
    let (origin, dir) = (origin(), Dir::new());
    let list = dir.file("urls.txt", urls(&origin.url("/delay/30"), 1));
    let file = dir.at("results.jsonl");
    let post = "-X POST --timeout 200ms";
    let option = "--retry-failed --retry-non-idempotent does";
    let end = fetch(&list, &file, post).expect_exit(1).expect_stderr_contains(option);
    end.expect_stderr_lacks("does the failed items again");
    let message = parse_file(&file).expect_one_failure(gaits_core::ErrorKind::Timeout);
    assert!(message.ends_with("; it may have been processed"), "{message}");
    let again = fetch(&list, &file, &format!("{post} --retry-failed")).expect_exit(1);
    again
        .expect_stderr_contains("1 failed and may have been processed; --retry-failed --retry-non");
    assert_eq!(origin.requests(), 1);
    let by_name = format!("{post} --retry-failed --retry-non-idempotent --retries 0");
    fetch(&list, &file, &by_name).expect_exit(1);
    assert_eq!(origin.requests(), 2);
    // What may be done twice is.
    dir.file("urls.txt", urls(&origin.url("/delay/30"), 1));
    let get = "--fresh --timeout 200ms --retries 0";
    fetch(&list, &file, get).expect_exit(1).expect_stderr_lacks("may have been");
    fetch(&list, &file, "--timeout 200ms --retries 0 --retry-failed").expect_exit(1);
    assert_eq!(origin.requests(), 4);
}

#[test]
fn what_may_have_been_processed_is_known_under_another_key_or_refused() {
    let origin = origin();
    let url = origin.url("/post");
    let refusal = "--key was id, is url now, and of an item that may have";
    for (then, between, now, refused) in [
        ("", None, "--key id", None),
        ("", None, "--key url", None),
        // A run that ends before it gets there changes nothing.
        ("", Some("--key id -i other.jsonl --limit 1"), "--key id", None),
        ("--key id", None, "--key id", None),
        ("--key id", None, "--key url", Some(refusal)),
    ] {
        let dir = Dir::new();
        let pad = "x".repeat(8_000);
        let item = format!("{{\"id\":7,\"url\":\"{url}\",\"pad\":\"{pad}\"}}\n");
        dir.file("items.jsonl", item);
        dir.file("other.jsonl", format!("{{\"id\":8,\"url\":\"{url}\"}}\n"));
        let post = |words: &str| {
            let list = if words.contains("-i ") { "" } else { "-i items.jsonl" };
            let command = format!("fetch -X POST -q -o r.jsonl {list} {words}");
            gaits(&command).dir(dir.path())
        };
        let before = origin.requests();
        post(then).file_blocks(12).run().expect_exit(3);
        let others = between.map_or(0, |words| {
            post(words).run().expect_exit(0);
            1
        });
        if let Some(why) = refused {
            post(now).run().expect_refused(why);
        } else {
            post(now).run().expect_exit(1);
            let records = parse_file(&dir.at("r.jsonl"));
            assert_eq!(records.len(), others + 1);
            let failed: Vec<_> = records.kinds().into_iter().flatten().collect();
            assert_eq!(failed, [gaits_core::ErrorKind::Cancelled]);
        }
        assert_eq!(origin.requests() - before, others as u64 + 1, "{then} and then {now}");
    }
}

#[test]
fn what_is_left_undone_does_not_hold_what_was_done_before() {
    let (origin, dir) = (origin(), Dir::new());
    let base = origin.url("/uuid");
    let list = dir.file("urls.txt", urls(&base, 30));
    let file = dir.at("results.jsonl");
    fetch(&list, &file, "").expect_exit(0);
    let refused = origin.url("/status/401");
    dir.file("urls.txt", urls(&base, 30) + &urls(&refused, 20));
    fetch(&list, &file, "--stop-on 401")
        .expect_exit(4)
        .expect_stderr_contains("20 of 20 were not done")
        .expect_stderr_contains("30 items were done before");
}

#[test]
fn items_are_known_again_by_a_field_of_theirs() {
    let origin = Origin::start(Config::default()).unwrap();
    let dir = Dir::new();
    let item = |id: u32, path: &str| format!("{{\"id\":{id},\"url\":\"{}\"}}\n", origin.url(path));
    let run = |list: String| {
        dir.file("items.jsonl", list);
        let before = origin.requests();
        let command = "fetch -i items.jsonl -o r.jsonl --key id -q";
        gaits(command).dir(dir.path()).run().expect_exit(0);
        origin.requests() - before
    };
    assert_eq!(run(item(1, "/get") + &item(2, "/get?b")), 2);
    // In another order, with another URL, and one more; the second 3 is the first.
    let list = item(3, "/get") + &item(2, "/uuid") + &item(1, "/get") + &item(3, "/uuid");
    assert_eq!(run(list.clone()), 1);
    assert_eq!(run(list), 0);
    let records = std::fs::read_to_string(dir.path().join("r.jsonl")).unwrap();
    assert_eq!(records.lines().count(), 3, "{records}");
    let refused = gaits("fetch -i items.jsonl -o r.jsonl -q").dir(dir.path()).run();
    refused.expect_refused("--key was id, is not given now");
}
