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

/// How workers are laid out over processes, threads and event loops.
///
/// Numbers left out in its text form are filled in when it is parsed: plain threads min(32, cores + 4), as
/// Python's executor has them; processes, and threads that each run an event loop, one a core; in flight on an event
/// loop 100. Cores are those this process may use, by affinity and cgroup limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Model {
    /// One item at a time: one process, one thread.
    Sequential,
    /// `threads:N`: kernel threads, one item each.
    Threads(NonZeroU32),
    /// `processes:N`: child processes, one item each.
    Processes(NonZeroU32),
    /// `async:N`: one event loop on one thread, up to N items in flight.
    Async(NonZeroU32),
    /// `threads:T/async:N`: event loops in one process, up to N in flight on each.
    ThreadsAsync(NonZeroU32, NonZeroU32),
    /// `processes:P/async:N`: processes, each with one event loop.
    ProcessesAsync(NonZeroU32, NonZeroU32),
    /// `processes:P/threads:T`: processes, each with T threads.
    ProcessesThreads(NonZeroU32, NonZeroU32),
    /// `async:N/threads:T`: one event loop; blocking work is handed to T pool threads.
    AsyncThreads(NonZeroU32, NonZeroU32),
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
    pub const fn layout(self) -> Layout {
        let (processes, threads, in_flight) = match self {
            Model::Sequential => (1, 1, 1),
            Model::Threads(n) => (1, n.get(), 1),
            Model::Processes(n) => (n.get(), 1, 1),
            Model::Async(n) | Model::AsyncThreads(n, _) => (1, 1, n.get()),
            Model::ThreadsAsync(t, n) => (1, t.get(), n.get()),
            Model::ProcessesAsync(p, n) => (p.get(), 1, n.get()),
            Model::ProcessesThreads(p, t) => (p.get(), t.get(), 1),
        };
        Layout { processes, threads, in_flight }
    }

    /// How many items can be at work at the same time on each process: fewer than there are workers if the work is
    /// `blocking`, since an event loop then does one item at a time, or as many as it has pool threads.
    #[must_use]
    pub const fn at_once(self, blocking: bool) -> u32 {
        let Layout { threads, in_flight, .. } = self.layout();
        match self {
            Model::AsyncThreads(n, t) if blocking && t.get() < n.get() => t.get(),
            Model::AsyncThreads(n, _) => n.get(),
            _ if blocking => threads,
            _ => threads * in_flight,
        }
    }

    /// The model inside each of its processes, if it has child processes.
    #[must_use]
    pub const fn inside_processes(self) -> Option<(NonZeroU32, Model)> {
        match self {
            Model::Processes(p) => Some((p, Model::Sequential)),
            Model::ProcessesAsync(p, n) => Some((p, Model::Async(n))),
            Model::ProcessesThreads(p, t) => Some((p, Model::Threads(t))),
            _ => None,
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Model::Sequential => f.pad("sequential"),
            Model::Threads(n) => f.pad(&format!("threads:{n}")),
            Model::Processes(n) => f.pad(&format!("processes:{n}")),
            Model::Async(n) => f.pad(&format!("async:{n}")),
            Model::ThreadsAsync(t, n) => f.pad(&format!("threads:{t}/async:{n}")),
            Model::ProcessesAsync(p, n) => f.pad(&format!("processes:{p}/async:{n}")),
            Model::ProcessesThreads(p, t) => f.pad(&format!("processes:{p}/threads:{t}")),
            Model::AsyncThreads(n, t) => f.pad(&format!("async:{n}/threads:{t}")),
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
}

impl FromStr for Model {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        use Part::{Async, Processes, Sequential, Threads};
        let text = text.trim();
        let parts: Vec<_> =
            text.split('/').map(|part| part.split_once(':').unzip_or(part)).collect();
        let known: Option<Vec<_>> = parts
            .iter()
            .map(|(name, number)| Some((*Part::ALL.iter().find(|(_, n)| n == name)?, *number)))
            .map(|found| found.map(|((part, _), number)| (part, number)))
            .collect();
        let unknown = || ModelError::Unknown { text: text.into(), meant: nearest(text) };
        let known = known.ok_or_else(unknown)?;
        let count = |at: usize, default: u32| -> Result<NonZeroU32, ModelError> {
            let (part, number): (Part, Option<&str>) = known[at];
            let number = number.map_or_else(|| default.to_string(), str::to_owned);
            number
                .parse::<NonZeroU32>()
                .ok()
                .filter(|n| n.get() <= part.most() && !number.starts_with('+'))
                .ok_or_else(|| ModelError::Number {
                    text: text.into(),
                    what: part.name(),
                    most: part.most(),
                    number,
                })
        };
        let cores = cores();
        let threads = (cores + 4).min(32);
        let shape: Vec<Part> = known.iter().map(|(part, _)| *part).collect();
        let model = match shape.as_slice() {
            [Sequential] if known[0].1.is_none() => Model::Sequential,
            [Threads] => Model::Threads(count(0, threads)?),
            [Processes] => Model::Processes(count(0, cores)?),
            [Async] => Model::Async(count(0, 100)?),
            [Threads, Async] => Model::ThreadsAsync(count(0, cores)?, count(1, 100)?),
            [Processes, Async] => Model::ProcessesAsync(count(0, cores)?, count(1, 100)?),
            [Processes, Threads] => Model::ProcessesThreads(count(0, cores)?, count(1, threads)?),
            [Async, Threads] => Model::AsyncThreads(count(0, 100)?, count(1, threads)?),
            _ => return Err(unknown()),
        };
        let workers = model.layout().workers();
        if workers > u64::from(MOST_IN_FLIGHT) {
            return Err(ModelError::TooMany { text: text.into(), workers });
        }
        Ok(model)
    }
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
    let is_form = |text: &str| {
        let shape = |text: &str| -> Vec<String> {
            text.split('/').map(|part| part.split(':').next().unwrap_or("").to_owned()).collect()
        };
        Model::FORMS.iter().any(|form| shape(form) == shape(text))
    };
    [meant.clone(), turned()].into_iter().find(|meant| is_form(meant) && meant != text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Model, ModelError> {
        text.parse()
    }

    #[test]
    fn every_form_parses_with_numbers_and_without() {
        for form in Model::FORMS {
            let plain: Vec<_> =
                form.split('/').map(|part| part.split(':').next().unwrap()).collect();
            assert!(parse(&plain.join("/")).is_ok(), "{form}");
            let numbered = form.replace([':'], ":3 ").replace([' ', 'N', 'T', 'P'], "");
            assert_eq!(parse(&numbered).unwrap().to_string(), numbered, "{form}");
        }
    }

    #[test]
    fn numbers_left_out_follow_the_cores() {
        let cores = cores();
        assert_eq!(parse("threads").unwrap().layout().threads, (cores + 4).min(32));
        assert_eq!(parse("processes").unwrap().layout().processes, cores);
        assert_eq!(parse("async").unwrap().layout().in_flight, 100);
        let both = parse("processes/async:7").unwrap().layout();
        assert_eq!((both.processes, both.in_flight), (cores, 7));
    }

    #[test]
    fn a_near_miss_is_told_what_was_meant() {
        for (text, meant) in [
            ("thread:4", "threads:4"),
            ("multiprocessing", "processes"),
            ("asyncio:100", "async:100"),
            ("Async:100", "async:100"),
            ("async100", "async:100"),
            ("theads", "threads"),
            ("threads=10", "threads:10"),
            ("threads:4/processes:2", "processes:2/threads:4"),
            ("sequential:1", "sequential"),
        ] {
            match parse(text) {
                Err(ModelError::Unknown { meant: Some(found), .. }) => assert_eq!(found, meant),
                other => panic!("{text}: {other:?}"),
            }
        }
        let message = parse("quantum").unwrap_err().to_string();
        assert!(message.contains("unknown model `quantum`"), "{message}");
        assert!(message.contains("threads:T/async:N"), "{message}");
    }

    #[test]
    fn zero_and_absurd_numbers_are_refused() {
        for text in
            ["threads:0", "async:-1", "async:", "async:+5", "processes:1001", "async:9999999"]
        {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, ModelError::Number { .. }), "{text}: {error}");
        }
        let error = parse("processes:1000/async:100000").unwrap_err();
        assert!(matches!(error, ModelError::TooMany { .. }), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_a_model_or_a_clear_error(text in ".{0,40}") {
            match parse(&text) {
                Ok(model) => prop_assert_eq!(parse(&model.to_string()).unwrap(), model),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }

        #[test]
        fn what_was_meant_is_always_a_form(text in "[a-z:/0-9]{0,20}") {
            if let Err(ModelError::Unknown { meant: Some(meant), .. }) = parse(&text) {
                prop_assert!(!matches!(parse(&meant), Err(ModelError::Unknown { .. })), "{}", meant);
            }
        }
    }
}
