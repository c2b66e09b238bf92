//! One event loop on the calling thread, with up to N items in flight.

use super::worker::{Attended, Next, Span, Worker, attend_alone, attend_async, attend_blocking};
use super::{Context, Executor, ExecutorError};
use gaits_core::{BlockingSession, Clock, Item, Session};
use std::io;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::Semaphore;
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

/// The runtime of one event loop.
pub(super) fn runtime(blocking: Blocking) -> io::Result<LocalRuntime> {
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
        let turns = match self.blocking {
            Blocking::OnLoop => None,
            Blocking::OnPool(threads) => Some(Rc::new(Semaphore::new(threads.get() as usize))),
        };
        runtime.block_on(async {
            let mut workers = JoinSet::new();
            let mut first = first;
            for _ in 0..self.in_flight.get() {
                let session = first.take().unwrap_or_else(|| cx.work.open());
                let alone = self.in_flight == NonZeroU32::MIN;
                workers.spawn_local(work(Rc::clone(&cx), session, turns.clone(), alone));
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

/// One worker: an in-flight slot of the loop. Where there is a pool, blocking work waits for its turn there before it
/// takes an item, so that an item that was taken is always one that is started.
async fn work(cx: Rc<Context>, session: Session, turns: Option<Rc<Semaphore>>, alone: bool) {
    let clock = cx.clock.as_ref();
    let worker = Worker::new(&cx);
    let seat = cx.feed.seat();
    let mut session = session;
    let mut again = None;
    loop {
        let turn = match (&session, &turns) {
            (Session::Blocking(_), Some(turns)) => turns.acquire().await.ok(),
            _ => None,
        };
        let next = match again.take() {
            Some(item) => Some(item),
            None => seat.next(|| cx.out.idle()).await,
        };
        let Some(mut item) = next else { break };
        worker.starts(&item);
        let attended;
        let span;
        (session, item, attended, span) = match session {
            Session::Async(mut session) => {
                let (attended, span) = if alone {
                    attend_alone(session.as_mut(), &item, clock).await
                } else {
                    attend_async(session.as_mut(), &item, clock).await
                };
                (Session::Async(session), item, attended, span)
            }
            Session::Blocking(mut session) if turn.is_none() => {
                let (attended, span) = attend_blocking(session.as_mut(), &item, clock);
                (Session::Blocking(session), item, attended, span)
            }
            Session::Blocking(session) => {
                match attend_on_pool(session, item, Arc::clone(&cx.clock)).await {
                    Some(attended) => attended,
                    // The runtime is going down: the run was abandoned.
                    None => break,
                }
            }
        };
        drop(turn);
        if attended.spoils_session() {
            session = cx.work.open();
        }
        match worker.settle(item, attended, span) {
            Next::Item => {}
            Next::Again(item) => again = Some(item),
            Next::Retire => break,
        }
        // Work that never waits must let the others have their turn.
        coop::consume_budget().await;
    }
}

/// Performs an item on a thread of the pool, and gives back what it lent: `run_in_executor`.
async fn attend_on_pool(
    mut session: Box<dyn BlockingSession>,
    item: Item,
    clock: Arc<dyn Clock>,
) -> Option<(Session, Item, Attended, Span)> {
    let done = tokio::task::spawn_blocking(move || {
        let (attended, span) = attend_blocking(session.as_mut(), &item, clock.as_ref());
        (session, item, attended, span)
    });
    match done.await {
        Ok((session, item, attended, span)) => {
            Some((Session::Blocking(session), item, attended, span))
        }
        // Works' panics are caught where they are run, so this one is ours.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => None,
    }
}
