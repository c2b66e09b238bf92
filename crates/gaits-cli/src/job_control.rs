//! Ctrl-Z and `fg`: stops this process with its worker processes and commands, and lets all of them go on together.
//!
//! A terminal sends SIGTSTP to its foreground process group. Workers and commands have groups of their own, so that Ctrl-C
//! does not reach them; so they are stopped from here. Limit: SIGSTOP can't be caught; it stops this process alone, and the
//! workers finish what they hold.

use gaits::while_stopped;
use gaits_work::processes::{self, Process};
use nix::sys::signal::{Signal, kill, killpg, raise};
use nix::unistd::{Pid, getpgrp};
use signal_hook::consts::SIGTSTP;
use signal_hook::iterator::Signals;
use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How often it is looked whether the workers have stopped.
const LOOK: Duration = Duration::from_millis(2);
/// After so many looks, half a second, a worker that has not stopped is made to.
const LOOKS: u32 = 250;
/// The process of a trial gives its workers less time, and a worker its commands even less: each must have stopped itself
/// before its parent makes it.
const LOOKS_OF_TRIAL: u32 = 175;
const LOOKS_OF_WORKER: u32 = 100;

/// How often it is looked whether a worker that was made to stop has stopped once more, and for how long: five seconds.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
const LOOKS_AGAIN: u32 = 500;

/// How often this process has been told to stop. Held while workers are continued by a look: a look that belongs to an
/// earlier stop must not continue what the next one has just stopped.
static STOPS: Mutex<u64> = Mutex::new(0);

/// The descriptors that a worker process gets from its parent: `docs/design/processes.md`.
const OF_PARENT: [u32; 2] = [3, 4];

/// Stops what this process has started and then itself, and comes back when it is continued and has continued the others.
pub(crate) fn stop_all() {
    stop_after(LOOKS);
}

/// The same, giving the others so many looks to stop by themselves.
fn stop_after(looks: u32) {
    processes::while_none_starts(|| stop_all_of(&Process::all().collect(), looks));
}

/// The same, where all processes are known.
fn stop_all_of(all: &HashMap<i32, Process>, looks: u32) {
    // Nobody could continue it: it is on a terminal without a shell that controls jobs.
    if is_orphaned(getpgrp().as_raw(), all) {
        return;
    }
    let stop = next_stop();
    let me = Pid::this().as_raw();
    let session = all.get(&me).map(|process| process.session);
    let workers: Vec<Child> = all
        .iter()
        // The guard of commands has a session of its own. It runs on: this process may be killed while it is stopped.
        .filter(|(_, process)| process.parent == me && Some(process.session) == session)
        .map(|(pid, process)| Child { pid: *pid, group: process.group })
        .collect();
    for worker in &workers {
        worker.signal(Signal::SIGTSTP);
    }
    // A worker that stopped only after it was told to continue would stay stopped.
    for _ in 0..looks {
        if workers.iter().all(|worker| worker.has_stopped()) {
            break;
        }
        thread::sleep(LOOK);
    }
    let made_to: Vec<Child> =
        workers.iter().filter(|worker| !worker.has_stopped()).copied().collect();
    for worker in &made_to {
        worker.signal(Signal::SIGSTOP);
    }
    while_stopped(|| {
        let _ = raise(Signal::SIGSTOP);
    });
    for worker in &workers {
        worker.signal(Signal::SIGCONT);
    }
    if !made_to.is_empty() {
        // Without the thread, a worker may stay stopped; `kill -CONT` helps.
        let _ = thread::Builder::new()
            .name("continue".into())
            .spawn(move || continue_again(&made_to, stop));
    }
}

/// A stop begins. Gives its number; looks of the one before end.
fn next_stop() -> u64 {
    let mut stops = STOPS.lock().unwrap_or_else(PoisonError::into_inner);
    *stops += 1;
    *stops
}

/// Continues those workers once more that have been made to stop while they were about to stop themselves. When they are
/// continued they finish that, and stop for a second time. Ends after a while, or when this process is told to stop again.
fn continue_again(workers: &[Child], stop: u64) {
    for _ in 0..LOOKS_AGAIN {
        let stops = STOPS.lock().unwrap_or_else(PoisonError::into_inner);
        if *stops != stop {
            return;
        }
        for worker in workers.iter().filter(|worker| worker.is_ours_and_stopped()) {
            worker.signal(Signal::SIGCONT);
        }
        drop(stops);
        thread::sleep(LOOK_AGAIN);
    }
}

