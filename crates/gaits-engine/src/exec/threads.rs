//! Kernel threads, each with an executor of its own.

use super::{Context, Executor, ExecutorError};
use crate::flow::Report;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::unistd::{SysconfVar, sysconf};
use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::mpsc;
use std::{fs, io, thread};

/// Where address space is limited, no thread is started beyond the first unless so many bytes of it are free. A thread needs
/// some when it begins, and the work needs some later; what finds none can only abort the process. The C library and
/// the allocator map up to 64 MiB and 128 MiB at once, so the threads that fit are few. Each is waited for until it has
/// what it begins with, or several would count on the same bytes.
const SPARE: u64 = 32 * 1024 * 1024;

/// How many bytes a thread allocates when it begins, where address space is limited.
const FIRST: usize = 4096;

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
            let limit = address_space_limit();
            for number in 1..=of {
                let thread = thread::Builder::new().name(format!("worker {number}"));
                // The first one is started in any case: without a thread there is no run.
                let room = match limit {
                    Some(limit) if number > 1 => check_address_space(limit),
                    _ => Ok(()),
                };
                let (begun, has_begun) = limit.map(|_| mpsc::sync_channel::<()>(0)).unzip();
                let run = move || {
                    if let Some(begun) = begun {
                        // The first allocation of a thread gets it the memory that its next ones come from.
                        black_box(Vec::<u8>::with_capacity(FIRST));
                        drop(begun);
                    }
                    self.inside.run(cx)
                };
                match room.and_then(|()| thread.spawn_scoped(scope, run)) {
                    Ok(handle) => {
                        handles.push(handle);
                        if let Some(has_begun) = has_begun {
                            // It ends when the thread drops its side; nothing is sent.
                            let _ = has_begun.recv();
                        }
                    }
                    Err(source) => {
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

/// How many bytes of address space this process may use, if not all there are.
fn address_space_limit() -> Option<u64> {
    let (limit, _) = getrlimit(Resource::RLIMIT_AS).ok()?;
    (limit != RLIM_INFINITY).then_some(limit)
}

/// Fails if less than [`SPARE`] is left of the address space. Where the system does not tell, it never fails.
fn check_address_space(limit: u64) -> io::Result<()> {
    match address_space_in_use() {
        Some(used) if used.saturating_add(SPARE) > limit => {
            Err(io::Error::other("hardly any address space is left (ulimit -v)"))
        }
        _ => Ok(()),
    }
}

/// In bytes.
fn address_space_in_use() -> Option<u64> {
    let counts = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = counts.split_ascii_whitespace().next()?.parse().ok()?;
    let page = sysconf(SysconfVar::PAGE_SIZE).ok()??;
    pages.checked_mul(u64::try_from(page).ok()?)
}
