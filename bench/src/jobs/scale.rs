//! Ten million items: whether memory and the rate stay what they were, and how long going on after them takes.

use super::{Job, Session, list};
use crate::clients::bare;
use crate::clients::gaits::{self, Course};
use crate::contender::{Clock, Contender, Entrant};
use crate::measure::{self, Run};
use crate::race::{Lap, Row};
use crate::report::{self, Bound, Section, Table, Target};
use crate::server::Nginx;
use crate::stats::Spread;
use anyhow::{Context, Result, bail};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use tempfile::{NamedTempFile, TempDir};

const MODELS: [&str; 2] = ["async:50", "processes:2/async:25"];

/// A round takes minutes and writes gigabytes: so many at most, without a warm-up.
const ROUNDS: usize = 3;

/// The most that may be resident, in megabytes (10⁶ bytes).
const LIMIT_MB: f64 = 128.0;

/// What the rate of the last tenth of the items must reach of the first tenth's.
const LIMIT_RATE: f64 = 0.9;

/// How many connections the bare client has: as many as gaits has requests in flight.
const CONNECTIONS: u64 = 50;

/// In how many seconds a run that goes on must have done the one item that is left.
const LIMIT_RESUME: f64 = 5.0;

/// A model's rounds.
struct Long {
    /// All items.
    whole: Row,
    /// The same command once more, with one more item.
    resumed: Row,
    /// Round by round, the rate of the last tenth over the first's.
    held: Vec<f64>,
    /// Round by round, seconds from the beginning of the second run until its item was started.
    first_item: Vec<f64>,
}

/// The rounds of the bare client that writes as much: how the rate holds on this machine, whatever the program.
struct Control {
    row: Row,
    contender: Contender,
    /// Round by round, the rate of the last tenth over the first's.
    held: Vec<f64>,
}

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let count = session.scaled(10_000_000, 1);
    let title = format!("{} URLs over 64 hosts, and one more", report::thousands(count as f64));
    let mut section = Section::new(Job::Scale.name(), title);
    let Some(nginx) = session.nginx else { return Ok(session.without_nginx(section)) };
    section.about = vec![
        "A list in rotation over 64 hosts, retries on, each record written to a file. Then a URL is added to the list and the".into(),
        "same command is run again: whole process, so an upper bound for the time until its item is handed out. First item: by".into(),
        "its record, from that run's beginning. Last tenth over first: items/s by the times in the records. Tree: the sum of the".into(),
        "high-water marks of all processes. The bare client asks one host as often and writes a line of 500 bytes for each".into(),
        "answer, synced once a second: a growing file slows some machines down, whatever the program, and it shows by how much.".into(),
        format!("At most {ROUNDS} rounds, without a warm-up."),
    ];
    let hosts = nginx.hosts();
    let urls = hosts.iter().cycle().zip(0..).map(|(host, number)| format!("{host}?{number}"));
    let list = list(session, urls.take(usize::try_from(count)?))?;
    let one_more = format!("{}?{count}", hosts[0]);
    let mut models = Vec::new();
    for model in MODELS {
        let entrant = gaits::fetch_file(&session.tools.gaits, model, list.path(), count, &[]);
        let Entrant::Ready(contender) = entrant else { continue };
        models.push((Long::new(&contender), contender));
    }
    let mut control = Control::new(bare::row_with_lines(&hosts[0], CONNECTIONS, count));
    for round in 1..=session.track.rounds.min(ROUNDS) {
        session.track.random.shuffle(&mut models);
        let turn = session.track.random.usize(0..=models.len());
        for at in 0..=models.len() {
            if let Some(control) = control.as_mut().filter(|_| at == turn) {
                control.round(session, nginx, round);
            }
            let Some((long, contender)) = models.get_mut(at) else { break };
            if long.whole.trouble.is_some() {
                continue;
            }
            eprintln!("scale: round {round}: {}", contender.name);
            let done = long.round(session, nginx, contender, &list, &one_more);
            if session.track.interrupt.raised() {
                bail!("interrupted");
            }
            if let Err(error) = done {
                let trouble = format!("failed in round {round}: {error:#}");
                eprintln!("scale: {}: {trouble}", contender.name);
                long.whole.trouble = Some(trouble.clone());
                long.resumed.trouble = Some(trouble);
            }
        }
    }
    models.sort_by(|(one, _), (other, _)| one.whole.name.cmp(&other.whole.name));
    section.tables.push(("Megabytes are of 10⁶ bytes:".into(), table(&models, control.as_ref())));
    let plain = match &control {
        None => Err("it could not be run".to_owned()),
        Some(Control { row: Row { trouble: Some(trouble), .. }, .. }) => Err(trouble.clone()),
        Some(control) => Ok(&*control.held),
    };
    for (long, _) in models {
        section.targets.extend(long.targets(plain.clone()));
        section.tell(Job::Scale.name(), vec![long.whole, long.resumed]);
    }
    section.tell(Job::Scale.name(), control.map(|control| control.row).into_iter().collect());
    Ok(section)
}

