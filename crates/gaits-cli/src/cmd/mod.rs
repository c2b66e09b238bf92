//! One file a command.

mod compare;
mod generate;
mod origin;
mod report;
mod run;

use crate::args::{Command, WorkArgs};
use crate::exit::{Exit, Trouble};

/// Does what the command line says.
pub(crate) fn run(command: Command) -> Result<Exit, Trouble> {
    match command {
        Command::Fetch(fetch) => run::run(WorkArgs::Http(Box::new(fetch.http)), &fetch.run),
        Command::Run(command) => run::run(command.work, &command.run),
        Command::Compare(args) => compare::compare(args),
        Command::Report(args) => report::report(&args),
        Command::Origin(args) => origin::origin(&args),
        Command::Completions { shell } => generate::completions(shell),
        Command::Man => generate::man(),
    }
}
