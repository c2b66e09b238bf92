//! `gaits export`: stored results as a table.

use crate::args::ExportArgs;
use crate::exit::{Exit, Trouble};
use crate::{interrupt, talk};
use anyhow::Context as _;
use gaits::{Destination, Export, ExportError, ExportFrom, units};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes the table, and says what of the results is not in it.
pub(super) fn export(args: ExportArgs) -> Result<Exit, Trouble> {
    let quiet = args.quiet;
    let (from, to, export) = args.resolve()?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    // What is half-written goes away with an interrupt.
    interrupt::listen(move || stopping.store(true, Ordering::Relaxed), |stop| stop())
        .context("can't listen for signals")
        .map_err(Trouble::CouldNotGoOn)?;
    write(&from, &to, export, &stop, quiet)
}

/// The same for what is resolved; `stop` ends it.
pub(super) fn write(
    from: &ExportFrom,
    to: &Destination,
    export: Export,
    stop: &AtomicBool,
    quiet: bool,
) -> Result<Exit, Trouble> {
    let asked = export.columns.is_some();
    let exported = match export.run(from, to, || stop.load(Ordering::Relaxed)) {
        Ok(exported) => exported,
        Err(ExportError::Stopped) => return Ok(Exit::Interrupted),
        Err(error) => return Err(trouble(error, to)),
    };
    if quiet {
        return Ok(Exit::AllOk);
    }
    if exported.torn_bytes > 0 {
        let shown = match from {
            ExportFrom::Stdin => "standard input".to_owned(),
            ExportFrom::File(path) => path.display().to_string(),
        };
        let bytes = units::count(exported.torn_bytes);
        talk::line(&format!(
            "gaits: the last line of {shown} is broken off ({bytes} bytes) and is left out"
        ));
    }
    if asked && exported.rows > 0 {
        tell_empty(&exported.empty);
    }
    if let Destination::File(path) = to {
        let rows = if exported.rows == 1 { "row" } else { "rows" };
        let count = units::count(exported.rows);
        talk::line(&format!("gaits: wrote {count} {rows} to {}", path.display()));
    }
    Ok(Exit::AllOk)
}

/// Tells of columns without a value: their names may be mistyped.
pub(super) fn tell_empty(columns: &[String]) {
    for name in columns {
        talk::line(&format!("gaits: the column {name} has no value in any row"));
    }
}

fn trouble(error: ExportError, to: &Destination) -> Trouble {
    match &error {
        ExportError::Write { .. } if error.reader_is_gone() && *to == Destination::Stdout => {
            Trouble::ReaderGone
        }
        ExportError::Write { .. } => Trouble::CouldNotGoOn(error.into()),
        _ => Trouble::Wrong(error.into()),
    }
}
