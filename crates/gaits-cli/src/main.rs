//! The `gaits` command. `main` decides only the exit.

mod args;
mod cmd;
mod exit;
mod interrupt;
mod limits;
mod progress;
mod talk;

use gaits::{Program, WORKER_VERB, WorkerCommand, worker_main, works};
use std::process::ExitCode;

/// Records are small and many; this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the engine has to know of this program.
fn program() -> Program {
    Program { works: works(), worker: WorkerCommand::this_binary() }
}

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|verb| verb == WORKER_VERB) {
        return worker_main(&works());
    }
    limits::raise_open_files();
    match args::parse() {
        Ok(command) => exit::code(cmd::run(command)),
        Err(code) => code,
    }
}
