//! The source of a run that goes on: the entries of the input without those that are done.
//!
//! What has a record is compared with the input, block by block, before the first entry goes out. Only where the records
//! are scattered over a long input do entries go out earlier: no more of them are held than [`MOST_HELD`].
//!
//! Limit: of how an item ended it knows only whether it failed, and it reads the results file only to name a difference.

use super::{GoOn, JournalError, Planned, Shared, lock};
use crate::follow::Followers;
use gaits_core::{Content, Data, Entry, ItemError, More, Source, Work, follower};
use gaits_engine::journal::{BLOCK, Done, Match, item_hash, place_hash, scan};
use gaits_engine::source::ask;
use roaring::RoaringTreemap;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io;
use std::sync::Arc;

/// How many bytes of items are held back until all that is done has been compared.
const MOST_HELD: usize = 16 * 1024 * 1024;
/// What an entry takes in memory, apart from its item.
const ENTRY: usize = size_of::<Entry>();

/// The first index of an item that is not of the input.
const FIRST_FOLLOWER: u64 = match follower(0, 1) {
    Some(first) => first,
    None => u64::MAX,
};

/// Where a source has to begin.
#[derive(Debug, Clone, Default)]
pub(crate) struct Position {
    /// What has a record.
    pub(crate) done: Done,
    /// What is done again all the same.
    pub(crate) again: RoaringTreemap,
    /// Where items are known wherever they stand: the hashes of the items that are done.
    pub(crate) items: HashSet<u64>,
    /// What was started, may not be done twice, and has no record; with hashes.
    pub(crate) pending: BTreeMap<u64, u64>,
    pub(crate) go_on: GoOn,
}

/// The entries of a source that are not done.
pub(crate) struct Remaining {
    inner: Box<dyn Source>,
    work: Arc<dyn Work>,
    journal: Shared,
    planned: Planned,
    position: Position,
    check: Option<Check>,
    /// Read and not handed out.
    held: VecDeque<Entry>,
    held_bytes: usize,
    read: Vec<Entry>,
    ended: bool,
    begun: bool,
    by_item: Option<ByItem>,
    followed: Option<Followed>,
}

/// Where items of the input have led to others.
struct Followed {
    followers: Followers,
    /// Of those, what was started, may not be done twice, and has no record.
    pending: BTreeMap<u64, u64>,
}

/// The comparison of what is done with the input.
struct Check {
    /// The block that is being read, and what was read of it that has a record. The work is asked only where the input
    /// says something else than the records: to ask it takes longer than all the rest, and few items hold a secret.
    block: u64,
    items: Vec<Entry>,
    sum: u64,
    /// All that was read and has a record.
    seen: RoaringTreemap,
    /// The last index that has something to compare.
    last: u64,
}

/// How items are numbered that are known by what they are.
struct ByItem {
    /// The items that were started and have no record, by their hashes.
    pending: HashMap<u64, u64>,
    next: u64,
    /// The source's own indices, for one that wants to be told what is given back.
    own: Option<HashMap<u64, u64>>,
}

impl std::fmt::Debug for Remaining {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remaining")
            .field("planned", &self.planned)
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}

