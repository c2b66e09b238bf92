//! Two races that were run at different times, held against each other. Nothing was interleaved, so what has changed on the
//! machine meanwhile is in the ratio.

use super::{Comparison, Entry};
use crate::stats::{Interval, Series, unpaired};
use crate::units;

/// How a model has changed from one race to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The model.
    pub model: String,
    /// How long it took then and now, in seconds.
    pub typical_s: (f64, f64),
    /// The time now over the time then, with an interval; none where there are too few rounds to tell.
    pub ratio: Option<Interval>,
}

/// How the models that took part in both have changed, in the order of the new race.
#[must_use]
pub fn changes(old: &Comparison, new: &Comparison) -> Vec<Change> {
    let confidence = new.about().settings.confidence;
    let change = |now: &Entry| {
        let model = &now.contender.model;
        let then = old.entries().iter().find(|entry| &entry.contender.model == model)?;
        let series = |entry: &Entry| Series::from_micros(entry.walls_us.iter().copied());
        let typical = |entry: &Entry| Some(entry.typical_s?.estimate);
        Some(Change {
            model: model.clone(),
            typical_s: (typical(then)?, typical(now)?),
            ratio: unpaired(&series(then), &series(now), confidence),
        })
    };
    new.entries().iter().filter_map(change).collect()
}

impl Change {
    /// What it says, within `margin`, in a line.
    #[must_use]
    pub fn in_words(&self, margin: f64) -> String {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
        let time = |seconds: f64| units::duration((seconds * 1e6).round() as u64);
        let (then, now) = self.typical_s;
        let times = format!("{}: {} then, {} now", self.model, time(then), time(now));
        let Some(ratio) = self.ratio else {
            return format!("{times}; too few rounds to tell more");
        };
        let Interval { estimate, low, high } = ratio;
        let known = format!("{estimate:.2}× ({low:.2}–{high:.2})");
        let limit = 1.0 + margin;
        let said = if low > limit {
            "slower"
        } else if high < 1.0 / limit {
            "faster"
        } else if low >= 1.0 / limit && high <= limit {
            "equal"
        } else {
            "too few rounds to tell"
        };
        format!("{times}: {known}, {said}")
    }
}
