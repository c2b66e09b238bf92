//! `gaits compare`: models raced against each other on the same work.

mod announce;
mod bar;
mod local;
mod local_origin;
mod programs;
mod records;

use super::page;
use super::picture::{self, Wanted};
use super::report::{self, Form};
use super::stdout;
use super::trials::{Bar, MOST_REQUESTS, Settled, refusal};
use crate::args::{CompareArgs, Job, Models};
use crate::exit::{Exit, Trouble};
use crate::program::program;
use crate::talk::Colors;
use crate::{interrupt, talk};
use announce::announce;
use anyhow::Context as _;
use bar::Watch;
use gaits::{
    Comparison, Entrant, Extent, Gate, GateState, Model, Program, Race, RaceControl, RaceError,
    RaceOutcome, RacedHost, Refusal, Said, SavedRace, SavedRaces, Settings, Subject, TrialCommand,
    Work, equally_many, models_for, page_of_races, picture_of_races, said, usual_models_for,
};
use programs::programs;
use records::Records;
use std::io;
use std::path::{Path, PathBuf};

/// Races the models.
pub(super) fn compare(mut args: CompareArgs, colors: Colors) -> Result<Exit, Trouble> {
    let program = program();
    let question = match args.work.take() {
        Some(work) => Question::of(work.resolve_for_race()?, &program, &args)?,
        None if !args.program.is_empty() => Question::of_programs(&args)?,
        None => return local::race(&program, &args, colors),
    };
    ask(vec![question], &args, colors)
}

