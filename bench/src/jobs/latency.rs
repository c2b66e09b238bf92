//! Requests to a server that takes 230 ms: what counts is how many wait at the same time, and what each of them holds.

use super::{Job, Session};
use crate::clients::bare::{self, Bodies};
use crate::clients::python::Way;
use crate::clients::{curl, gaits, oha, python};
use crate::contender::Entrant;
use crate::race::Row;
use crate::report::{self, Bound, Section, Table, Target};
use crate::server::{DELAY, DelayServer};
use crate::stats::Spread;
use crate::tools::GAITS;
use anyhow::Result;

/// Ways that take their time run in this many rounds only.
const SLOW_ROUNDS: usize = 2;

/// How many requests are made, all at once.
const LEVELS: [u64; 3] = [100, 1_000, 10_000];

/// The most that whole-process time may be of the bare client's.
const LIMIT: f64 = 1.1;

/// The most that a request in flight may hold, in kilobytes (10³ bytes); it is looked at where most are in flight, for
/// there all that does not grow with them weighs least.
const LIMIT_KB: f64 = 20.0;

/// What the rows of one single request are called, behind the binary's name.
const ALONE: &str = "async:1, one request";

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let title = "100, 1,000 and 10,000 requests of 230 ms, all at once";
    let mut section = Section::new(Job::Latency.name(), title);
    let server = DelayServer::start()?;
    section.about = about();
    for count in LEVELS {
        let title = format!("{} requests", report::thousands(count as f64));
        if session.open_files < count + 100 {
            let limit = session.open_files;
            section.troubles.push(format!("{title}: no more than {limit} files may be open"));
            continue;
        }
        let entrants = entrants(session, &server.url(), count);
        let rows = session.track.race(&title, entrants, Some(&server), true)?;
        section.tables.push((format!("{title}, seconds:"), table(&rows, count)));
        section.targets.push(Target::new(
            format!("{title}, {}, seconds over those of the bare client", rows[0].name),
            Bound::AtMost(LIMIT),
            "",
            report::against(&rows, "bare client", |lap| lap.wall),
        ));
        if Some(&count) == LEVELS.last() {
            let held = held(&rows, &rows[0], GAITS, count);
            section.targets.push(Target::new(
                format!("{title}, {}, memory of a request in flight", rows[0].name),
                Bound::AtMost(LIMIT_KB),
                " kB",
                held.ok_or_else(|| "see below".into()),
            ));
        }
        section.tell(title, rows);
    }
    Ok(section)
}

fn about() -> Vec<String> {
    vec![
        "The server is the harness's own epoll loop, which answers each request after 230 ms and counts them. So is the bare".into(),
        "client, which opens a connection for each request and keeps nothing. Whole process: from before a program is started".into(),
        "until it has been waited for. Own account: for gaits from the run's beginning to its last finished item, by its".into(),
        "records; for Python without start-up. Memory of a request: the peak less that of a run with one request, over the".into(),
        format!("requests. Ways that take longest run in {SLOW_ROUNDS} rounds only, without a warm-up."),
    ]
}

/// gaits, what it is measured by, and others where they can have so many requests at once.
fn entrants(session: &Session<'_>, url: &str, count: u64) -> Vec<Entrant> {
    let tools = session.tools;
    let model = format!("async:{count}");
    let mut entrants = session.ours(|binary| gaits::fetch(binary, &model, url, count, &[]));
    entrants.extend(session.ours(|binary| {
        gaits::fetch(binary, "async:1", url, 1, &[])
            .changed(|contender| contender.name = format!("{} {ALONE}", binary.name))
    }));
    entrants.push(bare::row(url, count, count, Bodies::Received));
    entrants.push(oha::row(&tools.oha, url, count, count));
    if count <= 1_000 {
        entrants.push(python::aiohttp(&tools.aiohttp, count, url, count));
    }
    if count == 100 {
        entrants.extend(of_hundred(session, url));
    }
    entrants
}

/// What is worth its time with a hundred requests only. curl has at most 300 transfers in parallel.
fn of_hundred(session: &Session<'_>, url: &str) -> Vec<Entrant> {
    let tools = session.tools;
    let ours = |model| gaits::fetch(&tools.gaits, model, url, 100, &[]);
    let requests = |way| python::requests(&tools.requests, way, url, 100);
    vec![
        ours("threads:100"),
        ours("threads:10"),
        ours("processes:8"),
        slow(ours("sequential")),
        curl::row(&tools.curl, url, 100, 100),
        requests(Way::Threads(100)),
        requests(Way::Threads(10)),
        requests(Way::Processes(8)),
        slow(requests(Way::Loop)),
    ]
}

fn slow(entrant: Entrant) -> Entrant {
    entrant.changed(|contender| contender.max_rounds = Some(SLOW_ROUNDS))
}

/// Kilobytes that each of a row's requests held, round by round: the peak less the same binary's with one request.
fn held(rows: &[Row], row: &Row, binary: &str, count: u64) -> Option<Spread> {
    let alone = rows.iter().find(|row| row.name == format!("{binary} {ALONE}"))?;
    if row.trouble.is_some() || alone.trouble.is_some() {
        return None;
    }
    let peak = |row: &Row| row.by_round(|lap| Some(lap.memory.main_peak as f64));
    let both = peak(row).into_iter().zip(peak(alone));
    let values: Vec<f64> =
        both.filter_map(|(many, one)| Some((many? - one?) / count as f64 / 1e3)).collect();
    Spread::of(&values)
}

fn table(rows: &[Row], count: u64) -> Table {
    let limit = DELAY.as_secs_f64();
    let mut table = Table::new([
        "program",
        "whole process",
        "own account",
        "over 0.230 s",
        "CPU",
        "peak MB",
        "tree MB",
        "kB a request",
        "connections",
    ]);
    let whole = format!("async:{count}");
    for row in rows {
        let held = row
            .name
            .strip_suffix(&whole)
            .and_then(|binary| held(rows, row, binary.trim_end(), count));
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
            report::spread(held, report::digits),
            report::median(row.spread(super::throughput::connections), report::thousands),
        ]);
    }
    table
}
