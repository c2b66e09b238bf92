//! What is left to chance about one request, drawn from the seed and the request's sequence number alone. Nothing here
//! depends on time, on the connection or on other requests.

use std::time::Duration;

use fastrand::Rng;

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
}

impl Draws {
    /// The draws of request number `sequence`.
    pub(crate) fn new(seed: u64, sequence: u64) -> Self {
        // An odd factor maps different numbers to different states; it is 2^64 / golden ratio, as in SplitMix64
        // (Steele, Lea and Flood, 2014), so that neighbours lie far apart.
        let mut rng = Rng::with_seed(seed ^ sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self { jitter: rng.f64(), fault: rng.f64(), stall_in_body: rng.bool(), rng }
    }

    /// The latency of this request: evenly from `latency - jitter` to `latency + jitter`, and never below zero.
    pub(crate) fn latency(&self, latency: Duration, jitter: Duration) -> Duration {
        if jitter.is_zero() {
            return latency;
        }
        (latency + jitter.mul_f64(2.0 * self.jitter)).saturating_sub(jitter)
    }
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
        let drawn: Vec<_> = (0..1_000).map(|i| Draws::new(0, i).latency(latency, jitter)).collect();
        assert!(drawn.iter().all(|&d| (least..=most).contains(&d)));
        assert!(drawn.iter().any(|&d| d < Duration::from_millis(82)));
        assert!(drawn.iter().any(|&d| d > Duration::from_millis(118)));
        assert_eq!(Draws::new(0, 1).latency(latency, Duration::ZERO), latency);
        assert!((0..1_000).any(|i| Draws::new(0, i).latency(Duration::ZERO, jitter).is_zero()));
    }
}
