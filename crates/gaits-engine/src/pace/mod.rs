//! When an item may be handed out, and how many may be out at a time.
//!
//! Items wait in a queue for each pacing key. The keys whose next item may be started stand in one order, by its place in
//! the input; those that have to wait for a time stand in another, by that time. So a key that has to wait keeps no other
//! from going on.
//!
//! Limit: it decides, and does nothing; the dispatcher asks it before it hands an item out and tells it what came back.

mod arrival;
mod hash;
mod held;
mod key;
mod meter;
mod reserve;
mod retries;
mod trials;
mod withdraw;

pub(crate) use key::{LetThrough, Pause};
pub(crate) use reserve::Reserve;

use crate::plan::Limits;
use arrival::Arrival;
use gaits_core::{Data, Item, Paced, PacingKey};
use hash::AlreadyHashed;
use key::{Key, Turn};
use meter::Meter;
use retries::Retries;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::fmt;
use std::hash::BuildHasherDefault;

/// The reserve lasts this long at the present pace, in microseconds: several times what a sleeping thread takes to
/// come round on a busy machine.
const RESERVE_US: u64 = 5_000;
/// The largest reserve.
const LARGEST_RESERVE: usize = 8_192;

/// The most items that wait to be handed out, where some keys have to wait, before no new ones are read.
const MOST_WAITING: usize = 64 * 1024;
/// The most bytes of them.
const MOST_WAITING_BYTES: usize = 32 * 1024 * 1024;

/// Tells what messages call the pacing key of an item.
pub(crate) type Namer = Box<dyn Fn(&Data) -> Box<str> + Send>;

/// Holds the items that are not handed out yet, and counts those that are.
pub(crate) struct Pacer {
    limits: Limits,
    name: Namer,
    keys: HashMap<PacingKey, Key, BuildHasherDefault<AlreadyHashed>>,
    /// So many keys are kept before those are looked for that can be forgotten.
    sweep_at: usize,
    now_us: u64,
    /// The keys whose next item may be started, by its index; and those whose next item may be at a known time, by that
    /// time. An entry that does not agree with its key any more is passed over.
    ready: BinaryHeap<Reverse<(u64, PacingKey)>>,
    later: BinaryHeap<Reverse<(u64, PacingKey)>>,
    retries: Retries,
    total: Option<Meter>,
    arrival: Option<Arrival>,
    /// How many items wait in the queues of keys, how many bytes they have, and how many of them are ready to go.
    waiting: usize,
    waiting_bytes: usize,
    ready_items: usize,
    /// Workers that can do an item each, how many the model has, and how many of those are missing.
    workers: usize,
    all_workers: usize,
    lost: usize,
    reserve: Reserve,
    outstanding: usize,
    /// Items of keys that were given up, by now.
    undone: u64,
    /// Those of them that nobody was told of yet.
    just_left: Vec<u64>,
    /// Those keys, with the time until which they want to be left alone.
    given_up: Vec<(Box<str>, u64)>,
    /// A key that belongs to others has been kept to the polite limit.
    is_polite: bool,
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer")
            .field("keys", &self.keys.len())
            .field("waiting", &self.waiting)
            .field("outstanding", &self.outstanding)
            .finish_non_exhaustive()
    }
}

impl Pacer {
    pub(crate) fn new(workers: usize, limits: Limits, name: Namer, now_us: u64) -> Self {
        Self {
            limits,
            name,
            keys: HashMap::default(),
            sweep_at: 1_024,
            now_us,
            ready: BinaryHeap::new(),
            later: BinaryHeap::new(),
            retries: Retries::default(),
            total: limits.total_rate.map(Meter::new),
            arrival: limits.arrival.map(Arrival::every),
            waiting: 0,
            waiting_bytes: 0,
            ready_items: 0,
            workers,
            all_workers: workers,
            lost: 0,
            reserve: Reserve::new(RESERVE_US, LARGEST_RESERVE, now_us),
            outstanding: 0,
            undone: 0,
            just_left: Vec::new(),
            given_up: Vec::new(),
            is_polite: false,
        }
    }

    /// Takes a new item.
    pub(crate) fn admit(&mut self, item: Item) {
        self.queue(item, VecDeque::push_back);
    }

