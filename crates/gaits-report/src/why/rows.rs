//! Why single models are as fast, as slow or as large as they are. One reason for each: the first rule that fits.

use super::measured::{Measured, rounded, share_of};
use super::{Job, Relation, limit};
use crate::Layout;
use serde::Serialize;

/// Up to so many items in flight for each event loop, it does one at a time. A little over 1, since times are rounded.
const ONE_AT_A_TIME: f64 = 1.2;

/// From this share of the wall time on, starting and ending the workers is worth telling.
const START_AND_END: f64 = 0.25;

/// A program that keeps this much of a core busy, or as little more than one, uses one core.
const ONE_CORE: f64 = 0.9;

/// From this share of requests with a new connection on, connections are not reused.
const NOT_REUSED: f64 = 0.5;

/// A model opens one connection for each item in flight; from so many times as many on, it opens too many.
const TOO_MANY_CONNECTIONS: f64 = 2.0;

/// From this share of the items' time on, opening connections can be why a model is slower.
const CONNECTING: f64 = 0.1;

/// Below this share of what it could have in flight, a model is told to have fewer.
const FEWER: f64 = 0.7;

/// A ratio that differs by no more than this from what a cause would give is explained by it.
const EXPLAINED: f64 = 0.2;

/// A model that is slower by less than this factor needs no explanation.
const SLOWER: f64 = 1.2;

/// A model that is faster by more than this factor than one with a worker for each core has gained by its further
/// workers.
const GAINED: f64 = 1.05;

/// From this share of the time in which threads could run on, waiting for a core is worth telling...
pub(super) const WAITS_FOR_CORE: f64 = 0.3;

/// ...if each thread waits for at least this share of the wall time. With little CPU work, a wait of a few microseconds
/// is a large share of it and delays nothing.
pub(super) const EACH_WAITS: f64 = 0.05;

/// A model with at most one part in so many of the memory of another needs much less.
const LESS_MEMORY: f64 = 2.0;

/// From this share of the items' time on, the sentence on memory says that the server is waited for.
const ANSWERING: f64 = 0.6;

/// Why a model is as fast, as slow or as large as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// Its event loops are blocked by each item, so each does one at a time.
    OneAtATime {
        /// Its event loops.
        loops: u64,
        /// How many items each may have in flight.
        configured: u64,
        /// How many were, on average, on each.
        measured: f64,
    },
    /// Starting and ending its workers takes much of the time.
    StartAndEnd {
        /// The share of the wall time.
        share: f64,
        /// The time that it took, in microseconds.
        us: f64,
    },
    /// It opens a connection for most requests, where the best does not.
    NoReuse {
        /// Connections opened in a trial.
        opened: u64,
        /// Items in a trial.
        items: u64,
        /// The best model.
        best: String,
        /// Connections that the best opened in a trial.
        best_opened: u64,
    },
    /// Fewer items are in flight than it could have.
    FewerThanConfigured {
        /// How many it could have.
        configured: u64,
        /// How many it had, on average.
        measured: f64,
    },
    /// The work needs the CPU, and it has more workers than there are cores.
    MoreThanCores {
        /// The cores.
        cores: u64,
        /// Items that it is at work on at once.
        at_once: u64,
    },
    /// The work needs the CPU, and it uses fewer cores than the best.
    FewerCores {
        /// The cores that it uses.
        used: u64,
        /// The cores that the best uses.
        of_best: u64,
    },
    /// It has fewer in flight than the best, which explains how much slower it is.
    FewerInFlight {
        /// How many it has.
        in_flight: u64,
        /// How many the best has.
        of_best: u64,
        /// How many times as long as the best it takes.
        ratio: f64,
    },
    /// Its threads wait for a core.
    WaitsForCore {
        /// The share of the time in which they could run.
        share: f64,
        /// Its threads that work on items or run an event loop.
        threads: u64,
        /// The cores that there are.
        cores: u64,
        /// Whether the server runs on the same cores.
        beside_server: bool,
    },
    /// Items arrive at a rate of their own, and it can't keep up with it.
    FallsBehind {
        /// How many arrive in a second.
        arriving: f64,
        /// How many it finished in a second.
        done: f64,
    },
    /// It is another program with several threads, which together keep no more than one core busy, and that one all the time.
    TakesTurns {
        /// Its threads.
        threads: u64,
        /// How many of them were running, or ready to, on average.
        used: f64,
    },
    /// It is as fast as another model with much less memory.
    LessMemory {
        /// How its workers are laid out.
        #[serde(serialize_with = "brief")]
        workers: Layout,
        /// How those of the other are.
        #[serde(serialize_with = "brief")]
        other_workers: Layout,
        /// The other model.
        other: String,
        /// Its memory over that of the other.
        ratio: f64,
        /// The share of the items' time that is spent waiting for the server; 0 where items are not HTTP requests.
        waiting_for_server: f64,
    },
}

