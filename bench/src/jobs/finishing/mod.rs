//! A list that has to be finished: a server with faults, a program that is killed in the middle and started again. What is
//! missing in the end, what was done twice, and what is wrong although it is called good.

mod kill;
mod programs;

use super::{Job, Session};
use crate::contender::{self, Clock};
use crate::measure;
use crate::race::Row;
use crate::report::{self, Bound, Section, Table, Target};
use crate::server::Origin;
use crate::stats::Spread;
use anyhow::{Context, Result, bail};
use programs::Program;
use std::collections::BTreeSet;
use std::path::Path;

/// How long each body is.
const BYTES: u64 = 2_000;

/// Each program is killed so often at most, in rounds that are no races: nothing is timed.
const ROUNDS: usize = 5;

/// What the server breaks, and how long it takes.
const FAULTS: [&str; 6] =
    ["--fault", "reset:0.01,truncate:0.01,429:0.01", "--retry-after", "1", "--latency", "5ms"];

/// What the rounds of one program came to, added up.
#[derive(Debug, Default, Clone)]
struct Sums {
    kills: u64,
    items: u64,
    /// Sent whole by the server before the kill.
    sent: u64,
    /// Of these, requested again after it.
    sent_again: u64,
    /// Finished when the program was killed: the whole body was its result.
    before: u64,
    /// Without a result in the end.
    lost: u64,
    /// Of these, with a record that says that they failed.
    told: u64,
    /// Requested again though they were finished before the kill.
    again: u64,
    /// Results of an item that has another one.
    twice: u64,
    /// Results that are not the body.
    wrong: u64,
    /// Of these, by a program that recorded a success or ended with status 0.
    called_good: u64,
    /// The exit codes of the second runs.
    exits: BTreeSet<String>,
    seconds: Vec<f64>,
}

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let count = session.scaled(2_000, 1);
    let shown = report::thousands(count as f64);
    let title = format!("{shown} items, a server with faults, and a kill in the middle");
    let mut section = Section::new(Job::Finishing.name(), title);
    let rounds = session.track.rounds.min(ROUNDS);
    section.about = about(rounds);
    let mut table = Table::new([
        "program",
        "kills",
        "items",
        "sent before",
        "of these again",
        "finished before",
        "of these again",
        "lost",
        "of these told",
        "results twice",
        "wrong bodies",
        "called good",
        "exit",
        "seconds after the kill",
    ]);
    let wanted = wanted(session, count)?;
    for program in Program::ALL {
        let (row, sums) = of_program(session, program, &wanted, rounds)?;
        if let Some(sums) = &sums {
            table.push(cells(program, sums));
        }
        if program == Program::Gaits {
            section.targets = targets(sums.as_ref(), row.trouble.as_deref());
        }
        section.tell(program.name(), vec![row]);
    }
    section.tables.push((format!("Over {rounds} kills each:"), table));
    Ok(section)
}

fn about(rounds: usize) -> Vec<String> {
    vec![
        "The server is `gaits origin`: of a hundred answers it resets one, cuts one off in its body, and replaces one by a 429 with".into(),
        "`Retry-After: 1`. A program is killed with SIGKILL once it has got between a quarter and three quarters of the bodies, and".into(),
        "then run again as its manual says, until it ends by itself. Lost: no result in the end. Again: requested after the kill, by".into(),
        "the server's log, though the body had been sent whole before it, and though it stood as a result; a request for no more".into(),
        "than the rest of a body counts, too. Twice: results of an item that has another one, torn ones among them.".into(),
        "Wrong: a result that is not the body; called good, if the program recorded it as a result or ended with status 0.".into(),
        format!("Each program: 16 in flight, {rounds} kills. Nothing is timed here; seconds only show what was waited for."),
    ]
}

/// The right body of each item.
fn wanted(session: &Session<'_>, count: u64) -> Result<Vec<Vec<u8>>> {
    let folder = tempfile::tempdir_in(session.track.folder).context("failed to make a folder")?;
    let log = folder.path().join("access");
    let origin = Origin::start::<&str>(&session.tools.gaits.path, 0, log, &[])?;
    (0..count).map(|item| origin.get(&path(item))).collect()
}

/// What is asked for an item: the bytes follow from the seed alone.
fn path(item: u64) -> String {
    format!("/bytes/{BYTES}?seed={item}")
}

/// The item that a path asks for.
fn item(path: &str) -> Option<u64> {
    path.rsplit_once("seed=")?.1.parse().ok()
}

/// A program's rounds; none if it is missing or did not get through.
fn of_program(
    session: &mut Session<'_>,
    program: Program,
    wanted: &[Vec<u8>],
    rounds: usize,
) -> Result<(Row, Option<Sums>)> {
    let mut row = Row {
        name: program.name().into(),
        command: String::new(),
        clock: Clock::Whole,
        laps: Vec::new(),
        trouble: None,
    };
    let tool = match program.tool(session.tools) {
        Ok(tool) => tool,
        Err(why) => {
            row.trouble = Some(format!("skipped: {why}"));
            return Ok((row, None));
        }
    };
    row.command = contender::shown(&program.argv(tool, true));
    let mut sums = Sums::default();
    for round in 1..=rounds {
        eprintln!("finishing: kill {round} of {rounds}: {}", row.name);
        let quarter = wanted.len() / 4;
        let kill_after = session.track.random.usize(quarter..=3 * quarter);
        let seed = session.track.random.u32(..);
        let done = once(session, program, tool, wanted, kill_after, seed, &mut sums);
        if session.track.interrupt.raised() {
            bail!("interrupted");
        }
        if let Err(error) = done {
            row.trouble = Some(format!("failed at kill {round}: {error:#}"));
            return Ok((row, None));
        }
    }
    Ok((row, Some(sums)))
}

