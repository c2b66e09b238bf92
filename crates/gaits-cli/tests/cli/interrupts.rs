//! Ctrl-C, once and twice, and the death of the command: what is recorded, and what is left behind.

use crate::harness::{Dir, Running, children_of, eventually, gaits, is_gone, parse_file};
use crate::held::Held;
use gaits_origin::{Config, Origin};
use nix::sys::signal::Signal;

/// Models, with how many items each has in flight.
const MODELS: [(&str, u64); 7] = [
    ("sequential", 1),
    ("threads:3", 3),
    ("processes:3", 3),
    ("async:4", 4),
    ("threads:2/async:2", 4),
    ("processes:2/async:3", 6),
    ("processes:2/threads:2", 4),
];

/// A run of far more items than its model holds, with `done` of them recorded and all its workers held at the next.
pub(crate) fn held_up(model: &str, done: u64, in_flight: u64) -> (Held, Running) {
    let server = Held::after(done);
    let running = gaits(&format!("fetch {} --count 500 -m {model}", server.url())).start();
    running.wait_for_lines(usize::try_from(done).unwrap());
    server.wait_until_held(in_flight);
    (server, running)
}

/// Ends it with one signal, and finishes what is in flight.
fn stop_in_good_order(signal: impl Fn(&Running)) {
    for (model, in_flight) in MODELS {
        let (server, running) = held_up(model, 7, in_flight);
        signal(&running);
        running.wait_for_stderr("gaits: stopping; ");
        server.release();
        let end = running.finish().expect_exit(130);
        let records = end.records();
        assert!(records.iter().all(|record| record.outcome.is_ok()), "{model}: {end:?}");
        let done = records.len() as u64;
        assert_eq!(done, server.arrived(), "{model}: what was started is recorded: {end:?}");
        // A worker process may begin what it holds already before it hears of the end.
        let ahead = if model.starts_with("processes") { 4 * in_flight } else { 0 };
        assert!((7 + in_flight..=7 + in_flight + ahead).contains(&done), "{model}: {end:?}");
        let left = format!("interrupted: {} of 500 were not done", 500 - done);
        end.expect_stderr_contains(&left)
            .expect_stderr_contains(&format!("gaits: stopping; {in_flight} in flight"))
            .expect_stderr_lacks("worker process");
    }
}

#[test]
fn ctrl_c_finishes_what_is_in_flight_and_starts_nothing_more() {
    stop_in_good_order(Running::interrupt);
}

#[test]
fn sigterm_finishes_what_is_in_flight_as_well() {
    stop_in_good_order(|running| running.signal(Signal::SIGTERM));
}

#[test]
fn the_end_of_the_terminal_finishes_what_is_in_flight_however_often_it_is_told() {
    stop_in_good_order(|running| {
        running.signal(Signal::SIGHUP);
        running.wait_for_stderr("gaits: stopping; ");
        running.signal(Signal::SIGHUP);
    });
}

#[test]
fn a_run_that_gives_a_table_ends_in_good_order_with_its_terminal_and_goes_on() {
    let (server, dir) = (Held::after(3), Dir::new());
    let command = || {
        let command = gaits(&format!("fetch {} --count 9 -m async:2 --format csv", server.url()));
        command.args(["--columns", "index", "-o"]).arg(dir.at("table.csv"))
    };
    let running = command().start();
    server.wait_until_held(2);
    running.signal(Signal::SIGHUP);
    running.wait_for_stderr("gaits: stopping; ");
    server.release();
    let end = running.finish().expect_exit(130);
    end.expect_stderr_contains("table.csv is written when all items are done");
    assert!(!dir.at("table.csv").exists());
    command().run().expect_exit(0).expect_stderr_contains("gaits: 5 items were done before");
    assert_eq!(std::fs::read_to_string(dir.at("table.csv")).unwrap().lines().count(), 10);
}