fn brief<S: serde::Serializer>(workers: &Layout, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(workers)
}

/// The models that surprise, in the order in which they are given, each with its reason.
pub(super) fn reasons<'a>(
    ranked: &[&Measured<'a>],
    best: &Measured<'_>,
    job: &Job,
) -> Vec<(&'a str, Reason)> {
    let leanest = less_memory(ranked);
    let reason = |one: &&Measured<'a>| {
        one_at_a_time(one, job)
            .or_else(|| falls_behind(one, job))
            .or_else(|| start_and_end(one))
            .or_else(|| no_reuse(one, best, job))
            .or_else(|| fewer_than_configured(one, job))
            .or_else(|| more_than_cores(one, ranked, job))
            .or_else(|| fewer_cores(one, best, job))
            .or_else(|| takes_turns(one, job))
            .or_else(|| fewer_in_flight(one, best, job))
            .or_else(|| waits_for_core(one, job))
            .or_else(|| leanest.clone().filter(|(model, _)| *model == one.model).map(|(_, r)| r))
            .map(|reason| (one.model, reason))
    };
    ranked.iter().filter_map(reason).collect()
}

fn one_at_a_time(one: &Measured<'_>, job: &Job) -> Option<Reason> {
    let workers = one.workers?;
    let blocks = job.holds_its_thread && workers.pool_threads == 0 && workers.in_flight > 1;
    let (loops, configured) = (one.loops()?, u64::from(workers.in_flight));
    let measured = one.in_flight? / loops as f64;
    let could_be_more = one.items >= loops.saturating_mul(2) as f64;
    (blocks && could_be_more && measured <= ONE_AT_A_TIME).then_some(Reason::OneAtATime {
        loops,
        configured,
        measured,
    })
}

fn falls_behind(one: &Measured<'_>, job: &Job) -> Option<Reason> {
    let arriving = job.arrivals_per_second?;
    let behind = !one.keeps_up_with(arriving)?;
    behind.then_some(Reason::FallsBehind { arriving, done: one.per_second })
}

fn start_and_end(one: &Measured<'_>) -> Option<Reason> {
    let share = one.start_and_end;
    (share >= START_AND_END).then_some(Reason::StartAndEnd { share, us: share * one.wall_us })
}

fn no_reuse(one: &Measured<'_>, best: &Measured<'_>, job: &Job) -> Option<Reason> {
    let new = |of: &Measured<'_>| {
        share_of(of.connections_opened, of.connections_opened + of.connections_reused)
    };
    let expected = one.most_in_flight()? as f64;
    let reopens = new(one) >= NOT_REUSED
        && new(best) <= new(one) / 2.0
        && one.connections_opened >= expected * TOO_MANY_CONNECTIONS;
    let matters = ratio(one).is_some() && one.shares.connecting >= CONNECTING;
    (job.is_http && reopens && matters).then(|| Reason::NoReuse {
        opened: rounded(one.connections_opened),
        items: rounded(one.items),
        best: best.model.to_owned(),
        best_opened: rounded(best.connections_opened),
    })
}

fn fewer_than_configured(one: &Measured<'_>, job: &Job) -> Option<Reason> {
    let (configured, measured) = (one.at_once(job)?, one.in_flight?);
    // After the last item is handed out, fewer and fewer are in flight, for no longer than the longest item takes.
    let possible = configured as f64 * (1.0 - one.longest?);
    // With a rate of their own, there may be no more items to be at work on.
    let may_have_more = job.arrivals_per_second.is_none() && one.has_enough_items(job);
    (may_have_more && measured < possible * FEWER)
        .then_some(Reason::FewerThanConfigured { configured, measured })
}

fn more_than_cores(one: &Measured<'_>, ranked: &[&Measured<'_>], job: &Job) -> Option<Reason> {
    let (cores, at_once) = (job.cores.max(1), one.at_once(job)?);
    let fits = job.holds_its_thread && at_once > cores && limit::is_busy(one, job);
    let enough = |other: &&&Measured<'_>| other.at_once(job) == Some(cores);
    let fastest = ranked.iter().filter(enough).map(|other| other.wall_us).min_by(f64::total_cmp);
    let gained = fastest.is_some_and(|wall_us| wall_us > one.wall_us * GAINED);
    (fits && !gained).then_some(Reason::MoreThanCores { cores, at_once })
}

