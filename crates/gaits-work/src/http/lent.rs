//! Buffers that an event loop lends to whichever of its requests reads or writes at the moment. A request that waits holds
//! none, so thousands in flight need no more than one.
//!
//! Limit: what was lent must be given back before anything is awaited.

use std::cell::{RefCell, RefMut};
use std::ops::Range;
use std::rc::Rc;

/// How much is read at a time at most: what a socket on the loopback address has at hand when a large body comes. Pages of
/// it that nothing was read into take no memory.
const INPUT: usize = 512 * 1024;

/// How much is read at a time of what may have to be kept while something is awaited, as a coded body is.
pub(super) const KEPT_INPUT: usize = 64 * 1024;

/// A buffer to write from is given up when one request has made it larger than this.
const LARGEST_OUTPUT: usize = 64 * 1024;

thread_local! {
    static OF_THREAD: Rc<Lent> = Rc::new(Lent {
        input: RefCell::new(vec![0; INPUT].into()),
        output: RefCell::default(),
    });
}

/// The buffers of one event loop, whatever number of sessions it has.
pub(super) struct Lent {
    input: RefCell<Box<[u8]>>,
    output: RefCell<Vec<u8>>,
}

impl Lent {
    /// The buffers of the event loop that runs on this thread.
    pub(super) fn of_this_loop() -> Rc<Self> {
        OF_THREAD.with(Rc::clone)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_session_of_the_same_loop_makes_no_buffers_of_its_own() {
        let ours = Lent::of_this_loop();
        assert!(Rc::ptr_eq(&ours, &Lent::of_this_loop()));
        ours.output().extend_from_slice(b"of the request before");
        assert!(ours.output().is_empty());
    }
}
