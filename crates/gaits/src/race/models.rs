//! Which models suit a work.

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

/// All models that make sense for work that is `blocking`, which holds its thread, or for work that is not. How many
/// workers they have depends on the machine.
///
/// # Errors
/// A model that is derived from the machine's cores can't be had, as with more cores than gaits can use.
pub fn models_for(blocking: bool) -> Result<Vec<Model>, ModelError> {
    let forms = if blocking { FOR_BLOCKING } else { FOR_ASYNC };
    forms.iter().map(|form| form.parse()).collect()
}
