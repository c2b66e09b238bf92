//! What it costs to start gaits: where a run is short, that is most of it.

use super::{Job, Session};
use crate::clients::{curl, gaits};
use crate::race::{Lap, Row};
use crate::report::{self, Bound, Section, Table, Target};
use crate::server::Server;
use crate::tools::{BASELINE, GAITS};
use anyhow::Result;

/// So many starts make one figure, since one takes a few milliseconds only.
const STARTS: u64 = 20;

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let mut section = Section::new(Job::Start.name(), "one URL, and the version");
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    let starts = session.scaled(STARTS, 2);
    section.about = vec![
        format!("Milliseconds from before a program is started until it has been waited for. Each round's figure is the mean of {starts}"),
        "starts, one after another. `--baseline FILE` gives the build that must not have been faster.".into(),
    ];
    let url = nginx.small();
    let tools = session.tools;
    let mut one = session.ours(|binary| gaits::fetch_one(binary, &url));
    one.push(curl::one(&tools.curl, &url));
    let version = session.ours(gaits::version);
    for (title, what, entrants, server) in [
        ("one URL", "fetch of one URL", one, Some(nginx as &dyn Server)),
        ("version", "--version", version, None),
    ] {
        let repeated = entrants
            .into_iter()
            .map(|entrant| entrant.changed(|contender| contender.repeat = starts))
            .collect();
        let rows = session.track.race(title, repeated, server, true)?;
        let measured = if tools.baseline.is_some() {
            report::against(&rows, BASELINE, Lap::wall_us)
        } else {
            Err("give the build before with --baseline FILE".into())
        };
        section.targets.push(Target::new(
            format!("{GAITS} {what}, time over that of the baseline"),
            Bound::NoSlower(1.05),
            "",
            measured,
        ));
        section.tables.push((format!("{title}:"), table(&rows)));
        section.tell(title, rows);
    }
    Ok(section)
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(["program", "ms a start", "CPU ms a start"]);
    for row in rows {
        table.push(vec![
            row.name.clone(),
            report::spread(row.spread(|lap| Some(lap.wall_us() / 1e3)), report::digits),
            report::spread(row.spread(|lap| Some(lap.cpu_us() / 1e3)), report::digits),
        ]);
    }
    table
}
