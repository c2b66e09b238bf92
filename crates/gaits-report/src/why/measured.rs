//! What the rules look at: medians over the trials of a model, and the geometric mean of its wall times. Limit: numbers only, all of them finite; what they mean
//! is for the rules to say.

use super::{Job, Relation, Subject};
use crate::{Layout, Trial};
use serde::Serialize;

/// What one model came to.
#[derive(Debug, Clone)]
pub(super) struct Measured<'a> {
    pub(super) model: &'a str,
    pub(super) workers: Option<Layout>,
    pub(super) relation: Relation,
    /// The wall time, in microseconds: the geometric mean, which is more than 0.
    pub(super) wall_us: f64,
    /// Items in a trial.
    pub(super) items: f64,
    /// Items a second of wall time.
    pub(super) per_second: f64,
    /// Bytes of bodies a second of wall time.
    pub(super) bytes_per_second: f64,
    /// CPU time over wall time: how many cores it kept busy.
    pub(super) cores_used: f64,
    /// The share of the time in which its threads could run that they waited for a core, from 0 to 1; none where the
    /// kernel does not tell.
    pub(super) waits_for_core: Option<f64>,
    /// Time in which its threads waited for a core, over the wall time: how many threads waited on average.
    pub(super) threads_waiting: Option<f64>,
    /// The share of the wall time that passed before the first item and after the last, from 0 to 1.
    pub(super) start_and_end: f64,
    /// Items in flight on average between the start of the first item and the end of the last.
    pub(super) in_flight: Option<f64>,
    /// The same over the whole wall time.
    pub(super) in_flight_overall: Option<f64>,
    /// The longest item's share of the time between the start of the first item and the end of the last, from 0 to 1.
    pub(super) longest: Option<f64>,
    /// The mean time of an item, in microseconds.
    pub(super) item_us: Option<f64>,
    /// The mean time until the head of the response came in, in microseconds.
    pub(super) first_byte_us: f64,
    pub(super) shares: Shares,
    /// The peak of its memory, in bytes.
    pub(super) peak_memory: f64,
    /// Threads and processes that were there.
    pub(super) threads: f64,
    pub(super) processes: f64,
    pub(super) connections_opened: f64,
    pub(super) connections_reused: f64,
    /// Microseconds that others spent on the machine's cores, over all trials, and the microseconds that all cores
    /// have. Sums, since the kernel counts in steps of 10 ms, which a short trial alone would be too coarse for.
    pub(super) others_us: f64,
    /// How much of that the server spent; none where that is not known.
    pub(super) server_us: Option<f64>,
    pub(super) stolen_us: f64,
    pub(super) machine_us: f64,
    /// The machine's cores.
    pub(super) machine_cores: u64,
    /// Microseconds in which something on the machine waited for memory, or for a disk, over all trials, and for how long
    /// that was watched.
    pub(super) memory_stall_us: f64,
    pub(super) disk_stall_us: f64,
    pub(super) watched_us: f64,
}

/// Where the time of a model went: shares from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Shares {
    /// CPU time, of the time that all cores had.
    pub cpu: f64,
    /// Name look-ups, of the time of all items; this and the following are 0 where items are not HTTP requests.
    pub name_lookups: f64,
    /// Opening connections, with TLS.
    pub connecting: f64,
    /// From the request out to the head of the response in.
    pub first_byte: f64,
    /// Receiving bodies.
    pub body: f64,
}

