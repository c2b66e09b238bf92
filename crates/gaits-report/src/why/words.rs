//! The sentences: the only place where the findings become text for people. Limit: every number in them comes from the
//! finding; none of them is capitalised or ends in a full stop, so that they can follow a heading or a name.

use super::measured::{Measured, rounded};
use super::{Check, Job, Limit, Reason};
use crate::{Layout, units};

/// A share of the items' time is named where no rule fits if it is at least this large.
const WORTH_NAMING: f64 = 0.1;

/// Where the limit is.
pub(super) fn limit(limit: &Limit) -> String {
    match limit {
        Limit::Arrival { per_second } => format!(
            "the limit is the rate at which items arrive, {}/s: whoever keeps up with it takes equally long, and is to \
             be judged by how long each item took",
            units::number(*per_second)
        ),
        Limit::StartAndEnd { share } => format!(
            "the limit is starting and ending the workers: that takes {} of the time, and less of it the more items \
             there are",
            percent(*share)
        ),
        Limit::ClientCpu { busy, usable, cores, by_the_work } => {
            client_cpu(*busy, *usable, *cores, *by_the_work)
        }
        Limit::SharedCpu { client, others, server_known, cores } => format!(
            "the limit is the CPU of this machine: the client took {} of its {} and {} {}",
            percent(*client),
            cores_in_words(*cores),
            if *server_known { "the server" } else { "other programs, perhaps the server," },
            percent(*others)
        ),
        Limit::LongestItem { us, .. } => format!(
            "the limit is one item that takes far longer than the others: {} of all the time, which no other layout of \
             workers makes shorter",
            units::duration(rounded(*us))
        ),
        Limit::NameLookups { share } => {
            format!("the limit is name look-ups: they take {} of the items' time", percent(*share))
        }
        Limit::Connecting { share, opened, items } => format!(
            "the limit is opening connections: that takes {} of the items' time, with {} for {}",
            percent(*share),
            counted(*opened, "connection", "connections"),
            counted(*items, "item", "items")
        ),
        Limit::Bodies { share, bytes_per_second } => format!(
            "the limit is the network, or how fast the server sends: receiving bodies takes {} of the items' time, at \
             {} in all",
            percent(*share),
            units::bytes_per_second(*bytes_per_second)
        ),
        Limit::ServerRate { per_second, from, to } => format!(
            "the limit is the server: it answers about {} {} a second, whether {} or {} are in flight; that is a \
             queue or a rate limit, which look the same from here",
            units::number(*per_second),
            if is_one(*per_second) { "request" } else { "requests" },
            one_or(*from),
            units::count(*to)
        ),
        Limit::ServerQueue { few, few_us, many, many_us } => format!(
            "the limit is the server's queue: an answer takes {} with {} in flight, and {} with {}",
            units::duration(rounded(*few_us)),
            one_or(*few),
            units::duration(rounded(*many_us)),
            units::count(*many)
        ),
        Limit::ServerTime { share, few, many } => format!(
            "the limit is how long the server takes to answer: {} of the items' time is spent waiting for it, and with \
             {} in flight no longer than with {}, so only the number in flight matters",
            percent(*share),
            units::count(*many),
            one_or(*few)
        ),
        Limit::Waiting { cpu, few, many } => format!(
            "the limit is a wait for something other than the CPU: items need a core for {} of their time, and with {} \
             in flight each takes no longer than with {}, so only the number in flight matters",
            percent(*cpu),
            units::count(*many),
            one_or(*few)
        ),
    }
}

fn client_cpu(busy: f64, usable: u64, cores: u64, by_the_work: bool) -> String {
    let who = if by_the_work { "the CPU: the work" } else { "the client's CPU: the client" };
    let share = percent(busy);
    if usable >= cores {
        let all = the_cores(cores);
        return format!("the limit is {who} keeps {all} busy for {share} of the time");
    }
    let threads =
        if usable == 1 { "its one thread".to_owned() } else { format!("its {usable} threads") };
    let (usable, cores) = (one_or(usable), units::count(cores));
    format!(
        "the limit is {who} keeps {usable} of {cores} cores busy for {share} of the time, and {threads} cannot use more"
    )
}

/// Where no rule fits: what was measured of the best.
pub(super) fn measured(best: &Measured<'_>, job: &Job) -> String {
    let shares = best.shares;
    let cores = the_cores(job.cores.max(1));
    let mut text = format!(
        "nothing stands out as the limit: {} kept {cores} busy for {} of the time",
        best.model,
        percent(shares.cpu)
    );
    let named = [
        (shares.name_lookups, "on name look-ups"),
        (shares.connecting, "on opening connections"),
        (shares.first_byte, "waiting for the server"),
        (shares.body, "receiving bodies"),
    ];
    let named = named.iter().filter(|(share, _)| *share >= WORTH_NAMING);
    let named = named.map(|(share, what)| format!("{} {what}", percent(*share)));
    let named = named.collect::<Vec<_>>();
    if !named.is_empty() {
        text = format!("{text}; of the items' time, it spent {}", list(&named));
    }
    text
}

