//! `gaits compare`: models raced against each other on the same work.

mod announce;
mod bar;
mod local_origin;

use crate::args::{Bodies, CompareArgs, Job, Models};
use crate::exit::{Exit, Trouble};
use crate::program::program;
use crate::{interrupt, talk};
use announce::{announce, refusal};
use anyhow::{Context as _, anyhow};
use bar::Watch;
use gaits::http::HttpSpec;
use gaits::{
    Comparison, Extent, Input, Model, Program, Race, RaceControl, RaceError, RaceOutcome,
    SessionScope, Settings, TrialCommand, Work, equally_many, models_for, raced_hosts, set_up,
    usual_models_for,
};
use local_origin::LocalOrigin;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Requests to the origin of a comparison that was given no work.
const REQUESTS: u64 = 100;
/// How long that origin holds each of them, in milliseconds.
const LATENCY_MS: u32 = 10;
/// With how many in flight the second question of such a comparison is asked.
const EQUALLY_MANY: NonZeroU32 = NonZeroU32::new(8).expect("it is not 0");
/// How much of the budget goes to the first question.
const FIRST_QUESTION: f64 = 0.6;
/// The most requests to hosts that belong to others, if nothing else is asked for.
const MOST_REQUESTS: u64 = 1_000;

/// Races the models.
pub(super) fn compare(mut args: CompareArgs) -> Result<Exit, Trouble> {
    let program = program();
    let questions = match args.work.take() {
        Some(work) => vec![Question::of(work.resolve_for_race()?, &program, &args)?],
        None => return local(&program, &args),
    };
    ask(&questions, &args)
}

/// One race to be run, and what is asked by it.
struct Question {
    /// What is asked, where there are several.
    text: Option<String>,
    race: Race,
    work: Arc<dyn Work>,
}

impl Question {
    fn of(job: Job, program: &Program, args: &CompareArgs) -> Result<Self, Trouble> {
        if matches!(job.bodies, Bodies::Files { .. }) {
            return Err(Trouble::wrong("a race keeps no bodies: leave out --bodies"));
        }
        let work =
            set_up(&program.works, &job.work).map_err(|error| Trouble::Wrong(error.into()))?;
        let (items, count) = job.input.read_all(&work)?;
        let models = models(&*work, args)?;
        let hosts = raced_hosts(&*work, &items, count);
        let public = hosts.iter().any(|host| host.public);
        let most_items = args.max_requests.map_or(MOST_REQUESTS, std::num::NonZero::get);
        let Job { about, work: spec, session, .. } = job;
        let race = Race {
            about,
            work: spec,
            session,
            items,
            count,
            models,
            extent: args.rounds.map_or(Extent::Budget(args.budget), Extent::Rounds),
            most_items: (public || args.max_requests.is_some()).then_some(most_items),
            settings: Settings {
                margin: args.margin,
                precision: args.precision,
                ..Settings::default()
            },
            seed: args.seed.unwrap_or_else(|| fastrand::u64(..1 << 32)),
            trial: TrialCommand::this_binary(),
            records: None,
        };
        race.validate().map_err(|error| match error {
            RaceError::Twice { model } => Trouble::wrong(format!("--models names {model} twice")),
            RaceError::TooManyItems { most, needs } => Trouble::wrong(format!(
                "the race needs {needs} requests, and at most {most} go to a host that is not yours; \
                 --max-requests {needs} allows them"
            )),
            other => other.into(),
        })?;
        Ok(Self { text: None, race, work })
    }
}

/// The models that take part.
fn models(work: &dyn Work, args: &CompareArgs) -> Result<Vec<Model>, Trouble> {
    let mut models = Vec::new();
    for named in &args.models {
        match named {
            Models::All => models.extend(models_for(work).map_err(Trouble::wrong)?),
            Models::One(model) => models.push(*model),
        }
    }
    if models.is_empty() {
        models = usual_models_for(work).map_err(Trouble::wrong)?;
    }
    let Some(workers) = args.concurrency else { return Ok(models) };
    let equal = equally_many(&models, workers);
    if equal.is_empty() {
        let names: Vec<_> = models.iter().map(ToString::to_string).collect();
        return Err(Trouble::wrong(format!(
            "-c {workers}: {} can't have just {workers} in flight",
            names.join(", ")
        )));
    }
    Ok(equal)
}

