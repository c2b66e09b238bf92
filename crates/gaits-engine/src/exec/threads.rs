//! Kernel threads, each with an executor of its own.

use super::{Context, Executor, ExecutorError};
use crate::flow::Report;
use std::num::NonZeroU32;
use std::thread;

/// So many bytes of address space are kept free while threads are started; they take no memory.
const SPARE: usize = 64 * 1024 * 1024;

/// Kernel threads that share an item queue, each running `inside`.
#[derive(Debug)]
pub(crate) struct Threads<E> {
    count: NonZeroU32,
    /// How many workers each of them has.
    in_flight: u32,
    inside: E,
}

impl<E> Threads<E> {
    pub(crate) fn new(count: NonZeroU32, in_flight: u32, inside: E) -> Self {
        Self { count, in_flight, inside }
    }
}

impl<E: Executor> Executor for Threads<E> {
    fn run(&self, cx: &Context) -> Result<(), ExecutorError> {
        thread::scope(|scope| {
            let of = self.count.get();
            let mut handles = Vec::new();
            let mut result = Ok(());
            // The address space may be what the next thread finds no room in. Then this is left for the work.
            let mut spare = Vec::<u8>::new();
            let _ = spare.try_reserve_exact(SPARE);
            for number in 1..=of {
                let thread = thread::Builder::new().name(format!("worker {number}"));
                match thread.spawn_scoped(scope, || self.inside.run(cx)) {
                    Ok(handle) => handles.push(handle),
                    Err(source) => {
                        drop(std::mem::take(&mut spare));
                        let missing = ((of - number + 1) * self.in_flight) as usize;
                        result = cx.fewer(
                            missing,
                            missing,
                            ExecutorError::Thread { number, of, source },
                        );
                        if result.is_err() {
                            // Those that run must end too; what they have not started goes back.
                            let unstarted = cx.queue.close();
                            cx.out.reports(unstarted.into_iter().map(Report::Unstarted).collect());
                        }
                        break;
                    }
                }
            }
            for handle in handles {
                match handle.join() {
                    Ok(ended) => result = result.and(ended),
                    // Works' panics are caught where they are run, so this one is ours.
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            result
        })
    }
}
