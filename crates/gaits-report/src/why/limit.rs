//! Where the limit of the job is. The rules are tried from the surest on; the first that fits is told.

use super::Job;
use super::measured::{Measured, none_of_the_servers, rounded};
use serde::Serialize;

/// From this share of the usable cores on, the CPU is the limit. The rest is lost to scheduling and to the moments at
/// the start and the end of a trial in which not all workers are busy.
const BUSY: f64 = 0.85;

/// A client that takes less than this share of the cores shares them with nobody to speak of.
const SHARES: f64 = 0.1;

/// From this share of the time on, one item is the limit...
const ONE_ITEM: f64 = 0.9;

/// ...if it takes so many times as long as the others do on average: where all take equally long, more of them at once
/// is what would help.
const UNLIKE: f64 = 5.0;

/// From this share of the wall time on, starting and ending the workers is most of what was measured.
const MOSTLY_START_AND_END: f64 = 0.5;

/// From this share of the items' time on, name look-ups are the limit: more than the noise of any phase, and without
/// them the same number in flight would do 1.4 times as much.
const LOOKUPS: f64 = 0.3;

/// The same for opening connections.
const CONNECTING: f64 = 0.3;

/// From this share of the items' time on, receiving bodies is the limit: at least half of it.
const BODIES: f64 = 0.5;

/// From this share of the items' time on, what counts is how long the server takes to answer.
const ANSWERING: f64 = 0.6;

/// For the rules on what more in flight does, the larger number has to be set to at least this many times the smaller...
const APART: f64 = 2.0;

/// ...and what really was in flight has to differ by at least this factor. It is less, since a model has fewer in flight
/// while it starts and ends.
const REALLY_APART: f64 = 1.5;

/// An answer that takes so many times as long with more in flight has waited in a queue.
const GROWN: f64 = 1.5;

/// Up to this many times as long, it has not. Between the two nothing is told.
const NOT_GROWN: f64 = 1.3;

/// Numbers of answers a second that differ by no more than this are the same.
const SAME_RATE: f64 = 0.05;

/// The share of the number in flight needed for the best rate that is counted as enough for it.
const ENOUGH: f64 = 0.95;

/// Items that are not HTTP requests wait if they spend at most this share of their time on a core.
const WAITING_CPU: f64 = 0.4;

/// Where the limit of the job is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Limit {
    /// Items arrive at a rate of their own, and the best model keeps up with it.
    Arrival {
        /// How many arrive in a second.
        per_second: f64,
    },
    /// Starting and ending the workers took most of the time.
    StartAndEnd {
        /// The share of the wall time.
        share: f64,
    },
    /// The CPU of the client.
    ClientCpu {
        /// How busy it kept the cores that it can use, from 0 to 1.
        busy: f64,
        /// The cores that its worker threads, or the programs that run at once, can use.
        usable: u64,
        /// The cores that there are.
        cores: u64,
        /// Whether it is the work itself that needs the CPU.
        by_the_work: bool,
        /// Whether items are programs of their own.
        #[serde(skip)]
        runs_programs: bool,
    },
    /// The CPU of this machine, which the client shares with the server.
    SharedCpu {
        /// The share of all cores that the client took.
        client: f64,
        /// The share of all cores that the server took, or where that is not known, that others took.
        others: f64,
        /// Whether it is known what the server took.
        server_known: bool,
        /// The cores that there are.
        cores: u64,
    },
    /// One item, which takes far longer than the others.
    LongestItem {
        /// Its share of the time.
        share: f64,
        /// How long it takes, in microseconds.
        us: f64,
    },
    /// Name look-ups.
    NameLookups {
        /// The share of the items' time.
        share: f64,
    },
    /// Opening connections, with TLS.
    Connecting {
        /// The share of the items' time.
        share: f64,
        /// Connections opened in a trial.
        opened: u64,
        /// Items in a trial.
        items: u64,
    },
    /// Receiving bodies: the network, or a server that sends them slowly.
    Bodies {
        /// The share of the items' time.
        share: f64,
        /// Bytes a second, in all.
        bytes_per_second: f64,
    },
    /// The server answers a certain number of requests a second, however many are in flight: a queue or a rate limit.
    ServerRate {
        /// Answers a second.
        per_second: f64,
        /// The fewest in flight for which this was seen.
        from: u64,
        /// The most in flight for which this was seen.
        to: u64,
    },
    /// The server makes requests wait for each other.
    ServerQueue {
        /// The few in flight.
        few: u64,
        /// How long an answer takes with few, in microseconds.
        few_us: f64,
        /// The many in flight.
        many: u64,
        /// How long an answer takes with many, in microseconds.
        many_us: f64,
    },
    /// The server takes its time, and takes no longer when more is asked of it.
    ServerTime {
        /// The share of the items' time.
        share: f64,
        /// The few in flight.
        few: u64,
        /// The many in flight.
        many: u64,
    },
    /// Items wait for something other than the CPU, and no longer when more of them do.
    Waiting {
        /// The share of the items' time that was spent on a core.
        cpu: f64,
        /// The few in flight.
        few: u64,
        /// The many in flight.
        many: u64,
    },
}

