//! Where records go, what is said besides, and how a run ends that can't write.

use crate::harness::{Dir, eventually, gaits, parse, parse_file};
use crate::held::Held;
use gaits_origin::{Config, Origin};
use nix::sys::signal::Signal;
use std::fs::{self, File};
use std::io::Read as _;

fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

#[test]
fn records_go_to_a_file_and_nothing_to_standard_output() {
    let (origin, dir) = (origin(), Dir::new());
    let file = dir.at("results.jsonl");
    let url = origin.url("/uuid");
    let end = gaits(&format!("fetch {url} --count 4 -o")).arg(&file).run();
    end.expect_exit(0).expect_no_stdout().expect_stderr_contains("4 of 4 ok");
    parse_file(&file).expect_all_ok(4);
}

#[test]
fn a_dash_is_standard_output() {
    let (origin, dir) = (origin(), Dir::new());
    let url = origin.url("/uuid");
    let end = gaits(&format!("fetch {url} -o -")).dir(dir.path()).run().expect_exit(0);
    end.records().expect_all_ok(1);
    assert!(!dir.at("-").exists());
}

#[test]
fn an_empty_file_is_written_to() {
    let (origin, dir) = (origin(), Dir::new());
    let file = dir.file("results.jsonl", "");
    gaits("fetch -o").arg(&file).arg(origin.url("/uuid")).run().expect_exit(0).expect_no_stdout();
    parse_file(&file).expect_all_ok(1);
}

#[test]
fn what_is_there_and_no_record_is_kept_unless_asked_to_start_over() {
    let (origin, dir) = (origin(), Dir::new());
    let file = dir.file("results.jsonl", "precious\n");
    let fetch = || gaits("fetch -o").arg(&file).arg(origin.url("/uuid"));
    fetch().run().expect_refused("does not hold records").expect_stderr_contains("--fresh");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious\n");
    assert_eq!(origin.requests(), 0, "nothing was started");
    fetch().arg("--fresh").run().expect_exit(0).expect_no_stdout();
    parse_file(&file).expect_all_ok(1);
}

#[test]
fn starting_over_with_nothing_to_do_keeps_what_is_there() {
    let dir = Dir::new();
    let (file, list) = (dir.file("results.jsonl", "precious\n"), dir.file("urls.txt", "# none\n"));
    gaits("fetch --fresh -o").arg(&file).arg("-i").arg(list).run().expect_refused("no items");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious\n");
}

#[test]
fn fresh_needs_a_file() {
    gaits("fetch http://127.0.0.1/ --fresh").run().expect_refused("--output");
}

#[test]
fn a_directory_for_output_is_refused() {
    let dir = Dir::new();
    gaits("fetch http://127.0.0.1/ -o").arg(dir.path()).run().expect_refused("it is a directory");
}

#[test]
fn an_output_in_no_directory_is_refused() {
    let dir = Dir::new();
    gaits("fetch http://127.0.0.1/ -o nosuch/results.jsonl")
        .dir(dir.path())
        .run()
        .expect_refused("can't write to nosuch/results.jsonl");
}

#[test]
fn the_input_is_not_written_over() {
    let (origin, dir) = (origin(), Dir::new());
    let list = format!("{}\n", origin.url("/uuid"));
    let file = dir.file("urls.txt", &list);
    let same = dir.at("same.txt");
    fs::hard_link(&file, &same).unwrap();
    for output in [&file, &same] {
        let end = gaits("fetch --fresh -i").arg(&file).arg("-o").arg(output).run();
        end.expect_refused("is the input");
    }
    let append = File::options().append(true).open(&file).unwrap();
    gaits("fetch -i").arg(&file).stdout_to(append).run().expect_refused("is the input");
    let read = File::open(&file).unwrap();
    let end = gaits("fetch --fresh -i - -o").arg(&file).stdin_from(read).run();
    end.expect_refused("is the input");
    assert_eq!(fs::read_to_string(&file).unwrap(), list);
}

#[test]
fn two_runs_do_not_write_to_one_file_and_a_dead_one_keeps_nobody_out() {
    let (origin, dir) = (origin(), Dir::new());
    let file = dir.at("results.jsonl");
    let url = origin.url("/uuid");
    let mut first = gaits("fetch -i - -o").arg(&file).stdin_open().start();
    first.say(&format!("{url}\n"));
    eventually("the first record is written", || {
        fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n'))
    });
    for fresh in ["", "--fresh"] {
        let second = gaits(&format!("fetch {url} {fresh} -o")).arg(&file).run();
        second.expect_refused("is being written to by another run");
    }
    assert_eq!(parse_file(&file).0.len(), 1, "nothing of it is gone");
    first.signal(Signal::SIGKILL);
    first.finish().expect_killed_by(Signal::SIGKILL);
    gaits(&format!("fetch {url} --count 3 --fresh -o")).arg(&file).run().expect_exit(0);
    assert_eq!(parse_file(&file).0.len(), 3);
}

