//! The comparison for programs. Duty: field names that stay, with the unit in the name. Limit: what is not known is
//! `null`, never a number that stands for nothing.
//!
//! ```json
//! {"format_version":1,"work":"http","items":100,"rounds":5,"seed":42,"conclusion":"fastest: …",
//!  "models":[{"model":"async:100","workers":"100 in flight","ranked":true,"rank":1,"tied_with_fastest":false,
//!             "not_ranked_because":null,
//!             "ratio_to_fastest":{"median":1.0,"min":1.0,"max":1.0},
//!             "wall_us":{"median":231000,"min":229000,"max":240000,"rounds":[231000,229000,…]},
//!             "cpu_us":12000,"items_per_second":432.9,
//!             "latency_us":{"p50":230000,"p90":231000,"p99":235000,"max":236000},
//!             "items":500,"ok":500,"failed":{}}]}
//! ```
//!
//! `wall_us.rounds` is in the order of the rounds that the model ran; `cpu_us` is the median over them; `items`, `ok`,
//! `failed` (by `error.kind`) and `latency_us` (of items that were ok) are over all rounds together.

use super::{Comparison, Entry, Ratio, Standing};
use crate::Latency;
use gaits_core::ErrorKind;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Raised when a field changes its meaning or goes.
const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Race<'a> {
    format_version: u32,
    work: &'a str,
    items: u64,
    rounds: u32,
    seed: u64,
    conclusion: &'a str,
    models: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    model: &'a str,
    workers: &'a str,
    ranked: bool,
    rank: Option<u32>,
    tied_with_fastest: bool,
    not_ranked_because: Option<String>,
    ratio_to_fastest: Option<RatioRange>,
    wall_us: Option<Walls>,
    cpu_us: Option<u64>,
    items_per_second: Option<f64>,
    latency_us: Percentiles,
    items: u64,
    ok: u64,
    failed: BTreeMap<ErrorKind, u64>,
}

#[derive(Serialize)]
struct RatioRange {
    median: f64,
    min: f64,
    max: f64,
}

#[derive(Serialize)]
struct Walls {
    median: u64,
    min: u64,
    max: u64,
    rounds: Vec<u64>,
}

#[derive(Serialize)]
struct Percentiles {
    p50: Option<u64>,
    p90: Option<u64>,
    p99: Option<u64>,
    max: Option<u64>,
}

/// One object for the race with one for each model in `models`, in the order of [`Comparison::entries`]. Names hold
/// their unit; what is not known is `null`.
impl Serialize for Comparison {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let about = self.about();
        let race = Race {
            format_version: FORMAT_VERSION,
            work: &about.work,
            items: about.items,
            rounds: about.rounds,
            seed: about.seed,
            conclusion: self.conclusion(),
            models: self.entries().iter().map(Row::of).collect(),
        };
        race.serialize(serializer)
    }
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry) -> Self {
        let (rank, tied_with_fastest, to_fastest) = match entry.standing {
            Standing::Ranked { rank, tied, to_fastest } => (Some(rank), tied, to_fastest),
            Standing::Failed
            | Standing::Degraded { .. }
            | Standing::Incomplete
            | Standing::NotRun => (None, false, None),
        };
        Self {
            model: &entry.contender.model,
            workers: &entry.contender.workers,
            ranked: entry.is_ranked(),
            rank,
            tied_with_fastest,
            not_ranked_because: entry.why_unranked(),
            ratio_to_fastest: to_fastest.map(|Ratio { median, min, max }| RatioRange {
                median,
                min,
                max,
            }),
            wall_us: entry.wall_us.map(|wall| Walls {
                median: wall.median,
                min: wall.min,
                max: wall.max,
                rounds: entry.walls_us.iter().map(|(_, wall)| *wall).collect(),
            }),
            cpu_us: entry.cpu_us,
            items_per_second: entry.items_per_second,
            latency_us: Percentiles::of(entry.tally.latency()),
            items: entry.tally.items(),
            ok: entry.tally.ok(),
            failed: entry.tally.failures().iter().map(|(kind, f)| (*kind, f.count)).collect(),
        }
    }
}

impl Percentiles {
    fn of(latency: &Latency) -> Self {
        Self {
            p50: latency.p50_us(),
            p90: latency.p90_us(),
            p99: latency.p99_us(),
            max: latency.max_us(),
        }
    }
}
