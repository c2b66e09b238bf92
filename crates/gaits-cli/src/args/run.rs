//! Options of one run, whatever its work.

use super::pace::PaceArgs;
use crate::exit::Trouble;
use clap::Args;
use gaits::{Destination, Existing, Limits, Model};
use std::path::PathBuf;

/// How to run, and where records go.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// How workers are laid out: sequential, threads:N, processes:N, async:N, threads:T/async:N, … [default: async]
    ///
    /// `gaits --help` lists the models, and tells what numbers are taken where they are left out.
    #[arg(short, long, value_name = "MODEL", global = true)]
    model: Option<Model>,

    /// Write records to this file instead of standard output
    ///
    /// A file that has records already is refused, unless --fresh is given.
    #[arg(short, long, value_name = "FILE", global = true)]
    output: Option<PathBuf>,

    /// Start the results file over if it has records already
    #[arg(long, global = true, requires = "output")]
    fresh: bool,

    /// No progress bar and no summary
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pace: PaceArgs,
}

impl RunArgs {
    /// How workers are laid out.
    pub(crate) fn model(&self) -> Result<Model, Trouble> {
        self.pace.model(self.model, Model::ASYNC)
    }

    /// How fast the run may go, how often it tries an item, and when it gives up; `retries` is the default of its work.
    pub(crate) fn limits(&self, retries: u32) -> Result<Limits, Trouble> {
        self.pace.limits(self.model()?, self.model.is_some(), retries)
    }

    /// Where records go.
    pub(crate) fn destination(&self) -> Destination {
        match &self.output {
            Some(path) if path.as_os_str() != "-" => Destination::File(path.clone()),
            _ => Destination::Stdout,
        }
    }

    /// What becomes of records that are there already.
    pub(crate) fn existing(&self) -> Existing {
        if self.fresh { Existing::StartOver } else { Existing::Refuse }
    }
}