#[test]
fn a_full_disk_ends_the_run_and_says_so() {
    let origin = origin();
    let url = origin.url("/uuid");
    for model in ["sequential", "threads:2", "processes:2", "async", "processes:2/async"] {
        let end = gaits(&format!("fetch {url} --count 2000 -m {model} -o /dev/full")).run();
        end.expect_exit(3)
            .expect_no_stdout()
            .expect_stderr_contains("can't write to /dev/full")
            .expect_stderr_contains("No space left on device")
            .expect_stderr_lacks("panicked");
    }
}

#[test]
fn standard_output_on_a_full_disk_ends_the_run_as_well() {
    let origin = origin();
    let full = File::options().write(true).open("/dev/full").unwrap();
    gaits("fetch").arg(origin.url("/uuid")).stdout_to(full).run().expect_exit(3).expect_stderr(
        "error: can't write to standard output, so the run was stopped; \
         the records that are there are whole: No space left on device (os error 28)\n",
    );
}

#[test]
fn a_disk_that_fills_up_leaves_whole_records() {
    let (origin, dir) = (origin(), Dir::new());
    let file = dir.at("results.jsonl");
    let url = origin.url("/uuid");
    let fetch = gaits(&format!("fetch {url} --count 2000 -o")).arg(&file).file_blocks(9);
    let end = fetch.run().expect_exit(3);
    end.expect_stderr_contains("the records that are there are whole: File too large");
    assert!(!parse_file(&file).is_empty());
}

#[test]
fn a_reader_that_goes_away_ends_the_run_quietly() {
    let origin = origin();
    let url = origin.url("/uuid");
    for model in ["sequential", "threads:2", "processes:2", "async", "processes:2/async"] {
        let command = format!("fetch {url} --count 100000 -m {model}");
        gaits(&command).stdout_closed().run().expect_exit(3).expect_stderr("");
    }
}

#[test]
fn nobody_to_talk_to_is_no_reason_to_stop() {
    let (origin, dir) = (origin(), Dir::new());
    let file = dir.at("results.jsonl");
    let url = origin.url("/uuid");
    let end = gaits(&format!("fetch {url} nonsense -o"))
        .arg(&file)
        .stdout_closed()
        .stderr_to(crate::harness::closed_pipe())
        .run();
    end.expect_exit(1).expect_no_stdout();
    parse_file(&file).expect_items(2);
    gaits("fetch").stdout_closed().stderr_to(crate::harness::closed_pipe()).run().expect_exit(2);
}

#[test]
fn streams_that_were_never_open_are_no_trouble() {
    let (origin, dir) = (origin(), Dir::new());
    let url = origin.url("/uuid");
    // The shell closes them; a file that takes the number of a standard stream would be written to by mistake.
    for model in ["async", "processes:2"] {
        let file = dir.at(&format!("{}.jsonl", &model[..5]));
        let line = format!("exec \"$0\" fetch {url} nonsense -m {model} -o \"$1\" <&- >&- 2>&-");
        let status = std::process::Command::new("/bin/sh")
            .args(["-c", &line, env!("CARGO_BIN_EXE_gaits")])
            .arg(&file)
            .status();
        assert_eq!(status.unwrap().code(), Some(1), "{model}");
        parse_file(&file).expect_items(2);
    }
}

#[test]
fn the_summary_tells_what_happened() {
    let origin = origin();
    let (fine, gone) = (origin.url("/bytes/1000"), origin.url("/status/404"));
    let end = gaits(&format!("fetch {fine} {gone} --count 6 -m threads:2")).run().expect_exit(1);
    end.records().expect_items(6);
    end.expect_stderr_contains("3 of 6 ok, 3 failed")
        .expect_stderr_contains("http_status 3")
        .expect_stderr_contains("404")
        .expect_stderr_contains("wall time")
        .expect_stderr_contains("items/s")
        .expect_stderr_contains("p50")
        .expect_stderr_contains("p99")
        .expect_stderr_contains("threads:2: ");
}

#[test]
fn quiet_means_no_summary() {
    let origin = origin();
    for quiet in ["--quiet", "-q"] {
        let end = gaits(&format!("fetch {quiet} nonsense")).arg(origin.url("/uuid")).run();
        end.records().expect_items(2);
        end.expect_exit(1).expect_stderr("");
    }
}

#[test]
fn what_is_no_terminal_gets_neither_colour_nor_a_bar() {
    let origin = origin();
    for value in ["", "1"] {
        let end = gaits("fetch nonsense").arg(origin.url("/uuid")).env("NO_COLOR", value).run();
        let text = format!("{}{}", end.stdout, end.stderr);
        assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{text}");
        parse(&end.stdout).expect_items(2);
    }
}

