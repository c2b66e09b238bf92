//! An export on several threads: one reads lines, others make rows of them, and the first writes these in their order.
//!
//! Limit: rows of text only. The results are a file, since it has to be known where its last whole line ends.

use super::input::Input;
use super::output::Output;
use super::{ExportError, STOPPED};
use gaits_engine::journal::Tail;
use gaits_report::export::{Part, PartError, PartMaker, RowError};
use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Builder, Scope};

/// How many bytes of lines a thread is given at a time.
const BLOCK: usize = 1 << 20;

/// As many blocks of one thread are on their way: one that rows are made of, and one that waits.
const AHEAD: usize = 2;

/// As many pieces of rows of one block wait to be written. The rows of most blocks are no more; those of long lists are.
const PIECES: usize = 4;

/// What was written.
pub(super) struct Parts {
    pub(super) rows: u64,
    /// For each column, whether it has a value in one of them.
    pub(super) filled: Vec<bool>,
    pub(super) tail: Tail,
}

/// Writes the rows of `input`, whose lines have an end up to `lines`, made on so many threads as `maker` makes them.
pub(super) fn write(
    input: &mut Input,
    lines: u64,
    maker: &PartMaker,
    threads: usize,
    output: &mut Output,
    is_to_stop: &impl Fn() -> bool,
) -> Result<Parts, ExportError> {
    let name = output.name.clone();
    let unwritten = |source| ExportError::Write { output: name.clone(), source };
    let mut table = Written { output, rows: 0, filled: vec![false; maker.width()] };
    let count = thread::scope(|scope| {
        let mut rows = RowThreads::start(scope, threads, maker, &mut table);
        let mut refused = None;
        let scanned = input.scan_part(0..lines, 0, is_to_stop, |line| {
            rows.add(line).map_err(|wrong| {
                refused = Some(wrong);
                STOPPED.into()
            })
        });
        // A line in front of the one that ended this may be wrong as well.
        let finished = match refused {
            Some(wrong) => Err(wrong),
            None => rows.finish(),
        };
        let count = finished.map_err(|wrong| match wrong {
            Wrong::Line(line, wrong) => input.no_record(line, wrong),
            Wrong::Write(source) => unwritten(source),
        })?;
        scanned.map(|_| count)
    })?;
    let mut refused = None;
    let length = input.length.unwrap_or(lines);
    let scanned = input.scan_part(lines..length, count, is_to_stop, |line| {
        let made = table.make(maker, &[line, b"\n"].concat());
        made.map_err(|PartError { error, .. }| match error {
            RowError::Line(wrong) => wrong,
            RowError::Write(error) => {
                refused = Some(error);
                STOPPED.into()
            }
        })
    });
    match refused {
        Some(source) => Err(unwritten(source)),
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
    /// Makes rows of some lines, and writes them.
    fn make(&mut self, maker: &PartMaker, lines: &[u8]) -> Result<(), PartError> {
        let part = maker.make(lines, &mut *self.output)?;
        self.count(part);
        Ok(())
    }

    fn count(&mut self, part: Part) {
        self.rows += part.written;
        for (filled, also) in self.filled.iter_mut().zip(part.filled) {
            *filled |= also;
        }
    }
}

/// Why a line gets no row.
#[derive(Debug)]
enum Wrong {
    /// The line of this number is no record that fits.
    Line(u64, String),
    /// A row can't be made or written.
    Write(io::Error),
}

/// Lines, each with its end, and how many are in front of them.
#[derive(Default)]
struct Block {
    lines: Vec<u8>,
    before: u64,
}

/// What a thread has made of a block: pieces of its rows, and at last what they were.
enum Made {
    Rows(Vec<u8>),
    End(Result<Part, Wrong>),
}

/// Hands rows over, piece by piece.
struct Pieces<'a>(&'a SyncSender<Made>);

