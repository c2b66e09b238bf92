//! What explains the points: the law, or a limit, each with intervals. Duty: which of them fits better, and how far each number may
//! be off. Limit: it says nothing of what was not measured: a peak below the smallest number in flight or beyond the largest is none.

use super::kink::Kink;
use super::law::{FEWEST_POINTS, Law, Measured};
use super::resample::{Drawn, Sample, means};
use crate::stats::Interval;
use serde::Serialize;

/// A curve that misses the points by more than this share of their mean, on average, does not describe them.
const MOST_MISSED: f64 = 0.15;
/// A limit is preferred to the law only if it leaves so small a share of the variance that the law leaves: a curve that bends slowly
/// looks a little like a limit, and a limit does not look like the law.
const CLEARLY_BETTER: f64 = 0.5;
/// If the largest number in flight is not so many times the smallest, there is no curve to see.
const LEAST_SPREAD: f64 = 1.5;

/// The law, with an interval for each of its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FittedLaw {
    /// The law that misses the points the least.
    pub law: Law,
    /// Where γ lies.
    pub gamma: Interval,
    /// Where α lies.
    pub alpha: Interval,
    /// Where β lies.
    pub beta: Interval,
    /// Where throughput is highest.
    pub peak: Peak,
}

/// Where throughput is highest, as far as the points show it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Peak {
    /// By the law it never falls.
    Never,
    /// By the law it falls from the smallest number in flight that was measured on; what is below that is no evidence.
    Below,
    /// By the law it would be beyond the largest number in flight that was measured, which is no evidence for it.
    Beyond,
    /// It may be within what was measured, or far beyond: the points don't tell.
    Unclear,
    /// It is here.
    Shown {
        /// In flight.
        n: Interval,
        /// Items a second.
        x: Interval,
    },
}

/// Throughput grows in proportion up to a limit, and then no more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// What sets it.
    pub kind: LimitKind,
    /// With how many in flight it is reached.
    pub knee: Interval,
    /// The limit, in items a second.
    pub rate: Interval,
}

/// What sets a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitKind {
    /// The cores that the workers can use are busy.
    Cores,
    /// The machine's cores are busy, and the server runs on it as well.
    SharedCores,
    /// The server refuses more, and says so.
    RateLimit,
    /// It was not seen what: a server that serves so many at once, or lets so many a second through.
    Unknown,
}

/// What explains the points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fitted {
    Law(FittedLaw),
    /// The knee, and the rate.
    Kink(Interval, Interval),
    None(NoFit),
}

/// Why nothing explains them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum NoFit {
    TooFewPoints,
    /// About equally many were in flight in all points.
    NoSpread,
    /// The better curve misses them by this share of their mean.
    Missed(f64),
}

/// What explains the points; draws are made from `seed`.
pub(super) fn explain(samples: &[Sample], seed: u64, confidence: f64) -> Fitted {
    let points = means(samples);
    let in_flight = || points.iter().map(|(n, _)| *n);
    let (least, most) =
        (in_flight().fold(f64::INFINITY, f64::min), in_flight().fold(0.0, f64::max));
    if points.len() < FEWEST_POINTS {
        return Fitted::None(NoFit::TooFewPoints);
    }
    if most < LEAST_SPREAD * least {
        return Fitted::None(NoFit::NoSpread);
    }
    let Some(law) = Law::fit(&points) else { return Fitted::None(NoFit::NoSpread) };
    let mean = points.iter().map(|(_, x)| x).sum::<f64>() / points.len() as f64;
    let missed = |squares: f64| (squares / points.len() as f64).sqrt() / mean;
    let spread = |squares: f64, numbers: usize| squares / (points.len() - numbers) as f64;
    let of_law = law.squares(&points);
    let kink = Kink::fit(&points).filter(|kink| {
        let squares = kink.squares(&points);
        spread(squares, 2) < CLEARLY_BETTER * spread(of_law, 3) && missed(squares) <= MOST_MISSED
    });
    if let Some(kink) = kink {
        let found = with_kink(samples, kink, seed, confidence);
        return found.unwrap_or(Fitted::None(NoFit::TooFewPoints));
    }
    if missed(of_law) > MOST_MISSED {
        return Fitted::None(NoFit::Missed(missed(of_law)));
    }
    let found = with_law(samples, law, (least, most), seed, confidence);
    found.map_or(Fitted::None(NoFit::TooFewPoints), Fitted::Law)
}

fn with_law(
    samples: &[Sample],
    law: Law,
    (least, most): (f64, f64),
    seed: u64,
    confidence: f64,
) -> Option<FittedLaw> {
    let again = |points: &[Measured]| law.fit_again(points);
    let drawn = Drawn::of(samples, law, Law::at, 3, again, seed);
    let all = |number: &dyn Fn(&Law) -> f64| drawn.interval(number, confidence);
    let peak = match law.peak() {
        None if law.falls() => Peak::Below,
        None => Peak::Never,
        Some((n, _)) if n < least => Peak::Below,
        Some((n, _)) if n > most => Peak::Beyond,
        Some(_) => {
            // A law that falls from the beginning on has its peak there, and one that never falls has it nowhere.
            let without = |law: &Law| if law.falls() { least } else { f64::INFINITY };
            let n = all(&|law| law.peak().map_or_else(|| without(law), |(n, _)| n))?;
            let x =
                all(&|law| law.peak().map_or_else(|| law.at(without(law).min(most)), |(_, x)| x))?;
            if n.high.is_finite() { Peak::Shown { n, x } } else { Peak::Unclear }
        }
    };
    Some(FittedLaw {
        law,
        gamma: all(&|law| law.gamma)?,
        alpha: all(&|law| law.alpha)?,
        beta: all(&|law| law.beta)?,
        peak,
    })
}

fn with_kink(samples: &[Sample], kink: Kink, seed: u64, confidence: f64) -> Option<Fitted> {
    let drawn = Drawn::of(samples, kink, Kink::at, 2, Kink::fit, seed);
    let knee = drawn.interval(|kink| kink.knee(), confidence)?;
    Some(Fitted::Kink(knee, drawn.interval(|kink| kink.limit, confidence)?))
}
