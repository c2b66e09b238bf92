//! Options of `gaits sweep`.

use super::help;
use super::models::{Models, ModelsParser};
use super::values;
use super::within::seed;
use super::work::WorkArgs;
use clap::Args;
use gaits::scalability::Target;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

/// Options that say nothing where points are read from a file.
const OF_MEASURING: [&str; 8] =
    ["models", "workers", "budget", "precision", "each_point", "target", "max_requests", "save"];

/// `gaits sweep`.
#[derive(Debug, Args)]
#[command(subcommand_value_name = "WORK", subcommand_help_heading = "Works")]
#[command(next_help_heading = help::RUNNING)]
pub(crate) struct SweepArgs {
    /// What to run with ever more workers
    #[command(subcommand)]
    pub(crate) work: Option<WorkArgs>,

    /// Models to sweep [default: async; for cpu, threads]
    ///
    /// Separated by commas, or `all`. The number of workers is what is swept: of `threads:2/async`, how many are in flight in
    /// all. `gaits --help` lists the models.
    #[arg(
        short,
        long,
        alias = "model",
        value_name = "A,B,…",
        value_delimiter = ',',
        global = true
    )]
    #[arg(value_parser = ModelsParser, hide_possible_values = true)]
    pub(crate) models: Vec<Models>,

    /// Numbers of workers to try [default: doubled]
    ///
    /// Without it: 1, 2, 4 and so on, until throughput has fallen twice or gained less than 5 % three times, over 1 %
    /// more of the items fail, or a third of the budget is spent; and then numbers between those that look best.
    #[arg(short, long, value_name = "N,M,…", value_delimiter = ',', global = true)]
    #[arg(value_parser = values::at_least_one)]
    pub(crate) workers: Vec<NonZeroU32>,

    /// Spend about this much time
    ///
    /// A number alone is seconds. The sweep ends earlier once all throughputs are known to within --precision.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::duration, global = true)]
    pub(crate) budget: Duration,

    /// Know all throughputs to within this
    #[arg(long, value_name = "P", default_value = "5%", value_parser = values::share, global = true)]
    #[arg(hide_short_help = true)]
    pub(crate) precision: f64,

    /// Measure each number of workers for so long, in all rounds together, instead of --budget
    // Its name for the parser is not that of an option of `wait`.
    #[arg(long = "duration", value_name = "TIME", value_parser = values::duration, global = true)]
    #[arg(hide_short_help = true, conflicts_with_all = ["budget", "precision"])]
    pub(crate) each_point: Option<Duration>,

    /// Find the most workers that keep this: 'p99 < 300ms'
    ///
    /// May be given many times: `p50 < 100ms`, `failed < 1`, `rate > 500/s`. What is measured: cpu, memory, failed, rate, p50,
    /// p90, p99, p99.9. A number of workers keeps it if the whole interval does.
    #[arg(long, value_name = "CONDITION", global = true)]
    pub(crate) target: Vec<Target>,

    /// Send at most this many requests in all [default: 1000, if any goes to a host that is not yours]
    #[arg(long, value_name = "N", value_parser = values::items, global = true, hide_short_help = true)]
    pub(crate) max_requests: Option<NonZeroU64>,

    /// Take points from this CSV file, with columns n,x
    ///
    /// Nothing is run. n is a number of workers in flight, x the throughput with it; one line for each n.
    #[arg(long, value_name = "FILE", help_heading = help::INPUT, conflicts_with_all = OF_MEASURING)]
    pub(crate) from: Option<PathBuf>,

    /// Write a page for a browser to this file
    ///
    /// The answer, and throughput against workers with the law and its intervals, in one file that needs no network. `-` is standard
    /// output, in place of the table.
    #[arg(long, value_name = "FILE", global = true, help_heading = help::OUTPUT, hide_short_help = true)]
    pub(crate) html: Option<PathBuf>,

    /// Keep the sweep in this folder, for `gaits report`
    ///
    /// Records, rounds and environment.
    #[arg(long, value_name = "DIR", global = true, help_heading = help::OUTPUT)]
    pub(crate) save: Option<PathBuf>,

    /// Draw the order of each round, and intervals, from this seed [default: a random one, which is shown]
    #[arg(long, value_name = "N", global = true, hide_short_help = true)]
    #[arg(value_parser = seed)]
    pub(crate) seed: Option<u64>,

    /// Print JSON instead of a table
    #[arg(long, global = true, conflicts_with = "markdown", help_heading = help::OUTPUT)]
    pub(crate) json: bool,

    /// Print the table in Markdown
    #[arg(long, global = true, help_heading = help::OUTPUT, hide_short_help = true)]
    pub(crate) markdown: bool,

    /// No progress bar, and no lines at the start
    #[arg(short, long, global = true, help_heading = help::OUTPUT, hide_short_help = true)]
    pub(crate) quiet: bool,
}
