//! Several sources, one after the other.
//!
//! Limit: it opens a source only when the one before it has ended, so no more than one is open.

use gaits_core::{Entry, IsDone, More, Source};
use std::io;
use std::sync::Arc;

/// Opens a source.
pub type Opens = Box<dyn FnOnce() -> io::Result<Box<dyn Source>> + Send>;

/// Sources as one: the items of the second are numbered on from those of the first.
pub struct Chain {
    current: Option<Box<dyn Source>>,
    coming: std::vec::IntoIter<Opens>,
    /// What the first index of the current source is in the whole.
    first: u64,
    /// The index that comes next in the whole.
    next: u64,
    done: Option<Arc<IsDone>>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("next", &self.next).finish_non_exhaustive()
    }
}

impl Chain {
    /// `first`, and then what the others open.
    #[must_use]
    pub fn new(first: Box<dyn Source>, others: Vec<Opens>) -> Self {
        Self { current: Some(first), coming: others.into_iter(), first: 0, next: 0, done: None }
    }

    /// Tells the current source what is done of it.
    fn tell(&mut self) {
        if let (Some(source), Some(done)) = (&mut self.current, &self.done) {
            let (done, first) = (Arc::clone(done), self.first);
            source.are_done(Box::new(move |index| done(first + index)));
        }
    }
}

impl Source for Chain {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        loop {
            let Some(source) = &mut self.current else {
                let Some(open) = self.coming.next() else { return Ok(More::No) };
                self.current = Some(open()?);
                self.first = self.next;
                self.tell();
                continue;
            };
            let start = batch.len();
            let more = source.next_batch(limit, batch);
            for entry in &mut batch[start..] {
                entry.index += self.first;
                self.next = entry.index + 1;
            }
            if more? == More::No {
                self.current = None;
                if batch.len() == start {
                    continue;
                }
            }
            let ended = self.current.is_none() && self.coming.len() == 0;
            return Ok(if ended { More::No } else { More::Maybe });
        }
    }

    fn are_done(&mut self, done: IsDone) {
        self.done = Some(Arc::new(done));
        self.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Lines, text_of};
    use gaits_core::{Content, ItemFacts};

    fn lines(name: &str, text: &'static str) -> Box<dyn Source> {
        Box::new(Lines::new(
            text_of(text.as_bytes(), None),
            name,
            Box::new(|_| Ok(ItemFacts::default())),
        ))
    }

    fn all(mut source: Chain) -> Vec<(u64, String)> {
        let mut batch = Vec::new();
        while source.next_batch(2, &mut batch).unwrap() == More::Maybe {}
        let text = |content: Content| match content {
            Content::Item { data, facts } => {
                format!("{data}{}", if facts.is_some() { "" } else { " unchecked" })
            }
            Content::Invalid { message, .. } | Content::Cancelled { message, .. } => message,
        };
        batch.into_iter().map(|entry| (entry.index, text(entry.content))).collect()
    }

    #[test]
    fn items_are_numbered_through_all_sources() {
        let chain = || {
            let opens = |name: &'static str, text: &'static str| -> Opens {
                Box::new(move || Ok(lines(name, text)))
            };
            Chain::new(
                lines("1", "a\nb\n"),
                vec![opens("2", ""), opens("3", "# c\nd"), opens("4", "")],
            )
        };
        let found = |items: &[(u64, &str)]| {
            items.iter().map(|(at, text)| (*at, (*text).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(all(chain()), found(&[(0, "a"), (1, "b"), (2, "d")]));
        let mut again = chain();
        again.are_done(Box::new(|index| index == 2));
        assert_eq!(all(again), found(&[(0, "a"), (1, "b"), (2, "d unchecked")]));
    }

    #[test]
    fn one_that_can_not_be_opened_ends_it_with_an_error() {
        let mut chain =
            Chain::new(lines("1", "a\n"), vec![Box::new(|| Err(io::Error::other("gone")))]);
        let mut batch = Vec::new();
        assert_eq!(chain.next_batch(5, &mut batch).unwrap(), More::Maybe);
        assert_eq!(chain.next_batch(5, &mut batch).unwrap_err().to_string(), "gone");
        assert_eq!(batch.len(), 1);
    }
}
