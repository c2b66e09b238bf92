//! What is measured of a model, by name, with limits as people write them: `p99 < 300ms`. Limit: what follows from a limit that is
//! kept or not is for a gate or a target to say.

use crate::stats::percentiles_for;
use crate::{Trial, units};
use std::str::FromStr;

/// Something that is measured of a trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Metric {
    Wall,
    Cpu,
    Memory,
    Failed,
    Rate,
    Quantile(f64),
}

/// Why a text is nothing that is measured, or no limit for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    /// What is measured has no such name.
    #[error(
        "`{name}` is nothing that is measured of a model: wall, cpu, memory, failed, rate, p50, p90, p99, p99.9"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// The limit can't be read.
    #[error("`{limit}` is not a limit for {of}: write it as {such_as}")]
    Limit {
        /// The limit.
        limit: String,
        /// What it is to limit.
        of: String,
        /// How it is written.
        such_as: &'static str,
    },
}

/// On which side of a limit a condition holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Side {
    /// Whether that is above it.
    pub(crate) above: bool,
    /// Whether it holds on the limit itself: it makes a difference for counts.
    pub(crate) inclusive: bool,
}

impl Side {
    /// Whether `value` is there.
    pub(crate) fn has(self, value: f64, limit: f64) -> bool {
        let beyond = if self.above { value > limit } else { value < limit };
        #[expect(clippy::float_cmp, reason = "a count is on a limit or it is not")]
        let on = self.inclusive && value == limit;
        beyond || on
    }
}

/// A condition in its parts: what is held against a limit, on which side of it that is to lie, and the limit. None where there is
/// neither `<` nor `>`.
pub(crate) fn parts(text: &str) -> Option<(&str, Side, &str)> {
    let at = text.find(['<', '>'])?;
    let (above, limit) = (text[at..].starts_with('>'), &text[at + 1..]);
    let (inclusive, limit) = limit.strip_prefix('=').map_or((false, limit), |limit| (true, limit));
    Some((text[..at].trim(), Side { above, inclusive }, limit.trim()))
}

/// A number that is not negative, with one of `units` behind it.
pub(crate) fn read_limit(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    units.iter().find_map(|(unit, factor)| {
        let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        (number.is_finite() && number >= 0.0).then_some(number * factor)
    })
}

impl FromStr for Metric {
    type Err = MetricError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(match name.trim() {
            "wall" => Self::Wall,
            "cpu" => Self::Cpu,
            "memory" => Self::Memory,
            "failed" => Self::Failed,
            "rate" => Self::Rate,
            "p50" => Self::Quantile(0.5),
            "p90" => Self::Quantile(0.9),
            "p99" => Self::Quantile(0.99),
            "p99.9" => Self::Quantile(0.999),
            _ => return Err(MetricError::Name { name: name.to_owned() }),
        })
    }
}

impl Metric {
    /// Reads a limit for it, in seconds, bytes, or plain numbers.
    pub(crate) fn limit(self, text: &str) -> Result<f64, MetricError> {
        let (units, such_as): (&[(&str, f64)], _) = match self {
            Self::Wall | Self::Cpu | Self::Quantile(_) => (
                &[
                    ("us", 1e-6),
                    ("µs", 1e-6),
                    ("ms", 1e-3),
                    ("s", 1.0),
                    ("min", 60.0),
                    ("m", 60.0),
                    ("h", 3_600.0),
                ],
                "300ms, 1.5s or 2m",
            ),
            Self::Memory => (&[("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1.0)], "64MB"),
            Self::Failed => (&[("", 1.0)], "0"),
            Self::Rate => (&[("/s", 1.0), ("", 1.0)], "500/s"),
        };
        read_limit(text, units).ok_or_else(|| MetricError::Limit {
            limit: text.to_owned(),
            of: self.name(),
            such_as,
        })
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Wall => "wall".to_owned(),
            Self::Cpu => "cpu".to_owned(),
            Self::Memory => "memory".to_owned(),
            Self::Failed => "failed".to_owned(),
            Self::Rate => "rate".to_owned(),
            Self::Quantile(quantile) => format!("p{}", (quantile * 1_000.0).round() / 10.0),
        }
    }

    /// Of one trial, in seconds, bytes or a plain number; none where it can't be told. Its time is that of its run, or of its
    /// process as a whole.
    pub(crate) fn of(self, trial: &Trial, whole_process: bool) -> Option<f64> {
        let seconds = |us: u64| us as f64 / 1e6;
        let time_us = trial.time_us(whole_process);
        match self {
            Self::Wall => Some(seconds(time_us)),
            Self::Cpu => Some(seconds(trial.usage.cpu_us)),
            Self::Memory => Some(trial.usage.peak_memory as f64),
            Self::Failed => Some(trial.tally.failed() as f64),
            Self::Rate if time_us == 0 => None,
            Self::Rate => Some(trial.tally.ok() as f64 / seconds(time_us)),
            Self::Quantile(quantile) => {
                let latency = trial.tally.latency();
                let bears = percentiles_for(latency.count()).any(|one| one >= quantile - 1e-9);
                latency.quantile_us(quantile).filter(|_| bears).map(seconds)
            }
        }
    }

    pub(crate) fn in_words(self, value: f64) -> String {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
        let whole = |value: f64| value.round() as u64;
        match self {
            Self::Wall | Self::Cpu | Self::Quantile(_) => units::duration(whole(value * 1e6)),
            Self::Memory => units::bytes(whole(value)),
            Self::Failed => units::count(whole(value)),
            Self::Rate => format!("{}/s", units::number(value)),
        }
    }
}