impl io::Write for Pieces<'_> {
    fn write(&mut self, rows: &[u8]) -> io::Result<usize> {
        match self.0.send(Made::Rows(rows.to_vec())) {
            Ok(()) => Ok(rows.len()),
            // Nobody wants any more.
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The threads that make rows, and where these go.
struct RowThreads<'a, 'o> {
    threads: Vec<(SyncSender<Block>, Receiver<Made>)>,
    /// Which thread has each block, in their order.
    given: VecDeque<usize>,
    next: usize,
    /// The block that is being filled.
    block: Block,
    lines: u64,
    maker: &'a PartMaker,
    table: &'a mut Written<'o>,
}

impl<'a, 'o> RowThreads<'a, 'o> {
    /// Starts so many threads, or as many as the system allows. If it allows none, rows are made here.
    fn start<'s>(
        scope: &'s Scope<'s, '_>,
        count: usize,
        maker: &'a PartMaker,
        table: &'a mut Written<'o>,
    ) -> Self
    where
        'a: 's,
    {
        let mut threads = Vec::new();
        for _ in 0..count {
            let (give, blocks) = sync_channel::<Block>(AHEAD);
            let (made, rows) = sync_channel(AHEAD * PIECES);
            let work = move || {
                for block in blocks {
                    let part = maker.make(&block.lines, Pieces(&made));
                    let part = part.map_err(|error| wrong(&block, error));
                    if made.send(Made::End(part)).is_err() {
                        break;
                    }
                }
            };
            if Builder::new().name("rows".into()).spawn_scoped(scope, work).is_err() {
                break;
            }
            threads.push((give, rows));
        }
        let (given, block) = (VecDeque::new(), Block::default());
        Self { threads, given, next: 0, block, lines: 0, maker, table }
    }

    /// Takes the next line.
    fn add(&mut self, line: &[u8]) -> Result<(), Wrong> {
        self.lines += 1;
        self.block.lines.extend_from_slice(line);
        self.block.lines.push(b'\n');
        if self.block.lines.len() < BLOCK { Ok(()) } else { self.give() }
    }

    /// Gives the block to the thread whose turn it is.
    fn give(&mut self) -> Result<(), Wrong> {
        let next = Block { lines: Vec::new(), before: self.lines };
        let block = mem::replace(&mut self.block, next);
        if self.threads.is_empty() {
            let made = self.table.make(self.maker, &block.lines);
            return made.map_err(|error| wrong(&block, error));
        }
        if self.given.len() >= AHEAD * self.threads.len() {
            self.take()?;
        }
        let at = self.next;
        // It has room for it.
        if self.threads[at].0.send(block).is_err() {
            return Err(has_ended());
        }
        self.given.push_back(at);
        self.next = (at + 1) % self.threads.len();
        Ok(())
    }

    /// Writes the rows of the oldest block that was given.
    fn take(&mut self) -> Result<(), Wrong> {
        let Some(at) = self.given.pop_front() else { return Ok(()) };
        loop {
            match self.threads[at].1.recv() {
                Ok(Made::Rows(rows)) => self.table.output.write_all(&rows).map_err(Wrong::Write)?,
                Ok(Made::End(part)) => return part.map(|part| self.table.count(part)),
                Err(_) => return Err(has_ended()),
            }
        }
    }

    /// Writes the rows of all lines; gives how many lines there were.
    fn finish(mut self) -> Result<u64, Wrong> {
        if !self.block.lines.is_empty() {
            self.give()?;
        }
        while !self.given.is_empty() {
            self.take()?;
        }
        Ok(self.lines)
    }
}

fn wrong(block: &Block, PartError { before, error }: PartError) -> Wrong {
    match error {
        RowError::Line(wrong) => Wrong::Line(block.before + before + 1, wrong),
        RowError::Write(error) => Wrong::Write(error),
    }
}

/// A thread has ended before its work, by a panic, which goes on here as soon as all threads have ended.
fn has_ended() -> Wrong {
    Wrong::Write(io::Error::other("a thread that makes rows has ended"))
}
