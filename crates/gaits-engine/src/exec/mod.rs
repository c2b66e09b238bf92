//! Executors: they lay workers out over processes, threads and event loops, and nest as models do.
//!
//! Limit: an executor takes items from its item queue, has them performed and reports each once. It knows nothing of where
//! items come from, in which order they are handed out, or what becomes of a report; and nothing of what the work is,
//! beyond how it is performed.

mod event_loop;
mod inline;
mod own_loop;
mod processes;
mod sessions;
mod start_log;
mod threads;
mod worker;

pub use processes::{WORKER_VERB, WorkerCommand, worker_main};

use crate::clock::MonotonicClock;
use crate::flow::{EventQueue, ExecutorError, ItemQueue, Notice};
use crate::plan::{Model, Plan};
use event_loop::EventLoop;
use gaits_core::{Clock, SessionScope, Work};
use inline::Inline;
use start_log::StartLog;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use threads::Threads;
use tokio_util::sync::CancellationToken;

/// Runs workers on the calling thread, and on what threads and processes it starts, until the item queue has ended.
pub(crate) trait Executor: Send + Sync {
    /// Blocks until every worker has ended. Each item taken from `cx.queue` has then been reported, unless the run was
    /// abandoned by `cx.cancel`.
    fn run(&self, cx: &Context) -> Result<(), ExecutorError>;
}

/// What the executors of one process share.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) queue: Arc<ItemQueue>,
    pub(crate) work: Arc<dyn Work>,
    /// Who shares a session, and for how long.
    pub(crate) session: SessionScope,
    /// Whether a pacing key that wants to be left alone is.
    pub(crate) heeds_pauses: bool,
    pub(crate) out: Arc<EventQueue>,
    /// Set to give up what is in flight.
    pub(crate) cancel: CancellationToken,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) workers_left: Arc<WorkersLeft>,
    /// Where a worker process notes what it is about to start; none in the main process, which nobody survives.
    pub(crate) start_log: Option<Arc<StartLog>>,
}

impl Context {
    /// So many of those that [`WorkersLeft`] counts can't begin, because of `error`, and with them so many workers: the run
    /// goes on without them, unless they are the last.
    fn fewer(
        &self,
        executors: usize,
        workers: usize,
        error: ExecutorError,
    ) -> Result<(), ExecutorError> {
        if (0..executors).any(|_| !self.workers_left.retire()) {
            return Err(error);
        }
        let why = error.source().map_or_else(|| error.to_string(), |s| format!("{error}: {s}"));
        self.out.notice(Notice::WorkersNotStarted { workers, why });
        Ok(())
    }
}

/// The workers of a process that are still at it.
#[derive(Debug)]
pub(crate) struct WorkersLeft {
    left: AtomicUsize,
}

impl WorkersLeft {
    pub(crate) fn new(workers: usize) -> Self {
        Self { left: AtomicUsize::new(workers) }
    }

    /// Lets one worker go, unless it is the last. It must have closed its session before it asks.
    pub(crate) fn retire(&self) -> bool {
        self.left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| (left > 1).then(|| left - 1))
            .is_ok()
    }
}

/// The executor of a plan's model.
pub(crate) fn executor(
    plan: &Plan,
    worker: &WorkerCommand,
    clock: MonotonicClock,
) -> Box<dyn Executor> {
    match plan.model.inside_processes() {
        Some((processes, inside)) => {
            let plan = Plan { model: inside, ..plan.clone() };
            Box::new(processes::Processes::new(processes, plan, worker.clone(), clock))
        }
        None => local_executor(plan.model),
    }
}

/// The executor of a model that stays within its process.
fn local_executor(model: Model) -> Box<dyn Executor> {
    let event_loop = model.in_flight.map(|in_flight| match model.pool {
        Some(threads) => EventLoop::with_pool(in_flight, threads),
        None => EventLoop::new(in_flight),
    });
    let in_flight = model.layout().in_flight;
    match (model.threads, event_loop) {
        (None, None) => Box::new(Inline),
        (None, Some(event_loop)) => Box::new(event_loop),
        (Some(threads), None) => Box::new(Threads::new(threads, in_flight, Inline)),
        (Some(threads), Some(event_loop)) => Box::new(Threads::new(threads, in_flight, event_loop)),
    }
}
