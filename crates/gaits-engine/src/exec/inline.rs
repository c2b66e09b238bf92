//! One worker on the calling thread: the whole of `sequential`, and each thread and process of the plain pools.

use super::event_loop::EventLoop;
use super::sessions::BlockingSessions;
use super::worker::{Next, Worker};
use super::{Context, Executor, ExecutorError};
use gaits_core::Performs;
use std::sync::Arc;

/// One worker on the calling thread.
///
/// Async work is driven by an event loop of its own that never holds more than one item, as a thread pool's threads
/// drive it in any program.
#[derive(Debug)]
pub(crate) struct Inline;

impl Executor for Inline {
    fn run(&self, cx: &Context) -> Result<(), ExecutorError> {
        match cx.work.performs() {
            Performs::Blocking(_) => {
                work(cx);
                Ok(())
            }
            Performs::Async(_) | Performs::OwnLoop(_) => EventLoop::single().run(cx),
        }
    }
}

fn work(cx: &Context) {
    let worker = Worker::new(cx, 0);
    let mut slot = Arc::new(BlockingSessions::new(cx.clone())).slot();
    let clock = cx.clock.as_ref();
    let mut again = None;
    while !cx.cancel.is_cancelled() {
        let next = again.take().or_else(|| cx.queue.next_blocking(|| cx.out.idle()));
        let Some(item) = next else { break };
        worker.starts(&item);
        let (attempt, span) = slot.perform(&item, clock);
        match worker.settle(item, attempt, span) {
            Next::Item => {}
            Next::Again(item, wait) => {
                std::thread::sleep(wait);
                again = Some(item);
            }
            Next::Retire => break,
        }
    }
}
