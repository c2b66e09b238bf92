//! Files that are replaced as a whole: whoever opens one sees the old content or the new one, never a part of it.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The file of this ending beside `results`: `results.jsonl` and `run` give `results.jsonl.run`.
#[must_use]
pub fn beside(results: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(results);
    name.push(".");
    name.push(ending);
    name.into()
}

/// Makes `bytes` the content of the file at `path`, by writing another file and giving it the name. With `durable`, the
/// new content survives a loss of power once this returns; without it, the file may then be empty or torn.
///
/// # Errors
/// The folder can't be written to, or the disk is full. The old content is still there.
pub fn write_aside(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    let mut aside = Aside::create(path)?;
    aside.write_all(bytes)?;
    aside.finish(durable)
}

/// A file that is written piece by piece beside the one whose name it gets at the end. Dropped before, it goes away, and the
/// old content is still there.
#[derive(Debug)]
pub struct Aside {
    file: File,
    written: PathBuf,
    path: PathBuf,
    named: bool,
}

impl Aside {
    /// Begins with what is to stand at `path`.
    ///
    /// # Errors
    /// The folder can't be written to.
    pub fn create(path: &Path) -> io::Result<Self> {
        let written = beside(path, "tmp");
        let file = File::create(&written)?;
        Ok(Self { file, written, path: path.to_owned(), named: false })
    }

    /// The same, where nothing keeps others from writing to `path` at the same time: the last one to finish gives it its
    /// content. Each locks what it writes. A file that nobody has locked was left by a process that was killed, and is removed.
    ///
    /// # Errors
    /// The folder can't be written to.
    pub fn create_unshared(path: &Path) -> io::Result<Self> {
        for number in 0_u32.. {
            let written = beside(path, &format!("gaits-{number}.tmp"));
            remove_left(&written);
            match File::create_new(&written) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                // Another process may have taken it for left before it was locked.
                Ok(file) if is_held(&file) || !is_at(&file, &written) => {}
                Ok(file) => return Ok(Self { file, written, path: path.to_owned(), named: false }),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Gives it the name; `durable` as for [`write_aside`].
    ///
    /// # Errors
    /// It can't be renamed, or the disk says no.
    pub fn finish(mut self, durable: bool) -> io::Result<()> {
        if durable {
            self.file.sync_all()?;
        }
        fs::rename(&self.written, &self.path)?;
        self.named = true;
        if durable { sync_folder(&self.path) } else { Ok(()) }
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.named {
            // What is left of it helps nobody.
            let _ = fs::remove_file(&self.written);
        }
    }
}

/// Removes the file at `path`, which a process that was killed may have left: its lock has died with it. It stays where files
/// can't be locked.
fn remove_left(path: &Path) {
    let Ok(file) = File::options().write(true).open(path) else { return };
    // Under this lock, the name can't become that of another file.
    if file.try_lock().is_ok() && is_at(&file, path) {
        let _ = fs::remove_file(path);
    }
}

/// Locks a file, where files can be locked. Says whether another process has locked it instead.
fn is_held(file: &File) -> bool {
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Whether it is this file that stands at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(file), Ok(there)) => (file.dev(), file.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Brings the folder of `path` to the disk, so that names in it survive a loss of power.
///
/// # Errors
/// The folder can't be opened or synced. One that may be written to and not be read is let pass.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    match File::open(folder) {
        Ok(folder) => folder.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// Brings what was written to a file to the disk, if that is where it is.
///
/// # Errors
/// The disk says no.
pub(crate) fn commit(file: &File) -> io::Result<()> {
    match file.sync_data() {
        // A device or a pipe: `/dev/null`, `/dev/stdout`.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        committed => committed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_write_to_one_name_do_not_mix_and_touch_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        let other = beside(&path, "tmp");
        fs::write(&other, "mine").unwrap();
        let (mut one, mut two) =
            (Aside::create_unshared(&path).unwrap(), Aside::create_unshared(&path).unwrap());
        one.write_all(b"one").unwrap();
        two.write_all(b"two, and more").unwrap();
        one.finish(true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        two.finish(true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two, and more");
        assert_eq!(fs::read(&other).unwrap(), b"mine");
        drop(Aside::create_unshared(&path).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_a_killed_process_has_left_goes_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        let left = [0, 1].map(|number| beside(&path, &format!("gaits-{number}.tmp")));
        for left in &left {
            fs::write(left, "torn").unwrap();
        }
        let mut one = Aside::create_unshared(&path).unwrap();
        let mut two = Aside::create_unshared(&path).unwrap();
        assert_eq!([&one.written, &two.written], [&left[0], &left[1]]);
        one.write_all(b"one").unwrap();
        two.write_all(b"two").unwrap();
        drop(two);
        one.finish(false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
