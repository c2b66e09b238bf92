//! Reads the records of a results file, line by line, from any offset on.
//!
//! Limit: it never writes. What is torn at the end is described, and cut off by whoever goes on with the file.

use gaits_core::Record;
use memchr::memchr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;
/// How each record begins.
const BEGINNING: &[u8] = b"{\"index\":";

/// One line, with its record.
#[derive(Debug)]
pub struct Line<'a> {
    /// The line as it stands there, without its end.
    pub bytes: &'a [u8],
    /// Its record.
    pub record: Record,
}

/// How far the records go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Where they end, from the beginning of the file.
    pub end: u64,
    /// How many there are, from the beginning of the file.
    pub lines: u64,
    /// What is to be put right behind them.
    pub tail: Tail,
}

/// What is to be put right behind the last record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tail {
    /// Nothing.
    #[default]
    None,
    /// The last record lacks the end of its line.
    Unended,
    /// So many bytes of a record whose writing was broken off, or of zeroes, as a loss of power can leave them.
    Torn(u64),
}

/// Why a results file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The system said no.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line is no record, or not one that can stand here.
    #[error("line {line}: {wrong}")]
    Line {
        /// Its number, counted from 1.
        line: u64,
        /// What is wrong with it.
        wrong: String,
    },
}

/// Reads the lines of `file` from the offset `from` on, in front of which `before` lines stand, and gives each to `each`,
/// which may refuse it.
///
/// # Errors
/// The file can't be read, or a line in it is no record or was refused. What is torn at the end is no error.
pub fn scan(
    file: &File,
    from: u64,
    before: u64,
    mut each: impl FnMut(Line<'_>) -> Result<(), String>,
) -> Result<Scanned, ScanError> {
    let rest = Rest { file, offset: from };
    let each = |bytes: &[u8], record| each(Line { bytes, record });
    scan_lines(rest, from, before, parse, each)
}

/// The same for a stream, and for whoever needs no whole record: `parse` says what a line is, or why it is none, and `each`
/// takes it or refuses it. `from` and `before` say what stood in front of the stream.
///
/// # Errors
/// As for [`scan`].
pub fn scan_lines<T>(
    mut input: impl Read,
    from: u64,
    before: u64,
    mut parse: impl FnMut(&[u8]) -> Result<T, String>,
    mut each: impl FnMut(&[u8], T) -> Result<(), String>,
) -> Result<Scanned, ScanError> {
    let mut lines = before;
    let mut end = from;
    // What was read from `end` on and not used.
    let mut buffer: Vec<u8> = Vec::new();
    loop {
        let held = buffer.len();
        if fill(&mut input, &mut buffer)? == 0 {
            break;
        }
        let mut used = 0;
        // A line that is longer than a chunk is not searched again from its beginning.
        let mut searched = held;
        while let Some(length) = memchr(b'\n', &buffer[searched..]) {
            let next = searched + length + 1;
            lines += 1;
            let bytes = &buffer[used..next - 1];
            let wrong = |wrong| ScanError::Line { line: lines, wrong };
            let parsed = parse(bytes).map_err(wrong)?;
            each(bytes, parsed).map_err(wrong)?;
            (used, searched) = (next, next);
        }
        buffer.drain(..used);
        end += used as u64;
        // A large file of something else, which may be one line, is not read to its end.
        if !buffer.is_empty() && !may_begin_record(&buffer) {
            return Err(ScanError::Line { line: lines + 1, wrong: NO_OBJECT.into() });
        }
    }
    if buffer.is_empty() {
        return Ok(Scanned { end, lines, tail: Tail::None });
    }
    let length = buffer.len() as u64;
    match parse(&buffer) {
        Ok(parsed) => {
            lines += 1;
            each(&buffer, parsed).map_err(|wrong| ScanError::Line { line: lines, wrong })?;
            Ok(Scanned { end: end + length, lines, tail: Tail::Unended })
        }
        Err(_) if is_torn(&buffer) => Ok(Scanned { end, lines, tail: Tail::Torn(length) }),
        Err(wrong) => Err(ScanError::Line { line: lines + 1, wrong }),
    }
}

const NO_OBJECT: &str = "this is no JSON object";

fn parse(line: &[u8]) -> Result<Record, String> {
    if !line.starts_with(b"{") {
        return Err(NO_OBJECT.into());
    }
    serde_json::from_slice(line).map_err(|error| error.to_string())
}

/// Whether a line that begins so can be a record, or what a loss of power has left of one.
fn may_begin_record(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'{' | 0))
}

/// Whether this can be what is left of a record whose writing was broken off. Anything else belongs to somebody.
fn is_torn(bytes: &[u8]) -> bool {
    let common = bytes.len().min(BEGINNING.len());
    bytes[..common] == BEGINNING[..common] || bytes.iter().all(|byte| *byte == 0)
}

