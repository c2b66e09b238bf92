//! `gaits run` and `gaits fetch`: work under one model, records out.

use crate::args::{Bodies, Job, RunArgs, WorkArgs};
use crate::exit::{Exit, Trouble};
use crate::program::program;
use crate::progress::{Bar, Speaker};
use crate::talk::Notices;
use crate::{interrupt, talk};
use anyhow::{Context as _, anyhow};
use gaits::{
    BodyFolder, Control, Destination, Notice, Output, OutputError, Plan, Run, RunEnd, RunObserver,
    RunOutcome, Summary,
};
use std::io::{self, IsTerminal as _};

/// Where the bodies went, and how to keep them.
const NOT_KEPT: &str = "gaits: the bodies were hashed and not kept; --body inline puts them into the records, \
     --bodies DIR into files";

/// Runs the work.
pub(super) fn run(work: WorkArgs, args: &RunArgs) -> Result<Exit, Trouble> {
    let Job { work, session, input, retries, bodies, .. } = work.resolve()?;
    let plan = Plan { work, model: args.model()?, session, limits: args.limits(retries)? };
    let program = program();
    let mut run = Run::over(&program, &plan, &input)?;
    let destination = args.destination();
    let output = Output::open(&destination, args.existing(), Some(&input)).map_err(refused)?;
    if let Bodies::Files { folder, names } = &bodies {
        let results = match &destination {
            Destination::File(path) => Some(&**path),
            Destination::Stdout => None,
        };
        match BodyFolder::open(folder, *names, results) {
            Ok(folder) => run = run.bodies(folder),
            Err(error) => {
                output.discard();
                return Err(Trouble::Wrong(error.into()));
            }
        }
    }
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
    let outcome = result?;
    watch.summary(&outcome.summary);
    if matches!(bodies, Bodies::NotKept) && !args.quiet && io::stderr().is_terminal() {
        talk::line(NOT_KEPT);
    }
    Ok(exit_of(&outcome.end))
}

fn exit_of(end: &RunEnd) -> Exit {
    match end {
        RunEnd { interrupted: true, .. } => Exit::Interrupted,
        RunEnd { failed: 0, .. } => Exit::AllOk,
        _ => Exit::SomeFailed,
    }
}

/// Adds the option that helps to what is wrong with the output.
fn refused(error: OutputError) -> Trouble {
    let advice = match &error {
        OutputError::HasRecords { .. } => "give another file, or --fresh to start it over",
        OutputError::StdoutClosed => "give a file for the records with -o FILE",
        _ => return Trouble::Wrong(error.into()),
    };
    Trouble::Wrong(anyhow!("{error}; {advice}"))
}

/// Tells the user what happens.
#[derive(Debug)]
struct Watch {
    speaker: Speaker,
    notices: Notices,
    quiet: bool,
}

impl Watch {
    fn summary(&self, summary: &Summary) {
        if !self.quiet {
            talk::text(&summary.render(talk::style(&io::stderr())));
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

    fn abandoned(&mut self, outcome: &RunOutcome) {
        self.speaker.end();
        self.notices.rest().iter().for_each(|line| talk::line(line));
        self.summary(&outcome.summary);
        // A thread that computes can't be stopped otherwise; worker processes end with this one.
        std::process::exit(i32::from(Exit::Interrupted.number()));
    }
}