impl Remaining {
    pub(crate) fn new(
        mut inner: Box<dyn Source>,
        work: Arc<dyn Work>,
        journal: Shared,
        planned: Planned,
        followers: Option<Followers>,
    ) -> Self {
        let mut position = lock(&journal).position();
        let followed = followers.map(|followers| {
            // What has come out of answers is not in the input.
            position.done = std::mem::take(&mut position.done).of_input();
            position.again.remove_range(FIRST_FOLLOWER..);
            let pending = position.pending.split_off(&FIRST_FOLLOWER);
            Followed { followers, pending }
        });
        let pending = &position.pending;
        let last = position.done.highest().max(pending.last_key_value().map(|(index, _)| *index));
        let by_item = position.go_on.key.is_by_item().then(|| ByItem {
            pending: pending.iter().map(|(index, hash)| (*hash, *index)).collect(),
            next: last.map_or(0, |last| last + 1),
            own: inner.stopper().map(|_| HashMap::new()),
        });
        let check = last.filter(|_| by_item.is_none()).map(|last| Check {
            block: 0,
            items: Vec::new(),
            sum: 0,
            seen: RoaringTreemap::new(),
            last,
        });
        if check.is_some() {
            // Those that failed are looked at again: one that is no item must not be taken for one where a part of the list is
            // chosen by what its items ask for.
            let done = position.done.recorded() - &position.done.to_retry(true);
            inner.are_done(Box::new(move |index| done.contains(index)));
        }
        Self {
            inner,
            work,
            journal,
            planned,
            position,
            check,
            held: VecDeque::new(),
            held_bytes: 0,
            read: Vec::new(),
            ended: false,
            begun: false,
            by_item,
            followed,
        }
    }

    /// Before the first entry goes out, the run is noted. Says no if the run has ended meanwhile.
    fn begin(&mut self) -> io::Result<bool> {
        if !self.begun {
            self.begun = lock(&self.journal).begin(&self.planned).map_err(io::Error::other)?;
        }
        Ok(self.begun)
    }

    /// Takes in what was read.
    fn take_in(&mut self) -> Result<(), JournalError> {
        let mut read = std::mem::take(&mut self.read);
        for entry in read.drain(..) {
            if self.by_item.is_some() {
                self.take_by_item(entry);
            } else {
                self.take_by_place(entry)?;
            }
        }
        self.read = read;
        if self.ended
            && let Some(check) = self.check.take()
        {
            self.finish(check)?;
        }
        Ok(())
    }

    fn take_by_place(&mut self, mut entry: Entry) -> Result<(), JournalError> {
        let index = entry.index;
        if self.check.as_ref().is_some_and(|check| index / BLOCK != check.block) {
            self.compare_block()?;
        }
        let Some(check) = &mut self.check else {
            self.hold_with_resumed(entry);
            return Ok(());
        };
        check.block = index / BLOCK;
        let last = check.last;
        if self.position.done.contains(index) {
            let again = self.position.again.contains(index).then(|| entry.clone());
            check.sum = check.sum.wrapping_add(place_hash(index, entry.content.shown()));
            check.seen.insert(index);
            let resumed = self.resumed(&entry);
            if let Some(check) = &mut self.check {
                check.items.push(entry);
            }
            again.into_iter().chain(resumed).for_each(|entry| self.hold(entry));
        } else if let Some(hash) = self.position.pending.get(&index) {
            ask(self.work.as_ref(), &mut entry);
            let shown = entry.content.shown();
            if *hash != item_hash(shown) {
                let then = "another one, which may have been processed".to_owned();
                return Err(self.differs(index, shown, then));
            }
            let entry = self.not_twice(entry);
            self.hold(entry);
        } else {
            self.hold_with_resumed(entry);
        }
        // What comes after the last one has nothing to be compared with, and may be long in coming.
        if index >= last
            && let Some(check) = self.check.take()
        {
            self.finish(check)?;
        }
        Ok(())
    }

    /// What comes next after an item of the input whose answers were not followed to their end.
    fn resumed(&self, entry: &Entry) -> Vec<Entry> {
        let (Some(followed), Content::Item { data, .. }) = (&self.followed, &entry.content) else {
            return Vec::new();
        };
        let next = followed.followers.resume(entry.index, data);
        // It may be started already, and not be done twice.
        let not_twice = |entry: Entry| {
            if followed.pending.contains_key(&entry.index) { self.not_twice(entry) } else { entry }
        };
        next.into_iter().map(not_twice).collect()
    }

    /// Holds an item that has no record. Those that it had led to may be there, if its record was taken out by hand.
    fn hold_with_resumed(&mut self, entry: Entry) {
        let resumed = self.resumed(&entry);
        std::iter::once(entry).chain(resumed).for_each(|entry| self.hold(entry));
    }

