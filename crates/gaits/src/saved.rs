//! What is kept in a folder of a race or a sweep: one file of JSON that says of which format it is, written last, aside and renamed, so
//! that a folder which has it is whole. Limit: what stands in the file is for those to say who write it.

use crate::sys;
use gaits_engine::journal::write_aside;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder in it that holds the records.
pub(crate) const RECORDS: &str = "records";

/// What a folder may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Race,
    Sweep,
}

impl Kept {
    const ALL: [Self; 2] = [Self::Race, Self::Sweep];

    const fn name(self) -> &'static str {
        match self {
            Self::Race => "race",
            Self::Sweep => "sweep",
        }
    }

    fn file(self, folder: &Path) -> PathBuf {
        folder.join(self.name()).with_extension("json")
    }

    /// Whether `folder` holds this.
    pub(crate) fn is_in(self, folder: &Path) -> bool {
        self.file(folder).exists()
    }
}

/// The machine that a race or a sweep ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The kernel, with its version.
    pub os: String,
    /// The machine's name.
    pub hostname: String,
    /// The model of its processor.
    pub cpu: String,
    /// The cores that gaits may use.
    pub cores: u64,
    /// Its memory, in bytes; 0 where the system does not tell.
    pub memory: u64,
    /// How many files a process may have open.
    pub open_files: u64,
    /// How many threads wanted a core on average over the minute before, in hundredths.
    pub load_percent: u64,
}

/// Why what was saved can't be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// What should be a folder is none.
    #[error("{} is a file; give a folder, as --save makes one", .path.display())]
    File {
        /// Its path.
        path: PathBuf,
    },
    /// The folder holds none.
    #[error("{} holds no {what}: there is no {what}.json in it", .folder.display())]
    None {
        /// The folder.
        folder: PathBuf,
        /// `race` or `sweep`.
        what: &'static str,
    },
    /// The folder holds something already.
    #[error("{} is there already and holds a {what}; give another folder", .folder.display())]
    Taken {
        /// The folder.
        folder: PathBuf,
        /// `race` or `sweep`.
        what: &'static str,
    },
    /// It holds records of a race or a sweep that goes on, or that did not end.
    #[error(
        "{} is there already: something else is being saved in this folder, or was and did not end; give another folder, \
         or remove this one",
        .records.display()
    )]
    InUse {
        /// The records.
        records: PathBuf,
    },
    /// It can't be read or written.
    #[error("can't read or write {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what was saved, or only a part of one.
    #[error("{} is no saved {what}, or damaged: {wrong}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// `race` or `sweep`.
        what: &'static str,
        /// What is wrong.
        wrong: String,
    },
    /// It was saved by a later version.
    #[error(
        "{} was saved by gaits {gaits} in format {format}, which is newer than this one knows", .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version.
        gaits: String,
        /// The version of the format.
        format: u64,
    },
}

/// Makes the folder, and says where records are to be kept in it. Only one race or sweep at a time gets it.
pub(crate) fn prepare(folder: &Path) -> Result<PathBuf, SavedError> {
    if let Some(kept) = Kept::ALL.into_iter().find(|kept| kept.is_in(folder)) {
        return Err(SavedError::Taken { folder: folder.to_owned(), what: kept.name() });
    }
    refuse_file(folder)?;
    fs::create_dir_all(folder)
        .map_err(|source| SavedError::Io { path: folder.to_owned(), source })?;
    let records = folder.join(RECORDS);
    match fs::create_dir(&records) {
        Ok(()) => Ok(records),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(SavedError::InUse { records })
        }
        Err(source) => Err(SavedError::Io { path: records, source }),
    }
}

fn refuse_file(folder: &Path) -> Result<(), SavedError> {
    if folder.exists() && !folder.is_dir() {
        return Err(SavedError::File { path: folder.to_owned() });
    }
    Ok(())
}

/// Takes a folder that was prepared away again, if no run has left anything in it.
pub(crate) fn abandon(folder: &Path) {
    let records = folder.join(RECORDS);
    for race in fs::read_dir(&records).into_iter().flatten().flatten() {
        // One that holds something stays, and so do the folders above it.
        let _ = fs::remove_dir(race.path());
    }
    let _ = fs::remove_dir(&records).and_then(|()| fs::remove_dir(folder));
}

/// Writes `value` into a folder.
pub(crate) fn write(value: &impl Serialize, kept: Kept, folder: &Path) -> Result<(), SavedError> {
    let path = kept.file(folder);
    let failed = |source| SavedError::Io { path: path.clone(), source };
    let text = serde_json::to_vec_pretty(value).map_err(|error| failed(error.into()))?;
    write_aside(&path, &text, true).map_err(failed)
}

/// Reads it from a folder, if its `format` is not above this one, with the path of the file.
pub(crate) fn read<T: DeserializeOwned>(
    kept: Kept,
    format: u32,
    folder: &Path,
) -> Result<(T, PathBuf), SavedError> {
    refuse_file(folder)?;
    let (path, what) = (kept.file(folder), kept.name());
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SavedError::None { folder: folder.to_owned(), what });
        }
        Err(source) => return Err(SavedError::Io { path, source }),
    };
    let damaged = |wrong: String| SavedError::Damaged { path: path.clone(), what, wrong };
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    match value["format"].as_u64() {
        Some(found) if found > u64::from(format) => {
            let gaits = value["gaits"].as_str().unwrap_or("of a later version").to_owned();
            return Err(SavedError::Newer { path, gaits, format: found });
        }
        Some(1..) => {}
        _ => return Err(damaged("it does not say of which format it is".to_owned())),
    }
    let read = serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
    Ok((read, path))
}

impl Environment {
    /// This machine, now.
    pub(crate) fn now() -> Self {
        let machine = sys::machine();
        Self {
            os: machine.os,
            hostname: machine.hostname,
            cpu: sys::cpu_model().unwrap_or_default(),
            cores: machine.cores,
            memory: sys::memory().unwrap_or(0),
            open_files: sys::open_files().unwrap_or(0),
            load_percent: sys::load_percent().unwrap_or(0),
        }
    }
}
