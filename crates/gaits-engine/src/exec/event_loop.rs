//! One event loop on the calling thread, with up to N items in flight.

use super::worker::{Attended, Next, Span, Worker, attend_alone, attend_async, attend_blocking};
use super::{Context, Executor, ExecutorError};
use crate::flow::Report;
use gaits_core::{BlockingSession, Item, Session};
use std::fs::File;
use std::io;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::task::{JoinSet, coop};

/// One event loop, with a worker for each item that may be in flight.
///
/// Blocking work blocks the loop, unless there is a pool to hand it to.
#[derive(Debug)]
pub(crate) struct EventLoop {
    in_flight: NonZeroU32,
    blocking: Blocking,
}

/// Where an event loop runs blocking work.
#[derive(Debug, Clone, Copy)]
pub(super) enum Blocking {
    /// On the loop's own thread: everything else on it waits.
    OnLoop,
    /// On this many pool threads.
    OnPool(NonZeroU32),
}

impl EventLoop {
    pub(crate) fn new(in_flight: NonZeroU32) -> Self {
        Self { in_flight, blocking: Blocking::OnLoop }
    }

    pub(crate) fn with_pool(in_flight: NonZeroU32, threads: NonZeroU32) -> Self {
        Self { in_flight, blocking: Blocking::OnPool(threads) }
    }

    /// A loop that never holds more than one item.
    pub(crate) fn single() -> Self {
        Self::new(NonZeroU32::MIN)
    }
}

impl Executor for EventLoop {
    fn run(&self, cx: &Context) -> Result<(), ExecutorError> {
        match runtime(self.blocking) {
            Ok(runtime) => {
                self.drive(runtime, cx, None);
                Ok(())
            }
            Err(error) => cx.fewer(self.in_flight.get() as usize, ExecutorError::EventLoop(error)),
        }
    }
}

/// How many file descriptors the runtime of an event loop opens, and one to spare.
const DESCRIPTORS: usize = 6;

/// The runtime of one event loop.
pub(super) fn runtime(blocking: Blocking) -> io::Result<LocalRuntime> {
    // Some of what tokio opens it takes for granted, and panics without; so a lack is found out before.
    let spare: io::Result<Vec<_>> = (0..DESCRIPTORS).map(|_| File::open("/dev/null")).collect();
    drop(spare?);
    let mut builder = Builder::new_current_thread();
    builder.enable_all().thread_name("pool");
    if let Blocking::OnPool(threads) = blocking {
        builder.max_blocking_threads(threads.get() as usize);
    }
    builder.build_local(LocalOptions::default())
}

impl EventLoop {
    /// Runs the loop to its end. A session that was opened in `runtime` already becomes the first worker's.
    pub(super) fn drive(&self, runtime: LocalRuntime, cx: &Context, first: Option<Session>) {
        let cx = Rc::new(cx.clone());
        runtime.block_on(async {
            let mut workers = JoinSet::new();
            let mut first = first;
            for _ in 0..self.in_flight.get() {
                let session = first.take().unwrap_or_else(|| cx.work.open());
                let alone = self.in_flight == NonZeroU32::MIN;
                workers.spawn_local(work(Rc::clone(&cx), session, self.blocking, alone));
            }
            tokio::select! {
                () = cx.cancel.cancelled() => workers.abort_all(),
                () = all(&mut workers) => {}
            }
        });
        // A pool thread that still computes for an abandoned run is not waited for.
        runtime.shutdown_background();
    }
}

async fn all(workers: &mut JoinSet<()>) {
    while let Some(ended) = workers.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            // Works' panics are caught where they are run, so this one is ours.
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

/// One worker: an in-flight slot of the loop.
async fn work(cx: Rc<Context>, session: Session, blocking: Blocking, alone: bool) {
    let clock = cx.clock.as_ref();
    let worker = Worker::new(&cx);
    let seat = cx.feed.seat();
    let mut session = session;
    let mut again = None;
    loop {
        let next = match again.take() {
            Some(item) => Some(item),
            None => seat.next(|| cx.out.idle()).await,
        };
        let Some(mut item) = next else { break };
        worker.starts(&item);
        let attended;
        let span;
        (session, item, attended, span) = match (session, blocking) {
            (Session::Async(mut session), _) => {
                let (attended, span) = if alone {
                    attend_alone(session.as_mut(), &item, clock).await
                } else {
                    attend_async(session.as_mut(), &item, clock).await
                };
                (Session::Async(session), item, attended, span)
            }
            (Session::Blocking(mut session), Blocking::OnLoop) => {
                let (attended, span) = attend_blocking(session.as_mut(), &item, clock);
                (Session::Blocking(session), item, attended, span)
            }
            (Session::Blocking(session), Blocking::OnPool(_)) => {
                match attend_on_pool(&cx, session, item).await {
                    OnPool::Attended(session, item, attended, span) => {
                        (Session::Blocking(session), item, attended, span)
                    }
                    OnPool::Unstarted(item) => {
                        cx.out.report(Report::Unstarted(item));
                        break;
                    }
                    OnPool::Abandoned => break,
                }
            }
        };
        let kept = if attended.spoils_session() {
            drop(session);
            None
        } else {
            Some(session)
        };
        match worker.settle(item, attended, span) {
            Next::Item => {}
            Next::Again(item) => again = Some(item),
            Next::Retire => break,
        }
        session = kept.unwrap_or_else(|| cx.work.open());
        // Work that never waits must let the others have their turn.
        coop::consume_budget().await;
    }
}

/// What came of handing an item to the pool.
enum OnPool {
    /// It was performed.
    Attended(Box<dyn BlockingSession>, Item, Attended, Span),
    /// The feed ended while it waited for a thread.
    Unstarted(Item),
    /// The runtime is going down: the run was abandoned.
    Abandoned,
}

/// Performs an item on a thread of the pool, and gives back what it lent: `run_in_executor`. Items lie ready at the pool,
/// so that its threads need not wait for the loop to come round.
async fn attend_on_pool(cx: &Context, mut session: Box<dyn BlockingSession>, item: Item) -> OnPool {
    let (feed, clock) = (Arc::clone(&cx.feed), Arc::clone(&cx.clock));
    let done = tokio::task::spawn_blocking(move || {
        if feed.has_ended() {
            return OnPool::Unstarted(item);
        }
        let (attended, span) = attend_blocking(session.as_mut(), &item, clock.as_ref());
        OnPool::Attended(session, item, attended, span)
    });
    match done.await {
        Ok(done) => done,
        // Works' panics are caught where they are run, so this one is ours.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => OnPool::Abandoned,
    }
}
