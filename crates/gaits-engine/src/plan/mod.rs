//! What is to be done and how: a plan is validated before anything starts, and can be written down.

mod model;

pub use model::{Layout, MOST_IN_FLIGHT, MOST_PROCESSES, MOST_THREADS, Model, ModelError, cores};

use crate::work::WorkSpec;
use serde::{Deserialize, Serialize};

/// Work and the model to do it under. Where items come from and where records go is given to the run beside it,
/// since sources and sinks hold open files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What is done with each item.
    pub work: WorkSpec,
    /// How the workers are laid out.
    pub model: Model,
}
