//! Runs on a thread of tokio's blocking pool what would hold an event loop for too long.
//!
//! Where no thread can be started (`ulimit -u`, `ulimit -v`), tokio panics, and keeps the job with all that was lent to it, such as a
//! permit that others wait for. Here the job is then run on the thread of the event loop. That holds up the loop, but each job
//! comes to its end.
//!
//! Limit: a job is not called off when nobody waits for it any more.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread;
use tokio::sync::oneshot::{self, Receiver};

/// A job that was started. Its panic is resumed where it is waited for.
#[derive(Debug)]
pub(super) struct Running<T>(Receiver<thread::Result<T>>);

/// The job was dropped before it was run.
#[derive(Debug, thiserror::Error)]
#[error("the event loop is being shut down")]
pub(super) struct Ended;

/// Starts a job. It runs on, though what is given here is dropped.
pub(super) fn start<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Running<T> {
    let (give, given) = oneshot::channel();
    hand_over(Box::new(move || {
        // Nobody may wait for it any more.
        let _ = give.send(catch_unwind(AssertUnwindSafe(job)));
    }));
    Running(given)
}

impl<T> Future for Running<T> {
    type Output = Result<T, Ended>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_dropped) => Err(Ended),
        })
    }
}

type Job = Box<dyn FnOnce() + Send>;

thread_local! {
    /// Whether no thread could be started once for the loop of this thread. From then on that is tried before tokio does, since its panic
    /// is told on stderr each time.
    static IS_SHORT: Cell<bool> = const { Cell::new(false) };
}

fn hand_over(job: Job) {
    if IS_SHORT.get() && thread::Builder::new().name("try".into()).spawn(|| ()).is_err() {
        return job();
    }
    let job = Arc::new(Mutex::new(Some(job)));
    let take = |job: &Mutex<Option<Job>>| job.lock().unwrap_or_else(PoisonError::into_inner).take();
    let theirs = Arc::clone(&job);
    let run = move || {
        if let Some(job) = take(&theirs) {
            job();
        }
    };
    let started = catch_unwind(AssertUnwindSafe(|| drop(tokio::task::spawn_blocking(run))));
    if started.is_err()
        && let Some(job) = take(&job)
    {
        IS_SHORT.set(true);
        job();
    }
}

/// An event loop that can start no thread: each would have a stack of 256 TiB.
#[cfg(test)]
pub(super) fn without_threads() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().thread_stack_size(1 << 48).build().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_thread_can_be_started_jobs_run_on_that_of_the_loop() {
        let here = thread::current().id();
        without_threads().block_on(async {
            for _ in 0..3 {
                assert_eq!(start(|| thread::current().id()).await.unwrap(), here);
            }
        });
    }

    #[tokio::test]
    #[should_panic(expected = "a bug")]
    async fn where_one_can_jobs_run_there_and_panics_come_back() {
        let here = thread::current().id();
        assert_ne!(start(|| thread::current().id()).await.unwrap(), here);
        let failed = start(|| panic!("a bug")).await;
        let () = failed.unwrap();
    }
}
