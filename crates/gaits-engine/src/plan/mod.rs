//! What is to be done and how: a plan is validated before anything starts, and can be written down.

mod limits;
mod model;

pub use limits::{Limits, Rate};
pub use model::{Layout, MOST_IN_FLIGHT, MOST_PROCESSES, MOST_THREADS, Model, ModelError, cores};

use gaits_core::{SessionScope, Value};
use serde::{Deserialize, Serialize};

/// Work and the model to do it under. Where items come from and where records go is given to the run beside it,
/// since sources and sinks hold open files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What is done with each item.
    pub work: WorkSpec,
    /// How the workers are laid out.
    pub model: Model,
    /// Who shares a session, and for how long it is kept.
    pub session: SessionScope,
    /// How fast it may go, how often it tries an item, and when it gives up.
    pub limits: Limits,
}

/// Names a work and carries its settings, which only the work itself understands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkSpec {
    /// The name that the work is registered under; see [`Works`](crate::Works).
    pub name: String,
    /// The settings, as values that describe themselves.
    pub settings: Value,
}

impl WorkSpec {
    /// The work called `name`, with `settings`.
    pub fn new(name: impl Into<String>, settings: Value) -> Self {
        Self { name: name.into(), settings }
    }
}
