//! What an export reads: records, line by line.
//!
//! Limit: of a file that grows meanwhile, what was there at the beginning is taken.

use super::{ExportError, ExportFrom, STOPPED};
use gaits_engine::journal::{ScanError, Tail, scan_lines};
use gaits_report::export::{Columns, Kinds, Survey, Wanted};
use memchr::memrchr;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;

/// Rows of results that are shorter are made by one thread: that takes less than 0.1 s.
const LONG: u64 = 8 << 20;

/// What records are read from.
pub(super) struct Input {
    name: String,
    pub(super) file: File,
    /// How long it was when it was opened, if it can be read more than once.
    pub(super) length: Option<u64>,
}

impl Input {
    pub(super) fn open(from: &ExportFrom) -> Result<Self, ExportError> {
        let (name, file) = match from {
            ExportFrom::Stdin => (
                "standard input".to_owned(),
                io::stdin().as_fd().try_clone_to_owned().map(File::from),
            ),
            ExportFrom::File(path) => (path.display().to_string(), File::open(path)),
        };
        let read = |source| ExportError::Read { results: name.clone(), source };
        let mut file = file.map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        if metadata.is_dir() {
            return Err(read(io::ErrorKind::IsADirectory.into()));
        }
        // A file on standard input may have been read in part.
        let mut from_start = || file.stream_position().is_ok_and(|position| position == 0);
        let length = (metadata.is_file() && from_start()).then_some(metadata.len());
        Ok(Self { name, file, length })
    }

    /// The extracted fields, for which all lines are looked at: by `on_threads`, where the file is a long one. What that gives
    /// up is looked at line by line, which tells the line that is wrong.
    pub(super) fn survey(
        &mut self,
        on_threads: impl FnOnce(&mut Self, u64) -> Result<Option<Survey>, ExportError>,
        threads: usize,
        is_to_stop: &impl Fn() -> bool,
    ) -> Result<Survey, ExportError> {
        self.check_reads_twice(
            "the extracted fields",
            "name the columns, such as --columns index,item,status,price, or give a file",
        )?;
        let mut seen = None;
        if let Some(lines) = self.long_lines()?
            && threads > 1
        {
            seen = on_threads(self, lines)?;
            self.rewind()?;
        }
        if let Some(survey) = seen {
            return Ok(survey);
        }
        let mut survey = Survey::default();
        self.scan(is_to_stop, |line| survey.add(line))?;
        self.rewind()?;
        Ok(survey)
    }

    /// The columns with their types, for which all lines are looked at, unless the types are known.
    pub(super) fn typed(
        &mut self,
        columns: Columns,
        wanted: Wanted,
        is_to_stop: &impl Fn() -> bool,
    ) -> Result<Columns, ExportError> {
        let mut kinds = Kinds::of(&columns, wanted);
        if !kinds.are_known() {
            self.check_reads_twice("the types of the columns", "give a file")?;
            self.scan(is_to_stop, |line| kinds.add(line))?;
            self.rewind()?;
        }
        Ok(kinds.settle(columns))
    }

    fn check_reads_twice(
        &self,
        sought: &'static str,
        advice: &'static str,
    ) -> Result<(), ExportError> {
        let results = || self.name.clone();
        match self.length {
            Some(_) => Ok(()),
            None => Err(ExportError::ReadsOnce { results: results(), sought, advice }),
        }
    }

    fn rewind(&mut self) -> Result<(), ExportError> {
        let read = |source| ExportError::Read { results: self.name.clone(), source };
        self.file.rewind().map_err(read)
    }

    /// Up to where its lines have an end, if it is long enough and can be read in parts: what is behind may be torn.
    pub(super) fn long_lines(&self) -> Result<Option<u64>, ExportError> {
        match self.length {
            Some(length) if length >= LONG => {
                end_of_lines(&self.file, length).map_err(|source| self.unreadable(source))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn unreadable(&self, source: io::Error) -> ExportError {
        ExportError::Read { results: self.name.clone(), source }
    }

    /// Hands each line over, and asks before whether it `is_to_stop`.
    pub(super) fn scan(
        &mut self,
        is_to_stop: &impl Fn() -> bool,
        each: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<Tail, ExportError> {
        self.scan_part(0..self.length.unwrap_or(u64::MAX), 0, is_to_stop, each)
    }

    /// The same for the next part of it, which has so many lines in front of it.
    fn scan_part(
        &mut self,
        part: Range<u64>,
        before: u64,
        is_to_stop: &impl Fn() -> bool,
        mut each: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<Tail, ExportError> {
        let each = |line: &[u8]| if is_to_stop() { Err(STOPPED.into()) } else { each(line) };
        let input = (&self.file).take(part.end - part.start);
        let scanned = scan_lines(input, part.start, before, each, |_, ()| Ok(()));
        scanned.map(|scanned| scanned.tail).map_err(|error| match error {
            ScanError::Io(source) => self.unreadable(source),
            ScanError::Line { wrong, .. } if wrong == STOPPED => ExportError::Stopped,
            ScanError::Line { line, wrong } => self.no_record(line, wrong),
        })
    }

    /// The same for what stands behind a place of the file, and has so many lines in front of it.
    pub(super) fn scan_behind(
        &mut self,
        at: u64,
        before: u64,
        is_to_stop: &impl Fn() -> bool,
        each: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<Tail, ExportError> {
        let sought = self.file.seek(SeekFrom::Start(at));
        sought.map_err(|source| self.unreadable(source))?;
        let end = self.length.unwrap_or(at);
        self.scan_part(at..end, before, is_to_stop, each)
    }

    /// What is said of a line that is no record.
    pub(super) fn no_record(&self, line: u64, wrong: String) -> ExportError {
        ExportError::NoRecord { results: self.name.clone(), line, wrong }
    }
}

/// Where the last line ends that has an end; none if that can't be told quickly.
fn end_of_lines(file: &File, length: u64) -> io::Result<Option<u64>> {
    const STEP: usize = 64 * 1024;
    let mut bytes = vec![0; STEP];
    let mut end = length;
    // A line that is longer is left to the other way.
    while end > 0 && length - end < LONG {
        let begin = end.saturating_sub(STEP as u64);
        let bytes = &mut bytes[..usize::try_from(end - begin).unwrap_or(STEP)];
        file.read_exact_at(bytes, begin)?;
        if let Some(at) = memrchr(b'\n', bytes) {
            return Ok(Some(begin + at as u64 + 1));
        }
        end = begin;
    }
    Ok(None)
}