/// There is no best.
pub(super) fn nothing_measured() -> String {
    "no model did all the work, so there is nothing to explain".to_owned()
}

/// Why a model is as fast, as slow or as large as it is.
pub(super) fn reason(reason: &Reason) -> String {
    match reason {
        Reason::OneAtATime { loops, configured, measured } => {
            let (who, it) = match loops {
                1 => ("the event loop does".to_owned(), "it"),
                loops => (format!("each of the {} event loops does", units::count(*loops)), "each"),
            };
            format!(
                "an item holds its thread, so {who} one at a time: {} may be in flight, but on average {it} had {}",
                units::count(*configured),
                units::number(*measured)
            )
        }
        Reason::StartAndEnd { share, us } => format!(
            "{} of the time goes into starting and ending its workers: {}",
            percent(*share),
            units::duration(rounded(*us))
        ),
        Reason::NoReuse { opened, items, best, best_opened } => format!(
            "it opens {} for {}, where {best} opens {}",
            counted(*opened, "connection", "connections"),
            counted(*items, "item", "items"),
            units::count(*best_opened)
        ),
        Reason::FewerThanConfigured { configured, measured } => format!(
            "on average it had only {} in flight, where {} were possible",
            units::number(*measured),
            units::count(*configured)
        ),
        Reason::MoreThanCores { cores: 1, .. } => {
            "the work needs the CPU and there is one core: more than one worker adds nothing"
                .to_owned()
        }
        Reason::MoreThanCores { cores, .. } => {
            let cores = units::count(*cores);
            format!(
                "the work needs the CPU and there are {cores} cores: more than {cores} workers add nothing"
            )
        }
        Reason::FewerCores { used, of_best } => {
            format!(
                "the work needs the CPU, and it uses {} instead of {}",
                cores_in_words(*used),
                units::count(*of_best)
            )
        }
        Reason::FewerInFlight { in_flight, of_best, .. } => {
            format!("{} in flight instead of {}", one_or(*in_flight), units::count(*of_best))
        }
        Reason::WaitsForCore { share, threads, cores, beside_server } => format!(
            "for {} of the time in which {} could run, it waited for a core: {} for {}{}",
            percent(*share),
            if *threads == 1 { "its thread" } else { "one of its threads" },
            cores_in_words(*cores),
            counted(*threads, "thread", "threads"),
            if *beside_server { " and the server" } else { "" }
        ),
        Reason::TakesTurns { threads, .. } => format!(
            "its {} threads kept one core busy and no more: they take turns, as under an interpreter's lock",
            units::count(*threads)
        ),
        Reason::FallsBehind { arriving, done } => format!(
            "items arrive faster than it finishes them, {}/s against {}/s, so each waits longer than the one before",
            units::number(*arriving),
            units::number(*done)
        ),
        Reason::LessMemory { workers, other_workers, ratio, waiting_for_server, .. } => {
            let waiting = match *waiting_for_server {
                share if share > 0.0 => {
                    format!("{} of the time is spent waiting for the server: ", percent(share))
                }
                _ => String::new(),
            };
            let does = if laid_out_as_one(workers) { "does" } else { "do" };
            let others_do = if laid_out_as_one(other_workers) { "does" } else { "do" };
            format!(
                "{waiting}{} {does} what {} {others_do}, with {} of the memory",
                layout(workers),
                layout(other_workers),
                fraction(*ratio)
            )
        }
    }
}

/// Why the measurement is to be doubted.
pub(super) fn check(check: &Check) -> String {
    match check {
        Check::TooManyInFlight { model, configured, measured } => format!(
            "the times of {model} cannot be right: by them {} items were in flight on average, where {} is the most",
            units::number(*measured),
            units::count(*configured)
        ),
        Check::TooFewItems { model, items, at_once } => format!(
            "{model} had only {}, and could be at work on {} at once: more items would show what that is worth",
            counted(*items, "item", "items"),
            units::count(*at_once)
        ),
        Check::WaitsForCore { model, share, threads, cores } => format!(
            "something else kept {model} from running: for {} of the time in which {} could run, it waited for a core, \
             with {} for {}",
            percent(*share),
            if *threads == 1 { "its thread" } else { "one of its threads" },
            cores_in_words(*cores),
            counted(*threads, "thread", "threads")
        ),
        Check::Others { share } => format!(
            "this machine was busy with something else: other programs took {} of its CPU, so times may be too long",
            percent(*share)
        ),
        Check::Memory { share } => format!(
            "this machine was short of memory: for {} of the time something waited until there was some, so times may \
             be too long",
            percent(*share)
        ),
        Check::Disk { share } => format!(
            "a disk of this machine was busy: for {} of the time something waited for it",
            percent(*share)
        ),
        Check::Stolen { share } => format!(
            "this is a virtual machine, and its host took {} of its CPU away, so times may be too long",
            percent(*share)
        ),
    }
}

