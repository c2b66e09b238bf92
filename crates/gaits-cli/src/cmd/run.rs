//! `gaits run` and `gaits fetch`: work under one model, records out.

use crate::args::{Job, RunArgs, WorkArgs};
use crate::exit::{Exit, Trouble};
use crate::program::program;
use crate::progress::{Bar, Speaker};
use crate::talk::Notices;
use crate::{interrupt, talk};
use anyhow::{Context as _, anyhow};
use gaits::{
    Before, Control, Destination, JournalError, Limits, Notice, Output, OutputError, Plan, Run,
    RunEnd, RunError, RunObserver, RunOutcome,
};
use std::io;

/// Runs the work.
pub(super) fn run(work: WorkArgs, args: &RunArgs) -> Result<Exit, Trouble> {
    let Job { work, session, input, .. } = work.resolve()?;
    let plan = Plan { work, model: args.model, session, limits: Limits::default() };
    let program = program();
    let run = Run::over(&program, &plan, &input)?.arguments(args.arguments.clone());
    let destination = args.destination();
    let output = Output::open(&destination, args.existing(), Some(&input)).map_err(refused)?;
    let control = Control::new();
    let to_stop = control.clone();
    interrupt::listen(move || to_stop.interrupt())
        .context("can't listen for signals")
        .map_err(Trouble::CouldNotGoOn)?;
    let to_stdout = destination == Destination::Stdout;
    let bar = Bar::start(control.progress(), &input, args.quiet, to_stdout);
    let mut watch =
        Watch { speaker: bar.speaker(), notices: Notices::default(), quiet: args.quiet };
    let result = run.output(output).run(&mut watch, &control);
    bar.finish();
    watch.notices.rest().iter().for_each(|line| talk::line(line));
    let outcome = result.map_err(|error| match error {
        RunError::Journal(error) => advised(error),
        other => other.into(),
    })?;
    if outcome.nothing_to_do() {
        if !args.quiet {
            talk::line(&nothing_to_do(&outcome.before));
        }
        return Ok(Exit::AllOk);
    }
    watch.summary(&outcome);
    Ok(exit_of(&outcome))
}

fn exit_of(outcome: &RunOutcome) -> Exit {
    match outcome.end {
        RunEnd { interrupted: true, .. } => Exit::Interrupted,
        // What earlier runs have failed at is still to be done.
        RunEnd { failed: 0, .. } if outcome.before.failed == 0 => Exit::AllOk,
        _ => Exit::SomeFailed,
    }
}

fn nothing_to_do(before: &Before) -> String {
    let items = if before.done == 1 { "item" } else { "items" };
    let date = before.last_time.as_deref().and_then(|time| time.get(..10));
    let on = date.map(|date| format!(" on {date}")).unwrap_or_default();
    let mut text = format!("gaits: nothing to do: {} {items} finished{on}", before.done);
    if before.failed > 0 {
        text += &format!(", {} failed; --retry-failed does these again", before.failed);
    }
    text + "; --fresh starts over"
}

/// Adds the option that helps to what is wrong with the output.
fn refused(error: OutputError) -> Trouble {
    let advice = match &error {
        OutputError::HasRecords { .. } => "give another file, or --fresh to start it over",
        OutputError::StdoutClosed => "give a file for the records with -o FILE",
        OutputError::Journal(_) => {
            return match error {
                OutputError::Journal(error) => advised(error),
                other => Trouble::Wrong(other.into()),
            };
        }
        _ => return Trouble::Wrong(error.into()),
    };
    Trouble::Wrong(anyhow!("{error}; {advice}"))
}

/// Adds the option that helps to why a run can't go on with a results file.
fn advised(error: JournalError) -> Trouble {
    let advice = match &error {
        JournalError::NotResults { .. } => "give another file, or --fresh to start it over",
        JournalError::Line { .. } => {
            "take the line out and its item is done again, or give --fresh to start over"
        }
        JournalError::RunFile { .. } => {
            "remove it to go on without it, or give --fresh to start over"
        }
        JournalError::Started { .. } => {
            "remove it if nothing bad comes of doing an item twice, or give --fresh to start over"
        }
        JournalError::StartingOver { .. } => "give --fresh again",
        JournalError::Plan { .. } => {
            "ask for the same as before, or give another file, or --fresh to start over"
        }
        JournalError::Item { .. } | JournalError::Gone { .. } => {
            "give the same input, or --key url to know items again wherever they stand, \
             or --fresh to start over"
        }
        _ => return Trouble::Wrong(error.into()),
    };
    let error = anyhow::Error::from(error);
    Trouble::Wrong(anyhow!("{error:#}; {advice}"))
}

/// Tells the user what happens.
#[derive(Debug)]
struct Watch {
    speaker: Speaker,
    notices: Notices,
    quiet: bool,
}

impl Watch {
    fn summary(&self, outcome: &RunOutcome) {
        if self.quiet {
            return;
        }
        talk::text(&outcome.summary.render(talk::style(&io::stderr())));
        let Before { done, failed, .. } = outcome.before;
        if done > 0 {
            let items = if done == 1 { "item was" } else { "items were" };
            let mut text = format!("gaits: {done} {items} done before");
            if failed > 0 {
                text += &format!(", {failed} failed; --retry-failed does these again");
            }
            talk::line(&text);
        }
    }
}

impl RunObserver for Watch {
    fn notice(&mut self, notice: Notice) {
        // What a worker says is passed on even when asked to be quiet: it is not ours to drop.
        if self.quiet && !matches!(notice, Notice::WorkerSaid { .. }) {
            return;
        }
        if let Some(line) = self.notices.say(notice) {
            self.speaker.speak(|| talk::line(&line));
        }
    }

    fn resumed(&mut self, before: &Before) {
        if !self.quiet {
            for notice in &before.notices {
                self.speaker.speak(|| talk::line(&format!("gaits: {notice}")));
            }
        }
    }

    fn abandoned(&mut self, outcome: &RunOutcome) {
        self.speaker.end();
        self.notices.rest().iter().for_each(|line| talk::line(line));
        self.summary(outcome);
        // A thread that computes can't be stopped otherwise; worker processes end with this one.
        std::process::exit(i32::from(Exit::Interrupted.number()));
    }
}
