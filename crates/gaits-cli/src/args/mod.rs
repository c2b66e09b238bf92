//! The command line: parsed here, acted on elsewhere. No type of the parser's leaves this module but as plain values.

mod bodies;
mod compare;
mod given;
mod help;
mod http;
mod job;
mod origin;
mod pace;
mod report;
mod run;
mod values;
mod work;

pub(crate) use bodies::Bodies;
pub(crate) use compare::{CompareArgs, Models};
pub(crate) use job::Job;
pub(crate) use origin::OriginArgs;
pub(crate) use report::ReportArgs;
pub(crate) use run::RunArgs;
pub(crate) use work::WorkArgs;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::process::ExitCode;

/// Get a batch of work done the fastest way a computer can, and see which way that is.
#[derive(Debug, Parser)]
#[command(name = "gaits", version, after_help = help::EXAMPLES, after_long_help = help::LONG)]
#[command(max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch URLs: short for `run http`
    Fetch(FetchArgs),
    /// Do work under one model, and write a record for each item
    Run(RunCommand),
    /// Race models against each other on the same work
    ///
    /// Without WORK, gaits starts a server on the loopback address that takes 10 ms for each request, and answers two
    /// questions: which of the usual ways is fastest, and whether the way matters with equally many requests in flight.
    Compare(CompareArgs),
    /// Look again at stored results, or at races that were saved
    Report(ReportArgs),
    /// Serve HTTP on the loopback address, to try things on
    Origin(OriginArgs),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `gaits fetch`.
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    #[command(flatten)]
    pub(crate) http: http::HttpArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `gaits run`.
#[derive(Debug, Args)]
#[command(subcommand_value_name = "WORK", subcommand_help_heading = "Works")]
pub(crate) struct RunCommand {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(subcommand)]
    pub(crate) work: WorkArgs,
}

/// Parses the command line. What is wrong with it has been said when an exit code comes back.
pub(crate) fn parse() -> Result<Command, ExitCode> {
    let parsed = parser().try_get_matches().and_then(|matches| {
        let mut cli = Cli::from_arg_matches(&matches)?;
        let run = match &mut cli.command {
            Command::Fetch(fetch) => Some(&mut fetch.run),
            Command::Run(command) => Some(&mut command.run),
            _ => None,
        };
        if let Some(run) = run {
            run.arguments = given::arguments(&parser(), &matches);
        }
        Ok(cli.command)
    });
    match parsed {
        Ok(command) => Ok(command),
        Err(error) => {
            // A reader that has gone away has seen enough.
            let _ = error.print();
            Err(ExitCode::from(u8::from(error.use_stderr()) * 2))
        }
    }
}

/// The parser itself, for what is generated from it.
pub(crate) fn parser() -> clap::Command {
    with_negative_numbers(Cli::command())
}

/// Lets options that take a number, a time, a rate or a size see one below 0, so that they themselves say that it can't be.
/// Else `--rate -1/s` is taken for an option that nobody knows.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let names = |arg: &clap::Arg, names: &[&str]| {
        let value = arg.get_value_names().and_then(|names| names.first());
        arg.get_long().is_some() && value.is_some_and(|value| names.contains(&value.as_str()))
    };
    let command = command.mut_args(|arg| {
        if names(&arg, &["TIME", "RATE", "SIZE"]) {
            // With a unit behind it, it is no number to the parser.
            arg.allow_hyphen_values(true)
        } else if names(&arg, &["N"]) {
            arg.allow_negative_numbers(true)
        } else {
            arg
        }
    });
    command.mut_subcommands(with_negative_numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        parser().debug_assert();
    }

    #[test]
    fn short_help_fits_a_screen() {
        let mut parser = parser();
        assert!(parser.render_help().to_string().lines().count() <= 40);
    }
}
