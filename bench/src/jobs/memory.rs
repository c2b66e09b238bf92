//! A million URLs from a file: what is held while they are fetched.

use super::{Job, Session, list};
use crate::clients::gaits;
use crate::race::{Lap, Row};
use crate::report::{self, Bound, Section, Table, Target};
use crate::tools::GAITS;
use anyhow::Result;

const MODELS: [&str; 5] =
    ["async:50", "threads:10", "processes:2", "threads:2/async:25", "processes:2/async:25"];

/// Memory repeats well, and a million requests take their time: so many rounds at most, without a warm-up.
const ROUNDS: usize = 3;

/// The most that may be resident, in megabytes (10⁶ bytes).
const LIMIT_MB: f64 = 100.0;

/// How much more the last quarter of a run may hold than its first, to be called flat.
const LIMIT_GROWTH: f64 = 1.1;

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let count = session.scaled(1_000_000, 1);
    let title = format!("{} URLs from a file", report::thousands(count as f64));
    let mut section = Section::new(Job::Memory.name(), title);
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    let url = nginx.small();
    let list = list(session, (0..count).map(|number| format!("{url}?{number}")))?;
    section.about = vec![
        "Resident memory from /proc, every 20 ms. Peak: the high-water mark of the process that was started. Tree: the sum".into(),
        "of the marks of all its processes, an upper bound (shared pages count in each). First and last quarter: the most".into(),
        format!("that the tree held at any moment of that quarter of the run. At most {ROUNDS} rounds, without a warm-up."),
    ];
    let mut entrants: Vec<_> = MODELS
        .map(|model| gaits::fetch_file(&session.tools.gaits, model, list.path(), count, &[]))
        .into();
    if let Some(baseline) = &session.tools.baseline {
        entrants.push(gaits::fetch_file(baseline, MODELS[0], list.path(), count, &[]));
    }
    let rounds = session.track.rounds;
    session.track.rounds = rounds.min(ROUNDS);
    let rows = session.track.race(Job::Memory.name(), entrants, Some(nginx), false);
    session.track.rounds = rounds;
    let rows = rows?;
    section.tables.push(("Megabytes (10⁶ bytes):".into(), table(&rows)));
    for row in rows.iter().filter(|row| row.name.starts_with(GAITS)) {
        let peak = row.measured(|lap| Some(lap.memory.tree_peak as f64 / 1e6));
        section.targets.push(Target::new(
            format!("{}, the whole tree", row.name),
            Bound::AtMost(LIMIT_MB),
            " MB",
            peak,
        ));
        let what = format!("{}, last quarter over first", row.name);
        section.targets.push(Target::new(
            what,
            Bound::AtMost(LIMIT_GROWTH),
            "",
            row.measured(growth),
        ));
    }
    section.tell(Job::Memory.name(), rows);
    Ok(section)
}

fn growth(lap: &Lap) -> Option<f64> {
    let (first, last) = lap.memory.first_and_last_quarter()?;
    Some(last as f64 / first as f64)
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new([
        "program",
        "requests/s",
        "CPU µs a request",
        "peak",
        "tree",
        "first quarter",
        "last quarter",
    ]);
    for row in rows {
        let quarter = |last: bool| {
            let held = move |lap: &Lap| {
                let (first, end) = lap.memory.first_and_last_quarter()?;
                Some(if last { end as f64 } else { first as f64 })
            };
            report::spread(row.spread(held), report::megabytes)
        };
        table.push(vec![
            row.name.clone(),
            report::spread(row.spread(|lap| Some(lap.rate())), report::thousands),
            report::median(row.spread(|lap| Some(lap.cpu_us())), report::digits),
            report::spread(row.spread(|lap| Some(lap.memory.main_peak as f64)), report::megabytes),
            report::spread(row.spread(|lap| Some(lap.memory.tree_peak as f64)), report::megabytes),
            quarter(false),
            quarter(true),
        ]);
    }
    table
}
