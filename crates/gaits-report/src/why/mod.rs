//! Why a race came out as it did. Duty: from what was measured to where the limit is, what explains a row that
//! surprises, and what makes the measurement itself doubtful; each as an enum with its numbers and as a sentence in each language.
//! Limit: it ranks nothing; who is faster is told to it. It tells only causes that the numbers show: where no rule
//! fits, it says what was measured. The rules and their thresholds are explained in `docs/design/why.md`.

mod checks;
mod limit;
mod measured;
mod rows;
#[cfg(test)]
mod tests;
mod words;

pub use checks::Check;
pub use limit::Limit;
pub use measured::Shares;
pub use rows::Reason;

use crate::language::Said;
use crate::{Layout, Trial};
use measured::Measured;
use serde::{Deserialize, Serialize};

/// What was raced.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Job {
    /// Whether an item keeps its thread from doing anything else, as `cpu` does.
    pub holds_its_thread: bool,
    /// Whether items are HTTP requests, so that their time has phases.
    pub is_http: bool,
    /// Cores that the models could use.
    pub cores: u64,
    /// Whether the server runs on this machine. Its CPU time then counts among that of others.
    pub server_here: bool,
    /// How many items arrive in a second, where they do so at a rate of their own.
    #[serde(default)]
    pub arrivals_per_second: Option<f64>,
    /// Whether items are programs of their own, as those of `command`: their CPU time counts among the model's, and is not bound to its
    /// threads.
    #[serde(default)]
    pub runs_programs: bool,
}

/// A model in the race, and what was measured of it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The model, as the command line names it.
    pub model: &'a str,
    /// How its workers are laid out; none for another program, of which this is not known.
    pub workers: Option<Layout>,
    /// How fast it was beside the best.
    pub relation: Relation,
    /// Its trials, without the one that warms up.
    pub trials: &'a [&'a Trial],
}

/// How fast a model was, beside the best of the race.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Relation {
    /// It is the best itself.
    Best,
    /// As fast as the best, for all practical purposes.
    AsFast,
    /// Slower than the best.
    Slower {
        /// Its time over that of the best: the estimate.
        ratio: f64,
    },
    /// Whether it is slower cannot be told.
    Unclear,
    /// It did not do all the work, so its speed means nothing.
    Unranked,
}

/// Why the race came out as it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Why {
    /// Where the limit of the job is; none when no rule fits.
    pub limit: Option<Limit>,
    /// The same in words; when no rule fits, what was measured of the best.
    #[serde(serialize_with = "Said::only_english")]
    pub sentence: Said,
    /// The best model, from which the limit was taken; none when no model did all the work.
    pub of_model: Option<String>,
    /// Where the time of the best model went; none when no model did all the work.
    pub shares: Option<Shares>,
    /// The models that surprise, each with its reason.
    pub rows: Vec<Row>,
    /// What makes the measurement doubtful.
    pub checks: Vec<Doubt>,
}

/// A model that surprises.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The model, as the command line names it.
    pub model: String,
    /// Why it is as fast, as slow or as large as it is.
    pub reason: Reason,
    /// The same in words.
    #[serde(serialize_with = "Said::only_english")]
    pub sentence: Said,
}

/// A self-check that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Doubt {
    /// What was found.
    pub check: Check,
    /// The same in words.
    #[serde(serialize_with = "Said::only_english")]
    pub sentence: Said,
}

/// Explains what was measured of `subjects` at `job`.
#[must_use]
pub fn explain(subjects: &[Subject<'_>], job: &Job) -> Why {
    let all = subjects.iter().filter_map(|subject| Measured::of(subject, job)).collect::<Vec<_>>();
    let ranked = all.iter().filter(|one| one.relation != Relation::Unranked).collect::<Vec<_>>();
    let checks = checks::failed(&all, job).into_iter().map(|check| {
        let sentence = Said::of(|language| words::check(language, &check));
        Doubt { check, sentence }
    });
    let checks = checks.collect();
    let Some(best) = measured::best(&ranked) else {
        let sentence = Said::of(words::nothing_measured);
        return Why {
            limit: None,
            sentence,
            of_model: None,
            shares: None,
            rows: Vec::new(),
            checks,
        };
    };
    let limit = limit::find(&ranked, best, job);
    let sentence = Said::of(|language| match &limit {
        Some(limit) => words::limit(language, limit),
        None => words::measured(language, best, job),
    });
    let rows = rows::reasons(&ranked, best, job).into_iter().map(|(model, reason)| {
        let sentence = Said::of(|language| words::reason(language, &reason));
        Row { model: model.to_owned(), reason, sentence }
    });
    Why {
        limit,
        sentence,
        of_model: Some(best.model.to_owned()),
        shares: Some(best.shares),
        rows: rows.collect(),
        checks,
    }
}
