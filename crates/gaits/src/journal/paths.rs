//! Which files a journal has.

use gaits_engine::journal::beside;
use std::fs;
use std::path::PathBuf;

/// The files.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) results: PathBuf,
    pub(super) run: PathBuf,
    pub(super) done: PathBuf,
    pub(super) started: PathBuf,
    /// The results file of a run that does failed items again, until it is whole.
    pub(super) rewritten: PathBuf,
}

impl Paths {
    pub(super) fn of(results: PathBuf) -> Self {
        let at = |ending| beside(&results, ending);
        Self {
            run: at("run"),
            done: at("done"),
            started: at("started"),
            rewritten: at("new"),
            results,
        }
    }

    /// Removes what a killed run may have left of files that were not whole yet.
    pub(super) fn sweep(&self) {
        for path in [&self.run, &self.done, &self.started] {
            let _ = fs::remove_file(beside(path, "tmp"));
        }
        let _ = fs::remove_file(&self.rewritten);
    }
}
