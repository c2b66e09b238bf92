//! The comparison for programs: `docs/compare.schema.json`. Duty: names that stay, with the unit in the name. Limit: what
//! is not known is `null`, never a number that stands for nothing.

use super::{Comparison, Entry, NotRanked, Relation};
use crate::stats::{Interval, More, percentiles_for};
use crate::trial::Difference;
use crate::why::Why;
use crate::{Latency, Phases};
use gaits_core::ErrorKind;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Raised when a field changes its meaning or goes.
const FORMAT_VERSION: u32 = 2;

#[derive(Serialize)]
struct Race<'a> {
    version: u32,
    work: &'a str,
    items: u64,
    all_items: u64,
    rounds: u32,
    seed: u64,
    margin: f64,
    precision: f64,
    confidence: f64,
    precision_reached: bool,
    models: Vec<Row<'a>>,
    outliers: Vec<Unlike<'a>>,
    verdict: Short<'a>,
    why: &'a Why,
}

#[derive(Serialize)]
struct Short<'a> {
    best: &'a [String],
    sentence: &'a str,
}

#[derive(Serialize)]
struct Unlike<'a> {
    model: &'a str,
    round: u32,
    times: f64,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    command: Option<&'a str>,
    processes: Option<u32>,
    threads: Option<u32>,
    in_flight: Option<u32>,
    pool_threads: Option<u32>,
    relation: &'static str,
    reason: Option<&'static str>,
    detail: Option<String>,
    ratio_to_best: Option<Bounds>,
    more_rounds: Option<u64>,
    wall_s: Option<Walls>,
    typical_s: Option<Bounds>,
    walls_s: Vec<f64>,
    startup_s: f64,
    closing_s: f64,
    process_s: f64,
    cpu_s: f64,
    waiting_for_core_s: Option<f64>,
    voluntary_switches: u64,
    involuntary_switches: u64,
    peak_memory_bytes: u64,
    workers_died: u64,
    items_per_second: Option<f64>,
    mean_in_flight: Option<f64>,
    latency_s: Percentiles,
    phases_s: Sums,
    connections_opened: u64,
    items: u64,
    ok: u64,
    failed: BTreeMap<ErrorKind, u64>,
}

#[derive(Serialize)]
struct Bounds {
    estimate: f64,
    low: f64,
    high: f64,
}

#[derive(Serialize)]
struct Walls {
    median: f64,
    low: Option<f64>,
    high: Option<f64>,
}

#[derive(Serialize)]
struct Percentiles {
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    #[serde(rename = "p99.9")]
    p999: Option<f64>,
    max: Option<f64>,
}

#[derive(Serialize)]
struct Sums {
    queued: f64,
    dns: f64,
    connect: f64,
    tls: f64,
    first_byte: f64,
    body: f64,
}

/// One object for the race with one for each model in `models`, in the order of [`Comparison::entries`].
impl Serialize for Comparison {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let about = self.about();
        let outliers = self.outliers().iter();
        let race = Race {
            version: FORMAT_VERSION,
            work: &about.work,
            items: about.items,
            all_items: about.all_items,
            rounds: self.rounds(),
            seed: about.seed,
            margin: about.settings.margin,
            precision: about.settings.precision,
            confidence: about.settings.confidence,
            precision_reached: self.is_precise(),
            models: self.entries().iter().map(Row::of).collect(),
            outliers: outliers
                .map(|(model, unlike)| Unlike { model, round: unlike.round, times: unlike.times })
                .collect(),
            why: self.why(),
            verdict: Short {
                best: &self.verdict().best,
                sentence: self.verdict().sentence.english(),
            },
        };
        race.serialize(serializer)
    }
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

