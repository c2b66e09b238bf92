//! How far an estimate may be off: the bootstrap. The points are drawn anew many times, the estimate is made of each draw, and the
//! middle 95 % of what comes out is the interval. Two kinds of draws are made, and an interval reaches over both: one shows how
//! much rounds differ, the other how much the points lie beside the curve, whichever curve that is.
//!
//! Limit: rounds are drawn for each point by itself, as if what disturbs a round disturbed one point.

use super::law::Measured;
use crate::stats::Interval;
use fastrand::Rng;

/// Draws of each kind. The ends of an interval then are the 25th value from below and from above.
pub(super) const DRAWS: usize = 1_000;

/// A point: means over its rounds, and the rounds themselves.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// In flight: the mean.
    pub(super) n: f64,
    /// Throughput: the geometric mean.
    pub(super) x: f64,
    /// Each round by itself. One round says nothing of how much they differ.
    pub(super) rounds: Vec<Measured>,
}

impl Sample {
    pub(super) fn mean(&self) -> Measured {
        (self.n, self.x)
    }
}

/// The means of `samples`.
pub(super) fn means(samples: &[Sample]) -> Vec<Measured> {
    samples.iter().map(Sample::mean).collect()
}

/// The points as other rounds might have given them; none where a point has fewer than two rounds.
///
/// With R rounds, drawn means vary by (R − 1) / R of what they should, so they are moved away from the mean by the root of the
/// inverse.
pub(super) fn draw_rounds(samples: &[Sample], rng: &mut Rng) -> Option<Vec<Measured>> {
    let drawn = samples.iter().map(|sample| {
        let rounds = sample.rounds.len();
        if rounds < 2 {
            return None;
        }
        let (mut n, mut log_x) = (0.0, 0.0);
        for _ in 0..rounds {
            let (round_n, round_x) = sample.rounds[rng.usize(..rounds)];
            n += round_n;
            log_x += round_x.ln();
        }
        let count = rounds as f64;
        let wider = (count / (count - 1.0)).sqrt();
        let n = sample.n + wider * (n / count - sample.n);
        let log_x = sample.x.ln() + wider * (log_x / count - sample.x.ln());
        Some((n.max(f64::MIN_POSITIVE), log_x.exp()))
    });
    drawn.collect()
}

/// The points as they might lie around a curve with so many `parameters`: with what the curve misses, dealt out anew. None if there
/// are no more points than parameters, so that nothing is missed.
fn draw_residuals(
    samples: &[Sample],
    curve: impl Fn(f64) -> f64,
    parameters: usize,
    rng: &mut Rng,
) -> Option<Vec<Measured>> {
    let over = samples.len().checked_sub(parameters).filter(|over| *over > 0)?;
    // The curve has been drawn towards the points, so they lie beside the true one by more.
    let wider = (samples.len() as f64 / over as f64).sqrt();
    let missed: Vec<f64> = samples.iter().map(|sample| sample.x - curve(sample.n)).collect();
    let drawn = samples.iter().map(|sample| {
        let off = wider * missed[rng.usize(..missed.len())];
        (sample.n, (curve(sample.n) + off).max(0.0))
    });
    Some(drawn.collect())
}

/// A curve, and what it would have been with other measurements.
#[derive(Debug)]
pub(super) struct Drawn<C> {
    curve: C,
    kinds: [Vec<C>; 2],
}

impl<C> Drawn<C> {
    /// The `curve`, with so many `parameters`, that was fitted to `samples`, and those that `fit` makes of draws from `seed`.
    pub(super) fn of(
        samples: &[Sample],
        curve: C,
        at: impl Fn(&C, f64) -> f64,
        parameters: usize,
        fit: impl Fn(&[Measured]) -> Option<C>,
        seed: u64,
    ) -> Self {
        let mut rng = Rng::with_seed(seed);
        let rounds = (0..DRAWS).filter_map(|_| fit(&draw_rounds(samples, &mut rng)?)).collect();
        let residuals = (0..DRAWS).filter_map(|_| {
            fit(&draw_residuals(samples, |n| at(&curve, n), parameters, &mut rng)?)
        });
        let kinds = [rounds, residuals.collect()];
        Self { curve, kinds }
    }

    /// Where a number of the curve lies.
    pub(super) fn interval(&self, number: impl Fn(&C) -> f64, confidence: f64) -> Option<Interval> {
        let kinds = self.kinds.each_ref().map(|kind| kind.iter().map(&number).collect());
        interval(number(&self.curve), &kinds, confidence)
    }
}

/// The interval from the lowest to the highest of the middle share of each kind of draws. Draws that gave nothing are left out;
/// none if they are more than half of a kind, or no kind could be drawn. The estimate is always within.
pub(super) fn interval(estimate: f64, kinds: &[Vec<f64>], confidence: f64) -> Option<Interval> {
    let mut ends: Option<(f64, f64)> = None;
    for kind in kinds.iter().filter(|kind| !kind.is_empty()) {
        if kind.len() * 2 < DRAWS {
            return None;
        }
        let mut sorted = kind.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in it"
        )]
        let cut = ((1.0 - confidence) / 2.0 * sorted.len() as f64) as usize;
        let (low, high) = (sorted[cut], sorted[sorted.len() - 1 - cut]);
        ends = Some(ends.map_or((low, high), |(below, above)| (below.min(low), above.max(high))));
    }
    let (low, high) = ends?;
    Some(Interval { estimate, low: low.min(estimate), high: high.max(estimate) })
}
