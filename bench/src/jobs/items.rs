//! What it costs to read an item from a list.

use super::{Job, Session, list};
use crate::clients::gaits;
use crate::race::{Lap, Row};
use crate::report::{self, Bound, Section, Table, Target};
use anyhow::Result;

/// Most microseconds for a line with a URL.
const PLAIN_US: f64 = 1.0;

/// Most microseconds for a row that is filled into a template.
const ROW_US: f64 = 3.0;

/// What is made of the rows.
const TEMPLATE: &str = "http://localhost:1/items/{id}?name={name}&price={price}";

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let count = session.scaled(2_000_000, 1);
    let title = format!("{} items from a list", report::thousands(count as f64));
    let mut section = Section::new(Job::Items.name(), title);
    section.about = vec![
        "`gaits fetch --sample 1 --dry-run`: every item is read, filled into the template and drawn for, one is looked at as a".into(),
        "request, none is sent. Time is that of the whole process over the items, its start included.".into(),
    ];
    let lines =
        list(session, (0..count).map(|number| format!("http://localhost:1/items/{number}")))?;
    let head = std::iter::once("id,name,price".to_owned());
    let rows = (0..count).map(|number| format!("{number},\"chair, blue {number}\",12.50"));
    let table_of = list(session, head.chain(rows))?;
    let mut entrants =
        session.ours(|binary| gaits::sample(binary, "lines", lines.path(), count, &[]));
    let options = ["--template", TEMPLATE, "--delimiter", ","];
    entrants.extend(
        session.ours(|binary| gaits::sample(binary, "CSV rows", table_of.path(), count, &options)),
    );
    let rows = session.track.race(Job::Items.name(), entrants, None, true)?;
    section.tables.push(("Items:".into(), table(&rows)));
    for (what, limit) in [("lines", PLAIN_US), ("CSV rows", ROW_US)] {
        let name = format!("{} {what}", session.tools.gaits.name);
        let measured = match rows.iter().find(|row| row.name == name) {
            Some(row) => row.measured(|lap| Some(lap.wall_us())),
            None => Err("it was left out".into()),
        };
        let what = format!("{what}, time to read an item");
        section.targets.push(Target::new(what, Bound::AtMost(limit), " µs", measured));
    }
    section.tell(Job::Items.name(), rows);
    Ok(section)
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(["program", "items", "µs an item", "CPU µs an item", "tree MB"]);
    for row in rows {
        table.push(vec![
            row.name.clone(),
            report::median(row.spread(|lap| Some(lap.done as f64)), report::thousands),
            report::spread(row.spread(|lap| Some(lap.wall_us())), report::digits),
            report::spread(row.spread(|lap| Some(Lap::cpu_us(lap))), report::digits),
            report::median(row.spread(|lap| Some(lap.memory.tree_peak as f64)), report::megabytes),
        ]);
    }
    table
}
