//! What is left to chance about one request, drawn from the seed and the request's sequence number alone. Nothing here
//! depends on time, on the connection or on other requests.

use std::time::Duration;

use fastrand::Rng;

use crate::config::Tail;

/// The shape of the distribution of slow requests. Between 1 and 2 the tail is heavy: without a cut it would have a mean
/// and no variance, as response times under heavy-tailed load do.
const SHAPE: f64 = 1.5;

/// How many times its least value a slow request takes at most, so that a run with a tail ends.
const LONGEST_TAIL: f64 = 10.0;

/// The draws of one request, in a fixed order so that turning one option on does not change what another one does.
#[derive(Debug)]
pub(crate) struct Draws {
    /// Where in the jitter's range the latency lies: 0..1.
    jitter: f64,
    /// Which fault, if any: 0..1.
    pub(crate) fault: f64,
    /// Whether a stalled response shows half of its body before it stops.
    pub(crate) stall_in_body: bool,
    /// For what the endpoints draw themselves.
    pub(crate) rng: Rng,
    /// What all of this was drawn from.
    seed: u64,
}

impl Draws {
    /// The draws of request number `sequence`.
    pub(crate) fn new(seed: u64, sequence: u64) -> Self {
        // An odd factor maps different numbers to different states; it is 2^64 / golden ratio, as in SplitMix64
        // (Steele, Lea and Flood, 2014), so that neighbours lie far apart.
        let seed = seed ^ sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut rng = Rng::with_seed(seed);
        Self { jitter: rng.f64(), fault: rng.f64(), stall_in_body: rng.bool(), rng, seed }
    }

    /// The latency of this request: evenly from `latency - jitter` to `latency + jitter`, and never below zero; and
    /// what is on top of that if the request is among the slow ones.
    pub(crate) fn latency(
        &self,
        latency: Duration,
        jitter: Duration,
        tail: Option<Tail>,
    ) -> Duration {
        let usual = if jitter.is_zero() {
            latency
        } else {
            (latency + jitter.mul_f64(2.0 * self.jitter)).saturating_sub(jitter)
        };
        usual + tail.map_or(Duration::ZERO, |tail| self.tail(tail))
    }

    fn tail(&self, tail: Tail) -> Duration {
        // A generator of its own, so that what the endpoints draw is the same with a tail and without.
        let mut rng = Rng::with_seed(!self.seed);
        if rng.f64() < tail.share { tail.least.mul_f64(pareto(rng.f64())) } else { Duration::ZERO }
    }
}

/// Turns a number drawn evenly from 0..1 into one of a Pareto distribution that begins at 1 and is cut off at
/// [`LONGEST_TAIL`]: the inverse of its distribution function, (1 - x^-a) / (1 - h^-a) for a shape of a and a cut at h.
fn pareto(draw: f64) -> f64 {
    (1.0 - draw * (1.0 - LONGEST_TAIL.powf(-SHAPE))).powf(-1.0 / SHAPE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_number_draw_the_same() {
        for (seed, sequence) in [(0, 0), (7, 1), (u64::MAX, 12_345)] {
            let (mut one, mut other) = (Draws::new(seed, sequence), Draws::new(seed, sequence));
            assert_eq!(one.fault.to_bits(), other.fault.to_bits());
            assert_eq!(one.stall_in_body, other.stall_in_body);
            assert_eq!(one.rng.u64(..), other.rng.u64(..));
        }
        assert_ne!(Draws::new(0, 1).fault.to_bits(), Draws::new(1, 1).fault.to_bits());
    }

    #[test]
    fn draws_are_even_over_the_sequence() {
        let n = 100_000_u32;
        let below = (0..n).filter(|&i| Draws::new(3, u64::from(i)).fault < 0.1).count();
        // Five standard deviations of a binomial distribution with p = 0.1.
        assert!((9_526..=10_474).contains(&below), "{below} of {n} draws are below 0.1");
    }

    #[test]
    fn jitter_stays_around_the_latency() {
        let [latency, jitter, least, most] = [100, 20, 80, 120].map(Duration::from_millis);
        let drawn: Vec<_> =
            (0..1_000).map(|i| Draws::new(0, i).latency(latency, jitter, None)).collect();
        assert!(drawn.iter().all(|&d| (least..=most).contains(&d)));
        assert!(drawn.iter().any(|&d| d < Duration::from_millis(82)));
        assert!(drawn.iter().any(|&d| d > Duration::from_millis(118)));
        assert_eq!(Draws::new(0, 1).latency(latency, Duration::ZERO, None), latency);
        assert!(
            (0..1_000).any(|i| Draws::new(0, i).latency(Duration::ZERO, jitter, None).is_zero())
        );
    }

    #[test]
    fn a_tail_is_a_share_of_requests_and_heavy() {
        let (latency, least) = (Duration::from_millis(50), Duration::from_secs(2));
        let n = 100_000;
        let drawn = |share| -> Vec<Duration> {
            let tail = Some(Tail { share, least });
            (0..n).map(|i| Draws::new(5, i).latency(latency, Duration::ZERO, tail)).collect()
        };
        let slow: Vec<_> = drawn(0.1).into_iter().filter(|&time| time > latency).collect();
        // Five standard deviations of a binomial distribution with p = 0.1.
        assert!((9_526..=10_474).contains(&slow.len()), "{} of {n} are slow", slow.len());
        assert!(slow.iter().all(|&time| (latency + least..=latency + 10 * least).contains(&time)));
        let share_below = |times: u32| {
            let below = slow.iter().filter(|&&time| time < latency + times * least).count();
            below as f64 / slow.len() as f64
        };
        // (1 - x^-1.5) / (1 - 10^-1.5); five standard deviations are at most 0.025.
        for (times, share) in [(2, 0.6675), (4, 0.9036), (5, 0.9403), (9, 0.9944)] {
            assert!((share_below(times) - share).abs() < 0.025, "{times}: {}", share_below(times));
        }
        assert_eq!(drawn(0.1), drawn(0.1));
        assert!(drawn(0.0).iter().all(|&time| time == latency));
        assert!(drawn(1.0).iter().all(|&time| time > latency));
    }
}
