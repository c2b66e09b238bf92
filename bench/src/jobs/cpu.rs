//! `product(30)`: what a second core gives.

use super::{Job, Session};
use crate::clients::python::Way;
use crate::clients::{gaits, python};
use crate::machine;
use crate::race::{Lap, Row};
use crate::report::{self, Bound, Section, Table, Target};
use anyhow::Result;

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let tools = session.tools;
    let (ours, theirs) = (session.scaled(200, 4), session.scaled(20, 2));
    let title = format!("product(30), {ours} times, on one core and on two");
    let mut section = Section::new(Job::Cpu.name(), title);
    section.about = vec![
        "Whole process for gaits; Python does fewer calls and is timed without its start-up. The targets hold where two".into(),
        format!("cores are free: this machine has {}, and what others used of it is told below.", machine::cores()),
    ];
    let models = ["sequential", "threads:2", "processes:2"];
    let mut entrants: Vec<_> = models.map(|model| gaits::product(&tools.gaits, model, ours)).into();
    if let Some(baseline) = &tools.baseline {
        entrants.push(gaits::product(baseline, "sequential", ours));
    }
    entrants.extend([
        python::product(&tools.python, Way::Loop, theirs),
        python::product(&tools.python, Way::Threads(2), theirs),
        python::product(&tools.python, Way::Processes(2), theirs),
    ]);
    let rows = session.track.race(Job::Cpu.name(), entrants, None, true)?;
    section.tables.push(("Calls:".into(), table(&rows)));
    for model in &models[1..] {
        let row = rows.iter().find(|row| row.name == format!("gaits {model}"));
        let measured =
            row.and_then(|row| row.over(&rows[0], Lap::rate)).ok_or_else(|| "see below".into());
        section.targets.push(Target::new(
            format!("{model}, calls/s over those of sequential"),
            Bound::AtLeast(1.9),
            "",
            measured,
        ));
    }
    section.tell(Job::Cpu.name(), rows);
    Ok(section)
}

/// Speed-ups are over the same program's own way of one after another, and over Python's.
fn table(rows: &[Row]) -> Table {
    let mut table = Table::new([
        "program",
        "calls",
        "ms a call",
        "CPU ms a call",
        "over its own one by one",
        "over Python's loop",
    ]);
    let python = rows.iter().find(|row| row.name == "Python, loop");
    for row in rows {
        let base = if row.name.starts_with("Python") { python } else { rows.first() };
        let over = |base: Option<&Row>| {
            report::spread(base.and_then(|base| row.over(base, Lap::rate)), report::digits)
        };
        table.push(vec![
            row.name.clone(),
            report::median(row.spread(|lap| Some(lap.done as f64)), report::thousands),
            report::spread(row.spread(|lap| Some(lap.wall_us() / 1000.0)), report::digits),
            report::median(row.spread(|lap| Some(lap.cpu_us() / 1000.0)), report::digits),
            over(base),
            over(python),
        ]);
    }
    table
}
