//! What is said of one model: puts together what is recommended, what explains the points, and the words for both.

use super::fitted::{Fitted, Limit, explain};
use super::points::Point;
use super::resample::Sample;
use super::verdict::{by_targets, by_throughput, kind_of_limit, trend};
use super::{ModelSweep, SweepInfo, words};
use crate::language::Said;

impl ModelSweep {
    /// Says what follows from the points of a model.
    pub(super) fn judge(
        name: &str,
        points: Vec<Point>,
        about: &SweepInfo,
        from_elsewhere: bool,
    ) -> Self {
        let usable: Vec<&Point> = points.iter().filter(|point| point.is_usable()).collect();
        let samples: Vec<Sample> = usable.iter().filter_map(|point| point.sample.clone()).collect();
        let recommended = if about.targets.is_empty() {
            by_throughput(&usable, &samples, about)
        } else {
            by_targets(&usable)
        };
        let trend = trend(&usable, about.settings.within);
        let fitted = explain(&samples, about.seed, about.settings.confidence);
        let (law, limit, no_fit) = match fitted {
            Fitted::Law(law) => (Some(law), None, None),
            Fitted::Kink(knee, rate) => {
                let kind = kind_of_limit(name, &usable, about);
                (None, Some(Limit { kind, knee, rate }), None)
            }
            Fitted::None(why) => (None, None, Some(why)),
        };
        let mut model = Self {
            name: name.to_owned(),
            points,
            trend,
            recommended,
            law,
            limit,
            sentence: Said::default(),
            notes: Vec::new(),
        };
        model.sentence =
            Said::of(|language| words::answer(language, &model, about, from_elsewhere));
        model.notes = words::notes(&model, about, no_fit, from_elsewhere);
        model
    }
}
