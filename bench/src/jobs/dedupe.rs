//! A long list without what stands in it twice: what is held, and whether the count is right.

use super::{Job, Session, list};
use crate::clients::gaits;
use crate::race::Lap;
use crate::report::{self, Bound, Section, Table, Target};
use anyhow::Result;

/// It takes its time, and memory repeats well: so many rounds at most.
const ROUNDS: usize = 2;

/// The most that may be resident, in megabytes (10⁶ bytes).
const LIMIT_MB: f64 = 400.0;

/// Of so many items, one stands in the list a second time.
const TWICE: u64 = 10;

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let count = session.scaled(10_000_000, 1);
    let title =
        format!("{} different URLs, one in {TWICE} of them twice", report::thousands(count as f64));
    let mut section = Section::new(Job::Dedupe.name(), title);
    section.about = vec![
        "`gaits fetch --dedupe --dry-run` counts the requests that would be sent: one too many or too few is an error. The".into(),
        "second ones stand at the end of the list. Memory is the peak resident set of the process.".into(),
    ];
    let twice = (0..count).step_by(usize::try_from(TWICE)?);
    let urls = (0..count).chain(twice).map(|number| format!("http://localhost:1/items/{number}"));
    let list = list(session, urls)?;
    let entrants = session
        .ours(|binary| gaits::dedupe(binary, list.path(), count))
        .into_iter()
        .map(|entrant| entrant.changed(|contender| contender.max_rounds = Some(ROUNDS)))
        .collect();
    let rows = session.track.race(Job::Dedupe.name(), entrants, None, false)?;
    let mut table = Table::new(["program", "items", "µs an item", "peak MB"]);
    for row in &rows {
        table.push(vec![
            row.name.clone(),
            report::median(row.spread(|lap| Some(lap.done as f64)), report::thousands),
            report::spread(row.spread(|lap| Some(lap.wall_us())), report::digits),
            report::spread(row.spread(|lap| peak(lap).map(|peak| peak * 1e6)), report::megabytes),
        ]);
    }
    section.tables.push(("Items:".into(), table));
    if let Some(row) = rows.first() {
        let what = format!("{}, memory", row.name);
        section.targets.push(Target::new(what, Bound::AtMost(LIMIT_MB), " MB", row.measured(peak)));
    }
    section.tell(Job::Dedupe.name(), rows);
    Ok(section)
}

/// What was resident at most, in megabytes.
#[expect(clippy::unnecessary_wraps, reason = "it is a figure, which not every round has")]
fn peak(lap: &Lap) -> Option<f64> {
    Some(lap.memory.tree_peak as f64 / 1e6)
}
