//! What the engine has to know of this program.

use crate::{job_control, limits};
use gaits::{Program, TRIAL_VERB, WORKER_VERB, WorkerCommand, trial_main, worker_main, works};
use std::io::{self, BufReader};
use std::process::ExitCode;

/// The works that gaits brings along, and this binary once more for each worker process.
pub(crate) fn program() -> Program {
    Program { works: works(), worker: WorkerCommand::this_binary() }
}

/// Does what this binary was executed again for, if it was.
pub(crate) fn helper() -> Option<ExitCode> {
    let verb = std::env::args_os().nth(1)?;
    if verb == WORKER_VERB {
        // Without it, requests may run out of time while they are stopped.
        let _ = job_control::stop_with_parent();
        return Some(worker_main(&works()));
    }
    if verb == TRIAL_VERB {
        limits::raise_open_files();
        // Without it, a trial that was stopped with its parent may count.
        let _ = job_control::stop_workers_with_parent();
        return Some(trial_main(&program(), BufReader::new(io::stdin()), io::stdout()));
    }
    None
}
