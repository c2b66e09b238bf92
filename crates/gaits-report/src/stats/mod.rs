//! The statistics of a race: from the wall times of models by round to how each stands to the best one, by how much,
//! and whether that can be told. `docs/design/statistics.md` says why it is done like this and how well it does.
//!
//! Limit: no clock and no text. It does not know why a model has no time in a round; whoever calls leaves out models
//! that failed.

mod outliers;
mod pairs;
mod percentiles;
mod plan;
mod quantile;
mod series;
#[cfg(test)]
mod tests;
mod unpaired;
mod walls;

pub use percentiles::percentiles_for;
pub use series::Series;
pub use unpaired::unpaired;
pub use walls::{median, typical};

use pairs::Pairs;
use serde::{Deserialize, Serialize};

/// Nothing is ranked on fewer rounds. Fewer tell so little of the noise that intervals are of no use.
pub const MIN_ROUNDS: usize = 6;

/// Precision is not believed on fewer rounds. A race that stops as soon as its intervals are narrow stops where the
/// noise looks small by luck; from so many rounds on, that costs the intervals little of their confidence.
pub const PRECISION_ROUNDS: usize = 10;

/// What is asked of a comparison. Set before the race, never after a look at its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Differences up to this do not matter: 0.02 is 2 %. At least 0.
    pub margin: f64,
    /// How well the ratios are to be known: 0.05 means that no interval reaches further than 5 % from its estimate.
    /// More than 0.
    pub precision: f64,
    /// In which share of races all intervals hold what is true, between 0 and 1.
    pub confidence: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { margin: 0.02, precision: 0.05, confidence: 0.95 }
    }
}

/// An estimate and where the truth lies; low ≤ estimate ≤ high.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// The truth is not below this.
    pub low: f64,
    /// The truth is not above this.
    pub high: f64,
}

impl Interval {
    /// Whether neither end is further from the estimate than `precision`, as a share of it (0.05: 5 %).
    #[must_use]
    pub fn is_within(&self, precision: f64) -> bool {
        let most = 1.0 + precision;
        self.high <= self.estimate * most && self.estimate <= self.low * most
    }
}

/// How a model stands to the best one of the race, whichever that truly is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It is the best one: all others are [`Slower`](Self::Slower).
    Best,
    /// It is the best one or at most the margin slower. Any two such models are within the margin of each other.
    Equal,
    /// It takes longer than the best one, by more than the margin.
    Slower,
    /// Its interval reaches over the margin: there were too few rounds to tell.
    Undecided,
    /// It is compared with none.
    NotRanked(Reason),
}

impl Relation {
    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Equal => "equal",
            Self::Slower => "slower",
            Self::Undecided => "undecided",
            Self::NotRanked(_) => "not_ranked",
        }
    }
}

/// Why a model is compared with none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It has fewer rounds than [`MIN_ROUNDS`].
    TooFewRounds {
        /// The model that it took at least twice as long as in every round of both, if there are two such rounds: the
        /// one that looks fastest. This is all that so few rounds can show.
        at_least_twice: Option<usize>,
    },
    /// It has rounds enough, but too few in which all models with enough rounds ran.
    TooFewShared,
    /// Some trial of the race took no measurable time, so there are no ratios: the work is too short for the clock.
    TooShort,
    /// No other model has rounds enough to be compared with.
    Alone,
}

/// How many more rounds would tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// About so many, if the race goes on as it did: then it is told in four of five races.
    About(usize),
    /// More than this: the difference is too close to the margin, or the noise too large.
    MoreThan(usize),
}

/// A trial that took unlike long, given its model and its round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlier {
    /// The model, by its place among those judged.
    pub model: usize,
    /// The round.
    pub round: u32,
    /// How many times as long as expected it took; below 1 if it was faster.
    pub times: f64,
}

/// What the race says of one model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// How it stands to the best one.
    pub relation: Relation,
    /// Its wall time over that of the best one, whichever that is, so at least 1; none if it is not ranked. The
    /// estimate is to the model that looks best. All intervals hold at once, with the confidence asked for.
    pub ratio_to_best: Option<Interval>,
    /// Its [`typical`] wall time in seconds: if it is ranked, over the rounds that the ratios are of, so that the ratios
    /// of these times are the estimates shown. Else over all its rounds; none if that gives no interval.
    pub typical_s: Option<Interval>,
    /// Whether it may be the best one. The truly best one is among those of which this is said, with the confidence
    /// asked for.
    pub may_be_best: bool,
    /// How many more rounds would tell, if it is [`Undecided`](Relation::Undecided).
    pub more_rounds: Option<More>,
}

/// What the race says.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Of each model, in the order in which they came.
    pub verdicts: Vec<Verdict>,
    /// In how many rounds all ranked models ran; the ratios are of these. 0 if none is ranked.
    pub rounds: usize,
    /// Trials that took unlike long, by round. They count like all others.
    pub outliers: Vec<Outlier>,
    precision: f64,
}

impl Judged {
    /// Whether all ratios to the best are known as well as was asked for; never before [`PRECISION_ROUNDS`] shared
    /// rounds. A model that is alone has no ratio to wait for.
    #[must_use]
    pub fn precision_reached(&self) -> bool {
        let is_known = |verdict: &Verdict| match (verdict.ratio_to_best, verdict.relation) {
            (Some(ratio), _) => self.rounds >= PRECISION_ROUNDS && ratio.is_within(self.precision),
            (None, relation) => relation == Relation::NotRanked(Reason::Alone),
        };
        !self.verdicts.is_empty() && self.verdicts.iter().all(is_known)
    }