/// A file from an offset on, whose own position stays as it is.
struct Rest<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for Rest<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Reads up to [`CHUNK`] bytes behind what is in `buffer`, without filling it with zeros first.
fn fill(input: &mut dyn Read, buffer: &mut Vec<u8>) -> io::Result<usize> {
    buffer.reserve(CHUNK);
    input.take(CHUNK as u64).read_to_end(buffer)
}

/// The last whole line that ends at or before `end`: its bytes with their end, and where they begin. None if there is no
/// whole line.
///
/// # Errors
/// The file can't be read.
pub fn last_line(file: &File, end: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    const STEP: u64 = 64 * 1024;
    let mut start = end;
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        if let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') {
            let begin = bytes[..last].iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
            if let Some(begin) = begin.or((start == 0).then_some(0)) {
                bytes.truncate(last + 1);
                let line = bytes.split_off(begin);
                return Ok(Some((start + begin as u64, line)));
            }
        }
        if start == 0 {
            return Ok(None);
        }
        let step = STEP.min(start);
        start -= step;
        let mut front = vec![0; usize::try_from(step).map_err(io::Error::other)?];
        file.read_exact_at(&mut front, start)?;
        front.append(&mut bytes);
        bytes = front;
    }
}

#[cfg(test)]
mod tests {
    use super::super::done::tests::record;
    use super::*;
    use std::io::Write as _;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn line(index: u64, item: &str) -> String {
        serde_json::to_string(&record(index, item, None)).unwrap() + "\n"
    }

    fn indices(bytes: &[u8], from: u64) -> Result<(Vec<u64>, Scanned), ScanError> {
        let mut indices = Vec::new();
        let scanned = scan(&file(bytes), from, 0, |line| {
            indices.push(line.record.index);
            Ok(())
        })?;
        Ok((indices, scanned))
    }

    #[test]
    fn a_torn_line_of_every_length_is_told_from_a_whole_one() {
        let (first, last) = (line(0, "a"), line(1, "b"));
        for length in 0..=last.len() {
            let text = format!("{first}{}", &last[..length]);
            let (indices, scanned) = indices(text.as_bytes(), 0).unwrap();
            let (whole, tail) = match length {
                0 => (1, Tail::None),
                length if length == last.len() => (2, Tail::None),
                length if length + 1 == last.len() => (2, Tail::Unended),
                length => (1, Tail::Torn(length as u64)),
            };
            assert_eq!((indices.len(), scanned.tail), (whole, tail), "{length}");
        }
    }

    #[test]
    fn lines_that_are_longer_than_what_is_read_at_a_time_are_read() {
        let long = "x".repeat(CHUNK * 2 + 17);
        let text = format!("{}{}{}", line(0, &long), line(1, "b"), line(2, &long));
        let (whole, scanned) = indices(text.as_bytes(), 0).unwrap();
        assert_eq!(whole, [0, 1, 2]);
        assert_eq!(scanned, Scanned { end: text.len() as u64, lines: 3, tail: Tail::None });
        let from = line(0, &long).len() as u64;
        assert_eq!(indices(text.as_bytes(), from).unwrap().0, [1, 2]);
    }

    #[test]
    fn what_is_no_record_is_named_by_its_line_and_nothing_of_it_is_taken_for_torn() {
        let one = line(0, "a");
        for (text, wrong) in [
            (format!("{one}nonsense\n{one}"), "line 2: this is no JSON object"),
            (format!("{one}{{\"index\":1}}\n"), "line 2: "),
            ("{\"a\":1}\n".to_owned(), "line 1: "),
            (format!("{one}\n"), "line 2: "),
            ("precious".to_owned(), "line 1: this is no JSON object"),
            ("{\"a\"".to_owned(), "line 1: "),
        ] {
            let error = indices(text.as_bytes(), 0).unwrap_err().to_string();
            assert!(error.starts_with(wrong), "{text}: {error}");
        }
        let zeroes = [one.as_bytes(), &[0; 700]].concat();
        assert_eq!(indices(&zeroes, 0).unwrap().1.tail, Tail::Torn(700));
    }

    #[test]
    fn the_last_line_is_found_however_long_it_is() {
        let long = "x".repeat(200_000);
        let text = format!("one\n{long}\ntorn");
        let file = file(text.as_bytes());
        let (start, line) = last_line(&file, text.len() as u64).unwrap().unwrap();
        assert_eq!((start, line.len()), (4, long.len() + 1));
        let (start, line) = last_line(&file, 4).unwrap().unwrap();
        assert_eq!((start, line.as_slice()), (0, b"one\n".as_slice()));
        assert_eq!(last_line(&file, 3).unwrap(), None);
        assert_eq!(last_line(&file, 0).unwrap(), None);
    }
}
