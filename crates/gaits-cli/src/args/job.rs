//! What the arguments of a work come to.

use gaits::{Input, WorkSpec};

/// What the command line asks for.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The work, and its settings.
    pub(crate) work: WorkSpec,
    /// Where its items come from.
    pub(crate) input: Input,
    /// What it is, in a few words.
    pub(crate) about: String,
    /// Whether it holds its thread.
    pub(crate) blocking: bool,
    /// Says what is wrong with an item.
    pub(crate) check: fn(&str) -> Result<(), String>,
}
