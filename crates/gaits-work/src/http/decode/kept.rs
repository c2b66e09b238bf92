//! A body that is kept: so that fields can be taken from it, to be put into its record, or on its way to a file.
//!
//! Limit: has no bound of its own; whoever keeps a body bounds its length.

use std::borrow::Cow;

/// How long a piece is. A body of one piece is small enough to be parsed on the event loop.
pub(in crate::http) const PIECE: usize = 64 * 1024;

/// A body in pieces. It grows without ever moving what is there already: to move 16 MB takes 4 ms.
#[derive(Debug, Default)]
pub(in crate::http) struct Kept {
    pieces: Vec<Vec<u8>>,
}

impl Kept {
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.pieces.last_mut() {
                Some(last) if last.len() < PIECE => {
                    let (now, later) = bytes.split_at(bytes.len().min(PIECE - last.len()));
                    last.extend_from_slice(now);
                    bytes = later;
                }
                // The first piece grows, since most bodies are short.
                None => self.pieces.push(Vec::new()),
                Some(_) => self.pieces.push(Vec::with_capacity(PIECE)),
            }
        }
    }

    /// Whether it is small enough to be parsed on the event loop.
    pub(in crate::http) fn is_small(&self) -> bool {
        self.pieces.len() <= 1
    }

    /// Whether there is nothing in it.
    pub(in crate::http) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How many bytes it has.
    pub(in crate::http) fn len(&self) -> usize {
        // All pieces but the last are full.
        self.pieces.last().map_or(0, |last| (self.pieces.len() - 1) * PIECE + last.len())
    }

    /// Its bytes, in order.
    pub(in crate::http) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(Vec::as_slice)
    }

    /// The whole body, which is copied unless it is small.
    pub(in crate::http) fn join(&self) -> Cow<'_, [u8]> {
        match &*self.pieces {
            [] => Cow::Borrowed(&[]),
            [only] => Cow::Borrowed(only),
            pieces => Cow::Owned(pieces.concat()),
        }
    }
}

#[cfg(test)]
impl From<&[u8]> for Kept {
    fn from(bytes: &[u8]) -> Self {
        let mut kept = Self::default();
        kept.push(bytes);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_what_was_pushed() {
        let bytes: Vec<u8> = (0..=250).cycle().take(PIECE * 3 + 5).collect();
        for step in [1000, PIECE - 1, PIECE, PIECE * 2, bytes.len()] {
            let mut kept = Kept::default();
            for chunk in bytes.chunks(step) {
                kept.push(chunk);
            }
            assert!(!kept.is_small());
            assert!(kept.join() == bytes && kept.len() == bytes.len(), "{step}");
        }
        assert!(Kept::default().is_small());
        assert!(Kept::from(&bytes[..PIECE]).is_small());
        assert_eq!(&*Kept::from(&b"short"[..]).join(), b"short");
        assert!(Kept::default().is_empty() && Kept::default().join().is_empty());
    }
}
