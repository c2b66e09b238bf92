//! What the arguments of a work come to.

use super::bodies::Bodies;
use super::pages::Pages;
use gaits::{Input, Model, SessionScope, WorkSpec};

/// What the command line asks for.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The work, and its settings.
    pub(crate) work: WorkSpec,
    /// Who shares a session.
    pub(crate) session: SessionScope,
    /// Where its items come from.
    pub(crate) input: Input,
    /// What becomes of the bodies of answers.
    pub(crate) bodies: Bodies,
    /// How a run lays its workers out, unless it is told.
    pub(crate) model: Model,
    /// How many times an item that failed in a way that may pass is tried again, unless told otherwise. None where no
    /// server is asked: nothing passes there, and nobody wants to be left alone.
    pub(crate) retries: Option<u32>,
    /// How far listings are followed, where answers name the next page.
    pub(crate) pages: Pages,
    /// What it is, in a few words.
    pub(crate) about: String,
    /// What the user is to be told before it starts.
    pub(crate) notices: Vec<String>,
}
