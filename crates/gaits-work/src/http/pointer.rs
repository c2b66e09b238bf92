//! Pointers into JSON (RFC 6901), as they are written.
//!
//! Limit: follows none.

/// Why a text is no pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PointerError {
    /// It does not begin with a slash.
    #[error("the pointer {0:?} does not begin with `/`: did you mean \"/{0}\"?")]
    NoSlash(String),
    /// A `~` stands for neither `~` nor `/`.
    #[error(
        "in the pointer {0:?} a `~` is followed by neither 0 nor 1: write ~0 for `~` and ~1 for `/`"
    )]
    Escape(String),
}

/// Whether `pointer` is one.
///
/// # Errors
/// It does not begin with a slash, or has a `~` that stands for nothing.
pub(super) fn check(pointer: &str) -> Result<(), PointerError> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(PointerError::NoSlash(pointer.to_owned()));
    }
    let mut rest = pointer;
    while let Some(at) = rest.find('~') {
        rest = &rest[at + 1..];
        if !rest.starts_with(['0', '1']) {
            return Err(PointerError::Escape(pointer.to_owned()));
        }
    }
    Ok(())
}
