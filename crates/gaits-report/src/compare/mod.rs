//! The race of models on the same work. Duty: from the trials of all rounds to who is first, by how much, and whether that
//! can be told at all. Limit: it runs nothing; the statistics are those of [`stats`](crate::stats).

mod against;
mod entries;
mod json;
mod markdown;
mod notes;
pub(crate) mod table;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod verdict;

pub use against::{Change, changes};
pub use verdict::Verdict;

use crate::language::Said;
use crate::layout::Layout;
use crate::stats::{self, Interval, More, Outlier, Settings};
use crate::trial::Difference;
use crate::why::{Job, Why};
use crate::{Style, Tally, Trial, Usage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A model in the race, or another program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contender {
    /// The model, as the command line names it, or the program's name.
    pub model: String,
    /// How its workers are laid out; none for another program, of which this is not known.
    pub workers: Option<Layout>,
    /// The command that starts the other program.
    #[serde(default)]
    pub command: Option<String>,
}

impl Contender {
    /// A model, with its workers.
    #[must_use]
    pub const fn model(model: String, workers: Layout) -> Self {
        Self { model, workers: Some(workers), command: None }
    }

    /// Another program, with the command that starts it.
    #[must_use]
    pub const fn program(name: String, command: String) -> Self {
        Self { model: name, workers: None, command: Some(command) }
    }
}

/// What the race was about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RaceInfo {
    /// The work, in words.
    pub work: String,
    /// Items in each trial: the first ones of all.
    pub items: u64,
    /// Items in the list as a whole.
    pub all_items: u64,
    /// What it is judged by; set before it began.
    pub settings: Settings,
    /// What the order in each round was drawn from.
    pub seed: u64,
    /// What kind of work it was.
    pub job: Job,
    /// Whether all are ranked as whole processes, since other programs take part.
    #[serde(default)]
    pub whole_processes: bool,
    /// The models that entered.
    pub contenders: Vec<Contender>,
}

/// How a model stands to the best one.
#[derive(Debug, Clone, PartialEq)]
pub enum Relation {
    /// It is the best one: all others are slower.
    Best,
    /// It is the best one, or slower by no more than the margin.
    Equal,
    /// It is slower than the best one, by more than the margin.
    Slower,
    /// Too few rounds to tell; with how many more would.
    Undecided(Option<More>),
    /// It is held against no other.
    NotRanked(NotRanked),
}

/// Why a model is held against no other.
#[derive(Debug, Clone, PartialEq)]
pub enum NotRanked {
    /// It ran in no round.
    NotRun,
    /// It ran with fewer workers than its name says.
    Degraded {
        /// The most that were missing in a round.
        missing_workers: u64,
    },
    /// None of its items went well: to give up is faster than work, and no measure of it.
    AllFailed,
    /// Another program, some of whose runs failed.
    RunsFailed {
        /// How many.
        runs: u64,
    },
    /// It did other work than most.
    Differs(Difference),
    /// There were too few rounds to rank anything.
    TooFewRounds {
        /// The model that it took at least twice as long as in each of them, if there is one: that much can be told.
        at_least_twice: Option<String>,
    },
    /// Some trial took no time that can be measured.
    TooShort,
    /// No other model did the same work.
    Alone,
}

/// What was measured of one model.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The model and its workers.
    pub contender: Contender,
    /// How it stands to the best one.
    pub relation: Relation,
    /// Its wall time over that of the best one, whichever that truly is; none if it is not ranked.
    pub ratio_to_best: Option<Interval>,
    /// The wall time of each trial as (round, microseconds), by round.
    pub walls_us: Vec<(u32, u64)>,
    /// How long it takes, in seconds: the geometric mean over the rounds, so that two of these have the ratio that is
    /// shown; none with fewer than two rounds.
    pub typical_s: Option<Interval>,
    /// The median of its wall times in seconds, and where that lies, if there are rounds enough to tell; none when it did
    /// not run.
    pub median_s: Option<(f64, Option<(f64, f64)>)>,
    /// How much of a trial passed before its first item, and after its last, in microseconds: medians.
    pub startup_us: u64,
    /// See [`Entry::startup_us`].
    pub closing_us: u64,
    /// The process of a trial as a whole, in microseconds: the median.
    pub process_us: u64,
    /// How many of its worker processes died in all its trials and were replaced.
    pub workers_died: u64,
    /// What a trial took of the machine: medians.
    pub usage: Usage,
    /// Items a second: those of a trial over its typical wall time; none for another program, whose items are not known.
    pub items_per_second: Option<f64>,
    /// All its records over all rounds.
    pub tally: Tally,
}

/// The models compared.
#[derive(Debug, Clone)]
pub struct Comparison {
    about: RaceInfo,
    entries: Vec<Entry>,
    rounds: u32,
    outliers: Vec<(String, Outlier)>,
    precise: bool,
    verdict: Verdict,
    why: Why,
}