    fn take_by_item(&mut self, mut entry: Entry) {
        let Some(by_item) = &mut self.by_item else { return };
        ask(self.work.as_ref(), &mut entry);
        let hash = self.position.go_on.key.hash(entry.content.shown());
        if !self.position.items.insert(hash) {
            return;
        }
        let own = entry.index;
        let mut pending = by_item.pending.remove(&hash);
        if pending.is_none() && !by_item.pending.is_empty() {
            // It may have been noted by what it is, when no key was given.
            pending = by_item.pending.remove(&item_hash(entry.content.shown()));
        }
        entry.index = pending.unwrap_or(by_item.next);
        if pending.is_none() {
            by_item.next += 1;
        }
        if let Some(indices) = &mut by_item.own {
            indices.insert(entry.index, own);
        }
        let entry = if pending.is_some() { self.not_twice(entry) } else { entry };
        self.hold(entry);
    }

    fn hold(&mut self, mut entry: Entry) {
        ask(self.work.as_ref(), &mut entry);
        self.held_bytes += ENTRY + entry.content.shown().len();
        self.held.push_back(entry);
    }

    /// An entry that was started by a run that died before it had a record.
    fn not_twice(&self, mut entry: Entry) -> Entry {
        if !self.position.go_on.retry_unsure {
            let message = format!(
                "an earlier run ended while this item was out or about to go out; it {}, so it was not sent again",
                ItemError::MAY_HAVE_BEEN_PROCESSED
            );
            entry.content = Content::Cancelled { shown: entry.content.into_shown(), message };
        }
        entry
    }

    /// Compares the block that was read with its records.
    fn compare_block(&mut self) -> Result<(), JournalError> {
        let Some(mut check) = self.check.take() else { return Ok(()) };
        let then = self.position.done.sum(check.block);
        if check.sum != then && self.sum_as_shown(&mut check.items) != then {
            self.find_difference(&check)?;
        }
        check.sum = 0;
        check.items.clear();
        self.check = Some(check);
        Ok(())
    }

    /// The sum of items as records show them: without what the work finds to be secret.
    fn sum_as_shown(&self, items: &mut [Entry]) -> u64 {
        let hashes = items.iter_mut().map(|entry| {
            ask(self.work.as_ref(), entry);
            place_hash(entry.index, entry.content.shown())
        });
        hashes.fold(0, u64::wrapping_add)
    }

    /// Compares the last block, and whether all that has a record was read.
    fn finish(&mut self, check: Check) -> Result<(), JournalError> {
        let (seen, last) = (check.seen.len(), check.last);
        self.check = Some(check);
        self.compare_block()?;
        let Some(check) = self.check.take() else { return Ok(()) };
        if seen == self.position.done.len() {
            return Ok(());
        }
        let mut gone = None;
        self.each_record(|record_index, item| {
            if record_index <= last && !check.seen.contains(record_index) {
                let lower = gone.as_ref().is_none_or(|(index, _)| record_index < *index);
                if lower {
                    gone = Some((record_index, format!("{item:?}")));
                }
            }
        })?;
        gone.map_or(Ok(()), |(index, then)| Err(self.gone(index, then)))
    }

    /// Reads the results file to say which item of a block differs. None does where the sums come from a version of gaits
    /// that made them in another way.
    fn find_difference(&self, check: &Check) -> Result<(), JournalError> {
        let mut found: Option<(u64, Option<Data>, String)> = None;
        self.each_record(|index, item| {
            if index / BLOCK != check.block || found.as_ref().is_some_and(|(at, ..)| *at < index) {
                return;
            }
            let now = check.items.binary_search_by_key(&index, |entry| entry.index);
            let now = now.ok().map(|at| check.items[at].content.shown());
            if now != Some(item) {
                found = Some((index, now.cloned(), format!("{item:?}")));
            }
        })?;
        match found {
            None => Ok(()),
            Some((index, Some(now), then)) => Err(self.differs(index, &now, then)),
            Some((index, None, then)) => Err(self.gone(index, then)),
        }
    }

