//! Execution models: how workers are laid out over processes, threads and event loops.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// The most threads in one process.
pub const MOST_THREADS: u32 = 10_000;
/// The most worker processes.
pub const MOST_PROCESSES: u32 = 1_000;
/// The most items in flight on one event loop.
pub const MOST_IN_FLIGHT: u32 = 100_000;

/// How workers are laid out over processes, threads and event loops, from the outside in. With none of them it is
/// `sequential`: one item at a time on the thread that runs the plan.
///
/// Numbers left out in its text form are filled in when it is parsed: plain threads min(32, cores + 4), as
/// Python's executor has them; processes, and threads that each run an event loop, one a core; in flight on an event
/// loop 100. Cores are those this process may use, by affinity and cgroup limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Model {
    /// `processes:P`: child processes; none if the items are done in this one.
    pub processes: Option<NonZeroU32>,
    /// `threads:T`: kernel threads in each of them; none if there is only the main thread.
    pub threads: Option<NonZeroU32>,
    /// `async:N`: on each thread an event loop with up to N items in flight; none if a thread does one item at a time.
    pub in_flight: Option<NonZeroU32>,
    /// `async:N/threads:T`: threads to which each event loop hands work that blocks; none if such work holds the loop.
    pub pool: Option<NonZeroU32>,
}

/// How many processes, threads in each, and items in flight on each thread a model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Processes that do items.
    pub processes: u32,
    /// Threads that do items, in each of them.
    pub threads: u32,
    /// Items in flight, on each of those.
    pub in_flight: u32,
}

impl Layout {
    /// Workers in all.
    #[must_use]
    pub const fn workers(self) -> u64 {
        self.processes as u64 * self.threads as u64 * self.in_flight as u64
    }
}

impl Model {
    /// One event loop with as many items in flight as there are where no number is given.
    pub const ASYNC: Self =
        Self { processes: None, threads: None, in_flight: NonZeroU32::new(100), pool: None };

    /// The forms a model can be written in.
    pub const FORMS: &'static [&'static str] = &[
        "sequential",
        "threads:N",
        "processes:N",
        "async:N",
        "threads:T/async:N",
        "processes:P/async:N",
        "processes:P/threads:T",
        "async:N/threads:T",
    ];

    /// How many processes, threads and items in flight there are.
    #[must_use]
    pub fn layout(self) -> Layout {
        let count = |part: Option<NonZeroU32>| part.map_or(1, NonZeroU32::get);
        Layout {
            processes: count(self.processes),
            threads: count(self.threads),
            in_flight: count(self.in_flight),
        }
    }

    /// How many items can be at work at the same time on each process: fewer than there are workers if the work is
    /// `blocking`, since an event loop then does one item at a time, or as many as it has pool threads.
    #[must_use]
    pub fn at_once(self, blocking: bool) -> u32 {
        let Layout { threads, in_flight, .. } = self.layout();
        let pool = self.pool.map_or(1, NonZeroU32::get);
        threads * if blocking { in_flight.min(pool) } else { in_flight }
    }

    /// The same layout with `workers` workers in all, or the largest number below it that can be spread evenly. What numbers
    /// it has for processes and threads that run event loops stay, unless they are more than that.
    ///
    /// # Errors
    /// There is only one worker in it, or too many are asked for.
    pub fn with_workers(self, workers: NonZeroU32) -> Result<Self, ModelError> {
        let part = |part: Option<NonZeroU32>, whole: u32| {
            part.map(|part| part.min(NonZeroU32::new(whole).unwrap_or(NonZeroU32::MIN)))
        };
        let share = |whole: u32, part: Option<NonZeroU32>| whole / part.map_or(1, NonZeroU32::get);
        let number = |whole: u32| NonZeroU32::new(whole.max(1));
        let whole = workers.get();
        let most = self.most_workers();
        if whole > most && most > 1 {
            return Err(ModelError::TooManyAsked { model: self, most, asked: whole });
        }
        let mut model = self;
        match (self.processes, self.threads, self.in_flight) {
            (None, None, None) if whole > 1 => {
                return Err(ModelError::OneWorker { asked: whole });
            }
            (None, None, None) => {}
            (Some(_), None, None) => model.processes = number(whole),
            (_, Some(_), None) => {
                model.processes = part(self.processes, whole);
                model.threads = number(share(whole, model.processes));
            }
            (_, _, Some(_)) => {
                model.processes = part(self.processes, whole);
                let each = share(whole, model.processes);
                model.threads = part(self.threads, each);
                model.in_flight = number(share(each, model.threads));
                model.pool = part(self.pool, whole);
            }
        }
        // Its numbers are checked as those of any other are.
        model.to_string().parse()
    }

    /// The most workers in all that it can be given, with its numbers for processes and threads that run event loops.
    fn most_workers(self) -> u32 {
        let processes = self.processes.map_or(1, NonZeroU32::get);
        match (self.processes, self.threads, self.in_flight) {
            (None, None, None) => 1,
            (Some(_), None, None) => MOST_PROCESSES,
            (_, Some(_), None) => processes.saturating_mul(MOST_THREADS).min(MOST_IN_FLIGHT),
            (_, _, Some(_)) => MOST_IN_FLIGHT,
        }
    }

    /// The model inside each of its processes, if it has child processes.
    #[must_use]
    pub fn inside_processes(self) -> Option<(NonZeroU32, Model)> {
        self.processes.map(|processes| (processes, Model { processes: None, ..self }))
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (Part::Processes, self.processes),
            (Part::Threads, self.threads),
            (Part::Async, self.in_flight),
            (Part::Threads, self.pool),
        ];
        let parts = parts.into_iter().filter_map(|(part, count)| Some((part.name(), count?)));
        let parts: Vec<_> = parts.map(|(name, count)| format!("{name}:{count}")).collect();
        match &*parts {
            [] => f.pad(Part::Sequential.name()),
            parts => f.pad(&parts.join("/")),
        }
    }
}

