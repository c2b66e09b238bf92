//! An export on several threads, which look for the columns and make the rows; one writes these in their order.
//!
//! Limit: rows of text only. The results are a file, since it has to be known where its last whole line ends.

use super::blocks::Blocks;
use super::input::Input;
use super::output::Output;
use super::{ExportError, STOPPED};
use gaits_engine::journal::Tail;
use gaits_report::export::{Part, PartError, PartMaker, RowError, Survey};
use memchr::memrchr;
use std::io::{self, Write as _};

/// What was written.
pub(super) struct Parts {
    pub(super) rows: u64,
    /// For each column, whether it has a value in one of them.
    pub(super) filled: Vec<bool>,
    pub(super) tail: Tail,
}

/// What a thread has made of a block.
enum Made {
    /// Some of its rows.
    Rows(Vec<u8>),
    /// What they were.
    End(Result<Part, Wrong>),
}

/// Why nothing can be made of a block.
enum Wrong {
    /// The line behind so many of its lines is no record that fits.
    Line(u64, String),
    /// It can't be read.
    Read(io::Error),
    /// A row can't be made or written.
    Write(io::Error),
}

impl Wrong {
    /// What is said of it, where the block has so many lines in front of it.
    fn into_error(self, before: u64, input: &Input, output: &str) -> ExportError {
        match self {
            Self::Line(line, wrong) => input.no_record(before + line + 1, wrong),
            Self::Read(source) => input.unreadable(source),
            Self::Write(source) => ExportError::Write { output: output.to_owned(), source },
        }
    }
}

/// Looks at all lines of `input` for the extracted fields, on so many threads. Its lines have an end up to `lines`. None if a
/// line is wrong: which one that is can't be told here, since what is wrong may depend on the lines in front of it.
pub(super) fn survey(
    input: &mut Input,
    lines: u64,
    threads: usize,
    is_to_stop: &(impl Fn() -> bool + Sync),
) -> Result<Option<Survey>, ExportError> {
    let mut all = Survey::default();
    let made = Blocks { file: &input.file, end: lines }.work(
        threads,
        |lines, give| {
            let mut seen = Survey::default();
            give(match lines {
                Ok(lines) if !ends_with_record(lines) => Ok(None),
                Ok(lines) => Ok(seen.add_lines(lines).ok().map(|()| seen)),
                Err(error) => Err(error),
            })
        },
        |seen: io::Result<Option<Survey>>| {
            if is_to_stop() {
                return Err(Some(ExportError::Stopped));
            }
            let seen = seen.map_err(|error| input.unreadable(error))?.ok_or(None)?;
            all.merge(&seen).map_err(|_too_many| None)?;
            Ok(true)
        },
    );
    match made {
        Ok(()) => {}
        Err(None) => return Ok(None),
        Err(Some(error)) => return Err(error),
    }
    match input.scan_behind(lines, 0, is_to_stop, |line| all.add(line)) {
        Ok(_) => Ok(Some(all)),
        // It is looked for again from the beginning, so that its number is right.
        Err(ExportError::NoRecord { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the last of some lines can be a record. One that is long and is none has been cut.
fn ends_with_record(lines: &[u8]) -> bool {
    let Some(lines) = lines.strip_suffix(b"\n") else { return true };
    let last = memrchr(b'\n', lines).map_or(0, |at| at + 1);
    lines[last..].starts_with(b"{")
}

/// Writes the rows of `input`, whose lines have an end up to `lines`, made on so many threads as `maker` makes them.
pub(super) fn write(
    input: &mut Input,
    lines: u64,
    maker: &PartMaker,
    threads: usize,
    output: &mut Output,
    is_to_stop: &(impl Fn() -> bool + Sync),
) -> Result<Parts, ExportError> {
    let name = output.name.clone();
    let mut table = Written { output, rows: 0, filled: vec![false; maker.width()] };
    let mut before = 0;
    let made = Blocks { file: &input.file, end: lines }.work(
        threads,
        |lines, give| {
            let part = match lines {
                Ok(lines) => {
                    let rows = Pieces(|rows: Vec<u8>| give(Made::Rows(rows)));
                    maker.make(lines, rows).map_err(|PartError { before, error }| match error {
                        RowError::Line(wrong) => Wrong::Line(before, wrong),
                        RowError::Write(error) => Wrong::Write(error),
                    })
                }
                Err(error) => Err(Wrong::Read(error)),
            };
            give(Made::End(part))
        },
        |made| {
            if is_to_stop() {
                return Err(ExportError::Stopped);
            }
            match made {
                Made::Rows(rows) => {
                    let written = table.output.write_all(&rows).map_err(Wrong::Write);
                    written.map(|()| false)
                }
                Made::End(part) => part.map(|part| {
                    before += part.lines;
                    table.count(part);
                    true
                }),
            }
            .map_err(|wrong| wrong.into_error(before, input, &name))
        },
    );
    made?;
    let mut refused = None;
    let scanned = input.scan_behind(lines, before, is_to_stop, |line| {
        let made = maker.make(&[line, b"\n"].concat(), &mut *table.output);
        match made {
            Ok(part) => {
                table.count(part);
                Ok(())
            }
            Err(PartError { error: RowError::Line(wrong), .. }) => Err(wrong),
            Err(PartError { error: RowError::Write(error), .. }) => {
                refused = Some(error);
                Err(STOPPED.into())
            }
        }
    });
    match refused {
        Some(source) => Err(ExportError::Write { output: name, source }),
        None => Ok(Parts { tail: scanned?, rows: table.rows, filled: table.filled }),
    }
}

/// The table, and what is in it by now.
struct Written<'o> {
    output: &'o mut Output,
    rows: u64,
    filled: Vec<bool>,
}

impl Written<'_> {
    fn count(&mut self, part: Part) {
        self.rows += part.written;
        for (filled, also) in self.filled.iter_mut().zip(part.filled) {
            *filled |= also;
        }
    }
}

/// Hands rows over, piece by piece.
struct Pieces<F>(F);

impl<F: FnMut(Vec<u8>) -> io::Result<()>> io::Write for Pieces<F> {
    fn write(&mut self, rows: &[u8]) -> io::Result<usize> {
        (self.0)(rows.to_vec()).map(|()| rows.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
