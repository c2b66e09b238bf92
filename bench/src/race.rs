//! Rounds. In each, every contender runs once, in an order drawn anew, so that what changes on the machine over time
//! meets all of them alike.

use crate::contender::{Clock, Contender, Entrant, Reading};
use crate::interrupt::Interrupt;
use crate::measure;
use crate::server::{Served, Server};
use crate::stats::{self, Spread};
use crate::tools::GAITS;
use crate::watch::Memory;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::path::Path;

/// What all races of a session share.
#[derive(Debug)]
pub(crate) struct Track<'a> {
    /// Whether to stop.
    pub(crate) interrupt: &'a Interrupt,
    /// Where runs get their scratch folders.
    pub(crate) folder: &'a Path,
    /// Draws the order.
    pub(crate) random: fastrand::Rng,
    /// Counted rounds.
    pub(crate) rounds: usize,
    /// The programs that gaits meets, by the beginnings of their rows' names; empty for all.
    pub(crate) peers: &'a [String],
}

/// What a contender did in one counted round: in one run, or in as many as it is repeated, added up.
#[derive(Debug, Serialize)]
pub(crate) struct Lap {
    /// Requests or items done.
    pub(crate) done: u64,
    /// Seconds of the whole process.
    pub(crate) wall: f64,
    /// Seconds by the program's own account: from its first item to its last.
    pub(crate) own_wall: Option<f64>,
    /// Seconds that count for the rate: those of the contender's clock.
    pub(crate) seconds: f64,
    /// Processor seconds by the same clock.
    pub(crate) cpu: f64,
    /// What it held; of repeated runs, the last.
    pub(crate) memory: Memory,
    /// Connections that the server accepted.
    pub(crate) connections: Option<u64>,
    /// Seconds for which the server was busy.
    pub(crate) server_seconds: Option<f64>,
    /// Seconds for which the thread that was asked for was on a core.
    pub(crate) thread: Option<f64>,
}

impl Lap {
    /// Items per second.
    pub(crate) fn rate(&self) -> f64 {
        self.done as f64 / self.seconds
    }

    /// Microseconds of processor time an item.
    pub(crate) fn cpu_us(&self) -> f64 {
        1e6 * self.cpu / self.done as f64
    }

    /// Microseconds of wall time an item.
    pub(crate) fn wall_us(&self) -> f64 {
        1e6 * self.seconds / self.done as f64
    }

    /// Microseconds of an item for which the thread that was asked for was on a core.
    pub(crate) fn thread_us(&self) -> Option<f64> {
        Some(1e6 * self.thread? / self.done as f64)
    }

    /// Share of the wall time for which the server was busy.
    pub(crate) fn server_busy(&self) -> Option<f64> {
        Some(self.server_seconds? / self.wall)
    }

    fn add(&mut self, next: Self) {
        let both = |ours: Option<f64>, theirs: Option<f64>| Some(ours? + theirs?);
        self.done += next.done;
        self.wall += next.wall;
        self.own_wall = both(self.own_wall, next.own_wall);
        self.seconds += next.seconds;
        self.cpu += next.cpu;
        self.memory = next.memory;
        self.connections =
            self.connections.zip(next.connections).map(|(ours, theirs)| ours + theirs);
        self.server_seconds = both(self.server_seconds, next.server_seconds);
        self.thread = both(self.thread, next.thread);
    }
}

/// What a contender did in all rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) name: String,
    /// Its command; empty for one that is missing.
    pub(crate) command: String,
    /// Which of its times count.
    pub(crate) clock: Clock,
    /// One a counted round.
    pub(crate) laps: Vec<Option<Lap>>,
    /// Why it did not run, or stopped running.
    pub(crate) trouble: Option<String>,
}

impl Row {
    /// A figure of every round.
    pub(crate) fn by_round(&self, figure: impl Fn(&Lap) -> Option<f64>) -> Vec<Option<f64>> {
        self.laps.iter().map(|lap| lap.as_ref().and_then(&figure)).collect()
    }

    /// How a figure spread; none if it was never measured, or if the contender got into trouble: a program that failed is
    /// not ranked by the rounds in which it did not.
    pub(crate) fn spread(&self, figure: impl Fn(&Lap) -> Option<f64>) -> Option<Spread> {
        let values: Vec<f64> = self.laps.iter().flatten().filter_map(figure).collect();
        if self.trouble.is_some() { None } else { Spread::of(&values) }
    }

    /// The same, or why there is none.
    pub(crate) fn measured(&self, figure: impl Fn(&Lap) -> Option<f64>) -> Result<Spread, String> {
        self.spread(figure).ok_or_else(|| match &self.trouble {
            Some(trouble) => format!("{}: {trouble}", self.name),
            None => "it was not counted".into(),
        })
    }