    /// The one model that is surely faster than all others by more than the margin, by its place; none if there is no
    /// such model. It says nothing of models that are not ranked.
    #[must_use]
    pub fn sole_winner(&self) -> Option<usize> {
        self.verdicts.iter().position(|verdict| verdict.relation == Relation::Best)
    }

    /// The places of the ranked models, from the one that looks fastest on; the others follow as they came.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let ratio = |place: &usize| {
            self.verdicts[*place].ratio_to_best.map_or(f64::INFINITY, |ratio| ratio.estimate)
        };
        let mut order = (0..self.verdicts.len()).collect::<Vec<_>>();
        order.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
        order
    }
}

/// Says how `models` stand to the best of them.
///
/// Ranked are those with [`MIN_ROUNDS`] rounds or more, on the rounds that all of these share: an interrupted race
/// loses its last, incomplete round.
#[must_use]
pub fn judge(models: &[Series], settings: Settings) -> Judged {
    let unranked = |place: usize, reason: Reason| Verdict {
        relation: Relation::NotRanked(reason),
        ratio_to_best: None,
        typical_s: typical(&models[place], settings.confidence),
        may_be_best: false,
        more_rounds: None,
    };
    let mut judged = Judged {
        verdicts: (0..models.len()).map(|place| unranked(place, Reason::TooShort)).collect(),
        rounds: 0,
        outliers: outliers::find(models, settings.margin),
        precision: settings.precision,
    };
    if models.iter().any(Series::has_zero) {
        return judged;
    }
    let enough = |place: &usize| models[*place].rounds() >= MIN_ROUNDS;
    let ranked = (0..models.len()).filter(enough).collect::<Vec<_>>();
    let shared = shared_rounds(models, &ranked);
    let reason = |place: usize| {
        if !ranked.contains(&place) {
            Reason::TooFewRounds { at_least_twice: twice(place, models) }
        } else if ranked.len() == 1 {
            Reason::Alone
        } else {
            Reason::TooFewShared
        }
    };
    judged.verdicts = (0..models.len()).map(|place| unranked(place, reason(place))).collect();
    if ranked.len() < 2 || shared.len() < MIN_ROUNDS {
        return judged;
    }
    let series = ranked.iter().map(|&place| models[place].only(&shared)).collect::<Vec<_>>();
    for (place, verdict) in ranked.iter().zip(ranked_verdicts(&series, &shared, settings)) {
        judged.verdicts[*place] = verdict;
    }
    judged.rounds = shared.len();
    judged
}

/// Of models that all have a time above 0 in each of `rounds`, and in no other.
fn ranked_verdicts(models: &[Series], rounds: &[u32], settings: Settings) -> Vec<Verdict> {
    let pairs = Pairs::new(models, rounds);
    let margin = settings.margin.ln_1p();
    let bounds = pairs.against_the_best(settings.confidence);
    let relations = relations(&bounds, margin);
    let more = plan::more_rounds(&pairs, &relations, settings.confidence, margin);
    let leader = pairs.mean(pairs.leader());
    let verdicts = bounds.iter().zip(relations).zip(more).enumerate();
    verdicts
        .map(|(model, (((may_be_best, bounds), relation), more_rounds))| {
            let estimate = pairs.mean(model) - leader;
            let ratio = Interval {
                estimate: estimate.exp(),
                // the estimate lies within but for the last bit
                low: bounds.low.min(estimate).exp(),
                high: bounds.high.max(estimate).exp(),
            };
            Verdict {
                relation,
                ratio_to_best: Some(ratio),
                typical_s: typical(&models[model], settings.confidence),
                may_be_best: *may_be_best,
                more_rounds,
            }
        })
        .collect()
}

/// The relations that follow from where the logarithms of the ratios to the best lie.
fn relations(bounds: &[(bool, pairs::Bounds)], margin: f64) -> Vec<Relation> {
    let all_others_slower =
        bounds.iter().filter(|(_, bounds)| bounds.low > margin).count() + 1 == bounds.len();
    let relation = |(_, bounds): &(bool, pairs::Bounds)| {
        if bounds.low > margin {
            Relation::Slower
        } else if all_others_slower {
            Relation::Best
        } else if bounds.high <= margin {
            Relation::Equal
        } else {
            Relation::Undecided
        }
    };
    bounds.iter().map(relation).collect()
}

/// The rounds in which all models at `places` ran.
fn shared_rounds(models: &[Series], places: &[usize]) -> Vec<u32> {
    let Some((first, others)) = places.split_first() else { return Vec::new() };
    let in_all = |round: &u32| others.iter().all(|&other| models[other].wall(*round).is_some());
    models[*first].iter().map(|(round, _)| round).filter(in_all).collect()
}

/// The model that looks fastest, if the one at `place` took at least twice as long in each of two or more rounds.
fn twice(place: usize, models: &[Series]) -> Option<usize> {
    let means =
        models.iter().enumerate().filter_map(|(place, model)| Some((place, model.mean_log()?)));
    let (fastest, _) = means.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let both =
        models[place].iter().filter_map(|(round, wall)| Some((wall, models[fastest].wall(round)?)));
    let both = both.collect::<Vec<_>>();
    (both.len() >= 2 && both.iter().all(|(wall, base)| *wall >= 2.0 * base)).then_some(fastest)
}
