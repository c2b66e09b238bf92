//! Which bodies have got their names and may not have their records yet: a list beside them.
//!
//! A run that is killed between the two leaves bodies that no record names. Most are replaced when their items are done
//! again. One whose name depends on its content, or on a number that its item does not get again, would stay for ever.
//! So the names of a group are written down before they are given, and the list goes when the records are written. The
//! next run removes the bodies of a list whose items have no record.
//!
//! Limit: the list survives the death of the process and is not synced. After a loss of power such a body may stay.

use gaits_engine::journal::sync_folder;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The list, in the folder of bodies. Its first line is the path of the results file, each other one an item's index and
/// the name of its body.
const LIST: &str = ".unrecorded";

/// The list of one results file.
#[derive(Debug)]
pub(super) struct Unrecorded {
    path: PathBuf,
    results: String,
}

impl Unrecorded {
    pub(super) fn new(folder: &Path, results: &Path) -> Self {
        let results = results.to_string_lossy().replace('\n', " ");
        Self { path: folder.join(LIST), results }
    }

    /// Notes names that are about to be given.
    pub(super) fn note<'a>(&self, names: impl Iterator<Item = (u64, &'a str)>) -> io::Result<()> {
        let mut names = names.peekable();
        if names.peek().is_none() {
            return Ok(());
        }
        let mut text = self.results.clone() + "\n";
        for (index, name) in names {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{index} {name}");
        }
        fs::write(&self.path, text)
    }

    /// All that were noted have their records.
    pub(super) fn clear(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the bodies that an earlier run has noted, as far as their items have no record. Nothing is done about
    /// those of another results file.
    pub(super) fn sweep(
        &self,
        folder: &Path,
        lacks_record: impl Fn(u64) -> bool,
    ) -> io::Result<()> {
        let text = match fs::read(&self.path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        match lines.next() {
            Some(results) if results == self.results => {}
            Some(_) => return Ok(()),
            // A loss of power has left its name and not its content.
            None => return self.clear(),
        }
        // If a kill has torn the list, none of the names was given yet.
        let noted = lines.filter_map(|line| line.split_once(' '));
        let noted = noted.filter_map(|(index, name)| Some((index.parse::<u64>().ok()?, name)));
        let (gone, kept): (Vec<_>, Vec<_>) = noted.partition(|(index, _)| lacks_record(*index));
        let kept: HashSet<_> = kept.into_iter().map(|(_, name)| name).collect();
        for (_, name) in gone.iter().filter(|(_, name)| !kept.contains(name) && is_plain(name)) {
            match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.clear()?;
        // An old list that came back could tell of a body that another item shares by then.
        sync_folder(&self.path)
    }
}

/// Whether a name is one that bodies get: a sub-folder and a file. Nothing else is ever removed.
fn is_plain(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('/');
    name.split_once('/').is_some_and(|(folder, file)| plain(folder) && plain(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_was_noted_the_bodies_go_whose_items_have_no_record() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("bodies");
        fs::create_dir_all(folder.join("00")).unwrap();
        fs::write(scratch.path().join("precious"), "").unwrap();
        let names = ["00/a", "00/b", "00/c", "00/d"];
        let unrecorded = Unrecorded::new(&folder, Path::new("/r.jsonl"));
        let there = || names.map(|name| folder.join(name).exists());
        let fill = || names.map(|name| fs::write(folder.join(name), "").unwrap());
        let noted = [(1, "00/a"), (2, "00/b"), (3, "00/c"), (4, "00/c"), (5, "../precious")];
        let lacks = |index| index != 2 && index != 4;

        fill();
        unrecorded.note(noted.into_iter()).unwrap();
        Unrecorded::new(&folder, Path::new("/other.jsonl")).sweep(&folder, lacks).unwrap();
        assert_eq!(there(), [true; 4], "the list is of other results");
        unrecorded.sweep(&folder, lacks).unwrap();
        assert_eq!(
            there(),
            [false, true, true, true],
            "two items share a body, and one has a record"
        );
        assert!(scratch.path().join("precious").exists() && !folder.join(LIST).exists());

        fill();
        unrecorded.note(noted.into_iter()).unwrap();
        let whole = fs::read(folder.join(LIST)).unwrap();
        fs::write(folder.join(LIST), &whole[..whole.len() / 2]).unwrap();
        unrecorded.sweep(&folder, |_| false).unwrap();
        unrecorded.sweep(&folder, |_| true).unwrap();
        assert_eq!(there(), [true; 4], "there is no list any more");

        for torn in [&[][..], &[0; 30]] {
            fs::write(folder.join(LIST), torn).unwrap();
            unrecorded.sweep(&folder, |_| true).unwrap();
            assert!(!folder.join(LIST).exists(), "{torn:?}");
        }
    }
}
