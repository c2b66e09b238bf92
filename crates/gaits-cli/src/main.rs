//! The `gaits` command. `main` decides only the exit.

mod allocator;
mod args;
mod cmd;
mod exit;
mod interrupt;
mod job_control;
mod limits;
mod program;
mod progress;
mod rerun;
mod shell;
mod talk;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

fn main() -> ExitCode {
    // These are not handed on to worker processes, so each sees to them.
    limits::hear_of_ended_children();
    limits::survive_file_size();
    // They inherit the limit, but the room for files is each process's own.
    limits::raise_open_files();
    if let Some(code) = program::helper() {
        return code;
    }
    match args::parse() {
        Ok((command, colors)) => exit::code(cmd::run(command, colors), colors),
        Err(code) => code,
    }
}