impl Control {
    fn new(entrant: Entrant) -> Option<Self> {
        let Entrant::Ready(contender) = entrant else { return None };
        let row = row(contender.name.clone(), contender.command());
        Some(Self { row, contender, held: Vec::new() })
    }

    fn round(&mut self, session: &Session<'_>, nginx: &Nginx, round: usize) {
        if self.row.trouble.is_some() || session.track.interrupt.raised() {
            return;
        }
        eprintln!("scale: round {round}: {}", self.contender.name);
        match self.once(session, nginx) {
            Ok((lap, held)) => {
                self.row.laps.push(Some(lap));
                self.held.push(held);
            }
            Err(error) => {
                let trouble = format!("failed in round {round}: {error:#}");
                eprintln!("scale: {}: {trouble}", self.contender.name);
                self.row.trouble = Some(trouble);
            }
        }
    }

    fn once(&self, session: &Session<'_>, nginx: &Nginx) -> Result<(Lap, f64)> {
        use crate::server::Server as _;
        let scratch = scratch(session)?;
        let counted = nginx.settled()?;
        let run =
            measure::run(&self.contender.argv, None, scratch.path(), session.track.interrupt)?;
        let served = nginx.counts()?.since(counted).requests;
        if !run.status.success() {
            bail!("{}: {}", run.status, measure::last_words(scratch.path()));
        }
        let line = bare::line(scratch.path())?;
        let is_good = line.failed == 0 && line.done == served;
        let held = line.held.filter(|_| is_good).context("not every answer was good")?;
        Ok((lap(run, line.done), held))
    }
}

/// A folder for what one run of a program leaves.
fn scratch(session: &Session<'_>) -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("run").tempdir_in(session.track.folder);
    folder.context("failed to make a scratch folder")
}

/// A row without rounds.
fn row(name: String, command: String) -> Row {
    Row { name, command, clock: Clock::Whole, laps: Vec::new(), trouble: None }
}

impl Long {
    fn new(contender: &Contender) -> Self {
        Self {
            whole: row(contender.name.clone(), contender.command()),
            resumed: row(format!("{}, one more", contender.name), String::new()),
            held: Vec::new(),
            first_item: Vec::new(),
        }
    }

    /// Does the whole list, and then the same with one more item.
    fn round(
        &mut self,
        session: &Session<'_>,
        nginx: &Nginx,
        contender: &Contender,
        list: &NamedTempFile,
        one_more: &str,
    ) -> Result<()> {
        let scratch = scratch(session)?;
        let scratch = scratch.path();
        let (run, course, done) = once(session, nginx, contender, scratch, 0)?;
        let held = last_over_first(course.finished_us).context("too few items")?;
        let length = list.as_file().metadata().context("failed to read the list's length")?.len();
        let mut longer =
            OpenOptions::new().append(true).open(list.path()).context("failed to open the list")?;
        writeln!(longer, "{one_more}").context("failed to write the list")?;
        let resumed = once(session, nginx, contender, scratch, done);
        longer.set_len(length).context("failed to shorten the list")?;
        let (again, course, more) = resumed?;
        if more != 1 {
            bail!("{more} items were done in place of the one that was left");
        }
        self.held.push(held);
        self.first_item.push(course.last_started_us as f64 / 1e6);
        self.whole.laps.push(Some(lap(run, done)));
        self.resumed.laps.push(Some(lap(again, more)));
        Ok(())
    }

