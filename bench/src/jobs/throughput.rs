//! Requests a second on 50 kept connections, by the size of the body.

use super::{Job, Session};
use crate::clients::bare::{self, Bodies};
use crate::clients::python::Way;
use crate::clients::{curl, gaits, oha, python, wrk};
use crate::contender::{Clock, Entrant};
use crate::race::{Lap, Row};
use crate::report::{self, Bound, Section, Table, Target};
use crate::server::{HUGE_BYTES, LARGE_BYTES, SMALL_BODY};
use anyhow::Result;

/// Requests in flight.
pub(super) const IN_FLIGHT: u64 = 50;

/// The name of the bare client that hashes, as far as it is the same in every race.
const HASHING: &str = "bare client with BLAKE3";

/// What the server answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// 50 bytes.
    Small,
    /// 10 kB.
    Large,
    /// 1 MB.
    Huge,
}

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>, body: Body) -> Result<Section> {
    let (job, bytes) = match body {
        Body::Small => (Job::Small, SMALL_BODY.len()),
        Body::Large => (Job::Large, LARGE_BYTES),
        Body::Huge => (Job::Huge, HUGE_BYTES),
    };
    let title = format!(
        "requests a second, {IN_FLIGHT} in flight, {} bytes",
        report::thousands(bytes as f64)
    );
    let mut section = Section::new(job.name(), title);
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    let entrants = match body {
        Body::Small => many(session, &nginx.small(), 200_000),
        Body::Large => many(session, &nginx.large(), 100_000),
        Body::Huge => few(session, &nginx.huge()),
    };
    let rows = session.track.race(job.name(), entrants, Some(nginx), true)?;
    section.about = about();
    let what = rows[0].name.clone();
    section.targets = match body {
        Body::Small => vec![
            report::rate_target(&rows, &what, "oha", 1.35),
            report::rate_target(&rows, &what, "wrk", 0.95),
            Target::new(
                format!("{what}, CPU a request over that of wrk"),
                Bound::AtMost(1.25),
                "",
                report::against(&rows, "wrk", Lap::cpu_us),
            ),
        ],
        Body::Large => vec![
            report::rate_target(&rows, &what, "oha", 1.0),
            report::rate_target(&rows, &what, "wrk", 0.85),
        ],
        Body::Huge => vec![report::rate_target(&rows, &what, HASHING, 0.9)],
    };
    tell(&mut section, job.name(), rows);
    Ok(section)
}

/// gaits comes first; the ratios are to it. Slow clients do fewer requests, enough for about a second.
fn many(session: &Session<'_>, url: &str, count: u64) -> Vec<Entrant> {
    let tools = session.tools;
    let scaled = |count| session.scaled(count, 1);
    let mut entrants = ours(session, url, scaled(count));
    entrants.extend([
        bare::row(url, IN_FLIGHT, scaled(count), Bodies::Hashed),
        wrk::row(&tools.wrk, url, IN_FLIGHT, session.seconds()),
        oha::row(&tools.oha, url, IN_FLIGHT, scaled(count)),
        curl::row(&tools.curl, url, IN_FLIGHT, scaled(20_000)),
        python::aiohttp(&tools.aiohttp, IN_FLIGHT, url, scaled(10_000)),
        python::requests(&tools.requests, Way::Loop, url, scaled(2_000)),
        python::requests(&tools.requests, Way::Threads(10), url, scaled(2_000)),
        python::requests(&tools.requests, Way::Processes(2), url, scaled(4_000)),
    ]);
    entrants
}

/// For bodies of which there are some thousand a second.
fn few(session: &Session<'_>, url: &str) -> Vec<Entrant> {
    let tools = session.tools;
    let count = session.scaled(3_000, IN_FLIGHT);
    let mut entrants = ours(session, url, count);
    entrants.extend([
        bare::row(url, IN_FLIGHT, count, Bodies::Hashed),
        bare::row(url, IN_FLIGHT, count, Bodies::Received),
        wrk::row(&tools.wrk, url, IN_FLIGHT, session.seconds()),
        oha::row(&tools.oha, url, IN_FLIGHT, count),
    ]);
    entrants
}

fn ours(session: &Session<'_>, url: &str, count: u64) -> Vec<Entrant> {
    let model = format!("async:{IN_FLIGHT}");
    session.ours(|binary| gaits::fetch(binary, &model, url, count, &[]))
}

fn about() -> Vec<String> {
    [
        "Same nginx, kept connections, one client at a time. gaits hashes each body and writes a record of each request to",
        "a file. The bare client is the harness's own epoll loop, which receives, hashes if it says so, and keeps nothing.",
        "Requests/s are of the whole process, start-up and the closing of files included; the Python programs do",
        "fewer requests and are timed without their start-up, in their favour. wrk runs for a time, the others do a number",
        "of requests. Memory is the peak resident set of the process and of its whole tree; server busy is the share of the",
        "time for which nginx's one worker was on a core: at 100 % the server is the limit.",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Puts a race for requests a second into the section.
pub(super) fn tell(section: &mut Section, title: &str, rows: Vec<Row>) {
    section.tables.push((format!("{title}:"), table(&rows)));
    section.tables.push((
        format!("{} against each, requests/s, round by round:", rows[0].name),
        report::ratios(&rows),
    ));
    section.tell(title, rows);
}

/// The table of a race for requests a second.
pub(super) fn table(rows: &[Row]) -> Table {
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
            report::median(row.spread(connections), report::thousands),
            report::median(row.spread(Lap::server_busy), |share| format!("{:.0} %", 100.0 * share)),
        ]);
    }
    table
}

/// Connections that the server accepted, for statistics.
pub(super) fn connections(lap: &Lap) -> Option<f64> {
    lap.connections.map(|count| count as f64)
}
