//! The race: every model in every round, in an order shuffled anew for each.

use crate::cmd::run::{SharedTally, layout};
use crate::exit::Trouble;
use crate::interrupt::Interrupts;
use crate::program;
use crate::talk::{self, Notices};
use gaits_core::Sink;
use gaits_engine::plan::{Model, Plan, WorkSpec};
use gaits_engine::source::List;
use gaits_engine::{Control, Notice, Observer, RunEnd};
use gaits_report::{Comparison, Contender, RaceInfo, Trial, units};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use std::io::IsTerminal;

/// Everything that a race is run with.
#[derive(Debug)]
pub(super) struct Race {
    pub(super) about: String,
    pub(super) work: WorkSpec,
    /// Gone through over and over,
    pub(super) items: Vec<Box<str>>,
    /// up to so many in all.
    pub(super) count: u64,
    pub(super) models: Vec<Model>,
    pub(super) rounds: u32,
    pub(super) seed: u64,
    pub(super) quiet: bool,
}

/// What came of a race.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) comparison: Comparison,
    /// Whether it was stopped; the rounds that were complete by then count.
    pub(super) interrupted: bool,
}

impl Race {
    /// What is about to happen.
    pub(super) fn announcement(&self) -> String {
        format!(
            "gaits: {}, {} items, {} models, {} rounds after one to warm up, seed {}",
            self.about,
            units::count(self.count),
            self.models.len(),
            self.rounds,
            self.seed
        )
    }

    /// Runs it.
    pub(super) fn run(&self, interrupts: &Interrupts) -> Result<Outcome, Trouble> {
        let bar = self.bar();
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let mut trials = Vec::new();
        let mut interrupted = false;
        let mut rounds = 0;
        // Round 0 warms up: caches, names, the server; it does not count.
        'race: for round in 0..=self.rounds {
            let mut order = self.models.clone();
            rng.shuffle(&mut order);
            let mut complete = Vec::new();
            for model in order {
                bar.set_message(if round == 0 {
                    format!("warming up, {model}")
                } else {
                    format!("round {round} of {}, {model}", self.rounds)
                });
                let Some(trial) = self.trial(model, round, interrupts, &bar)? else {
                    interrupted = true;
                    break 'race;
                };
                bar.inc(1);
                complete.push(trial);
            }
            if round > 0 {
                trials.append(&mut complete);
                rounds = round;
            }
        }
        bar.finish_and_clear();
        if interrupted && !self.quiet {
            talk::line(&format!("gaits: stopped after {rounds} of {} rounds", self.rounds));
        }
        let contenders = self
            .models
            .iter()
            .map(|model| Contender { model: model.to_string(), workers: layout(*model).brief() });
        let about = RaceInfo {
            work: self.about.clone(),
            items: self.count,
            rounds,
            seed: self.seed,
            contenders: contenders.collect(),
        };
        Ok(Outcome { comparison: Comparison::new(trials, about), interrupted })
    }

    /// One run of one model; none if it was stopped.
    fn trial(
        &self,
        model: Model,
        round: u32,
        interrupts: &Interrupts,
        bar: &ProgressBar,
    ) -> Result<Option<Trial>, Trouble> {
        let plan = Plan { work: self.work.clone(), model };
        // The items were checked when they were read.
        let source = Box::new(List::cycled(self.items.clone(), self.count, Box::new(|_| Ok(()))));
        let control = Control::new();
        interrupts.attach(&control);
        let tally = SharedTally::default();
        let mut counted = tally.clone();
        let mut sinks: [&mut dyn Sink; 1] = [&mut counted];
        let mut observer = Quiet { bar: bar.clone(), notices: Notices::default() };
        let cpu_us = cpu_us()?;
        let end =
            gaits_engine::run(&program(), &plan, source, &mut sinks, &mut observer, &control)?;
        bar.suspend(|| observer.notices.rest().iter().for_each(|line| talk::line(line)));
        let cpu_us = self::cpu_us()?.saturating_sub(cpu_us);
        Ok((!end.interrupted).then(|| Trial {
            model: model.to_string(),
            round,
            wall_us: end.wall_us,
            cpu_us,
            tally: tally.take(),
        }))
    }

    fn bar(&self) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let trials = (u64::from(self.rounds) + 1) * self.models.len() as u64;
        let bar =
            ProgressBar::with_draw_target(Some(trials), ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}, {eta} left") {
            bar.set_style(style);
        }
        bar
    }
}

/// CPU time of this process and of its worker processes, which have been waited for, in microseconds.
fn cpu_us() -> Result<u64, Trouble> {
    let spent = |usage: Usage| {
        let times = [usage.user_time(), usage.system_time()];
        times.iter().map(|time| time.tv_sec() * 1_000_000 + time.tv_usec()).sum::<i64>()
    };
    let read = |who| getrusage(who).map(spent).map_err(|error| Trouble::CouldNotGoOn(error.into()));
    let total = read(UsageWho::RUSAGE_SELF)? + read(UsageWho::RUSAGE_CHILDREN)?;
    Ok(total.unsigned_abs())
}

/// Only says what can't be left unsaid.
#[derive(Debug)]
struct Quiet {
    bar: ProgressBar,
    notices: Notices,
}

impl Observer for Quiet {
    fn notice(&mut self, notice: Notice) {
        if !matches!(notice, Notice::Stopping { .. })
            && let Some(line) = self.notices.say(notice)
        {
            self.bar.suspend(|| talk::line(&line));
        }
    }

    fn abandoned(&mut self, _: &RunEnd) {
        self.bar.finish_and_clear();
        std::process::exit(i32::from(crate::exit::Exit::Interrupted.number()));
    }
}