/// Workers as the subject of a sentence: `one thread with 100 in flight`, `2 processes with 3 threads each`.
fn layout(workers: &Layout) -> String {
    let Layout { processes, threads, in_flight, pool_threads } = *workers;
    let (processes, threads) = (processes.max(1), threads.max(1));
    let loops = match (processes, threads) {
        (1, 1) => "one thread".to_owned(),
        (1, threads) => counted(threads.into(), "thread", "threads"),
        (processes, 1) => counted(processes.into(), "process", "processes"),
        (processes, threads) => {
            let threads = counted(threads.into(), "thread", "threads");
            format!("{} with {threads} each", counted(processes.into(), "process", "processes"))
        }
    };
    let pool = match pool_threads {
        0 => String::new(),
        n => format!(" and {}", counted(n.into(), "pool thread", "pool threads")),
    };
    match (in_flight, processes, threads) {
        (..=1, ..) => loops + &pool,
        (n, 1, 1) => format!("{loops} with {} in flight{pool}", units::count(n.into())),
        (n, 2.., 2..) => {
            format!("{loops} and {} in flight on each thread{pool}", units::count(n.into()))
        }
        (n, ..) => format!("{loops} with {} in flight each{pool}", units::count(n.into())),
    }
}

/// Whether the layout in words is a singular.
const fn laid_out_as_one(workers: &Layout) -> bool {
    workers.processes <= 1 && workers.threads <= 1
}

/// A share in whole per cent; never rounded to nothing or to all.
fn percent(share: f64) -> String {
    match share {
        share if share <= 0.0 => "0 %".to_owned(),
        share if share < 0.01 => "less than 1 %".to_owned(),
        share if share >= 1.0 => "100 %".to_owned(),
        share if share > 0.99 => "99 %".to_owned(),
        share => format!("{:.0} %", share * 100.0),
    }
}

/// A part of a whole: `half`, `a ninth`, and in per cent if it is smaller than a tenth.
fn fraction(ratio: f64) -> String {
    const NAMES: [&str; 9] = [
        "half",
        "a third",
        "a quarter",
        "a fifth",
        "a sixth",
        "a seventh",
        "an eighth",
        "a ninth",
        "a tenth",
    ];
    let parts = 1.0 / ratio;
    let name = rounded(parts).checked_sub(2).and_then(|at| NAMES.get(usize::try_from(at).ok()?));
    match name {
        Some(name) if (parts / parts.round() - 1.0).abs() <= 0.05 => (*name).to_owned(),
        Some(name) => format!("about {name}"),
        None => percent(ratio),
    }
}

/// `a, b and c`
fn list(parts: &[String]) -> String {
    match parts.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

fn cores_in_words(cores: u64) -> String {
    if cores == 1 { "one core".to_owned() } else { format!("{} cores", units::count(cores)) }
}

fn the_cores(cores: u64) -> String {
    format!("the {}", cores_in_words(cores))
}

fn one_or(number: u64) -> String {
    if number == 1 { "one".to_owned() } else { units::count(number) }
}

fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", units::count(number), if number == 1 { one } else { several })
}

/// Whether `number` is shown as 1.
fn is_one(number: f64) -> bool {
    units::number(number) == "1.00"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_the_subject_of_a_sentence() {
        for (workers, text) in [
            (Layout::new(1, 1, 1), "one thread"),
            (Layout::new(1, 1, 100), "one thread with 100 in flight"),
            (Layout::new(1, 100, 1), "100 threads"),
            (Layout::new(2, 1, 1), "2 processes"),
            (Layout::new(2, 1, 50), "2 processes with 50 in flight each"),
            (Layout::new(1, 2, 50), "2 threads with 50 in flight each"),
            (Layout::new(2, 3, 1), "2 processes with 3 threads each"),
            (
                Layout::new(2, 3, 9),
                "2 processes with 3 threads each and 9 in flight on each thread",
            ),
            (Layout::new(1, 1, 9).with_pool(1), "one thread with 9 in flight and 1 pool thread"),
        ] {
            assert_eq!(layout(&workers), text);
        }
    }

    #[test]
    fn a_share_is_never_rounded_to_nothing_or_to_all() {
        let shares = [0.0, 0.001, 0.01, 0.345, 0.985, 0.999, 1.0, 1.5];
        let texts = ["0 %", "less than 1 %", "1 %", "34 %", "98 %", "99 %", "100 %", "100 %"];
        assert_eq!(shares.map(percent), texts);
    }

    #[test]
    fn a_fraction_has_a_name_as_long_as_there_is_one() {
        for (ratio, text) in [
            (0.5, "half"),
            (0.4, "about a third"),
            (0.111, "a ninth"),
            (0.108, "a ninth"),
            (0.1, "a tenth"),
            (0.08, "8 %"),
            (0.001, "less than 1 %"),
        ] {
            assert_eq!(fraction(ratio), text, "{ratio}");
        }
    }
}
