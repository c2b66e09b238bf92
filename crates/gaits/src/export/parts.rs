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
    let (mut written, mut filled) = (0, vec![false; maker.width()]);
    let mut write = |part: Part| {
        written += part.written;
        for (filled, also) in filled.iter_mut().zip(part.filled) {
            *filled |= also;
        }
        output.write_all(&part.rows)
    };
    let count = thread::scope(|scope| {
        let rows = RowThreads::start(scope, threads, maker, &mut write);
        let mut rows = rows.map_err(&unwritten)?;
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
        let part = maker.make(&[line, b"\n"].concat());
        let made = part.map_err(|PartError { error, .. }| error);
        made.and_then(|part| write(part).map_err(RowError::Write)).map_err(|error| match error {
            RowError::Line(wrong) => wrong,
            RowError::Write(error) => {
                refused = Some(error);
                STOPPED.into()
            }
        })
    });
    match refused {
        Some(source) => Err(unwritten(source)),
        None => Ok(Parts { tail: scanned?, rows: written, filled }),
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

type Made = Result<Part, Wrong>;

/// The threads that make rows, and where these go.
struct RowThreads<W> {
    threads: Vec<(SyncSender<Block>, Receiver<Made>)>,
    /// Which thread has each block, in their order.
    given: VecDeque<usize>,
    next: usize,
    /// The block that is being filled.
    block: Block,
    lines: u64,
    write: W,
}

impl<W: FnMut(Part) -> io::Result<()>> RowThreads<W> {
    /// Starts so many threads, or as many as the system allows.
    ///
    /// # Errors
    /// It allows none.
    fn start<'s>(
        scope: &'s Scope<'s, '_>,
        count: usize,
        maker: &'s PartMaker,
        write: W,
    ) -> io::Result<Self> {
        let mut threads = Vec::new();
        for _ in 0..count {
            let (give, blocks) = sync_channel::<Block>(AHEAD);
            let (made, rows) = sync_channel(AHEAD);
            let work = move || {
                for block in blocks {
                    let part = maker.make(&block.lines).map_err(|error| wrong(&block, error));
                    if made.send(part).is_err() {
                        break;
                    }
                }
            };
            match Builder::new().name("rows".into()).spawn_scoped(scope, work) {
                Ok(_) => threads.push((give, rows)),
                Err(error) if threads.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        let (given, block) = (VecDeque::new(), Block::default());
        Ok(Self { threads, given, next: 0, block, lines: 0, write })
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
        if self.given.len() >= AHEAD * self.threads.len() {
            self.take()?;
        }
        let (at, next) = (self.next, Block { lines: Vec::new(), before: self.lines });
        // It has room for it.
        if self.threads[at].0.send(mem::replace(&mut self.block, next)).is_err() {
            return Err(has_ended());
        }
        self.given.push_back(at);
        self.next = (at + 1) % self.threads.len();
        Ok(())
    }

    /// Writes the rows of the oldest block that was given.
    fn take(&mut self) -> Result<(), Wrong> {
        let Some(at) = self.given.pop_front() else { return Ok(()) };
        let Ok(made) = self.threads[at].1.recv() else { return Err(has_ended()) };
        (self.write)(made?).map_err(Wrong::Write)
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

/// A thread has ended before its work, by a panic.
fn has_ended() -> Wrong {
    Wrong::Write(io::Error::other("a thread that makes rows has ended"))
}
