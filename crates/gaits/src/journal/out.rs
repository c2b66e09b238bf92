//! Which items are out that may not be done twice, in memory and in `results.jsonl.started`.
//!
//! Three threads use it: the source's tells what it reads, the dispatcher's what goes out, the writer's what has a record.
//! The file has a lock of its own, so that nobody waits for it who writes records.

use super::unrecorded::Unrecorded;
use gaits_core::Clock as _;
use gaits_engine::MonotonicClock;
use gaits_engine::journal::Started;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which items are out.
#[derive(Debug)]
pub(crate) struct Out {
    items: Mutex<Unrecorded>,
    file: Mutex<Started>,
}

/// How many items go out in a second.
#[derive(Debug)]
pub(super) struct Pace {
    clock: MonotonicClock,
    since_us: u64,
    /// How many have gone out since then.
    went_out: usize,
    /// How many it were in a second before.
    before: usize,
}

impl Pace {
    /// The most that are put ahead at a time.
    const MOST: usize = 4_096;

    pub(super) fn start() -> Self {
        Self { clock: MonotonicClock::start(), since_us: 0, went_out: 0, before: 0 }
    }

    fn a_second(&mut self) -> usize {
        let now_us = self.clock.now_us();
        let passed_us = usize::try_from(now_us.saturating_sub(self.since_us)).unwrap_or(usize::MAX);
        if passed_us >= 1_000_000 {
            self.before = self.went_out.saturating_mul(1_000) / (passed_us / 1_000);
            (self.since_us, self.went_out) = (now_us, 0);
        }
        self.before.max(self.went_out).min(Self::MOST)
    }
}

impl Out {
    /// Goes on with those that earlier runs have handed out, with their hashes; `file` has them already.
    pub(super) fn begin(file: Started, earlier: &BTreeMap<u64, u64>) -> Self {
        Self { items: Mutex::new(Unrecorded::of_earlier(earlier)), file: Mutex::new(file) }
    }

    /// Keeps the hashes of items that were read, for when they go out.
    pub(super) fn read(&self, items: impl Iterator<Item = (u64, u64)>) {
        let mut known = lock(&self.items);
        items.for_each(|(index, hash)| known.read(index, hash));
    }

    /// Notes items that are about to go out. That they may is on the disk then. To bring it there takes as long for many as for one,
    /// so it is done for those of about a second, where they were read already.
    pub(super) fn add(&self, indices: &[u64], pace: &mut Pace) -> io::Result<()> {
        let (ahead, hashed) = {
            let mut known = lock(&self.items);
            let (mut are_ahead, mut hashed) = (true, Vec::with_capacity(indices.len()));
            for index in indices {
                let (hash, is_ahead) = known.goes_out(*index);
                are_ahead &= is_ahead;
                hashed.push((*index, hash));
            }
            let ahead =
                if are_ahead { Vec::new() } else { known.put_ahead(indices, pace.a_second()) };
            pace.went_out += indices.len();
            (ahead, hashed)
        };
        let mut file = lock(&self.file);
        file.ahead(ahead.into_iter())?;
        file.add(hashed.into_iter())
    }

    /// Takes back items that did not go out after all. Those that an earlier run has handed out stay noted.
    pub(super) fn take_back(&self, indices: &[u64]) -> io::Result<()> {
        let back: Vec<_> = {
            let known = lock(&self.items);
            indices.iter().copied().filter(|index| known.may_come_back(*index)).collect()
        };
        lock(&self.file).take_back(&back)?;
        let mut known = lock(&self.items);
        for index in back {
            known.comes_back(index);
        }
        Ok(())
    }

    /// Forgets an item, which has a record now.
    pub(super) fn is_recorded(&self, index: u64) {
        lock(&self.items).is_recorded(index);
    }

    /// Removes the file, unless an item is out.
    pub(super) fn end(&self) {
        if !lock(&self.items).has_out() {
            // It is not needed to go on: items with a record are done.
            let _ = lock(&self.file).clear();
        }
    }
}

/// Nothing inside the locks can panic half-way, so what a poisoned one holds is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
