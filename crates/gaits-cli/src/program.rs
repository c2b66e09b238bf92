//! What the engine has to know of this program.

use crate::{job_control, limits, talk};
use gaits::{
    GUARD_VERB, GuardCommand, Program, TRIAL_VERB, WORKER_VERB, WorkerCommand, Works, guard_main,
    trial_main, worker_main, works_with_guard,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io::{self, BufReader};
use std::process::ExitCode;
use std::sync::Arc;

/// The works that gaits brings along, and this binary once more for each worker process.
pub(crate) fn program() -> Program {
    Program { works: works(), worker: WorkerCommand::this_binary() }
}

/// This binary once more is the guard of commands.
fn works() -> Works {
    works_with_guard(GuardCommand::this_binary())
}

/// Does what this binary was executed again for, if it was.
pub(crate) fn helper() -> Option<ExitCode> {
    let verb = std::env::args_os().nth(1)?;
    if verb == WORKER_VERB {
        // Its parent tells it when to end. `systemctl stop` and `pkill` send signals to all processes of a run at once, and what
        // is in flight is to be finished then.
        survive_signals();
        // Without it, requests may run out of time while they are stopped.
        let _ = job_control::stop_with_parent();
        return Some(worker_main(&works()));
    }
    if verb == GUARD_VERB {
        // It is to outlast whoever is told to end; where that can't be had, it holds against SIGKILL all the same.
        survive_signals();
        return Some(match guard_main() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                talk::line(&format!("{GUARD_VERB} is for gaits' own use: {error}"));
                ExitCode::FAILURE
            }
        });
    }
    if verb == TRIAL_VERB {
        // Without it, a trial that was stopped with its parent may count.
        let _ = job_control::stop_workers_with_parent();
        return Some(trial_main(
            &program(),
            Some(GuardCommand::this_binary()),
            BufReader::new(io::stdin()),
            io::stdout(),
        ));
    }
    None
}

/// Has this process go on at signals that are to end it, where that can be done. What it starts gets the default again: a
/// program keeps no handlers of the one that has executed it, but it would ignore what that one ignores. For the same reason,
/// a signal that is ignored already, as SIGHUP under `nohup`, stays so.
fn survive_signals() {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if !limits::is_ignored(signal) {
            let _ = signal_hook::flag::register(signal, Arc::default());
        }
    }
}
