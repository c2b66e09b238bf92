//! What one step of a decoder comes to, whatever the coding.

/// What one step of a decoder did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) read: usize,
    pub(super) written: usize,
    pub(super) ended: bool,
}