#[test]
fn without_a_standard_output_at_all_nothing_is_fetched() {
    let origin = Origin::start(Config::default()).unwrap();
    let end = std::process::Command::new("/bin/sh")
        .args(["-c", "exec \"$0\" fetch \"$1\" >&-", env!("CARGO_BIN_EXE_gaits")])
        .arg(origin.url("/uuid"))
        .output()
        .unwrap();
    assert_eq!(end.status.code(), Some(2));
    let said = String::from_utf8(end.stderr).unwrap();
    assert!(said.contains("standard output is closed"), "{said}");
    assert_eq!(origin.requests(), 0);
    // Thrown away on purpose is another matter.
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
    gaits(&format!("fetch {}", origin.url("/uuid"))).stdout_to(null).run().expect_exit(0);
}

#[test]
fn an_interrupted_run_names_the_command_that_finishes_the_rest() {
    let (server, dir) = (Held::after(3), Dir::new());
    let running = gaits("fetch --count 9 -m sequential --fresh -o results.jsonl")
        .args(["-H", "X-Key: s3cret", "-H", "Accept: text/plain"])
        .arg(server.url())
        .dir(dir.path())
        .start();
    server.wait_until_held(1);
    running.interrupt();
    running.wait_for_stderr("gaits: stopping; ");
    server.release();
    let end = running.finish().expect_exit(130).expect_stderr_lacks("s3cret");
    let rest = format!(
        "gaits: to do the rest (*** stands for what may be secret): {} fetch --count 9 -m sequential \
         -o results.jsonl -H 'X-Key: ***' -H 'Accept: text/plain' {}\n",
        env!("CARGO_BIN_EXE_gaits"),
        server.url()
    );
    end.expect_stderr_contains(&rest);
}

#[test]
fn failed_items_in_a_file_can_be_done_again_and_a_stream_can_not_be_continued() {
    let (dir, hint) = (Dir::new(), "--retry-failed does the failed items again");
    let command = "fetch nonsense";
    gaits(command).arg("-o").arg(dir.at("a")).run().expect_exit(1).expect_stderr_contains(hint);
    gaits(command).run().expect_exit(1).expect_stderr_lacks(hint);
    gaits(command).arg("-q").arg("-o").arg(dir.at("b")).run().expect_exit(1).expect_stderr("");
    gaits("run wait 0 -o").arg(dir.at("c")).run().expect_exit(0).expect_stderr_lacks("gaits: ");
}

#[test]
fn the_summary_tells_hosts_apart_where_there_are_several() {
    let origin = Origin::start(Config::default()).unwrap();
    let (one, other) = (origin.url("/uuid"), origin.url("/status/500"));
    let elsewhere = other.replace("127.0.0.1", "127.0.0.2");
    let end = gaits("fetch").arg(&one).arg(&one).arg(&elsewhere).run();
    let port = one.split([':', '/']).nth(4).unwrap();
    end.expect_exit(1)
        .expect_stderr_contains(&format!("\nhosts        127.0.0.2:{port}: 1 item, 1 failed\n"))
        .expect_stderr_contains(&format!("\n             127.0.0.1:{port}: 2 items, p50 "));
    gaits("fetch").arg(&one).arg(&other).run().expect_stderr_lacks("hosts");
}

#[test]
fn a_named_pipe_is_waited_for_and_its_end_is_noticed() {
    let (origin, dir) = (origin(), Dir::new());
    let pipe = dir.at("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let fetch = |count: u32| {
        gaits(&format!("fetch {} -q -n {count} -o", origin.url("/uuid"))).arg(&pipe).start()
    };
    let run = fetch(3);
    let records = fs::read_to_string(&pipe).unwrap();
    run.finish().expect_exit(0);
    parse(&records).expect_all_ok(3);
    // Whoever reads has seen enough, and there is more than a pipe holds.
    let run = fetch(100_000);
    let mut first = [0; 100];
    File::open(&pipe).unwrap().read_exact(&mut first).unwrap();
    run.finish().expect_exit(3);
}

#[test]
fn options_may_stand_in_front_of_the_work_and_behind_it() {
    let dir = Dir::new();
    let run = |words: &str| gaits(&format!("run {words}")).dir(dir.path()).run();
    run("-o r.jsonl wait --count 2 --for 0ms --retry-failed").expect_exit(0);
    run("--format csv wait --count 2 --for 0ms --columns item").expect_exit(0);
    for (words, why) in [
        (
            "--fresh -o r.jsonl wait --count 2 --for 0ms --retry-failed",
            "--fresh in front of `wait` cannot be used with --retry-failed behind it",
        ),
        ("--key item wait --count 2 --for 0ms", "name it with --output FILE"),
        ("--columns item wait --count 2 --for 0ms", "ask for one with --format"),
        (
            "--rate 5/s wait --count 2 --for 0ms --delay 2s",
            "--rate in front of `wait` cannot be used with --delay behind it",
        ),
    ] {
        run(words).expect_refused(why);
    }
}
