//! A part of another source: without what it has already given, only one share of several, a sample, in another order, and no
//! more than so many.
//!
//! Limit: a sample and a shuffled list are held in memory, as far as [`MOST_BYTES`] goes. All else streams.

use super::BATCH;
use gaits_core::{Content, Data, Entry, IsDone, More, Source};
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// How many bytes of items are held for a sample or a shuffled list.
pub const MOST_BYTES: usize = 1 << 30;

/// One share of several: the `number`th, counted from 1, of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which one.
    pub number: u64,
    /// How many there are.
    pub of: u64,
}

/// Says what an item asks for, so that two that ask for the same are known.
pub type Identity = Box<dyn Fn(&Data) -> u128 + Send>;

/// Items that were left out since they ask for the same as one before them. Clones are the same: a source adds to it, and others read.
#[derive(Debug, Clone, Default)]
pub struct Dropped(Arc<Mutex<LeftOut>>);

/// All are the same: what was found on the way is no part of what is asked for.
impl PartialEq for Dropped {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Dropped {}

#[derive(Debug, Default)]
struct LeftOut {
    count: u64,
    /// The indices of the first of them.
    first: Vec<u64>,
}

impl Dropped {
    /// How many of them are remembered by their indices.
    const REMEMBERED: usize = 5;

    fn add(&self, index: u64) {
        let mut all = self.lock();
        all.count += 1;
        if all.first.len() < Self::REMEMBERED {
            all.first.push(index);
        }
    }

    /// How many there are by now.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.lock().count
    }

    /// The indices of the first of them, five at most.
    #[must_use]
    pub fn first(&self) -> Vec<u64> {
        self.lock().first.clone()
    }

    fn lock(&self) -> MutexGuard<'_, LeftOut> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leaves out what is not of a share, and what was there before; and ends after so many.
pub struct Select {
    inner: Box<dyn Source>,
    seen: Option<(Identity, Seen)>,
    dropped: Dropped,
    shard: Option<Shard>,
    left: Option<u64>,
}

impl std::fmt::Debug for Select {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Select")
            .field("shard", &self.shard)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Select {
    /// All of `inner`.
    #[must_use]
    pub fn new(inner: Box<dyn Source>) -> Self {
        Self { inner, seen: None, dropped: Dropped::default(), shard: None, left: None }
    }

    /// Without items that ask for the same as one before them, which are added to `dropped`.
    #[must_use]
    pub fn without_same(mut self, identity: Identity, dropped: Dropped) -> Self {
        self.seen = Some((identity, Seen::default()));
        self.dropped = dropped;
        self
    }

    /// Only those of a share.
    #[must_use]
    pub fn shard(mut self, shard: Option<Shard>) -> Self {
        self.shard = shard;
        self
    }

    /// No more than so many.
    #[must_use]
    pub fn limit(mut self, limit: Option<u64>) -> Self {
        self.left = limit;
        self
    }

    fn takes(&mut self, entry: &Entry) -> bool {
        let data = match &entry.content {
            Content::Item { data, .. } => data,
            // It has a place and a record, in the share that its text falls to.
            Content::Invalid { shown, .. } | Content::Cancelled { shown, .. } => {
                return self.shard.is_none_or(|shard| shard.holds(shown));
            }
        };
        if let Some((identity, seen)) = &mut self.seen
            && !seen.insert(identity(data))
        {
            self.dropped.add(entry.index);
            return false;
        }
        self.shard.is_none_or(|shard| shard.holds(data))
    }
}

impl Shard {
    /// Whether an item falls to this share: by a hash of it, so that machines which share a list need not talk.
    fn holds(self, data: &Data) -> bool {
        xxh3_64(data.as_bytes()) % self.of == self.number - 1
    }
}

impl Source for Select {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        let start = batch.len();
        loop {
            if self.left == Some(0) {
                return Ok(More::No);
            }
            let most = self
                .left
                .map_or(limit, |left| usize::try_from(left).map_or(limit, |left| left.min(limit)));
            let before = batch.len();
            let more = self.inner.next_batch(most, batch);
            let mut kept = before;
            for at in before..batch.len() {
                if self.takes(&batch[at]) {
                    batch.swap(kept, at);
                    kept += 1;
                }
            }
            batch.truncate(kept);
            if let Some(left) = &mut self.left {
                *left -= (kept - before) as u64;
            }
            let more = more?;
            if more == More::No || batch.len() > start {
                return Ok(if self.left == Some(0) { More::No } else { more });
            }
        }
    }

