//! Items that follow from their numbers, so that none of them is held.
//!
//! Limit: it can't tell what it makes; two items may be the same.

use super::{Check, unless_done};
use gaits_core::{Data, Entry, IsDone, More, Source};
use std::io;

/// Makes the item of a number, counted from 0.
pub type MakeNumbered = Box<dyn Fn(u64) -> Data + Send>;

/// So many items, each made of its number.
pub struct Numbered {
    make: MakeNumbered,
    check: Check,
    next: u64,
    count: u64,
    done: Option<IsDone>,
}

impl std::fmt::Debug for Numbered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Numbered")
            .field("next", &self.next)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl Numbered {
    /// `count` items.
    #[must_use]
    pub fn new(count: u64, make: MakeNumbered, check: Check) -> Self {
        Self { make, check, next: 0, count, done: None }
    }
}

impl Source for Numbered {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        for _ in 0..limit {
            if self.next == self.count {
                return Ok(More::No);
            }
            let index = self.next;
            let data = (self.make)(index);
            let place = || format!("item {index}");
            let content = unless_done(self.done.as_ref(), index, &self.check, data, place);
            batch.push(Entry { index, content });
            self.next += 1;
        }
        Ok(if self.next == self.count { More::No } else { More::Maybe })
    }

    fn total(&self) -> Option<u64> {
        Some(self.count)
    }

    fn are_done(&mut self, done: IsDone) {
        self.done = Some(done);
    }
}