impl Comparison {
    /// Nothing is ranked on fewer rounds.
    #[expect(clippy::cast_possible_truncation, reason = "it is 6")]
    pub const FEWEST_ROUNDS: u32 = stats::MIN_ROUNDS as u32;

    /// Compares what was measured. Models that are not among the contenders are taken as such with one worker.
    ///
    /// A model is ranked if each of its items came to the same end as under the others, whether that was good or bad.
    #[must_use]
    pub fn new(trials: &[Trial], about: RaceInfo) -> Self {
        let mut of_models: BTreeMap<&str, Vec<&Trial>> = BTreeMap::new();
        for trial in trials {
            of_models.entry(&trial.model).or_default().push(trial);
        }
        let rounds =
            trials.iter().map(|trial| trial.round).collect::<std::collections::BTreeSet<_>>();
        let judged = entries::judge(trials, &of_models, &about);
        let verdict = Verdict::of(&judged.entries, &about);
        let why = entries::explain(&judged.entries, &of_models, &about);
        Self {
            about,
            entries: judged.entries,
            rounds: u32::try_from(rounds.len()).unwrap_or(u32::MAX),
            outliers: judged.outliers,
            precise: judged.precise,
            verdict,
            why,
        }
    }

    /// Whether all ratios to the best are known as well as `settings` ask for, without the rest of a comparison, which takes
    /// a while for long lists: how items ended is not looked at. If any of `programs`, by name, takes part, whole processes are ranked.
    #[must_use]
    pub fn would_be_precise(trials: &[Trial], settings: Settings, programs: &[String]) -> bool {
        let mut of_models: BTreeMap<&str, Vec<&Trial>> = BTreeMap::new();
        for trial in trials {
            of_models.entry(&trial.model).or_default().push(trial);
        }
        let is_fit = |model: &str, trials: &[&Trial]| {
            let is_program = programs.iter().any(|program| program == model);
            entries::unfit(trials, is_program).is_none()
        };
        let fit = of_models.into_iter().filter(|(model, trials)| is_fit(model, trials));
        let times = fit.map(|(_, trials)| {
            let time = |trial: &&Trial| (trial.round, trial.time_us(!programs.is_empty()));
            stats::Series::from_micros(trials.iter().map(time))
        });
        stats::judge(&times.collect::<Vec<_>>(), settings).precision_reached()
    }

    /// What the race was about.
    #[must_use]
    pub const fn about(&self) -> &RaceInfo {
        &self.about
    }

    /// How many rounds there were, the one that warms up left out.
    #[must_use]
    pub const fn rounds(&self) -> u32 {
        self.rounds
    }

    /// What was measured of each model: the ranked ones first, from the one that looks fastest on, then the others as they
    /// entered.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether all ratios to the best are known as well as the settings ask for.
    #[must_use]
    pub const fn is_precise(&self) -> bool {
        self.precise
    }

    /// Trials that took unlike long, each with its model. They count like all others.
    #[must_use]
    pub fn outliers(&self) -> &[(String, Outlier)] {
        &self.outliers
    }

    /// What the race says, in short.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Why it came out so.
    #[must_use]
    pub const fn why(&self) -> &Why {
        &self.why
    }

    /// The table, what is not in it, and the verdict, in at most `width` columns as far as the names allow.
    #[must_use]
    pub fn render(&self, style: Style, width: usize) -> String {
        table::render(self, style, width)
    }

    /// The same as a table in Markdown, for a pull request or a README.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown::render(self)
    }
}

impl Entry {
    /// Whether it is held against others.
    #[must_use]
    pub const fn is_ranked(&self) -> bool {
        !matches!(self.relation, Relation::NotRanked(_))
    }

    /// Whether it did other work than most, or not all of it, so that its times are no measure of speed.
    #[must_use]
    pub const fn did_other_work(&self) -> bool {
        matches!(
            self.relation,
            Relation::NotRanked(
                NotRanked::NotRun
                    | NotRanked::Degraded { .. }
                    | NotRanked::AllFailed
                    | NotRanked::RunsFailed { .. }
                    | NotRanked::Differs(_)
            )
        )
    }

    /// Why its times are no measure of speed, in words; none if they are one.
    pub(crate) fn other_work(&self) -> Option<Said> {
        match &self.relation {
            Relation::NotRanked(reason) if self.did_other_work() => reason.detail(),
            _ => None,
        }
    }

    /// How many rounds it ran.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.walls_us.len()
    }
}

impl Relation {
    /// Its name in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Equal => "equal",
            Self::Slower => "slower",
            Self::Undecided(_) => "undecided",
            Self::NotRanked(_) => "not_ranked",
        }
    }
}
