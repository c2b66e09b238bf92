//! What must not happen, for a machine that decides whether a change may go in: `async.p99 > 300ms`,
//! `ratio(head, base) > 1.1`. Duty: it fails only what is beyond the limit with its whole interval. Limit: it measures
//! nothing; races that are too short leave it undecided.

use crate::metric::{self, Metric, MetricError, Side, read_limit};
use crate::stats::{self, Interval, Series, percentiles_for};
use crate::{Comparison, RaceInfo, Trial};
use std::fmt;
use std::str::FromStr;

/// A condition that fails a race when it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    text: String,
    subject: Subject,
    side: Side,
    limit: f64,
}

#[derive(Debug, Clone, PartialEq)]
enum Subject {
    /// Something that is measured of a model.
    Of(String, Metric),
    /// The time that one is ranked by over that of another, in the same rounds.
    Ratio(String, String),
}

/// What came of a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct GateOutcome {
    /// The condition, as it was written.
    pub gate: String,
    /// Whether it holds: yes, no, or that cannot be told.
    pub state: GateState,
    /// What was measured, in words.
    pub measured: String,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateState {
    /// It does not: the whole interval is on the good side.
    Passed,
    /// It does: the whole interval is on the bad side.
    Failed,
    /// The limit lies within the interval, or there is none.
    Inconclusive,
}

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// It has no `<` or `>`.
    #[error("`{text}` is not a condition such as `async.p99 > 300ms` or `ratio(a, b) > 1.1`")]
    Form {
        /// The text.
        text: String,
    },
    /// There are too few items for what is measured.
    #[error(
        "`{gate}` takes {needs} items in each run or more, and there are {items}: race on more items"
    )]
    Items {
        /// The condition.
        gate: String,
        /// How many it takes.
        needs: u64,
        /// How many there are.
        items: u64,
    },
    /// What is measured has no such name, or the limit can't be read.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// No model of that name takes part.
    #[error("`{gate}` names {model}, which does not take part; these do: {models}")]
    Model {
        /// The condition.
        gate: String,
        /// The name.
        model: String,
        /// Those that do.
        models: String,
    },
}

impl FromStr for Gate {
    type Err = GateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || GateError::Form { text: text.to_owned() };
        let (subject, side, limit) = metric::parts(text).ok_or_else(form)?;
        let ratio = subject.strip_prefix("ratio(").and_then(|rest| rest.strip_suffix(')'));
        let subject = if let Some(both) = ratio {
            let (one, other) = both.split_once(',').ok_or_else(form)?;
            Subject::Ratio(one.trim().to_owned(), other.trim().to_owned())
        } else {
            // The name of a percentile has a dot, and so may that of a model.
            let at = subject.find(".p99.9").or_else(|| subject.rfind('.')).ok_or_else(form)?;
            let (model, metric) = (subject[..at].trim(), &subject[at + 1..]);
            Subject::Of(model.to_owned(), metric.parse()?)
        };
        let limit = subject.limit(limit)?;
        Ok(Self { text: text.trim().to_owned(), subject, side, limit })
    }
}

impl Subject {
    /// Reads a limit, in seconds, bytes, or plain numbers.
    fn limit(&self, text: &str) -> Result<f64, GateError> {
        match self {
            Subject::Of(_, metric) => Ok(metric.limit(text)?),
            Subject::Ratio(..) => {
                let such_as = "1.1";
                let units = [("×", 1.0), ("x", 1.0), ("", 1.0)];
                let of = || "a ratio".to_owned();
                let wrong = || MetricError::Limit { limit: text.to_owned(), of: of(), such_as };
                Ok(read_limit(text, &units).ok_or_else(wrong)?)
            }
        }
    }
}

