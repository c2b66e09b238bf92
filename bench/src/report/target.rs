//! What was to be reached, and whether it was.

use crate::stats::Spread;
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// On which side of its limit a figure must lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    /// Not below.
    AtLeast(f64),
    /// Not above.
    AtMost(f64),
    /// For a ratio of times, new over old: not above, unless its interval holds 1, for then no difference was shown.
    NoSlower(f64),
}

impl Bound {
    fn limit(self) -> f64 {
        let (Self::AtLeast(limit) | Self::AtMost(limit) | Self::NoSlower(limit)) = self;
        limit
    }

    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(limit) => value >= limit,
            Self::AtMost(limit) | Self::NoSlower(limit) => value <= limit,
        }
    }

    fn met(self, spread: &Spread) -> bool {
        let shows_nothing = |(low, high): (f64, f64)| low <= 1.0 && high >= 1.0;
        self.holds(spread.median)
            || (matches!(self, Self::NoSlower(_)) && spread.interval.is_some_and(shows_nothing))
    }

    fn told(self, unit: &str) -> String {
        let limit = self.limit();
        match self {
            Self::AtLeast(_) => format!("at least {limit}{unit}"),
            Self::AtMost(_) => format!("at most {limit}{unit}"),
            Self::NoSlower(_) => format!("at most {limit}{unit}, or an interval that holds 1"),
        }
    }
}

/// A target: the median over the rounds decides.
#[derive(Debug)]
pub(crate) struct Target {
    what: String,
    bound: Bound,
    unit: &'static str,
    measured: Result<Spread, String>,
}

impl Target {
    /// A target for a figure; `measured` is how it spread, or why it was not measured.
    pub(crate) fn new(
        what: impl Into<String>,
        bound: Bound,
        unit: &'static str,
        measured: Result<Spread, String>,
    ) -> Self {
        Self { what: what.into(), bound, unit, measured }
    }

    fn verdict(&self) -> &'static str {
        match &self.measured {
            Err(_) => "not measured",
            Ok(spread) if self.bound.met(spread) => "met",
            Ok(_) => "not met",
        }
    }

    /// The target as one line: what, the limit, the figure, and the verdict in plain words.
    pub(crate) fn line(&self) -> String {
        let (verdict, unit) = (self.verdict(), self.unit);
        let head = format!("**{verdict}**: {}, {}", self.what, self.bound.told(unit));
        let spread = match &self.measured {
            Err(why) => return format!("{head} ({why})"),
            Ok(spread) => spread,
        };
        let certainty = match spread.interval {
            Some((low, high)) => {
                let close = self.bound.holds(low) != self.bound.holds(high);
                let close = if close {
                    ": it holds the limit, so another run may say otherwise"
                } else {
                    ""
                };
                format!("95 % interval {low:.3}–{high:.3}{close}")
            }
            None => {
                format!("range {:.3}–{:.3}, too few rounds for an interval", spread.min, spread.max)
            }
        };
        format!("{head}: median {:.3}{unit}, {certainty}", spread.median)
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Target", 7)?;
        out.serialize_field("what", &self.what)?;
        out.serialize_field("bound", &self.bound.told(self.unit))?;
        out.serialize_field("limit", &self.bound.limit())?;
        out.serialize_field("unit", self.unit.trim())?;
        out.serialize_field("verdict", self.verdict())?;
        out.serialize_field("measured", &self.measured.as_ref().ok())?;
        out.serialize_field("why_not", &self.measured.as_ref().err())?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(bound: Bound, values: &[f64]) -> Target {
        Target::new("x", bound, " s", Spread::of(values).ok_or_else(|| "no runs".to_owned()))
    }

    fn line(bound: Bound, values: &[f64]) -> String {
        target(bound, values).line()
    }

    #[test]
    fn the_median_decides() {
        assert!(line(Bound::AtLeast(1.0), &[0.9, 1.0, 1.1]).starts_with("**met**"));
        assert!(line(Bound::AtMost(1.0), &[0.9, 1.1, 1.1]).starts_with("**not met**"));
        assert!(line(Bound::AtMost(1.0), &[]).starts_with("**not measured**"));
    }

    #[test]
    fn a_close_call_is_called_one() {
        assert!(line(Bound::AtLeast(1.0), &[0.9, 0.9, 1.1, 1.1, 1.1, 1.1]).contains("another run"));
        assert!(!line(Bound::AtLeast(1.0), &[1.1; 6]).contains("another run"));
    }

    #[test]
    fn no_slower_is_also_met_by_an_interval_that_holds_one() {
        let verdict = |values: &[f64]| target(Bound::NoSlower(1.05), values).verdict();
        assert_eq!(verdict(&[1.04; 6]), "met");
        assert_eq!(verdict(&[1.06; 6]), "not met");
        assert_eq!(verdict(&[0.99, 1.2, 1.2, 1.2, 1.2, 1.2]), "met");
        assert_eq!(verdict(&[0.99, 1.2, 1.2]), "not met");
    }

    #[test]
    fn a_range_is_never_called_an_interval() {
        let few = line(Bound::AtLeast(1.0), &[1.0, 2.0]);
        assert!(few.contains("range 1.000–2.000") && !few.contains("95 %"), "{few}");
    }

    #[test]
    fn the_verdict_is_there_for_machines() {
        let json = serde_json::to_value(target(Bound::AtLeast(1.0), &[1.5; 6])).unwrap();
        assert_eq!(json["verdict"], "met");
        assert_eq!(json["measured"]["interval"], serde_json::json!([1.5, 1.5]));
    }
}
