//! Files and standard input as a list of items: which they are, how they are opened, and how many items they hold.
//!
//! Limit: what a line or a row comes to is told elsewhere; files are opened one after the other, the first at once.

use super::InputError;
use super::of_list::of_list;
use super::table::{Counted, Table};
use gaits_core::{Data, ItemFacts, Source, Work};
use gaits_engine::journal::Match;
use gaits_engine::source::{
    Chain, Check, Lines, Opens, Spans, Text, TextEncoding, check_of, text_of,
};
use gaits_work::http::{CurlContext, described_by_curl, is_whole};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempPath;

/// Where a list stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File(PathBuf),
    /// On standard input.
    Stdin,
    /// In a file that was made for this.
    Made(Made),
}

/// A list in a file that was made for it, and is removed when nobody needs it any more.
#[derive(Debug, Clone)]
pub struct Made {
    name: String,
    path: Arc<TempPath>,
}

impl Made {
    pub(crate) fn new(name: String, path: TempPath) -> Self {
        Self { name, path: Arc::new(path) }
    }
}

impl PartialEq for Made {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && **self.path == **other.path
    }
}

impl Eq for Made {}

/// Lists, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Where they stand, in the order in which they are read.
    pub places: Vec<Place>,
    /// The encoding of those that have no mark; UTF-8 if none is given.
    pub encoding: Option<TextEncoding>,
    /// What an item is.
    pub form: Form,
}

/// What an item of a list is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Form {
    /// A line.
    #[default]
    Lines,
    /// A row, or an object, of which a request is made.
    Table(Table),
    /// A command of curl, on one or more lines.
    Curl(CurlContext),
}

impl Place {
    /// What messages call it.
    pub(super) fn name(&self) -> String {
        match self {
            Place::File(path) => path.display().to_string(),
            Place::Stdin => "standard input".to_owned(),
            Place::Made(made) => made.name.clone(),
        }
    }

    /// What stands before the number of a line.
    pub(super) fn short_name(&self) -> String {
        match self {
            Place::File(path) => path.display().to_string(),
            Place::Stdin => "stdin".to_owned(),
            Place::Made(made) => made.name.clone(),
        }
    }

    fn open(&self) -> Result<Box<dyn Read + Send>, InputError> {
        Ok(match self {
            Place::File(path) => Box::new(open_file(path)?),
            Place::Stdin => Box::new(io::stdin()),
            Place::Made(made) => Box::new(open_file(&made.path)?),
        })
    }

    /// The files that a pattern such as `lists/*.txt` names, in the order of their names. A name that is there is no pattern.
    ///
    /// # Errors
    /// It can't be read as a pattern, or no file has such a name.
    pub fn all(pattern: &Path) -> Result<Vec<Self>, InputError> {
        let input = || pattern.display().to_string();
        let text =
            pattern.to_str().filter(|text| text.contains(['*', '?', '[']) && !pattern.exists());
        let Some(text) = text else { return Ok(vec![Place::File(pattern.to_owned())]) };
        let found = glob::glob(text)
            .map_err(|error| InputError::Pattern { input: input(), wrong: error.to_string() })?;
        let mut files = Vec::new();
        for path in found {
            let path = path.map_err(|error| InputError::Open {
                input: error.path().display().to_string(),
                source: error.into(),
            })?;
            if !path.is_dir() {
                files.push(path);
            }
        }
        if files.is_empty() {
            return Err(InputError::NoMatch { input: input() });
        }
        files.sort();
        Ok(files.into_iter().map(Place::File).collect())
    }
}

impl Files {
    /// One list, in UTF-8 unless its mark says otherwise.
    pub(super) fn one(place: Place) -> Self {
        Self { places: vec![place], encoding: None, form: Form::Lines }
    }

    /// What messages call them.
    pub(super) fn name(&self) -> String {
        match &self.places[..] {
            [] => "no list".to_owned(),
            [only] => only.name(),
            [first, _] => format!("{} and 1 other list", first.name()),
            [first, others @ ..] => format!("{} and {} other lists", first.name(), others.len()),
        }
    }

