//! Requests to a server that takes 230 ms: what counts is how many wait at the same time.

use super::{Job, Session};
use crate::clients::python::Way;
use crate::clients::{curl, gaits, oha, python};
use crate::contender::Entrant;
use crate::race::{Lap, Row};
use crate::report::{self, Bound, Section, Table, Target};
use crate::server::{DELAY, Nginx, Origin};
use anyhow::Result;

/// Ways that take their time run in this many rounds only.
const SLOW_ROUNDS: usize = 2;

/// Runs the job.
pub(crate) fn run(session: &mut Session<'_>) -> Result<Section> {
    let mut section = Section::new(Job::Latency.name(), "100 and 1,000 requests of 230 ms");
    let from_nginx = session.nginx.and_then(|nginx| Some((nginx, nginx.slow()?)));
    let (url, nginx, _origin): (String, Option<&Nginx>, Option<Origin>) = match from_nginx {
        Some((nginx, url)) => (url, Some(nginx), None),
        None => match Origin::start(&session.tools.gaits) {
            Ok(origin) => (origin.slow(), None, Some(origin)),
            Err(error) => {
                section.troubles.push(format!("the whole job: nginx with the echo module is missing (Debian packages nginx and libnginx-mod-http-echo), and {error:#}"));
                return Ok(section);
            }
        },
    };
    section.about = about(nginx.is_some());
    let hundred = session.track.race("latency, 100", of_hundred(session, &url), nginx, true)?;
    let thousand = session.track.race("latency, 1,000", of_thousand(session, &url), nginx, true)?;
    for (count, rows) in [("100", &hundred), ("1,000", &thousand)] {
        section.tables.push((format!("{count} requests, seconds:"), table(rows)));
        section.tell(rows);
    }
    section.targets.extend(targets(&hundred, "gaits async:100", "100 requests", 0.245));
    section.targets.extend(targets(&thousand, "gaits async:1000", "1,000 requests", 0.30));
    Ok(section)
}

fn about(counted: bool) -> Vec<String> {
    let server = if counted {
        "The server is nginx, which sleeps 230 ms and counts the requests."
    } else {
        "The server is gaits origin, since nginx with the echo module (Debian package libnginx-mod-http-echo) is not there; it does not count requests, so that each client's own count must do."
    };
    vec![
        server.into(),
        "Whole process: from before it is started until it has been waited for. Own account: for gaits from the run's".into(),
        "beginning to its last finished item, by its records; for Python without start-up.".into(),
        format!("Ways that take longest run in {SLOW_ROUNDS} rounds only, without a warm-up."),
    ]
}

fn of_hundred(session: &Session<'_>, url: &str) -> Vec<Entrant> {
    let tools = session.tools;
    let ours = |model| gaits::fetch(&tools.gaits, model, url, 100);
    let requests = |way| python::requests(&tools.requests, way, url, 100);
    vec![
        ours("async:100"),
        ours("threads:100"),
        ours("threads:10"),
        ours("processes:8"),
        slow(ours("sequential")),
        oha::row(&tools.oha, url, 100, 100),
        curl::row(&tools.curl, url, 100, 100),
        python::aiohttp(&tools.aiohttp, 100, url, 100),
        requests(Way::Threads(100)),
        requests(Way::Threads(10)),
        requests(Way::Processes(8)),
        slow(requests(Way::Loop)),
    ]
}

/// curl is left out: it has at most 300 transfers in parallel.
fn of_thousand(session: &Session<'_>, url: &str) -> Vec<Entrant> {
    let tools = session.tools;
    vec![
        gaits::fetch(&tools.gaits, "async:1000", url, 1_000),
        oha::row(&tools.oha, url, 1_000, 1_000),
        python::aiohttp(&tools.aiohttp, 1_000, url, 1_000),
    ]
}

fn slow(entrant: Entrant) -> Entrant {
    match entrant {
        Entrant::Ready(mut contender) => {
            contender.max_rounds = Some(SLOW_ROUNDS);
            Entrant::Ready(contender)
        }
        missing @ Entrant::Missing { .. } => missing,
    }
}

fn table(rows: &[Row]) -> Table {
    let limit = DELAY.as_secs_f64();
    let mut table = Table::new([
        "program",
        "whole process",
        "own account",
        "over 0.230 s",
        "CPU",
        "peak MB",
        "tree MB",
    ]);
    for row in rows {
        table.push(vec![
            row.name.clone(),
            report::spread(row.spread(|lap| Some(lap.wall)), report::seconds),
            report::spread(row.spread(|lap| lap.own_wall), report::seconds),
            report::median(row.spread(|lap| Some(lap.wall / limit)), |ratio| {
                format!("{ratio:.2} ×")
            }),
            report::median(row.spread(|lap| Some(lap.cpu)), report::seconds),
            report::median(row.spread(|lap| Some(lap.memory.main_peak as f64)), report::megabytes),
            report::median(row.spread(|lap| Some(lap.memory.tree_peak as f64)), report::megabytes),
        ]);
    }
    table
}

/// The same limit for the whole process and for the run by its own account.
fn targets(rows: &[Row], name: &str, what: &str, limit: f64) -> Vec<Target> {
    let row = rows.iter().find(|row| row.name == name);
    let target = |clock: &str, figure: fn(&Lap) -> Option<f64>| {
        let measured = row.and_then(|row| row.spread(figure)).ok_or_else(|| "see below".into());
        Target::new(format!("{what}, {name}, {clock}"), Bound::AtMost(limit), " s", measured)
    };
    vec![
        target("whole process", |lap| Some(lap.wall)),
        target("run by its own account", |lap| lap.own_wall),
    ]
}
