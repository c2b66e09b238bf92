//! One worker on the calling thread: the whole of `sequential`, and each thread and process of the plain pools.

use super::event_loop::EventLoop;
use super::worker::{Next, Worker, attend_blocking};
use super::{Context, Executor, ExecutorError};
use gaits_core::Session;

/// One worker on the calling thread.
///
/// Async work is driven by an event loop of its own that never holds more than one item, as a thread pool's threads
/// drive it in any program.
#[derive(Debug)]
pub(crate) struct Inline;

impl Executor for Inline {
    fn run(&self, cx: &Context) -> Result<(), ExecutorError> {
        let Session::Blocking(mut session) = cx.work.open() else {
            return EventLoop::single().run(cx);
        };
        let worker = Worker::new(cx);
        let mut again = None;
        while !cx.cancel.is_cancelled() {
            let next = again.take().or_else(|| cx.feed.next_blocking(|| cx.out.idle()));
            let Some(item) = next else { break };
            worker.starts(&item);
            let (attended, span) = attend_blocking(session.as_mut(), &item, cx.clock.as_ref());
            if attended.spoils_session()
                && let Session::Blocking(fresh) = cx.work.open()
            {
                session = fresh;
            }
            match worker.settle(item, attended, span) {
                Next::Item => {}
                Next::Again(item) => again = Some(item),
                Next::Retire => break,
            }
        }
        Ok(())
    }
}
