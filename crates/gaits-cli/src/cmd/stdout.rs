//! `-` in place of a file: what is written to standard output, and what then may not be written there as well.

use crate::exit::Trouble;
use anyhow::anyhow;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What stands for standard output where a file may be named.
const DASH: &str = "-";

/// Whether a file that an option names is standard output.
pub(super) fn is_meant_by(path: &Path) -> bool {
    path.as_os_str() == DASH
}

/// Whether one of `files`, each with the option that names it, is standard output, which a table then has to leave alone. Only one
/// of them can be, and none if one of `others`, options that write there as well, is given.
pub(super) fn is_taken(
    files: &[(&str, Option<&PathBuf>)],
    others: &[(&str, bool)],
) -> Result<bool, Trouble> {
    let mut takers = files.iter().filter(|(_, file)| file.is_some_and(|file| is_meant_by(file)));
    let Some((option, _)) = takers.next() else { return Ok(false) };
    let another = takers.next().map(|(option, _)| format!("{option} -"));
    let other = others.iter().find(|(_, given)| *given).map(|(other, _)| (*other).to_owned());
    match another.or(other) {
        None => Ok(true),
        Some(other) => Err(Trouble::wrong(format!(
            "{option} - and {other} both write to standard output: give {option} a file"
        ))),
    }
}

/// Writes a text to standard output; a reader that has gone away has seen enough.
pub(super) fn print(text: &str) -> Result<(), Trouble> {
    write(|out| out.write_all(text.as_bytes()))
}

/// Lets `write` write to standard output; a reader that has gone away has seen enough.
pub(super) fn write(
    write: impl FnOnce(&mut io::BufWriter<io::StdoutLock<'static>>) -> io::Result<()>,
) -> Result<(), Trouble> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = write(&mut out).and_then(|()| out.flush());
    // What could not be written is not tried again when it is dropped.
    let _ = out.into_parts();
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Trouble::CouldNotGoOn(anyhow!(error).context("can't write to standard output")))
        }
        _ => Ok(()),
    }
}
