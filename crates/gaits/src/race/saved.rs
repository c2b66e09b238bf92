//! Races as they are kept in a folder: what was raced, every trial, and the machine.
//!
//! `race.json` is written last, aside and renamed, so a folder that has one is whole. Records of the runs lie beside it, in
//! `records`.

use crate::saved::{self, Environment, Kept, SavedError};
use crate::sys;
use gaits_report::stats::Settings;
use gaits_report::{Comparison, Contender, RaceInfo, Said, Trial};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Raised when a saved race can't be read any more by versions before.
const FORMAT: u32 = 1;

/// Races that were kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedRaces {
    /// The version of the format.
    format: u32,
    /// The version of gaits.
    pub gaits: String,
    /// When they were over: RFC 3339, UTC.
    pub saved: String,
    /// What they ran on.
    pub environment: Environment,
    /// The command that repeats them, as one types it, without secrets; none where it isn't known.
    #[serde(default)]
    pub command: Option<String>,
    /// The races.
    pub races: Vec<SavedRace>,
}

/// One race that was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedRace {
    /// What it was to answer, where there were several.
    pub question: Option<Said>,
    /// What it was about.
    pub about: RaceInfo,
    /// What was measured, round by round.
    pub trials: Vec<Trial>,
}

impl SavedRaces {
    /// Races that are over now, on this machine.
    #[must_use]
    pub fn now(races: Vec<SavedRace>) -> Self {
        Self {
            format: FORMAT,
            gaits: env!("CARGO_PKG_VERSION").to_owned(),
            saved: sys::now(),
            environment: Environment::now(),
            command: None,
            races,
        }
    }

    /// The same, with the command that repeats them.
    #[must_use]
    pub fn with_command(self, command: Option<String>) -> Self {
        Self { command, ..self }
    }

    /// Where the records of races that are kept in `folder` lie.
    #[must_use]
    pub fn records(folder: &Path) -> PathBuf {
        folder.join(saved::RECORDS)
    }

    /// Makes the folder, and says where records are to be kept in it. Only one race at a time gets it.
    ///
    /// # Errors
    /// It holds something already, or records of something, or can't be made.
    pub fn prepare(folder: &Path) -> Result<PathBuf, SavedError> {
        saved::prepare(folder)
    }

    /// Takes a folder that was prepared away again, if no run has left anything in it.
    pub fn abandon(folder: &Path) {
        saved::abandon(folder);
    }

    /// Writes them into a folder.
    ///
    /// # Errors
    /// They can't be written.
    pub fn write(&self, folder: &Path) -> Result<(), SavedError> {
        saved::write(self, Kept::Race, folder)
    }

    /// Reads them from a folder.
    ///
    /// # Errors
    /// There are none, or they can't be understood.
    pub fn read(folder: &Path) -> Result<Self, SavedError> {
        let (mut races, path): (Self, _) = saved::read(Kept::Race, FORMAT, folder)?;
        let damaged =
            |wrong: String| SavedError::Damaged { path: path.clone(), what: "race", wrong };
        races.races.iter().try_for_each(SavedRace::validate).map_err(damaged)?;
        if races.races.is_empty() {
            return Err(damaged("there is no race in it".to_owned()));
        }
        races.command = races.command.filter(|command| is_one_command(command));
        Ok(races)
    }

    /// Why numbers of these and of `other` can't be held against each other, if that is so.
    #[must_use]
    pub fn unlike(&self, other: &Self) -> Vec<String> {
        let (ours, theirs) = (&self.environment, &other.environment);
        let pairs = [
            ("gaits", &self.gaits, &other.gaits),
            ("machine", &ours.hostname, &theirs.hostname),
            ("processor", &ours.cpu, &theirs.cpu),
            ("kernel", &ours.os, &theirs.os),
        ];
        let mut unlike: Vec<String> = pairs
            .into_iter()
            .filter(|(_, one, other)| one != other)
            .map(|(what, one, other)| format!("{what}: {one} and {other}"))
            .collect();
        if ours.cores != theirs.cores {
            unlike.push(format!("cores: {} and {}", ours.cores, theirs.cores));
        }
        unlike
    }
}

/// Whether a shell takes it for one command of gaits, and shows all of it: readers may copy it from a page.
fn is_one_command(text: &str) -> bool {
    let mut quoted = false;
    let mut escaped = false;
    for c in text.chars() {
        let plain = c.is_ascii_alphanumeric() || " _@%+=:,./-\\'".contains(c);
        if c.is_control() || !(quoted || escaped || plain) {
            return false;
        }
        if c == '\'' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !quoted && !escaped;
    }
    text.starts_with("gaits ") && !quoted && !escaped
}

impl SavedRace {
    /// Refuses what no race can have left.
    fn validate(&self) -> Result<(), String> {
        let Settings { margin, precision, confidence } = self.about.settings;
        let is_share = |number: f64| (0.0..1.0).contains(&number);
        if !is_share(margin) || !is_share(precision) || !(0.5..1.0).contains(&confidence) {
            return Err("its settings are no shares".to_owned());
        }
        // A terminal would obey them.
        let contenders = self.about.contenders.iter().map(|contender| &contender.model);
        let models = self.trials.iter().map(|trial| &trial.model).chain(contenders);
        let question = self.question.iter().flat_map(Said::each);
        let mut texts = models.chain([&self.about.work]).map(String::as_str).chain(question);
        if texts.any(|text| text.chars().any(char::is_control)) {
            return Err("a name in it holds control characters".to_owned());
        }
        let items_of = |trial: &Trial| {
            let same = |contender: &&Contender| contender.model == trial.model;
            match self.about.contenders.iter().find(same) {
                Some(Contender { workers: None, .. }) => 1,
                _ => self.about.items,
            }
        };
        match self.trials.iter().find(|trial| trial.outcomes.items() != items_of(trial)) {
            Some(trial) => Err(format!(
                "round {} of {} has another number of items than the race",
                trial.round, trial.model
            )),
            None => Ok(()),
        }
    }

    /// How its models compare.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        Comparison::new(&self.trials, self.about.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_a_shell_would_take_for_several_is_none() {
        for good in [
            "gaits compare",
            "gaits compare 'http://x/?a=1&b=2;c' --seed 7",
            r"gaits compare 'it'\''s $HOME'",
        ] {
            assert!(is_one_command(good), "{good}");
        }
        for bad in [
            "rm -r",
            "gaits; rm",
            "gaits compare; rm",
            "gaits compare $(rm)",
            "gaits a\nrm",
            "gaits 'a",
            r"gaits a\'b;c",
        ] {
            assert!(!is_one_command(bad), "{bad}");
        }
    }
}
