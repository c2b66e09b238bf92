//! Requests a second through a proxy, where curl goes through the same.

use super::throughput::{IN_FLIGHT, tell};
use super::{Job, Session};
use crate::clients::{curl, gaits};
use crate::report::{self, Section};
use crate::server::{Proxy, SMALL_BODY};
use anyhow::{Context, Result};

/// What the requests a second must reach of curl's.
const LIMIT: f64 = 0.9;

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let count = session.scaled(20_000, 1);
    let [requests, bytes] =
        [count, SMALL_BODY.len() as u64].map(|number| report::thousands(number as f64));
    let title = format!("{requests} requests through an HTTP proxy, {bytes} bytes");
    let mut section = Section::new(Job::Proxy.name(), title);
    let (Some(nginx), Ok(program)) = (session.nginx, &session.tools.nginx) else {
        return Ok(session.without_nginx(section));
    };
    section.about = vec![
        format!(
            "{IN_FLIGHT} in flight. The proxy is another nginx of one worker, which keeps the connections on both sides. The client asks"
        ),
        "it for whole URLs. The server's own count of requests is the one that is checked.".into(),
    ];
    let proxy = Proxy::start(&program.path, nginx).context("nginx as a proxy")?;
    let (url, through) = (nginx.small(), proxy.url());
    let model = format!("async:{IN_FLIGHT}");
    let mut entrants = session.ours(|binary| {
        gaits::fetch(binary, &model, &url, count, &["--proxy", &through, "--no-proxy", ""])
    });
    entrants.push(curl::through(&session.tools.curl, &through, &url, IN_FLIGHT, count));
    let rows = session.track.race(Job::Proxy.name(), entrants, Some(nginx), true)?;
    let what = rows[0].name.clone();
    section.targets.push(report::rate_target(&rows, &what, "curl", LIMIT));
    tell(&mut section, Job::Proxy.name(), rows);
    Ok(section)
}
