//! Options of `gaits compare`.

use super::help;
use super::models::{Models, ModelsParser};
use super::values;
use super::within::{seed, within};
use super::work::WorkArgs;
use clap::Args;
use gaits::Gate;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

/// `gaits compare`.
#[derive(Debug, Args)]
#[command(subcommand_value_name = "WORK", subcommand_help_heading = "Works")]
#[command(next_help_heading = help::RUNNING)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is given or not")]
pub(crate) struct CompareArgs {
    /// What to race on; without it, requests to a server that gaits starts on the loopback address
    #[command(subcommand)]
    pub(crate) work: Option<WorkArgs>,

    /// Models to race, or `all` [default: the usual]
    ///
    /// Separated by commas. `all` are those that make sense for the work; `gaits --help` lists the models.
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

    /// Race this program as a whole; may be given many times
    ///
    /// The command is run by itself if it is only words, and by `sh -c` if there is more to it. Its output is thrown away. All
    /// are then ranked as whole processes, models included. Without a WORK, only programs race.
    #[arg(long, value_name = "COMMAND", global = true, help_heading = help::RUNNING)]
    pub(crate) program: Vec<String>,

    /// What to call a program: the first name is for the first --program, and so on [default: its command]
    #[arg(long, value_name = "NAME", global = true, hide_short_help = true)]
    pub(crate) name: Vec<String>,

    /// Run this before each run of a program, and don't count it
    ///
    /// One for all programs, or one for each of them in their order. If it fails, the race ends.
    #[arg(long, value_name = "COMMAND", global = true, hide_short_help = true)]
    pub(crate) prepare: Vec<String>,

    /// Run this once after the last run of a program; given as --prepare is
    #[arg(long, value_name = "COMMAND", global = true, hide_short_help = true)]
    pub(crate) cleanup: Vec<String>,

    /// Run everything so many times before the rounds that count
    #[arg(long, value_name = "N", default_value_t = 1, global = true, hide_short_help = true)]
    #[arg(value_parser = within(1..=1_000_u32))]
    pub(crate) warmup: u32,

    /// Give every model this many items in flight
    #[arg(short, long, value_name = "N", value_parser = values::at_least_one, global = true)]
    pub(crate) concurrency: Option<NonZeroU32>,

    /// Spend about this much time
    ///
    /// A number alone is seconds. The race ends earlier once all ratios are known to within --precision. If it is not
    /// enough for six rounds, all models race on the first items of the list.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::duration, global = true)]
    pub(crate) budget: Duration,

    /// Know all ratios to the best to within this
    #[arg(long, value_name = "P", default_value = "5%", value_parser = values::share, global = true)]
    #[arg(hide_short_help = true)]
    pub(crate) precision: f64,

    /// Call models equal that differ by less than this
    #[arg(long, value_name = "P", default_value = "2%", value_parser = values::share, global = true)]
    #[arg(hide_short_help = true)]
    pub(crate) margin: f64,

    /// Run exactly so many rounds, after those to warm up (--warmup)
    ///
    /// Each is of all items, however long that takes.
    #[arg(long, value_name = "N", global = true, conflicts_with_all = ["budget", "precision"])]
    #[arg(hide_short_help = true)]
    #[arg(value_parser = within(1..=10_000_u32))]
    pub(crate) rounds: Option<u32>,

    /// Let items arrive at this rate, however long others take: 200/s; latency counts from when each was to start
    ///
    /// A model that can't keep up lets them wait, and the wait counts, as it does for the users of a server.
    #[arg(long, value_name = "RATE", value_parser = values::rate, global = true, hide_short_help = true)]
    pub(crate) arrival_rate: Option<Duration>,

    /// Send at most this many requests in all [default: 1000, if any goes to a host that is not yours]
    #[arg(long, value_name = "N", value_parser = values::items, global = true, hide_short_help = true)]
    pub(crate) max_requests: Option<NonZeroU64>,

    /// Keep the races in this folder, for `gaits report`
    ///
    /// Records, rounds and environment.
    #[arg(long, value_name = "DIR", global = true, help_heading = help::OUTPUT, hide_short_help = true)]
    pub(crate) save: Option<PathBuf>,

    /// Write a page for a browser to this file
    ///
    /// The verdict, the race, a timeline of every item and all figures, in one file that needs no network. `-` is standard
    /// output, in place of the table.
    #[arg(long, value_name = "FILE", global = true, help_heading = help::OUTPUT)]
    pub(crate) html: Option<PathBuf>,

    /// Write a picture of the races to this file, as SVG for a README
    ///
    /// The verdict, the race and what the workers did, light or dark as the reader's system is, and never more than 200 kB. `-` is
    /// standard output, in place of the table.
    #[arg(long, value_name = "FILE", global = true, help_heading = help::OUTPUT, hide_short_help = true)]
    pub(crate) svg: Option<PathBuf>,

    /// Print below the table what the workers did, in characters
    #[arg(long, global = true, help_heading = help::OUTPUT, hide_short_help = true)]
    #[arg(conflicts_with_all = ["json", "markdown"])]
    pub(crate) timeline: bool,

    /// Shuffle the models in each round by this seed [default: a random one, which is shown]
    #[arg(long, value_name = "N", global = true, hide_short_help = true)]
    #[arg(value_parser = seed)]
    pub(crate) seed: Option<u64>,

    /// Fail (exit code 5) if this surely holds; may be given many times: `async.p99 > 300ms`, `ratio(a, b) > 1.1`
    ///
    /// What is measured of a model: wall, cpu, memory, failed, rate, p50, p90, p99, p99.9. It fails only if the whole
    /// interval is beyond the limit; if the limit lies within it, that is said, and no failure.
    #[arg(long, value_name = "CONDITION", global = true, hide_short_help = true)]
    pub(crate) fail_if: Vec<Gate>,

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
