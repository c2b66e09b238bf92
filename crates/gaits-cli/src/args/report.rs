//! Options of `gaits report`.

use clap::Args;
use std::path::PathBuf;

/// `gaits report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// A results file, or a folder that `gaits compare --save` has filled
    pub(crate) path: PathBuf,

    /// Say how its models have changed since the races in this folder
    #[arg(long, value_name = "OLD", conflicts_with_all = ["json", "markdown"])]
    pub(crate) against: Option<PathBuf>,

    /// Write a page for a browser to this file, too
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    pub(crate) html: Option<PathBuf>,

    /// Print JSON instead of a table
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,

    /// Print the table in Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
}