/// The files that are to be written, each with its option.
fn files(args: &CompareArgs) -> [(&'static str, Option<&PathBuf>); 2] {
    [("--html", args.html.as_ref()), ("--svg", args.svg.as_ref())]
}

/// One race to be run, and what is asked by it.
struct Question {
    /// What is asked, where there are several.
    text: Option<Said>,
    race: Race,
    /// Whom its requests are for.
    hosts: Vec<RacedHost>,
    /// What the user is to be told before it starts.
    notices: Vec<String>,
}

impl Question {
    fn asked(&self) -> Option<&str> {
        self.text.as_ref().map(Said::english)
    }

    fn of(job: Job, program: &Program, args: &CompareArgs) -> Result<Self, Trouble> {
        picture::spare(&files(args), picture::lists(&job.input))?;
        let settled = Settled::of(job, program, "a race", args.arrival_rate)?;
        let (models, left_out) = models(&*settled.work, args)?;
        let most_items = args.max_requests.map_or(MOST_REQUESTS, std::num::NonZero::get);
        let limited = settled.is_public() || args.max_requests.is_some();
        let Settled { subject, hosts, mut notices, .. } = settled;
        notices.extend(left_out);
        let mut race = Race { subject, most_items: limited.then_some(most_items), ..race(args)? };
        race.entrants.splice(0..0, models.into_iter().map(Entrant::Model));
        Self::checked(race, hosts, notices, args)
    }

    /// A race of other programs alone.
    fn of_programs(args: &CompareArgs) -> Result<Self, Trouble> {
        if !args.models.is_empty() || args.concurrency.is_some() || args.arrival_rate.is_some() {
            return Err(Trouble::wrong(
                "models need a work to do beside the programs: name one, as in `gaits compare http -i urls.txt`",
            ));
        }
        Self::checked(race(args)?, Vec::new(), Vec::new(), args)
    }

    /// A race that can be run.
    fn checked(
        race: Race,
        hosts: Vec<RacedHost>,
        notices: Vec<String>,
        args: &CompareArgs,
    ) -> Result<Self, Trouble> {
        race.validate().map_err(|error| match error {
            RaceError::Twice { name } if args.program.is_empty() => {
                Trouble::wrong(format!("--models names {name} twice"))
            }
            RaceError::Twice { name } => Trouble::wrong(format!(
                "{name} takes part twice; --name gives programs names of their own"
            )),
            RaceError::TooManyItems { most, needs } => Trouble::wrong(format!(
                "the race needs {needs} requests, and may send at most {most} in all; --max-requests {needs} allows them"
            )),
            other => other.into(),
        })?;
        let names: Vec<String> = race.entrants.iter().map(ToString::to_string).collect();
        let count = race.subject.count;
        let check = |gate: &Gate| gate.validate(&names, count);
        args.fail_if.iter().try_for_each(check).map_err(Trouble::wrong)?;
        Ok(Self { text: None, race, hosts, notices })
    }
}

/// A race of the programs that were named, if any; what else takes part is added to it.
fn race(args: &CompareArgs) -> Result<Race, Trouble> {
    let programs = programs(args)?;
    let about = match programs.len() {
        1 => "a program".to_owned(),
        several => format!("{several} programs"),
    };
    Ok(Race {
        subject: Subject::of_programs(about),
        entrants: programs.into_iter().map(Entrant::Program).collect(),
        warm_ups: args.warmup,
        extent: args.rounds.map_or(Extent::Budget(args.budget), Extent::Rounds),
        most_items: None,
        settings: Settings {
            margin: args.margin,
            precision: args.precision,
            ..Settings::default()
        },
        seed: args.seed.unwrap_or_else(|| fastrand::u64(..1 << 32)),
        trial: TrialCommand::this_binary(),
        records: None,
    })
}

/// The models that take part; and what is to be said of those that can't.
fn models(work: &dyn Work, args: &CompareArgs) -> Result<(Vec<Model>, Option<String>), Trouble> {
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
    let Some(workers) = args.concurrency else { return Ok((models, None)) };
    let equal = equally_many(&models, workers);
    let cannot = |model: &&Model| equally_many(&[**model], workers).is_empty();
    let names: Vec<_> = models.iter().filter(cannot).map(ToString::to_string).collect();
    let why = format!("-c {workers}: {} can't have just {workers} in flight", names.join(", "));
    if equal.is_empty() {
        return Err(Trouble::wrong(why));
    }
    let left_out = (!names.is_empty()).then(|| format!("{why}, and will not take part"));
    Ok((equal, left_out))
}

/// Runs the races one after the other, and shows what came of them.
fn ask(mut questions: Vec<Question>, args: &CompareArgs, colors: Colors) -> Result<Exit, Trouble> {
    let others =
        [("--json", args.json), ("--markdown", args.markdown), ("--timeline", args.timeline)];
    let taken = stdout::is_taken(&files(args), &others)?;
    let records = Records::of(args)?;
    records.keep_of(&mut questions)?;
    let control = RaceControl::new();
    let bar = Bar::new(args.quiet);
    let (to_stop, drawn) = (control.clone(), bar.drawn());
    interrupt::listen(move || to_stop.interrupt(), move |stop| drawn.suspend(stop))
        .context("can't listen for signals")
        .map_err(Trouble::CouldNotGoOn)?;
    let mut outcomes = Vec::new();
    let mut trouble = None;
    for question in &questions {
        if !args.quiet {
            announce(&question.race, &question.hosts, question.asked());
            question.notices.iter().for_each(|notice| talk::line(&format!("gaits: {notice}")));
        }
        let mut watch = Watch::new(&question.race, bar.clone());
        let result = question.race.run(&mut watch, &control);
        watch.finish();
        let mut outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                trouble = Some(Trouble::from(error));
                break;
            }
        };
        trouble = outcome.failed.take().map(Trouble::from);
        if let Some(why) = &outcome.refused {
            talk::line(&refused(why));
        }
        let ended = outcome.interrupted || outcome.refused.is_some() || trouble.is_some();
        if outcome.interrupted && !args.quiet {
            let complete = outcome.comparison.rounds();
            let rounds = if complete == 1 { "round" } else { "rounds" };
            talk::line(&format!("gaits: stopped after {complete} complete {rounds}"));
        }
        outcomes.push((question, outcome));
        if ended {
            break;
        }
    }
    // What was measured is kept and shown, whatever ended the races.
    let saved = match &args.save {
        Some(folder) if outcomes.is_empty() => {
            SavedRaces::abandon(folder);
            Ok(())
        }
        Some(folder) => save(&outcomes, folder),
        None => Ok(()),
    };
    if !outcomes.is_empty() {
        if !taken {
            show(&outcomes, args, colors)?;
        }
        if let (Some(file), Some(folder)) = (&args.html, records.folder()) {
            let mut page = page_of_races(&saved_races(&outcomes), folder);
            page.notices.extend(ended_early(&outcomes, trouble.is_some()));
            page::write(&page, file, args.quiet)?;
        }
        let wanted = Wanted { svg: args.svg.as_ref(), timeline: args.timeline };
        if let Some(folder) = records.folder().filter(|_| wanted.any()) {
            let mut picture = picture_of_races(&saved_races(&outcomes), folder);
            let ended = ended_early(&outcomes, trouble.is_some());
            picture.notices.extend(ended.map(|ended| ended.english().to_owned()));
            stdout::print(&wanted.make(&picture, colors, args.quiet)?)?;
        }
    }
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    saved?;
    let passed = gates(&outcomes, args);
    Ok(match exit(outcomes.iter().map(|(_, outcome)| outcome)) {
        Exit::AllOk | Exit::SomeFailed if !passed => Exit::GateFailed,
        exit => exit,
    })
}

