//! How a program starts one of its worker processes.

use std::ffi::OsString;
use std::path::PathBuf;

/// The hidden verb with which a binary is executed again as a worker process.
pub const WORKER_VERB: &str = "__worker";

/// The command that starts a worker process.
///
/// The process it starts must call [`worker_main`](crate::worker_main) before it does anything else, and must know the
/// same works as its parent. It should first see to it that SIGINT, SIGTERM and SIGHUP do not end it, with handlers that do
/// nothing: its parent tells it when to end, and a signal may be sent to all processes of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The program to execute.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl WorkerCommand {
    /// Executes the running binary again, with [`WORKER_VERB`] as its only argument. It is found by way of the kernel,
    /// so that it is the same one even if its file has been replaced since.
    #[must_use]
    pub fn this_binary() -> Self {
        Self { program: "/proc/self/exe".into(), args: vec![WORKER_VERB.into()] }
    }
}
