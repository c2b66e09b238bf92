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
    /// How long it took then and now, in seconds; none where it did not run.
    pub takes_s: (Option<f64>, Option<f64>),
    /// The time now over the time then, with an interval; or why there is none.
    pub ratio: Result<Interval, String>,
}

/// How the models that took part in both have changed, in the order of the new race.
#[must_use]
pub fn changes(old: &Comparison, new: &Comparison) -> Vec<Change> {
    let confidence = new.about().settings.confidence;
    let takes = |entry: &Entry| {
        let middle = entry.median_s.map(|(median, _)| median);
        entry.typical_s.map(|typical| typical.estimate).or(middle)
    };
    let change = |now: &Entry| {
        let model = &now.contender.model;
        let then = old.entries().iter().find(|entry| &entry.contender.model == model)?;
        let series = |entry: &Entry| Series::from_micros(entry.walls_us.iter().copied());
        let ratio = match other_work(then, now) {
            Some(why) => Err(format!("no ratio, since {why}")),
            None => unpaired(&series(then), &series(now), confidence)
                .ok_or_else(|| "too few rounds to tell more".to_owned()),
        };
        Some(Change { model: model.clone(), takes_s: (takes(then), takes(now)), ratio })
    };
    new.entries().iter().filter_map(change).collect()
}

/// Why the times then and now are not of the same work; none if they are, as far as one can see.
fn other_work(then: &Entry, now: &Entry) -> Option<String> {
    for (entry, when) in [(then, "then"), (now, "now")] {
        if let Some(why) = entry.other_work() {
            return Some(format!("{when} {}", why.english()));
        }
    }
    let [(failed, of), (fails, of_now)] =
        [then, now].map(|entry| (entry.tally.failed(), entry.tally.items()));
    // To fail takes another time than to do the work. The two may have had different numbers of rounds.
    let same_share = u128::from(failed) * u128::from(of_now) == u128::from(fails) * u128::from(of);
    let [failed, of, fails, of_now] = [failed, of, fails, of_now].map(units::count);
    (!same_share)
        .then(|| format!("{failed} of {of} items failed then, and {fails} of {of_now} now"))
}

impl Change {
    /// What it says, within `margin`, in a line.
    #[must_use]
    pub fn in_words(&self, margin: f64) -> String {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
        let time = |seconds: f64| units::duration((seconds * 1e6).round() as u64);
        let time = |takes: Option<f64>| takes.map_or_else(|| "did not run".to_owned(), time);
        let (then, now) = self.takes_s;
        let times = format!("{}: {} then, {} now", self.model, time(then), time(now));
        let Interval { estimate, low, high } = match &self.ratio {
            Ok(ratio) => *ratio,
            Err(why) => return format!("{times}; {why}"),
        };
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
