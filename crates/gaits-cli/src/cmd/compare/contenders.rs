//! Which models take part.

use crate::exit::Trouble;
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

/// The models named, each once, or else all that make sense for work of this kind.
pub(super) fn choose(named: Vec<Model>, blocking: bool) -> Result<Vec<Model>, Trouble> {
    if named.is_empty() {
        let forms = if blocking { FOR_BLOCKING } else { FOR_ASYNC };
        let models: Result<Vec<Model>, ModelError> =
            forms.iter().map(|form| form.parse()).collect();
        return models.map_err(|error| Trouble::Wrong(error.into()));
    }
    let mut models = Vec::new();
    for model in named {
        if models.contains(&model) {
            return Err(Trouble::wrong(format!("--models names {model} twice")));
        }
        models.push(model);
    }
    Ok(models)
}
