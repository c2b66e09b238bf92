//! One model over many numbers of workers, as a page shows it.
//!
//! Limit: it draws what it is given; the law is fitted elsewhere.

use crate::language::Said;
use serde::{Deserialize, Serialize};

/// Throughput against workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// The models that were swept.
    pub models: Vec<SweptModel>,
    /// What came of it, in words.
    pub sentence: Said,
}

/// One model over many numbers of workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweptModel {
    /// The model, as the command line names it.
    pub name: String,
    /// What was measured.
    pub points: Vec<SweptPoint>,
    /// The law that fits, if one does.
    pub law: Option<ScalabilityLaw>,
    /// How many workers are the right number, if that could be told.
    pub recommended: Option<f64>,
    /// What else is to be known of it.
    #[serde(default)]
    pub remarks: Vec<Said>,
}

/// What was measured with one number of workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweptPoint {
    /// The workers; in points from a file, n, which may have decimals.
    pub workers: f64,
    /// How many items were in flight at most.
    #[serde(default)]
    pub in_flight: Option<f64>,
    /// Items a second.
    pub throughput: f64,
    /// The lower end of its interval, if it is known.
    #[serde(default)]
    pub low: Option<f64>,
    /// The upper end.
    #[serde(default)]
    pub high: Option<f64>,
    /// The median latency in microseconds, if there is one.
    #[serde(default)]
    pub p50_us: Option<f64>,
    /// The 99th percentile.
    #[serde(default)]
    pub p99_us: Option<f64>,
    /// Items that failed.
    #[serde(default)]
    pub errors: u64,
}

/// The universal scalability law: X(N) = γN / (1 + α(N − 1) + βN(N − 1)).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScalabilityLaw {
    /// Items a second of one worker.
    pub gamma: f64,
    /// The part that does not run side by side.
    pub alpha: f64,
    /// The part that workers need to agree with each other.
    pub beta: f64,
    /// With how many workers it is fastest, if there is a peak.
    #[serde(default)]
    pub peak_n: Option<f64>,
    /// How fast it is there.
    #[serde(default)]
    pub peak_x: Option<f64>,
}

impl Sweep {
    /// What a program wrote as JSON: an object with `"kind": "sweep"`.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_json(value: serde_json::Value) -> Result<Self, serde_json::Error> {
        if value["kind"] != "sweep" {
            return Err(serde::de::Error::custom("it is no sweep"));
        }
        serde_json::from_value(value)
    }
}
