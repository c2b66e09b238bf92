//! The bodies of a run as files in a folder: opened or refused with the reason, named, made durable before their records.
//!
//! Workers write each body to a file in a sub-folder, [`BodyFolder::partial`], which goes away with the run. Before the
//! record of an item is written, its body is brought to the disk and renamed to its final name, which the record then
//! tells. So a record never names a body that is not there, whatever happens to the machine.
//!
//! Limit: one run at a time writes to a folder. The bodies of earlier runs stay, unless the same item of the same results file
//! is done again, or a run was killed before a body had its record.

mod keeper;
mod name;
mod unrecorded;

pub(crate) use keeper::{Fault, Keeper};
pub use name::BodyNames;

use gaits_engine::journal::scan;
use gaits_work::http::HttpDetail;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use unrecorded::Unrecorded;

/// Where workers write to, below the folder of bodies.
const PARTIAL: &str = ".partial";

/// Holds the lock on the folder, and the path of the results file whose bodies are in it.
const OWNER: &str = ".gaits";

/// Stands in the file of the owner when the folder has bodies of several results files, or of none.
const SEVERAL: &[u8] = b"-";

/// Of so many records at most the bodies are looked for, where the first ones name none.
const MOST_LOOKED_AT: u32 = 1_000;

/// Why bodies can't be written to a folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyFolderError {
    /// It can't be written to.
    #[error("can't write bodies to {}", .folder.display())]
    Open {
        /// Its path.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is something else of that name.
    #[error("can't write bodies to {}: it is not a folder; give a folder, which is made if need be", .folder.display())]
    NotAFolder {
        /// Its path.
        folder: PathBuf,
    },
    /// Another run writes to it now.
    #[error(
        "{} is being written to by another run; wait for its end, or give another folder",
        .folder.display()
    )]
    InUse {
        /// Its path.
        folder: PathBuf,
    },
}

/// A folder for the bodies of one run.
#[derive(Debug)]
pub struct BodyFolder {
    path: PathBuf,
    partial: PathBuf,
    names: BodyNames,
    /// Whether a body that is there under an item's name is of the same item, so that it may be replaced.
    is_ours: bool,
    /// The bodies that may not have their records yet, where there are records to go on with.
    unrecorded: Option<Unrecorded>,
    /// Its lock dies with the run, however that ends.
    owner: File,
}

impl BodyFolder {
    /// Where the workers of this process's runs write the bodies that go to `folder`: for
    /// [`BodyUse::Files`](gaits_work::http::BodyUse::Files). The name of the process is in it, so that a worker of a run that
    /// was killed, which lives on for a moment, does not write into the next one.
    #[must_use]
    pub fn partial(folder: &Path) -> PathBuf {
        folder.join(PARTIAL).join(std::process::id().to_string())
    }

