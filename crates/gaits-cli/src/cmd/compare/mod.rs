//! `gaits compare`: models raced against each other on the same work.

mod bar;
mod local_origin;

use crate::args::{CompareArgs, Job, WorkArgs};
use crate::exit::{Exit, Trouble};
use crate::program::program;
use crate::{interrupt, talk};
use anyhow::{Context as _, anyhow};
use bar::Watch;
use gaits::http::HttpSpec;
use gaits::{Comparison, Input, Race, RaceControl, RaceError, WorkSpec, models_for, units};
use local_origin::LocalOrigin;
use std::io::{self, Write};

/// Requests to the origin of a comparison that was given no work.
const REQUESTS: u64 = 100;
/// How long that origin holds each of them, in milliseconds: all models together end well within 30 s.
const LATENCY_MS: u32 = 10;

/// Races the models.
pub(super) fn compare(args: CompareArgs) -> Result<Exit, Trouble> {
    let Lineup { about, work, blocking, items, count, origin: _origin } = lineup(args.work)?;
    let models = match args.models {
        models if models.is_empty() => {
            models_for(blocking).map_err(|error| Trouble::Wrong(error.into()))?
        }
        named => named,
    };
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let race = Race { about, work, items, count, models, rounds: args.rounds, seed };
    race.validate().map_err(|error| match error {
        RaceError::Twice { model } => Trouble::wrong(format!("--models names {model} twice")),
        other => other.into(),
    })?;
    let control = RaceControl::new();
    let to_stop = control.clone();
    interrupt::listen(move || to_stop.interrupt())
        .context("can't listen for signals")
        .map_err(Trouble::CouldNotGoOn)?;
    if !args.quiet {
        talk::line(&announcement(&race));
    }
    let mut watch = Watch::new(&race, args.quiet);
    let result = race.run(&program(), &mut watch, &control);
    watch.finish();
    let outcome = result?;
    if outcome.interrupted && !args.quiet {
        let complete = outcome.comparison.about().rounds;
        talk::line(&format!("gaits: stopped after {complete} of {} rounds", race.rounds));
    }
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

/// What is about to happen.
fn announcement(race: &Race) -> String {
    format!(
        "gaits: {}, {} items, {} models, {} rounds after one to warm up, seed {}",
        race.about,
        units::count(race.count),
        race.models.len(),
        race.rounds,
        race.seed
    )
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
    let (items, count) = if let Input::Listed { items, count: Some(count) } = &job.input {
        for item in items {
            (job.check)(item).map_err(Trouble::wrong)?;
        }
        (items.clone(), *count)
    } else {
        let items = job.input.read_all(job.check)?;
        let count = items.len() as u64;
        (items, count)
    };
    let Job { work, about, blocking, .. } = job;
    Ok(Lineup { about, work, blocking, items, count, origin: None })
}
