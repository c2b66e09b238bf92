//! Options of one run, whatever its work.

use super::help;
use super::models::ModelParser;
use super::pace::PaceArgs;
use super::table::{TableArgs, TableOf};
use crate::exit::Trouble;
use clap::Args;
use gaits::{Destination, Existing, GoOn, Limits, Match, Model};
use std::path::PathBuf;

/// How to run, and where records go.
#[derive(Debug, Args)]
#[command(next_help_heading = help::RUNNING)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is given or not")]
pub(crate) struct RunArgs {
    /// Model: async:N, threads:N, … [default: async]
    ///
    /// How workers are laid out over processes, threads and event loops. `gaits --help` lists the models, and tells
    /// what numbers are taken where they are left out.
    #[arg(short, long, alias = "models", value_name = "MODEL", global = true)]
    #[arg(value_parser = ModelParser, hide_possible_values = true)]
    model: Option<Model>,

    /// Write records to this file instead of stdout
    ///
    /// The same command goes on with a file that has records already: items that have a record are left out. What
    /// changes an answer, the input among it, must be the same. What a later run must know stands beside it, in
    /// FILE.run and FILE.done.
    #[arg(short, long, value_name = "FILE", global = true)]
    #[arg(help_heading = help::OUTPUT, display_order = 0)]
    output: Option<PathBuf>,

    /// Start the results file over if it has records already
    #[arg(long, global = true, help_heading = help::OUTPUT, hide_short_help = true)]
    fresh: bool,

    /// Do items again that have failed
    ///
    /// Their old records go away before the first of them is done again.
    #[arg(long, global = true, conflicts_with = "fresh")]
    #[arg(help_heading = help::OUTPUT, hide_short_help = true)]
    retry_failed: bool,

    /// Do items again that may have been processed when gaits died, although they may not be done twice
    ///
    /// Without it, such an item gets a failed record of kind `cancelled`. For those that have one already, give
    /// --retry-failed, too. Should this run die as well, the next one sends again what it had out.
    #[arg(
        long,
        global = true,
        conflicts_with = "fresh",
        help_heading = help::OUTPUT,
        hide_short_help = true
    )]
    pub(crate) retry_non_idempotent: bool,

    /// Know items again by this instead of by their place: url, another field of JSON items, or item
    ///
    /// An item that has a record is then done wherever it stands in the input now, and one that stands there twice is
    /// done once. Items without a record get numbers that no record has.
    #[arg(long, value_name = "KEY", global = true, conflicts_with = "fresh")]
    #[arg(value_parser = key, help_heading = help::OUTPUT, hide_short_help = true)]
    key: Option<Match>,

    /// No progress bar and no summary
    #[arg(short, long, global = true, help_heading = help::OUTPUT, hide_short_help = true)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    table: TableArgs,

    #[command(flatten)]
    pace: PaceArgs,

    /// The options as they were given, without secrets.
    #[arg(skip)]
    pub(crate) arguments: Vec<String>,
}

fn key(text: &str) -> Result<Match, String> {
    match text {
        "item" => Ok(Match::Item),
        "" | "place" => {
            Err("it is `item`, or a field of the items such as `url` or `id`".to_owned())
        }
        field if field.trim_start_matches('/').split('/').next() == Some("headers") => {
            Err("headers may be secret and are not compared; name another field".to_owned())
        }
        field => Ok(Match::Field(field.into())),
    }
}

impl RunArgs {
    /// What items are known by.
    pub(crate) fn known_by(&self) -> Match {
        self.key.clone().unwrap_or_default()
    }

    /// Whether items are known wherever they stand.
    pub(crate) const fn knows_by_key(&self) -> bool {
        self.key.is_some()
    }

    /// How workers are laid out; `default` is what the [`Job`](super::Job) says.
    pub(crate) fn model(&self, default: Model) -> Result<Model, Trouble> {
        self.pace.model(self.model, default)
    }

    /// What is to be said where `model` has fewer workers than were asked for.
    pub(crate) fn uneven(&self, model: Model) -> Option<String> {
        self.pace.uneven(model)
    }

    /// How fast a run under `model` may go, how often it tries an item, and when it gives up; `retries` is what its
    /// [`Job`](super::Job) says.
    pub(crate) fn limits(&self, model: Model, retries: Option<u32>) -> Result<Limits, Trouble> {
        if retries.is_none() {
            self.pace.refuse_what_needs_a_server()?;
        }
        let retries = retries.unwrap_or_default();
        self.pace.limits(model, self.model.is_some(), retries)
    }

    /// Where records go.
    pub(crate) fn destination(&self) -> Destination {
        self.table.records(self.named())
    }

    /// What -o names.
    fn named(&self) -> Destination {
        match &self.output {
            Some(path) if path.as_os_str() != "-" => Destination::File(path.clone()),
            _ => Destination::Stdout,
        }
    }

    /// The table that is asked for in place of records; `extracted` are the names of the fields that answers give, as
    /// far as they are known.
    pub(crate) fn table(&self, extracted: Option<&[String]>) -> Result<Option<TableOf>, Trouble> {
        self.table.resolve(self.named(), extracted)
    }

    /// Refuses options that need others. They may stand in front of the work and behind it, and the parser looks at one
    /// half at a time.
    pub(crate) fn check(&self) -> Result<(), Trouble> {
        let go_on = [
            (self.retry_failed, "--retry-failed"),
            (self.retry_non_idempotent, "--retry-non-idempotent"),
            (self.key.is_some(), "--key"),
        ];
        let goes_on = go_on.into_iter().find_map(|(is_given, option)| is_given.then_some(option));
        if let Some(option) = goes_on.or(self.fresh.then_some("--fresh"))
            && self.output.is_none()
        {
            return Err(Trouble::wrong(format!(
                "{option} is about a results file: name it with --output FILE"
            )));
        }
        self.table.check(&self.named())
    }

    /// What becomes of records that are there already.
    pub(crate) fn existing(&self) -> Existing {
        if self.fresh {
            return Existing::StartOver;
        }
        Existing::GoOn(GoOn {
            retry_failed: self.retry_failed,
            retry_unsure: self.retry_non_idempotent,
            key: self.known_by(),
        })
    }
}