    fn each_record(&self, mut each: impl FnMut(u64, &Data)) -> Result<(), JournalError> {
        let (file, results) = {
            let journal = lock(&self.journal);
            (journal.file(), journal.name().to_owned())
        };
        let failed = |source| JournalError::Read { results: results.clone(), source };
        scan(&file.map_err(failed)?, 0, 0, |line| {
            each(line.record.index, &line.record.item);
            Ok(())
        })
        .map(drop)
        .map_err(|error| failed(io::Error::other(error)))
    }

    fn differs(&self, index: u64, now: &Data, then: String) -> JournalError {
        JournalError::Item {
            results: lock(&self.journal).name().to_owned(),
            input: self.planned.input.clone(),
            index,
            now: format!("{now:?}"),
            then,
        }
    }

    fn gone(&self, index: u64, then: String) -> JournalError {
        JournalError::Gone {
            results: lock(&self.journal).name().to_owned(),
            input: self.planned.input.clone(),
            index,
            then,
        }
    }

    /// Moves what is held to `batch`, and tells the journal which of it may not be done twice.
    fn hand_out(&mut self, limit: usize, batch: &mut Vec<Entry>) {
        let first = batch.len();
        for entry in self.held.drain(..limit.min(self.held.len())) {
            self.held_bytes -= ENTRY + entry.content.shown().len();
            batch.push(entry);
        }
        note_starts(&self.journal, &self.position.go_on.key, &batch[first..]);
    }
}

/// Tells the journal which entries may not be done twice, before they go out; `key` says how items are known again.
pub(crate) fn note_starts(journal: &Shared, key: &Match, entries: &[Entry]) {
    let once = |entry: &Entry| match &entry.content {
        Content::Item { facts: Some(facts), .. } if !facts.repeatable => {
            Some((entry.index, key.hash(entry.content.shown())))
        }
        _ => None,
    };
    let mut once = entries.iter().filter_map(once).peekable();
    if once.peek().is_some() {
        lock(journal).will_start(once);
    }
}

impl Source for Remaining {
    fn next_batch(&mut self, limit: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        loop {
            let ready = self.check.is_none() || self.held_bytes >= MOST_HELD;
            if ready && !self.held.is_empty() {
                if !self.begin()? {
                    return Ok(More::No);
                }
                self.hand_out(limit, batch);
                let more = !self.ended || !self.held.is_empty();
                return Ok(if more { More::Maybe } else { More::No });
            }
            if self.ended {
                return Ok(More::No);
            }
            let more = self.inner.next_batch(limit, &mut self.read);
            self.ended = matches!(more, Ok(More::No));
            self.take_in().map_err(io::Error::other)?;
            if let Err(error) = more {
                // What was read before stays valid, unless it could not be compared.
                if self.check.is_none() && !self.held.is_empty() && self.begin()? {
                    self.hand_out(usize::MAX, batch);
                }
                return Err(error);
            }
        }
    }

    fn total(&self) -> Option<u64> {
        let done = self.position.done.len() - self.position.again.len();
        match self.by_item {
            None => self.inner.total().map(|total| total.saturating_sub(done)),
            Some(_) => None,
        }
    }

    fn stopper(&self) -> Option<Arc<dyn Fn() + Send + Sync>> {
        self.inner.stopper()
    }

    fn given_back(&mut self, indices: &[u64]) {
        let held = self.held.drain(..).map(|entry| entry.index);
        let mut all: Vec<u64> = indices.iter().copied().chain(held).collect();
        if let Some(own) = self.by_item.as_ref().and_then(|by_item| by_item.own.as_ref()) {
            for index in &mut all {
                *index = own.get(index).copied().unwrap_or(*index);
            }
        }
        self.inner.given_back(&all);
    }
}
