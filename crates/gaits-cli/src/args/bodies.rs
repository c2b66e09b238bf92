//! Options that say what becomes of the bodies of answers.

use super::help;
use clap::{Args, ValueEnum};
use gaits::http::BodyUse;
use gaits::{BodyFolder, BodyNames};
use std::path::PathBuf;

/// What becomes of bodies.
#[derive(Debug, Args)]
#[command(next_help_heading = help::OUTPUT)]
pub(super) struct BodyArgs {
    /// Put bodies into the records, up to 1 MiB each
    ///
    /// Those of failed statuses as well. An item whose body is larger fails; --bodies takes bodies of any size.
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        conflicts_with = "bodies",
        hide_short_help = true
    )]
    body: Option<Form>,

    /// Write bodies to files in this folder
    ///
    /// It is made if need be. Those of failed statuses as well. Content codings are undone. A record is written once
    /// its body is on the disk, and tells the file as `body_file`. A body of another results file that is there already
    /// is never replaced.
    #[arg(long, value_name = "DIR")]
    bodies: Option<PathBuf>,

    /// What those files are named by
    #[arg(long, value_enum, value_name = "NAMES", default_value_t = Names::Index)]
    #[arg(requires = "bodies", hide_short_help = true)]
    bodies_name: Names,
}

/// How a body stands in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// As text; as {"base64":"…"} where it is no UTF-8, whatever charset is declared
    Inline,
    /// As the JSON that it is; an accepted answer that is no JSON fails
    Json,
    /// Not at all
    None,
}

/// What the files of bodies are named by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Names {
    /// The item's place in the input: `7b/000000123`
    Index,
    /// The body's BLAKE3 hash; equal bodies share a file
    Hash,
    /// The item's URL and its place: `7b/example.com_a_page~123.html`
    Url,
}

impl From<Names> for BodyNames {
    fn from(names: Names) -> Self {
        match names {
            Names::Index => BodyNames::Index,
            Names::Hash => BodyNames::Hash,
            Names::Url => BodyNames::Url,
        }
    }
}

/// What becomes of the bodies of a run.
#[derive(Debug, Clone)]
pub(crate) enum Bodies {
    /// There are none, or they stand in the records, or their user knows that they are not kept.
    Settled,
    /// They are not kept, and nobody has said that they should not be.
    NotKept,
    /// They go to files.
    Files {
        /// In this folder,
        folder: PathBuf,
        /// named in this way.
        names: BodyNames,
    },
}

impl BodyArgs {
    /// What they come to: for the workers, and for the run.
    pub(super) fn resolve(self) -> (BodyUse, Bodies) {
        match (self.body, self.bodies) {
            (_, Some(folder)) => {
                let names = self.bodies_name.into();
                (BodyUse::Files(BodyFolder::partial(&folder)), Bodies::Files { folder, names })
            }
            (Some(Form::Inline), None) => (BodyUse::Inline, Bodies::Settled),
            (Some(Form::Json), None) => (BodyUse::Json, Bodies::Settled),
            (Some(Form::None), None) => (BodyUse::Hash, Bodies::Settled),
            (None, None) => (BodyUse::Hash, Bodies::NotKept),
        }
    }
}