impl Gate {
    /// Looks whether it holds in a race whose trials are these.
    #[must_use]
    pub fn check(&self, comparison: &Comparison, trials: &[Trial]) -> GateOutcome {
        let RaceInfo { settings, whole_processes, .. } = comparison.about();
        let (confidence, whole) = (settings.confidence, *whole_processes);
        // Its times are no measure of anything then.
        let unfit = |trials: &[&Trial]| {
            let model = &trials.first()?.model;
            let entry = comparison.entries().iter().find(|one| one.contender.model == *model)?;
            let why = entry.other_work()?;
            Some((None, format!("{model} is not ranked: {}", why.english())))
        };
        let (interval, measured) = match &self.subject {
            Subject::Of(model, metric) => {
                let trials = self.trials_of(model, trials);
                let counts = |_: &(_, _)| *metric != Metric::Failed;
                let judged = || of_model(&trials, *metric, whole, confidence);
                unfit(&trials).filter(counts).unwrap_or_else(judged)
            }
            Subject::Ratio(one, other) => {
                let (of_one, of_other) =
                    (self.trials_of(one, trials), self.trials_of(other, trials));
                let judged = || ratio(&of_one, &of_other, whole, confidence);
                unfit(&of_one).or_else(|| unfit(&of_other)).unwrap_or_else(judged)
            }
        };
        let state = match interval {
            None => GateState::Inconclusive,
            Some(Interval { low, high, .. }) => {
                let (nearest, furthest) = if self.side.above { (low, high) } else { (high, low) };
                if self.side.has(nearest, self.limit) {
                    GateState::Failed
                } else if !self.side.has(furthest, self.limit) {
                    GateState::Passed
                } else {
                    GateState::Inconclusive
                }
            }
        };
        GateOutcome { gate: self.text.clone(), state, measured }
    }

    /// Refuses a condition that can't be looked at, before anything is run for it.
    ///
    /// # Errors
    /// It names another model than `models`, or `items` are too few for the percentile that it is on.
    pub fn validate(&self, models: &[String], items: u64) -> Result<(), GateError> {
        if let Subject::Of(_, Metric::Quantile(quantile)) = self.subject {
            let bears = |items| percentiles_for(items).any(|one| one >= quantile - 1e-9);
            let needs = [1, 10, 100, 1_000, 10_000].into_iter().find(|items| bears(*items));
            if let Some(needs) = needs.filter(|needs| items < *needs) {
                return Err(GateError::Items { gate: self.text.clone(), needs, items });
            }
        }
        match &self.subject {
            Subject::Of(model, _) => self.named(model, models).map(drop),
            Subject::Ratio(one, other) => {
                self.named(one, models)?;
                self.named(other, models).map(drop)
            }
        }
    }

    /// The one of `models` that is meant by `name`: a name without its numbers will do where there is one such model.
    fn named<'a>(&self, name: &str, models: &'a [String]) -> Result<&'a str, GateError> {
        let mut short = models.iter().filter(|model| without_numbers(model) == name);
        let whole = models.iter().find(|model| *model == name);
        match (whole, short.next(), short.next()) {
            (Some(model), ..) | (None, Some(model), None) => Ok(model),
            _ => Err(GateError::Model {
                gate: self.text.clone(),
                model: name.to_owned(),
                models: models.join(", "),
            }),
        }
    }

    /// None where the model has no trial: the race ended before its first round.
    fn trials_of<'a>(&self, model: &str, trials: &'a [Trial]) -> Vec<&'a Trial> {
        let mut names: Vec<String> = trials.iter().map(|trial| trial.model.clone()).collect();
        names.sort_unstable();
        names.dedup();
        let model = self.named(model, &names).unwrap_or_default();
        trials.iter().filter(|trial| trial.model == model).collect()
    }
}

fn of_model(
    trials: &[&Trial],
    metric: Metric,
    whole: bool,
    confidence: f64,
) -> (Option<Interval>, String) {
    let values = trials.iter().map(|trial| Some((trial.round, metric.of(trial, whole)?)));
    match values.collect::<Option<Vec<_>>>() {
        None => (None, format!("too few items in a run to tell {}", metric.name())),
        // A count is what it is.
        Some(values) if metric == Metric::Failed && !values.is_empty() => {
            let most = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
            let all = Interval { estimate: most, low: most, high: most };
            (Some(all), format!("{} in a run at most", metric.in_words(most)))
        }
        Some(values) => described(&Series::new(values), confidence, |value| metric.in_words(value)),
    }
}

