//! `gaits compare`: models raced against each other on the same work.

mod bar;
mod local_origin;

use crate::args::{Bodies, CompareArgs, Job};
use crate::exit::{Exit, Trouble};
use crate::program::program;
use crate::{interrupt, talk};
use anyhow::{Context as _, anyhow};
use bar::Watch;
use gaits::http::HttpSpec;
use gaits::{
    Comparison, Input, Race, RaceControl, RaceError, SessionScope, models_for, set_up, units,
};
use local_origin::LocalOrigin;
use std::io::{self, Write};

/// Requests to the origin of a comparison that was given no work.
const REQUESTS: u64 = 100;
/// How long that origin holds each of them, in milliseconds: all models together end well within 30 s.
const LATENCY_MS: u32 = 10;

/// Races the models.
pub(super) fn compare(args: CompareArgs) -> Result<Exit, Trouble> {
    let (job, _origin) = match args.work {
        Some(work) => (work.resolve_for_race()?, None),
        None => local()?,
    };
    if matches!(job.bodies, Bodies::Files { .. }) {
        return Err(Trouble::wrong("a race keeps no bodies: leave out --bodies"));
    }
    let program = program();
    let work = set_up(&program.works, &job.work).map_err(|error| Trouble::Wrong(error.into()))?;
    let (items, count) = job.input.read_all(&work)?;
    let models = match args.models {
        models if models.is_empty() => {
            models_for(&*work).map_err(|error| Trouble::Wrong(error.into()))?
        }
        named => named,
    };
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let Job { about, work, session, .. } = job;
    let race = Race { about, work, session, items, count, models, rounds: args.rounds, seed };
    race.validate().map_err(|error| match error {
        RaceError::Twice { model } => Trouble::wrong(format!("--models names {model} twice")),
        other => other.into(),
    })?;
    let control = RaceControl::new();
    let mut watch = Watch::new(&race, args.quiet);
    let (to_stop, drawn) = (control.clone(), watch.drawn());
    interrupt::listen(move || to_stop.interrupt(), move |stop| drawn.suspend(stop))
        .context("can't listen for signals")
        .map_err(Trouble::CouldNotGoOn)?;
    if !args.quiet {
        talk::line(&announcement(&race));
    }
    let result = race.run(&program, &mut watch, &control);
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

/// Requests to a server that is started for them, and must live as long as the race.
fn local() -> Result<(Job, Option<LocalOrigin>), Trouble> {
    let origin = LocalOrigin::start(LATENCY_MS)
        .context("can't start a server to race on")
        .map_err(Trouble::CouldNotGoOn)?;
    let url: Box<str> = origin.url("/uuid").into();
    let about = format!("GET {url}, answered after {LATENCY_MS} ms");
    let input = Input::Listed { items: vec![url], count: Some(REQUESTS) };
    let job = Job::http(&HttpSpec::default(), SessionScope::default(), input)?;
    Ok((Job { about, ..job }, Some(origin)))
}
