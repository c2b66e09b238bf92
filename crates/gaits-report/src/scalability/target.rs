//! What a number of workers must keep: `p99 < 300ms`. The words are those of a race's conditions.

use crate::language::{Said, said};
use crate::metric::{self, Metric, MetricError, Side};
use crate::stats::percentiles_for;
use crate::{Tally, Trial};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// How far a percentile is off by chance, in standard errors, to either side.
const STANDARD_ERRORS: f64 = 1.96;

/// A condition that is to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    text: String,
    metric: Metric,
    side: Side,
    limit: f64,
}

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// It has no `<` or `>`.
    #[error("`{text}` is not a target such as `p99 < 300ms`, `failed < 1` or `rate > 500/s`")]
    Form {
        /// The text.
        text: String,
    },
    /// What is measured has no such name, or the limit can't be read.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// Every run takes as long as it is given.
    #[error(
        "a sweep runs each number of workers for the same time, so `wall` says nothing; use rate, p50, p90, p99, p99.9, failed, cpu or memory"
    )]
    Wall,
}

/// Whether a number of workers keeps a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    No,
    /// The limit lies within what chance may do, or too few items were measured.
    Unclear,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || TargetError::Form { text: text.to_owned() };
        let (name, side, limit) = metric::parts(text).ok_or_else(form)?;
        let metric: Metric = name.parse()?;
        if metric == Metric::Wall {
            return Err(TargetError::Wall);
        }
        Ok(Self { text: text.trim().to_owned(), metric, side, limit: metric.limit(limit)? })
    }
}

impl Target {
    /// Whether it is kept by what was measured in `trials` of one number of workers, whose throughput lies within `rate`; and what was
    /// measured, in words.
    pub(super) fn kept(
        &self,
        trials: &[&Trial],
        tally: &Tally,
        rate: Option<(f64, f64)>,
    ) -> (Kept, Said) {
        let ends = match self.metric {
            Metric::Quantile(quantile) => quantile_ends(tally, quantile),
            Metric::Rate => rate,
            metric => {
                let values = trials.iter().filter_map(|trial| metric.of(trial, false));
                let ends =
                    values.fold(None, |ends: Option<(f64, f64)>, value| {
                        Some(ends.map_or((value, value), |(low, high)| {
                            (low.min(value), high.max(value))
                        }))
                    });
                // One failure is one too many, in whichever round.
                ends.map(
                    |(low, high)| if metric == Metric::Failed { (high, high) } else { (low, high) },
                )
            }
        };
        let Some((low, high)) = ends else {
            let name = self.metric.name();
            let said = |language| {
                said!(
                    language,
                    "too few items to tell {name}",
                    "항목이 모자라서 {name} 값을 알 수 없습니다"
                )
            };
            return (Kept::Unclear, Said::of(said));
        };
        let (nearest, furthest) = if self.side.above { (high, low) } else { (low, high) };
        let keeps = |value: f64| self.side.has(value, self.limit);
        let kept = if keeps(furthest) {
            Kept::Yes
        } else if !keeps(nearest) {
            Kept::No
        } else {
            Kept::Unclear
        };
        let words = |value| self.metric.in_words(value);
        let (low, high) = (words(low), words(high));
        let name = self.metric.name();
        let said = |language| {
            if low == high {
                format!("{name} {low}")
            } else {
                said!(language, "{name} {low} to {high}", "{name} {low}에서 {high}까지")
            }
        };
        (kept, Said::of(said))
    }
}

/// Where a percentile lies, in seconds: between those that chance may have put in its place. None for too few items.
fn quantile_ends(tally: &Tally, quantile: f64) -> Option<(f64, f64)> {
    let latency = tally.latency();
    let count = latency.count();
    if !percentiles_for(count).any(|one| one >= quantile - 1e-9) {
        return None;
    }
    let off = STANDARD_ERRORS * (quantile * (1.0 - quantile) / count as f64).sqrt();
    let seconds = |quantile: f64| Some(latency.quantile_us(quantile.clamp(0.0, 1.0))? as f64 / 1e6);
    Some((seconds(quantile - off)?, seconds(quantile + off)?))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Written down as it was given.
impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::tests::record;

    fn tally(us: u64, items: u64) -> Tally {
        let mut tally = Tally::new();
        tally.extend((0..items).map(|_| record((1, 1), us, None)));
        tally
    }

    fn kept(target: &str, tally: &Tally, rate: Option<(f64, f64)>) -> Kept {
        target.parse::<Target>().unwrap().kept(&[], tally, rate).0
    }

    #[test]
    fn a_target_is_kept_only_with_its_whole_interval() {
        let slow = tally(200_000, 200);
        assert_eq!(kept("p99 < 300ms", &slow, None), Kept::Yes);
        assert_eq!(kept("p99 <= 100ms", &slow, None), Kept::No);
        assert_eq!(kept("p99 < 300ms", &tally(200_000, 99), None), Kept::Unclear);
        assert_eq!(kept("rate > 500/s", &slow, Some((510.0, 530.0))), Kept::Yes);
        assert_eq!(kept("rate > 500/s", &slow, Some((490.0, 510.0))), Kept::Unclear);
        assert_eq!(kept("rate > 500/s", &slow, Some((480.0, 490.0))), Kept::No);
        assert_eq!(kept("rate > 500/s", &slow, None), Kept::Unclear);
        assert_eq!(kept("rate >= 500/s", &slow, Some((500.0, 510.0))), Kept::Yes);
        assert_eq!(kept("rate > 500/s", &slow, Some((500.0, 510.0))), Kept::Unclear);
    }

    #[test]
    fn what_is_no_target_is_refused() {
        let refused = |text: &str| text.parse::<Target>().unwrap_err().to_string();
        assert!(refused("fast").contains("is not a target such as `p99 < 300ms`"));
        assert!(refused("speed > 3").contains("`speed` is nothing that is measured"));
        assert!(refused("p99 < 300").contains("`300` is not a limit for p99"));
        assert!(refused("p99 < -1ms").contains("is not a limit"));
        assert!(refused("wall < 1s").contains("`wall` says nothing"));
    }
}