#[test]
fn under_nohup_a_run_outlives_its_terminal() {
    let server = Held::after(0);
    let command = gaits(&format!("fetch {} -q", server.url()));
    let running = command.started_by(&["nohup".as_ref()]).start();
    server.wait_until_held(1);
    running.signal(Signal::SIGHUP);
    server.release();
    running.finish().expect_exit(0).records().expect_all_ok(1);
}

#[test]
fn a_sigterm_to_all_its_processes_is_as_good_as_one_to_it_alone() {
    // As `systemctl stop` and `pkill gaits` send it. The workers hear of it first, which is the worse order.
    stop_in_good_order(|running| {
        let pids = children_of(running.pid()).into_iter().chain([running.pid()]);
        pids.for_each(|pid| send(pid, Signal::SIGTERM));
    });
}

#[test]
fn workers_do_what_their_parent_says_and_not_what_signals_say() {
    let (server, running) = held_up("processes:2/async:2", 7, 4);
    for worker in children_of(running.pid()) {
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            send(worker, signal);
        }
    }
    server.release();
    let end = running.finish().expect_exit(0).expect_stderr_lacks("worker process");
    let records = end.records().expect_all_ok(500);
    assert!(records.iter().all(|record| record.attempts == 1), "{end:?}");
}

fn send(pid: u32, signal: Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

#[test]
fn ctrl_c_twice_ends_at_once_with_what_is_recorded() {
    for (model, in_flight) in MODELS {
        let (server, running) = held_up(model, 7, in_flight);
        let workers = children_of(running.pid());
        assert_eq!(workers.is_empty(), !model.starts_with("processes"), "{model}");
        running.interrupt();
        running.wait_for_stderr("gaits: stopping; ");
        running.interrupt();
        let end = running.finish().expect_exit(130);
        assert_eq!(server.arrived(), 7 + in_flight, "{model}: the answers are still held");
        let records = end.records();
        assert_eq!(records.len(), 7, "{model}: {end:?}");
        assert!(records.iter().all(|record| record.outcome.is_ok()), "{model}: {end:?}");
        end.expect_stderr_contains("interrupted: 493 of 500 were not done")
            .expect_stderr_lacks("panicked");
        for worker in workers {
            eventually("its workers are gone", || is_gone(worker));
        }
    }
}

#[test]
fn sigterm_twice_ends_at_once_as_well() {
    for (model, in_flight) in [("threads:2", 2), ("processes:2", 2)] {
        let (_server, running) = held_up(model, 3, in_flight);
        running.signal(Signal::SIGTERM);
        running.wait_for_stderr("gaits: stopping; ");
        running.signal(Signal::SIGTERM);
        assert_eq!(running.finish().expect_exit(130).records().len(), 3, "{model}");
    }
}

#[test]
fn computations_and_sleeps_are_left_when_it_must_end_at_once() {
    for (model, work) in [
        ("sequential", "wait 80000 --blocking"),
        ("threads:2", "wait 80000 80000 --blocking"),
        ("async", "wait 80000 --blocking"),
        ("async/threads:2", "wait 80000 80000 --blocking"),
        ("processes:2", "wait 80000 80000 --blocking"),
        ("processes:2/async", "wait 80000 80000 --blocking"),
        ("threads:2", "cpu product --n 100 --count 2"),
    ] {
        let running = gaits(&format!("run {work} -m {model}")).start();
        // Nothing tells from outside when a sleep begins; that it listens to signals, /proc does.
        eventually("it listens for signals", || listens(running.pid()));
        running.interrupt();
        running.wait_for_stderr("gaits: stopping; ");
        running.interrupt();
        running.finish().expect_exit(130).expect_no_stdout();
    }
}

/// Whether a process catches SIGINT and does something about it. The kernel is told of a handler a moment before the
/// handler knows what to do; SIGTERM, whose turn comes next, shows that the moment is over.
pub(crate) fn listens(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
    u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << (Signal::SIGTERM as u64 - 1)) != 0
}