impl<'a> Measured<'a> {
    /// Of `subject`; none without a trial that took time.
    pub(super) fn of(subject: &Subject<'a>, job: &Job) -> Option<Self> {
        let trials = subject.trials.iter().copied().filter(|trial| trial.wall_us > 0);
        let trials = trials.collect::<Vec<_>>();
        // The table says so as well.
        let wall_us = geometric_mean(trials.iter().map(|trial| trial.wall_us as f64))?;
        let typical =
            |number: fn(&Trial) -> f64| median(&trials, |t| Some(number(t))).unwrap_or(0.0);
        let of_wall = |number: fn(&Trial) -> f64| {
            median(&trials, |t| Some(number(t) / t.wall_us as f64)).unwrap_or(0.0)
        };
        let of_items = |us: fn(&Trial) -> u64| {
            let share = |t: &Trial| (items_us(t) > 0.0).then(|| us(t) as f64 / items_us(t));
            median(&trials, share).unwrap_or(0.0).min(1.0)
        };
        let cores_used = of_wall(|t| t.usage.cpu_us as f64);
        let sum = |us: fn(&Trial) -> f64| trials.iter().map(|t| us(t)).sum();
        Some(Self {
            model: subject.model,
            workers: subject.workers,
            relation: subject.relation,
            wall_us,
            items: typical(|t| t.tally.items() as f64),
            per_second: of_wall(|t| t.tally.items() as f64 * 1e6),
            bytes_per_second: of_wall(|t| t.tally.bytes() as f64 * 1e6),
            cores_used,
            waits_for_core: median(&trials, |t| {
                let (waiting, cpu) = (t.usage.waiting_us? as f64, t.usage.cpu_us as f64);
                Some(waiting / (waiting + cpu))
            }),
            threads_waiting: median(&trials, |t| {
                Some(t.usage.waiting_us? as f64 / t.wall_us as f64)
            }),
            start_and_end: of_wall(|t| t.startup_us.saturating_add(t.closing_us) as f64).min(1.0),
            in_flight: median(&trials, |t| t.tally.mean_in_flight(work_us(t))),
            in_flight_overall: median(&trials, |t| t.tally.mean_in_flight(t.wall_us)),
            longest: median(&trials, |t| {
                let longest = t.tally.latency().max_us().max(t.tally.failed_latency().max_us())?;
                Some(longest as f64 / work_us(t) as f64)
            })
            .map(|share| share.min(1.0)),
            item_us: median(&trials, |t| {
                let count = t.tally.latency().count() + t.tally.failed_latency().count();
                Some(items_us(t) / count as f64)
            }),
            first_byte_us: typical(|t| {
                t.tally.phases().first_byte_us as f64 / t.tally.items().max(1) as f64
            }),
            shares: Shares {
                cpu: (cores_used / job.cores.max(1) as f64).min(1.0),
                name_lookups: of_items(|t| t.tally.phases().dns_us),
                connecting: of_items(|t| {
                    let phases = t.tally.phases();
                    phases.connect_us.saturating_add(phases.tls_us)
                }),
                first_byte: of_items(|t| t.tally.phases().first_byte_us),
                body: of_items(|t| t.tally.phases().body_us),
            },
            peak_memory: typical(|t| t.usage.peak_memory as f64),
            threads: typical(|t| t.usage.threads as f64),
            processes: typical(|t| t.usage.processes as f64),
            connections_opened: typical(|t| t.tally.connections_opened() as f64),
            connections_reused: typical(|t| t.tally.connections_reused() as f64),
            server_us: trials
                .iter()
                .all(|t| t.machine.server_us.is_some())
                .then(|| sum(|t| t.machine.server_us.unwrap_or(0) as f64)),
            others_us: sum(|t| t.machine.others_us as f64),
            stolen_us: sum(|t| t.machine.stolen_us as f64),
            memory_stall_us: sum(|t| t.machine.memory_stall_us as f64),
            disk_stall_us: sum(|t| t.machine.disk_stall_us as f64),
            watched_us: sum(|t| t.machine.wall_us as f64),
            machine_cores: trials.iter().map(|t| t.machine.cores).max().unwrap_or(0),
            machine_us: sum(|t| t.machine.wall_us as f64 * t.machine.cores.max(1) as f64),
        })
    }

    /// Threads that work on items or run an event loop, in all its processes; none where that is not known.
    pub(super) fn worker_threads(&self) -> Option<u64> {
        let workers = self.workers?;
        let each = u64::from(workers.threads.max(1)) + u64::from(workers.pool_threads);
        Some(u64::from(workers.processes.max(1)).saturating_mul(each))
    }

    /// Its event loops and plain threads, without the pools beside them; none where that is not known.
    pub(super) fn loops(&self) -> Option<u64> {
        let workers = self.workers?;
        Some(u64::from(workers.processes.max(1)) * u64::from(workers.threads.max(1)))
    }

    /// How many items it may have in flight; none where that is not known.
    pub(super) fn most_in_flight(&self) -> Option<u64> {
        let each = u64::from(self.workers?.in_flight.max(1));
        Some(self.loops()?.saturating_mul(each))
    }

    /// How many items it can really be at work on at once: where an item holds its thread, as many as there are
    /// threads for them. None where that is not known.
    pub(super) fn at_once(&self, job: &Job) -> Option<u64> {
        if !job.holds_its_thread {
            return self.most_in_flight();
        }
        match self.workers? {
            Layout { pool_threads: 0, .. } => self.loops(),
            Layout { processes, pool_threads, .. } => {
                let pool = u64::from(processes.max(1)) * u64::from(pool_threads);
                Some(pool.min(self.most_in_flight()?))
            }
        }
    }

    /// As many cores as its worker threads can keep busy; where items are programs, as many as run at once. All cores if these kept more
    /// busy than there were programs, as they have threads of their own.
    pub(super) fn usable_cores(&self, job: &Job) -> u64 {
        let most = if job.runs_programs {
            self.at_once(job).filter(|at_once| rounded(self.cores_used) <= *at_once)
        } else {
            self.worker_threads()
        };
        job.cores.max(1).min(most.unwrap_or(u64::MAX).max(1))
    }

