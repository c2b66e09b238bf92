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
/// whether its item has a record that stays. Where records were taken out by hand, a listing is open in several places.
pub(crate) fn known(
    file: &File,
    work: &dyn Work,
    has_record: impl Fn(u64) -> bool,
) -> Result<HashMap<u64, Vec<Known>>, ScanError> {
    let mut open: HashMap<u64, Vec<Known>> = HashMap::new();
    scan(file, 0, 0, |line| {
        let record = line.record;
        let (root, steps) = root_and_steps(record.index);
        let next = follower(root, steps + 1);
        let is_end = has_record(record.index) && next.is_none_or(|next| !has_record(next));
        if is_end && record.outcome.is_ok() && work.is_followed(&record) {
            let known = Known { last: brief(&record), before: None, steps, seen: HashSet::new() };
            open.entry(root).or_default().push(known);
        }
        Ok(())
    })?;
    if open.is_empty() {
        return Ok(open);
    }
    // Once more, for what was asked for in them: few listings are open, and only of these it is kept.
    scan(file, 0, 0, |line| {
        let record = line.record;
        let (root, steps) = root_and_steps(record.index);
        for known in open.get_mut(&root).into_iter().flatten() {
            if has_record(record.index) && steps <= known.steps {
                known.seen.insert(identity(work, &record.item));
                if steps + 1 == known.steps {
                    known.before = Some(brief(&record));
                }
            }
        }
        Ok(())
    })?;
    Ok(open)
}
