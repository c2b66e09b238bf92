//! Files that are replaced as a whole: whoever opens one sees the old content or the new one, never a part of it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
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
    write_aside_with(path, durable, |file| file.write_all(bytes))
}

/// The same with what `write` writes.
///
/// # Errors
/// As above, or `write` has failed.
pub fn write_aside_with(
    path: &Path,
    durable: bool,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let aside = beside(path, "tmp");
    let written = File::create(&aside).and_then(|mut file| {
        write(&mut file)?;
        if durable { file.sync_all() } else { Ok(()) }
    });
    let renamed = written.and_then(|()| fs::rename(&aside, path));
    if let Err(error) = renamed {
        // What is left of it helps nobody.
        let _ = fs::remove_file(&aside);
        return Err(error);
    }
    if durable { sync_folder(path) } else { Ok(()) }
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