/// Shows what came of the races.
fn show(
    outcomes: &[(&Question, RaceOutcome)],
    args: &CompareArgs,
    colors: Colors,
) -> Result<(), Trouble> {
    let comparisons: Vec<_> = outcomes
        .iter()
        .map(|(question, outcome)| (question.asked(), outcome.comparison.clone()))
        .collect();
    let form = Form { json: args.json, markdown: args.markdown };
    stdout::print(&report::shown(&comparisons, form, colors.style(&io::stdout()))?)
}

/// Looks at the conditions that are not to hold, and says what came of each. Says no if one holds.
fn gates(outcomes: &[(&Question, RaceOutcome)], args: &CompareArgs) -> bool {
    let mut all_pass = true;
    for (question, outcome) in outcomes {
        let names: Vec<String> = question.race.entrants.iter().map(ToString::to_string).collect();
        for gate in &args.fail_if {
            // Checked of the first race before it began; in another one, other models may take part.
            if gate.validate(&names, u64::MAX).is_err() {
                continue;
            }
            let came = gate.check(&outcome.comparison, &outcome.trials);
            let of = question.asked().map_or_else(String::new, |text| format!("{text} "));
            talk::line(&format!("gaits: {of}{came}"));
            all_pass &= came.state != GateState::Failed;
        }
    }
    all_pass
}

/// Keeps the races in the folder that was named.
fn save(outcomes: &[(&Question, RaceOutcome)], folder: &Path) -> Result<(), Trouble> {
    saved_races(outcomes).write(folder).map_err(|error| Trouble::CouldNotGoOn(error.into()))
}

/// That a server has ended a race.
fn refused(why: &Refusal) -> String {
    let instead = "Race on fewer items, or with fewer in flight (-c N)";
    refusal(&why.item, why.status, &why.model, "race", instead)
}

/// What the reader of a page has to know about how the races ended.
fn ended_early(outcomes: &[(&Question, RaceOutcome)], failed: bool) -> Option<Said> {
    let (_, last) = outcomes.last()?;
    let why = |language| match &last.refused {
        Some(why) => {
            let Refusal { item, status, model, .. } = why;
            let english = refused(why);
            let english = english.trim_start_matches("gaits: ");
            said!(
                language,
                "{english}",
                "{model} 모델의 요청을 서버가 거절했습니다({item}, 상태 {status})"
            )
        }
        None if last.interrupted => said!(language, "it was stopped", "사용자가 멈추었습니다"),
        None => said!(language, "it could not go on", "더 진행할 수 없었습니다"),
    };
    let ended = last.refused.is_some() || last.interrupted || failed;
    ended.then(|| {
        Said::of(|language| {
            let why = why(language);
            said!(language, "the race ended early: {why}", "경주가 일찍 끝났습니다. {why}")
        })
    })
}

fn saved_races(outcomes: &[(&Question, RaceOutcome)]) -> SavedRaces {
    let races = outcomes.iter().map(|(question, outcome)| SavedRace {
        question: question.text.clone(),
        about: outcome.comparison.about().clone(),
        trials: outcome.trials.clone(),
    });
    let seed = outcomes.first().map_or(0, |(question, _)| question.race.seed);
    SavedRaces::now(races.collect()).with_command(Some(page::command(std::env::args_os(), seed)))
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