/// Why a text is not a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It has no known form.
    #[error(
        "unknown model `{text}`{}\nthe models are {}",
        .meant.as_ref().map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default(),
        Model::FORMS.join(", ")
    )]
    Unknown {
        /// What was written.
        text: String,
        /// What may have been meant.
        meant: Option<String>,
    },
    /// One of its numbers can't be used.
    #[error("model `{text}`: {what} must be a whole number from 1 to {most}, not `{number}`")]
    Number {
        /// What was written.
        text: String,
        /// Which part.
        what: &'static str,
        /// The part's largest number.
        most: u32,
        /// The number as written.
        number: String,
    },
    /// It has one worker, and more are asked for.
    #[error(
        "`sequential` does one item at a time, and {asked} are asked for; choose another model, such as `threads`"
    )]
    OneWorker {
        /// How many are asked for.
        asked: u32,
    },
    /// It can't have as many workers as are asked for.
    #[error("{model} can have {most} workers at most, and {asked} are asked for")]
    TooManyAsked {
        /// The model.
        model: Model,
        /// How many it can have.
        most: u32,
        /// How many are asked for.
        asked: u32,
    },
    /// It has more workers in all than can be kept.
    #[error(
        "model `{text}`: {workers} workers in all are more than the {MOST_IN_FLIGHT} that gaits can keep; use smaller numbers"
    )]
    TooMany {
        /// What was written.
        text: String,
        /// How many it would have.
        workers: u64,
    },
}

/// One part of a model's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Sequential,
    Threads,
    Processes,
    Async,
}

impl Part {
    const ALL: [(Part, &'static str); 4] = [
        (Part::Sequential, "sequential"),
        (Part::Threads, "threads"),
        (Part::Processes, "processes"),
        (Part::Async, "async"),
    ];

    fn most(self) -> u32 {
        match self {
            Part::Sequential => 0,
            Part::Threads => MOST_THREADS,
            Part::Processes => MOST_PROCESSES,
            Part::Async => MOST_IN_FLIGHT,
        }
    }

    fn name(self) -> &'static str {
        Part::ALL.iter().find(|(part, _)| *part == self).map_or("", |(_, name)| name)
    }

    fn named(name: &str) -> Option<Self> {
        Part::ALL.iter().find(|(_, known)| *known == name).map(|(part, _)| *part)
    }

    /// Reads its `number` in the model `text`.
    fn count(self, number: String, text: &str) -> Result<NonZeroU32, ModelError> {
        let count = number.parse::<NonZeroU32>().ok();
        count.filter(|count| count.get() <= self.most() && !number.starts_with('+')).ok_or_else(
            || ModelError::Number {
                text: text.into(),
                what: self.name(),
                most: self.most(),
                number,
            },
        )
    }
}

