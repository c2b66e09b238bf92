//! Which percentiles of latency a number of items can bear.

/// Percentiles and the number of items from which they are shown: at least one item is to lie beyond, else the
/// percentile is the longest latency under another name.
const FROM: [(f64, u64); 4] = [(0.5, 1), (0.9, 10), (0.99, 100), (0.999, 1_000)];

/// The quantiles (0.99: p99) that may be shown of `items` latencies, in rising order.
pub fn percentiles_for(items: u64) -> impl Iterator<Item = f64> {
    FROM.into_iter().filter(move |(_, from)| items >= *from).map(|(quantile, _)| quantile)
}
