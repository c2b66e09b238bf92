//! A limit for each host that binds: whether holding items back costs throughput.

use super::throughput::{IN_FLIGHT, tell};
use super::{Job, Session};
use crate::clients::gaits;
use crate::report::{self, Section};
use anyhow::Result;

/// What the requests a second must reach of those of as many workers as the limit lets through.
const LIMIT: f64 = 0.8;

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let title = "requests a second with a limit for the host that binds, 50 bytes";
    let mut section = Section::new(Job::Pacing.name(), title);
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    section.about = vec![
        format!(
            "`--per-host {IN_FLIGHT}` under twice as many workers, against that many workers without a limit: the same number of requests"
        ),
        "is in flight, but every item has to wait for its turn at the host.".into(),
    ];
    let (url, count) = (nginx.small(), session.scaled(200_000, 1));
    let (held, free) = (format!("async:{}", 2 * IN_FLIGHT), format!("async:{IN_FLIGHT}"));
    let limit = ["--per-host", &IN_FLIGHT.to_string()];
    let mut entrants = session.ours(|binary| {
        gaits::fetch(binary, &held, &url, count, &limit)
            .changed(|contender| contender.name = format!("{} {}", contender.name, limit.join(" ")))
    });
    entrants.extend(session.ours(|binary| gaits::fetch(binary, &free, &url, count, &[])));
    let rows = session.track.race(Job::Pacing.name(), entrants, Some(nginx), true)?;
    let what = rows[0].name.clone();
    section.targets.push(report::rate_target(&rows, &what, &format!("gaits {free}"), LIMIT));
    tell(&mut section, Job::Pacing.name(), rows);
    Ok(section)
}