    /// `plain` is how the rate of the bare client held, round by round, or why that is not known.
    fn targets(&self, plain: Result<&[f64], String>) -> Vec<Target> {
        let own = self.whole.trouble.clone().map_or(Ok(&*self.held), Err);
        let held = |held: &[f64]| Spread::of(held).ok_or_else(|| "see below".to_owned());
        let over_plain = own.clone().and_then(|own| {
            let over: Vec<f64> = own.iter().zip(plain?).map(|(own, one)| own / one).collect();
            held(&over)
        });
        let tree = |row: &Row| row.measured(|lap| Some(lap.memory.tree_peak as f64 / 1e6));
        let (name, bound) = (&self.whole.name, Bound::AtMost(LIMIT_MB));
        vec![
            Target::new(format!("{name}, the whole tree"), bound, " MB", tree(&self.whole)),
            Target::new(
                format!("{name}, items/s of the last tenth over the first's"),
                Bound::AtLeast(LIMIT_RATE),
                "",
                own.and_then(held),
            ),
            Target::new(
                format!("{name}, the same over that of the bare client that writes lines"),
                Bound::AtLeast(LIMIT_RATE),
                "",
                over_plain,
            ),
            Target::new(
                format!("{}, whole process", self.resumed.name),
                Bound::AtMost(LIMIT_RESUME),
                " s",
                self.resumed.measured(|lap| Some(lap.wall)),
            ),
            Target::new(
                format!("{}, the whole tree", self.resumed.name),
                bound,
                " MB",
                tree(&self.resumed),
            ),
        ]
    }
}

/// Runs the command, and tells how many items it did beyond the `before` that have records already; all must be good.
fn once(
    session: &Session<'_>,
    nginx: &Nginx,
    contender: &Contender,
    scratch: &Path,
    before: u64,
) -> Result<(Run, Course, u64)> {
    use crate::server::Server as _;
    let counted = nginx.settled()?;
    let run = measure::run(&contender.argv, None, scratch, session.track.interrupt)?;
    let served = nginx.counts()?.since(counted).requests;
    if !run.status.success() {
        bail!("{}: {}", run.status, measure::last_words(scratch));
    }
    let course = gaits::course(scratch)?;
    let done = course.reading.done.checked_sub(before).context("records were lost")?;
    if course.reading.failed > 0 || served != done {
        bail!("{done} done, {} failed, {served} counted by the server", course.reading.failed);
    }
    Ok((run, course, done))
}

fn lap(run: Run, done: u64) -> Lap {
    Lap {
        done,
        wall: run.wall,
        own_wall: None,
        seconds: run.wall,
        cpu: run.cpu,
        memory: run.memory,
        connections: None,
        server_seconds: None,
        thread: None,
    }
}

/// The rate of the last tenth of the items, by when they were finished, over that of the first tenth.
fn last_over_first(mut finished_us: Vec<u64>) -> Option<f64> {
    finished_us.sort_unstable();
    let (tenth, last) = (finished_us.len() / 10, finished_us.len().checked_sub(1)?);
    let first_us = finished_us.get(tenth.checked_sub(1)?)?;
    let last_us = finished_us[last] - finished_us[last - tenth];
    Some(*first_us as f64 / last_us as f64)
}

fn table(models: &[(Long, Contender)], control: Option<&Control>) -> Table {
    let mut table = Table::new([
        "program",
        "items/s",
        "CPU µs an item",
        "tree MB",
        "last tenth over first",
        "one more: seconds",
        "first item, seconds",
        "tree MB of one more",
    ]);
    for (long, _) in models {
        let tree = |row: &Row| {
            report::spread(row.spread(|lap| Some(lap.memory.tree_peak as f64)), report::megabytes)
        };
        table.push(vec![
            long.whole.name.clone(),
            report::spread(long.whole.spread(|lap| Some(lap.rate())), report::thousands),
            report::median(long.whole.spread(|lap| Some(lap.cpu_us())), report::digits),
            tree(&long.whole),
            report::spread(Spread::of(&long.held), report::digits),
            report::spread(long.resumed.spread(|lap| Some(lap.wall)), report::seconds),
            report::spread(Spread::of(&long.first_item), report::seconds),
            tree(&long.resumed),
        ]);
    }
    if let Some(Control { row, held, .. }) = control {
        let none = || "–".to_owned();
        table.push(vec![
            row.name.clone(),
            report::spread(row.spread(|lap| Some(lap.rate())), report::thousands),
            report::median(row.spread(|lap| Some(lap.cpu_us())), report::digits),
            report::spread(row.spread(|lap| Some(lap.memory.tree_peak as f64)), report::megabytes),
            report::spread(Spread::of(held), report::digits),
            none(),
            none(),
            none(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tenth_is_compared_with_the_first() {
        let even: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(last_over_first(even), Some(1.0));
        let slower: Vec<u64> = (1..=90).chain((1..=10).map(|late| 90 + 2 * late)).collect();
        assert_eq!(last_over_first(slower), Some(0.5));
        assert_eq!(last_over_first(vec![1; 9]), None);
    }
}
