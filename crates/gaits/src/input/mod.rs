//! Where items come from, as a user describes it: opened as a source, read as a whole, or counted.
//!
//! Limit: what an item must look like is the work's to say; whoever opens an input names the work.

mod files;
mod of_list;
mod pattern;
mod selection;
mod table;

pub use files::{Files, Form, Made, Place};
pub use gaits_engine::source::Dropped;
pub(crate) use of_list::unreadable;
pub use pattern::UrlPattern;
pub use selection::Selection;
pub use table::{Table, UrlFrom};

use gaits_core::{Content, Data, More, Record, Setting, Source, Work};
use gaits_engine::journal::Match;
use gaits_engine::source::{List, Numbered, check_of};
use gaits_work::http;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The most items that are held in memory, for what goes over them more than once.
pub const MOST_HELD: usize = 1_000_000;

/// Where items come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The command line: these, over and over, up to a count if there is one.
    Listed {
        /// The items.
        items: Vec<Box<str>>,
        /// How many in all.
        count: Option<u64>,
    },
    /// The command line, where its URLs stand for many: all of them, over and over up to a count if there is one.
    Patterns {
        /// What stands there.
        patterns: Vec<UrlPattern>,
        /// How many in all.
        count: Option<u64>,
    },
    /// A file, an item a line.
    File(PathBuf),
    /// Standard input, an item a line.
    Stdin,
    /// Several lists, or lists that are read in a way of their own.
    Files(Files),
    /// A part of another one.
    Part {
        /// The whole.
        of: Box<Input>,
        /// What is taken of it.
        selection: Selection,
    },
}

/// Why an input can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// It can't be opened.
    #[error("can't read {input}")]
    Open {
        /// Its name.
        input: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is no pattern of file names.
    #[error("can't read -i {input}: it is no pattern of file names: {wrong}")]
    Pattern {
        /// The pattern.
        input: String,
        /// What is wrong with it.
        wrong: String,
    },
    /// No file has a name of the pattern.
    #[error("no file is called {input}")]
    NoMatch {
        /// The pattern.
        input: String,
    },
    /// It is a directory.
    #[error("can't read {input}: it is a directory; give a file with an item a line")]
    Directory {
        /// Its name.
        input: String,
    },
    /// It could be read only in part.
    #[error("can't read {input} to its end")]
    Read {
        /// Its name.
        input: String,
        /// What the system said.
        source: io::Error,
    },
    /// The work does not take one of its items. Only [`Input::read_all`] minds; a run goes on without the item.
    #[error("{message}")]
    Item {
        /// What is wrong, and where.
        message: String,
    },
    /// It has more items than [`Input::read_all`] holds in memory.
    #[error(
        "{input} has more than {MOST_HELD} items, too many to go over again and again; give a part of it, such as the first thousand lines"
    )]
    TooMany {
        /// Its name.
        input: String,
    },
    /// There is no item in it.
    #[error("no items in {input}: it has only blank lines and comments, or nothing")]
    Empty {
        /// Its name.
        input: String,
    },
    /// It is a table with nothing but a header.
    #[error("no items in {input}: there is a header and no row")]
    NoRows {
        /// Its name.
        input: String,
    },
    /// There is none in the part of it that is taken.
    #[error("no items in the part of {input} that is asked for")]
    NoPart {
        /// The name of the whole.
        input: String,
    },
}

