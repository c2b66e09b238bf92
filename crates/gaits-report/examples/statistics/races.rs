//! Races whose truth is known, from a seed. The tests and the long simulation share them.

use fastrand::Rng;
use gaits_report::stats::Series;

/// How the logarithm of a wall time varies around its model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noise {
    /// Log-normal times.
    Normal,
    /// Student's t with 3 degrees of freedom, scaled to the same standard deviation: now and then far off.
    Heavy,
    /// Log-normal, and one trial in twenty takes half as long again.
    Stalls,
}

/// A race that can be run as often as one likes.
#[derive(Debug, Clone)]
pub(crate) struct Race {
    /// True wall times; the smallest is the best.
    pub(crate) walls: Vec<f64>,
    /// Standard deviation of the logarithm of each model's times.
    pub(crate) sd: Vec<f64>,
    /// What it is distributed like.
    pub(crate) noise: Noise,
    /// Each round is slower than the last by this share.
    pub(crate) drift: f64,
    /// The drift goes on within the round, whose order is drawn anew each time.
    pub(crate) creeping: bool,
}

impl Race {
    /// Models of one noise, the first of which is the best and the others `slower` by that share.
    pub(crate) fn new(models: usize, slower: f64, sd: f64, noise: Noise) -> Self {
        let walls = (0..models).map(|model| if model == 0 { 1.0 } else { 1.0 + slower }).collect();
        Self { walls, sd: vec![sd; models], noise, drift: 0.0, creeping: false }
    }

    /// The truth of the ratios to the best.
    pub(crate) fn ratios(&self) -> Vec<f64> {
        let best = self.walls.iter().copied().fold(f64::INFINITY, f64::min);
        self.walls.iter().map(|wall| wall / best).collect()
    }

    /// Runs the round of that number.
    pub(crate) fn round(&self, round: u32, random: &mut Rng) -> Vec<f64> {
        let models = self.walls.len();
        let mut order = (0..models).collect::<Vec<_>>();
        random.shuffle(&mut order);
        let trial = |model: usize| {
            let within = if self.creeping { order[model] as f64 / models as f64 } else { 0.0 };
            let slowed = (f64::from(round) + within) * self.drift.ln_1p();
            self.walls[model]
                * (slowed + self.sd[model] * self.deviation(random) + self.stall(random)).exp()
        };
        (0..models).map(trial).collect()
    }

    /// Runs `rounds` rounds.
    pub(crate) fn run(&self, rounds: u32, random: &mut Rng) -> Vec<Series> {
        let all = (0..rounds).map(|round| self.round(round, random)).collect::<Vec<_>>();
        series(&all)
    }

    fn deviation(&self, random: &mut Rng) -> f64 {
        match self.noise {
            Noise::Normal | Noise::Stalls => normal(random),
            Noise::Heavy => {
                let chi = (0..3).map(|_| normal(random).powi(2)).sum::<f64>();
                // t = z / sqrt(chi / 3) has variance 3
                normal(random) / chi.sqrt()
            }
        }
    }

    fn stall(&self, random: &mut Rng) -> f64 {
        match self.noise {
            Noise::Stalls if random.f64() < 0.05 => 1.5_f64.ln(),
            _ => 0.0,
        }
    }
}

/// What the statistics take, of the walls by round and model.
pub(crate) fn series(rounds: &[Vec<f64>]) -> Vec<Series> {
    let models = rounds.first().map_or(0, Vec::len);
    let of_model = |model: usize| Series::new((0..).zip(rounds.iter().map(|walls| walls[model])));
    (0..models).map(of_model).collect()
}

/// A standard normal number (Box and Muller 1958).
fn normal(random: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}
