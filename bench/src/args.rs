//! The command line.

use crate::bare::Bare;
use crate::jobs::Job;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Race gaits against other programs that do the same work, in interleaved rounds.
///
/// Nothing is installed: what is missing is named with where it comes from, and its rows are skipped.
#[derive(Debug, Parser)]
#[command(name = "gaits-bench", args_conflicts_with_subcommands = true)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Args {
    /// Show the jobs and end
    #[arg(long)]
    pub(crate) list: bool,

    /// Run only this job; may be given several times
    #[arg(long, value_enum, value_name = "JOB")]
    pub(crate) only: Vec<Job>,

    /// Race gaits only against programs whose rows begin so, for example baseline,oha
    #[arg(long, value_name = "NAME", value_delimiter = ',', conflicts_with = "record")]
    pub(crate) peers: Vec<String>,

    /// Counted rounds of each race; one more before them warms up
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) rounds: u64,

    /// A tenth of the work in three rounds, to see whether all works; its figures say little
    #[arg(long, conflicts_with = "record")]
    pub(crate) quick: bool,

    /// Seed of the order within the rounds; drawn and printed when left out
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,

    /// Put the results into bench/RESULTS.md
    #[arg(long)]
    pub(crate) record: bool,

    /// Write the results, each run of each round among them, to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// The gaits binary to measure; built from the sources beside this package when left out
    #[arg(long, value_name = "FILE")]
    pub(crate) gaits: Option<PathBuf>,

    /// Another build of gaits, which takes part as `baseline` in the races that are timed round by round
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,

    /// The Python interpreter that has the packages requests and aiohttp
    #[arg(long, value_name = "FILE", default_value = "python3")]
    pub(crate) python: PathBuf,

    /// A program of our own that this process is to be, in place of racing
    #[command(subcommand)]
    pub(crate) bare: Option<Bare>,
}

impl Args {
    /// The jobs to run, in the order of the results file.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        let chosen = |job: &Job| self.only.is_empty() || self.only.contains(job);
        Job::ALL.into_iter().filter(chosen).collect()
    }

    /// Counted rounds.
    pub(crate) fn rounds(&self) -> usize {
        let rounds = if self.quick { self.rounds.min(3) } else { self.rounds };
        usize::try_from(rounds).unwrap_or(usize::MAX)
    }

    /// The jobs and what they do, one a line.
    pub(crate) fn list() -> String {
        let lines = Job::ALL.iter().map(|job| {
            let value = job.to_possible_value();
            let what = value.as_ref().and_then(|value| value.get_help()).cloned();
            format!("{:10} {}\n", job.name(), what.unwrap_or_default())
        });
        lines.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(arguments: &[&str]) -> Args {
        Args::try_parse_from([&["gaits-bench"], arguments].concat()).unwrap()
    }

    #[test]
    fn the_definition_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn only_chooses_and_no_choice_is_all() {
        assert_eq!(parse(&[]).jobs().len(), Job::ALL.len());
        assert_eq!(parse(&["--only", "cpu", "--only", "small"]).jobs(), vec![Job::Small, Job::Cpu]);
        assert!(Args::try_parse_from(["gaits-bench", "--only", "nothing"]).is_err());
    }

    #[test]
    fn quick_has_three_rounds_at_most() {
        assert_eq!(parse(&[]).rounds(), 10);
        assert_eq!(parse(&["--rounds", "20", "--quick"]).rounds(), 3);
        assert_eq!(parse(&["--rounds", "2", "--quick"]).rounds(), 2);
    }

    #[test]
    fn peers_are_a_list_and_such_a_race_is_not_recorded() {
        assert_eq!(parse(&["--peers", "oha,baseline"]).peers, ["oha", "baseline"]);
        assert!(Args::try_parse_from(["gaits-bench", "--peers", "oha", "--record"]).is_err());
    }

    #[test]
    fn every_job_is_listed_with_what_it_does() {
        let list = Args::list();
        assert_eq!(list.lines().count(), Job::ALL.len());
        assert!(list.lines().all(|line| line.split_whitespace().count() > 3), "{list}");
    }

    #[test]
    fn a_bare_program_is_a_subcommand() {
        let server = parse(&["delay-server", "8080", "230"]);
        assert!(matches!(server.bare, Some(Bare::DelayServer(_))));
    }
}
