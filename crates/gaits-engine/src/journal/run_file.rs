//! `results.jsonl.run`: what was asked for, and each run's start and end. People and programs may read it, so it is JSON.
//!
//! Limit: it holds no secret. Whoever makes the entries sees to that; settings come without any from the work.

use super::aside::write_aside;
use super::key::Match;
use gaits_core::{Setting, Value};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;

/// The version of the format. A file with a higher one can't be read.
const FORMAT: u32 = 1;

/// What was asked for, and the runs that were made to get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// The version of the format.
    pub format: u32,
    /// The work's name.
    pub work: String,
    /// The work's settings.
    pub settings: Vec<WrittenSetting>,
    /// How items are known again.
    #[serde(default)]
    pub key: Match,
    /// The records in the results file are older than this file: a run was to start over, and has not recorded anything
    /// yet.
    #[serde(default)]
    pub replaces_records: bool,
    /// Each run, the first one first.
    pub runs: Vec<RunEntry>,
}

/// A setting of the work, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrittenSetting {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Whether results with another value may not stand in the same file.
    pub changes_meaning: bool,
}

impl From<&Setting> for WrittenSetting {
    fn from(setting: &Setting) -> Self {
        let Setting { name, value, changes_meaning } = setting;
        Self { name: (*name).to_owned(), value: value.clone(), changes_meaning: *changes_meaning }
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEntry {
    /// The version of gaits.
    pub gaits: String,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// What it ran on.
    pub machine: Machine,
    /// Its command line, without items and secrets.
    pub arguments: Vec<String>,
    /// What its input is called.
    pub input: String,
    /// Its execution model.
    pub model: String,
    /// How many records there are before its own. Those of items that were done again later are gone, and do not count.
    pub done_before: u64,
    /// How it ended; none while it runs, and for ever if it was killed.
    #[serde(default)]
    pub end: Option<Ending>,
}

/// The machine of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Machine {
    /// The operating system, with its version.
    pub os: String,
    /// How many cores the run could use.
    pub cores: u64,
    /// The machine's name.
    pub hostname: String,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ending {
    /// When: RFC 3339, UTC.
    pub at: String,
    /// `finished`, `interrupted`, `stopped` or `failed`.
    pub how: String,
    /// Why, where it did not finish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it has done.
    pub counts: Counts,
    /// How long it took, in microseconds.
    pub wall_us: u64,
    /// How much of that passed before the first item was started, in microseconds.
    pub startup_us: u64,
    /// How much of that passed after the last item was finished, in microseconds.
    pub closing_us: u64,
    /// How many of the model's workers were missing.
    pub missing_workers: u64,
}

/// What a run has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Items that went well.
    pub ok: u64,
    /// Items that failed.
    pub failed: u64,
    /// Items that were read and given back undone.
    pub given_back: u64,
    /// Tries that failed and were followed by another.
    pub retries: u64,
    /// How often somebody asked to be left alone.
    pub pauses: u64,
}

/// Why a run file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RunFileError {
    /// The system said no.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is not a run file.
    #[error(transparent)]
    Malformed(#[from] serde_json::Error),
    /// Something else than a file has its name.
    #[error("it is not a file")]
    NotAFile,
    /// A later version of gaits has written it.
    #[error("its format is version {0}, and this gaits reads version {FORMAT}")]
    Later(u64),
}

impl RunFile {
    /// A file without runs.
    #[must_use]
    pub fn new(work: &str, settings: &[Setting], key: Match) -> Self {
        Self {
            format: FORMAT,
            work: work.to_owned(),
            settings: settings.iter().map(WrittenSetting::from).collect(),
            key,
            replaces_records: false,
            runs: Vec::new(),
        }
    }

    /// Reads it; none if it is not there.
    ///
    /// # Errors
    /// It can't be read, or is no run file of this version.
    pub fn read(path: &Path) -> Result<Option<Self>, RunFileError> {
        /// The part that all versions have.
        #[derive(Deserialize)]
        struct Version {
            format: u64,
        }
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                return Err(RunFileError::NotAFile);
            }
            Err(error) => return Err(error.into()),
        };
        let Version { format } = serde_json::from_slice(&bytes)?;
        if format > u64::from(FORMAT) {
            return Err(RunFileError::Later(format));
        }
        Ok(Some(serde_json::from_slice(&bytes)?))
    }

    /// Writes it, durably.
    ///
    /// # Errors
    /// It can't be written; the old one is still there.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        write_aside(path, &bytes, true)
    }

    /// When the last run ended, or began if it was killed: RFC 3339, UTC.
    #[must_use]
    pub fn last_time(&self) -> Option<&str> {
        let last = self.runs.last()?;
        Some(last.end.as_ref().map_or(&last.started, |end| &end.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_file_is_read_as_it_was_written_and_later_formats_are_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("r.run");
        assert!(RunFile::read(&path).unwrap().is_none());
        let value = Value::Array(vec![Value::Float(0.1), Value::Null, Value::Integer(-3)]);
        let setting = Setting { name: "accept", value, changes_meaning: true };
        let mut file = RunFile::new("http", &[setting], Match::Item);
        file.runs.push(RunEntry {
            gaits: "0.1.0".into(),
            started: "2026-01-02T03:04:05Z".into(),
            machine: Machine::default(),
            arguments: vec!["fetch".into()],
            input: "urls.txt".into(),
            model: "async:4".into(),
            done_before: 0,
            end: None,
        });
        file.write(&path).unwrap();
        assert_eq!(RunFile::read(&path).unwrap(), Some(file.clone()));
        assert_eq!(file.last_time(), Some("2026-01-02T03:04:05Z"));

        fs::write(&path, "{\"format\":2,\"anything\":[]}").unwrap();
        assert!(matches!(RunFile::read(&path), Err(RunFileError::Later(2))));
        for malformed in ["", "{", "[]", "{\"format\":1}", "precious"] {
            fs::write(&path, malformed).unwrap();
            assert!(matches!(RunFile::read(&path), Err(RunFileError::Malformed(_))), "{malformed}");
        }
    }
}
