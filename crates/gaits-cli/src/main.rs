//! The `gaits` command. `main` decides only the exit.

mod args;
mod cmd;
mod exit;
mod input;
mod interrupt;
mod output;
mod progress;
mod talk;

use gaits_engine::{Program, WORKER_VERB, WorkerCommand, Works, worker_main};
use gaits_work::{cpu, http, wait};
use std::process::ExitCode;

/// Records are small and many; this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The works that this program knows.
fn works() -> Works {
    Works::new()
        .with(http::NAME, http::build)
        .with(cpu::NAME, cpu::build)
        .with(wait::NAME, wait::build)
}

/// What the engine has to know of this program.
fn program() -> Program {
    Program { works: works(), worker: WorkerCommand::this_binary() }
}

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|verb| verb == WORKER_VERB) {
        return worker_main(&works());
    }
    match args::parse() {
        Ok(command) => exit::code(cmd::run(command)),
        Err(code) => code,
    }
}
