//! Points of a file, for `--from`.

use crate::exit::Trouble;
use crate::talk;
use anyhow::{Context as _, anyhow};
use gaits::scalability::read_points;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// No more is read of a file: it holds a few numbers, or is not what is meant.
const MOST_BYTES: u64 = 1 << 20;

/// Reads them.
pub(super) fn read(path: &Path) -> Result<Vec<(f64, f64)>, Trouble> {
    let name = path.display().to_string();
    let wrong = |why: String| Trouble::wrong(format!("{name}: {why}"));
    let cannot = |error: std::io::Error| {
        Trouble::Wrong(anyhow!(error).context(format!("can't read {name}")))
    };
    let file = File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    let read = file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if read as u64 > MOST_BYTES {
        return Err(wrong(
            "more than 1 MiB, which is no list of points: give a CSV file with columns n,x".into(),
        ));
    }
    let text = String::from_utf8(bytes)
        .context(format!("{name} is no text: give a CSV file with columns n,x"))
        .map_err(Trouble::Wrong)?;
    let read = read_points(&text, &name).map_err(Trouble::wrong)?;
    if let Some(line) = read.unsorted_at {
        talk::line(&format!(
            "gaits: {name}:{line}: this n is smaller than the one before; points are taken in the order of n"
        ));
    }
    Ok(read.points)
}