    /// How this contender's figure over another's spread, round by round; none if either got into trouble.
    pub(crate) fn over(&self, other: &Self, figure: impl Fn(&Lap) -> f64) -> Option<Spread> {
        self.over_if(other, |lap| Some(figure(lap)))
    }

    /// The same for a figure that not every round has.
    pub(crate) fn over_if(
        &self,
        other: &Self,
        figure: impl Fn(&Lap) -> Option<f64>,
    ) -> Option<Spread> {
        if self.trouble.is_some() || other.trouble.is_some() {
            return None;
        }
        Spread::of(&stats::ratios(&self.by_round(&figure), &other.by_round(&figure)))
    }
}

impl Track<'_> {
    /// Runs the rounds. `warm_up` puts one more before them, which does not count.
    ///
    /// A contender that fails is told so in its row and runs no more; the others go on. Only an interruption is an error.
    pub(crate) fn race(
        &mut self,
        title: &str,
        entrants: Vec<Entrant>,
        server: Option<&dyn Server>,
        warm_up: bool,
    ) -> Result<Vec<Row>> {
        let mut ready = Vec::new();
        let mut rows = Vec::new();
        for entrant in entrants.into_iter().filter(|entrant| self.takes(entrant.name())) {
            let (row, contender) = enter(entrant, self.rounds);
            rows.push(row);
            ready.push(contender);
        }
        let first = usize::from(!warm_up);
        for round in first..=self.rounds {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            self.random.shuffle(&mut order);
            for place in order {
                let (row, Some(contender)) = (&mut rows[place], &ready[place]) else { continue };
                let out_of_it = contender.max_rounds.is_some_and(|most| round == 0 || round > most);
                if row.trouble.is_some() || out_of_it {
                    continue;
                }
                let which = if round == 0 {
                    "warm-up".into()
                } else {
                    format!("round {round} of {}", self.rounds)
                };
                eprintln!("{title}: {which}: {}", contender.name);
                let lap = run(contender, server, self.folder, self.interrupt);
                if self.interrupt.raised() {
                    bail!("interrupted");
                }
                match lap {
                    Ok(lap) if round > 0 => row.laps[round - 1] = Some(lap),
                    Ok(_) => {}
                    Err(error) => {
                        eprintln!("{title}: {}: {error:#}", contender.name);
                        row.trouble = Some(format!("failed in {which}: {error:#}"));
                    }
                }
            }
        }
        Ok(rows)
    }

    /// Whether a row of this name takes part: gaits always does, the others unless some were chosen and it was not.
    fn takes(&self, name: &str) -> bool {
        self.peers.is_empty()
            || name.starts_with(GAITS)
            || self.peers.iter().any(|peer| name.starts_with(peer))
    }
}

/// The row of an entrant, still empty, and what is to run.
fn enter(entrant: Entrant, rounds: usize) -> (Row, Option<Contender>) {
    let empty = |name: String, command, clock, trouble| Row {
        name,
        command,
        clock,
        laps: (0..rounds).map(|_| None).collect(),
        trouble,
    };
    match entrant {
        Entrant::Ready(contender) => {
            let (name, command, clock) =
                (contender.name.clone(), contender.command(), contender.clock);
            (empty(name, command, clock, None), Some(contender))
        }
        Entrant::Missing { name, why } => {
            (empty(name, String::new(), Clock::Whole, Some(format!("skipped: {why}"))), None)
        }
    }
}

/// Runs a contender for one round.
fn run(
    contender: &Contender,
    server: Option<&dyn Server>,
    folder: &Path,
    interrupt: &Interrupt,
) -> Result<Lap> {
    let mut lap = run_once(contender, server, folder, interrupt)?;
    for _ in 1..contender.repeat {
        lap.add(run_once(contender, server, folder, interrupt)?);
    }
    Ok(lap)
}

