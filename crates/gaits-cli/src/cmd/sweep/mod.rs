//! `gaits sweep`: how many workers are right.

mod bar;
mod from_file;

use super::page;
use super::picture;
use super::report::{self, Form};
use super::stdout;
use super::trials::{Bar, MOST_REQUESTS, Settled, at_most, for_at_most, refusal, requests};
use crate::args::{Models, SweepArgs};
use crate::exit::{Exit, Trouble};
use crate::program::program;
use crate::talk::Colors;
use crate::{interrupt, talk};
use anyhow::Context as _;
use bar::Watch;
use gaits::scalability::{Refused, Scalability, SweepSettings};
use gaits::{
    Input, Model, RaceControl, RacedHost, SavedSweep, Sweep, SweepError, SweepTime, TrialCommand,
    Work, models_for, page_of_sweep, swept_model_for, units,
};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Runs the sweep.
pub(super) fn sweep(mut args: SweepArgs, colors: Colors) -> Result<Exit, Trouble> {
    let others = [("--json", args.json), ("--markdown", args.markdown)];
    let files = [("--html", args.html.as_ref())];
    stdout::is_taken(&files, &others)?;
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    if let Some(path) = &args.from {
        if args.work.is_some() {
            return Err(Trouble::wrong(
                "--from takes points that were measured: leave out the work",
            ));
        }
        picture::check(&files)?;
        picture::spare(&files, [path.clone()])?;
        let points = from_file::read(path)?;
        let sweep = Scalability::of_points(&path.display().to_string(), &points, seed);
        show(&sweep, &args, colors)?;
        if let Some(file) = &args.html {
            write_page(&sweep, None, file, args.quiet, seed)?;
        }
        return Ok(Exit::AllOk);
    }
    let Some(work) = args.work.take() else {
        return Err(Trouble::wrong(
            "nothing to sweep: give a work, as in `gaits sweep http URL`, or points that were measured, with --from FILE",
        ));
    };
    let job = work.resolve_for_sweep()?;
    picture::spare(&files, picture::lists(&job.input))?;
    // A list is gone through over and over for as long as a run lasts; only a count ends a run before.
    let most = match &job.input {
        Input::Listed { count: Some(count), .. } | Input::Patterns { count: Some(count), .. } => {
            *count
        }
        _ => u64::MAX,
    };
    let settled = Settled::of(job, &program(), "a sweep", None)?;
    let models = models(&*settled.work, &args.models)?;
    let is_limited = settled.is_public() || args.max_requests.is_some();
    let most_items = args.max_requests.map_or(MOST_REQUESTS, std::num::NonZero::get);
    let Settled { mut subject, hosts, notices, .. } = settled;
    subject.count = most;
    let mut sweep = Sweep {
        subject,
        models,
        workers: args.workers.clone(),
        time: args.each_point.map_or(SweepTime::Budget(args.budget), SweepTime::EachPoint),
        most_items: is_limited.then_some(most_items),
        settings: SweepSettings { precision: args.precision, ..SweepSettings::default() },
        targets: args.target.clone(),
        seed,
        trial: TrialCommand::this_binary(),
        records: None,
    };
    sweep.validate().map_err(trouble)?;
    picture::check(&files)?;
    if let Some(folder) = &args.save {
        let records = SavedSweep::prepare(folder).map_err(|error| Trouble::Wrong(error.into()))?;
        sweep.records = Some(records);
    }
    if !args.quiet {
        announce(&sweep, &hosts);
        for notice in &notices {
            talk::line(&format!("gaits: {notice}"));
        }
    }
    run(&sweep, &args, colors)
}

/// Runs it, keeps what was measured and shows what it says.
fn run(sweep: &Sweep, args: &SweepArgs, colors: Colors) -> Result<Exit, Trouble> {
    let control = RaceControl::new();
    let bar = Bar::new(args.quiet);
    let (to_stop, drawn) = (control.clone(), bar.drawn());
    interrupt::listen(move || to_stop.interrupt(), move |stop| drawn.suspend(stop))
        .context("can't listen for signals")
        .map_err(Trouble::CouldNotGoOn)?;
    let mut watch = Watch::new(sweep, bar.clone());
    let result = sweep.run(&mut watch, &control);
    bar.clear();
    let mut outcome = result.map_err(|error| {
        // Else the folder would be in the way of the sweep that fits.
        if let Some(folder) = &args.save {
            SavedSweep::abandon(folder);
        }
        once_begun(error)
    })?;
    let scalability = &outcome.scalability;
    let refused = scalability.about().refused.as_ref();
    if let Some(Refused { model, workers, item, status }) = refused {
        let model = format!("{model} with {}", units::count(*workers));
        talk::line(&refusal(item, *status, &model, "sweep", &fewer(*workers)));
    }
    if outcome.interrupted && !args.quiet {
        let rounds = scalability.rounds();
        let word = if rounds == 1 { "round" } else { "rounds" };
        talk::line(&format!("gaits: stopped after {rounds} complete {word}"));
    }
    let saved = match &args.save {
        Some(folder) => save(&SavedSweep::now(&outcome), folder),
        None => Ok(()),
    };
    show(scalability, args, colors)?;
    if let Some(file) = &args.html {
        let measured = SavedSweep::now(&outcome);
        write_page(scalability, Some(&measured), file, args.quiet, sweep.seed)?;
    }
    let is_refused = refused.is_some();
    if let Some(error) = outcome.failed.take() {
        return Err(trouble(error));
    }
    saved?;
    Ok(if outcome.interrupted {
        Exit::Interrupted
    } else if is_refused {
        Exit::StoppedEarly
    } else if outcome.some_failed {
        Exit::SomeFailed
    } else {
        Exit::AllOk
    })
}