fn fewer_cores(one: &Measured<'_>, best: &Measured<'_>, job: &Job) -> Option<Reason> {
    let used = |of: &Measured<'_>| Some(of.at_once(job)?.min(job.cores.max(1)));
    let (used, of_best) = (used(one)?, used(best)?);
    let busy = limit::is_busy(one, job) && limit::is_busy(best, job);
    let fits = job.holds_its_thread && busy && used < of_best;
    let explained = is_explained(ratio(one)?, best.cores_used / one.cores_used);
    (fits && explained).then_some(Reason::FewerCores { used, of_best })
}

fn takes_turns(one: &Measured<'_>, job: &Job) -> Option<Reason> {
    // What is ready to run and waits for a core would use it, where others have it. Threads that hand a lock to each other
    // wait for a core as well, though there is one.
    let ready = one.cores_used + one.threads_waiting.unwrap_or(0.0);
    let is_one = |cores: &f64| (ONE_CORE..=2.0 - ONE_CORE).contains(cores);
    let used = [one.cores_used, ready].into_iter().find(is_one).filter(|_| job.cores > 1)?;
    let threads = rounded(one.threads);
    let is_program = one.workers.is_none() && one.processes <= 1.0;
    (is_program && threads > 1).then_some(Reason::TakesTurns { threads, used })
}

fn fewer_in_flight(one: &Measured<'_>, best: &Measured<'_>, job: &Job) -> Option<Reason> {
    let (in_flight, of_best) = (one.at_once(job)?, best.at_once(job)?);
    let enough = one.has_enough_items(job) && best.has_enough_items(job);
    let ratio = ratio(one)?;
    let explained = is_explained(ratio, best.in_flight_overall? / one.in_flight_overall?);
    (enough && in_flight < of_best && explained).then_some(Reason::FewerInFlight {
        in_flight,
        of_best,
        ratio,
    })
}

fn waits_for_core(one: &Measured<'_>, job: &Job) -> Option<Reason> {
    let (threads, cores) = (one.worker_threads()?, job.cores.max(1));
    // with a core for each thread, it is others that take them: a check tells that, unless it is the server
    let expected = threads > cores || job.server_here;
    let share = waits(one)?;
    let beside_server = job.server_here;
    expected.then_some(Reason::WaitsForCore { share, threads, cores, beside_server })
}

/// The share of the time in which its threads could run that they waited for a core, if that slowed it down.
pub(super) fn waits(one: &Measured<'_>) -> Option<f64> {
    let each = one.threads_waiting? / one.worker_threads()?.max(1) as f64;
    one.waits_for_core.filter(|&share| share >= WAITS_FOR_CORE && each >= EACH_WAITS)
}

/// Of the models that are as fast as the best, the one that needs the least memory, beside the one that needs the most.
fn less_memory<'a>(ranked: &[&Measured<'a>]) -> Option<(&'a str, Reason)> {
    let equals = || {
        let is_equal = |one: &&&Measured<'a>| {
            let fast = matches!(one.relation, Relation::Best | Relation::AsFast);
            fast && one.peak_memory > 0.0 && one.workers.is_some()
        };
        ranked.iter().filter(is_equal)
    };
    let lean = equals().min_by(|a, b| a.peak_memory.total_cmp(&b.peak_memory))?;
    let large = equals().max_by(|a, b| a.peak_memory.total_cmp(&b.peak_memory))?;
    let ratio = lean.peak_memory / large.peak_memory;
    let waits = lean.shares.first_byte;
    (lean.peak_memory * LESS_MEMORY <= large.peak_memory).then_some((
        lean.model,
        Reason::LessMemory {
            workers: lean.workers?,
            other_workers: large.workers?,
            other: large.model.to_owned(),
            ratio,
            waiting_for_server: if waits >= ANSWERING { waits } else { 0.0 },
        },
    ))
}

/// How many times as long as the best it takes, if it is slower by so much that it needs an explanation.
fn ratio(one: &Measured<'_>) -> Option<f64> {
    match one.relation {
        Relation::Slower { ratio } if ratio.is_finite() && ratio >= SLOWER => Some(ratio),
        _ => None,
    }
}

/// Whether `ratio` is what a cause would give, `expected`.
fn is_explained(ratio: f64, expected: f64) -> bool {
    (ratio / expected - 1.0).abs() <= EXPLAINED
}
