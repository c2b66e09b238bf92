//! Which crate may use which, and which module of a crate may know of which: the tables of `docs/design/`, kept true.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crates;
mod layers;
mod modules;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The sources of a crate.
fn src(name: &str) -> PathBuf {
    root().join("crates").join(name).join("src")
}

/// All files below `dir` with one of these endings.
fn files(dir: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                found.extend(files(&path, endings));
            }
        } else if path.extension().is_some_and(|end| endings.iter().any(|wanted| end == *wanted)) {
            found.push(path);
        }
    }
    found
}
