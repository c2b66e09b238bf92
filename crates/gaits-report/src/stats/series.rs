//! What is judged: the wall times of one model by round.

use std::collections::BTreeMap;

/// The wall times of one model, at most one a round.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    walls: BTreeMap<u32, f64>,
}

impl Series {
    /// Of (round, seconds) in any order. What cannot be a time (negative, infinite, NaN) is left out, as if the model
    /// had not run in that round; of two times for one round the later one counts.
    #[must_use]
    pub fn new(walls: impl IntoIterator<Item = (u32, f64)>) -> Self {
        let is_time = |wall: &f64| wall.is_finite() && *wall >= 0.0;
        Self { walls: walls.into_iter().filter(|(_, wall)| is_time(wall)).collect() }
    }

    /// Of (round, microseconds).
    #[must_use]
    pub fn from_micros(walls: impl IntoIterator<Item = (u32, u64)>) -> Self {
        Self::new(walls.into_iter().map(|(round, us)| (round, us as f64 / 1e6)))
    }

    /// How many rounds it has.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.walls.len()
    }

    /// The wall time in `round`, in seconds.
    #[must_use]
    pub fn wall(&self, round: u32) -> Option<f64> {
        self.walls.get(&round).copied()
    }

    /// (round, seconds), by round.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f64)> {
        self.walls.iter().map(|(&round, &wall)| (round, wall))
    }

    /// Of these rounds alone.
    pub(super) fn only(&self, rounds: &[u32]) -> Self {
        Self::new(rounds.iter().filter_map(|&round| Some((round, self.wall(round)?))))
    }

    /// Whether some wall time is 0: shorter than the clock can tell. Such a time has no ratio.
    pub(super) fn has_zero(&self) -> bool {
        self.walls.values().any(|wall| *wall == 0.0)
    }

    /// The mean of the logarithms; none without rounds.
    pub(super) fn mean_log(&self) -> Option<f64> {
        let logs = self.walls.values().map(|wall| wall.ln());
        (!self.walls.is_empty()).then(|| logs.sum::<f64>() / self.rounds() as f64)
    }
}