    /// Takes an item back that was handed out and not done; it goes before the new ones.
    pub(crate) fn readmit(&mut self, item: Item) {
        self.outstanding -= 1;
        self.release(item.key);
        self.put_back(item);
    }

    /// Takes an item that was started at `started_us` and has failed, to be tried again after a while.
    pub(crate) fn retry(&mut self, item: Item, started_us: u64) {
        let key = Self::key(&mut self.keys, &self.name, &self.limits, &item);
        let given_up = key.given_up;
        // Before the item is counted as finished: a key that nothing is left of is forgotten then.
        key.retrying += usize::from(!given_up);
        self.finished(item.key, started_us);
        if given_up {
            self.leave(item.index);
        } else {
            self.retries.add(item, self.now_us);
        }
    }

    /// Takes an item that was answered with the wish to leave a key alone, and does so. It was started at `started_us`. The key
    /// is its own, or that `of` somebody else, with whom it is paced from now on.
    pub(crate) fn pause(
        &mut self,
        mut item: Item,
        started_us: u64,
        until_us: Option<u64>,
        of: Option<&Paced>,
    ) -> Pause {
        let longest = self.limits.longest_pause.unwrap_or_default();
        let longest_us = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        let key = if let Some(other) = of.filter(|of| PacingKey::of(&of.key) != item.key) {
            // Its own key has answered well.
            self.finished(item.key, started_us);
            (item.key, item.public) = (PacingKey::of(&other.key), other.public);
            let new = || Key::new(other.key.clone(), other.public, &self.limits);
            self.keys.entry(item.key).or_insert_with(new)
        } else {
            self.outstanding -= 1;
            let key = Self::key(&mut self.keys, &self.name, &self.limits, &item);
            key.in_flight = key.in_flight.saturating_sub(1);
            key
        };
        let id = item.key;
        let is_refused_again = key.is_refused_again(started_us);
        let pause = key.pause((started_us, self.now_us), until_us, longest_us);
        if let Pause::TooLong { until_us, is_new: true } = pause {
            self.given_up.push((key.name.clone(), until_us));
            let left = std::mem::take(&mut key.waiting);
            self.waiting -= left.len();
            self.waiting_bytes -= left.iter().map(|item| item.data.len()).sum::<usize>();
            self.undone += left.len() as u64;
            self.just_left.extend(left.iter().map(|item| item.index));
            // What was handed out of it comes back through `readmit`.
        }
        if key.given_up {
            self.leave(item.index);
            self.schedule(id);
        } else if is_refused_again {
            // Perhaps it is this item alone that is refused, and would keep all others from going.
            self.admit(item);
        } else {
            self.put_back(item);
        }
        pause
    }

    /// Takes an item that was answered with the wish for some time between two of its key, and sees to that. It was started
    /// at `started_us`. Tells whether the wish is new.
    pub(crate) fn space_out(&mut self, item: Item, started_us: u64, apart_us: u64) -> bool {
        self.outstanding -= 1;
        let key = Self::key(&mut self.keys, &self.name, &self.limits, &item);
        key.in_flight = key.in_flight.saturating_sub(1);
        let is_new = key.space_out(started_us, apart_us);
        self.put_back(item);
        is_new
    }

    /// Takes an item that was started at `started_us`, to be started again. The first start has counted as one of its key.
    pub(crate) fn start_again(&mut self, item: Item, started_us: u64) {
        self.space_out(item, started_us, 0);
    }

    /// What a key has let through, where that is worth telling: once, when it has asked for several pauses.
    pub(crate) fn let_through(&self, id: PacingKey) -> Option<LetThrough> {
        self.keys.get(&id).and_then(|key| key.let_through(self.now_us))
    }

    /// What messages call the pacing key of `item`.
    pub(crate) fn name_of(&self, item: &Item) -> Box<str> {
        self.keys.get(&item.key).map_or_else(|| (self.name)(&item.data), |key| key.name.clone())
    }

    /// Counts an item that came back for good. It was started at `started_us`.
    pub(crate) fn finished(&mut self, id: PacingKey, started_us: u64) {
        self.outstanding -= 1;
        self.reserve.count(1);
        if let Some(key) = self.keys.get_mut(&id) {
            key.answered(started_us, self.workers);
        }
        self.release(id);
    }

    /// So many workers are missing from now on. Tells how many are left.
    pub(crate) fn lose(&mut self, workers: usize) -> usize {
        self.lost += workers;
        self.workers = self.all_workers.saturating_sub(self.lost).max(1);
        self.workers
    }

