//! Runs a batch of work under an execution model: one item at a time, on threads, on processes, on event loops.
//!
//! ```text
//! source ──items──▶ dispatcher ──▶ item queue ──▶ executor: workers, each with a session
//!                      ▲  │                        │
//!                      │  └──records──▶ sinks      │
//!                      └────────── event queue ◀─────────┘
//! ```
//!
//! A [`Plan`](plan::Plan) says what to do and how; [`run()`] does it. The engine never prints, and keeps no state
//! outside a run, so two runs in one process do not meet; only when the process was stopped ([`while_stopped`]) is known to
//! all. It knows no work: the [`Works`] of a
//! [`Program`] do. A program that runs plans with worker processes says how one is started, and calls [`worker_main`]
//! there.

mod clock;
mod dispatch;
mod exec;
mod flow;
pub mod journal;
mod pace;
pub mod plan;
mod progress;
mod run;
pub mod sink;
pub mod source;
mod works;

pub use clock::{MonotonicClock, while_stopped};
pub use dispatch::{Observer, RunEnd, RunError, Stopped};
pub use exec::{WORKER_VERB, WorkerCommand, worker_main};
pub use flow::{ExecutorError, Notice};
pub use progress::{Held, Progress};
pub use run::{Control, Program, run};
pub use works::{Builder, WorkError, Works};
