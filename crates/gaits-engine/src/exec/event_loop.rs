//! One event loop on the calling thread, with up to N items in flight.

use super::sessions::{AsyncSessions, AsyncSlot, BlockingSessions, BlockingSlot};
use super::worker::{Attempt, Next, Span, Worker, no_span, perform_alone, perform_async};
use super::{Context, Executor, ExecutorError, own_loop};
use crate::flow::Report;
use gaits_core::{Item, Performs};
use std::fs::File;
use std::io;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::task::{self, JoinSet, coop};

/// One event loop, with a worker for each item that may be in flight.
///
/// Blocking work blocks the loop, unless there is a pool to hand it to. Work that brings a loop of its own runs on that
/// one.
#[derive(Debug)]
pub(crate) struct EventLoop {
    in_flight: NonZeroU32,
    blocking: Blocking,
}

/// Where an event loop runs blocking work.
#[derive(Debug, Clone, Copy)]
enum Blocking {
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
        if let Performs::OwnLoop(work) = cx.work.performs() {
            own_loop::run(cx, work, self.in_flight);
            return Ok(());
        }
        let made = runtime(self.blocking).map_err(ExecutorError::EventLoop);
        let made = made.and_then(|runtime| {
            if let (Blocking::OnPool(of), Performs::Blocking(_)) =
                (self.blocking, cx.work.performs())
            {
                start_pool(&runtime).map_err(|source| ExecutorError::Thread {
                    number: 1,
                    of: of.get(),
                    source,
                })?;
            }
            Ok(runtime)
        });
        match made {
            Ok(runtime) => {
                self.drive(runtime, cx);
                Ok(())
            }
            Err(error) => {
                let workers = self.in_flight.get() as usize;
                cx.fewer(workers, workers, error)
            }
        }
    }
}

/// How many file descriptors the runtime of an event loop opens, and one to spare.
const DESCRIPTORS: usize = 6;

/// A runtime for the supervisor of worker processes: nothing on it blocks.
pub(super) fn plain_runtime() -> io::Result<LocalRuntime> {
    runtime(Blocking::OnLoop)
}

/// The runtime of one event loop.
fn runtime(blocking: Blocking) -> io::Result<LocalRuntime> {
    // Some of what tokio opens it takes for granted, and panics without; so a lack is found out before.
    let spare: io::Result<Vec<_>> = (0..DESCRIPTORS).map(|_| File::open("/dev/null")).collect();
    drop(spare?);
    let mut builder = Builder::new_current_thread();
    builder.enable_all().thread_name("pool");
    if let Blocking::OnPool(threads) = blocking {
        builder.max_blocking_threads(threads.get() as usize).thread_keep_alive(FOR_GOOD);
    }
    builder.build_local(LocalOptions::default())
}

/// Starts the first thread of a loop's pool. Where tokio can start none, it panics; where it has one and can't start another, that
/// one does the work. So whether there can be one is tried before, and it stays.
fn start_pool(runtime: &LocalRuntime) -> io::Result<()> {
    // A panic in a thread that does nothing is out of the question.
    let _ = thread::Builder::new().name("pool".into()).spawn(|| ())?.join();
    drop(runtime.spawn_blocking(|| ()));
    Ok(())
}

/// How long a thread of the pool waits for its next item: longer than any run takes.
const FOR_GOOD: Duration = Duration::from_hours(24 * 3650);

impl EventLoop {
    /// Runs the loop to its end.
    fn drive(&self, runtime: LocalRuntime, cx: &Context) {
        let cx = Rc::new(cx.clone());
        runtime.block_on(async {
            let mut workers = JoinSet::new();
            let sessions = self.sessions(&cx);
            for slot in 0..self.in_flight.get() {
                workers.spawn_local(work(Rc::clone(&cx), slot, sessions.clone()));
            }
            drop(sessions);
            tokio::select! {
                () = cx.cancel.cancelled() => workers.abort_all(),
                () = all(&mut workers) => {}
            }
        });
        // A pool thread that still computes for an abandoned run is not waited for.
        runtime.shutdown_background();
    }

