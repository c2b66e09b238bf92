//! The `gaits` command. `main` decides only the exit.

mod args;
mod cmd;
mod exit;
mod input;
mod interrupt;
mod output;
mod progress;
mod talk;

use gaits_engine::{WORKER_VERB, work::Works, worker_main};
use std::process::ExitCode;

/// Records are small and many; this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|verb| verb == WORKER_VERB) {
        return worker_main(&Works::builtin());
    }
    match args::parse() {
        Ok(command) => exit::code(cmd::run(command)),
        Err(code) => code,
    }
}
