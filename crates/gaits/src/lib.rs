//! Runs a batch of work under an execution model, and races models against each other on the same work.
//!
//! This crate puts the works, the engine and the report together, for a program that wants to do what the `gaits`
//! command does: [`Run`] takes the items of a source through a plan and leaves a record of each in an [`Output`] and in
//! any other sinks; [`Race`] does the same work under several models, in rounds, and compares them; [`Sweep`] does it with many
//! numbers of workers, and says which is right. All tell an observer what happens and can be stopped from any thread.
//!
//! Limit: nothing in here prints, draws, listens to signals or ends the process. Standard output is written to only
//! where a caller makes it the [`Output`] of a run.
//!
//! # Example
//!
//! Three waits, two of them at a time, with their records in a list:
//!
//! ```
//! use gaits::wait::{self, WaitSpec};
//! use gaits::{
//!     Control, Input, Limits, Plan, Program, Record, Run, SessionScope, Sink, WorkSpec, WorkerCommand,
//! };
//!
//! /// Keeps every record.
//! #[derive(Default)]
//! struct Collected(Vec<Record>);
//!
//! impl Sink for Collected {
//!     fn write(&mut self, record: &Record) -> std::io::Result<()> {
//!         self.0.push(record.clone());
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let program = Program { works: gaits::works(), worker: WorkerCommand::this_binary() };
//! let plan = Plan {
//!     work: WorkSpec::new(wait::NAME, WaitSpec::Timer.settings()?),
//!     model: "async:2".parse()?,
//!     session: SessionScope::default(),
//!     limits: Limits::default(),
//! };
//! let input = Input::Listed { items: vec!["0.02".into(), "0.01".into(), "0".into()], count: None };
//!
//! let mut collected = Collected::default();
//! let run = Run::over(&program, &plan, &input)?.sink(&mut collected);
//! let outcome = run.run(&mut (), &Control::new())?;
//!
//! assert_eq!((outcome.end.ok, outcome.end.failed), (3, 0));
//! // Records come in the order in which items finish.
//! collected.0.sort_by_key(|record| record.index);
//! assert!(collected.0[0].timing.latency_us() >= 20_000);
//! # Ok(())
//! # }
//! ```
//!
//! A plan whose model has worker processes starts them with [`Program::worker`]. The process that this command starts
//! must call [`worker_main`] with the same works before it does anything else. In the same way, [`works_with_guard`] says what
//! starts the process that ends commands when the program is killed; it must call [`guard_main`].

mod bodies;
mod early_end;
mod export;
mod follow;
mod hosts;
mod input;
mod journal;
mod layout;
mod models;
mod output;
mod page;
mod picture;
mod race;
mod rows;
mod run;
mod saved;
mod sitemap;
mod stored;
mod sweep;
mod sys;
mod tally;
mod trial;
mod works;

pub use bodies::{BodyFolder, BodyFolderError, BodyNames};
pub use export::{Export, ExportError, ExportFrom, Exported};
pub use follow::Unfollowed;
pub use gaits_engine::source::{Ended, Pushed, Pusher, pushed};
pub use gaits_engine::source::{Shard, TextEncoding};
pub use hosts::{RacedHost, job_of, local_ports, raced_hosts};
pub use input::{
    Dropped, Files, Form, Input, InputError, MOST_HELD, Made, Place, Selection, Table, UrlFrom,
    UrlPattern,
};
pub use journal::{Before, GoOn, JournalError};
pub use models::{equally_many, models_for, swept_model_for, usual_models_for};
pub use output::{Destination, Existing, Output, OutputError};
pub use page::{PageOfResults, page_of_races, page_of_results, page_of_sweep, write_page};
pub use picture::{PicturedResults, picture_of_races, picture_of_results, write_svg};
pub use race::{Extent, Race, RaceError, RaceObserver, RaceOutcome, SavedRace, SavedRaces};
pub use run::{LastRecord, Run, RunError, RunObserver, RunOutcome};
pub use saved::{Environment, SavedError};
pub use sitemap::{LARGEST_SITEMAP, SitemapError, Sitemaps, read_sitemaps};
pub use stored::{Stored, StoredError, stored_summary};
pub use sweep::{SavedSweep, Sweep, SweepError, SweepObserver, SweepOutcome, SweepTime};
pub use trial::{
    Entrant, OtherProgram, RaceControl, Refusal, Subject, TRIAL_VERB, TrialCommand, TrialError,
    TrialObserver, trial_main,
};
pub use works::{set_up, works, works_with_guard};

pub use gaits_core::{
    Clock, Content, Data, Entry, ErrorKind, Item, ItemError, More, Outcome, Record, SessionScope,
    Sink, Source, Value, Work,
};
pub use gaits_engine::journal::{Match, RunFile, RunFileError};
pub use gaits_engine::plan::{Limits, Model, ModelError, Plan, Rate, WorkSpec};
pub use gaits_engine::{
    Control, ExecutorError, Held, MonotonicClock, Notice, Program, Progress, RunEnd,
    RunError as EngineError, Stopped, WORKER_VERB, WorkError, WorkerCommand, Works, while_stopped,
    worker_main,
};
pub use gaits_report::export::{Column, ColumnError, Columns, TableFormat, Wanted};
pub use gaits_report::page::{Page, Sweep as SweepView, View};
pub use gaits_report::picture::Picture;
pub use gaits_report::scalability;
pub use gaits_report::stats::Settings;
pub use gaits_report::why;
pub use gaits_report::{
    Change, Comparison, EarlyEnd, Gate, GateError, GateOutcome, GateState, Host, Hosts, Language,
    Said, Style, Summary, Tally, Trial, changes, host_name, is_obeyed, said, units,
};
pub use gaits_work::command::guard::{GUARD_VERB, GuardCommand, guard_main};
pub use gaits_work::{command, cpu, http, wait};
pub use rows::EmptyColumns;
