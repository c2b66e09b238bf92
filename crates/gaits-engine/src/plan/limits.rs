//! How fast a run may go, how often it tries an item, and when it gives up.

use serde::{Deserialize, Serialize};
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

/// How fast a run may go, how often it tries an item, and when it gives up. By default it goes as fast as it can and tries
/// each item once.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// How many items of one pacing key may be in flight.
    pub per_key: Option<NonZeroU32>,
    /// The same, for keys that belong to others, where there is no other limit.
    pub polite: Option<NonZeroU32>,
    /// How often items of one pacing key may be started.
    pub rate: Option<Rate>,
    /// How often items may be started in all.
    pub total_rate: Option<Rate>,
    /// The time between two items that are to be started, however long others take: they arrive at a rate of their own. One
    /// that finds no free worker waits, and its latency counts from when it was to be started.
    pub arrival: Option<Duration>,
    /// How many times an item that failed in a way that may pass is tried again.
    pub retries: u32,
    /// For how long a pacing key is left alone that wants it. If it wants that for longer, it is given up for this run, and
    /// its items stay undone. Without a time no heed is paid to the wish, and the item has failed.
    pub longest_pause: Option<Duration>,
    /// After so many failed items the run ends, with the others undone.
    pub stop_after_failures: Option<NonZeroU64>,
    /// An item that holds a worker process for longer than this fails, and the process is replaced.
    pub deadline: Option<Duration>,
}

/// How often something may be done: at even intervals, with a number of times at once after a quiet time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// The time between two.
    pub interval: Duration,
    /// How many may come at once.
    pub burst: NonZeroU32,
}
