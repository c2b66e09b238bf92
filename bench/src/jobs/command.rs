//! `true` for each line of a list: what it costs to run a program.

use super::{Job, Session, list};
use crate::clients::{gaits, runners};
use crate::race::{Lap, Row};
use crate::report::{self, Bound, Section, Table, Target};
use anyhow::Result;

/// The models that have targets.
const MODELS: [&str; 2] = ["threads:2", "async"];

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let tools = session.tools;
    let (count, fewer) = (session.scaled(5_000, 100), session.scaled(500, 50));
    let title = format!("the program `true`, {count} times");
    let mut section = Section::new(Job::Command.name(), title);
    section.about = vec![
        "Whole processes. gaits captures what each program writes, writes a record for each into a file, and sees to it that".into(),
        "none outlives it; xargs does none of that. GNU parallel captures as well, and is given a tenth of the list.".into(),
    ];
    let many = list(session, (0..count).map(|number| number.to_string()))?;
    let few = list(session, (0..fewer).map(|number| number.to_string()))?;
    let models = MODELS.into_iter().chain(["async:2", "processes:2", "sequential"]);
    let mut entrants: Vec<_> =
        models.map(|model| gaits::command(&tools.gaits, model, many.path(), count)).collect();
    if let Some(baseline) = &tools.baseline {
        let of_baseline = MODELS.map(|model| gaits::command(baseline, model, many.path(), count));
        entrants.extend(of_baseline);
    }
    entrants.push(runners::xargs(&tools.xargs, many.path(), count));
    entrants.push(runners::parallel(&tools.parallel, few.path(), fewer));
    let rows = session.track.race(Job::Command.name(), entrants, None, true)?;
    section.tables.push(("Programs:".into(), table(&rows)));
    for model in MODELS {
        for (other, least) in [("xargs -P2 -n1", 0.9), ("parallel -j2", 5.0)] {
            let named = |name: &str| rows.iter().find(|row| row.name == name);
            let both = named(&format!("gaits {model}")).zip(named(other));
            let measured = both.and_then(|(ours, theirs)| ours.over(theirs, Lap::rate));
            section.targets.push(Target::new(
                format!("{model}, programs/s over those of {other}"),
                Bound::AtLeast(least),
                "",
                measured.ok_or_else(|| "see below".into()),
            ));
        }
    }
    section.tell(Job::Command.name(), rows);
    Ok(section)
}

fn table(rows: &[Row]) -> Table {
    let mut table =
        Table::new(["program", "runs", "µs a run", "CPU µs a run", "over xargs", "over parallel"]);
    let named = |begin: &str| rows.iter().find(|row| row.name.starts_with(begin));
    for row in rows {
        let over = |other: Option<&Row>| {
            report::spread(other.and_then(|other| row.over(other, Lap::rate)), report::digits)
        };
        table.push(vec![
            row.name.clone(),
            report::median(row.spread(|lap| Some(lap.done as f64)), report::thousands),
            report::spread(row.spread(|lap| Some(lap.wall_us())), report::digits),
            report::median(row.spread(|lap| Some(lap.cpu_us())), report::digits),
            over(named("xargs")),
            over(named("parallel")),
        ]);
    }
    table
}
