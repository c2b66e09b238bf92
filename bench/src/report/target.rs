//! What was to be reached, and whether it was.

use crate::stats::Spread;

/// On which side of its limit a figure must lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    /// Not below.
    AtLeast(f64),
    /// Not above.
    AtMost(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(limit) => value >= limit,
            Self::AtMost(limit) => value <= limit,
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

    /// The target as one line: what, the limit, the figure, and the verdict in plain words.
    pub(crate) fn line(&self) -> String {
        let unit = self.unit;
        let limit = match self.bound {
            Bound::AtLeast(limit) => format!("at least {limit}{unit}"),
            Bound::AtMost(limit) => format!("at most {limit}{unit}"),
        };
        let spread = match &self.measured {
            Err(why) => return format!("**not measured**: {}, {limit} ({why})", self.what),
            Ok(spread) => spread,
        };
        let Spread { median, min, max, interval } = *spread;
        let met = self.bound.holds(median);
        let verdict = if met { "met" } else { "not met" };
        let certainty = match interval {
            Some((low, high)) => {
                let close = self.bound.holds(low) != self.bound.holds(high);
                let close = if close {
                    ": it holds the limit, so another run may say otherwise"
                } else {
                    ""
                };
                format!("95 % interval {low:.3}–{high:.3}{close}")
            }
            None => "too few rounds for an interval".into(),
        };
        format!(
            "**{verdict}**: {}, {limit}: median {median:.3}{unit}, range {min:.3}–{max:.3}, {certainty}",
            self.what
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(bound: Bound, values: &[f64]) -> String {
        Target::new("x", bound, " s", Spread::of(values).ok_or_else(|| "no runs".to_owned())).line()
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
}