    fn total(&self) -> Option<u64> {
        let is_whole = self.seen.is_none() && self.shard.is_none();
        let total = self.inner.total().filter(|_| is_whole)?;
        Some(self.left.map_or(total, |left| left.min(total)))
    }

    fn are_done(&mut self, done: IsDone) {
        self.inner.are_done(done);
    }
}

/// Hashes that were there before, 29 bytes each at most. They lie in many small sets, since a set that grows holds all it has
/// twice for a while.
struct Seen(Vec<HashSet<u128, BuildHasherDefault<AsIs>>>);

/// How many sets there are.
const SETS: usize = 256;

impl Default for Seen {
    fn default() -> Self {
        Self((0..SETS).map(|_| HashSet::default()).collect())
    }
}

impl Seen {
    /// Whether it is new.
    fn insert(&mut self, hash: u128) -> bool {
        let set = (hash >> 120) as usize % SETS;
        self.0[set].insert(hash)
    }
}

/// Takes a hash as it is.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u128(&mut self, hash: u128) {
        // The upper half chooses the set.
        self.0 = u64::try_from(hash & u128::from(u64::MAX)).unwrap_or_default();
    }
}

/// A sample of another source, or all of it in another order. All of it is read before the first item is given.
pub struct Drawn {
    /// None once it has been read.
    inner: Option<Box<dyn Source>>,
    draw: Draw,
    /// What was drawn, the next one last.
    ready: Vec<Entry>,
    done: Option<Arc<IsDone>>,
}

/// How items are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// How many are drawn; all if it is none.
    pub sample: Option<usize>,
    /// Whether they come in another order, and are numbered anew in it; else they keep their numbers and come in the order of the
    /// list.
    pub shuffled: bool,
    /// The same seed draws the same from the same list.
    pub seed: u64,
}

impl std::fmt::Debug for Drawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drawn").field("draw", &self.draw).finish_non_exhaustive()
    }
}

impl Drawn {
    /// What is drawn from `inner`.
    #[must_use]
    pub fn new(inner: Box<dyn Source>, draw: Draw) -> Self {
        Self { inner: Some(inner), draw, ready: Vec::new(), done: None }
    }

    fn read(&mut self) -> io::Result<()> {
        let Some(mut inner) = self.inner.take() else { return Ok(()) };
        if let Some(done) = self.done.take().filter(|_| !self.draw.shuffled) {
            inner.are_done(Box::new(move |index| done(index)));
        }
        // Each item has a random rank, which follows from its number: those of the lowest ranks are drawn.
        let mut ranked = BTreeMap::new();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        loop {
            let more = inner.next_batch(BATCH, &mut batch)?;
            for entry in batch.drain(..) {
                let rank =
                    (xxh3_64_with_seed(&entry.index.to_le_bytes(), self.draw.seed), entry.index);
                bytes += size_of_entry(&entry);
                ranked.insert(rank, entry);
                if self.draw.sample.is_some_and(|most| ranked.len() > most)
                    && let Some((_, entry)) = ranked.pop_last()
                {
                    bytes -= size_of_entry(&entry);
                }
            }
            if bytes > MOST_BYTES {
                return Err(io::Error::other(
                    "it is too large to be drawn from: what is drawn is held in memory, and has more than 1 GiB; \
                     draw fewer items with --sample, or a part of the list with --shard",
                ));
            }
            if more == More::No {
                break;
            }
        }
        self.ready = ranked.into_values().collect();
        if self.draw.shuffled {
            for (index, entry) in (0..).zip(&mut self.ready) {
                entry.index = index;
            }
        } else {
            self.ready.sort_by_key(|entry| entry.index);
        }
        self.ready.reverse();
        Ok(())
    }
}

fn size_of_entry(entry: &Entry) -> usize {
    let text = match &entry.content {
        Content::Item { data, .. } => data.len(),
        Content::Invalid { shown, message } | Content::Cancelled { shown, message } => {
            shown.len() + message.len()
        }
    };
    size_of::<Entry>() + 24 + text
}

