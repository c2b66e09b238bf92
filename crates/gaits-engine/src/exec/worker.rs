//! What every worker does around an item: notes that it starts it, survives its panic, stamps it, reports it.

use super::Context;
use super::start_log::Slot;
use crate::flow::Report;
use gaits_core::{
    Advice, AsyncSession, BlockingSession, Clock, ErrorKind, Item, ItemError, PacingKey, Performed,
    Record, Reply, Timing, WorkerId,
};
use std::any::Any;
use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

/// How often the last worker tries an item again that finds no file descriptor left, and how long it waits at first; twice as long
/// each time, a quarter of a second in all. The others have just retired, and may not have let go of theirs yet.
const MOST_TRIES: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_millis(1);

/// What came of an item, panics included.
#[derive(Debug)]
pub(super) enum Attempt {
    /// The work returned.
    Replied(Reply),
    /// It panicked with this message.
    Panicked(String),
}

impl Attempt {
    /// Whether the session it ran in must be replaced: a panic may have left it in any state, and one that ran out of
    /// file descriptors has to let go of those it holds.
    pub(super) fn spoils_session(&self) -> bool {
        !matches!(self, Attempt::Replied(Reply::Done(_)))
    }

    /// Whether the work panicked.
    pub(super) fn is_panic(&self) -> bool {
        matches!(self, Attempt::Panicked(_))
    }

    /// The same failure, for another item that met it as well.
    pub(super) fn same_failure(&self) -> Self {
        let error = match self {
            Attempt::Panicked(message) => return Attempt::Panicked(message.clone()),
            Attempt::Replied(Reply::Exhausted(error)) => error.clone(),
            Attempt::Replied(Reply::Done(performed)) => match &performed.outcome {
                Err(error) => error.clone(),
                Ok(()) => ItemError::new(ErrorKind::Panic, "it ended without an answer"),
            },
        };
        Attempt::Replied(Reply::Done(Performed::failed(error, None)))
    }

    fn from_panic(panic: &(dyn Any + Send)) -> Self {
        Attempt::Panicked(panic_message(panic))
    }
}

/// What a panic says.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "the work panicked".into())
}

/// When an item ran, and which thread did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    started_us: u64,
    finished_us: u64,
    cpu_us: u64,
    tid: u32,
    /// Whether it has waited, so that others had their turn.
    waited: bool,
}

impl Span {
    /// Whether the item has waited for something, as a request waits for its answer.
    pub(super) const fn has_waited(&self) -> bool {
        self.waited
    }

    /// It ends now, having taken `cpu_us` of CPU time.
    pub(super) fn end(self, clock: &dyn Clock, cpu_us: u64) -> Self {
        Self { finished_us: clock.now_us(), cpu_us, ..self }
    }
}

/// What begins now, on this thread.
pub(super) fn begin_span(clock: &dyn Clock) -> Span {
    Span { started_us: clock.now_us(), finished_us: 0, cpu_us: 0, tid: tid(), waited: false }
}

/// Of an item that could not even begin.
pub(super) fn no_span(clock: &dyn Clock) -> Span {
    begin_span(clock).end(clock, 0)
}

/// Performs `item` on this thread.
pub(super) fn perform_blocking(
    session: &mut dyn BlockingSession,
    item: &Item,
    clock: &dyn Clock,
) -> (Attempt, Span) {
    let cpu_us = clock.thread_cpu_us();
    let started_us = clock.now_us();
    let attempt = match catch_unwind(AssertUnwindSafe(|| session.perform(item))) {
        Ok(reply) => Attempt::Replied(reply),
        Err(panic) => Attempt::from_panic(panic.as_ref()),
    };
    let finished_us = clock.now_us();
    let cpu_us = clock.thread_cpu_us().saturating_sub(cpu_us);
    (attempt, Span { started_us, finished_us, cpu_us, tid: tid(), waited: false })
}

/// Performs an item as a task among others: its CPU time is the time its polls took.
pub(super) async fn perform_async(
    session: &dyn AsyncSession,
    item: &Item,
    clock: &dyn Clock,
) -> (Attempt, Span) {
    let mut span = begin_span(clock);
    let call = AssertUnwindSafe((session, item));
    let begun = catch_unwind(move || {
        let AssertUnwindSafe((session, item)) = { call };
        session.perform(item)
    });
    let mut future = match begun {
        Ok(future) => future,
        Err(panic) => {
            span.finished_us = clock.now_us();
            span.cpu_us = span.finished_us.saturating_sub(span.started_us);
            return (Attempt::from_panic(panic.as_ref()), span);
        }
    };
    // Set while the item waits: the next poll reads the clock anew.
    let mut resumed_us = Some(span.started_us);
    let attempt = poll_fn(|cx| {
        let polled_us = resumed_us.take().unwrap_or_else(|| clock.now_us());
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        span.finished_us = clock.now_us();
        span.cpu_us += span.finished_us.saturating_sub(polled_us);
        match polled {
            Ok(Poll::Ready(reply)) => Poll::Ready(Attempt::Replied(reply)),
            Ok(Poll::Pending) => {
                span.waited = true;
                Poll::Pending
            }
            Err(panic) => Poll::Ready(Attempt::from_panic(panic.as_ref())),
        }
    })
    .await;
    (attempt, span)
}

