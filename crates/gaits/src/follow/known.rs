//! What earlier runs have left open, as their results file has it.
//!
//! Limit: reads the records and nothing else; the items of the input are not there.

use super::{MOST_ALIKE, brief, identity};
use gaits_core::{Record, Work, follower, root_and_steps};
use gaits_engine::journal::{ScanError, scan};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;

/// A listing that was not followed to its end.
#[derive(Debug)]
pub(crate) struct Known {
    /// The last record that has named a further item.
    pub(super) last: Record,
    /// Those that have led to it, as many as may tell that the same answer came again and again.
    pub(super) before: Vec<Record>,
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
            let (last, before, seen) = (brief(&record), Vec::new(), HashSet::new());
            open.entry(root).or_default().push(Known { last, before, steps, seen });
        }
        Ok(())
    })?;
    if open.is_empty() {
        return Ok(open);
    }
    let mut before: HashMap<u64, BTreeMap<u64, Record>> = HashMap::new();
    // Once more, for what was asked for in them: few listings are open, and only of these it is kept.
    scan(file, 0, 0, |line| {
        let record = line.record;
        let (root, steps) = root_and_steps(record.index);
        for known in open.get_mut(&root).into_iter().flatten() {
            if has_record(record.index) && steps <= known.steps {
                known.seen.insert(identity(work, &record.item));
                if steps < known.steps && known.steps - steps < u64::from(MOST_ALIKE) {
                    before.entry(root).or_default().insert(steps, brief(&record));
                }
            }
        }
        Ok(())
    })?;
    for (root, before) in &before {
        for known in open.get_mut(root).into_iter().flatten() {
            known.before = unbroken(before, known.steps);
        }
    }
    Ok(open)
}

/// The last records of a listing before the one at `steps`, from the first one on after which none is missing.
fn unbroken(records: &BTreeMap<u64, Record>, steps: u64) -> Vec<Record> {
    let first = (0..steps).rev().take_while(|step| records.contains_key(step)).last();
    records.range(first.unwrap_or(steps)..steps).map(|(_, record)| record.clone()).collect()
}
