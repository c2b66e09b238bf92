//! Which run of a model stands for all of its runs in a picture, and the records of that run.
//!
//! Limit: it reads records one by one and keeps none; what is made of them is the caller's.

use crate::stored::records;
use crate::trial::records_file;
use gaits_core::Record;
use gaits_report::{Entry, Said, said, units};
use std::error::Error as _;
use std::path::Path;

/// A run whose time is nearest to the median of its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TypicalRun {
    pub(crate) round: u32,
    /// How long it took, as the comparison measures it.
    pub(crate) wall_us: u64,
}

/// The typical run of a model or a program; none if it did not run.
pub(crate) fn typical_run(entry: &Entry) -> Option<TypicalRun> {
    nearest_to_median(&entry.walls_us)
}

/// Of two equally near ones, the first.
fn nearest_to_median(runs: &[(u32, u64)]) -> Option<TypicalRun> {
    let mut sorted: Vec<u64> = runs.iter().map(|(_, us)| *us).collect();
    sorted.sort_unstable();
    let median = *sorted.get(sorted.len().saturating_sub(1) / 2)?;
    let (round, wall_us) =
        runs.iter().copied().min_by_key(|(round, us)| (us.abs_diff(median), *round))?;
    Some(TypicalRun { round, wall_us })
}

/// Shows each record of a run of `model` with `items` items to `each`. The races of its folder have theirs in `folder`.
///
/// # Errors
/// Says why the records can't be read, or that they are not all there.
pub(crate) fn records_of_run(
    folder: &Path,
    model: &str,
    round: u32,
    items: u64,
    mut each: impl FnMut(&Record),
) -> Result<(), Said> {
    let mut seen = 0;
    let read = records(&records_file(folder, model, round), |_, record| {
        seen += 1;
        each(record);
    });
    read.map_err(|error| {
        let why = match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Said::of(|language| said!(language, "{why}", "기록을 읽을 수 없습니다({why})"))
    })?;
    if seen != items {
        let (seen, items) = (units::count(seen), units::count(items));
        return Err(Said::of(|language| {
            said!(
                language,
                "there are {seen} records of {items} items",
                "기록은 {seen}개인데 항목은 {items}개입니다",
            )
        }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_nearest_to_the_median_is_typical() {
        let typical = |walls: &[(u32, u64)]| {
            nearest_to_median(walls).map(|TypicalRun { round, wall_us }| (round, wall_us))
        };
        assert_eq!(typical(&[]), None);
        assert_eq!(typical(&[(1, 90), (2, 10), (3, 50)]), Some((3, 50)));
        assert_eq!(typical(&[(1, 90), (2, 40), (3, 50), (4, 10)]), Some((2, 40)));
        assert_eq!(typical(&[(3, 7), (1, 7)]), Some((1, 7)));
    }
}
