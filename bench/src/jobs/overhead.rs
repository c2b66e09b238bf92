//! Waits that wait for nothing: what an item costs by itself.

use super::{Job, Session};
use crate::clients::gaits;
use crate::race::{Lap, Row};
use crate::report::{self, Bound, Section, Table, Target};
use crate::stats::Spread;
use crate::tools::GAITS;
use anyhow::Result;

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let mut section = Section::new(Job::Overhead.name(), "what an item costs that does nothing");
    section.about = vec![
        "`gaits run wait --for 0ms`, a record of each item written to a file. Wall time is the whole process's over the".into(),
        "items; the targets are for what a model adds to sequential's, round by round. The dispatcher's time is that for which".into(),
        "its thread was on a core, looked at every 20 ms until it ended: what it did after the last look is missing.".into(),
    ];
    let program = &session.tools.gaits;
    let (many, fewer) = (session.scaled(1_000_000, 1), session.scaled(300_000, 1));
    let mut entrants = vec![
        gaits::no_op(program, "sequential", many),
        gaits::no_op(program, "threads:2", many),
        gaits::no_op(program, "async:100", many),
        gaits::no_op(program, "processes:2", fewer),
    ];
    if let Some(baseline) = &session.tools.baseline {
        entrants.push(gaits::no_op(baseline, "sequential", many));
        entrants.push(gaits::no_op(baseline, "threads:2", many));
        entrants.push(gaits::no_op(baseline, "async:100", many));
        entrants.push(gaits::no_op(baseline, "processes:2", fewer));
    }
    let rows = session.track.race(Job::Overhead.name(), entrants, None, true)?;
    section.tables.push(("Items:".into(), table(&rows)));
    for (model, limit) in [("threads:2", 2.0), ("processes:2", 20.0)] {
        let row = rows.iter().find(|row| row.name == format!("gaits {model}"));
        let measured = row
            .and_then(|row| added(row, &rows[0], Lap::wall_us))
            .ok_or_else(|| "see below".into());
        let what = format!("{model}, wall time an item beyond sequential's");
        section.targets.push(Target::new(what, Bound::AtMost(limit), " µs", measured));
    }
    for row in rows.iter().filter(|row| row.name.starts_with(GAITS)) {
        section.targets.push(Target::new(
            format!("{}, the dispatcher's processor time an item", row.name),
            Bound::AtMost(1.0),
            " µs",
            row.measured(Lap::thread_us),
        ));
    }
    section.tell(Job::Overhead.name(), rows);
    Ok(section)
}

/// What a model's items cost more than the base's, round by round.
fn added(row: &Row, base: &Row, figure: fn(&Lap) -> f64) -> Option<Spread> {
    if row.trouble.is_some() || base.trouble.is_some() {
        return None;
    }
    let figures = |row: &Row| row.by_round(|lap| Some(figure(lap)));
    let both = figures(row).into_iter().zip(figures(base));
    let differences: Vec<f64> = both.filter_map(|(ours, theirs)| Some(ours? - theirs?)).collect();
    Spread::of(&differences)
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new([
        "program",
        "items",
        "wall µs an item",
        "beyond sequential",
        "CPU µs an item",
        "beyond sequential",
        "dispatcher µs an item",
        "tree MB",
    ]);
    for row in rows {
        let beyond = |figure| report::median(added(row, &rows[0], figure), report::digits);
        table.push(vec![
            row.name.clone(),
            report::median(row.spread(|lap| Some(lap.done as f64)), report::thousands),
            report::spread(row.spread(|lap| Some(lap.wall_us())), report::digits),
            beyond(Lap::wall_us),
            report::spread(row.spread(|lap| Some(lap.cpu_us())), report::digits),
            beyond(Lap::cpu_us),
            report::spread(row.spread(Lap::thread_us), report::digits),
            report::median(row.spread(|lap| Some(lap.memory.tree_peak as f64)), report::megabytes),
        ]);
    }
    table
}
