//! The race of models on the same work. Duty: from the trials of all rounds to who is first, by how much, and
//! whether that can be told at all. Limit: it runs nothing, and its ranges are what was seen, not confidence intervals.

mod conclusion;
mod json;
mod render;
mod stats;
#[cfg(test)]
mod tests;

pub use stats::{Ratio, Spread};

use crate::units::per_second;
use crate::{Style, Tally, Trial};

/// A model in the race.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contender {
    /// The model, as the command line names it.
    pub model: String,
    /// How its workers are laid out, in words; [`Layout::brief`](crate::Layout::brief) is short enough for the table.
    pub workers: String,
}

/// By what a race is judged; set before it begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How much slower counts as equal: 0.02 is 2 %.
    pub margin: f64,
    /// How well the ratios to the best are to be known: 0.05 is to within 5 %.
    pub precision: f64,
}

/// What the race was about.
#[derive(Debug, Clone, PartialEq)]
pub struct RaceInfo {
    /// The work, in words.
    pub work: String,
    /// Items in each trial: the first ones of all.
    pub items: u64,
    /// Items in the list as a whole.
    pub all_items: u64,
    /// Rounds that were complete, without the one that warms up.
    pub rounds: u32,
    /// What it is judged by.
    pub settings: Settings,
    /// What the order in each round was drawn from.
    pub seed: u64,
    /// The models that entered.
    pub contenders: Vec<Contender>,
}

/// Where a model stands at the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// It did all the work in every round that it ran.
    Ranked {
        /// Its place, counted from 1, by median wall time.
        rank: u32,
        /// Its wall time over that of the fastest, round by round; exactly 1 for the fastest itself. None where no
        /// round gives a ratio, since the fastest took no measurable time.
        to_fastest: Option<Ratio>,
        /// Whether it cannot be told apart from the fastest: in some rounds it was before, in others behind, or
        /// their wall times overlap. True for the fastest when there is another such.
        tied: bool,
    },
    /// It failed items.
    Failed,
    /// It ran with fewer workers than its name says.
    Degraded {
        /// The most that were missing in a round.
        missing_workers: u64,
    },
    /// It failed none, but did not come to the end of the work in some round.
    Incomplete,
    /// It ran in no round.
    NotRun,
}

/// What was measured of one model.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The model and its workers.
    pub contender: Contender,
    /// Where it stands.
    pub standing: Standing,
    /// The wall time of each trial as (round, microseconds), by round.
    pub walls_us: Vec<(u32, u64)>,
    /// Wall times over the rounds, in microseconds; none when it did not run.
    pub wall_us: Option<Spread>,
    /// CPU time of a trial, in microseconds: the median; none when it did not run.
    pub cpu_us: Option<u64>,
    /// Items a second that went well: those of a mean trial over the median wall time; none without either.
    pub items_per_second: Option<f64>,
    /// All its records over all rounds.
    pub tally: Tally,
}

/// The models compared.
#[derive(Debug, Clone)]
pub struct Comparison {
    about: RaceInfo,
    entries: Vec<Entry>,
    conclusion: String,
}

impl Comparison {
    /// Nothing is ranked on fewer rounds.
    pub const FEWEST_ROUNDS: u32 = 6;

    /// Compares what was measured. Models that are not among the contenders are taken as such without workers.
    ///
    /// Ranked is, by median wall time, who did all items well in every trial; who failed one is not, since giving up
    /// is faster than work. The ratio to the fastest is taken within each round and then its median over rounds: what
    /// slows the machine in one round slows both, so it cancels out, where a ratio of medians would keep it.
    #[must_use]
    pub fn new(trials: Vec<Trial>, about: RaceInfo) -> Self {
        let entries = stats::entries(trials, &about);
        let conclusion = conclusion::conclude(&about, &entries);
        Self { about, entries, conclusion }
    }

    /// What the race was about.
    #[must_use]
    pub const fn about(&self) -> &RaceInfo {
        &self.about
    }

    /// What was measured of each model: the ranked ones first, from the fastest on, then the others as they entered.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether all ratios to the best are known as well as the settings ask for.
    #[must_use]
    pub const fn is_precise(&self) -> bool {
        false
    }

    /// Whether some model did all the work.
    #[must_use]
    pub fn has_winner(&self) -> bool {
        self.entries.iter().any(Entry::is_ranked)
    }

    /// One sentence: who is fastest, by how much, and whether that can be told.
    #[must_use]
    pub fn conclusion(&self) -> &str {
        &self.conclusion
    }

    /// The table, what is not ranked and why, and the conclusion; at most 100 columns for ordinary names.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        render::render(self, style)
    }
}

impl Entry {
    /// Whether it did all the work in every round that it ran.
    #[must_use]
    pub const fn is_ranked(&self) -> bool {
        matches!(self.standing, Standing::Ranked { .. })
    }

    /// How many rounds it ran.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.walls_us.len()
    }

    /// Why it is not ranked; none if it is.
    #[must_use]
    pub fn why_unranked(&self) -> Option<String> {
        let tally = &self.tally;
        match self.standing {
            Standing::Ranked { .. } => None,
            Standing::Failed => Some(format!(
                "failed {} of {}: {}",
                crate::units::count(tally.failed()),
                crate::units::count(tally.items()),
                tally.failures_brief()
            )),
            Standing::Degraded { missing_workers } => Some(format!(
                "ran with fewer workers than its name says: {} missing",
                crate::units::count(missing_workers)
            )),
            Standing::Incomplete => Some("did not come to the end of the work".to_owned()),
            Standing::NotRun => Some("did not run".to_owned()),
        }
    }
}
