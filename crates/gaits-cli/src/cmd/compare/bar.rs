//! Shows how far a race has come.

use crate::talk::{self, Notices};
use gaits::{Extent, Notice, Race, RaceObserver, Trial, TrialObserver, units};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// The bar of all races of a command.
#[derive(Debug, Clone)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// One on standard error, if that is a terminal that can redraw a line.
    pub(super) fn new(quiet: bool) -> Self {
        if quiet || !talk::can_redraw(&std::io::stderr()) {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// The bar, for whoever must have it out of the way.
    pub(super) fn drawn(&self) -> ProgressBar {
        self.0.clone()
    }
}

/// Draws the bar, and says only what can't be left unsaid.
#[derive(Debug)]
pub(super) struct Watch {
    bar: Bar,
    /// Those of the run at hand.
    notices: Notices,
    /// What was said in a run before, and need not be said again.
    said: HashSet<String>,
    extent: Extent,
    /// How long each model takes, by its last run.
    took: HashMap<String, Duration>,
    models: usize,
    /// Items in each run.
    items: u64,
    rounds: Option<u64>,
    /// How much is done of all, by the times that were expected.
    spent: Duration,
    now: Option<(String, u32, Option<Duration>)>,
}

impl Watch {
    pub(super) fn new(race: &Race, bar: Bar) -> Self {
        Self {
            bar,
            notices: Notices::default(),
            said: HashSet::new(),
            extent: race.extent,
            took: HashMap::new(),
            models: race.entrants.len(),
            items: race.subject.count,
            rounds: None,
            spent: Duration::ZERO,
            now: None,
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(self) {
        self.bar.0.finish_and_clear();
    }

    /// How long the whole race takes, as far as that is known by now.
    fn whole(&self) -> Duration {
        let round: Duration = self.took.values().sum();
        match self.extent {
            Extent::Budget(budget) => match self.rounds {
                Some(rounds) if self.took.len() == self.models => {
                    budget.min(round.mul_f64(rounds as f64 + 1.0))
                }
                _ => budget,
            },
            Extent::Rounds(rounds) => {
                let known = self.took.len().max(1) as f64;
                round.mul_f64(self.models as f64 / known * (f64::from(rounds) + 1.0))
            }
        }
    }

    fn draw(&self, within: Duration) {
        let Some((model, round, _)) = &self.now else { return };
        let (whole, spent) = (self.whole(), self.spent + within);
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.bar.0.set_length(millis(whole).max(1));
        self.bar.0.set_position(millis(spent.min(whole)));
        let left_us = u64::try_from(whole.saturating_sub(spent).as_micros()).unwrap_or(u64::MAX);
        let left = match left_us {
            0 => String::new(),
            left_us => format!(", {} left", units::duration(left_us)),
        };
        self.bar.0.set_message(if *round == 0 {
            format!("warming up, {model}{left}")
        } else {
            format!("round {round}, {model}{left}")
        });
    }
}

impl RaceObserver for Watch {
    fn scheduled(&mut self, items: u64, rounds: Option<u64>) {
        (self.items, self.rounds) = (items, rounds);
    }
}

impl TrialObserver for Watch {
    fn trial_starts(&mut self, round: u32, name: &str, expected: Option<Duration>) {
        self.now = Some((name.to_owned(), round, expected));
        self.draw(Duration::ZERO);
    }

    fn wants_progress(&self) -> bool {
        !self.bar.0.is_hidden()
    }

    fn trial_goes_on(&mut self, done: u64) {
        if let Some((_, _, Some(expected))) = self.now {
            let share = (done as f64 / self.items.max(1) as f64).min(1.0);
            self.draw(expected.mul_f64(share));
        }
    }

    fn trial_ended(&mut self, _: u32, name: &str, trial: Option<&Trial>) {
        let rest = std::mem::take(&mut self.notices).rest();
        self.bar.0.suspend(|| rest.iter().for_each(|line| talk::line(line)));
        if let Some(trial) = trial {
            let took = Duration::from_micros(trial.process_us);
            self.took.insert(name.to_owned(), took);
            self.spent += took;
            self.draw(Duration::ZERO);
        }
    }

    fn notice(&mut self, notice: Notice) {
        if !matches!(notice, Notice::Stopping { .. })
            && self.said.insert(gist(&notice))
            && let Some(line) = self.notices.say(notice)
        {
            self.bar.0.suspend(|| talk::line(&line));
        }
    }
}

/// What a notice says apart from numbers that differ from run to run, such as process ids.
fn gist(notice: &Notice) -> String {
    match notice {
        Notice::WorkerSaid { line, .. } => line.clone(),
        Notice::WorkerDied { how, .. } => how.clone(),
        Notice::WorkerOverdue { .. } => "overdue".to_owned(),
        Notice::WorkersNotStarted { why, .. } | Notice::FewerWorkers { why, .. } => why.clone(),
        other => format!("{other:?}"),
    }
}