    /// How busy it kept the cores that it can use, from 0 to 1.
    pub(super) fn busy(&self, job: &Job) -> f64 {
        (self.cores_used / self.usable_cores(job) as f64).min(1.0)
    }

    /// Whether the arrival of its items took most of the time.
    pub(super) fn is_for_arrivals(&self, arrivals_per_second: f64) -> bool {
        (self.items - 1.0).max(0.0) / arrivals_per_second * 1e6 >= self.wall_us * MOSTLY_ARRIVING
    }

    /// Whether it took no longer for all items than they took to arrive, each at its time, with what the last ones took;
    /// none where that is not known.
    pub(super) fn keeps_up_with(&self, arrivals_per_second: f64) -> Option<bool> {
        let arriving_us = (self.items - 1.0).max(0.0) / arrivals_per_second * 1e6;
        let each_us = self.in_flight_overall? * self.wall_us / self.items;
        let start_and_end_us = self.start_and_end * self.wall_us;
        Some(self.wall_us <= (arriving_us + 2.0 * each_us + start_and_end_us) * KEEPS_UP)
    }

    /// Whether there were enough items for as many as it can be at work on at once.
    pub(super) fn has_enough_items(&self, job: &Job) -> bool {
        self.at_once(job).is_none_or(|at_once| self.items >= at_once as f64)
    }

    /// The share of the machine's cores that the server took, from 0 to 1; none where that is not known.
    pub(super) fn server(&self) -> Option<f64> {
        Some(share_of(self.server_us?, self.machine_us))
    }

    /// The share of the machine's cores that others took during its trials, from 0 to 1.
    pub(super) fn others(&self) -> f64 {
        share_of(self.others_us, self.machine_us)
    }
}

/// From this share of the time on, it is the arrival of items that takes it.
const MOSTLY_ARRIVING: f64 = 0.5;

/// Whoever takes up to so many times as long as the items took to arrive has kept up with them.
const KEEPS_UP: f64 = 1.1;

/// The model that is told to be the best, else the one of the shortest wall time.
pub(super) fn best<'m, 'a>(ranked: &[&'m Measured<'a>]) -> Option<&'m Measured<'a>> {
    let told = ranked.iter().find(|one| one.relation == Relation::Best);
    told.or_else(|| ranked.iter().min_by(|a, b| a.wall_us.total_cmp(&b.wall_us))).copied()
}

/// A server has so many times as much to do under one model as under another, before it is told from other programs.
const MUCH_MORE: f64 = 3.0;

/// The share of the machine's cores that others took and that can't have been the server's, although it is on this machine:
/// what a server takes grows with what it is asked, so it is as much as others took under the model that asked for far less
/// than the one that asked for most. 0 where none did.
pub(super) fn none_of_the_servers<'m, 'a: 'm>(
    all: impl Iterator<Item = &'m Measured<'a>> + Clone,
) -> f64 {
    let most = all.clone().map(|one| one.per_second).fold(0.0, f64::max);
    let least = all.min_by(|a, b| a.per_second.total_cmp(&b.per_second));
    let least = least.filter(|one| one.per_second * MUCH_MORE <= most);
    least.map_or(0.0, Measured::others)
}

/// `part` of `whole`, from 0 to 1; 0 of nothing.
pub(super) fn share_of(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

/// The nearest whole number; 0 for what is none.
pub(super) fn rounded(number: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` stops at the limits of the type, and gives 0 for what is no number"
    )]
    let whole = number.round() as u64;
    whole
}

/// From the start of the first item to the end of the last, in microseconds.
const fn work_us(trial: &Trial) -> u64 {
    trial.wall_us.saturating_sub(trial.startup_us).saturating_sub(trial.closing_us)
}

/// The time of all items together, in microseconds.
fn items_us(trial: &Trial) -> f64 {
    trial.tally.latency().sum_us() as f64 + trial.tally.failed_latency().sum_us() as f64
}

/// Of numbers above 0; none of no numbers.
fn geometric_mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) =
        numbers.fold((0.0, 0.0), |(count, sum), number| (count + 1.0, sum + number.ln()));
    (count > 0.0).then(|| (sum / count).exp())
}

/// The median of what is known, as far as it is a number.
fn median(trials: &[&Trial], number: impl Fn(&Trial) -> Option<f64>) -> Option<f64> {
    let known = trials.iter().filter_map(|trial| number(trial)).filter(|x| x.is_finite());
    let mut known = known.collect::<Vec<_>>();
    known.sort_by(f64::total_cmp);
    let middle = known.len() / 2;
    match known.len() {
        0 => None,
        n if n % 2 == 1 => Some(known[middle]),
        _ => Some(f64::midpoint(known[middle - 1], known[middle])),
    }
}
