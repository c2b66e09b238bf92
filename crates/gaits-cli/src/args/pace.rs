//! How fast a run may go, how often it tries an item, and when it gives up: options of a run, whatever its work.

use super::help;
use super::values;
use crate::exit::Trouble;
use clap::Args;
use gaits::{Limits, Model, Rate};
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

/// How many are in flight to a host that belongs to others, unless something else is asked for.
const POLITE: NonZeroU32 = NonZeroU32::new(8).expect("it is not 0");

/// How long a host is waited for that wants to be left alone, unless something else is asked for.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// Options that hold a run back.
#[derive(Debug, Args)]
#[command(next_help_heading = help::RUNNING)]
pub(crate) struct PaceArgs {
    /// Have this many items in flight in all
    ///
    /// That is the number of the model's workers.
    #[arg(short, long, value_name = "N", value_parser = values::at_least_one, global = true)]
    concurrency: Option<NonZeroU32>,

    /// Have at most this many requests in flight to a host
    ///
    /// A host is scheme, name and port. Without this, -c and -m, a host that is neither this machine nor on a private
    /// network gets at most 8.
    #[arg(long, value_name = "N", value_parser = values::at_least_one, global = true, hide_short_help = true)]
    per_host: Option<NonZeroU32>,

    /// Requests to a host at most so often: 10/s, 300/m
    #[arg(long, value_name = "RATE", value_parser = values::rate, global = true)]
    rate: Option<Duration>,

    /// Let this many of --rate and --total-rate come at once after a quiet time
    #[arg(long, value_name = "N", value_parser = values::at_least_one, default_value = "1", global = true, hide_short_help = true)]
    burst: NonZeroU32,

    /// Start items at most this often in all: 10/s, 300/m, 5000/h
    #[arg(long, value_name = "RATE", value_parser = values::rate, global = true, hide_short_help = true)]
    total_rate: Option<Duration>,

    /// Let this much time pass between the starts of two requests to a host; a number alone is seconds
    #[arg(long, value_name = "TIME", value_parser = values::duration, conflicts_with = "rate", global = true, hide_short_help = true)]
    delay: Option<Duration>,

    /// Try an item that failed in a way that may pass this many times more [default: 3]
    ///
    /// The wait before a retry is random, up to 1 s before the first, then up to 2 s, 4 s, … and 1 min. No worker is
    /// held meanwhile. Only what may be done twice is tried again.
    #[arg(long, value_name = "N", value_parser = values::number, global = true, hide_short_help = true)]
    retries: Option<u32>,

    /// Wait at most this long for a host that answers 429, or 503 with a time [default: 1h]
    ///
    /// Such an answer pauses the whole host, for as long as it says, and uses up no retry. A host that wants to be left
    /// alone for longer, or answers so again and again for this long, is given up: its items stay undone, and the run
    /// ends with exit code 4 when all others are done.
    #[arg(long, value_name = "TIME", value_parser = values::duration, global = true, hide_short_help = true)]
    max_retry_after: Option<Duration>,

    /// Stop once this many items have failed, with the others undone (exit code 4)
    #[arg(long, value_name = "N", value_parser = values::items, global = true, hide_short_help = true)]
    stop_after_failures: Option<NonZeroU64>,

    /// Replace a worker process that has been at an item for this long; the item fails with the kind `timeout`
    ///
    /// For work that holds its thread, and so can't be ended otherwise; takes a model with processes.
    #[arg(long, value_name = "TIME", value_parser = values::duration, global = true, hide_short_help = true)]
    deadline: Option<Duration>,
}

impl PaceArgs {
    /// The model, with the number of its workers; `model` is the one that was asked for, if any was.
    pub(crate) fn model(&self, model: Option<Model>, default: Model) -> Result<Model, Trouble> {
        let asked = model.unwrap_or(default);
        match self.concurrency {
            None => Ok(asked),
            Some(number) => {
                let model = asked.with_workers(number);
                model.map_err(|error| Trouble::wrong(format!("-c {number}: {error}")))
            }
        }
    }

    /// What is to be said where `model` has fewer workers than were asked for.
    pub(crate) fn uneven(&self, model: Model) -> Option<String> {
        let asked = self.concurrency?;
        let workers = model.layout().workers();
        (workers < u64::from(asked.get()))
            .then(|| format!("-c {asked} can't be spread evenly: {model} has {workers} workers"))
    }

    /// Refuses what can do nothing where no server is asked.
    pub(crate) fn refuse_what_needs_a_server(&self) -> Result<(), Trouble> {
        let wrong = if self.per_host.is_some() {
            "--per-host: this work has no hosts; -c N says how many items are in flight"
        } else if self.retries.is_some() {
            "--retries: this work fails in no way that may pass, so nothing is tried again; with `command`, --repeatable says otherwise"
        } else if self.max_retry_after.is_some() {
            "--max-retry-after: this work asks no server, so nobody wants to be left alone"
        } else {
            return Ok(());
        };
        Err(Trouble::wrong(wrong))
    }

    /// The limits of the plan, whose model is `model`. `chosen` says that a model was asked for; `retries` is the default.
    pub(crate) fn limits(
        &self,
        model: Model,
        chosen: bool,
        retries: u32,
    ) -> Result<Limits, Trouble> {
        let rate = |interval: Duration, burst| Rate { interval, burst };
        let even = self.delay.filter(|delay| !delay.is_zero());
        let obeyed = chosen || self.concurrency.is_some() || self.per_host.is_some();
        if self.deadline.is_some_and(|deadline| deadline.is_zero()) {
            return Err(Trouble::wrong("--deadline: no item can be done in no time"));
        }
        if self.deadline.is_some() && model.inside_processes().is_none() {
            return Err(Trouble::wrong(format!(
                "--deadline: {model} has no worker processes that could be replaced; use one that has, such as -m processes"
            )));
        }
        if self.burst.get() > 1 && self.rate.is_none() && self.total_rate.is_none() {
            return Err(Trouble::wrong("--burst needs --rate or --total-rate"));
        }
        Ok(Limits {
            per_key: self.per_host,
            polite: (!obeyed).then_some(POLITE),
            rate: self
                .rate
                .map(|interval| rate(interval, self.burst))
                .or(even.map(|interval| rate(interval, NonZeroU32::MIN))),
            total_rate: self.total_rate.map(|interval| rate(interval, self.burst)),
            retries: self.retries.unwrap_or(retries),
            arrival: None,
            longest_pause: Some(self.max_retry_after.unwrap_or(LONGEST_PAUSE)),
            stop_after_failures: self.stop_after_failures,
            deadline: self.deadline,
        })
    }
}