/// Runs a contender once, in a scratch folder of its own, and checks that it did what it was asked for.
fn run_once(
    contender: &Contender,
    server: Option<&dyn Server>,
    folder: &Path,
    interrupt: &Interrupt,
) -> Result<Lap> {
    let scratch = tempfile::Builder::new()
        .prefix("run")
        .tempdir_in(folder)
        .context("failed to make a scratch folder")?;
    let before = server.map(Server::settled).transpose()?;
    let busy_before = server.and_then(Server::busy);
    let run = measure::run(&contender.argv, contender.thread, scratch.path(), interrupt)?;
    let busy_after = server.and_then(Server::busy);
    let after = server.map(Server::counts).transpose()?;
    if !run.status.success() {
        bail!("{}: {}", run.status, measure::last_words(scratch.path()));
    }
    let reading = contender.reader.read(scratch.path())?;
    let counted = after.zip(before).map(|(after, before)| after.since(before));
    check(contender, &reading, counted)?;
    if let Some(files) = contender.files
        && let Some(objection) = files.objection(scratch.path())?
    {
        bail!(objection);
    }
    let (seconds, cpu) = match contender.clock {
        Clock::Whole => (run.wall, run.cpu),
        Clock::Own => (reading.own_wall.unwrap_or(run.wall), reading.own_cpu.unwrap_or(run.cpu)),
    };
    let busy = busy_after
        .zip(busy_before)
        .map(|(after, before)| after.saturating_sub(before).as_secs_f64());
    Ok(Lap {
        done: reading.done,
        wall: run.wall,
        own_wall: reading.own_wall,
        seconds,
        cpu,
        memory: run.memory,
        connections: counted.map(|counted| counted.connections),
        server_seconds: busy,
        thread: run.thread,
    })
}

/// Whether a contender did what it was asked for, by its own account and by the server's.
fn check(contender: &Contender, reading: &Reading, counted: Option<Served>) -> Result<()> {
    if reading.failed > 0 {
        bail!("{} failed, {} went well", reading.failed, reading.done);
    }
    let requests = counted.map(|counted| counted.requests);
    let objection = contender.expect.objection(reading.done, requests);
    objection.map_or(Ok(()), |objection| bail!(objection))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::{Expect, Reader};
    use std::ffi::OsString;

    fn shell(name: &str, script: &str, count: u64) -> Entrant {
        let argv = ["sh", "-c", script].map(OsString::from).to_vec();
        Entrant::Ready(Contender::new(name.into(), argv, Expect::Exactly(count), Reader::Curl))
    }

    fn race(entrants: Vec<Entrant>) -> Vec<Row> {
        race_with(entrants, &[])
    }

    fn race_with(entrants: Vec<Entrant>, peers: &[String]) -> Vec<Row> {
        let folder = tempfile::tempdir().unwrap();
        let interrupt = Interrupt::default();
        let random = fastrand::Rng::with_seed(1);
        let folder = folder.path();
        let mut track = Track { interrupt: &interrupt, folder, random, rounds: 2, peers };
        track.race("test", entrants, None, true).unwrap()
    }

    #[test]
    fn every_round_gives_every_contender_one_lap() {
        let rows = race(vec![shell("a", "echo 200", 1), shell("b", "echo 200; echo 200", 2)]);
        assert!(
            rows.iter().all(|row| row.trouble.is_none() && row.laps.iter().all(Option::is_some))
        );
        assert_eq!(rows[1].laps[0].as_ref().unwrap().done, 2);
    }

    #[test]
    fn one_that_fails_is_told_and_stops_nobody() {
        let missing = Entrant::Missing { name: "c".into(), why: "not there".into() };
        let rows = race(vec![
            shell("too few", "echo 200", 2),
            shell("refused", "echo 200; echo 503", 2),
            shell("crashed", "echo oh no >&2; exit 9", 1),
            missing,
            shell("good", "echo 200", 1),
        ]);
        let trouble: Vec<_> = rows.iter().map(|row| row.trouble.as_deref().unwrap_or("")).collect();
        assert!(trouble[0].contains("1 done instead of 2"), "{trouble:?}");
        assert!(trouble[1].contains("1 failed"), "{trouble:?}");
        assert!(trouble[2].contains("oh no"), "{trouble:?}");
        assert!(trouble[3].contains("skipped: not there"), "{trouble:?}");
        assert_eq!(trouble[4], "");
        assert!(rows[0].spread(|lap| Some(lap.wall)).is_none());
    }

    #[test]
    fn repeated_runs_add_up() {
        let repeated = shell("a", "echo 200", 1).changed(|contender| contender.repeat = 3);
        let rows = race(vec![repeated, shell("b", "echo 200", 1)]);
        let laps: Vec<_> = rows[0].laps.iter().flatten().map(|lap| lap.done).collect();
        assert_eq!(laps, [3, 3]);
        assert!(rows[0].over(&rows[1], |lap| lap.done as f64).unwrap().median > 2.9);
    }

    #[test]
    fn gaits_meets_only_the_peers_that_were_chosen() {
        let entrants =
            ["gaits async:1", "wrk -t1", "oha -c 1"].map(|name| shell(name, "echo 200", 1));
        let rows = race_with(entrants.into(), &["oha".into()]);
        let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["gaits async:1", "oha -c 1"]);
    }
}
