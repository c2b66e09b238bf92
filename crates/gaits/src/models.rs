//! Which models suit a work.

use gaits_core::{Performs, Work};
use gaits_engine::plan::{Model, ModelError};
use std::num::NonZeroU32;

/// Models that make sense for work that waits without holding its thread.
const FOR_ASYNC: &[&str] = &[
    "sequential",
    "threads",
    "processes",
    "processes/threads",
    "async",
    "threads/async",
    "processes/async",
];

/// Models that make sense for work that holds its thread; `async` shows what happens when it does.
const FOR_BLOCKING: &[&str] =
    &["sequential", "threads", "processes", "processes/threads", "async", "async/threads"];

/// The ways that people use, for work that waits without holding its thread.
const USUAL_FOR_ASYNC: &[&str] = &["sequential", "threads", "processes", "async", "threads/async"];

/// The ways that people use, for work that holds its thread.
const USUAL_FOR_BLOCKING: &[&str] = &["sequential", "threads", "processes", "async"];

/// All models that make sense for `work`. How many workers they have depends on the machine.
///
/// # Errors
/// A model that is derived from the machine's cores can't be had, as with more cores than gaits can use.
pub fn models_for(work: &dyn Work) -> Result<Vec<Model>, ModelError> {
    let forms = if holds_its_thread(work) { FOR_BLOCKING } else { FOR_ASYNC };
    forms.iter().map(|form| form.parse()).collect()
}

/// The models for `work` that people choose between, with the numbers of workers that they have by default.
///
/// # Errors
/// As [`models_for`].
pub fn usual_models_for(work: &dyn Work) -> Result<Vec<Model>, ModelError> {
    let forms = if holds_its_thread(work) { USUAL_FOR_BLOCKING } else { USUAL_FOR_ASYNC };
    forms.iter().map(|form| form.parse()).collect()
}

/// `models` with `workers` workers each. Those that can't have so many, such as `sequential`, are left out, and so are those
/// that become the same as one before.
#[must_use]
pub fn equally_many(models: &[Model], workers: NonZeroU32) -> Vec<Model> {
    let mut equal = Vec::new();
    for model in models.iter().filter_map(|model| model.with_workers(workers).ok()) {
        if model.layout().workers() == u64::from(workers.get()) && !equal.contains(&model) {
            equal.push(model);
        }
    }
    equal
}

fn holds_its_thread(work: &dyn Work) -> bool {
    matches!(work.performs(), Performs::Blocking(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equally_many_means_just_that() {
        let models: Vec<Model> = FOR_ASYNC.iter().map(|form| form.parse().unwrap()).collect();
        let eight = equally_many(&models, NonZeroU32::new(8).unwrap());
        assert!(eight.iter().all(|model| model.layout().workers() == 8), "{eight:?}");
        assert!(eight.contains(&"threads:8".parse().unwrap()), "{eight:?}");
        assert!(eight.contains(&"async:8".parse().unwrap()), "{eight:?}");
        let one = equally_many(&models, NonZeroU32::MIN);
        assert!(one.contains(&"sequential".parse().unwrap()), "{one:?}");
    }
}
