//! `gaits compare --program`: whole programs against each other and against models.

use crate::harness::{Dir, gaits};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

fn relation(race: &serde_json::Value, name: &str) -> String {
    let rows = race["models"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{race}"));
    row["relation"].as_str().unwrap().to_owned()
}

#[test]
fn programs_and_models_race_as_whole_processes() {
    let command = "compare wait 0.02 -n 4 -m sequential,async --rounds 6 --json";
    let end = gaits(command).args(["--program", "sleep 0.5", "--name", "slow"]).run();
    let race = end.expect_exit(0).json();
    assert_eq!(relation(&race, "slow"), "slower", "{race}");
    let rows = race["models"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(
        (&row("slow")["command"], &row("slow")["threads"]),
        (&"sleep 0.5".into(), &().into())
    );
    assert!(row("async:100")["command"].is_null());
    // The start of the process counts, which is no part of the run of a model.
    let whole = row("async:100")["process_s"].as_f64().unwrap();
    let ranked = row("async:100")["wall_s"]["median"].as_f64().unwrap();
    assert!((ranked - whole).abs() < 0.01, "{race}");
}

#[test]
fn what_a_program_takes_is_counted_with_all_its_processes() {
    let busy = "sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done' & wait";
    let end = gaits("compare --rounds 1 --json").args(["--program", busy]).run().expect_exit(0);
    let row = &end.json()["models"][0];
    assert!(row["cpu_s"].as_f64().unwrap() > 0.01, "{row}");
    assert!(row["peak_memory_bytes"].as_u64().unwrap() > 100_000, "{row}");
    // What its items are, nobody knows.
    assert!(row["items_per_second"].is_null() && row["mean_in_flight"].is_null(), "{row}");
}

#[test]
fn the_same_program_twice_is_told_apart_by_its_number() {
    let twice = ["--program", "true", "--program", "true"];
    let race = gaits("compare --rounds 6 --json").args(twice).run().expect_exit(0).json();
    let names: Vec<&str> = race["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"true") && names.contains(&"true (2)"), "{race}");
    gaits("compare")
        .args(twice)
        .args(["--name", "a", "--name", "a"])
        .run()
        .expect_refused("a takes part twice");
    gaits("compare")
        .args(twice)
        .args(["--name=1", "--name=2", "--name=3"])
        .run()
        .expect_refused("3 names for 2 programs");
}

#[test]
fn what_is_to_be_done_before_and_after_is_done() {
    let dir = Dir::new();
    let end = gaits("compare --rounds 3 -q --json --program")
        .args([
            "echo run >> log",
            "--prepare",
            "echo prepare >> log",
            "--cleanup",
            "echo cleanup >> log",
        ])
        .dir(dir.path())
        .run();
    end.expect_exit(0);
    let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
    assert_eq!(log, format!("{}cleanup\n", "prepare\nrun\n".repeat(4)));
    let warm = gaits("compare --rounds 1 --warmup 3 -q --program")
        .args(["echo run >> warm"])
        .dir(dir.path())
        .run();
    warm.expect_exit(0);
    assert_eq!(std::fs::read_to_string(dir.path().join("warm")).unwrap().lines().count(), 4);
    let fails = gaits("compare --rounds 1 --program true --prepare false").run();
    fails.expect_exit(3).expect_stderr_contains("`false` of --prepare exited with status 1");
}

#[test]
fn a_race_with_programs_is_not_held_against_one_without() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run().expect_exit(0);
    run("compare wait 0 -n 1 -m async --rounds 1 -q --save without");
    run("compare wait 0 -n 1 -m async --rounds 1 -q --save with --program true");
    run("report --against without with")
        .expect_stdout_contains("other programs took part in one of the two races only");
}

#[test]
fn a_list_that_is_too_long_beside_a_program_is_refused_before_anything_runs() {
    let dir = Dir::new();
    let command = "compare -m sequential --program true --max-requests 60 command -n 100 --";
    let end = gaits(command).args(["sh", "-c", "echo x >> log"]).dir(dir.path()).run();
    end.expect_refused("the race needs 700 requests");
    assert!(!dir.path().join("log").exists());
}

#[test]
fn the_time_of_what_is_done_before_a_program_is_planned_for() {
    // Six rounds of a second each are more than what is left.
    let end = gaits("compare --program true --budget 5s --json -q --prepare").arg("sleep 1").run();
    let rounds = end.expect_exit(0).json()["rounds"].as_u64().unwrap();
    assert!((1..=3).contains(&rounds), "{rounds}");
}

#[test]
fn what_is_no_program_is_refused_before_anything_runs() {
    let refused = |command: &str| gaits("compare --program").args([command]).run();
    refused("no-such-program -x").expect_refused("there is no program no-such-program");
    refused("/no/such/program").expect_refused("there is no program /no/such/program");
    refused("echo 'open").expect_refused("a quote has no end");
    refused("").expect_refused("there are no words in it");
    gaits("compare --program true -m async").run().expect_refused("models need a work to do");
}

#[test]
fn a_program_that_fails_ends_the_race_at_once_and_tells_why() {
    let end = gaits("compare --program true --program").args(["echo oh >&2; exit 3"]).run();
    end.expect_exit(3).expect_stderr_contains("exited with status 3: oh");
    let bells = gaits("compare --program").args([r"printf 'a\033[31mb\007\n' >&2; false"]).run();
    let said = bells.expect_exit(3).stderr;
    assert!(
        said.contains("a[31mb") && !said.contains('\u{1b}') && !said.contains('\u{7}'),
        "{said:?}"
    );
}

#[test]
fn a_program_that_fails_now_and_then_is_not_ranked() {
    let dir = Dir::new();
    // The first run warms up; the third fails.
    let changes = "n=$(cat n 2>/dev/null || echo 0); echo $((n+1)) > n; [ $n != 2 ]";
    let end = gaits("compare --rounds 6 --program true --program")
        .args([changes, "--json"])
        .dir(dir.path())
        .run();
    let race = end.expect_exit(1).json();
    let rows = race["models"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == changes).unwrap();
    assert_eq!((&row["reason"], &row["failed"]["command"]), (&"runs_failed".into(), &1.into()));
}

#[test]
fn a_program_that_hangs_is_ended_with_all_that_it_has_started() {
    let dir = Dir::new();
    // The pipe ends when the last process that holds it does.
    let fifo = dir.path().join("held");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let hangs = "sh -c 'exec 9>held; sleep 1000 & sleep 1000'";
    let child = Command::new(env!("CARGO_BIN_EXE_gaits"))
        .args(["compare", "--program", hangs, "--budget", "1s"])
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let held = std::fs::File::open(&fifo).unwrap();
    let end = child.wait_with_output().unwrap();
    assert_eq!(end.status.code(), Some(3));
    let said = String::from_utf8(end.stderr).unwrap();
    assert!(
        said.contains("had not ended after") && said.contains("a larger --budget waits longer"),
        "{said}"
    );
    assert_eq!(BufReader::new(held).lines().count(), 0);
}

#[test]
fn a_flood_of_output_is_no_burden() {
    let floods = "head -c 50000000 /dev/zero; head -c 5000000 /dev/zero >&2";
    gaits("compare --rounds 1 --program").args([floods]).run().expect_exit(0);
}

#[test]
fn who_names_a_program_or_a_host_where_a_work_belongs_is_told_how() {
    let program = gaits("compare").args(["sleep 0.1"]).run();
    program.expect_refused("gaits compare --program 'sleep 0.1'");
    gaits("compare example.com").run().expect_refused("gaits compare https://example.com");
}

#[test]
fn a_program_ends_with_its_trial_and_with_its_race_whatever_kills_them() {
    for victim in ["trial", "race"] {
        let dir = Dir::new();
        let fifo = dir.path().join("held");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let long = "sh -c 'exec 9>held; echo $PPID >&9; sleep 1000 & sleep 1000'";
        let mut race = Command::new(env!("CARGO_BIN_EXE_gaits"))
            .args(["compare", "--program", long, "--rounds", "1", "-q"])
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut held = BufReader::new(std::fs::File::open(&fifo).unwrap()).lines();
        // The program's shell, whose parent is the trial: the command has more than words in it.
        let shell: u32 = held.next().unwrap().unwrap().parse().unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{shell}/stat")).unwrap();
        let trial: i32 = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_ascii_whitespace()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let pid = if victim == "trial" { trial } else { race.id().cast_signed() };
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL).unwrap();
        // It ends when the last that holds it does.
        assert_eq!(held.count(), 0, "{victim}");
        race.wait().unwrap();
    }
}
