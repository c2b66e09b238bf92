//! Options of `gaits compare`.

use super::work::WorkArgs;
use clap::Args;
use gaits::Model;

/// `gaits compare`.
#[derive(Debug, Args)]
#[command(subcommand_value_name = "WORK", subcommand_help_heading = "Works")]
pub(crate) struct CompareArgs {
    /// What to race on; without it, requests to a server that gaits starts on the loopback address
    #[command(subcommand)]
    pub(crate) work: Option<WorkArgs>,

    /// Which models to race, separated by commas [default: all that make sense for the work]
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', global = true)]
    pub(crate) models: Vec<Model>,

    /// How often each model runs, after one round to warm up
    #[arg(long, value_name = "N", default_value_t = 5, global = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rounds: u32,

    /// Shuffle the models in each round by this seed [default: a random one, which is shown]
    #[arg(long, value_name = "N", global = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(..1 << 53))]
    pub(crate) seed: Option<u64>,

    /// Print JSON instead of a table
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// No progress bar, and no line at the start
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}