impl From<Interval> for Bounds {
    fn from(Interval { estimate, low, high }: Interval) -> Self {
        Self { estimate, low, high }
    }
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry) -> Self {
        let workers = entry.contender.workers;
        let reason = match &entry.relation {
            Relation::NotRanked(reason) => Some(reason),
            _ => None,
        };
        let more_rounds = match entry.relation {
            Relation::Undecided(Some(More::About(rounds))) => Some(rounds as u64),
            _ => None,
        };
        let wall = median_us(&entry.walls_us);
        Self {
            name: &entry.contender.model,
            command: entry.contender.command.as_deref(),
            processes: workers.map(|workers| workers.processes),
            threads: workers.map(|workers| workers.threads),
            in_flight: workers.map(|workers| workers.in_flight),
            pool_threads: workers.map(|workers| workers.pool_threads),
            relation: entry.relation.name(),
            reason: reason.map(NotRanked::name),
            detail: reason.and_then(NotRanked::detail).map(|detail| detail.english().to_owned()),
            ratio_to_best: entry.ratio_to_best.map(Bounds::from),
            more_rounds,
            wall_s: entry.median_s.map(|(median, interval)| Walls {
                median,
                low: interval.map(|(low, _)| low),
                high: interval.map(|(_, high)| high),
            }),
            typical_s: entry.typical_s.map(Bounds::from),
            walls_s: entry.walls_us.iter().map(|(_, us)| seconds(*us)).collect(),
            startup_s: seconds(entry.startup_us),
            closing_s: seconds(entry.closing_us),
            process_s: seconds(entry.process_us),
            cpu_s: seconds(entry.usage.cpu_us),
            waiting_for_core_s: entry.usage.waiting_us.map(seconds),
            voluntary_switches: entry.usage.voluntary_switches,
            involuntary_switches: entry.usage.involuntary_switches,
            workers_died: entry.workers_died,
            peak_memory_bytes: entry.usage.peak_memory,
            items_per_second: entry.items_per_second,
            mean_in_flight: wall.filter(|_| workers.is_some()).and_then(|wall| {
                let rounds = entry.rounds().max(1) as f64;
                Some(entry.tally.mean_in_flight(wall)? / rounds)
            }),
            latency_s: Percentiles::of(entry.tally.latency()),
            phases_s: Sums::of(entry.tally.phases()),
            connections_opened: entry.tally.connections_opened(),
            items: entry.tally.items(),
            ok: entry.tally.ok(),
            failed: entry.tally.failures().iter().map(|(kind, f)| (*kind, f.count)).collect(),
        }
    }
}

fn median_us(walls: &[(u32, u64)]) -> Option<u64> {
    let mut walls: Vec<u64> = walls.iter().map(|(_, us)| *us).collect();
    walls.sort_unstable();
    walls.get(walls.len() / 2).copied()
}

impl NotRanked {
    /// Its name in JSON.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::NotRun => "not_run",
            Self::Degraded { .. } => "degraded",
            Self::AllFailed => "all_failed",
            Self::RunsFailed { .. } => "runs_failed",
            Self::Differs(Difference::Outcome { .. }) => "other_outcomes",
            Self::Differs(Difference::Content { .. }) => "other_content",
            Self::TooFewRounds { at_least_twice: None } => "too_few_rounds",
            Self::TooFewRounds { at_least_twice: Some(_) } => "at_least_twice_as_slow",
            Self::TooShort => "too_short",
            Self::Alone => "alone",
        }
    }
}

impl Percentiles {
    fn of(latency: &Latency) -> Self {
        let shown: Vec<f64> = percentiles_for(latency.count()).collect();
        let at = |quantile: f64| {
            let bears = shown.iter().any(|one| (one - quantile).abs() < 1e-9);
            bears.then(|| latency.quantile_us(quantile).map(seconds)).flatten()
        };
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: latency.max_us().map(seconds),
        }
    }
}

impl Sums {
    fn of(phases: &Phases) -> Self {
        Self {
            queued: seconds(phases.queued_us),
            dns: seconds(phases.dns_us),
            connect: seconds(phases.connect_us),
            tls: seconds(phases.tls_us),
            first_byte: seconds(phases.first_byte_us),
            body: seconds(phases.body_us),
        }
    }
}
