//! `gaits compare`: models raced against each other on the same work.

mod contenders;
mod local_origin;
mod race;

use crate::args::{CompareArgs, Input, Job, WorkArgs};
use crate::exit::{Exit, Trouble};
use crate::interrupt::Interrupts;
use crate::{input, talk};
use anyhow::{Context as _, anyhow};
use gaits_engine::plan::WorkSpec;
use gaits_report::Comparison;
use gaits_work::http::HttpSpec;
use local_origin::LocalOrigin;
use race::Race;
use std::io::{self, Write};

/// Requests to the origin of a comparison that was given no work.
const REQUESTS: u64 = 100;
/// How long that origin holds each of them, in milliseconds: all models together end well within 30 s.
const LATENCY_MS: u32 = 10;

/// Races the models.
pub(super) fn compare(args: CompareArgs) -> Result<Exit, Trouble> {
    let Lineup { about, work, blocking, items, count, origin: _origin } = lineup(args.work)?;
    let models = contenders::choose(args.models, blocking)?;
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let interrupts =
        Interrupts::listen().context("can't listen for signals").map_err(Trouble::CouldNotGoOn)?;
    let race =
        Race { about, work, items, count, models, rounds: args.rounds, seed, quiet: args.quiet };
    if !args.quiet {
        talk::line(&race.announcement());
    }
    let outcome = race.run(&interrupts)?;
    let comparison = &outcome.comparison;
    let text = if args.json {
        let json = serde_json::to_string_pretty(comparison);
        format!("{}\n", json.map_err(|error| Trouble::CouldNotGoOn(error.into()))?)
    } else {
        comparison.render(talk::style(&io::stdout()))
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(Trouble::CouldNotGoOn(
                anyhow!(error).context("can't write to standard output"),
            ));
        }
        _ => {}
    }
    Ok(if outcome.interrupted {
        Exit::Interrupted
    } else if all_ok(comparison) {
        Exit::AllOk
    } else {
        Exit::SomeFailed
    })
}

fn all_ok(comparison: &Comparison) -> bool {
    comparison.entries().iter().all(|entry| entry.tally.failed() == 0)
}

/// What to race on.
struct Lineup {
    /// Its name.
    about: String,
    work: WorkSpec,
    /// Whether it holds its thread.
    blocking: bool,
    items: Vec<Box<str>>,
    /// How many of them in all, taken over and over.
    count: u64,
    /// The server that must live as long as the race.
    origin: Option<LocalOrigin>,
}

fn lineup(work: Option<WorkArgs>) -> Result<Lineup, Trouble> {
    let Some(work) = work else {
        let origin = LocalOrigin::start(LATENCY_MS)
            .context("can't start a server to race on")
            .map_err(Trouble::CouldNotGoOn)?;
        let url: Box<str> = origin.url("/uuid").into();
        let about = format!("GET {url}, answered after {LATENCY_MS} ms");
        let items = vec![url];
        let input = Input::Listed { items: items.clone(), count: Some(REQUESTS) };
        let Job { work, blocking, .. } = Job::http(&HttpSpec::default(), input)?;
        return Ok(Lineup { about, work, blocking, items, count: REQUESTS, origin: Some(origin) });
    };
    let job = work.resolve()?;
    let (items, count) = match &job.input {
        Input::Listed { items, count: Some(count) } => {
            for item in items {
                (job.check)(item).map_err(Trouble::wrong)?;
            }
            (items.clone(), *count)
        }
        _ => {
            let items = input::read_all(&job)?;
            let count = items.len() as u64;
            (items, count)
        }
    };
    let Job { work, about, blocking, .. } = job;
    Ok(Lineup { about, work, blocking, items, count, origin: None })
}