/// Performs an item as the only task of its thread: its CPU time is the thread's.
pub(super) async fn perform_alone(
    session: &dyn AsyncSession,
    item: &Item,
    clock: &dyn Clock,
) -> (Attempt, Span) {
    let cpu_us = clock.thread_cpu_us();
    let (attempt, mut span) = perform_async(session, item, clock).await;
    span.cpu_us = clock.thread_cpu_us().saturating_sub(cpu_us);
    (attempt, span)
}

/// What a worker does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Take another item.
    Item,
    /// Try this one again in a fresh session, after this time.
    Again(Item, Duration),
    /// End, and leave the rest to the others.
    Retire,
}

/// What a worker keeps beside its session.
#[derive(Debug)]
pub(super) struct Worker<'a> {
    cx: &'a Context,
    pid: u32,
    slot: u32,
    log: Option<Slot>,
    /// How often the item at hand has found no file descriptor left, with nobody else to make room.
    tries: Cell<u32>,
    /// The item before has waited for one in vain.
    in_vain: Cell<bool>,
}

impl<'a> Worker<'a> {
    /// The worker in `slot` of its event loop, or 0 on a plain thread.
    pub(super) fn new(cx: &'a Context, slot: u32) -> Self {
        let log = cx.start_log.as_ref().map(Slot::claim);
        Self {
            cx,
            pid: std::process::id(),
            slot,
            log,
            tries: Cell::default(),
            in_vain: Cell::default(),
        }
    }

    /// To be called before an item is performed, so that a crash can be laid to it.
    pub(super) fn starts(&self, item: &Item) {
        if let Some(log) = &self.log {
            log.note(item);
        }
    }

    /// Reports an item. Where the session was spoilt, it must have been closed by now.
    pub(super) fn settle(&self, item: Item, attempt: Attempt, span: Span) -> Next {
        let mut performed = match attempt {
            Attempt::Replied(Reply::Done(performed)) => {
                self.in_vain.set(false);
                performed
            }
            Attempt::Replied(Reply::Exhausted(error)) => {
                if self.cx.workers_left.retire() {
                    // Another worker of this process may come to hold the item, and die before it starts it.
                    if let Some(log) = &self.log {
                        log.clear();
                    }
                    self.cx.out.report(Report::Exhausted(item, error));
                    self.cx.out.idle();
                    return Next::Retire;
                }
                let tries = self.tries.get();
                if tries < if self.in_vain.get() { 1 } else { MOST_TRIES } {
                    self.tries.set(tries + 1);
                    return Next::Again(item, FIRST_WAIT * 2_u32.pow(tries));
                }
                self.in_vain.set(true);
                Performed::failed(error, None)
            }
            Attempt::Panicked(message) => {
                Performed::failed(ItemError::new(ErrorKind::Panic, message), None)
            }
        };
        self.tries.set(0);
        let worker = WorkerId { pid: self.pid, tid: span.tid, slot: self.slot };
        let timing = Timing {
            due_us: item.due_us,
            queued_us: item.queued_us,
            started_us: span.started_us,
            finished_us: span.finished_us,
            cpu_us: span.cpu_us,
        };
        let advice = std::mem::take(&mut performed.advice);
        let key = item.key;
        // What is taken back: at once, and not only when the dispatcher comes round, since nothing more of the key is to be
        // started.
        let recalled = match &advice {
            Advice::Pause { of: Some(other), .. } => Some(PacingKey::of(&other.key)),
            Advice::Pause { of: None, .. } | Advice::Space { .. } => Some(key),
            _ => None,
        };
        let report = if advice == Advice::Final {
            if let Some(log) = &self.log {
                log.finished(&item);
            }
            Report::Done { record: Record::performed(item, performed, worker, timing), key }
        } else {
            // Should it come to this process again, what is noted would tell of another time.
            if let Some(log) = &self.log {
                log.clear();
            }
            let kept = Box::new(item.clone());
            let record = Record::performed(item, performed, worker, timing);
            Report::Advised { record, advice, item: kept }
        };
        self.cx.out.report(report);
        if recalled.is_some() && self.cx.heeds_pauses {
            let back = self.cx.queue.recall(recalled).into_iter().map(Report::Unstarted);
            self.cx.out.reports(back.collect());
        }
        Next::Item
    }
}

thread_local! {
    /// The kernel's id of this thread, asked for once.
    static TID: u32 = nix::unistd::gettid().as_raw().unsigned_abs();
}

fn tid() -> u32 {
    TID.with(|tid| *tid)
}