/// What may be tried where so many `workers` were refused.
fn fewer(workers: u64) -> String {
    match workers {
        0..=2 => "A fetch with --rate keeps to what it allows".to_owned(),
        3 => "Try fewer workers (--workers 1,2)".to_owned(),
        _ => format!(
            "Try fewer workers (--workers 1,2,{})",
            (workers - 1).min(workers.div_ceil(2)).max(3)
        ),
    }
}

/// The models whose number of workers is swept.
fn models(work: &dyn Work, named: &[Models]) -> Result<Vec<Model>, Trouble> {
    if named.is_empty() {
        return Ok(vec![swept_model_for(work).map_err(Trouble::wrong)?]);
    }
    let mut models = Vec::new();
    for one in named {
        match one {
            // All that have a number of workers.
            Models::All => models.extend(
                models_for(work)
                    .map_err(Trouble::wrong)?
                    .into_iter()
                    .filter(|model| *model != Model::default()),
            ),
            Models::One(model) => models.push(*model),
        }
    }
    Ok(models)
}

/// Says what is about to happen: to whom, how much, and for how long.
fn announce(sweep: &Sweep, hosts: &[RacedHost]) {
    let models: Vec<String> = sweep.names();
    let numbers = if sweep.workers.is_empty() {
        "workers doubled from 1 on".to_owned()
    } else {
        let numbers: Vec<String> = sweep.numbers().iter().map(ToString::to_string).collect();
        format!("{} workers", numbers.join(", "))
    };
    let time = match sweep.time {
        SweepTime::Budget(budget) => for_at_most(budget),
        SweepTime::EachPoint(each) => {
            let us = u64::try_from(each.as_micros()).unwrap_or(u64::MAX);
            format!("for {} each{}", units::duration(us), in_all(sweep, each))
        }
    };
    talk::line(&format!(
        "gaits: {}, {}, {numbers}, {time}, seed {}",
        sweep.subject.about,
        models.join(" and "),
        sweep.seed
    ));
    requests(hosts, &at_most(sweep.most_items));
}

/// How long it takes in all, where the numbers of workers are known before.
fn in_all(sweep: &Sweep, each: Duration) -> String {
    let points = sweep.numbers().len() * sweep.models.len();
    let all = each.mul_f64(points as f64);
    match u64::try_from(all.as_micros()).unwrap_or(u64::MAX) {
        0 => String::new(),
        us => format!(", about {} in all", units::duration(us)),
    }
}

/// A sweep's error, with the option that helps.
fn trouble(error: SweepError) -> Trouble {
    match error {
        SweepError::TooManyItems { most, needs } => Trouble::wrong(format!(
            "the sweep needs {needs} requests, and may send at most {most} in all; --max-requests {needs} allows them, and \
             fewer --workers need fewer"
        )),
        SweepError::Budget { .. } => {
            Trouble::wrong(format!("{error}; give a larger --budget, or name fewer --workers"))
        }
        other => other.into(),
    }
}

/// The same of a sweep that has looked how far to go, and so has sent requests.
fn once_begun(error: SweepError) -> Trouble {
    let too_little = matches!(error, SweepError::Budget { .. } | SweepError::TooManyItems { .. });
    match trouble(error) {
        Trouble::Wrong(error) if too_little => Trouble::TooLittle(error),
        other => other,
    }
}

/// Writes what it says as a page.
fn write_page(
    sweep: &Scalability,
    saved: Option<&SavedSweep>,
    file: &Path,
    quiet: bool,
    seed: u64,
) -> Result<(), Trouble> {
    let command = page::command(std::env::args_os(), seed);
    let page = page_of_sweep(sweep, saved, Some(command))
        .context("can't make a page of the sweep")
        .map_err(Trouble::CouldNotGoOn)?;
    page::write(&page, file, quiet)
}

fn save(saved: &SavedSweep, folder: &Path) -> Result<(), Trouble> {
    saved.write(folder).map_err(|error| Trouble::CouldNotGoOn(error.into()))
}

/// Shows what it says, unless a page takes that place.
fn show(sweep: &Scalability, args: &SweepArgs, colors: Colors) -> Result<(), Trouble> {
    if args.html.as_deref().is_some_and(stdout::is_meant_by) {
        return Ok(());
    }
    let form = Form { json: args.json, markdown: args.markdown };
    stdout::print(&report::shown_sweep(sweep, form, colors.style(&io::stdout()))?)
}
