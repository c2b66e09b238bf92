//! `gaits run` and `gaits fetch`: work under one model, records out.

use crate::args::{Input, Job, RunArgs, WorkArgs};
use crate::exit::{Exit, Trouble};
use crate::interrupt::Interrupts;
use crate::output::{self, Output};
use crate::progress::{Bar, Speaker};
use crate::talk::Notices;
use crate::{input, program, talk};
use anyhow::{Context as _, anyhow};
use gaits_core::{Record, Sink};
use gaits_engine::plan::{Model, Plan};
use gaits_engine::{Control, Notice, Observer, RunEnd, RunError};
use gaits_report::{Layout, Summary, Tally};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Runs the work.
pub(super) fn run(work: WorkArgs, args: &RunArgs) -> Result<Exit, Trouble> {
    let job = work.resolve()?;
    let source = input::open(&job)?;
    let Job { work, input, .. } = job;
    let total_items = source.total();
    let mut output = output::open(args.output.as_deref(), args.fresh, &input)?;
    let plan = Plan { work, model: args.model };
    let control = Control::new();
    let interrupts =
        Interrupts::listen().context("can't listen for signals").map_err(Trouble::CouldNotGoOn)?;
    interrupts.attach(&control);
    let bar = Bar::start(control.progress(), &input, args.quiet, args.output.is_none());
    let tally = SharedTally::default();
    let mut watch = Watch {
        speaker: bar.speaker(),
        notices: Notices::default(),
        quiet: args.quiet,
        model: plan.model,
        total_items,
        tally: tally.clone(),
    };
    let mut counted = tally.clone();
    let mut sinks: [&mut dyn Sink; 2] = [output.sink.as_mut(), &mut counted];
    let result = gaits_engine::run(&program(), &plan, source, &mut sinks, &mut watch, &control);
    bar.finish();
    watch.notices.rest().iter().for_each(|line| talk::line(line));
    match result {
        Ok(end) if end.ok + end.failed + end.given_back == 0 && !end.interrupted => {
            output.discard();
            Err(input::nothing_in(&input))
        }
        Ok(end) => {
            watch.summary(&end);
            Ok(exit_of(&end))
        }
        Err(error) => Err(explain(error, output, &input)),
    }
}

fn exit_of(end: &RunEnd) -> Exit {
    match end {
        RunEnd { interrupted: true, .. } => Exit::Interrupted,
        RunEnd { failed: 0, .. } => Exit::AllOk,
        _ => Exit::SomeFailed,
    }
}

/// Names the output that can't be written to, and the input that can't be read.
fn explain(error: RunError, output: Output, input: &Input) -> Trouble {
    let name = output.name.clone();
    Trouble::CouldNotGoOn(match error {
        RunError::Sink { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => {
            anyhow!("{name} was closed by its reader; the run was stopped")
        }
        RunError::Sink { source, .. } => {
            let intact = match output.mend() {
                Ok(()) => "the records that are there are whole".to_owned(),
                Err(error) => format!("its last record may be torn ({error})"),
            };
            anyhow!(source)
                .context(format!("can't write to {name}, so the run was stopped; {intact}"))
        }
        RunError::Source(source) => anyhow!(source).context(format!(
            "can't read {} to its end; what was read is done",
            input::name(input)
        )),
        other => return other.into(),
    })
}

/// A tally that is fed as a sink and read by whoever sums up.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedTally(Arc<Mutex<Tally>>);

impl SharedTally {
    /// What it has come to.
    pub(super) fn take(&self) -> Tally {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for SharedTally {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(record);
        Ok(())
    }
}

/// Tells the user what happens.
#[derive(Debug)]
struct Watch {
    speaker: Speaker,
    notices: Notices,
    quiet: bool,
    model: Model,
    total_items: Option<u64>,
    tally: SharedTally,
}

impl Watch {
    fn summary(&self, end: &RunEnd) {
        if self.quiet {
            return;
        }
        let summary = Summary {
            tally: self.tally.take(),
            wall_us: end.wall_us,
            model: self.model.to_string(),
            layout: layout(self.model),
            total_items: self.total_items,
            interrupted: end.interrupted,
        };
        talk::text(&summary.render(talk::style(&io::stderr())));
    }
}

impl Observer for Watch {
    fn notice(&mut self, notice: Notice) {
        // What a worker says is passed on even when asked to be quiet: it is not ours to drop.
        if self.quiet && !matches!(notice, Notice::WorkerSaid { .. }) {
            return;
        }
        if let Some(line) = self.notices.say(notice) {
            self.speaker.speak(|| talk::line(&line));
        }
    }

    fn abandoned(&mut self, end: &RunEnd) {
        self.speaker.end();
        self.notices.rest().iter().for_each(|line| talk::line(line));
        self.summary(end);
        // A thread that computes can't be stopped otherwise; worker processes end with this one.
        std::process::exit(i32::from(Exit::Interrupted.number()));
    }
}

/// A model's layout, in the words of the report.
pub(super) fn layout(model: Model) -> Layout {
    let layout = model.layout();
    let plain = Layout::new(layout.processes, layout.threads, layout.in_flight);
    match model {
        Model::AsyncThreads(_, threads) => plain.with_pool(threads.get()),
        _ => plain,
    }
}
