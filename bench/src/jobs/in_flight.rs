//! Requests a second with other numbers of requests in flight.

use super::throughput::tell;
use super::{Job, Session};
use crate::clients::{gaits, oha, wrk};
use crate::report::{self, Section};
use anyhow::Result;

/// In flight, how many requests take about a second, and what is to be reached of oha's requests a second.
const LEVELS: [(u64, u64, f64); 4] =
    [(1, 15_000, 1.0), (10, 100_000, 1.3), (500, 100_000, 1.15), (5_000, 100_000, 1.15)];

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let title = "requests a second with 1, 10, 500 and 5,000 in flight, 50 bytes";
    let mut section = Section::new(Job::InFlight.name(), title);
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    section.about.push("As `small`, with other numbers in flight.".into());
    let url = nginx.small();
    for (in_flight, count, limit) in LEVELS {
        let level = report::thousands(in_flight as f64);
        if session.open_files < in_flight + 100 {
            let limit = session.open_files;
            section
                .troubles
                .push(format!("{level} in flight: no more than {limit} files may be open"));
            continue;
        }
        let count = session.scaled(count, in_flight);
        let model = format!("async:{in_flight}");
        let mut entrants = session.ours(|binary| gaits::fetch(binary, &model, &url, count, &[]));
        let tools = session.tools;
        entrants.push(wrk::row(&tools.wrk, &url, in_flight, session.seconds()));
        entrants.push(oha::row(&tools.oha, &url, in_flight, count));
        if in_flight == 1 {
            entrants.push(gaits::fetch(&tools.gaits, "sequential", &url, count, &[]));
        }
        let title = format!("{level} in flight");
        let rows = session.track.race(&title, entrants, Some(nginx), true)?;
        section.targets.push(report::rate_target(&rows, &title, "oha", limit));
        tell(&mut section, &title, rows);
    }
    Ok(section)
}
