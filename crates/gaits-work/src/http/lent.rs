//! Buffers that an event loop lends to whichever of its requests reads or writes at the moment. A request that waits holds
//! none, so thousands in flight need no more than one.
//!
//! Limit: what was lent must be given back before anything is awaited.

use std::cell::{RefCell, RefMut};
use std::ops::Range;

/// How much is read at a time at most: what a socket on the loopback address has at hand when a large body comes. Pages of
/// it that nothing was read into take no memory.
const INPUT: usize = 512 * 1024;

/// How much is read at a time of what may have to be kept while something is awaited, as a coded body is.
pub(super) const KEPT_INPUT: usize = 64 * 1024;

/// How much is read at a time of what nobody waits for.
const SMALL_INPUT: usize = 4 * 1024;

/// A buffer to write from is given up when one request has made it larger than this.
const LARGEST_OUTPUT: usize = 64 * 1024;

/// The buffers of one event loop.
pub(super) struct Lent {
    input: RefCell<Box<[u8]>>,
    output: RefCell<Vec<u8>>,
}

impl Default for Lent {
    fn default() -> Self {
        Self::of(INPUT)
    }
}

impl Lent {
    /// For what is read beside the requests of the loop, and not in a hurry.
    pub(super) fn small() -> Self {
        Self::of(SMALL_INPUT)
    }

    fn of(input: usize) -> Self {
        Self { input: RefCell::new(vec![0; input].into()), output: RefCell::default() }
    }

    /// The buffer to read into.
    pub(super) fn input(&self) -> RefMut<'_, Box<[u8]>> {
        self.input.borrow_mut()
    }

    /// The buffer to write from, empty.
    pub(super) fn output(&self) -> RefMut<'_, Vec<u8>> {
        let mut output = self.output.borrow_mut();
        output.clear();
        if output.capacity() > LARGEST_OUTPUT {
            *output = Vec::new();
        }
        output
    }
}

/// Bytes that were read and are not used yet.
pub(super) enum Piece<'l> {
    /// They lie in the loop's buffer.
    Lent(RefMut<'l, Box<[u8]>>, Range<usize>),
    /// They were kept while something was awaited.
    Kept(Vec<u8>, Range<usize>),
}

impl Piece<'_> {
    /// The bytes that are left.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Piece::Lent(bytes, range) => &bytes[range.clone()],
            Piece::Kept(bytes, range) => &bytes[range.clone()],
        }
    }

    /// Takes what `take` uses of the bytes that are left, and gives what it makes of them.
    pub(super) fn take<'p, T>(&'p mut self, take: impl FnOnce(&mut &'p [u8]) -> T) -> T {
        let (bytes, range) = match self {
            Piece::Lent(bytes, range) => (&***bytes, range),
            Piece::Kept(bytes, range) => (&**bytes, range),
        };
        let mut rest = &bytes[range.clone()];
        let taken = take(&mut rest);
        range.start = range.end - rest.len();
        taken
    }

    /// The same bytes, in a buffer of their own.
    pub(super) fn keep(self) -> Piece<'static> {
        match self {
            Piece::Lent(bytes, range) => {
                let kept = bytes[range].to_vec();
                let range = 0..kept.len();
                Piece::Kept(kept, range)
            }
            Piece::Kept(bytes, range) => Piece::Kept(bytes, range),
        }
    }
}