    /// Opens `folder`, which is made if it is not there, for the bodies of a run whose records go to the file `results`, if
    /// they go to a file. What a killed run has left half-written is removed.
    ///
    /// # Errors
    /// It can't be written to, or another run writes to it.
    pub fn open(
        folder: &Path,
        names: BodyNames,
        results: Option<&Path>,
    ) -> Result<Self, BodyFolderError> {
        let failed = |source| BodyFolderError::Open { folder: folder.to_owned(), source };
        if folder.exists() && !folder.is_dir() {
            return Err(BodyFolderError::NotAFolder { folder: folder.to_owned() });
        }
        create(folder).map_err(failed)?;
        let owner = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join(OWNER))
            .map_err(failed)?;
        match owner.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(BodyFolderError::InUse { folder: folder.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let partial = Self::partial(folder);
        let results = results.map(std::path::absolute).transpose().map_err(failed)?;
        let unrecorded = results.as_deref().map(|results| Unrecorded::new(folder, results));
        let path = folder.to_owned();
        let mut opened = Self { path, partial, names, is_ours: false, unrecorded, owner };
        opened.sweep().map_err(failed)?;
        opened.is_ours = opened.claim(results.as_deref()).map_err(failed)?;
        fs::create_dir_all(&opened.partial).map_err(failed)?;
        Ok(opened)
    }

    /// Removes all that is half-written.
    fn sweep(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.path.join(PARTIAL)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// What to tell where bodies of the records in `results` are gone.
    pub(crate) fn note_lost(&self, results: &File) -> Option<String> {
        let (folder, body) = (self.path.display(), self.lacks_body_of(results)?);
        Some(format!(
            "{folder} lacks bodies of earlier runs, such as {body}, and their items are not done again; if nobody moved the bodies \
             away on purpose, --fresh fetches all anew"
        ))
    }

    /// Removes the bodies to which a killed run has given names, if their items have no record.
    pub(crate) fn sweep_unrecorded(&self, lacks_record: impl Fn(u64) -> bool) -> io::Result<()> {
        self.unrecorded.as_ref().map_or(Ok(()), |list| list.sweep(&self.path, lacks_record))
    }

    /// The first body that a record of `results` names and that is not in the folder. A folder that was removed, emptied or
    /// mistyped shows at the first one, so no more than some records are looked at.
    fn lacks_body_of(&self, results: &File) -> Option<String> {
        let mut lacks = None;
        let mut looked_at = 0;
        // That it ends with an error says that enough was seen; others were told when the records were read.
        let _ = scan(results, 0, 0, |line| {
            looked_at += 1;
            let file = HttpDetail::of(&line.record).and_then(|http| http.body_file);
            if file.is_none() && looked_at < MOST_LOOKED_AT {
                return Ok(());
            }
            lacks = file.map(String::from).filter(|file| !self.path.join(file).exists());
            Err(String::new())
        });
        lacks
    }

    /// Notes that the folder has bodies of `results` from now on; tells whether it has no others.
    fn claim(&mut self, results: Option<&Path>) -> io::Result<bool> {
        let ours = results.map_or(SEVERAL, |path| path.as_os_str().as_bytes());
        let mut owner = Vec::new();
        self.owner.read_to_end(&mut owner)?;
        if owner == ours && owner != SEVERAL {
            return Ok(true);
        }
        let mut others = fs::read_dir(&self.path)?.flatten().map(|entry| entry.file_name());
        let is_empty = !others.any(|name| name != OWNER);
        let claimed = if owner.is_empty() && is_empty { ours } else { SEVERAL };
        if owner != claimed {
            self.owner.set_len(0)?;
            self.owner.seek(SeekFrom::Start(0))?;
            self.owner.write_all(claimed)?;
            self.owner.sync_all()?;
            // Else bodies could be there after a loss of power and nobody knows whose they are.
            File::open(&self.path)?.sync_all()?;
        }
        Ok(is_empty)
    }
}

/// Makes `folder` and those above it, as far as they are missing, so that they survive a loss of power.
fn create(folder: &Path) -> io::Result<()> {
    let missing = folder.ancestors().filter(|path| *path != Path::new(""));
    let missing: Vec<_> = missing.take_while(|path| !path.exists()).collect();
    fs::create_dir_all(folder)?;
    for made in missing {
        let above = made.parent().filter(|path| *path != Path::new(""));
        File::open(above.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

impl Drop for BodyFolder {
    /// What stays half-written is removed by the next run.
    fn drop(&mut self) {
        let _ = self.sweep();
        let _ = self.owner.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path, results: Option<&str>) -> Result<BodyFolder, BodyFolderError> {
        BodyFolder::open(folder, BodyNames::Index, results.map(Path::new))
    }

    #[test]
    fn what_a_killed_run_has_left_is_swept_away_and_bodies_stay() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("deep/bodies");
        fs::create_dir_all(folder.join(".partial/4711")).unwrap();
        fs::create_dir_all(folder.join("00")).unwrap();
        fs::write(folder.join(".partial/4711/5"), "half").unwrap();
        fs::write(folder.join("00/000000000"), "whole").unwrap();
        let opened = open(&folder, None).unwrap();
        assert!(!folder.join(".partial/4711").exists());
        assert!(BodyFolder::partial(&folder).is_dir());
        drop(opened);
        assert!(!folder.join(".partial").exists() && folder.join("00/000000000").exists());
    }

    #[test]
    fn a_folder_takes_the_bodies_of_one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path(), None).unwrap();
        let refused = open(folder.path(), None).unwrap_err();
        assert!(matches!(refused, BodyFolderError::InUse { .. }), "{refused}");
        assert!(BodyFolder::partial(folder.path()).is_dir(), "the first run goes on");
        drop(first);
        open(folder.path(), None).unwrap();
    }

    #[test]
    fn only_bodies_of_the_same_results_file_are_ours() {
        let folder = tempfile::tempdir().unwrap();
        let is_ours = |results| open(folder.path(), results).unwrap().is_ours;
        let body = || {
            fs::create_dir_all(folder.path().join("00")).unwrap();
        };
        assert!(is_ours(Some("a.jsonl")), "it was empty");
        body();
        assert!(is_ours(Some("a.jsonl")));
        assert!(!is_ours(Some("b.jsonl")));
        assert!(!is_ours(Some("b.jsonl")), "it has bodies of both");
        assert!(!is_ours(Some("a.jsonl")));
        let folder = tempfile::tempdir().unwrap();
        let is_ours = |results| open(folder.path(), results).unwrap().is_ours;
        assert!(is_ours(None));
        fs::create_dir_all(folder.path().join("00")).unwrap();
        assert!(!is_ours(None), "nobody knows whose they are");
        assert!(!is_ours(Some("a.jsonl")));
    }

    #[test]
    fn a_folder_that_is_none_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        let refused = open(&file, None).unwrap_err().to_string();
        let wanted = "it is not a folder; give a folder, which is made if need be";
        assert_eq!(refused, format!("can't write bodies to {}: {wanted}", file.display()));
    }
}
