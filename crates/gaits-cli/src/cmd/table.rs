//! The table that a run gives in place of records.
//!
//! Limit: in a file it is made of the records, when all items are done. A run that stops before leaves the records.

use super::{export, picture};
use crate::args::TableOf;
use crate::exit::{Exit, Trouble};
use crate::talk;
use gaits::{Destination, Existing, ExportFrom, Input, Output, OutputError};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Opens what the run writes to: `records`, or the table itself where its rows are written as they come.
pub(super) fn open(
    table: Option<&TableOf>,
    records: &Destination,
    existing: Existing,
    input: &Input,
) -> Result<Output, OutputError> {
    match table {
        Some(TableOf::AsTheyCome { form, columns, empty }) => {
            let empty = empty.clone().unwrap_or_default();
            Output::open_table(records, *form, columns.clone(), empty, Some(input))
        }
        _ => Output::open(records, existing, Some(input)),
    }
}

/// Refuses to replace a file that is not a table of this run. Called before anything is written.
pub(super) fn check(
    table: Option<&TableOf>,
    records: &Destination,
    existing: &Existing,
    input: &Input,
) -> Result<(), Trouble> {
    let (Some(TableOf::AtTheEnd(path, _)), Destination::File(records)) = (table, records) else {
        return Ok(());
    };
    let Ok(there) = fs::canonicalize(path) else { return Ok(()) };
    let is_there = |read: PathBuf| fs::canonicalize(read).is_ok_and(|read| read == there);
    let shown = path.display();
    if picture::lists(input).any(is_there) {
        return Err(Trouble::wrong(format!(
            "{shown} is the input; the table needs a file of its own"
        )));
    }
    let has_records = fs::metadata(records).is_ok_and(|records| records.len() > 0);
    if !has_records && !matches!(existing, Existing::StartOver) {
        return Err(Trouble::wrong(format!(
            "{shown} is there, and not the records that it would be made of, {}; give another file, or --fresh to \
             replace it",
            records.display()
        )));
    }
    Ok(())
}

/// Makes the table of the records, if one is asked for and all items are done; the run itself has ended with `exit`. Of a
/// table whose rows are written already, it tells which columns have no value.
pub(super) fn make(
    table: Option<TableOf>,
    records: &Destination,
    exit: Exit,
    stop: &AtomicBool,
    quiet: bool,
) -> Result<Exit, Trouble> {
    if let Some(TableOf::AsTheyCome { empty: Some(empty), .. }) = &table
        && !quiet
    {
        export::tell_empty(&empty.names());
    }
    let (Some(TableOf::AtTheEnd(path, table)), Destination::File(records)) = (table, records)
    else {
        return Ok(exit);
    };
    if !matches!(exit, Exit::AllOk | Exit::SomeFailed) {
        if !quiet {
            talk::line(&not_made(&path, records));
        }
        return Ok(exit);
    }
    let from = ExportFrom::File(records.clone());
    let made = export::write(&from, &Destination::File(path), table, stop, quiet)?;
    Ok(if made == Exit::AllOk { exit } else { made })
}

fn not_made(path: &Path, records: &Path) -> String {
    let (path, records) = (path.display(), records.display());
    format!(
        "gaits: {path} is written when all items are done; `gaits export {records}` makes a table of what there is"
    )
}