    /// Opens them as one source. The first one is opened at once, and the others are looked at, so that a list which is not
    /// there, or a table without a column that is needed, is told before anything is done. Items are known by `key`.
    pub(super) fn open(
        &self,
        work: &Arc<dyn Work>,
        key: &Match,
    ) -> Result<Box<dyn Source>, InputError> {
        let [first, others @ ..] = &self.places[..] else {
            return Err(InputError::Empty { input: self.name() });
        };
        let source = self.source(first, work, key)?;
        if others.is_empty() {
            return Ok(source);
        }
        // Better now than after hours.
        for place in others {
            if let Place::File(path) = place
                && check_file(path)?
                && matches!(self.form, Form::Table(_))
            {
                self.source(place, work, key)?;
            }
        }
        let opens = others.iter().map(|place| -> Opens {
            let (files, place, work) = (self.clone(), place.clone(), Arc::clone(work));
            let key = key.clone();
            Box::new(move || {
                let opened = files.source(&place, &work, &key);
                opened.map_err(|error| of_list(place.name(), io::Error::other(error)))
            })
        });
        let opens = opens.collect();
        Ok(Box::new(Chain::new(source, opens)))
    }

    /// Opens one of them.
    fn source(
        &self,
        place: &Place,
        work: &Arc<dyn Work>,
        key: &Match,
    ) -> Result<Box<dyn Source>, InputError> {
        let text = self.text(place)?;
        if let Form::Table(table) = &self.form {
            return table.open(text, place.short_name(), self.encoding, work, key);
        }
        let check = check_of(Arc::clone(work));
        if let Form::Curl(context) = self.form {
            return Ok(Box::new(commands(text, place, self.encoding, context, check)));
        }
        let lines = Lines::new(text, place.short_name(), check).decoded_from(self.encoding);
        Ok(Box::new(lines.keeping_white_space(work.keeps_white_space())))
    }

    fn text(&self, place: &Place) -> Result<Text, InputError> {
        let text = text_of(place.open()?, self.encoding);
        if self.places.len() == 1 {
            return Ok(text);
        }
        let capacity = text.capacity();
        let named = Named { name: place.name(), raw: text.into_inner() };
        Ok(BufReader::with_capacity(capacity, Box::new(named)))
    }

    /// How many items there are in all; see [`Input::count`](super::Input::count).
    pub(super) fn count(&self, stopped: impl Fn() -> bool) -> Option<u64> {
        let mut items = 0;
        for place in &self.places {
            let path: &Path = match place {
                Place::File(path) => path,
                Place::Made(made) => &made.path,
                Place::Stdin => return None,
            };
            // Counting a pipe would empty it; opening one that has no writer any more would wait for the next.
            if !fs::metadata(path).ok()?.is_file() {
                return None;
            }
            let mut text = self.text(place).ok()?;
            if let Form::Curl(context) = self.form {
                let check: Check = Box::new(|_| Ok(ItemFacts::default()));
                let commands = commands(text, place, self.encoding, context, check);
                items += commands.count(&stopped).ok().flatten()?;
                continue;
            }
            if let Form::Table(table) = &self.form {
                match table.count(text, &stopped).ok()? {
                    Counted::Rows(rows) => {
                        items += rows?;
                        continue;
                    }
                    Counted::Lines(lines) => text = lines,
                }
            }
            items += count_items(text, &stopped).ok().flatten()?;
        }
        Some(items)
    }
}

/// Commands of curl as a source.
fn commands(
    text: Text,
    place: &Place,
    encoding: Option<TextEncoding>,
    context: CurlContext,
    check: Check,
) -> Spans {
    let make = move |command: &str| described_by_curl(command, context).map(Data::from);
    Spans::new(text, place.short_name(), encoding, is_whole, Box::new(make), check)
}

/// Says of an error which of several lists could not be read.
struct Named<R> {
    name: String,
    raw: R,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.raw.read(out).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => of_list(self.name.clone(), error),
        })
    }
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

/// Whether a file can be opened as often as one likes. A pipe is not opened, since its writer would take it for read.
fn check_file(path: &Path) -> Result<bool, InputError> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() && !found.is_dir() => Ok(false),
        _ => open_file(path).map(|_| true),
    }
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
