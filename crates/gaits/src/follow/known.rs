//! What earlier runs have left open, as their results file has it.
//!
//! Limit: reads the records and nothing else; the items of the input are not there.

use super::{brief, identity};
use gaits_core::{Record, Work, follower, root_and_steps};
use gaits_engine::journal::{ScanError, scan};
use std::collections::{HashMap, HashSet};
use std::fs::File;

/// A listing that was not followed to its end.
#[derive(Debug)]
pub(crate) struct Known {
    /// The last record that has named a further item, and the one that has led to it.
    pub(super) last: Record,
    pub(super) before: Option<Record>,
    /// How far it is from the item of the input.
    pub(super) steps: u64,
    /// What was asked for in the listing.
    pub(super) seen: HashSet<[u8; 16]>,
}

/// The listings in `file` that were not followed to their end, by their items of the input. `has_record` says of an index
/// whether its item has a record that stays.
pub(crate) fn known(
    file: &File,
    work: &dyn Work,
    has_record: impl Fn(u64) -> bool,
) -> Result<HashMap<u64, Known>, ScanError> {
    let mut open: HashMap<u64, Known> = HashMap::new();
    scan(file, 0, 0, |line| {
        let record = line.record;
        if !has_record(record.index) {
            // It is done again, and what has led to it leads to it once more.
            return Ok(());
        }
        let (root, steps) = root_and_steps(record.index);
        if !record.outcome.is_ok() || !work.is_followed(&record) {
            open.remove(&root);
            return Ok(());
        }
        let seen = identity(work, &record.item);
        let before = open.remove(&root);
        let mut known = match before {
            Some(Known { last, seen, steps: then, .. }) if then < steps => {
                Known { last: brief(&record), before: Some(last), steps, seen }
            }
            // Records that were put together by hand may stand in any order.
            Some(later) => later,
            None => Known { last: brief(&record), before: None, steps, seen: HashSet::new() },
        };
        known.seen.insert(seen);
        open.insert(root, known);
        Ok(())
    })?;
    open.retain(|root, known| {
        follower(*root, known.steps + 1).is_none_or(|next| !has_record(next))
    });
    Ok(open)
}
