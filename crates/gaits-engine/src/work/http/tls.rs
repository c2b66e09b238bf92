//! Placeholder.
use super::spec::{HttpSpecError, Trust};
#[allow(clippy::unnecessary_wraps)]
pub(super) fn check(_trust: &Trust) -> Result<(), HttpSpecError> {
    Ok(())
}
