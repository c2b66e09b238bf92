//! Requests a second on 50 kept connections.

use super::{Job, Session};
use crate::clients::python::Way;
use crate::clients::{curl, gaits, oha, python, wrk};
use crate::contender::{Clock, Entrant};
use crate::race::{Lap, Row};
use crate::report::{self, Bound, Section, Table, Target};
use crate::server::{LARGE_BYTES, SMALL_BODY};
use crate::stats::{self, Spread};
use anyhow::Result;

const IN_FLIGHT: u64 = 50;

/// What the server answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// 50 bytes.
    Small,
    /// 10 kB.
    Large,
}

/// Runs the job.
pub(crate) fn run(session: &mut Session<'_>, body: Body) -> Result<Section> {
    let (job, bytes) = match body {
        Body::Small => (Job::Small, SMALL_BODY.len()),
        Body::Large => (Job::Large, LARGE_BYTES),
    };
    let title = format!(
        "requests a second, {} in flight, {} bytes",
        IN_FLIGHT,
        report::thousands(bytes as f64)
    );
    let mut section = Section::new(job.name(), title);
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    let url = if body == Body::Small { nginx.small() } else { nginx.large() };
    let entrants = entrants(session, &url);
    let rows = session.track.race(job.name(), entrants, Some(nginx), true)?;
    section.about = about();
    section.tables.push(("All that took part:".into(), table(&rows)));
    section.tables.push((
        format!("{} against each, requests/s, round by round:", rows[0].name),
        ratio_table(&rows),
    ));
    if body == Body::Small {
        section.targets.push(target(&rows, "oha", 1.0));
    }
    section.tell(&rows);
    Ok(section)
}

/// gaits comes first; the ratios are to it. Slow clients do fewer requests, enough for about a second.
fn entrants(session: &Session<'_>, url: &str) -> Vec<Entrant> {
    let tools = session.tools;
    let count = |count| session.scaled(count, 1);
    vec![
        gaits::fetch(&tools.gaits, &format!("async:{IN_FLIGHT}"), url, count(200_000)),
        wrk::row(&tools.wrk, url, IN_FLIGHT, session.scaled(2, 1)),
        oha::row(&tools.oha, url, IN_FLIGHT, count(200_000)),
        curl::row(&tools.curl, url, IN_FLIGHT, count(20_000)),
        python::aiohttp(&tools.aiohttp, IN_FLIGHT, url, count(10_000)),
        python::requests(&tools.requests, Way::Loop, url, count(2_000)),
        python::requests(&tools.requests, Way::Threads(10), url, count(2_000)),
        python::requests(&tools.requests, Way::Processes(2), url, count(4_000)),
    ]
}

fn about() -> Vec<String> {
    [
        "Same nginx, kept connections, one client at a time. gaits hashes each body and writes a record of each request to",
        "a file. Requests/s are of the whole process, start-up and the closing of files included; the Python programs do",
        "fewer requests and are timed without their start-up, in their favour. wrk runs for a time, the others do a number",
        "of requests. Memory is the peak resident set of the process and of its whole tree; server busy is the share of the",
        "time for which nginx's one worker was on a core: at 100 % the server is the limit.",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// The table of a race for requests a second.
pub(crate) fn table(rows: &[Row]) -> Table {
    let mut table = Table::new([
        "program",
        "requests",
        "requests/s",
        "client CPU µs a request",
        "peak MB",
        "tree MB",
        "connections",
        "server busy",
    ]);
    for row in rows {
        let mark = if row.clock == Clock::Own { " *" } else { "" };
        table.push(vec![
            format!("{}{mark}", row.name),
            report::median(row.spread(|lap| Some(lap.done as f64)), report::thousands),
            report::spread(row.spread(|lap| Some(lap.rate())), report::thousands),
            report::spread(row.spread(|lap| Some(lap.cpu_us())), report::digits),
            report::median(row.spread(|lap| Some(lap.memory.main_peak as f64)), report::megabytes),
            report::median(row.spread(|lap| Some(lap.memory.tree_peak as f64)), report::megabytes),
            report::median(
                row.spread(|lap| lap.connections.map(|count| count as f64)),
                report::thousands,
            ),
            report::median(row.spread(|lap| lap.server_busy), |share| {
                format!("{:.0} %", 100.0 * share)
            }),
        ]);
    }
    table
}

/// The first row's requests a second over those of each other row.
pub(crate) fn ratio_table(rows: &[Row]) -> Table {
    let mut table = Table::new([
        "against",
        "median ratio",
        "range",
        "95 % interval",
        "rounds",
        "CPU a request",
    ]);
    let Some((first, others)) = rows.split_first() else { return table };
    for other in others {
        let ratios = ratios(first, other);
        let show = |(low, high): (f64, f64)| format!("{low:.2}–{high:.2}");
        let cpu = stats::ratios(&first.by_round(Lap::cpu_us), &other.by_round(Lap::cpu_us));
        let cells = match Spread::of(&ratios) {
            Some(spread) => vec![
                format!("{:.2}", spread.median),
                show((spread.min, spread.max)),
                spread.interval.map_or("too few rounds".into(), show),
                ratios.len().to_string(),
                report::median(Spread::of(&cpu), |ratio| format!("{ratio:.2}")),
            ],
            None => vec!["not measured".into()],
        };
        table.push([vec![other.name.clone()], cells].concat());
    }
    table
}

fn ratios(first: &Row, other: &Row) -> Vec<f64> {
    if first.trouble.is_some() || other.trouble.is_some() {
        return Vec::new();
    }
    stats::ratios(&first.by_round(Lap::rate), &other.by_round(Lap::rate))
}

/// The first row against the first whose name begins with `peer`.
fn target(rows: &[Row], peer: &str, at_least: f64) -> Target {
    let what = format!("{}, requests/s over those of {peer}", rows[0].name);
    let other = rows.iter().find(|row| row.name.starts_with(peer));
    let measured = other.and_then(|other| Spread::of(&ratios(&rows[0], other)));
    Target::new(what, Bound::AtLeast(at_least), "", measured.ok_or_else(|| "see below".into()))
}