/// Runs the races one after the other, and shows what came of them.
fn ask(questions: &[Question], args: &CompareArgs) -> Result<Exit, Trouble> {
    let control = RaceControl::new();
    let bar = bar::Bar::new(args.quiet);
    let (to_stop, drawn) = (control.clone(), bar.drawn());
    interrupt::listen(move || to_stop.interrupt(), move |stop| drawn.suspend(stop))
        .context("can't listen for signals")
        .map_err(Trouble::CouldNotGoOn)?;
    let mut outcomes = Vec::new();
    for question in questions {
        if !args.quiet {
            announce(&question.race, &*question.work, question.text.as_deref());
        }
        let mut watch = Watch::new(&question.race, bar.clone());
        let result = question.race.run(&mut watch, &control);
        watch.finish();
        let outcome = result?;
        if let Some(why) = &outcome.refused {
            talk::line(&refusal(why));
        }
        let ended = outcome.interrupted || outcome.refused.is_some();
        if outcome.interrupted && !args.quiet {
            let complete = outcome.comparison.rounds();
            talk::line(&format!("gaits: stopped after {complete} complete rounds"));
        }
        outcomes.push((question, outcome));
        if ended {
            break;
        }
    }
    show(&outcomes, args.json)?;
    Ok(exit(outcomes.iter().map(|(_, outcome)| outcome)))
}

fn show(outcomes: &[(&Question, RaceOutcome)], json: bool) -> Result<(), Trouble> {
    let mut text = String::new();
    if json {
        let comparisons: Vec<_> = outcomes.iter().map(|(_, outcome)| &outcome.comparison).collect();
        let json = match &comparisons[..] {
            [only] => serde_json::to_string_pretty(only),
            all => serde_json::to_string_pretty(all),
        };
        text = json.map_err(|error| Trouble::CouldNotGoOn(error.into()))? + "\n";
    } else {
        let style = talk::style(&io::stdout());
        for (question, outcome) in outcomes {
            if let Some(asked) = &question.text {
                let gap = if text.is_empty() { "" } else { "\n" };
                text = format!("{text}{gap}{}\n", style.bold(asked));
            }
            text += &outcome.comparison.render(style, talk::width(&io::stdout()));
        }
    }
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Trouble::CouldNotGoOn(anyhow!(error).context("can't write to standard output")))
        }
        _ => Ok(()),
    }
}

fn exit<'a>(outcomes: impl Iterator<Item = &'a RaceOutcome>) -> Exit {
    let mut exit = Exit::AllOk;
    for outcome in outcomes {
        if outcome.interrupted {
            return Exit::Interrupted;
        }
        if outcome.refused.is_some() {
            return Exit::StoppedEarly;
        }
        if !all_ok(&outcome.comparison) {
            exit = Exit::SomeFailed;
        }
    }
    exit
}

fn all_ok(comparison: &Comparison) -> bool {
    comparison.entries().iter().all(|entry| entry.tally.failed() == 0)
}

/// Races on requests to a server that is started for them: once as people use the models, and once with equally many in
/// flight, since that may be all that makes them differ.
fn local(program: &Program, args: &CompareArgs) -> Result<Exit, Trouble> {
    let origin = LocalOrigin::start(LATENCY_MS)
        .context("can't start a server to race on")
        .map_err(Trouble::CouldNotGoOn)?;
    let url: Box<str> = origin.url("/uuid").into();
    let job = || {
        let about = format!("GET {url}, answered after {LATENCY_MS} ms");
        let input = Input::Listed { items: vec![url.clone()], count: Some(REQUESTS) };
        let job = Job::http(&HttpSpec::default(), SessionScope::default(), input)?;
        Ok::<_, Trouble>(Job { about, ..job })
    };
    let mut first = Question::of(job()?, program, args)?;
    if args.concurrency.is_some() || !args.models.is_empty() {
        return ask(&[first], args);
    }
    let mut second = Question::of(job()?, program, args)?;
    second.race.seed = first.race.seed;
    second.race.models = equally_many(&first.race.models, EQUALLY_MANY);
    if let Extent::Budget(budget) = first.race.extent {
        let share = budget.mul_f64(FIRST_QUESTION);
        first.race.extent = Extent::Budget(share);
        second.race.extent =
            Extent::Budget(budget.saturating_sub(share).max(Duration::from_secs(1)));
    }
    first.text = Some("Which way is fastest, as people use them?".to_owned());
    second.text =
        Some(format!("With {EQUALLY_MANY} requests in flight each, does the way matter?"));
    ask(&[first, second], args)
}