impl Input {
    /// One list, an item a line.
    pub(crate) fn of(place: Place) -> Self {
        Self::Files(Files::one(place))
    }

    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Input::Listed { .. } | Input::Patterns { .. } => "the command line".to_owned(),
            Input::Stdin => Place::Stdin.name(),
            Input::File(path) => path.display().to_string(),
            Input::Files(files) => files.name(),
            Input::Part { of, .. } => of.name(),
        }
    }

    /// What is said if there is no item in it.
    pub(crate) fn no_items(&self) -> InputError {
        let input = self.name();
        match self {
            Input::Files(Files { form: Form::Table(_), .. }) => InputError::NoRows { input },
            Input::Part { selection, .. } if selection.shard.is_some() => {
                InputError::NoPart { input }
            }
            Input::Part { of, .. } => of.no_items(),
            _ => InputError::Empty { input },
        }
    }

    /// The lists that are read, if any are.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        match self {
            Input::Listed { .. } | Input::Patterns { .. } => Vec::new(),
            Input::File(path) => vec![Place::File(path.clone())],
            Input::Stdin => vec![Place::Stdin],
            Input::Files(files) => files.places.clone(),
            Input::Part { of, .. } => of.places(),
        }
    }

    /// The items that were left out since they ask for the same as one before them.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        match self {
            Input::Part { selection, .. } => selection.dropped.clone(),
            _ => Dropped::default(),
        }
    }

    /// What another input would differ in, apart from its items.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        match self {
            Input::Part { selection, .. } => selection.settings(),
            Input::Listed { .. } => Vec::new(),
            _ => Selection::default().settings(),
        }
    }

    /// Whether items come from standard input.
    #[must_use]
    pub fn reads_stdin(&self) -> bool {
        self.places().contains(&Place::Stdin)
    }

    /// Opens it as the source of a run. The source makes an invalid entry of each item that `work` does not take.
    ///
    /// # Errors
    /// It is a file that can't be opened.
    pub fn open(&self, work: &Arc<dyn Work>) -> Result<Box<dyn Source>, InputError> {
        self.open_by(work, &Match::Place)
    }

    /// The same, where items are known by `key`, which a table must have a column for.
    pub(crate) fn open_by(
        &self,
        work: &Arc<dyn Work>,
        key: &Match,
    ) -> Result<Box<dyn Source>, InputError> {
        let check = check_of(Arc::clone(work));
        Ok(match self {
            Input::Listed { items, count } => {
                let count = count.unwrap_or(items.len() as u64);
                Box::new(List::cycled(data(items), count, check))
            }
            Input::Patterns { patterns, count } => {
                let (patterns, total) = (patterns.clone(), pattern::total(patterns));
                let count = if total == 0 { 0 } else { count.unwrap_or(total) };
                let make = move |index: u64| Data::from(pattern::nth(&patterns, index % total));
                Box::new(Numbered::new(count, Box::new(make), check))
            }
            Input::Stdin => Files::one(Place::Stdin).open(work, key)?,
            Input::File(path) => Files::one(Place::File(path.clone())).open(work, key)?,
            Input::Files(files) => files.open(work, key)?,
            Input::Part { of, selection } => selection.open(of.open_by(work, key)?, work),
        })
    }

    /// Reads all items, for what goes over them more than once, and says how many there are in all: a list may have a
    /// count that is larger or smaller than itself. They are all held in memory, so there is a limit, [`MOST_HELD`].
    /// Every item must be valid: models that do different things can't be compared.
    ///
    /// # Errors
    /// It can't be read to its end, `work` does not take an item, or there are too many items or none.
    pub fn read_all(&self, work: &Arc<dyn Work>) -> Result<(Vec<Data>, u64), InputError> {
        if let Input::Listed { items, count: Some(count) } = self {
            let items = data(items);
            for item in &items {
                work.inspect(item)
                    .map_err(|refused| InputError::Item { message: refused.message })?;
            }
            return Ok((items, *count));
        }
        if let Input::Patterns { patterns, count: Some(count) } = self {
            let once = Input::Patterns { patterns: patterns.clone(), count: None };
            return Ok((once.read_all(work)?.0, *count));
        }
        let mut source = self.open(work)?;
        let mut items = Vec::new();
        let mut batch = Vec::new();
        loop {
            let more = source.next_batch(4096, &mut batch).map_err(|error| {
                let (input, source) = unreadable(self.name(), error);
                InputError::Read { input, source }
            })?;
            for entry in batch.drain(..) {
                match entry.content {
                    Content::Item { data, .. } => items.push(data),
                    Content::Invalid { message, .. } | Content::Cancelled { message, .. } => {
                        return Err(InputError::Item { message });
                    }
                }
            }
            if items.len() > MOST_HELD {
                return Err(InputError::TooMany { input: self.name() });
            }
            if more == More::No {
                break;
            }
        }
        if items.is_empty() {
            return Err(self.no_items());
        }
        let count = items.len() as u64;
        Ok((items, count))
    }

    /// How many items there are in all; none where that can't be found out, or `stopped` said so while a file was
    /// counted. A huge file takes its time.
    pub fn count(&self, stopped: impl Fn() -> bool) -> Option<u64> {
        self.counted(&stopped)
    }

    fn counted(&self, stopped: &dyn Fn() -> bool) -> Option<u64> {
        match self {
            Input::Listed { items, count } => Some(count.unwrap_or(items.len() as u64)),
            Input::Patterns { patterns, count } => {
                Some(count.unwrap_or_else(|| pattern::total(patterns)))
            }
            Input::Stdin => None,
            Input::File(path) => Files::one(Place::File(path.clone())).count(stopped),
            Input::Files(files) => files.count(stopped),
            Input::Part { of, selection } => selection.count(of.counted(stopped)),
        }
    }
}

/// The fields of a record's item that are the user's own, where it is a request with such fields.
pub(crate) fn input_of(record: &Record) -> Option<String> {
    let is_request = record.detail.as_ref().is_none_or(|detail| detail.work() == http::NAME);
    let text = record.item.as_text().filter(|_| is_request)?;
    let own = http::own_fields(text).filter(|own| !own.is_empty())?;
    serde_json::to_string(&own).ok()
}

fn data(items: &[Box<str>]) -> Vec<Data> {
    items.iter().cloned().map(Data::Text).collect()
}