fn ratio(
    one: &[&Trial],
    other: &[&Trial],
    whole: bool,
    confidence: f64,
) -> (Option<Interval>, String) {
    let ratios = one.iter().filter_map(|trial| {
        let base = other.iter().find(|base| base.round == trial.round)?.time_us(whole);
        (base > 0).then(|| (trial.round, trial.time_us(whole) as f64 / base as f64))
    });
    described(&Series::new(ratios), confidence, |ratio| format!("{ratio:.3}×"))
}

/// `threads/async` for `threads:2/async:100`.
fn without_numbers(model: &str) -> String {
    let parts = model.split('/').map(|part| part.split(':').next().unwrap_or(part));
    parts.collect::<Vec<_>>().join("/")
}

fn described(
    series: &Series,
    confidence: f64,
    in_words: impl Fn(f64) -> String,
) -> (Option<Interval>, String) {
    let enough = series.rounds() >= stats::MIN_ROUNDS;
    match stats::typical(series, confidence).filter(|_| enough) {
        None => (None, "too few rounds to tell".to_owned()),
        Some(interval) => {
            let [estimate, low, high] =
                [interval.estimate, interval.low, interval.high].map(in_words);
            (Some(interval), format!("{estimate} ({low}–{high})"))
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for GateOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            GateState::Passed => "does not hold",
            GateState::Failed => "holds",
            GateState::Inconclusive => "inconclusive",
        };
        write!(f, "{}: {state}: {}", self.gate, self.measured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::tests::record;
    use crate::why::Job;
    use crate::{MachineLoad, OutcomesOf, Tally, Usage};
    use gaits_core::ErrorKind;

    fn trials(model: &str, walls_ms: &[u64], items: u64) -> Vec<Trial> {
        let mut tally = Tally::new();
        for _ in 0..items {
            tally.add(&record((1, 1), 20_000, None));
        }
        let trial = |(round, ms): (u32, &u64)| Trial {
            model: model.to_owned(),
            round,
            wall_us: ms * 1_000,
            startup_us: 0,
            closing_us: 0,
            process_us: ms * 1_000,
            missing_workers: 0,
            workers_died: 0,
            tally: tally.clone(),
            outcomes: OutcomesOf::new().finish(0),
            usage: Usage { peak_memory: 20_000_000, ..Usage::default() },
            machine: MachineLoad::default(),
            steady: None,
        };
        (1..).zip(walls_ms).map(trial).collect()
    }

    fn state(gate: &str, trials: &[Trial]) -> GateState {
        state_of(gate, trials, false)
    }

    fn state_of(gate: &str, trials: &[Trial], whole_processes: bool) -> GateState {
        let about = RaceInfo {
            work: "wait".to_owned(),
            items: trials[0].tally.items(),
            all_items: trials[0].tally.items(),
            settings: stats::Settings::default(),
            seed: 1,
            job: Job {
                holds_its_thread: false,
                is_http: false,
                cores: 2,
                server_here: false,
                arrivals_per_second: None,
                runs_programs: false,
            },
            whole_processes,
            contenders: Vec::new(),
        };
        let comparison = Comparison::new(trials, about);
        gate.parse::<Gate>().unwrap().check(&comparison, trials).state
    }

    #[test]
    fn only_what_is_wholly_beyond_the_limit_fails() {
        let trials = trials("async:100", &[100, 102, 98, 101, 99, 100], 200);
        assert_eq!(state("async.wall > 90ms", &trials), GateState::Failed);
        assert_eq!(state("async.wall > 100ms", &trials), GateState::Inconclusive);
        assert_eq!(state("async:100.wall > 0.11s", &trials), GateState::Passed);
        assert_eq!(state("async.wall < 0.11s", &trials), GateState::Failed);
        assert_eq!(state("async.p99 > 10ms", &trials), GateState::Failed);
        assert_eq!(state("async.p99 > 30ms", &trials), GateState::Passed);
        // Of 200 items there is no such percentile.
        assert_eq!(state("async.p99.9 > 10ms", &trials), GateState::Inconclusive);
        assert_eq!(state("async.failed > 0", &trials), GateState::Passed);
        assert_eq!(state("async.memory >= 10MB", &trials), GateState::Failed);
        assert_eq!(state("async.memory <= 10MB", &trials), GateState::Passed);
        // A limit counts with `=`.
        assert_eq!(state("async.failed >= 0", &trials), GateState::Failed);
        assert_eq!(state("async.failed <= 0", &trials), GateState::Failed);
        assert_eq!(state("async.failed < 0", &trials), GateState::Passed);
        assert_eq!(state("async.failed >= 1", &trials), GateState::Passed);
        assert_eq!(state("async.rate < 100/s", &trials), GateState::Passed);
    }

    #[test]
    fn a_ratio_is_of_the_same_rounds() {
        let mut both = trials("head", &[110, 220, 111, 333, 112, 109], 10);
        both.extend(trials("base", &[100, 200, 100, 300, 101, 100], 10));
        assert_eq!(state("ratio(head, base) > 1.05", &both), GateState::Failed);
        assert_eq!(state("ratio(head, base) > 1.10", &both), GateState::Inconclusive);
        assert_eq!(state("ratio(head,base) > 1.2", &both), GateState::Passed);
        // Another model than its name says.
        both[0].missing_workers = 1;
        assert_eq!(state("ratio(head, base) > 1.05", &both), GateState::Inconclusive);
        let few = trials("head", &[110, 120], 10);
        assert_eq!(state("head.wall > 1ms", &few), GateState::Inconclusive);
    }

    #[test]
    fn what_is_ranked_as_a_whole_process_is_judged_as_one() {
        let mut both = trials("head", &[100; 6], 10);
        both.extend(trials("base", &[100; 6], 10));
        both[..6].iter_mut().for_each(|trial| trial.process_us = 150_000);
        for gate in ["ratio(head, base) > 1.1", "head.wall > 120ms", "head.rate < 80/s"] {
            assert_eq!(state_of(gate, &both, true), GateState::Failed, "{gate}");
            assert_eq!(state_of(gate, &both, false), GateState::Passed, "{gate}");
        }
    }

    #[test]
    fn of_what_is_not_ranked_only_failures_count() {
        let mut trials = trials("async:100", &[100; 6], 200);
        let failed = || record((1, 1), 20, Some((ErrorKind::Timeout, "late")));
        for trial in &mut trials {
            trial.tally.extend((0..100).map(|_| failed()));
        }
        // 3,000 items/s, of which 2,000 went well.
        assert_eq!(state("async.rate < 2500/s", &trials), GateState::Failed);
        for trial in &mut trials {
            trial.tally = Tally::new();
            trial.tally.extend((0..200).map(|_| failed()));
        }
        for gate in ["async.wall > 1h", "async.rate < 1/s", "async.cpu > 1h", "async.memory > 1GB"]
        {
            assert_eq!(state(gate, &trials), GateState::Inconclusive, "{gate}");
        }
        assert_eq!(state("async.failed > 0", &trials), GateState::Failed);
    }

    #[test]
    fn what_is_no_condition_is_told() {
        let error = |text: &str| text.parse::<Gate>().unwrap_err().to_string();
        assert!(error("async.p99").contains("is not a condition"));
        assert!(error("p99 > 3ms").contains("is not a condition"));
        assert!(error("async.p98 > 3ms").contains("`p98` is nothing that is measured"));
        assert!(
            error("async.p99 > soon").contains("`soon` is not a limit for p99: write it as 300ms")
        );
        assert!(error("ratio(a, b) > 10%").contains("1.1"));
        let gate: Gate = "threads.wall > 1s".parse().unwrap();
        let error = gate.validate(&["async:100".to_owned()], 100).unwrap_err().to_string();
        assert!(error.contains("names threads") && error.contains("async:100"), "{error}");
        let gate: Gate = "async.p99 > 1h".parse().unwrap();
        let error = gate.validate(&["async:100".to_owned()], 99).unwrap_err().to_string();
        assert!(error.contains("takes 100 items in each run or more, and there are 99"), "{error}");
        gate.validate(&["async:100".to_owned()], 100).unwrap();
    }
}
