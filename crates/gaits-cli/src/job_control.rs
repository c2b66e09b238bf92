//! Ctrl-Z and `fg`: stops this process with its worker processes and commands, and lets all of them go on together.
//!
//! A terminal sends SIGTSTP to its foreground process group. Workers and commands have groups of their own, so that Ctrl-C
//! does not reach them; so they are stopped from here. Limit: SIGSTOP can't be caught; it stops this process alone, and the
//! workers finish what they hold.

use gaits::while_stopped;
use gaits_work::processes::Process;
use nix::sys::signal::{Signal, kill, killpg, raise};
use nix::unistd::{Pid, getpgrp};
use signal_hook::consts::SIGTSTP;
use signal_hook::iterator::Signals;
use std::collections::HashMap;
use std::io;
use std::thread;
use std::time::Duration;

/// How often it is looked whether the workers have stopped.
const LOOK: Duration = Duration::from_millis(2);
/// After so many looks, half a second, a worker that has not stopped is made to.
const LOOKS: u32 = 250;
/// A worker process gives its commands less time: it must have stopped itself before its parent makes it.
const LOOKS_OF_WORKER: u32 = 100;

/// The descriptors that a worker process gets from its parent: `docs/design/processes.md`.
const OF_PARENT: [u32; 2] = [3, 4];

/// Stops what this process has started and then itself, and comes back when it is continued and has continued the others.
pub(crate) fn stop_all() {
    stop_after(LOOKS);
}

/// The same, giving the others so many looks to stop by themselves.
fn stop_after(looks: u32) {
    let ours = getpgrp().as_raw();
    let all: HashMap<i32, Process> = Process::all().collect();
    // Nobody could continue it: it is on a terminal without a shell that controls jobs.
    if is_orphaned(ours, &all) {
        return;
    }
    let me = Pid::this().as_raw();
    let session = all.get(&me).map(|process| process.session);
    let workers: Vec<(i32, i32)> = all
        .iter()
        // The guard of commands has a session of its own. It runs on: this process may be killed while it is stopped.
        .filter(|(_, process)| process.parent == me && Some(process.session) == session)
        .map(|(pid, process)| (*pid, process.group))
        .collect();
    // Whoever is gone by now needs no signal.
    let signal = |(pid, group): (i32, i32), signal| {
        let _ = if group == ours {
            kill(Pid::from_raw(pid), signal)
        } else {
            killpg(Pid::from_raw(group), signal)
        };
    };
    for worker in &workers {
        signal(*worker, Signal::SIGTSTP);
    }
    // A worker that stopped only after it was told to continue would stay stopped.
    for _ in 0..looks {
        if workers.iter().all(|(pid, _)| has_stopped(*pid)) {
            break;
        }
        thread::sleep(LOOK);
    }
    for worker in workers.iter().filter(|(pid, _)| !has_stopped(*pid)) {
        signal(*worker, Signal::SIGSTOP);
    }
    while_stopped(|| {
        let _ = raise(Signal::SIGSTOP);
    });
    for worker in &workers {
        signal(*worker, Signal::SIGCONT);
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
            stop_all();
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

/// Whether a process is stopped, or gone.
fn has_stopped(pid: i32) -> bool {
    Process::of(pid).is_none_or(|process| matches!(process.state, 'T' | 't' | 'Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
