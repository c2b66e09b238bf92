//! Requests a second that send something, beside those that ask only, and oha that sends the same.

use super::throughput::{IN_FLIGHT, tell};
use super::{Job, Session};
use crate::clients::bare::{self, Bodies};
use crate::clients::{gaits, oha};
use crate::race::Lap;
use crate::report::{self, Bound, Section, Target};
use anyhow::Result;

/// How long the JSON is that is sent.
const BYTES: usize = 1_000;

/// What the requests a second must reach of GET's.
const OF_GET: f64 = 0.9;

/// And of oha's.
const OF_OHA: f64 = 1.2;

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    // As many as `small` has, so that a run takes some two seconds.
    let count = session.scaled(200_000, 1);
    let title = format!(
        "{} POSTs of {} bytes of JSON",
        report::thousands(count as f64),
        report::thousands(BYTES as f64)
    );
    let mut section = Section::new(Job::Post.name(), title);
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    section.about = vec![
        format!(
            "{IN_FLIGHT} in flight, on kept connections; 50 bytes come back. nginx reads what is sent and drops it. Before gaits sends a"
        ),
        "POST it notes that it does, since nobody may send it twice. The bare client shows what of the difference is the server's".into(),
        "and the system's: it sends each, receives, and does nothing else.".into(),
    ];
    let head = "{\"data\":\"";
    let json = format!("{head}{}\"}}", "x".repeat(BYTES - head.len() - 2));
    let (url, model) = (nginx.small(), format!("async:{IN_FLIGHT}"));
    let named = |what: &'static str| {
        move |contender: &mut crate::contender::Contender| {
            contender.name.push(' ');
            contender.name.push_str(what);
        }
    };
    let mut entrants = session.ours(|binary| {
        gaits::fetch(binary, &model, &url, count, &["--data-json", &json]).changed(named("POST"))
    });
    entrants.extend(
        session.ours(|binary| gaits::fetch(binary, &model, &url, count, &[]).changed(named("GET"))),
    );
    entrants.push(oha::post(&session.tools.oha, &url, IN_FLIGHT, count, &json));
    entrants.push(bare::post(&url, IN_FLIGHT, count, &json));
    entrants.push(bare::row(&url, IN_FLIGHT, count, Bodies::Received).changed(named("GET")));
    let rows = session.track.race(Job::Post.name(), entrants, Some(nginx), true)?;
    let what = rows[0].name.clone();
    let get = format!("{} {model} GET", session.tools.gaits.name);
    section.targets.push(report::rate_target(&rows, &what, &get, OF_GET));
    let plain =
        ["POST", "GET"].map(|method| format!("bare client, {IN_FLIGHT} connections {method}"));
    section.targets.push(Target::new(
        format!("{what}, requests/s over those of {get}, over the same of the bare client"),
        Bound::AtLeast(OF_GET),
        "",
        report::over_ratio(&rows, (&what, &get), (&plain[0], &plain[1]), Lap::rate),
    ));
    section.targets.push(report::rate_target(&rows, &what, "oha", OF_OHA));
    tell(&mut section, Job::Post.name(), rows);
    Ok(section)
}