    /// So many of the missing workers are there again.
    pub(crate) fn regain(&mut self, workers: usize) {
        self.lost = self.lost.saturating_sub(workers);
        self.workers = self.all_workers.saturating_sub(self.lost).max(1);
    }

    /// How many workers are missing.
    pub(crate) fn missing(&self) -> usize {
        self.all_workers.saturating_sub(self.workers)
    }

    /// The next item to hand out now, if there is one that may be.
    pub(crate) fn next(&mut self) -> Option<Item> {
        let is_metered = self.total.as_ref().is_some_and(|total| total.next_us() > self.now_us)
            || self.arrival.as_ref().is_some_and(|arrival| arrival.due_us() > self.now_us);
        if self.outstanding >= self.workers + self.reserve.size() || is_metered {
            return None;
        }
        loop {
            let Reverse((index, id)) = *self.ready.peek()?;
            let key = self.keys.get_mut(&id).filter(|key| key.turn == Turn::Ready(index));
            let Some(key) = key else {
                self.ready.pop();
                continue;
            };
            let is_limited = key.is_limited() || self.total.is_some() || self.arrival.is_some();
            if is_limited && self.outstanding >= self.workers {
                return None;
            }
            self.ready.pop();
            key.turn = Turn::None;
            let mut item = key.waiting.pop_front()?;
            key.start(self.now_us);
            item.apart_us = key.apart_us;
            self.is_polite |= item.public && key.is_at_its_limit() && !key.waiting.is_empty();
            self.waiting -= 1;
            self.waiting_bytes -= item.data.len();
            self.outstanding += 1;
            if let Some(total) = &mut self.total {
                total.start(self.now_us);
            }
            if let Some(arrival) = &mut self.arrival {
                item.due_us = Some(arrival.take());
            }
            self.schedule(id);
            return Some(item);
        }
    }

    /// Whether it is better to hand out more at a time a little later. The start of an item that may not be done twice is noted
    /// first, which takes as long for one as for many; and half of the reserve is enough meanwhile.
    pub(crate) fn may_wait(&self) -> bool {
        let Some(Reverse((index, id))) = self.ready.peek() else { return false };
        let next = self.keys.get(id).filter(|key| key.turn == Turn::Ready(*index));
        next.and_then(|key| key.waiting.front()).is_some_and(|item| !item.repeatable)
            && self.outstanding > self.workers + self.reserve.size() / 2
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now_us: u64) {
        self.now_us = now_us;
        self.reserve.tick(now_us);
        for item in self.retries.due(now_us) {
            if let Some(key) = self.keys.get_mut(&item.key) {
                key.retrying -= 1;
            }
            self.put_back(item);
        }
        while let Some(Reverse((at_us, id))) = self.later.peek().copied()
            && at_us <= now_us
        {
            self.later.pop();
            if self.keys.get(&id).is_some_and(|key| key.turn == Turn::Later(at_us)) {
                self.schedule(id);
            }
        }
    }

