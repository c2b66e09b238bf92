//! Requests a second over HTTP/2.

use super::throughput::{connections, tell};
use super::{Job, Session};
use crate::clients::{gaits, h2load, oha};
use crate::report::{self, Bound, Section, Target};
use anyhow::Result;

/// In flight; on how many connections the others have them, with how many streams on each. nginx allows 128 streams, so
/// these are the fewest connections that hold them.
const LEVELS: [(u64, u64, u64); 2] = [(50, 1, 50), (500, 4, 125)];

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let title = "requests a second over HTTP/2 with 50 and 500 in flight, 50 bytes";
    let mut section = Section::new(Job::Http2.name(), title);
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    let Some(url) = nginx.http2() else {
        section.troubles.push("the whole job: this nginx was built without HTTP/2".into());
        return Ok(section);
    };
    section.about = vec![
        "HTTP/2 over TLS, as `small` otherwise. nginx allows 128 streams on a connection. oha and h2load are told how many".into(),
        "connections to open; gaits finds out.".into(),
    ];
    let (tools, authority) = (session.tools, nginx.authority());
    let count = session.scaled(100_000, 500);
    for (in_flight, fewest, streams) in LEVELS {
        let model = format!("async:{in_flight}");
        let options = ["--cacert", &authority];
        let mut entrants =
            session.ours(|binary| gaits::fetch(binary, &model, &url, count, &options));
        entrants.push(oha::http2(&tools.oha, &url, (fewest, streams), count, &authority));
        entrants.push(h2load::row(&tools.h2load, &url, fewest, streams, count));
        let title = format!("{in_flight} in flight");
        let rows = session.track.race(&title, entrants, Some(nginx), true)?;
        section.targets.push(report::rate_target(&rows, &title, "oha", 1.0));
        section.targets.push(report::rate_target(&rows, &title, "h2load", 0.8));
        section.targets.push(Target::new(
            format!("{title}, connections opened"),
            Bound::AtMost(fewest as f64),
            "",
            rows[0].measured(connections),
        ));
        tell(&mut section, &title, rows);
    }
    Ok(section)
}
