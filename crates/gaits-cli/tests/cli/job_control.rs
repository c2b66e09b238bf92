//! Ctrl-Z and `fg`, as a shell does them: who stops, and that nothing fails for it.

use crate::harness::{Running, children_of, eventually, gaits, is_stopped};
use crate::held::Held;
use crate::interrupts::held_up;
use nix::sys::signal::Signal;
use std::thread;
use std::time::Duration;

/// Stops it, and waits until it has stopped, workers included; gives the workers.
fn stop(running: &Running) -> Vec<u32> {
    let workers = children_of(running.pid());
    running.ctrl_z();
    eventually("it is stopped", || is_stopped(running.pid()));
    // They are stopped before their parent is.
    for worker in &workers {
        assert!(is_stopped(*worker), "worker {worker} runs on");
    }
    workers
}

/// Continues it, and waits until its workers run again.
fn go_on(running: &Running, workers: &[u32]) {
    running.fg();
    for pid in workers.iter().chain([&running.pid()]) {
        eventually("it goes on", || !is_stopped(*pid));
    }
}

#[test]
fn ctrl_z_stops_a_run_with_its_workers_and_fg_continues_it() {
    for (model, in_flight) in [
        ("sequential", 1),
        ("threads:3", 3),
        ("async:4", 4),
        ("processes:3", 3),
        ("processes:2/async:3", 6),
        ("processes:2/threads:2", 4),
    ] {
        let (server, running) = held_up(model, 7, in_flight);
        let workers = stop(&running);
        assert_eq!(workers.is_empty(), !model.starts_with("processes"), "{model}");
        // What is in flight is answered while nobody is there to read it.
        let arrived = server.arrived();
        server.release();
        assert_eq!(server.arrived(), arrived, "{model}: a stopped run sends nothing");
        go_on(&running, &workers);
        let end = running.finish().expect_exit(0).expect_stderr_lacks("worker process");
        let records = end.records().expect_all_ok(500);
        assert!(records.iter().all(|record| record.attempts == 1), "{model}: {end:?}");
    }
}

#[test]
fn it_can_be_stopped_again_and_again() {
    let (server, running) = held_up("processes:2/async:3", 7, 6);
    for _ in 0..3 {
        let workers = stop(&running);
        go_on(&running, &workers);
    }
    server.release();
    running.finish().expect_exit(0).records().expect_all_ok(500);
}

#[test]
fn what_is_in_flight_does_not_run_out_of_time_while_it_is_stopped() {
    /// Far more than what is in flight needs, and less than the stop lasts.
    const TIMEOUT: &str = "4s";
    const STOP: Duration = Duration::from_secs(5);
    let runs: Vec<_> = ["async:4", "threads:4", "processes:2/async:2", "processes:4"]
        .map(|model| {
            let server = Held::after(0);
            let options = format!("--timeout {TIMEOUT} --connect-timeout {TIMEOUT} -m {model}");
            let running = gaits(&format!("fetch {} --count 8 {options}", server.url())).start();
            server.wait_until_held(4);
            let workers = stop(&running);
            (server, running, workers)
        })
        .into();
    // Time is what this is about.
    thread::sleep(STOP);
    for (server, running, workers) in runs {
        go_on(&running, &workers);
        server.release();
        let end = running.finish().expect_exit(0);
        // It was stopped for 5 s and what it took to see it.
        let told = end.stderr.split(" s of it stopped by Ctrl-Z, ").next().unwrap();
        let seconds: f64 = told.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(seconds >= STOP.as_secs_f64(), "{end:?}");
        end.records().expect_all_ok(8);
    }
}

#[test]
fn an_interrupt_that_comes_while_it_is_stopped_is_obeyed_when_it_goes_on() {
    let (server, running) = held_up("processes:2", 7, 2);
    let workers = stop(&running);
    running.signal(Signal::SIGINT);
    go_on(&running, &workers);
    running.wait_for_stderr("gaits: stopping; ");
    server.release();
    running.finish().expect_exit(130);
}

#[test]
fn workers_die_with_a_command_that_is_killed_while_it_is_stopped() {
    let (_server, running) = held_up("processes:2", 7, 2);
    let workers = stop(&running);
    running.signal(Signal::SIGKILL);
    for worker in workers {
        eventually("its workers are gone", || crate::harness::is_gone(worker));
    }
    running.finish().expect_killed_by(Signal::SIGKILL);
}
