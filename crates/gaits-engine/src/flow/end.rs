//! How executors end that can't go on.

use std::io;

/// Why an executor could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// A thread could not be started.
    #[error(
        "can't start thread {number} of {of}: use fewer threads, or raise what limits them (ulimit -u, ulimit -v)"
    )]
    Thread {
        /// Which one, counted from 1.
        number: u32,
        /// Of how many.
        of: u32,
        /// What the system said.
        source: io::Error,
    },
    /// An event loop could not be set up.
    #[error("can't set up an event loop: it takes a few file descriptors, see ulimit -n")]
    EventLoop(#[source] io::Error),
    /// A worker process could not be started.
    #[error("can't start a worker process")]
    Spawn(#[source] io::Error),
    /// Worker processes die before they do anything.
    #[error(
        "worker processes die before they finish anything, {times} in a row; the last one {how}"
    )]
    Stillborn {
        /// How many.
        times: u32,
        /// How the last one died.
        how: String,
    },
}
