//! A sweep as it is kept in a folder: what it was about, every trial, and the machine. `sweep.json` is written last, so a folder that has
//! one is whole; records of the runs lie beside it, in `records`.

use super::SweepOutcome;
use crate::saved::{self, Environment, Kept, SavedError};
use crate::sys;
use gaits_report::Trial;
use gaits_report::scalability::{Scalability, SweepInfo};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Raised when a saved sweep can't be read any more by versions before.
const FORMAT: u32 = 1;

/// A sweep that was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedSweep {
    /// The version of the format.
    format: u32,
    /// The version of gaits.
    pub gaits: String,
    /// When it was over: RFC 3339, UTC.
    pub saved: String,
    /// What it ran on.
    pub environment: Environment,
    /// What it was about.
    pub about: SweepInfo,
    /// What was measured, round by round.
    pub trials: Vec<Trial>,
}

impl SavedSweep {
    /// A sweep that is over now, on this machine.
    #[must_use]
    pub fn now(outcome: &SweepOutcome) -> Self {
        Self {
            format: FORMAT,
            gaits: env!("CARGO_PKG_VERSION").to_owned(),
            saved: sys::now(),
            environment: Environment::now(),
            about: outcome.scalability.about().clone(),
            trials: outcome.trials.clone(),
        }
    }

    /// Makes the folder, and says where records are to be kept in it.
    ///
    /// # Errors
    /// It holds something already, or can't be made.
    pub fn prepare(folder: &Path) -> Result<PathBuf, SavedError> {
        saved::prepare(folder)
    }

    /// Takes a folder that was prepared away again, if no run has left anything in it.
    pub fn abandon(folder: &Path) {
        saved::abandon(folder);
    }

    /// Whether a folder holds one.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        Kept::Sweep.is_in(folder)
    }

    /// Writes it into a folder.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self, folder: &Path) -> Result<(), SavedError> {
        saved::write(self, Kept::Sweep, folder)
    }

    /// Reads it from a folder.
    ///
    /// # Errors
    /// There is none, or it can't be understood.
    pub fn read(folder: &Path) -> Result<Self, SavedError> {
        let (sweep, path): (Self, _) = saved::read(Kept::Sweep, FORMAT, folder)?;
        match sweep.validate() {
            Ok(()) => Ok(sweep),
            Err(wrong) => Err(SavedError::Damaged { path, what: "sweep", wrong }),
        }
    }

    /// Refuses what no sweep can have left.
    fn validate(&self) -> Result<(), String> {
        let settings = self.about.settings;
        let is_share = |number: f64| (0.0..1.0).contains(&number);
        let shares = is_share(settings.within) && is_share(settings.precision);
        if !shares || !(0.5..1.0).contains(&settings.confidence) {
            return Err("its settings are no shares".to_owned());
        }
        if self.trials.iter().any(|trial| trial.tally.ok() > trial.tally.items()) {
            return Err("more items went well in it than there were".to_owned());
        }
        // A terminal would obey them.
        let models = self.about.models.iter().flat_map(|model| {
            std::iter::once(&model.name).chain(model.points.iter().map(|point| &point.model))
        });
        let refused = self.about.refused.iter().flat_map(|refused| [&refused.model, &refused.item]);
        let mut texts = models.chain(refused).chain([&self.about.work]);
        if texts.any(|text| text.chars().any(char::is_control)) {
            return Err("a name in it holds control characters".to_owned());
        }
        let rising = |model: &gaits_report::scalability::SweptModel| {
            model.points.windows(2).all(|two| two[0].workers < two[1].workers)
        };
        if !self.about.models.iter().all(rising) {
            return Err("its numbers of workers are not in rising order".to_owned());
        }
        Ok(())
    }

    /// What it says.
    #[must_use]
    pub fn scalability(&self) -> Scalability {
        Scalability::new(&self.trials, self.about.clone())
    }
}
