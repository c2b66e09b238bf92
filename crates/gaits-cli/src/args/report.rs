//! Options of `gaits report`.

use clap::Args;
use std::path::PathBuf;

/// `gaits report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// A results file, or a folder that --save of `gaits compare` or `gaits sweep` has filled
    pub(crate) path: PathBuf,

    /// Say how its models have changed since the races in this folder
    #[arg(long, value_name = "OLD", conflicts_with_all = ["json", "markdown"])]
    pub(crate) against: Option<PathBuf>,

    /// Write a page for a browser to this file, too
    ///
    /// `-` is standard output, in place of the table.
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    pub(crate) html: Option<PathBuf>,

    /// Write a picture to this file, too, as SVG for a README
    ///
    /// `-` is standard output, in place of the table.
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    pub(crate) svg: Option<PathBuf>,

    /// Print below it what the workers did, in characters
    #[arg(long, conflicts_with_all = ["against", "json", "markdown"])]
    pub(crate) timeline: bool,

    /// Print JSON instead of a table
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,

    /// Print the table in Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
}
