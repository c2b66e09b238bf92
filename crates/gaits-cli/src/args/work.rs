//! The works and their options: what the command line says about items and about what is done with them.

use super::bodies::Bodies;
use super::command::CommandArgs;
use super::help;
use super::http::HttpArgs;
use super::job::Job;
use super::list::Shows;
use super::pages::Pages;
use super::values;
use super::within::within;
use crate::exit::Trouble;
use clap::{Args, Subcommand, ValueEnum};
use gaits::cpu::{self, CpuSpec, LARGEST_N};
use gaits::wait::{self, WaitSpec};
use gaits::{Input, Model, SessionScope, WorkSpec};
use std::num::NonZeroU64;
use std::time::Duration;

/// How many computations there are where no number is given.
const COMPUTATIONS: u64 = 100;

/// What is done with each item.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkArgs {
    /// HTTP requests
    Http(Box<HttpArgs>),
    /// Computations
    Cpu(CpuArgs),
    /// Waits
    Wait(WaitArgs),
    /// Commands: a program is run for each item
    Command(CommandArgs),
}

impl WorkArgs {
    /// What they come to.
    pub(crate) fn resolve(self) -> Result<Job, Trouble> {
        match self {
            WorkArgs::Http(http) => http.resolve(),
            WorkArgs::Cpu(cpu) => cpu.resolve(Some(COMPUTATIONS)),
            WorkArgs::Wait(wait) => wait.resolve(),
            WorkArgs::Command(command) => command.resolve(),
        }
    }

    /// What is to be shown in place of doing it.
    pub(crate) fn shows(&self) -> Option<Shows> {
        match self {
            WorkArgs::Http(http) => http.shows(),
            WorkArgs::Cpu(_) | WorkArgs::Wait(_) | WorkArgs::Command(_) => None,
        }
    }

    /// The names of the fields that what is done gives; none if nobody can know them.
    pub(crate) fn extracted(&self) -> Option<Vec<String>> {
        match self {
            WorkArgs::Http(http) => http.extracted(),
            WorkArgs::Cpu(_) | WorkArgs::Wait(_) | WorkArgs::Command(_) => Some(Vec::new()),
        }
    }

    /// The same, where what may have another effect the second time may be done twice as well.
    pub(crate) fn resolve_repeating(mut self) -> Result<Job, Trouble> {
        if let WorkArgs::Http(http) = &mut self {
            http.repeat_all();
        }
        self.resolve()
    }

    /// What they come to, for a race.
    pub(crate) fn resolve_for_race(mut self) -> Result<Job, Trouble> {
        match &mut self {
            WorkArgs::Http(http) => {
                http.check_for("a race")?;
                http.assume_count();
            }
            WorkArgs::Command(command) => command.assume_count(),
            WorkArgs::Cpu(_) | WorkArgs::Wait(_) => {}
        }
        self.resolve()
    }

    /// What they come to, for a sweep: without a count, items are taken over and over.
    pub(crate) fn resolve_for_sweep(self) -> Result<Job, Trouble> {
        match self {
            WorkArgs::Http(http) => {
                http.check_for("a sweep")?;
                http.resolve()
            }
            WorkArgs::Cpu(cpu) => cpu.resolve(None),
            WorkArgs::Wait(wait) => wait.resolve(),
            WorkArgs::Command(mut command) => {
                command.assume_endless();
                command.resolve()
            }
        }
    }
}

/// `cpu`.
#[derive(Debug, Args)]
pub(crate) struct CpuArgs {
    /// What to compute
    #[arg(value_enum, help_heading = help::INPUT, display_order = 0)]
    function: Function,

    /// The n of the function, from 1 to 100
    #[arg(long, value_name = "N", default_value_t = 30, help_heading = help::INPUT)]
    #[arg(value_parser = within(1..=LARGEST_N))]
    n: u32,

    /// How many times [default: 100]
    #[arg(short = 'n', long, value_name = "N", value_parser = values::items)]
    #[arg(help_heading = help::INPUT)]
    count: Option<NonZeroU64>,
}

/// A function that does nothing but compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Function {
    /// The exact product of i·j·k for all i, j, k from 1 to n, n excluded, multiplied in a loop
    Product,
}

impl CpuArgs {
    /// With `default` where no count is given.
    fn resolve(self, default: Option<u64>) -> Result<Job, Trouble> {
        let Function::Product = self.function;
        let items = vec![self.n.to_string().into()];
        let spec = CpuSpec::Product { n: self.n };
        let settings = spec.settings().map_err(|error| Trouble::Wrong(error.into()))?;
        Ok(Job {
            work: WorkSpec::new(cpu::NAME, settings),
            session: SessionScope::default(),
            input: Input::Listed { items, count: self.count.map(NonZeroU64::get).or(default) },
            bodies: Bodies::Settled,
            model: Model::ASYNC,
            retries: None,
            pages: Pages::default(),
            about: format!("cpu product, n = {}", self.n),
            notices: Vec::new(),
        })
    }
}

/// `wait`.
#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// How long each wait takes: 0.1s, 100ms, 2 (seconds)
    #[arg(value_name = "TIME", conflicts_with = "duration", allow_negative_numbers = true)]
    #[arg(help_heading = help::INPUT, display_order = 0)]
    times: Vec<Box<str>>,

    /// How long every wait takes: 100ms, 2s
    #[arg(long = "for", value_name = "TIME", value_parser = values::duration)]
    #[arg(help_heading = help::INPUT, display_order = 1)]
    duration: Option<Duration>,

    /// Wait this many times, taking the list over and over
    #[arg(short = 'n', long, value_name = "N", value_parser = values::items)]
    #[arg(help_heading = help::INPUT, display_order = 2)]
    count: Option<NonZeroU64>,

    /// Sleep, holding the thread, instead of setting a timer
    #[arg(long, help_heading = help::INPUT, display_order = 3)]
    blocking: bool,
}

impl WaitArgs {
    fn resolve(self) -> Result<Job, Trouble> {
        let spec = if self.blocking { WaitSpec::Blocking } else { WaitSpec::Timer };
        let items = match self.duration {
            Some(duration) => vec![duration.as_secs_f64().to_string().into()],
            None => self.times,
        };
        if items.is_empty() {
            return Err(Trouble::wrong(
                "no waits: give times, as in `wait 3 2 0.1s`, or `--for 100ms --count 50`",
            ));
        }
        if let (Some(_), [wait]) = (self.duration, items.as_slice()) {
            wait::check(wait).map_err(|wrong| Trouble::wrong(format!("--for: {wrong}")))?;
        }
        let settings = spec.settings().map_err(|error| Trouble::Wrong(error.into()))?;
        Ok(Job {
            work: WorkSpec::new(wait::NAME, settings),
            session: SessionScope::default(),
            input: Input::Listed { items, count: self.count.map(NonZeroU64::get) },
            bodies: Bodies::Settled,
            model: Model::ASYNC,
            retries: None,
            pages: Pages::default(),
            about: if self.blocking { "wait, blocking" } else { "wait" }.into(),
            notices: Vec::new(),
        })
    }
}
