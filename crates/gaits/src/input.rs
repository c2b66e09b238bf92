//! Where items come from, as a user describes it: opened as a source, read as a whole, or counted.
//!
//! Limit: what an item must look like is the work's to say; whoever opens an input names the work.

use gaits_core::{Content, Data, More, Source, Work};
use gaits_engine::source::{Lines, List, check_of};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most items that are held in memory, for what goes over them more than once.
pub const MOST_HELD: usize = 1_000_000;
/// Bytes read from a file at a time.
const CHUNK: usize = 256 * 1024;

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
    /// A file, an item a line.
    File(PathBuf),
    /// Standard input, an item a line.
    Stdin,
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
}

impl Input {
    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Input::Listed { .. } => "the command line".to_owned(),
            Input::Stdin => "standard input".to_owned(),
            Input::File(path) => path.display().to_string(),
        }
    }

    /// Opens it as the source of a run. The source makes an invalid entry of each item that `work` does not take.
    ///
    /// # Errors
    /// It is a file that can't be opened.
    pub fn open(&self, work: &Arc<dyn Work>) -> Result<Box<dyn Source>, InputError> {
        let check = check_of(Arc::clone(work));
        Ok(match self {
            Input::Listed { items, count } => {
                let count = count.unwrap_or(items.len() as u64);
                Box::new(List::cycled(data(items), count, check))
            }
            Input::Stdin => {
                Box::new(Lines::new(BufReader::with_capacity(CHUNK, io::stdin()), "stdin", check))
            }
            Input::File(path) => {
                let reader = BufReader::with_capacity(CHUNK, open_file(path)?);
                Box::new(Lines::new(reader, path.display().to_string(), check))
            }
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
        let mut source = self.open(work)?;
        let mut items = Vec::new();
        let mut batch = Vec::new();
        loop {
            let more = source
                .next_batch(4096, &mut batch)
                .map_err(|source| InputError::Read { input: self.name(), source })?;
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
            return Err(InputError::Empty { input: self.name() });
        }
        let count = items.len() as u64;
        Ok((items, count))
    }

    /// How many items there are in all; none where that can't be found out, or `stopped` said so while a file was
    /// counted. A huge file takes its time.
    pub fn count(&self, stopped: impl Fn() -> bool) -> Option<u64> {
        match self {
            Input::Listed { items, count } => Some(count.unwrap_or(items.len() as u64)),
            Input::Stdin => None,
            Input::File(path) => {
                // Counting a pipe would empty it; opening one that has no writer any more would wait for the next.
                if !fs::metadata(path).ok()?.is_file() {
                    return None;
                }
                let file = File::open(path).ok()?;
                count_items(BufReader::with_capacity(CHUNK, file), stopped).ok().flatten()
            }
        }
    }
}

fn data(items: &[Box<str>]) -> Vec<Data> {
    items.iter().cloned().map(Data::Text).collect()
}

fn open_file(path: &Path) -> Result<File, InputError> {
    let input = || path.display().to_string();
    let open = |source| InputError::Open { input: input(), source };
    let file = File::open(path).map_err(open)?;
    if file.metadata().map_err(open)?.is_dir() {
        return Err(InputError::Directory { input: input() });
    }
    Ok(file)
}

/// How many lines hold an item; none if it was stopped before it could tell. Lines may be of any length.
fn count_items(mut reader: impl BufRead, stopped: impl Fn() -> bool) -> io::Result<Option<u64>> {
    let mut items = 0;
    // Nothing but white space so far.
    let mut blank = true;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(Some(items));
        }
        if stopped() {
            return Ok(None);
        }
        for byte in chunk {
            if *byte == b'\n' {
                blank = true;
            } else if blank && !byte.is_ascii_whitespace() {
                blank = false;
                items += u64::from(*byte != b'#');
            }
        }
        let used = chunk.len();
        reader.consume(used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_counted_without_blank_lines_and_comments() {
        let count = |text: &str| {
            count_items(BufReader::with_capacity(3, text.as_bytes()), || false).unwrap()
        };
        assert_eq!(count(""), Some(0));
        assert_eq!(count("a\n\n  # b\n\t\r\n  c #\n#"), Some(2));
        assert_eq!(count("a\nb"), Some(2));
        assert_eq!(count_items("a".as_bytes(), || true).unwrap(), None);
    }
}
