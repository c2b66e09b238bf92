//! How long one model takes, with an interval; never the range of what was seen.

use super::pairs::{mean, variance};
use super::quantile::student_t;
use super::{Interval, Series};
use statrs::distribution::{Binomial, DiscreteCDF};

/// The median wall time in seconds and an interval for it; none without rounds.
///
/// The interval assumes nothing of how times are distributed. It lies between order statistics, chosen by the
/// binomial distribution, and is interpolated to `confidence` (Hettmansperger and Sheather 1986). Too few rounds for
/// it (up to 5 at 95 %) leave it out.
#[must_use]
pub fn median(walls: &Series, confidence: f64) -> Option<(f64, Option<(f64, f64)>)> {
    let mut sorted = walls.iter().map(|(_, wall)| wall).collect::<Vec<_>>();
    sorted.sort_by(f64::total_cmp);
    let middle = middle(&sorted)?;
    Some((middle, order_statistics(&sorted, confidence)))
}

/// The median of sorted values.
pub(super) fn middle(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    (n > 0).then(|| f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]))
}

fn order_statistics(sorted: &[f64], confidence: f64) -> Option<(f64, f64)> {
    let n = sorted.len();
    let below = Binomial::new(0.5, n as u64).ok()?;
    // how often the median lies from the d-th value to the d-th from the end
    let coverage = |d: usize| 1.0 - 2.0 * below.cdf(d as u64 - 1);
    let depth = (1..=n / 2).rev().find(|&d| coverage(d) >= confidence)?;
    let (outer, inner) = (coverage(depth), coverage(depth + 1));
    let excess = (outer - confidence) / (outer - inner);
    let (count, d) = (n as f64, depth as f64);
    let inward = (count - d) * excess / (d + (count - 2.0 * d) * excess);
    let between = |outer: f64, inner: f64| outer + inward * (inner - outer);
    Some((
        between(sorted[depth - 1], sorted[depth]),
        between(sorted[n - depth], sorted[n - depth - 1]),
    ))
}

/// The typical wall time in seconds: the geometric mean, with a t interval on the logarithms. None with fewer than two
/// rounds, or with a time of 0. Where times are log-normal it is their median.
///
/// The ratio of two of these, over the same rounds, is the estimate of
/// [`ratio_to_best`](super::Verdict::ratio_to_best): a table that shows both cannot contradict itself.
#[must_use]
pub fn typical(walls: &Series, confidence: f64) -> Option<Interval> {
    if walls.rounds() < 2 || walls.has_zero() {
        return None;
    }
    let logs = walls.iter().map(|(_, wall)| wall.ln()).collect::<Vec<_>>();
    let n = logs.len() as f64;
    let reach = student_t(f64::midpoint(1.0, confidence), n - 1.0) * (variance(&logs) / n).sqrt();
    let mean = mean(&logs);
    Some(Interval { estimate: mean.exp(), low: (mean - reach).exp(), high: (mean + reach).exp() })
}
