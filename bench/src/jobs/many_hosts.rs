//! More hosts than there can be connections: what each host costs that has a limit of its own.

use super::throughput::tell;
use super::{Job, Session, list};
use crate::clients::gaits;
use crate::report::{self, Bound, Section, Target};
use crate::tools::GAITS;
use anyhow::Result;

/// How many hosts there are.
const HOSTS: u64 = 100_000;

/// How often each is asked.
const TIMES: u64 = 10;

/// The model of both rows.
const MODEL: &str = "async:50";

/// The limit for each host. It never binds, so what it costs is only that hosts are told apart.
const PER_HOST: [&str; 2] = ["--per-host", "2"];

/// The most that may be resident, in megabytes (10⁶ bytes).
const LIMIT_MB: f64 = 200.0;

/// What the requests a second must reach of those without a limit.
const LIMIT_RATE: f64 = 0.9;

/// Each request takes a connection of its own, so a round is long: so many at most, without a warm-up.
const ROUNDS: usize = 6;

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let hosts = session.scaled(HOSTS, 1);
    let count = hosts * TIMES;
    let shown = |number: u64| report::thousands(number as f64);
    let title = format!("{} URLs in rotation over {} hosts", shown(count), shown(hosts));
    let mut section = Section::new(Job::ManyHosts.name(), title);
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    section.about = vec![
        format!(
            "The hosts are as many loopback addresses, each asked {TIMES} times for 50 bytes. With and without a limit of 2 for each"
        ),
        format!(
            "host, which never binds. Few connections can be kept, so that most requests open one. At most {ROUNDS} rounds."
        ),
    ];
    let list = list(session, (0..count).map(|number| nginx.host_of_many(number % hosts)))?;
    let mut entrants =
        session.ours(|binary| gaits::fetch_file(binary, MODEL, list.path(), count, &PER_HOST));
    entrants
        .extend(session.ours(|binary| gaits::fetch_file(binary, MODEL, list.path(), count, &[])));
    let rounds = session.track.rounds;
    session.track.rounds = rounds.min(ROUNDS);
    let rows = session.track.race(Job::ManyHosts.name(), entrants, Some(nginx), false);
    session.track.rounds = rounds;
    let rows = rows?;
    let what = rows[0].name.clone();
    let measured = match rows.iter().find(|row| row.name == format!("{GAITS} {MODEL}")) {
        Some(free) => rows[0].over(free, crate::race::Lap::rate).ok_or_else(|| "see below".into()),
        None => Err("it was left out".into()),
    };
    section.targets = vec![
        Target::new(
            format!("{what}, requests/s over those without a limit"),
            Bound::AtLeast(LIMIT_RATE),
            "",
            measured,
        ),
        Target::new(
            format!("{what}, the whole tree"),
            Bound::AtMost(LIMIT_MB),
            " MB",
            rows[0].measured(|lap| Some(lap.memory.tree_peak as f64 / 1e6)),
        ),
    ];
    tell(&mut section, Job::ManyHosts.name(), rows);
    Ok(section)
}
