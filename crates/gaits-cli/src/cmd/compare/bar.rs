//! Shows how far a race has come.

use crate::exit::Exit;
use crate::talk::{self, Notices};
use gaits::{Model, Notice, Race, RaceObserver, Trial};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// Draws a bar where standard error is a terminal, and says only what can't be left unsaid.
#[derive(Debug)]
pub(super) struct Watch {
    bar: ProgressBar,
    /// Those of the run at hand.
    notices: Notices,
    rounds: u32,
}

impl Watch {
    pub(super) fn new(race: &Race, quiet: bool) -> Self {
        Self { bar: bar(race, quiet), notices: Notices::default(), rounds: race.rounds }
    }

    /// The bar, for whoever must have it out of the way.
    pub(super) fn drawn(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Takes the bar away.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

fn bar(race: &Race, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar =
        ProgressBar::with_draw_target(Some(race.runs()), ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

impl RaceObserver for Watch {
    fn trial_starts(&mut self, round: u32, model: Model) {
        self.bar.set_message(if round == 0 {
            format!("warming up, {model}")
        } else {
            format!("round {round} of {}, {model}", self.rounds)
        });
    }

    fn trial_ended(&mut self, _: u32, _: Model, trial: Option<&Trial>) {
        let rest = std::mem::take(&mut self.notices).rest();
        self.bar.suspend(|| rest.iter().for_each(|line| talk::line(line)));
        if trial.is_some() {
            self.bar.inc(1);
        }
    }

    fn notice(&mut self, notice: Notice) {
        if !matches!(notice, Notice::Stopping { .. })
            && let Some(line) = self.notices.say(notice)
        {
            self.bar.suspend(|| talk::line(&line));
        }
    }

    fn abandoned(&mut self) {
        self.bar.finish_and_clear();
        std::process::exit(i32::from(Exit::Interrupted.number()));
    }
}