impl FromStr for Model {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let text = text.trim();
        let parts: Vec<(&str, Option<&str>)> =
            text.split('/').map(|part| part.split_once(':').unzip_or(part)).collect();
        let unknown = || ModelError::Unknown { text: text.into(), meant: nearest(text) };
        if !Model::FORMS.iter().any(|form| has_form(text, form)) {
            return Err(unknown());
        }
        let cores = cores();
        let plain_threads = (cores + 4).min(32);
        let mut model = Model::default();
        for (at, (name, number)) in parts.iter().enumerate() {
            let before_loop =
                parts.get(at + 1).is_some_and(|(next, _)| *next == Part::Async.name());
            let (place, part, default) = match Part::named(name) {
                Some(Part::Processes) => (&mut model.processes, Part::Processes, cores),
                Some(Part::Threads) if before_loop => (&mut model.threads, Part::Threads, cores),
                Some(Part::Threads) if model.in_flight.is_some() => {
                    (&mut model.pool, Part::Threads, plain_threads)
                }
                Some(Part::Threads) => (&mut model.threads, Part::Threads, plain_threads),
                Some(Part::Async) => {
                    let default = Model::ASYNC.layout().in_flight;
                    (&mut model.in_flight, Part::Async, default)
                }
                Some(Part::Sequential) if number.is_none() => continue,
                Some(Part::Sequential) | None => return Err(unknown()),
            };
            *place =
                Some(part.count(number.map_or_else(|| default.to_string(), str::to_owned), text)?);
        }
        let workers = model.layout().workers();
        if workers > u64::from(MOST_IN_FLIGHT) {
            return Err(ModelError::TooMany { text: text.into(), workers });
        }
        Ok(model)
    }
}

/// Whether the parts of `text` have the names of those of `form`.
fn has_form(text: &str, form: &str) -> bool {
    let names = |text: &str| -> Vec<String> {
        text.split('/').map(|part| part.split(':').next().unwrap_or("").to_owned()).collect()
    };
    names(text) == names(form)
}

/// `split_once` that keeps the whole where there is nothing to split.
trait UnzipOr<'a> {
    fn unzip_or(self, whole: &'a str) -> (&'a str, Option<&'a str>);
}

impl<'a> UnzipOr<'a> for Option<(&'a str, &'a str)> {
    fn unzip_or(self, whole: &'a str) -> (&'a str, Option<&'a str>) {
        self.map_or((whole, None), |(name, number)| (name, Some(number)))
    }
}

/// How many cores this process may use, by affinity and cgroup limits; 1 where that can't be told.
#[must_use]
pub fn cores() -> u32 {
    std::thread::available_parallelism()
        .ok()
        .and_then(|n| u32::try_from(n.get()).ok())
        .unwrap_or(1)
        .min(MOST_PROCESSES)
}

/// Words that people bring from elsewhere.
const SYNONYMS: &[(&str, &str)] = &[
    ("sync", "sequential"),
    ("serial", "sequential"),
    ("single", "sequential"),
    ("thread", "threads"),
    ("multithreading", "threads"),
    ("threadpool", "threads"),
    ("process", "processes"),
    ("multiprocessing", "processes"),
    ("procs", "processes"),
    ("asyncio", "async"),
    ("aio", "async"),
    ("coroutines", "async"),
];

/// The valid model that was most likely meant, part by part.
fn nearest(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    let parts: Option<Vec<String>> = lower
        .split('/')
        .map(|part| {
            let digits = part.len() - part.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            let (word, number) = part.split_at(part.len() - digits);
            let word = word.trim_end_matches([':', '=', '-', ' ', '_', '(']).trim();
            let name = SYNONYMS.iter().find(|(from, _)| *from == word).map(|(_, to)| *to);
            let name = name.or_else(|| {
                Part::ALL
                    .iter()
                    .map(|(_, name)| (strsim::damerau_levenshtein(word, name), *name))
                    .min()
                    .filter(|(distance, _)| *distance <= 3)
                    .map(|(_, name)| name)
            })?;
            let plain = number.is_empty() || name == "sequential";
            Some(if plain { name.to_owned() } else { format!("{name}:{number}") })
        })
        .collect();
    let meant = parts?.join("/");
    let turned = || meant.split('/').rev().collect::<Vec<_>>().join("/");
    let is_form = |text: &str| Model::FORMS.iter().any(|form| has_form(text, form));
    [meant.clone(), turned()].into_iter().find(|meant| is_form(meant) && meant != text)
}

#[cfg(test)]
mod tests;
