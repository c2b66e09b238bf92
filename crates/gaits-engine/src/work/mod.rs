//! What is done with an item. Nothing in here knows under which model it runs.

pub mod cpu;
pub mod http;
pub mod wait;

use gaits_core::{Clock, Work};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is done with each item, as it is written down in a plan and sent to worker processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum WorkSpec {
    /// An HTTP request.
    Http(Box<http::HttpSpec>),
    /// A computation.
    Cpu(cpu::CpuSpec),
    /// A wait.
    Wait(wait::WaitSpec),
    /// A work that the program around the engine brings; see [`Works`].
    Custom {
        /// The name it is registered under.
        name: String,
        /// What its builder is given.
        config: String,
    },
}

/// Why a work can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The settings of `http` can't be used.
    #[error(transparent)]
    Http(#[from] http::HttpSpecError),
    /// Nothing is registered under this name.
    #[error("no work is called `{0}`")]
    Unknown(String),
    /// The builder of a custom work refused its settings.
    #[error("work `{name}`: {message}")]
    Custom {
        /// The name it is registered under.
        name: String,
        /// What its builder said.
        message: String,
    },
}

/// Makes a custom work from its settings.
pub type Builder = fn(config: &str) -> Result<Arc<dyn Work>, String>;

/// The works that a program knows, so that its worker processes know them too.
#[derive(Debug, Clone, Default)]
pub struct Works {
    custom: Vec<(&'static str, Builder)>,
}

impl Works {
    /// The works that come with the engine.
    #[must_use]
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Adds a work of the program's own under `name`.
    #[must_use]
    pub fn with(mut self, name: &'static str, builder: Builder) -> Self {
        self.custom.push((name, builder));
        self
    }

    /// Sets the work up that `spec` describes; `clock` stamps what it measures.
    ///
    /// # Errors
    /// The work is unknown or its settings can't be used.
    pub fn build(
        &self,
        spec: &WorkSpec,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn Work>, WorkError> {
        Ok(match spec {
            WorkSpec::Http(spec) => Arc::new(http::HttpWork::new(spec, Arc::clone(clock))?),
            WorkSpec::Cpu(spec) => Arc::new(*spec),
            WorkSpec::Wait(spec) => Arc::new(*spec),
            WorkSpec::Custom { name, config } => {
                let (_, builder) = self
                    .custom
                    .iter()
                    .find(|(known, _)| known == name)
                    .ok_or_else(|| WorkError::Unknown(name.clone()))?;
                builder(config)
                    .map_err(|message| WorkError::Custom { name: name.clone(), message })?
            }
        })
    }
}

impl WorkSpec {
    /// Says what is wrong with an item's text, before any worker sees it.
    ///
    /// # Errors
    /// What is wrong, and what an item should be.
    pub fn check(&self, text: &str) -> Result<(), String> {
        match self {
            WorkSpec::Http(_) => http::check(text),
            WorkSpec::Wait(_) => wait::check(text),
            WorkSpec::Cpu(_) | WorkSpec::Custom { .. } => Ok(()),
        }
    }
}
