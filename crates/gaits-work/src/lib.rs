//! What is done with an item: [`http`] requests, [`cpu`] computations, [`wait`]s, [`command`]s.
//!
//! Each work has settings that can be written down (a spec), and a builder that makes the work from them. Limit: nothing
//! in here knows under which model it runs, nor which items come next; the engine and these works never see each other.

pub mod command;
pub mod cpu;
mod deadline;
pub mod http;
pub mod processes;
mod settings;
pub mod wait;

pub use settings::SettingsError;