/// A process that this one has started.
#[derive(Debug, Clone, Copy)]
struct Child {
    pid: i32,
    group: i32,
}

impl Child {
    /// Sends it a signal, with what is in its process group if that is its own. Whoever is gone by now needs none.
    fn signal(self, signal: Signal) {
        let _ = if self.group == getpgrp().as_raw() {
            kill(Pid::from_raw(self.pid), signal)
        } else {
            killpg(Pid::from_raw(self.group), signal)
        };
    }

    /// Whether it is stopped, or gone.
    fn has_stopped(self) -> bool {
        Process::of(self.pid).is_none_or(|process| matches!(process.state, 'T' | 't' | 'Z' | 'X'))
    }

    /// Whether it is stopped and there: its number may be another's by now.
    fn is_ours_and_stopped(self) -> bool {
        let me = Pid::this().as_raw();
        Process::of(self.pid).is_some_and(|process| process.state == 'T' && process.parent == me)
    }
}

/// Lets a worker process know for how long it was stopped: its time-outs leave that out. Its commands are stopped with it.
/// Without that, the worker stops all the same.
pub(crate) fn stop_with_parent() -> io::Result<()> {
    // Somebody has called the verb by hand: what is opened here must not pass for what a parent has put in place.
    let is_open = |fd| std::fs::symlink_metadata(format!("/proc/self/fd/{fd}")).is_ok();
    if !OF_PARENT.into_iter().all(is_open) {
        return Ok(());
    }
    let mut signals = Signals::new([SIGTSTP])?;
    thread::Builder::new().name("stop".into()).spawn(move || {
        for _ in &mut signals {
            stop_after(LOOKS_OF_WORKER);
        }
    })?;
    Ok(())
}

/// The same for a process that has workers of its own: they are stopped with it.
pub(crate) fn stop_workers_with_parent() -> io::Result<()> {
    let mut signals = Signals::new([SIGTSTP])?;
    thread::Builder::new().name("stop".into()).spawn(move || {
        for _ in &mut signals {
            stop_after(LOOKS_OF_TRIAL);
        }
    })?;
    Ok(())
}

/// Whether the kernel calls a process group orphaned: no process in it has a parent in another group of the same session.
/// It stops none of them at SIGTSTP, since there is no shell that could continue them.
fn is_orphaned(group: i32, all: &HashMap<i32, Process>) -> bool {
    !all.values().filter(|process| process.group == group).any(|process| {
        all.get(&process.parent)
            .is_some_and(|parent| parent.group != group && parent.session == process.session)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    fn of(parent: i32, group: i32, session: i32) -> Process {
        Process { state: 'S', parent, group, session }
    }

    #[test]
    fn a_group_without_a_shell_above_it_is_orphaned() {
        // A shell, a script that it has started, and a command of that script.
        let mut all = HashMap::from([(2, of(1, 2, 2)), (5, of(2, 5, 2)), (6, of(5, 5, 2))]);
        assert!(!is_orphaned(5, &all));
        // The shell is of another session, as that of a terminal's own command is.
        all.insert(2, of(1, 2, 1));
        assert!(is_orphaned(5, &all));
        all.remove(&2);
        assert!(is_orphaned(5, &all));
    }

    #[test]
    fn a_worker_that_stops_once_more_after_it_was_continued_is_continued_again() {
        // It stops itself twice, as one does that was made to stop while it was about to.
        let mut process = Command::new("sh")
            .args(["-c", "kill -STOP $$; kill -STOP $$"])
            .process_group(0)
            .spawn()
            .unwrap();
        let pid = process.id().cast_signed();
        let worker = Child { pid, group: pid };
        let stop = next_stop();
        // An earlier stop's looks do nothing.
        continue_again(&[worker], stop - 1);
        while !worker.is_ours_and_stopped() {
            thread::sleep(LOOK);
        }
        worker.signal(Signal::SIGCONT);
        let looks = thread::Builder::new().spawn(move || continue_again(&[worker], stop)).unwrap();
        assert!(process.wait().unwrap().success());
        // The next stop ends them.
        next_stop();
        looks.join().unwrap();
    }
}
