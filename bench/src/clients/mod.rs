//! The programs that are raced: how each is called and how its output is read.

pub(crate) mod bare;
pub(crate) mod curl;
pub(crate) mod gaits;
pub(crate) mod h2load;
pub(crate) mod oha;
pub(crate) mod python;
pub(crate) mod runners;
pub(crate) mod wrk;

use crate::contender::{Contender, Entrant, Reading};
use crate::measure::STDOUT;
use crate::tools::Tool;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// Where programs write bodies to, inside the scratch folder.
const BODIES: &str = "bodies";

/// Whether connections are kept from one request to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// They are.
    All,
    /// Each request has a connection of its own.
    None,
}

/// A row of `tool`, which takes part if the tool is there.
fn entrant(name: String, tool: &Tool, build: impl FnOnce(String, &Path) -> Contender) -> Entrant {
    match tool {
        Ok(found) => Entrant::Ready(build(name, &found.path)),
        Err(why) => Entrant::Missing { name, why: why.clone() },
    }
}

/// The words of a command: a program and its arguments.
fn words<const N: usize>(program: &Path, arguments: [&str; N]) -> Vec<OsString> {
    let arguments = arguments.into_iter().map(OsString::from);
    std::iter::once(program.as_os_str().to_owned()).chain(arguments).collect()
}

/// What the program wrote to its standard output.
fn stdout(scratch: &Path) -> Result<String> {
    fs::read_to_string(scratch.join(STDOUT)).context("failed to read what the program wrote")
}

/// Reads a program's version: one line that holds a digit counts as one thing done.
pub(crate) fn version(scratch: &Path) -> Result<Reading> {
    let told = stdout(scratch)?;
    let is_version = told.lines().count() == 1 && told.contains(|c: char| c.is_ascii_digit());
    Ok(if is_version { Reading::counted(1, 0) } else { Reading::counted(0, 1) })
}
