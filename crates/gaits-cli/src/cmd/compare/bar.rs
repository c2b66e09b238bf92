//! Shows how far a race has come.

use crate::cmd::trials::Bar;
use crate::talk::Notices;
use gaits::{Extent, Notice, Race, RaceObserver, Trial, TrialObserver};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

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
    /// How often everything runs before the rounds that count.
    warm_ups: f64,
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
            warm_ups: race.warm_ups().into(),
            items: race.subject.count,
            rounds: None,
            spent: Duration::ZERO,
            now: None,
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(self) {
        self.bar.clear();
    }

    /// How long the whole race takes, as far as that is known by now.
    fn whole(&self) -> Duration {
        let round: Duration = self.took.values().sum();
        match self.extent {
            Extent::Budget(budget) => match self.rounds {
                Some(rounds) if self.took.len() == self.models => {
                    budget.min(round.mul_f64(rounds as f64 + self.warm_ups))
                }
                _ => budget,
            },
            Extent::Rounds(rounds) => {
                let known = self.took.len().max(1) as f64;
                round.mul_f64(self.models as f64 / known * (f64::from(rounds) + self.warm_ups))
            }
        }
    }

    fn draw(&self, within: Duration) {
        let Some((model, round, _)) = &self.now else { return };
        let doing = if *round == 0 {
            format!("warming up, {model}")
        } else {
            format!("round {round}, {model}")
        };
        self.bar.draw(self.spent + within, self.whole(), &doing);
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
        self.bar.is_seen()
    }

    fn trial_goes_on(&mut self, done: u64) {
        if let Some((_, _, Some(expected))) = self.now {
            let share = (done as f64 / self.items.max(1) as f64).min(1.0);
            self.draw(expected.mul_f64(share));
        }
    }

    fn trial_ended(&mut self, _: u32, name: &str, trial: Option<&Trial>) {
        self.bar.say_rest(&mut self.notices);
        if let Some(trial) = trial {
            let took = Duration::from_micros(trial.process_us);
            self.took.insert(name.to_owned(), took);
            self.spent += took;
            self.draw(Duration::ZERO);
        }
    }

    fn notice(&mut self, notice: Notice) {
        if self.said.insert(gist(&notice)) {
            self.bar.say(&mut self.notices, notice);
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
