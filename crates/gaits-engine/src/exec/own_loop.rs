//! Work that brings an event loop of its own: the loop runs on the calling thread, and gets its items from here.

use super::Context;
use super::sessions::failed;
use super::worker::{Attempt, Next, Span, Worker, begin_span, panic_message};
use gaits_core::{ErrorKind, HostItem, Item, LoopHost, LoopWork, Performed, Reply, SessionError};
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, Waker};
use tokio_util::sync::WaitForCancellationFutureOwned;

/// Runs `work` with up to `slots` items in flight, until the item queue has ended or the run was abandoned. A loop that
/// breaks off is started again; what it had in flight fails.
pub(super) fn run(cx: &Context, work: &dyn LoopWork, slots: NonZeroU32) {
    let mut host = Host::new(cx, slots);
    while !host.ended {
        host.taken = 0;
        let ran = catch_unwind(AssertUnwindSafe(|| work.run(slots.get(), cx.session, &mut host)));
        let broken = match ran {
            Ok(Ok(())) => {
                let message = "the work's event loop ended without an answer for this item";
                failed(ErrorKind::Panic, message)
            }
            Ok(Err(SessionError::Failed(error) | SessionError::Exhausted(error))) => {
                Attempt::Replied(Reply::Done(Performed::failed(error, None)))
            }
            Err(panic) => Attempt::Panicked(panic_message(panic.as_ref())),
        };
        if host.abandoned {
            return;
        }
        host.fail_in_flight(&broken);
        // Nothing of it is in flight, so none of its slots is left.
        host.ended |= host.free.is_empty();
        if host.taken == 0 && !host.ended {
            // It breaks off before it takes anything: that is the failure of whichever item comes next.
            match cx.queue.next_blocking(|| cx.out.idle()) {
                Some(item) => {
                    let slot = host.start(item);
                    host.finish(slot, broken, 0);
                }
                None => host.ended = true,
            }
        }
    }
}

type NextItem<'a> = Pin<Box<dyn Future<Output = Option<Item>> + 'a>>;

/// Gives a loop its items.
struct Host<'a> {
    cx: &'a Context,
    /// The wait for the next item.
    next: Option<NextItem<'a>>,
    workers: Vec<Worker<'a>>,
    in_flight: Vec<Option<(Item, Span)>>,
    free: Vec<u32>,
    /// Set while the loop waits for an answer: woken where that can come from here and not from the item queue.
    waits: Option<Waker>,
    /// Items that are to be tried once more.
    again: Vec<Item>,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    /// How many items the loop has taken since it was started.
    taken: u64,
    ended: bool,
    abandoned: bool,
}

impl<'a> Host<'a> {
    fn new(cx: &'a Context, slots: NonZeroU32) -> Self {
        Self {
            cx,
            next: None,
            workers: (0..slots.get()).map(|slot| Worker::new(cx, slot)).collect(),
            in_flight: (0..slots.get()).map(|_| None).collect(),
            free: (0..slots.get()).rev().collect(),
            waits: None,
            again: Vec::new(),
            cancelled: Box::pin(cx.cancel.clone().cancelled_owned()),
            taken: 0,
            ended: false,
            abandoned: false,
        }
    }

    /// Puts `item` into a slot. There must be a free one.
    fn start(&mut self, item: Item) -> u32 {
        let Some(slot) = self.free.pop() else {
            panic!("an item was taken for the work's event loop, and no slot is free");
        };
        let at = slot as usize;
        self.workers[at].starts(&item);
        self.in_flight[at] = Some((item, begin_span(self.cx.clock.as_ref())));
        slot
    }

    fn hand_over(&mut self, item: Item) -> HostItem {
        self.taken += 1;
        let slot = self.start(item.clone());
        HostItem::Item { slot, item }
    }

    fn finish(&mut self, slot: u32, attempt: Attempt, cpu_us: u64) {
        let at = slot as usize;
        let Some((item, span)) = self.in_flight.get_mut(at).and_then(Option::take) else {
            panic!("the work's event loop answers for slot {slot}, which has no item");
        };
        let span = span.end(self.cx.clock.as_ref(), cpu_us);
        match self.workers[at].settle(item, attempt, span) {
            Next::Item => self.free.push(slot),
            Next::Again(item, _) => {
                self.again.push(item);
                self.free.push(slot);
            }
            // The slot stays empty.
            Next::Retire => {}
        }
        if self.free.is_empty() {
            // No item can be taken now. What the wait was woken for wakes another worker.
            self.next = None;
        }
        // The loop may wait for a slot that is free now, for an item to be tried once more, or to hear that no slot is left.
        if (self.next.is_none() || !self.again.is_empty())
            && let Some(waker) = self.waits.take()
        {
            waker.wake();
        }
    }

    /// The answer while no slot is free. An item must not be taken then: there is no place for it.
    fn wait_for_slot(&mut self, cx: &TaskContext<'_>) -> Poll<HostItem> {
        if self.in_flight.iter().all(Option::is_none) {
            // All slots have retired, and other loops of this process do the rest.
            self.ended = true;
            return Poll::Ready(HostItem::End);
        }
        self.waits = Some(cx.waker().clone());
        Poll::Pending
    }

    fn fail_in_flight(&mut self, broken: &Attempt) {
        for slot in 0..self.workers.len() {
            if self.in_flight[slot].is_some() {
                let attempt = broken.same_failure();
                self.finish(u32::try_from(slot).unwrap_or(u32::MAX), attempt, 0);
            }
        }
    }
}

impl LoopHost for Host<'_> {
    fn poll_next(&mut self, cx: &mut TaskContext<'_>) -> Poll<HostItem> {
        if self.cancelled.as_mut().poll(cx).is_ready() {
            self.abandoned = true;
            return Poll::Ready(HostItem::Abandoned);
        }
        if self.free.is_empty() {
            return self.wait_for_slot(cx);
        }
        if let Some(item) = self.again.pop() {
            return Poll::Ready(self.hand_over(item));
        }
        let at = self.cx;
        let next = self.next.get_or_insert_with(|| Box::pin(at.queue.next(|| at.out.idle())));
        let Poll::Ready(next) = next.as_mut().poll(cx) else {
            self.waits = Some(cx.waker().clone());
            return Poll::Pending;
        };
        self.next = None;
        self.ended = next.is_none();
        Poll::Ready(next.map_or(HostItem::End, |item| self.hand_over(item)))
    }

    fn done(&mut self, slot: u32, reply: Reply, cpu_us: u64) {
        self.finish(slot, Attempt::Replied(reply), cpu_us);
    }
}
