//! One file a command.

mod compare;
mod dropped;
mod export;
mod generate;
mod origin;
mod page;
mod picture;
mod preview;
mod report;
mod run;
mod stdout;
mod sweep;
mod table;
mod trials;

use crate::args::{Command, WorkArgs};
use crate::exit::{Exit, Trouble};
use crate::talk::Colors;

/// Does what the command line says.
pub(crate) fn run(command: Command, colors: Colors) -> Result<Exit, Trouble> {
    match command {
        Command::Fetch(fetch) => run::run(WorkArgs::Http(Box::new(fetch.http)), &fetch.run, colors),
        Command::Run(command) => run::run(command.work, &command.run, colors),
        Command::Compare(args) => compare::compare(args, colors),
        Command::Sweep(args) => sweep::sweep(args, colors),
        Command::Report(args) => report::report(&args, colors),
        Command::Export(args) => export::export(args),
        Command::Origin(args) => origin::origin(&args),
        Command::Completions { shell } => generate::completions(shell),
        Command::Man { dir: Some(dir), .. } => generate::man_files(&dir),
        Command::Man { command, dir: None } => generate::man(&command),
    }
}
