//! Requests a second with other numbers of requests in flight. Nothing to reach here: it shows where each client stands.

use super::throughput::{ratio_table, table};
use super::{Job, Session};
use crate::clients::{gaits, oha, wrk};
use crate::report::Section;
use anyhow::Result;

/// In flight, and how many requests take about a second.
const LEVELS: [(u64, u64); 3] = [(1, 15_000), (10, 100_000), (500, 100_000)];

/// Runs the job.
pub(crate) fn run(session: &mut Session<'_>) -> Result<Section> {
    let mut section = Section::new(
        Job::InFlight.name(),
        "requests a second with 1, 10 and 500 in flight, 50 bytes",
    );
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    section.about.push("As `small`, to show where each client stands; there is no target.".into());
    let url = nginx.small();
    for (in_flight, count) in LEVELS {
        let count = session.scaled(count, 1);
        let tools = session.tools;
        let mut entrants = vec![
            gaits::fetch(&tools.gaits, &format!("async:{in_flight}"), &url, count),
            wrk::row(&tools.wrk, &url, in_flight, 1),
            oha::row(&tools.oha, &url, in_flight, count),
        ];
        if in_flight == 1 {
            entrants.push(gaits::fetch(&tools.gaits, "sequential", &url, count));
        }
        let title = format!("{}, {in_flight}", Job::InFlight.name());
        let rows = session.track.race(&title, entrants, Some(nginx), true)?;
        section.tables.push((format!("{in_flight} in flight:"), table(&rows)));
        section.tables.push((
            format!("{} against each, requests/s, round by round:", rows[0].name),
            ratio_table(&rows),
        ));
        section.tell(&rows);
    }
    Ok(section)
}