    /// When an item may be handed out that may not be now, if nothing else happens: in microseconds since the run began.
    pub(crate) fn wakes_us(&self) -> Option<u64> {
        let total_us = self.total.as_ref().map(Meter::next_us).filter(|_| !self.ready.is_empty());
        let has_worker = self.outstanding < self.workers;
        let later_us = self.later.peek().map(|Reverse((at_us, _))| *at_us);
        let arrival_us =
            self.arrival.as_ref().map(Arrival::due_us).filter(|_| !self.ready.is_empty());
        [total_us.max(arrival_us).filter(|_| has_worker), later_us, self.retries.next_us()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether new items should be read now: enough for what the workers take at their present pace, and no more. Where
    /// the items that are there have to wait, others are looked for behind them, up to a limit.
    pub(crate) fn is_hungry(&self) -> bool {
        self.ready_items <= self.workers.min(10_000) + self.reserve.size() && !self.is_full()
    }

    /// Whether as many items or bytes wait, for a worker or for their next try, as may be kept in memory.
    fn is_full(&self) -> bool {
        let bytes = self.waiting_bytes + self.retries.bytes();
        self.waiting() >= MOST_WAITING || bytes >= MOST_WAITING_BYTES
    }

    /// How many items are handed out.
    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// How many of those can be at work: no more than there are workers, the others are in reserve.
    pub(crate) fn in_flight(&self) -> usize {
        self.outstanding.min(self.workers)
    }

    /// How many wait to be handed out.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting + self.retries.len()
    }

    /// How many of those have failed, and wait to be tried again.
    pub(crate) fn retrying(&self) -> usize {
        self.retries.len()
    }

    /// How many items were left undone, since their keys want to be left alone for too long; and those keys.
    pub(crate) fn given_up(&self) -> (u64, &[(Box<str>, u64)]) {
        (self.undone, &self.given_up)
    }

    /// Whether a key that belongs to others had to wait because of the polite limit.
    pub(crate) fn is_polite(&self) -> bool {
        self.is_polite && self.limits.per_key.is_none() && self.limits.polite.is_some()
    }

    /// Forgets what is not handed out, and tells how many those were.
    pub(crate) fn clear(&mut self) -> usize {
        let left = self.waiting();
        self.ready.clear();
        self.later.clear();
        self.retries.clear();
        for key in self.keys.values_mut() {
            key.waiting.clear();
            (key.turn, key.ready_items, key.retrying) = (Turn::None, 0, 0);
        }
        (self.waiting, self.waiting_bytes, self.ready_items) = (0, 0, 0);
        left
    }

    /// Leaves an item undone, since its key was given up.
    fn leave(&mut self, index: u64) {
        self.undone += 1;
        self.just_left.push(index);
    }

    /// The items that were left undone since this was asked last, by their indices.
    pub(crate) fn just_left(&mut self) -> std::vec::Drain<'_, u64> {
        self.just_left.drain(..)
    }

    /// Puts an item before those that follow it in the input.
    fn put_back(&mut self, item: Item) {
        self.queue(item, |waiting, item| {
            let place = waiting.partition_point(|other| other.index < item.index);
            waiting.insert(place, item);
        });
    }

    fn queue(&mut self, item: Item, put: impl FnOnce(&mut VecDeque<Item>, Item)) {
        if self.keys.len() >= self.sweep_at {
            let now_us = self.now_us;
            self.keys.retain(|_, key| !key.is_idle(now_us));
            self.sweep_at = 1_024.max(2 * self.keys.len());
        }
        let id = item.key;
        let bytes = item.data.len();
        let key = Self::key(&mut self.keys, &self.name, &self.limits, &item);
        if key.given_up {
            self.leave(item.index);
            return;
        }
        put(&mut key.waiting, item);
        self.waiting += 1;
        self.waiting_bytes += bytes;
        self.schedule(id);
    }

    fn key<'k>(
        keys: &'k mut HashMap<PacingKey, Key, BuildHasherDefault<AlreadyHashed>>,
        name: &Namer,
        limits: &Limits,
        item: &Item,
    ) -> &'k mut Key {
        keys.entry(item.key).or_insert_with(|| Key::new(name(&item.data), item.public, limits))
    }

    /// Counts one less that is out.
    fn release(&mut self, id: PacingKey) {
        let many = self.keys.len() > 1;
        let Some(key) = self.keys.get_mut(&id) else { return };
        key.in_flight = key.in_flight.saturating_sub(1);
        if !key.waiting.is_empty() {
            self.schedule(id);
        } else if many && key.is_idle(self.now_us) {
            // With a key for each item, there would be as many of them as items.
            self.keys.remove(&id);
        }
    }

    /// Gives a key its place in the order, if it has one.
    fn schedule(&mut self, id: PacingKey) {
        let Some(key) = self.keys.get_mut(&id) else { return };
        let turn = match (key.waiting.front(), key.next_us()) {
            (Some(item), Some(at_us)) if at_us <= self.now_us => Turn::Ready(item.index),
            (Some(_), Some(at_us)) => Turn::Later(at_us),
            _ => Turn::None,
        };
        let ready_items = match turn {
            Turn::Ready(_) => key.may_go(),
            _ => 0,
        };
        self.ready_items = self.ready_items + ready_items - key.ready_items;
        key.ready_items = ready_items;
        if key.turn != turn {
            key.turn = turn;
            match turn {
                Turn::Ready(index) => self.ready.push(Reverse((index, id))),
                Turn::Later(at_us) => self.later.push(Reverse((at_us, id))),
                Turn::None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
