//! When an item may be handed out, and how many may be out at a time.
//!
//! Limit: it decides, and does nothing; the dispatcher asks it before it hands an item out and tells it what came back.

mod reserve;

pub(crate) use reserve::Reserve;

use gaits_core::Item;
use std::collections::VecDeque;

/// The reserve lasts this long at the present pace, in microseconds: several times what a sleeping thread takes to
/// come round on a busy machine.
const RESERVE_US: u64 = 5_000;
/// The largest reserve.
const LARGEST_RESERVE: usize = 8_192;

/// The most bytes of items that wait to be handed out before no new ones are read.
const MOST_WAITING_BYTES: usize = 32 * 1024 * 1024;

/// Holds the items that are not handed out yet, and counts those that are.
#[derive(Debug)]
pub(crate) struct Pacer {
    ready: VecDeque<Item>,
    /// How many bytes these items have.
    ready_bytes: usize,
    /// Workers that can do an item each.
    workers: usize,
    reserve: Reserve,
    outstanding: usize,
}

impl Pacer {
    pub(crate) fn new(workers: usize, now_us: u64) -> Self {
        let reserve = Reserve::new(RESERVE_US, LARGEST_RESERVE, now_us);
        Self { ready: VecDeque::new(), ready_bytes: 0, workers, reserve, outstanding: 0 }
    }

    /// Takes a new item.
    pub(crate) fn admit(&mut self, item: Item) {
        self.ready_bytes += item.data.len();
        self.ready.push_back(item);
    }

    /// Takes an item back that was handed out and not done; it goes before the new ones.
    pub(crate) fn readmit(&mut self, item: Item) {
        self.outstanding -= 1;
        self.ready_bytes += item.data.len();
        self.ready.push_front(item);
    }

    /// Counts items that were handed out by another way than [`Pacer::next`].
    pub(crate) fn handed_out(&mut self, items: usize) {
        self.outstanding += items;
    }

    /// Counts items that came back undone, and are kept elsewhere.
    pub(crate) fn taken_back(&mut self, items: usize) {
        self.outstanding -= items;
    }

    /// Counts `done` items that came back for good.
    pub(crate) fn finished(&mut self, done: usize) {
        self.outstanding -= done;
        self.reserve.count(done);
    }

    /// So many workers are missing from now on. Tells how many are left.
    pub(crate) fn lose(&mut self, workers: usize) -> usize {
        self.workers = self.workers.saturating_sub(workers).max(1);
        self.workers
    }

    /// The next item to hand out now, if there is one that may be.
    pub(crate) fn next(&mut self) -> Option<Item> {
        if self.outstanding >= self.workers + self.reserve.size() {
            return None;
        }
        let item = self.ready.pop_front()?;
        self.ready_bytes -= item.data.len();
        self.outstanding += 1;
        Some(item)
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now_us: u64) {
        self.reserve.tick(now_us);
    }

    /// Whether new items should be read now: enough for what the workers take at their present pace, and no more.
    pub(crate) fn is_hungry(&self) -> bool {
        self.ready_bytes < MOST_WAITING_BYTES
            && self.ready.len() <= self.workers.min(10_000) + self.reserve.size()
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
        self.ready.len()
    }

    /// Forgets what is not handed out, and tells how many those were.
    pub(crate) fn clear(&mut self) -> usize {
        let left = self.ready.len();
        self.ready.clear();
        self.ready_bytes = 0;
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Admit(u8),
        HandOut(u8),
        Finish(u8),
        Readmit(u8),
        Retire,
        Tick(u16),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            any::<u8>().prop_map(Step::Admit),
            any::<u8>().prop_map(Step::HandOut),
            any::<u8>().prop_map(Step::Finish),
            any::<u8>().prop_map(Step::Readmit),
            Just(Step::Retire),
            any::<u16>().prop_map(Step::Tick),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_more_is_out_than_allowed(
            workers in 1..50_usize,
            steps in prop::collection::vec(step(), 0..60),
        ) {
            let mut pacer = Pacer::new(workers, 0);
            let (mut admitted, mut finished, mut now_us) = (0, 0, 0);
            let mut out: Vec<Item> = Vec::new();
            for step in steps {
                match step {
                    Step::Admit(n) => for _ in 0..n {
                        pacer.admit(Item::new(admitted, "x"));
                        admitted += 1;
                    },
                    Step::HandOut(n) => for _ in 0..n {
                        let Some(item) = pacer.next() else { break };
                        out.push(item);
                        prop_assert!(out.len() <= workers + LARGEST_RESERVE);
                    },
                    Step::Finish(n) => {
                        let n = usize::from(n).min(out.len());
                        out.truncate(out.len() - n);
                        pacer.finished(n);
                        finished += n;
                    }
                    Step::Readmit(n) => for _ in 0..n {
                        let Some(item) = out.pop() else { break };
                        pacer.readmit(item);
                    },
                    Step::Retire => prop_assert!(pacer.lose(1) >= 1),
                    Step::Tick(us) => {
                        now_us += u64::from(us);
                        pacer.tick(now_us);
                    }
                }
                prop_assert_eq!(pacer.outstanding(), out.len());
                prop_assert_eq!(pacer.waiting() + out.len() + finished, usize::try_from(admitted).unwrap());
            }
        }
    }

    #[test]
    fn long_items_are_read_ahead_by_their_bytes() {
        let mut pacer = Pacer::new(10_000, 0);
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
        let mut pacer = Pacer::new(2, 0);
        for index in 0..10_000 {
            pacer.admit(Item::new(index, "x"));
        }
        let hand_out = |pacer: &mut Pacer| std::iter::from_fn(|| pacer.next()).count();
        assert_eq!(hand_out(&mut pacer), 2);
        pacer.finished(2);
        pacer.tick(1_000_000);
        assert_eq!(hand_out(&mut pacer), 2, "two a second");
        for ms in 1..=40 {
            let done = pacer.outstanding();
            pacer.finished(done);
            pacer.tick(1_000_000 + ms * 10);
            hand_out(&mut pacer);
        }
        assert!(pacer.outstanding() > 500, "{} at 2 in 10 µs and rising", pacer.outstanding());
    }
}
