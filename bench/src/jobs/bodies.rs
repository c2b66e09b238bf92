//! Bodies to files: gaits brings each to the disk before its record names it, curl leaves that to the system.

use super::throughput::{IN_FLIGHT, tell};
use super::{Job, Session, list};
use crate::clients::{curl, gaits};
use crate::report::{self, Section};
use crate::server::LARGE_BYTES;
use anyhow::Result;

/// What the files a second must reach of curl's.
const LIMIT: f64 = 0.5;

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let count = session.scaled(100_000, 1);
    let bytes = LARGE_BYTES as u64;
    let [files, size] = [count, bytes].map(|number| report::thousands(number as f64));
    let title = format!("{files} bodies of {size} bytes to files");
    let mut section = Section::new(Job::Bodies.name(), title);
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    section.about = vec![
        format!(
            "{IN_FLIGHT} in flight. gaits writes each body to a file, syncs it, and then writes its record. curl writes the files that its"
        ),
        "config names and syncs nothing. Afterwards all files must be there in their full length."
            .into(),
    ];
    let url = nginx.large();
    let urls = list(session, (0..count).map(|number| format!("{url}?{number}")))?;
    let transfers =
        list(session, (0..count).map(|number| curl::transfer(&format!("{url}?{number}"), number)))?;
    let model = format!("async:{IN_FLIGHT}");
    let mut entrants =
        session.ours(|binary| gaits::fetch_bodies(binary, &model, urls.path(), count, bytes));
    entrants.push(curl::bodies(&session.tools.curl, transfers.path(), IN_FLIGHT, count, bytes));
    let rows = session.track.race(Job::Bodies.name(), entrants, Some(nginx), true)?;
    let what = rows[0].name.clone();
    section.targets.push(report::rate_target(&rows, &what, "curl", LIMIT));
    tell(&mut section, Job::Bodies.name(), rows);
    Ok(section)
}