/// The limit of the job, from `best` and from the others beside it.
pub(super) fn find(ranked: &[&Measured<'_>], best: &Measured<'_>, job: &Job) -> Option<Limit> {
    let of_best = arrival(best, job)
        .or_else(|| start_and_end(best))
        .or_else(|| client_cpu(best, job))
        .or_else(|| shared_cpu(ranked, best, job))
        .or_else(|| longest_item(best));
    if of_best.is_some() || !job.is_http {
        return of_best.or_else(|| waiting(ranked, best, job));
    }
    name_lookups(best)
        .or_else(|| connecting(best))
        .or_else(|| bodies(best))
        .or_else(|| server(ranked, best, job))
}

/// Whether the client's CPU is what limits this model.
pub(super) fn is_busy(one: &Measured<'_>, job: &Job) -> bool {
    one.busy(job) >= BUSY
}

fn arrival(best: &Measured<'_>, job: &Job) -> Option<Limit> {
    let per_second = job.arrivals_per_second?;
    // What arrives all at once has no rate.
    let keeps_up = best.keeps_up_with(per_second)? && best.is_for_arrivals(per_second);
    keeps_up.then_some(Limit::Arrival { per_second })
}

fn start_and_end(best: &Measured<'_>) -> Option<Limit> {
    let share = best.start_and_end;
    (share >= MOSTLY_START_AND_END).then_some(Limit::StartAndEnd { share })
}

fn client_cpu(best: &Measured<'_>, job: &Job) -> Option<Limit> {
    is_busy(best, job).then(|| Limit::ClientCpu {
        busy: best.busy(job),
        usable: best.usable_cores(job),
        cores: job.cores.max(1),
        by_the_work: job.holds_its_thread || job.runs_programs,
        runs_programs: job.runs_programs,
    })
}

fn shared_cpu(ranked: &[&Measured<'_>], best: &Measured<'_>, job: &Job) -> Option<Limit> {
    let (client, cores) = (best.shares.cpu, job.cores.max(1));
    // Where the client may use only some of the cores, it is not known how much others took of those.
    if best.machine_cores != cores {
        return None;
    }
    if let Some(server) = best.server() {
        let shared = job.server_here && client + server >= BUSY;
        return shared.then_some(Limit::SharedCpu {
            client,
            others: server,
            server_known: true,
            cores,
        });
    }
    let others = best.others() - none_of_the_servers(ranked.iter().copied());
    let shared = job.server_here && client >= SHARES && client + others >= BUSY;
    shared.then_some(Limit::SharedCpu { client, others, server_known: false, cores })
}

fn longest_item(best: &Measured<'_>) -> Option<Limit> {
    let (share, work_us) = (best.longest?, best.wall_us * (1.0 - best.start_and_end));
    let us = share * work_us;
    let unlike = best.items >= 2.0 && us >= best.item_us? * UNLIKE.min(best.items * 0.9);
    (share >= ONE_ITEM && unlike).then_some(Limit::LongestItem { share, us })
}

fn name_lookups(best: &Measured<'_>) -> Option<Limit> {
    let share = best.shares.name_lookups;
    (share >= LOOKUPS).then_some(Limit::NameLookups { share })
}

fn connecting(best: &Measured<'_>) -> Option<Limit> {
    let share = best.shares.connecting;
    (share >= CONNECTING).then(|| Limit::Connecting {
        share,
        opened: rounded(best.connections_opened),
        items: rounded(best.items),
    })
}

fn bodies(best: &Measured<'_>) -> Option<Limit> {
    let share = best.shares.body;
    let bytes_per_second = best.bytes_per_second;
    (share >= BODIES).then_some(Limit::Bodies { share, bytes_per_second })
}

/// What the server does with more in flight.
fn server(ranked: &[&Measured<'_>], best: &Measured<'_>, job: &Job) -> Option<Limit> {
    if best.shares.first_byte < ANSWERING {
        return None;
    }
    let answering = |one: &&Measured<'_>| one.shares.first_byte >= ANSWERING;
    let known = comparable(ranked, job).into_iter().filter(answering).collect::<Vec<_>>();
    server_rate(&known, job).or_else(|| {
        let (few, many) = extremes(&known, job)?;
        let grown = many.first_byte_us / few.first_byte_us;
        if !grown.is_finite() {
            return None;
        }
        let (few_at_once, many_at_once) = (few.at_once(job)?, many.at_once(job)?);
        let in_proportion = many.in_flight? / few.in_flight?;
        let fell_behind = many.per_second / few.per_second < in_proportion / NOT_GROWN;
        if grown >= GROWN && fell_behind {
            return Some(Limit::ServerQueue {
                few: few_at_once,
                few_us: few.first_byte_us,
                many: many_at_once,
                many_us: many.first_byte_us,
            });
        }
        // More in flight than that may have queued, where there were too few items to conclude anything from it.
        let queues = |one: &&Measured<'_>| {
            let slower = one.first_byte_us >= few.first_byte_us * GROWN;
            one.in_flight > many.in_flight && slower && !is_busy(one, job)
        };
        let only_time = grown < NOT_GROWN && !ranked.iter().any(queues);
        only_time.then_some(Limit::ServerTime {
            share: best.shares.first_byte,
            few: few_at_once,
            many: many_at_once,
        })
    })
}

/// Whether all that have enough in flight for the best rate get the same one.
fn server_rate(known: &[&Measured<'_>], job: &Job) -> Option<Limit> {
    let fewest = extreme(known, job, |a, b| a < b)?;
    let best_rate = known.iter().map(|one| one.per_second).fold(0.0, f64::max);
    // with so many in flight, and without a queue, the server would give the best rate
    let needed = best_rate * fewest.item_us? / 1e6;
    let enough = known.iter().filter(|one| one.in_flight.is_some_and(|n| n >= needed * ENOUGH));
    let enough = enough.copied().collect::<Vec<_>>();
    let (from, to) = (extreme(&enough, job, |a, b| a < b)?, extreme(&enough, job, |a, b| a > b)?);
    let rates = enough.iter().map(|one| one.per_second);
    let (low, high) = rates.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), rate| {
        (low.min(rate), high.max(rate))
    });
    let apart = to.in_flight? >= from.in_flight? * REALLY_APART;
    let same = low > 0.0 && high <= low * (1.0 + SAME_RATE);
    (apart && same).then_some(Limit::ServerRate {
        per_second: f64::midpoint(low, high),
        from: from.at_once(job)?,
        to: to.at_once(job)?,
    })
}

/// Whether items that are not HTTP requests wait, and no longer when more of them do.
fn waiting(ranked: &[&Measured<'_>], best: &Measured<'_>, job: &Job) -> Option<Limit> {
    let known = comparable(ranked, job);
    let (few, many) = extremes(&known, job)?;
    let cpu = best.cores_used / best.in_flight_overall?;
    let grown = many.item_us? / few.item_us?;
    let waits = !job.is_http && cpu <= WAITING_CPU && grown < NOT_GROWN;
    waits.then_some(Limit::Waiting { cpu, few: few.at_once(job)?, many: many.at_once(job)? })
}

/// The models from which it can be seen what more in flight does: their number is known, there were enough items for
/// it, and they were not held up by the client's CPU.
fn comparable<'m, 'a>(ranked: &[&'m Measured<'a>], job: &Job) -> Vec<&'m Measured<'a>> {
    let comparable = |one: &&Measured<'_>| {
        let known = one.at_once(job).is_some() && one.in_flight.is_some();
        known && one.has_enough_items(job) && !is_busy(one, job)
    };
    ranked.iter().copied().filter(comparable).collect()
}

/// The models with the fewest and with the most in flight, if that is far enough apart, as configured and as measured.
fn extremes<'m, 'a>(
    known: &[&'m Measured<'a>],
    job: &Job,
) -> Option<(&'m Measured<'a>, &'m Measured<'a>)> {
    let (few, many) = (extreme(known, job, |a, b| a < b)?, extreme(known, job, |a, b| a > b)?);
    let configured = many.at_once(job)? as f64 >= few.at_once(job)? as f64 * APART;
    let measured = many.in_flight? >= few.in_flight? * REALLY_APART;
    (configured && measured).then_some((few, many))
}

/// The model whose number in flight comes before that of all others; of several, the fastest.
fn extreme<'m, 'a>(
    known: &[&'m Measured<'a>],
    job: &Job,
    before: fn(u64, u64) -> bool,
) -> Option<&'m Measured<'a>> {
    known.iter().copied().reduce(|a, b| {
        let (left, right) = (a.at_once(job).unwrap_or(1), b.at_once(job).unwrap_or(1));
        let b_is_first = before(right, left) || left == right && b.wall_us < a.wall_us;
        if b_is_first { b } else { a }
    })
}
