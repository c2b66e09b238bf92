//! One worker on the calling thread: the whole of `sequential`, and each thread and process of the plain pools.

use super::event_loop::{self, Blocking, EventLoop};
use super::worker::{Next, Worker, attend_blocking};
use super::{Context, Executor, ExecutorError};
use gaits_core::{BlockingSession, Session};
use std::io;
use tokio::runtime::LocalRuntime;

/// One worker on the calling thread.
///
/// Async work is driven by an event loop of its own that never holds more than one item, as a thread pool's threads
/// drive it in any program.
#[derive(Debug)]
pub(crate) struct Inline;

impl Executor for Inline {
    fn run(&self, cx: &Context) -> Result<(), ExecutorError> {
        match open(cx) {
            Ok(Opened::Blocking(session)) => work(cx, session),
            Ok(Opened::Async(runtime, session)) => {
                EventLoop::single().drive(runtime, cx, Some(session));
            }
            Err(error) => return cx.fewer(1, ExecutorError::EventLoop(error)),
        }
        Ok(())
    }
}

/// A session, and the event loop that async work needs.
enum Opened {
    Blocking(Box<dyn BlockingSession>),
    Async(LocalRuntime, Session),
}

/// Opens the worker's session. Async sessions are to be opened on their event loop, and only an open session tells
/// whether it is one; once a worker of this process has found that it is not, the others save themselves the loop, which
/// takes file descriptors.
fn open(cx: &Context) -> io::Result<Opened> {
    if cx.crew.does_blocking_work()
        && let Session::Blocking(session) = cx.work.open()
    {
        return Ok(Opened::Blocking(session));
    }
    let runtime = event_loop::runtime(Blocking::OnLoop)?;
    Ok(match runtime.block_on(async { cx.work.open() }) {
        Session::Blocking(session) => {
            cx.crew.note_blocking_work();
            Opened::Blocking(session)
        }
        session @ Session::Async(_) => Opened::Async(runtime, session),
    })
}

fn work(cx: &Context, session: Box<dyn BlockingSession>) {
    let worker = Worker::new(cx);
    let mut session = Some(session);
    let mut again = None;
    while !cx.cancel.is_cancelled() {
        let next = again.take().or_else(|| cx.feed.next_blocking(|| cx.out.idle()));
        let Some(item) = next else { break };
        let Some(open) = session.as_deref_mut() else { break };
        worker.starts(&item);
        let (attended, span) = attend_blocking(open, &item, cx.clock.as_ref());
        let spoilt = attended.spoils_session();
        if spoilt {
            session = None;
        }
        match worker.settle(item, attended, span) {
            Next::Item => {}
            Next::Again(item) => again = Some(item),
            Next::Retire => break,
        }
        if spoilt && let Session::Blocking(fresh) = cx.work.open() {
            session = Some(fresh);
        }
    }
}
