//! Where a race keeps the records of its runs.

use std::path::{Path, PathBuf};

/// The file in `folder` with the records of a model's run in a round.
pub(crate) fn records_file(folder: &Path, model: &str, round: u32) -> PathBuf {
    folder.join(format!("{}.{round}.jsonl", model.replace(['/', ':'], "-")))
}
