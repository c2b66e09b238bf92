//! Items given one by one, as on a command line.

use super::{Check, checked};
use gaits_core::{Content, Data, Entry, More, Source};
use std::io;

/// A list of items, gone through as often as it takes to reach a count.
pub struct List {
    items: Vec<Data>,
    /// What the items are that were gone through once.
    checked: Vec<Content>,
    next: u64,
    count: u64,
    check: Check,
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("List")
            .field("items", &self.items)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl List {
    /// The items as they are.
    #[must_use]
    pub fn new(items: Vec<Data>, check: Check) -> Self {
        let count = items.len() as u64;
        Self::cycled(items, count, check)
    }

    /// `count` items, taken from `items` over and over; none where there is nothing to take.
    #[must_use]
    pub fn cycled(items: Vec<Data>, count: u64, check: Check) -> Self {
        let count = if items.is_empty() { 0 } else { count };
        Self { items, checked: Vec::new(), next: 0, count, check }
    }
}

impl Source for List {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        for _ in 0..limit {
            if self.next == self.count {
                return Ok(More::No);
            }
            let at =
                usize::try_from(self.next % self.items.len() as u64).map_err(io::Error::other)?;
            // A list that is gone through a million times is checked once.
            if at == self.checked.len() {
                let place = || format!("argument {}", at + 1);
                self.checked.push(checked(&self.check, self.items[at].clone(), place));
            }
            batch.push(Entry { index: self.next, content: self.checked[at].clone() });
            self.next += 1;
        }
        Ok(if self.next == self.count { More::No } else { More::Maybe })
    }

    fn total(&self) -> Option<u64> {
        Some(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::ItemFacts;

    fn all(mut source: List) -> Vec<Entry> {
        let mut batch = Vec::new();
        while source.next_batch(2, &mut batch).unwrap() == More::Maybe {}
        batch
    }

    #[test]
    fn a_list_is_gone_through_until_the_count_is_reached() {
        let check: fn() -> Check = || Box::new(|_| Ok(ItemFacts::default()));
        let texts = |entries: Vec<Entry>| -> String {
            entries
                .into_iter()
                .map(|entry| match entry.content {
                    Content::Item { data, .. } => data.as_text().unwrap().to_owned(),
                    _ => "!".into(),
                })
                .collect::<Vec<_>>()
                .concat()
        };
        let items = || ["a", "b", "c"].map(Data::from).to_vec();
        assert_eq!(texts(all(List::new(items(), check()))), "abc");
        assert_eq!(texts(all(List::cycled(items(), 7, check()))), "abcabca");
        assert_eq!(texts(all(List::cycled(items(), 2, check()))), "ab");
        assert_eq!(texts(all(List::cycled(Vec::new(), 5, check()))), "");
    }
}
