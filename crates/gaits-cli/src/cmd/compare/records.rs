//! Where the records of a comparison's runs are kept: in the folder of `--save`, or for as long as a page or a picture is made of them.

use super::super::picture;
use super::{Question, files};
use crate::args::CompareArgs;
use crate::exit::Trouble;
use anyhow::{Context as _, anyhow};
use gaits::SavedRaces;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Where records are kept, if they are.
pub(super) enum Records {
    /// Nobody has asked for them.
    Nowhere,
    /// With the races.
    Kept(PathBuf),
    /// Until this is dropped.
    Until(TempDir),
}

impl Records {
    /// As the options ask for it.
    pub(super) fn of(args: &CompareArgs) -> Result<Self, Trouble> {
        picture::check(&files(args))?;
        if let Some(folder) = &args.save {
            let records = SavedRaces::prepare(folder);
            return Ok(Self::Kept(records.map_err(|error| Trouble::Wrong(error.into()))?));
        }
        if args.html.is_none() && args.svg.is_none() && !args.timeline {
            return Ok(Self::Nowhere);
        }
        let folder = tempfile::Builder::new().prefix("gaits-").tempdir();
        let folder = folder.context("can't make a folder for the records of the runs");
        Ok(Self::Until(folder.map_err(Trouble::CouldNotGoOn)?))
    }

    /// The folder that holds a folder for each race.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Nowhere => None,
            Self::Kept(folder) => Some(folder),
            Self::Until(folder) => Some(folder.path()),
        }
    }

    /// Tells the races to keep theirs.
    pub(super) fn keep_of(&self, questions: &mut [Question]) -> Result<(), Trouble> {
        let Some(folder) = self.folder() else { return Ok(()) };
        for (number, question) in questions.iter_mut().enumerate() {
            let of_one = folder.join((number + 1).to_string());
            std::fs::create_dir_all(&of_one).map_err(|error| {
                Trouble::Wrong(anyhow!(error).context(format!("can't make {}", of_one.display())))
            })?;
            question.race.records = Some(of_one);
        }
        Ok(())
    }
}
