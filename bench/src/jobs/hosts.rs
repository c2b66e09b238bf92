//! Many hosts in turn: how many connections are opened, which shows whether they are shared or each worker has its own.

use super::throughput::{connections, table};
use super::{Job, Session, list};
use crate::clients::gaits;
use crate::report::{Bound, Section, Target};
use crate::tools::GAITS;
use anyhow::Result;

/// How often each host is asked.
const TIMES: u64 = 40;

/// The models, and the most connections that each may open.
const MODELS: [(&str, f64); 2] = [("sequential", 64.0), ("async:50", 150.0)];

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let mut section =
        Section::new(Job::Hosts.name(), "2,560 requests in rotation over 64 hosts, 50 bytes");
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    let hosts = nginx.hosts();
    let count = hosts.len() as u64 * TIMES;
    let list = list(session, (0..TIMES).flat_map(|_| hosts.iter().cloned()))?;
    section.about = vec![
        "The hosts are 64 addresses on which the one nginx listens. The list names them in turn, 40 times over.".into(),
        "Connections are those that nginx accepted.".into(),
    ];
    let entrants = MODELS
        .iter()
        .flat_map(|(model, _)| {
            session.ours(|binary| gaits::fetch_file(binary, model, list.path(), count, &[]))
        })
        .collect();
    let rows = session.track.race(Job::Hosts.name(), entrants, Some(nginx), true)?;
    for (model, most) in MODELS {
        let row = rows.iter().find(|row| row.name == format!("{GAITS} {model}"));
        section.targets.push(Target::new(
            format!("{model}, connections opened"),
            Bound::AtMost(most),
            "",
            row.map_or_else(|| Err("it was left out".into()), |row| row.measured(connections)),
        ));
    }
    section.tables.push(("All that took part:".into(), table(&rows)));
    section.tell(Job::Hosts.name(), rows);
    Ok(section)
}
