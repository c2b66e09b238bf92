//! One trial of a race or a sweep: a process of its own, so that what one has left behind (memory, threads, connections, warm caches of
//! the allocator) burdens or helps no other.
//!
//! The process is told its job in one line of JSON on its standard input, and says what happens in lines of JSON on its
//! standard output. When its standard input ends it ends as well: its parent is gone.

mod account;
mod child;
mod control;
mod elapsed;
mod entrant;
mod load;
mod one;
mod parent;
mod program;
mod records;
mod server;

pub use child::trial_main;
pub use control::RaceControl;
pub(crate) use elapsed::Elapsed;
pub use entrant::{Entrant, OtherProgram};
pub(crate) use one::{Ran, Start, Trials, clean_up};
pub use one::{Refusal, Subject, TrialError, TrialObserver};
pub(crate) use records::records_file;
pub(crate) use server::listeners;

use parent::{Commands, Heard, TrialProcess, describe};

use gaits_core::Data;
use gaits_engine::Notice;
use gaits_engine::plan::Plan;
use gaits_report::{Outcomes, Steady, Tally, Usage};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;

/// The hidden verb with which a binary is executed again for a trial.
pub const TRIAL_VERB: &str = "__trial";

/// The line that tells a trial to start nothing more.
const INTERRUPT: &str = "interrupt";

/// The command that starts the process of a trial.
///
/// The process it starts must call [`trial_main`] before it does anything else, with the same works as its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialCommand {
    /// The program to execute.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl TrialCommand {
    /// Executes the running binary again, with [`TRIAL_VERB`] as its only argument. It is found by way of the kernel, so
    /// that it is the same one even if its file has been replaced since.
    #[must_use]
    pub fn this_binary() -> Self {
        Self { program: "/proc/self/exe".into(), args: vec![TRIAL_VERB.into()] }
    }
}

/// What a trial has to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Job {
    /// Run a model.
    Model(Box<ModelJob>),
    /// Run another program.
    Program(ProgramJob),
}

/// What the trial of another program has to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ProgramJob {
    program: OtherProgram,
    /// When to end it, in microseconds after its start.
    abandon_us: Option<u64>,
}

/// What the trial of a model has to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ModelJob {
    plan: Plan,
    items: Vec<Data>,
    /// How many items there are in all: the list is gone through over and over.
    count: u64,
    /// When to start nothing more, in microseconds after the start of the run.
    limit_us: Option<u64>,
    /// When to end at once, in microseconds after the start of the run: what is in flight may take for ever.
    abandon_us: Option<u64>,
    /// Where to write the records, if they are to be kept.
    records: Option<PathBuf>,
    /// Whether to tell how far it has come.
    tell_progress: bool,
    /// Whether to look for the steady part of the run; it takes 16 bytes an item.
    steady: bool,
}

/// What a trial says.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    /// Something worth telling the user at once.
    Notice(Notice),
    /// So many items are done.
    Done(u64),
    /// It is over.
    Over(Box<Over>),
    /// It could not begin or go on.
    Failed(String),
}

/// How a trial has ended.
#[derive(Debug, Serialize, Deserialize)]
struct Over {
    wall_us: u64,
    startup_us: u64,
    closing_us: u64,
    /// How long the process took to look at itself and its workers, in microseconds; it is in none of the times above.
    looked_us: u64,
    missing_workers: u64,
    workers_died: u64,
    tally: Tally,
    outcomes: Outcomes,
    usage: Usage,
    /// The steady part, if there is one and it was asked for.
    steady: Option<Steady>,
    /// It was told to stop, or its time was up, before all was done.
    stopped: bool,
    /// The process was stopped and continued meanwhile, as with Ctrl-Z, so its times mean nothing.
    suspended: bool,
    /// A server has asked to be left alone: the item, and the status.
    refused: Option<(String, u64)>,
}
