//! Worker processes: `docs/design/processes.md`.
//!
//! The parent runs one event loop on the thread that called it, with a task that supervises each process. Limit: what
//! happens to an item whose worker died is the dispatcher's to decide; here it is only found out which one it was.

mod child;
mod command;
mod deadline;
mod protocol;
mod share;
mod stderr;
mod supervisor;
mod worker_main;

pub use command::WORKER_VERB;
pub use command::WorkerCommand;
pub use worker_main::worker_main;

use super::event_loop::plain_runtime;
use super::{Context, Executor, ExecutorError};
use crate::clock::MonotonicClock;
use crate::flow::Report;
use crate::plan::Plan;
use protocol::Begin;
use share::Share;
use std::num::NonZeroU32;
use std::rc::Rc;
use supervisor::{Start, Supervisor};
use tokio::task::JoinSet;

/// The worker's end of its socket.
const SOCKET_FD: i32 = 3;
/// The worker's handle of its start log.
const START_LOG_FD: i32 = 4;

/// Worker processes, each doing `plan` with a model of its own inside.
#[derive(Debug)]
pub(crate) struct Processes {
    count: NonZeroU32,
    begin: Begin,
    command: WorkerCommand,
}

impl Processes {
    pub(crate) fn new(
        count: NonZeroU32,
        plan: Plan,
        command: WorkerCommand,
        clock: MonotonicClock,
    ) -> Self {
        let begin = Begin {
            version: env!("CARGO_PKG_VERSION").into(),
            parent: std::process::id(),
            plan,
            clock,
        };
        Self { count, begin, command }
    }
}

impl Executor for Processes {
    fn run(&self, cx: &Context) -> Result<(), ExecutorError> {
        let runtime = plain_runtime().map_err(ExecutorError::EventLoop)?;
        let cx = Rc::new(cx.clone());
        let share = Rc::new(Share::new(self.count.get() as usize));
        runtime.block_on(async {
            let mut supervisors = JoinSet::new();
            for _ in 0..self.count.get() {
                let start = Start { command: self.command.clone(), begin: self.begin.clone() };
                let supervisor = Supervisor::new(Rc::clone(&cx), start, Rc::clone(&share));
                supervisors.spawn_local(supervisor.run());
            }
            let mut result = Ok(());
            while let Some(ended) = supervisors.join_next().await {
                match ended {
                    Ok(Err(error)) => {
                        // The others must end too; what is not started goes back.
                        cx.out
                            .reports(cx.queue.close().into_iter().map(Report::Unstarted).collect());
                        result = Err(error);
                    }
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    Ok(Ok(())) | Err(_) => {}
                }
            }
            result
        })
    }
}