impl Source for Drawn {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        self.read()?;
        let from = self.ready.len().saturating_sub(limit);
        batch.extend(self.ready.drain(from..).rev());
        Ok(if self.ready.is_empty() { More::No } else { More::Maybe })
    }

    fn are_done(&mut self, done: IsDone) {
        self.done = Some(Arc::new(done));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Check, List};
    use super::*;
    use gaits_core::ItemFacts;
    use proptest::prelude::*;
    use xxhash_rust::xxh3::xxh3_128;

    fn list(texts: &[String]) -> Box<dyn Source> {
        let check: Check = Box::new(|data| match data.as_text() {
            Some(text) if text.starts_with('!') => Err("bad".to_owned().into()),
            _ => Ok(ItemFacts::default()),
        });
        Box::new(List::new(texts.iter().map(|text| Data::from(text.as_str())).collect(), check))
    }

    fn numbers(count: u64) -> Box<dyn Source> {
        list(&(0..count).map(|n| n.to_string()).collect::<Vec<_>>())
    }

    fn all(mut source: impl Source) -> Vec<(u64, String)> {
        let mut batch = Vec::new();
        while source.next_batch(3, &mut batch).unwrap() == More::Maybe {}
        let text = |content| match content {
            Content::Item { data, .. } => data.to_string(),
            Content::Invalid { message, .. } | Content::Cancelled { message, .. } => message,
        };
        batch.into_iter().map(|entry| (entry.index, text(entry.content))).collect()
    }

    fn whole(count: u64) -> Vec<(u64, String)> {
        (0..count).map(|n| (n, n.to_string())).collect()
    }

    #[test]
    fn a_limit_ends_it() {
        for limit in [0, 1, 3, 4, 9, 10, 11] {
            let some = Select::new(numbers(10)).limit(Some(limit));
            assert_eq!(some.total(), Some(limit.min(10)));
            assert_eq!(all(some), whole(limit.min(10)));
        }
    }

    #[test]
    fn what_was_there_before_is_left_out_and_counted() {
        let texts: Vec<_> = ["a", "b", "a", "!", "c", "b", "a", "!"].map(str::to_owned).to_vec();
        let dropped = Dropped::default();
        let identity: Identity = Box::new(|data| xxh3_128(data.as_bytes()));
        let found = all(Select::new(list(&texts)).without_same(identity, dropped.clone()));
        let places: Vec<_> = found.iter().map(|(at, _)| *at).collect();
        assert_eq!(places, [0, 1, 3, 4, 7]);
        assert_eq!((dropped.count(), dropped.first()), (3, vec![2, 5, 6]));
    }

    #[test]
    fn a_draw_is_the_same_with_the_same_seed_and_even() {
        let draw = |sample, shuffled, seed| {
            all(Drawn::new(numbers(1000), Draw { sample, shuffled, seed }))
        };
        let ten = draw(Some(10), false, 1);
        assert_eq!(ten.len(), 10);
        assert!(ten.is_sorted() && ten.iter().all(|(at, text)| at.to_string() == *text));
        assert_eq!(ten, draw(Some(10), false, 1));
        assert_ne!(ten, draw(Some(10), false, 2));
        let shuffled = draw(None, true, 1);
        assert!(shuffled.iter().map(|(at, _)| *at).eq(0..1000));
        assert_ne!(shuffled, whole(1000));
        let mut texts: Vec<u64> = shuffled.iter().map(|(_, text)| text.parse().unwrap()).collect();
        texts.sort_unstable();
        assert!(texts.into_iter().eq(0..1000));
        let sum: u64 = (0..200)
            .flat_map(|seed| draw(Some(10), true, seed))
            .map(|(_, text)| text.parse::<u64>().unwrap())
            .sum();
        // The mean of 2000 draws from 0 to 999 is 499.5, with a standard deviation of 6.5.
        assert!((470..530).contains(&(sum / 2000)), "{sum}");
        assert_eq!(draw(Some(5000), false, 3), whole(1000));
    }

    proptest! {
        #[test]
        fn shares_make_up_the_whole_and_keep_its_numbers(texts in proptest::collection::vec("!?[a-z]{1,3}", 0..60), of in 1_u64..9) {
            let mut together: Vec<_> = (1..=of)
                .flat_map(|number| all(Select::new(list(&texts)).shard(Some(Shard { number, of }))))
                .collect();
            together.sort();
            prop_assert_eq!(together, all(list_source(&texts)));
        }
    }

    fn list_source(texts: &[String]) -> Select {
        Select::new(list(texts))
    }
}