    fn sessions(&self, cx: &Rc<Context>) -> Sessions {
        if let Performs::Blocking(_) = cx.work.performs() {
            let sessions = Arc::new(BlockingSessions::new(Context::clone(cx)));
            Sessions::Blocking { sessions, place: self.blocking }
        } else {
            let alone = self.in_flight == NonZeroU32::MIN;
            Sessions::Async { sessions: Rc::new(AsyncSessions::new(Rc::clone(cx))), alone }
        }
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

/// The sessions of a loop's workers, and how an item is performed in one.
#[derive(Clone)]
enum Sessions {
    Async {
        sessions: Rc<AsyncSessions>,
        /// Whether there is one worker only, so that the thread's CPU time is its items'.
        alone: bool,
    },
    Blocking {
        sessions: Arc<BlockingSessions>,
        place: Blocking,
    },
}

/// The session of one worker, and how an item is performed in it.
enum Slot {
    Async {
        slot: AsyncSlot,
        alone: bool,
    },
    /// The slot is away while a pool thread has it.
    Blocking {
        slot: Option<BlockingSlot>,
        place: Blocking,
    },
}

/// What came of an item.
enum Came {
    /// It was performed, or could not be.
    Attempt(Item, Attempt, Span),
    /// The run ended while it waited for a thread.
    Unstarted(Item),
    /// The runtime is going down: the run was abandoned.
    Abandoned,
}

impl Sessions {
    fn slot(&self) -> Slot {
        match self {
            Sessions::Async { sessions, alone } => {
                Slot::Async { slot: AsyncSlot::new(sessions), alone: *alone }
            }
            Sessions::Blocking { sessions, place } => {
                Slot::Blocking { slot: Some(sessions.slot()), place: *place }
            }
        }
    }
}

impl Slot {
    async fn perform(&mut self, cx: &Context, item: Item) -> Came {
        let clock = cx.clock.as_ref();
        match self {
            Slot::Async { slot, alone } => {
                let (session, attempt, span) = match slot.session() {
                    Ok(session) => {
                        let (attempt, span) = if *alone {
                            perform_alone(&*session, &item, clock).await
                        } else {
                            perform_async(&*session, &item, clock).await
                        };
                        (Some(session), attempt, span)
                    }
                    Err(attempt) => (None, *attempt, no_span(clock)),
                };
                slot.after(session, &attempt);
                Came::Attempt(item, attempt, span)
            }
            Slot::Blocking { slot, place } => {
                let Some(mut own) = slot.take() else { return Came::Abandoned };
                match place {
                    Blocking::OnLoop => {
                        let (attempt, span) = own.perform(&item, clock);
                        *slot = Some(own);
                        Came::Attempt(item, attempt, span)
                    }
                    Blocking::OnPool(_) => match perform_on_pool(cx, own, item).await {
                        Some((own, came)) => {
                            *slot = Some(own);
                            came
                        }
                        None => Came::Abandoned,
                    },
                }
            }
        }
    }

    /// Whether the loop has no other worker.
    const fn is_alone(&self) -> bool {
        matches!(self, Slot::Async { alone: true, .. })
    }

    /// Has the next item begin with a new session.
    fn renew(&mut self) {
        match self {
            Slot::Async { slot, .. } => slot.renew(None),
            // It was closed after the last item.
            Slot::Blocking { .. } => {}
        }
    }
}

/// One worker: an in-flight slot of the loop.
async fn work(cx: Rc<Context>, number: u32, sessions: Sessions) {
    let worker = Worker::new(&cx, number);
    let mut slot = sessions.slot();
    let mut again = None;
    loop {
        let next = match again.take() {
            Some(item) => Some(item),
            None => next_item(&cx).await,
        };
        let Some(item) = next else { break };
        worker.starts(&item);
        match slot.perform(&cx, item).await {
            Came::Attempt(item, attempt, span) => match worker.settle(item, attempt, span) {
                Next::Item if span.has_waited() && !slot.is_alone() => {
                    // All that have come to their end begin their next items together.
                    task::yield_now().await;
                }
                Next::Item => {}
                Next::Again(item, wait) => {
                    slot.renew();
                    tokio::time::sleep(wait).await;
                    again = Some(item);
                }
                Next::Retire => break,
            },
            Came::Unstarted(item) => {
                cx.out.report(Report::Unstarted(item));
                break;
            }
            Came::Abandoned => break,
        }
        // Work that never waits must let the others have their turn.
        coop::consume_budget().await;
    }
}

/// The next item for a worker of this loop, or none when there are no more.
async fn next_item(cx: &Context) -> Option<Item> {
    if let Poll::Ready(next) = cx.queue.try_next() {
        return next;
    }
    // Whatever else is ready on this loop has its turn first, so that the dispatcher is woken once for all their reports.
    task::yield_now().await;
    cx.queue.next(|| cx.out.idle()).await
}

/// Performs an item on a thread of the pool, and gives back what it lent: `run_in_executor`. Items lie ready at the pool,
/// so that its threads need not wait for the loop to come round. None if the runtime is going down.
async fn perform_on_pool(
    cx: &Context,
    mut slot: BlockingSlot,
    item: Item,
) -> Option<(BlockingSlot, Came)> {
    let (queue, clock) = (Arc::clone(&cx.queue), Arc::clone(&cx.clock));
    let done = task::spawn_blocking(move || {
        if queue.has_ended() {
            return (slot, Came::Unstarted(item));
        }
        let (attempt, span) = slot.perform(&item, clock.as_ref());
        (slot, Came::Attempt(item, attempt, span))
    });
    match done.await {
        Ok(done) => Some(done),
        // Works' panics are caught where they are run, so this one is ours.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => None,
    }
}