#[test]
fn a_results_file_is_whole_after_any_interrupt() {
    for (model, in_flight) in [("async:4", 4), ("processes:2", 2)] {
        let (server, dir) = (Held::after(100), Dir::new());
        let file = dir.at("results.jsonl");
        let command = format!("fetch {} --count 500 -m {model} -o", server.url());
        let running = gaits(&command).arg(&file).start();
        server.wait_until_held(in_flight);
        eventually("a hundred are recorded", || {
            std::fs::read_to_string(&file).is_ok_and(|text| text.matches('\n').count() >= 100)
        });
        running.interrupt();
        running.wait_for_stderr("gaits: stopping; ");
        running.interrupt();
        running.finish().expect_exit(130).expect_no_stdout();
        assert_eq!(parse_file(&file).len(), 100, "{model}");
    }
}

#[test]
fn records_that_were_written_survive_the_death_of_the_command_and_its_workers_do_not() {
    for (model, in_flight) in
        [("processes:3", 3), ("processes:2/async:3", 6), ("processes:2/threads:2", 4)]
    {
        let (_server, running) = held_up(model, 7, in_flight);
        let workers = children_of(running.pid());
        assert!(!workers.is_empty(), "{model}");
        running.signal(Signal::SIGKILL);
        for worker in workers {
            eventually("its workers are gone", || is_gone(worker));
        }
        let end = running.finish().expect_killed_by(Signal::SIGKILL);
        assert!(end.records().len() >= 7, "{model}: {end:?}");
    }
}

#[test]
fn a_worker_that_is_killed_costs_an_attempt_and_no_item() {
    let (server, running) = held_up("processes:2", 7, 2);
    let victim = children_of(running.pid())[0];
    send(victim, Signal::SIGKILL);
    running.wait_for_stderr(&format!("worker process {victim} was killed by signal 9 (SIGKILL)"));
    server.release();
    let end = running.finish().expect_exit(0);
    let records = end.records().expect_all_ok(500);
    assert_eq!(records.iter().filter(|record| record.attempts == 2).count(), 1, "{end:?}");
}

#[test]
fn an_endless_input_yields_records_while_it_is_open_and_an_interrupt_ends_it() {
    let origin = Origin::start(Config::default()).unwrap();
    let url = origin.url("/uuid");
    for (model, _) in MODELS {
        let mut running = gaits(&format!("fetch -i - -m {model}")).stdin_open().start();
        for lines in 1..=3 {
            running.say(&format!("{url}\n"));
            running.wait_for_lines(lines);
        }
        // Half a line is no item yet.
        running.say("http://127.0");
        running.interrupt();
        // Its input stays open until it has ended.
        let end = running.finish_with_input_open().expect_exit(130);
        end.records().expect_all_ok(3);
        end.expect_stderr_contains("interrupted: the rest was not done");
    }
}

#[test]
fn an_endless_input_may_end_after_all() {
    let origin = Origin::start(Config::default()).unwrap();
    let mut running = gaits("fetch -i - -m async").stdin_open().start();
    running.say(&format!("{}\n", origin.url("/uuid")));
    running.wait_for_lines(1);
    // The last line may lack its end.
    running.say(&origin.url("/json"));
    running.end_input();
    running.finish().expect_exit(0).records().expect_all_ok(2);
}

#[test]
fn two_interrupts_end_a_run_whose_records_nobody_takes() {
    let (unread, pipe) = std::io::pipe().unwrap();
    let running = gaits("run wait --count 1000000 --for 0s -m async:10").stdout_to(pipe).start();
    let pid = running.pid();
    // What a thread waits for, as the kernel names it.
    let waits_for_pipe = |task: std::fs::DirEntry| {
        let place = std::fs::read_to_string(task.path().join("wchan")).unwrap_or_default();
        place.contains("pipe")
    };
    eventually("the pipe is full", || {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        tasks.flatten().any(waits_for_pipe)
    });
    running.interrupt();
    // Another one, since two of the same at a time are one.
    running.signal(Signal::SIGTERM);
    running.finish().expect_exit(130);
    drop(unread);
}
