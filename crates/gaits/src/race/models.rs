//! Which models suit a work.

use gaits_core::{Performs, Work};
use gaits_engine::plan::{Model, ModelError};

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

/// All models that make sense for `work`. How many workers they have depends on the machine.
///
/// # Errors
/// A model that is derived from the machine's cores can't be had, as with more cores than gaits can use.
pub fn models_for(work: &dyn Work) -> Result<Vec<Model>, ModelError> {
    let forms = match work.performs() {
        Performs::Blocking(_) => FOR_BLOCKING,
        Performs::Async(_) | Performs::OwnLoop(_) => FOR_ASYNC,
    };
    forms.iter().map(|form| form.parse()).collect()
}
