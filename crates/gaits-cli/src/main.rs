//! The `gaits` command. `main` decides only the exit.

mod args;
mod cmd;
mod exit;
mod interrupt;
mod job_control;
mod limits;
mod program;
mod progress;
mod rerun;
mod talk;

use gaits::{WORKER_VERB, worker_main, works};
use std::process::ExitCode;

/// Records are small and many; this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|verb| verb == WORKER_VERB) {
        // Without it, requests may run out of time while they are stopped.
        let _ = job_control::stop_with_parent();
        return worker_main(&works());
    }
    limits::raise_open_files();
    limits::survive_file_size();
    match args::parse() {
        Ok(command) => exit::code(cmd::run(command)),
        Err(code) => code,
    }
}
