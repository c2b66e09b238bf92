//! The lines of a long file in blocks, on which several threads work, and what comes of them in the order of the blocks.
//!
//! Limit: only lines that have an end. The caller decides what is made of them.

use memchr::{memchr, memrchr};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Builder};

/// How many bytes a block has. A line belongs to the block in which the line in front of it ends, so that whoever has a block
/// need not look in front of it.
const BLOCK: u64 = 1 << 20;

/// How many bytes are read at first for the end of a block's last line.
const STEP: u64 = 4096;

/// As many pieces of what a thread makes wait to be taken.
const AHEAD: usize = 8;

/// The lines of a file that have an end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'f> {
    pub(super) file: &'f File,
    /// Where the last of them ends.
    pub(super) end: u64,
}

/// Hands a piece over; fails when nobody wants any more.
pub(super) type Give<'g, M> = &'g mut (dyn FnMut(M) -> io::Result<()> + Send);

impl Blocks<'_> {
    /// Has so many threads, or as many as the system allows, `make` something of the lines of each block, and hands it over to
    /// `take`, in the order of the blocks. `take` says whether that was all of a block.
    ///
    /// # Errors
    /// What `take` says, which ends all.
    pub(super) fn work<M: Send, E>(
        self,
        threads: usize,
        make: impl Fn(io::Result<&[u8]>, Give<'_, M>) -> io::Result<()> + Sync,
        mut take: impl FnMut(M) -> Result<bool, E> + Send,
    ) -> Result<(), E>
    where
        E: Send,
    {
        let count = self.end.div_ceil(BLOCK);
        let started = OnceLock::new();
        thread::scope(|scope| {
            let mut pieces: Vec<Receiver<M>> = Vec::new();
            for at in 0..threads as u64 {
                let (give, take) = sync_channel(AHEAD);
                let (make, started) = (&make, &started);
                let work = move || self.work_on(at, *started.wait(), make, &give);
                if Builder::new().name("export".into()).spawn_scoped(scope, work).is_err() {
                    break;
                }
                pieces.push(take);
            }
            let _ = started.set(pieces.len() as u64);
            if pieces.is_empty() {
                return self.work_here(count, &make, take);
            }
            for number in 0..count {
                let from = usize::try_from(number % pieces.len() as u64).unwrap_or_default();
                loop {
                    // A thread that has ended before its work has panicked; that goes on when all threads have ended.
                    let Ok(piece) = pieces[from].recv() else { return Ok(()) };
                    if take(piece)? {
                        break;
                    }
                }
            }
            Ok(())
        })
    }

    /// The work of one of so many threads.
    fn work_on<M: Send>(
        self,
        at: u64,
        threads: u64,
        make: &(impl Fn(io::Result<&[u8]>, Give<'_, M>) -> io::Result<()> + Sync),
        give: &SyncSender<M>,
    ) {
        let mut lines = Lines::default();
        let mut give = |piece| give.send(piece).map_err(|_gone| io::ErrorKind::BrokenPipe.into());
        let mut number = at;
        while number * BLOCK < self.end {
            let read = self.read(number, &mut lines).map(|()| lines.get());
            if make(read, &mut give).is_err() {
                break;
            }
            number += threads;
        }
    }

    /// The same, where no thread can be started.
    fn work_here<M: Send, E: Send>(
        self,
        count: u64,
        make: &impl Fn(io::Result<&[u8]>, Give<'_, M>) -> io::Result<()>,
        mut take: impl FnMut(M) -> Result<bool, E> + Send,
    ) -> Result<(), E> {
        let mut lines = Lines::default();
        for number in 0..count {
            let read = self.read(number, &mut lines).map(|()| lines.get());
            let mut refused = None;
            let mut give = |piece| {
                if refused.is_none() {
                    refused = take(piece).err();
                }
                let gone = || io::ErrorKind::BrokenPipe.into();
                if refused.is_none() { Ok(()) } else { Err(gone()) }
            };
            // It fails if something was refused.
            let _ = make(read, &mut give);
            if let Some(error) = refused {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Reads the lines of a block, each with its end.
    fn read(self, number: u64, lines: &mut Lines) -> io::Result<()> {
        let begin = number * BLOCK;
        let behind = (begin + BLOCK).min(self.end);
        lines.clear();
        lines.append(self.file, begin, behind)?;
        if number > 0 {
            let Some(end) = memchr(b'\n', lines.get()) else {
                lines.clear();
                return Ok(());
            };
            lines.begin = end + 1;
        }
        // Where the last line begins, which goes on behind the block.
        let last = memrchr(b'\n', lines.get()).map_or(0, |at| at + 1);
        let mut at = behind;
        let mut step = STEP;
        while at < self.end {
            if !matches!(lines.get().get(last), None | Some(b'{' | 0)) {
                // It is no record, and may be very long.
                lines.end_line();
                break;
            }
            let (held, next) = (lines.end, (at + step).min(self.end));
            lines.append(self.file, at, next)?;
            if let Some(end) = memchr(b'\n', &lines.bytes[held..lines.end]) {
                lines.end = held + end + 1;
                break;
            }
            at = next;
            step = (2 * step).min(BLOCK);
        }
        Ok(())
    }
}

/// The lines of a block. What holds them is used again for the next block, as it is: to fill it with zeros first would take
/// longer than to read.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Where in `bytes` they begin and end.
    begin: usize,
    end: usize,
}

impl Lines {
    fn get(&self) -> &[u8] {
        &self.bytes[self.begin..self.end]
    }

    fn clear(&mut self) {
        (self.begin, self.end) = (0, 0);
    }

    /// Makes room for so many more bytes.
    fn reserve(&mut self, more: usize) {
        if self.bytes.len() < self.end + more {
            self.bytes.resize(self.end + more, 0);
        }
    }

    /// Appends what stands between two places of a file.
    fn append(&mut self, file: &File, from: u64, to: u64) -> io::Result<()> {
        let more = usize::try_from(to - from).map_err(io::Error::other)?;
        self.reserve(more);
        file.read_exact_at(&mut self.bytes[self.end..self.end + more], from)?;
        self.end += more;
        Ok(())
    }

    fn end_line(&mut self) {
        self.reserve(1);
        self.bytes[self.end] = b'\n';
        self.end += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    /// The lines of all blocks as they come, made by so many threads.
    fn lines(text: &[u8], threads: usize) -> Vec<u8> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        let blocks = Blocks { file: &file, end: text.len() as u64 };
        let mut all = Vec::new();
        let made: Result<(), ()> = blocks.work(
            threads,
            |lines, give| {
                give(Some(lines.unwrap().to_vec()))?;
                give(None)
            },
            |piece: Option<Vec<u8>>| {
                let is_end = piece.is_none();
                all.extend(piece.unwrap_or_default());
                Ok(is_end)
            },
        );
        made.unwrap();
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn each_line_comes_once_and_in_its_order(
            lengths in prop::collection::vec(
                prop_oneof![0..3_usize, 100_000..400_000_usize, 1_048_570..1_048_580_usize, Just(2_500_000)],
                1..12,
            ),
            threads in 0..4_usize,
        ) {
            let line = |length: &usize| format!("{{{}\n", "x".repeat(*length));
            let text: String = lengths.iter().map(line).collect::<Vec<_>>().concat();
            prop_assert!(lines(text.as_bytes(), threads) == text.as_bytes());
        }
    }

    #[test]
    fn what_is_no_record_is_not_read_to_its_end() {
        let text = "x".repeat(3 << 20) + "\n";
        let all = lines(text.as_bytes(), 2);
        assert_eq!(all.len(), (1 << 20) + 1, "the first block, which is refused");
    }

    #[test]
    fn the_first_error_ends_all() {
        let text = "{1}\n".repeat(2 << 20);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        for threads in [0, 1, 3] {
            let blocks = Blocks { file: &file, end: text.len() as u64 };
            let mut taken = 0;
            let ended = blocks.work(
                threads,
                |_, give| {
                    let given = give(false);
                    // Whoever does not look at that gets no further.
                    let also = give(true);
                    given.and(also)
                },
                |is_end| {
                    taken += 1;
                    if taken == 3 { Err("the third") } else { Ok(is_end) }
                },
            );
            assert_eq!((ended, taken), (Err("the third"), 3));
        }
    }
}