/// Starts the program, kills it, starts it again, and adds up what came of it.
fn once(
    session: &Session<'_>,
    program: Program,
    tool: (&Path, &str),
    wanted: &[Vec<u8>],
    kill_after: usize,
    seed: u32,
    sums: &mut Sums,
) -> Result<()> {
    let scratch = tempfile::Builder::new()
        .prefix("run")
        .tempdir_in(session.track.folder)
        .context("failed to make a scratch folder")?;
    let logs = tempfile::tempdir_in(session.track.folder).context("failed to make a folder")?;
    let scratch = scratch.path();
    let start = |port, name: &str, seed: u32| {
        let seed = seed.to_string();
        let options = [FAULTS.as_slice(), &["--seed", &seed]].concat();
        Origin::start(&session.tools.gaits.path, port, logs.path().join(name), &options)
    };
    let origin = start(0, "first", seed)?;
    let port = origin.port()?;
    let urls: Vec<String> =
        (0..wanted.len() as u64).map(|item| origin.url().to_owned() + &path(item)).collect();
    program.prepare(&urls, scratch)?;
    let argv = program.argv(tool, false);
    kill::in_the_middle(&argv, scratch, origin.log(), kill_after, session.track.interrupt)?;
    let good = |item: &u64, body: &Vec<u8>| is_item(wanted, *item, body);
    let before = program.left(scratch)?.bodies;
    let finished: BTreeSet<u64> =
        before.iter().filter(|(item, body)| good(item, body)).map(|(item, _)| *item).collect();
    let sent: BTreeSet<u64> = origin
        .finish()?
        .iter()
        .filter(|access| access.good())
        .filter_map(|access| item(&access.path))
        .collect();
    // The same address, and a log that holds nothing of before.
    let origin = start(port, "second", seed.wrapping_add(1))?;
    let run = measure::run(&program.argv(tool, true), None, scratch, session.track.interrupt)?;
    let asked: BTreeSet<u64> =
        origin.finish()?.iter().filter_map(|access| item(&access.path)).collect();
    let left = program.left(scratch)?;
    let wrong = left.bodies.iter().filter(|(item, body)| !good(item, body)).count() as u64;
    sums.kills += 1;
    sums.items += wanted.len() as u64;
    sums.sent += sent.len() as u64;
    sums.sent_again += sent.intersection(&asked).count() as u64;
    sums.before += finished.len() as u64;
    sums.again += finished.intersection(&asked).count() as u64;
    sums.lost += (wanted.len() - left.bodies.len()) as u64;
    sums.told += left.failed;
    sums.twice += left.twice;
    sums.wrong += wrong;
    if program.records_results() || run.status.success() {
        sums.called_good += wrong;
    }
    let exit = run.status.code().map_or_else(|| run.status.to_string(), |code| code.to_string());
    sums.exits.insert(exit);
    sums.seconds.push(run.wall);
    Ok(())
}

/// Whether this is the right body of the item.
fn is_item(wanted: &[Vec<u8>], item: u64, body: &[u8]) -> bool {
    let right = usize::try_from(item).ok().and_then(|item| wanted.get(item));
    right.is_some_and(|right| right == body)
}

fn cells(program: Program, sums: &Sums) -> Vec<String> {
    let exits: Vec<_> = sums.exits.iter().map(String::as_str).collect();
    let mut cells = vec![program.name().to_owned()];
    let counts = [
        sums.kills,
        sums.items,
        sums.sent,
        sums.sent_again,
        sums.before,
        sums.again,
        sums.lost,
        sums.told,
        sums.twice,
        sums.wrong,
        sums.called_good,
    ];
    cells.extend(counts.map(|count| report::thousands(count as f64)));
    cells.push(exits.join(", "));
    cells.push(report::median(Spread::of(&sums.seconds), report::digits));
    cells
}

/// Nothing of it may happen even once.
fn targets(sums: Option<&Sums>, trouble: Option<&str>) -> Vec<Target> {
    let target = |what: &str, count: fn(&Sums) -> u64| {
        let measured = sums
            .and_then(|sums| Spread::of(&[count(sums) as f64]))
            .ok_or_else(|| trouble.unwrap_or("not run").to_owned());
        Target::new(
            format!("gaits fetch, items {what}, all kills"),
            Bound::AtMost(0.0),
            "",
            measured,
        )
    };
    vec![
        target("lost", |sums| sums.lost),
        target("requested again", |sums| sums.again),
        target("with two results", |sums| sums.twice),
        target("called good with a wrong body", |sums| sums.called_good),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_known_by_its_path() {
        assert_eq!(item(&path(17)), Some(17));
        assert_eq!(item("/bytes/10"), None);
        let wanted = [b"a".to_vec(), b"b".to_vec()];
        assert!(is_item(&wanted, 1, b"b"));
        assert!(!is_item(&wanted, 1, b"a") && !is_item(&wanted, 2, b"a"));
    }
}
