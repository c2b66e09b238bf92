//! How many workers are right: from what was measured with each number of them to an answer, on the Universal Scalability Law with
//! intervals. Duty: the points, the fit of the law, whether a limit fits better, what is recommended, and the sentence.
//! `docs/design/scalability.md` says why it is done like this and how well it does.
//!
//! Limit: it runs nothing. The answer is always a number that was measured; the law explains it.

mod csv;
mod curve;
mod fitted;
mod json;
mod judge;
mod kink;
mod law;
mod markdown;
mod points;
mod resample;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod verdict;
mod words;

pub use csv::{PointsError, PointsRead, read_points};
pub use fitted::{FittedLaw, Limit, LimitKind, Peak};
pub use law::Law;
pub use points::{FailedShare, Point, PointState, SweptPoint, is_precise, measured};
pub use target::{Target, TargetError};
pub use verdict::{Recommended, Trend};

use crate::language::Said;
use crate::why::Job;
use crate::{Style, Trial};
use points::refuse_failing;
use serde::{Deserialize, Serialize};

/// What is asked of a sweep. Set before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SweepSettings {
    /// A number of workers will do whose throughput is at most this share below the best: 0.05 is 5 %.
    pub within: f64,
    /// How well throughput is to be known: 0.05 means that no interval reaches further than 5 % from its estimate.
    pub precision: f64,
    /// In which share of sweeps an interval holds what is true.
    pub confidence: f64,
}

impl Default for SweepSettings {
    fn default() -> Self {
        Self { within: 0.05, precision: 0.05, confidence: 0.95 }
    }
}

/// A model whose number of workers was swept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweptModel {
    /// The model, without that number.
    pub name: String,
    /// The numbers, in rising order.
    pub points: Vec<SweptPoint>,
    /// Why no more workers were tried, where that is to be told.
    pub no_more: Option<NoMore>,
}

/// Why no more workers were tried, although throughput had not fallen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoMore {
    /// The model can't have twice as many.
    CanHave,
    /// With so many workers, too large a share of the items failed.
    Failures {
        /// How many workers.
        workers: u64,
        /// The share of the items, from 0 to 1.
        share: f64,
    },
    /// So many of so many workers could not be started.
    Missing {
        /// How many workers were to be.
        workers: u64,
        /// How many of them were not.
        missing: u64,
    },
    /// There was no time for more.
    Time,
    /// It would have taken more requests than may be sent.
    Requests,
}

/// An answer that ended a sweep: a server that asks to be left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The model, without its number of workers.
    pub model: String,
    /// How many workers there were.
    pub workers: u64,
    /// The item, as records show it.
    pub item: String,
    /// The status, 429 or 503.
    pub status: u64,
}

/// What a sweep was about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepInfo {
    /// The work, in words.
    pub work: String,
    /// What the order in each round, and the draws for intervals, are drawn from.
    pub seed: u64,
    /// What it is judged by.
    pub settings: SweepSettings,
    /// What kind of work it was.
    pub job: Job,
    /// The models.
    pub models: Vec<SweptModel>,
    /// What the number of workers must keep.
    pub targets: Vec<Target>,
    /// Set if a server ended it.
    pub refused: Option<Refused>,
}

/// What is said of one model.
#[derive(Debug, Clone)]
pub struct ModelSweep {
    /// The model, without its number of workers.
    pub name: String,
    /// What was measured, by the number of workers.
    pub points: Vec<Point>,
    /// Where throughput goes with more workers.
    pub trend: Trend,
    /// How many workers are recommended; none where that can't be told.
    pub recommended: Option<Recommended>,
    /// The law, where it fits and no limit fits better.
    pub law: Option<FittedLaw>,
    /// The limit, where one fits better than the law.
    pub limit: Option<Limit>,
    /// The answer, in one line.
    pub sentence: Said,
    /// What else is to be known.
    pub notes: Vec<Said>,
}

impl ModelSweep {
    /// The points that count, by the number of workers.
    pub(super) fn usable(&self) -> impl DoubleEndedIterator<Item = &Point> {
        self.points.iter().filter(|point| point.is_usable())
    }
}

/// A sweep, and what it says.
#[derive(Debug, Clone)]
pub struct Scalability {
    about: SweepInfo,
    models: Vec<ModelSweep>,
    rounds: u32,
    from_elsewhere: bool,
    sentence: Said,
}

impl Scalability {
    /// Says what follows from the trials of a sweep. Those of round 0, which only looks how far to go, do not count.
    #[must_use]
    pub fn new(trials: &[Trial], about: SweepInfo) -> Self {
        let confidence = about.settings.confidence;
        let of = |name: &str| -> Vec<&Trial> {
            trials.iter().filter(|trial| trial.round > 0 && trial.model == name).collect()
        };
        let models = about.models.iter().map(|model| {
            let points = model.points.iter().map(|swept| {
                Point::of(swept, &of(&swept.model), &about.targets, &about.job, confidence)
            });
            let mut points: Vec<Point> = points.collect();
            refuse_failing(&mut points);
            ModelSweep::judge(&model.name, points, &about, false)
        });
        let models: Vec<ModelSweep> = models.collect();
        let rounds = trials.iter().map(|trial| trial.round).max().unwrap_or(0);
        let sentence = words::overall(&models);
        Self { about, models, rounds, from_elsewhere: false, sentence }
    }

    /// Says what follows from points that were measured elsewhere, each a number in flight and the throughput with it; `name` is what
    /// they are called.
    #[must_use]
    pub fn of_points(name: &str, points: &[(f64, f64)], seed: u64) -> Self {
        let about = SweepInfo {
            work: name.to_owned(),
            seed,
            settings: SweepSettings::default(),
            job: Job {
                holds_its_thread: false,
                is_http: false,
                cores: 0,
                server_here: false,
                arrivals_per_second: None,
                runs_programs: false,
            },
            models: Vec::new(),
            targets: Vec::new(),
            refused: None,
        };
        let points = points.iter().copied().map(Point::from_elsewhere).collect();
        let models = vec![ModelSweep::judge(name, points, &about, true)];
        let sentence = models[0].sentence.clone();
        Self { about, models, rounds: 0, from_elsewhere: true, sentence }
    }

    /// What it was about.
    #[must_use]
    pub const fn about(&self) -> &SweepInfo {
        &self.about
    }

    /// What is said of each model.
    #[must_use]
    pub fn models(&self) -> &[ModelSweep] {
        &self.models
    }

    /// How many rounds there were, without that which only looks how far to go.
    #[must_use]
    pub const fn rounds(&self) -> u32 {
        self.rounds
    }

    /// The answer, in one line.
    #[must_use]
    pub const fn sentence(&self) -> &Said {
        &self.sentence
    }

    /// What explains the numbers of a model, and then what else is to be known of it.
    pub fn remarks<'a>(&self, model: &'a ModelSweep) -> impl Iterator<Item = Said> + use<'a> {
        words::explained(model, self.from_elsewhere).into_iter().chain(model.notes.iter().cloned())
    }

    /// Whether any number of workers is recommended.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        self.models.iter().any(|model| model.recommended.is_some())
    }

    /// The answer, the table, the curve and what explains it, in at most `width` columns as far as the names allow.
    #[must_use]
    pub fn render(&self, style: Style, width: usize) -> String {
        table::render(self, style, width)
    }

    /// The same without the curve, in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown::render(self)
    }
}
