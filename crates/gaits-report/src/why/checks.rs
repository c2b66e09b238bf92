//! Whether the measurement itself is to be doubted. Only what has failed is told.

use super::measured::{Measured, none_of_the_servers, rounded, share_of};
use super::{Job, rows};
use serde::Serialize;

/// More in flight than this many times what a model can have is a contradiction. A little more is not, since times are
/// rounded to microseconds.
const TOO_MANY: f64 = 1.05;

/// From this share of the machine's cores on, others on it may have slowed the models down.
const OTHERS: f64 = 0.15;

/// From this share of the machine's cores on, what a hypervisor took is seen in the times: as much as a difference that
/// the ranking is meant to tell.
const STOLEN: f64 = 0.03;

/// From this share of the time on, a lack of memory is seen in the times: pages that are needed have to be read again.
const SHORT_OF_MEMORY: f64 = 0.03;

/// From this share of the time on, the disk is busy enough to tell: a race that keeps its records writes for less.
const WAITS_FOR_DISK: f64 = 0.25;

/// A reason to doubt the measurement.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Check {
    /// Its items' times add up to more than can have been in flight.
    TooManyInFlight {
        /// The model.
        model: String,
        /// How many it can have.
        configured: u64,
        /// How many there were on average, by the times.
        measured: f64,
    },
    /// It had fewer items than it can be at work on at once, so nothing is concluded from that number.
    TooFewItems {
        /// The model.
        model: String,
        /// Items in a trial.
        items: u64,
        /// How many it can be at work on at once.
        at_once: u64,
    },
    /// Its threads waited for a core although there is one for each of them.
    WaitsForCore {
        /// The model.
        model: String,
        /// The share of the time in which they could run.
        share: f64,
        /// Its threads that work on items or run an event loop.
        threads: u64,
        /// The cores that there are.
        cores: u64,
    },
    /// Others kept the machine busy.
    Others {
        /// The share of the time of its cores.
        share: f64,
    },
    /// A hypervisor kept the machine from running.
    Stolen {
        /// The share of the time of its cores.
        share: f64,
    },
    /// The machine was short of memory: something had to wait until there was some.
    Memory {
        /// The share of the time.
        share: f64,
    },
    /// Something on the machine waited for a disk, though no model has anything to do with one.
    Disk {
        /// The share of the time.
        share: f64,
    },
}

/// What has failed.
pub(super) fn failed(all: &[Measured<'_>], job: &Job) -> Vec<Check> {
    let of_machine = [others(all, job), stolen(all), memory(all), disk(all)];
    let of_models = all.iter().flat_map(|one| {
        [too_many_in_flight(one), too_few_items(one, job), waits_for_core(one, job)]
    });
    of_machine.into_iter().chain(of_models).flatten().collect()
}

fn others(all: &[Measured<'_>], job: &Job) -> Option<Check> {
    let share = if all.iter().all(|one| one.server_us.is_some()) {
        of_machine(all, |one| one.others_us - one.server_us.unwrap_or(0.0))
    } else if job.server_here {
        none_of_the_servers(all.iter())
    } else {
        of_machine(all, |one| one.others_us)
    };
    (share >= OTHERS).then_some(Check::Others { share })
}

fn stolen(all: &[Measured<'_>]) -> Option<Check> {
    let share = of_machine(all, |one| one.stolen_us);
    (share >= STOLEN).then_some(Check::Stolen { share })
}

fn memory(all: &[Measured<'_>]) -> Option<Check> {
    let share = of_time(all, |one| one.memory_stall_us);
    (share >= SHORT_OF_MEMORY).then_some(Check::Memory { share })
}

fn disk(all: &[Measured<'_>]) -> Option<Check> {
    let share = of_time(all, |one| one.disk_stall_us);
    (share >= WAITS_FOR_DISK).then_some(Check::Disk { share })
}

/// The share of the time that was watched, over all trials.
fn of_time(all: &[Measured<'_>], us: impl Fn(&Measured<'_>) -> f64) -> f64 {
    share_of(all.iter().map(us).sum(), all.iter().map(|one| one.watched_us).sum())
}

/// The share of the time of all cores over all trials.
fn of_machine(all: &[Measured<'_>], us: impl Fn(&Measured<'_>) -> f64) -> f64 {
    share_of(all.iter().map(us).sum(), all.iter().map(|one| one.machine_us).sum())
}

/// The mean number in flight is the sum of the items' times over the time that went by (Little's law).
fn too_many_in_flight(one: &Measured<'_>) -> Option<Check> {
    let (configured, measured) = (one.most_in_flight()?, one.in_flight?);
    (measured > configured as f64 * TOO_MANY).then(|| Check::TooManyInFlight {
        model: one.model.to_owned(),
        configured,
        measured,
    })
}

fn too_few_items(one: &Measured<'_>, job: &Job) -> Option<Check> {
    let at_once = one.at_once(job)?;
    (!one.has_enough_items(job)).then(|| Check::TooFewItems {
        model: one.model.to_owned(),
        items: rounded(one.items),
        at_once,
    })
}

fn waits_for_core(one: &Measured<'_>, job: &Job) -> Option<Check> {
    let (threads, cores) = (one.worker_threads()?, job.cores.max(1));
    let unexpected = threads <= cores && !job.server_here;
    let share = rows::waits(one)?;
    unexpected.then(|| Check::WaitsForCore { model: one.model.to_owned(), share, threads, cores })
}
