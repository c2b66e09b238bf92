//! The command line: parsed here, acted on elsewhere. No type of the parser's leaves this module but as plain values.

mod auth;
mod bodies;
mod color;
mod command;
mod compare;
mod curl;
mod export;
mod given;
mod help;
mod http;
mod job;
mod list;
mod models;
mod origin;
mod pace;
mod pages;
mod patience;
mod report;
mod request;
mod run;
mod secret;
mod selection;
mod sides;
mod sitemap;
mod sweep;
mod table;
mod tips;
mod urls;
mod values;
mod ways;
mod within;
mod work;

pub(crate) use bodies::Bodies;
pub(crate) use compare::CompareArgs;
pub(crate) use export::ExportArgs;
pub(crate) use job::Job;
pub(crate) use list::Shows;
pub(crate) use models::Models;
pub(crate) use origin::OriginArgs;
pub(crate) use report::ReportArgs;
pub(crate) use run::RunArgs;
pub(crate) use secret::is_reference;
pub(crate) use sweep::SweepArgs;
pub(crate) use table::TableOf;
pub(crate) use work::WorkArgs;

use crate::talk::Colors;
use clap::{
    ArgMatches, Args, ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
};
use color::ColorArg;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Get work done the fastest way a computer can, and see which way that is.
#[derive(Debug, Parser)]
#[command(name = "gaits", version, after_help = help::EXAMPLES, after_long_help = help::LONG)]
#[command(max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", global = true)]
    #[arg(hide_short_help = true)]
    color: ColorArg,

    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch URLs: short for `run http`
    Fetch(Box<FetchArgs>),
    /// Do work under one model, and write a record for each item
    Run(RunCommand),
    /// Race models against each other on the same work
    ///
    /// Without WORK, gaits starts a server on the loopback address that takes 10 ms for each request, and answers two
    /// questions: which of the usual ways is fastest, and whether the way matters with equally many requests in flight.
    Compare(CompareArgs),
    /// Find out how many workers are right
    ///
    /// Runs the work with 1, 2, 4 and so on workers, in rounds, and recommends the smallest number whose throughput is
    /// within 5 % of the best. With --from, it looks at measurements of your own.
    Sweep(SweepArgs),
    /// Look again at stored results, saved races and sweeps
    Report(ReportArgs),
    /// Write stored results as a table: CSV, TSV, Parquet, JSON Lines
    ///
    /// One row for each record, in the order of the file. Without --columns there are `index`, `item`, `outcome`, `status`,
    /// `error_kind`, `error_message`, `attempts`, `queued_us`, `started_us`, `finished_us`, and a column for each field that
    /// --extract has put into any record. In CSV and TSV, null is an empty cell; arrays and objects are JSON.
    Export(ExportArgs),
    /// Serve HTTP on the loopback address, to try things on
    Origin(OriginArgs),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual: all pages, or that of one command
    ///
    /// To read it: `gaits man | man -l -`.
    Man {
        /// Which command: `fetch`, `run http`
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,

        /// Write a file for each page into this folder
        #[arg(long, value_name = "DIR", conflicts_with = "command")]
        dir: Option<PathBuf>,
    },
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
pub(crate) fn parse() -> Result<(Command, Colors), ExitCode> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let colors = color::of_the_parser(&words);
    let parsed = matches(&words, colors).and_then(|matches| {
        let mut cli = Cli::from_arg_matches(&matches)?;
        let run = match &mut cli.command {
            Command::Fetch(fetch) => Some(&mut fetch.run),
            Command::Run(command) => Some(&mut command.run),
            _ => None,
        };
        if let Some(run) = run {
            run.arguments = given::arguments(&parser(), &matches);
        }
        Ok((cli.command, cli.color.into()))
    });
    match parsed {
        Ok(parsed) => Ok(parsed),
        Err(error) => {
            // A reader that has gone away has seen enough.
            let _ = error.print();
            Err(ExitCode::from(u8::from(error.use_stderr()) * 2))
        }
    }
}

/// Takes the words apart, with what was left out where it is clear what is meant; what is wrong comes with a tip.
fn matches(words: &[OsString], colors: ColorChoice) -> Result<ArgMatches, clap::Error> {
    let parser = parser().color(colors);
    let parse = |words: &[OsString]| {
        let parsed = parser.clone().try_get_matches_from(words).and_then(|matches| {
            sides::check(words, &parser, &matches)?;
            Ok(matches)
        });
        parsed.map_err(|error| tips::advised(error, words, &parser))
    };
    parse(words).or_else(|error| match tips::with_work(&error, words, &parser) {
        Some(words) => parse(&words),
        None => Err(error),
    })
}

/// How many of the words are for gaits itself: neither a program that is raced, with its arguments, nor what stands behind `--`.
pub(crate) fn own_words(words: &[OsString], parser: &clap::Command) -> usize {
    let matches = parser.clone().try_get_matches_from(words).ok();
    let work = matches.as_ref().and_then(|matches| matches.subcommand()?.1.subcommand());
    let program = work.filter(|(name, _)| *name == "command");
    // It has all the rest of the line.
    let program =
        program.and_then(|(_, given)| given.get_raw("command")).map_or(0, Iterator::count);
    let own = words.len().saturating_sub(program);
    words[..own].iter().position(|word| word == "--").unwrap_or(own)
}

/// The command that is among the words of a command line, of which the first is the program, whatever it is called.
pub(crate) fn command_among<'p>(
    words: &[OsString],
    parser: &'p clap::Command,
) -> Option<&'p clap::Command> {
    words.iter().skip(1).find_map(|word| parser.find_subcommand(word))
}

/// The parser itself, for what is generated from it.
pub(crate) fn parser() -> clap::Command {
    let command = Cli::command().mut_subcommands(|command| match command.get_name() {
        "fetch" => with_json(command),
        "run" => command.mut_subcommands(|work| match work.get_name() {
            "http" => with_json(work),
            _ => work,
        }),
        _ => command,
    });
    help::fit(with_negative_numbers(command))
}

/// Lets `--json`, as curl calls it, be another name of `--data-json`. A race and a sweep print their own result as JSON with it.
fn with_json(command: clap::Command) -> clap::Command {
    command.mut_arg("data_json", |arg| arg.visible_alias("json"))
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
}
