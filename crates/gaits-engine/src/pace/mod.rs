//! When an item may be handed out, and how many may be out at a time.
//!
//! Items wait in a queue for each pacing key. The keys whose next item may be started stand in one order, by its place in
//! the input; those that have to wait for a time stand in another, by that time. So a key that has to wait keeps no other
//! from going on.
//!
//! Limit: it decides, and does nothing; the dispatcher asks it before it hands an item out and tells it what came back.

mod held;
mod key;
mod meter;
mod reserve;
mod retries;

pub(crate) use key::{LetThrough, Pause};
pub(crate) use reserve::Reserve;

use crate::plan::Limits;
use gaits_core::{Data, Item, PacingKey};
use key::{Key, Turn};
use meter::Meter;
use retries::Retries;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

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
    /// Those keys, with the time until which they want to be left alone.
    given_up: Vec<(Box<str>, u64)>,
    /// A key that belongs to others has been kept to the polite limit.
    is_polite: bool,
}

/// A pacing key is a hash.
#[derive(Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Not called for a u64; right all the same.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
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
            waiting: 0,
            waiting_bytes: 0,
            ready_items: 0,
            workers,
            all_workers: workers,
            lost: 0,
            reserve: Reserve::new(RESERVE_US, LARGEST_RESERVE, now_us),
            outstanding: 0,
            undone: 0,
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
        self.finished(item.key, started_us);
        if self.keys.get(&item.key).is_some_and(|key| key.given_up) {
            self.undone += 1;
        } else {
            self.retries.add(item, self.now_us);
        }
    }

    /// Takes an item that was answered with the wish to leave its key alone, and does so. It was started at
    /// `started_us`.
    pub(crate) fn pause(&mut self, item: Item, started_us: u64, until_us: Option<u64>) -> Pause {
        let longest = self.limits.longest_pause.unwrap_or_default();
        let longest_us = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        self.outstanding -= 1;
        let id = item.key;
        let key = Self::key(&mut self.keys, &self.name, &self.limits, &item);
        key.in_flight = key.in_flight.saturating_sub(1);
        let pause = key.pause((started_us, self.now_us), until_us, longest_us);
        if let Pause::TooLong { until_us, is_new: true } = pause {
            self.given_up.push((key.name.clone(), until_us));
            let left = std::mem::take(&mut key.waiting);
            self.waiting -= left.len();
            self.waiting_bytes -= left.iter().map(|item| item.data.len()).sum::<usize>();
            self.undone += left.len() as u64;
            // What was handed out of it comes back through `readmit`.
        }
        self.undone += u64::from(key.given_up);
        if key.given_up {
            self.schedule(id);
        } else {
            self.put_back(item);
        }
        pause
    }

    /// What a key has let through, where that is worth telling: once, when it has asked for several pauses.
    pub(crate) fn let_through(&self, id: PacingKey) -> Option<LetThrough> {
        self.keys.get(&id).and_then(|key| key.let_through(self.now_us))
    }

    /// What messages call the pacing key of `item`.
    pub(crate) fn name_of(&self, item: &Item) -> Box<str> {
        self.keys.get(&item.key).map_or_else(|| (self.name)(&item.data), |key| key.name.clone())
    }

    /// Counts items that were handed out again by another way than [`Pacer::next`].
    pub(crate) fn handed_out(&mut self, items: usize) {
        self.outstanding += items;
    }

    /// Counts items that came back undone, and are kept elsewhere. They are still counted for their keys.
    pub(crate) fn taken_back(&mut self, items: usize) {
        self.outstanding -= items;
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
        let is_metered = self.total.as_ref().is_some_and(|total| total.next_us() > self.now_us);
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
            let is_limited = key.is_limited() || self.total.is_some();
            if is_limited && self.outstanding >= self.workers {
                return None;
            }
            self.ready.pop();
            key.turn = Turn::None;
            let item = key.waiting.pop_front()?;
            key.start(self.now_us);
            self.is_polite |= item.public && key.is_at_its_limit() && !key.waiting.is_empty();
            self.waiting -= 1;
            self.waiting_bytes -= item.data.len();
            self.outstanding += 1;
            if let Some(total) = &mut self.total {
                total.start(self.now_us);
            }
            self.schedule(id);
            return Some(item);
        }
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now_us: u64) {
        self.now_us = now_us;
        self.reserve.tick(now_us);
        for item in self.retries.due(now_us) {
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
        [total_us.filter(|_| has_worker), later_us, self.retries.next_us()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether new items should be read now: enough for what the workers take at their present pace, and no more. Where
    /// the items that are there have to wait, others are looked for behind them, up to a limit.
    pub(crate) fn is_hungry(&self) -> bool {
        self.ready_items <= self.workers.min(10_000) + self.reserve.size()
            && self.waiting_bytes < MOST_WAITING_BYTES
            && self.waiting() < MOST_WAITING
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
            (key.turn, key.ready_items) = (Turn::None, 0);
        }
        (self.waiting, self.waiting_bytes, self.ready_items) = (0, 0, 0);
        left
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
            self.undone += 1;
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
mod tests {
    use super::*;
    use crate::plan::Rate;
    use proptest::prelude::*;
    use std::num::NonZeroU32;
    use std::time::Duration;

    const SECOND: u64 = 1_000_000;

    /// A pacer for items whose text is their key, and those in capitals belong to others.
    fn pacer(workers: usize, limits: Limits) -> Pacer {
        Pacer::new(workers, limits, Box::new(|data| data.to_string().into()), 0)
    }

    fn item(index: u64, host: &str) -> Item {
        let mut item = Item::new(index, host);
        item.key = PacingKey::of(host);
        item.public = host.chars().all(char::is_uppercase);
        item
    }

    fn some(number: u32) -> Option<NonZeroU32> {
        NonZeroU32::new(number)
    }

    /// Hands out all that may be, and names the items by their indices.
    fn hand_out(pacer: &mut Pacer) -> Vec<u64> {
        std::iter::from_fn(|| pacer.next()).map(|item| item.index).collect()
    }

    #[derive(Debug, Clone)]
    enum Step {
        Admit(u8),
        HandOut(u8),
        Finish(u8),
        Readmit(u8),
        Retry(u8),
        Pause(u8, Option<u32>),
        Lose,
        Tick(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            any::<u8>().prop_map(Step::Admit),
            any::<u8>().prop_map(Step::HandOut),
            any::<u8>().prop_map(Step::Finish),
            (0..5_u8).prop_map(Step::Readmit),
            (0..5_u8).prop_map(Step::Retry),
            (0..3_u8, any::<Option<u32>>()).prop_map(|(n, us)| Step::Pause(n, us)),
            Just(Step::Lose),
            (0..3_000_000_u32).prop_map(Step::Tick),
        ]
    }

    fn limits() -> impl Strategy<Value = Limits> {
        let rate = (1..1_000_000_u64, 1..5_u32).prop_map(|(interval, burst)| Rate {
            interval: Duration::from_micros(interval),
            burst: NonZeroU32::new(burst).unwrap(),
        });
        let rate = prop::option::of(rate);
        (prop::option::of(1..6_u32), prop::option::of(1..6_u32), rate.clone(), rate).prop_map(
            |(per_key, polite, rate, total_rate)| Limits {
                per_key: per_key.and_then(NonZeroU32::new),
                polite: polite.and_then(NonZeroU32::new),
                rate,
                total_rate,
                longest_pause: Some(Duration::from_secs(1_000)),
                ..Limits::default()
            },
        )
    }

    const HOSTS: [&str; 4] = ["a", "b", "C", "D"];

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_limit_is_exceeded(
            workers in 1..50_usize,
            limits in limits(),
            steps in prop::collection::vec(step(), 0..80),
        ) {
            let mut pacer = pacer(workers, limits);
            let (mut admitted, mut finished, mut now_us) = (0_u64, 0_u64, 0);
            let mut out: Vec<Item> = Vec::new();
            let mut paused: HashMap<PacingKey, u64> = HashMap::new();
            for step in steps {
                match step {
                    Step::Admit(n) => for _ in 0..n {
                        let host = HOSTS[usize::try_from(admitted * 7 % 11 % 4).unwrap()];
                        pacer.admit(item(admitted, host));
                        admitted += 1;
                    },
                    Step::HandOut(n) => for _ in 0..n {
                        let Some(item) = pacer.next() else { break };
                        prop_assert!(paused.get(&item.key).is_none_or(|until| *until <= now_us));
                        let polite = if item.public { limits.polite } else { None };
                        let most = limits.per_key.or(polite).map_or(usize::MAX, |n| n.get() as usize);
                        out.push(item.clone());
                        let same = out.iter().filter(|other| other.key == item.key).count();
                        prop_assert!(same <= most);
                        prop_assert!(out.len() <= workers + LARGEST_RESERVE);
                    },
                    Step::Finish(n) => for _ in 0..n {
                        let Some(item) = out.pop() else { break };
                        pacer.finished(item.key, now_us);
                        finished += 1;
                    }
                    Step::Readmit(n) => for _ in 0..n {
                        let Some(item) = out.pop() else { break };
                        pacer.readmit(item);
                    },
                    Step::Retry(n) => for _ in 0..n {
                        let Some(item) = out.pop() else { break };
                        pacer.retry(Item { tries: item.tries + 1, ..item }, now_us);
                    },
                    Step::Pause(n, for_us) => for _ in 0..n {
                        let Some(item) = out.pop() else { break };
                        let (key, until_us) = (item.key, for_us.map(|us| now_us + u64::from(us)));
                        pacer.pause(item, now_us, until_us);
                        let until_us = until_us.unwrap_or(now_us + SECOND);
                        let known = paused.entry(key).or_default();
                        *known = until_us.max(*known);
                    },
                    Step::Lose => prop_assert!(pacer.lose(1) >= 1),
                    Step::Tick(us) => {
                        now_us += u64::from(us);
                        pacer.tick(now_us);
                    }
                }
                prop_assert_eq!(pacer.outstanding(), out.len());
                let (undone, _) = pacer.given_up();
                let all = pacer.waiting() as u64 + out.len() as u64 + finished + undone;
                prop_assert_eq!(all, admitted);
            }
            // Whatever came before, all that is not given up ends, if time passes and workers finish.
            for item in out {
                pacer.finished(item.key, now_us);
                finished += 1;
            }
            for _ in 0..100_000 {
                while let Some(item) = pacer.next() {
                    pacer.finished(item.key, now_us);
                    finished += 1;
                }
                let Some(wakes_us) = pacer.wakes_us() else { break };
                now_us = now_us.max(wakes_us);
                pacer.tick(now_us);
            }
            prop_assert_eq!(finished + pacer.given_up().0, admitted, "{:?}", pacer);
        }
    }

    #[test]
    fn long_items_are_read_ahead_by_their_bytes() {
        let mut pacer = pacer(10_000, Limits::default());
        let mut read = 0;
        while pacer.is_hungry() {
            pacer.admit(Item::new(read, "x".repeat(64 * 1024)));
            read += 1;
        }
        assert_eq!(read, 512);
        pacer.next().unwrap();
        assert!(pacer.is_hungry());
        pacer.clear();
        assert!(pacer.is_hungry());
    }

    #[test]
    fn slow_items_are_not_handed_out_ahead_and_quick_ones_are() {
        let mut pacer = pacer(2, Limits::default());
        for index in 0..10_000 {
            pacer.admit(item(index, "a"));
        }
        let key = PacingKey::of("a");
        let finish = |pacer: &mut Pacer, done: usize| {
            for _ in 0..done {
                pacer.finished(key, 0);
            }
        };
        assert_eq!(hand_out(&mut pacer), [0, 1]);
        finish(&mut pacer, 2);
        pacer.tick(SECOND);
        assert_eq!(hand_out(&mut pacer), [2, 3], "two a second");
        for ms in 1..=40 {
            let done = pacer.outstanding();
            finish(&mut pacer, done);
            pacer.tick(SECOND + ms * 10);
            hand_out(&mut pacer);
        }
        assert!(pacer.outstanding() > 500, "{} at 2 in 10 µs and rising", pacer.outstanding());
    }

    #[test]
    fn a_host_at_its_limit_keeps_no_other_from_going_and_order_is_that_of_the_input() {
        let mut pacer = pacer(100, Limits { per_key: some(2), ..Limits::default() });
        for index in 0..5 {
            pacer.admit(item(index, "a"));
        }
        for index in 5..8 {
            pacer.admit(item(index, "b"));
        }
        assert_eq!(hand_out(&mut pacer), [0, 1, 5, 6]);
        pacer.finished(PacingKey::of("b"), 0);
        pacer.finished(PacingKey::of("a"), 0);
        assert_eq!(hand_out(&mut pacer), [2, 7]);
    }

    #[test]
    fn only_those_who_belong_to_others_are_treated_politely() {
        let mut pacer = pacer(100, Limits { polite: some(3), ..Limits::default() });
        for index in 0..5 {
            pacer.admit(item(index, "a"));
        }
        assert_eq!(hand_out(&mut pacer).len(), 5);
        assert!(!pacer.is_polite());
        for index in 5..10 {
            pacer.admit(item(index, "A"));
        }
        assert_eq!(hand_out(&mut pacer).len(), 3);
        assert!(pacer.is_polite());
    }

    #[test]
    fn a_rate_is_kept_for_each_key_and_one_for_all() {
        let every = |ms| Some(Rate { interval: Duration::from_millis(ms), burst: NonZeroU32::MIN });
        let mut pacer = pacer(100, Limits { rate: every(100), ..Limits::default() });
        for index in 0..6 {
            pacer.admit(item(index, if index < 3 { "a" } else { "b" }));
        }
        pacer.tick(SECOND);
        assert_eq!(hand_out(&mut pacer), [0, 3]);
        assert_eq!(pacer.wakes_us(), Some(SECOND + 100_000));
        pacer.tick(SECOND + 100_000);
        assert_eq!(hand_out(&mut pacer), [1, 4]);

        let mut pacer = self::pacer(100, Limits { total_rate: every(100), ..Limits::default() });
        for index in 0..6 {
            pacer.admit(item(index, if index < 3 { "a" } else { "b" }));
        }
        pacer.tick(SECOND);
        assert_eq!(hand_out(&mut pacer), [0]);
        assert_eq!(pacer.wakes_us(), Some(SECOND + 100_000));
    }

    #[test]
    fn after_a_pause_one_goes_first_and_then_ever_more() {
        let longest_pause = Some(Duration::from_hours(1));
        let mut pacer = pacer(8, Limits { longest_pause, ..Limits::default() });
        for index in 0..40 {
            pacer.admit(item(index, "a"));
        }
        pacer.tick(SECOND);
        let mut out: Vec<_> = std::iter::from_fn(|| pacer.next()).collect();
        assert_eq!(out.len(), 8);
        let until_us = 3 * SECOND;
        let refused = out.remove(0);
        let begun = pacer.pause(refused, SECOND, Some(until_us));
        assert_eq!(begun, Pause::Begun { until_us });
        for item in out {
            assert_eq!(pacer.pause(item, SECOND, Some(until_us)), Pause::GoesOn);
        }
        assert!(pacer.next().is_none());
        assert_eq!(pacer.wakes_us(), Some(until_us));
        assert_eq!(pacer.held(true).paused, [("a".to_owned(), until_us)]);
        pacer.tick(until_us);
        let key = PacingKey::of("a");
        for expected in [1, 2, 4, 8] {
            let out = hand_out(&mut pacer);
            assert_eq!(out.len(), expected);
            for _ in out {
                pacer.finished(key, until_us);
            }
        }
    }

    #[test]
    fn after_some_pauses_it_is_known_how_much_goes_through() {
        let longest_pause = Some(Duration::from_hours(1));
        let mut pacer = pacer(1, Limits { longest_pause, ..Limits::default() });
        for index in 0..100 {
            pacer.admit(item(index, "a"));
        }
        let key = PacingKey::of("a");
        let mut told = Vec::new();
        // A burst comes first; then ten items between two pauses, which are 2 s apart.
        for (round, items) in (0..7).zip([40, 10, 10, 10, 10, 10, 9]) {
            let now_us = 2 * SECOND * round;
            pacer.tick(now_us);
            for _ in 0..items {
                let item = pacer.next().unwrap();
                pacer.finished(item.key, now_us);
            }
            let refused = pacer.next().unwrap();
            pacer.pause(refused, now_us, Some(now_us + SECOND));
            told.push(pacer.let_through(key));
        }
        let seen = LetThrough { items: 40, in_us: 8 * SECOND };
        assert_eq!(told, [None, None, None, None, Some(seen), None, None]);
    }

    #[test]
    fn who_wants_to_be_left_alone_for_too_long_is_given_up_and_the_others_go_on() {
        let longest_pause = Some(Duration::from_secs(10));
        let mut pacer = pacer(8, Limits { longest_pause, ..Limits::default() });
        for index in 0..10 {
            pacer.admit(item(index, if index % 2 == 0 { "a" } else { "b" }));
        }
        let first = pacer.next().unwrap();
        let until_us = 11 * SECOND;
        let pause = pacer.pause(first, 0, Some(until_us));
        assert_eq!(pause, Pause::TooLong { until_us, is_new: true });
        assert_eq!(pacer.given_up(), (5, &[("a".into(), until_us)][..]));
        pacer.admit(item(10, "a"));
        assert_eq!(pacer.given_up().0, 6);
        assert_eq!(hand_out(&mut pacer), [1, 3, 5, 7, 9]);
    }

    #[test]
    fn who_never_stops_to_ask_for_pauses_is_given_up() {
        let longest_pause = Some(Duration::from_mins(1));
        for named_us in [None, Some(0)] {
            let mut pacer = pacer(8, Limits { longest_pause, ..Limits::default() });
            pacer.admit(item(0, "a"));
            let (mut now_us, mut pauses) = (0, 0);
            while let Some(item) = pacer.next() {
                pacer.pause(item, now_us, named_us.map(|us: u64| us + now_us));
                pauses += 1;
                if let Some(wakes_us) = pacer.wakes_us() {
                    now_us = wakes_us;
                    pacer.tick(now_us);
                }
            }
            assert_eq!(pacer.given_up().0, 1);
            assert!((5..10).contains(&pauses), "{pauses} pauses");
        }
    }

    #[test]
    fn keys_of_which_nothing_is_left_are_forgotten() {
        let mut pacer = pacer(8, Limits::default());
        for index in 0..5_000 {
            pacer.admit(item(index, &format!("host-{index}")));
            let item = pacer.next().unwrap();
            pacer.finished(item.key, 0);
        }
        assert!(pacer.keys.len() <= 1, "{} keys", pacer.keys.len());
    }

    #[test]
    fn those_that_are_the_last_are_named() {
        let mut pacer = pacer(8, Limits::default());
        pacer.admit(item(0, "a"));
        assert!(pacer.next().is_some());
        assert!(pacer.held(false).waits_for.is_empty());
        assert_eq!(pacer.held(true).waits_for, ["a"]);
    }
}
