//! One request: what is asked of which server, in which words, and whether it may be asked twice.
//!
//! Limit: knows no connection; a redirect makes another request.

use super::fields::Fields;
use super::spec::Method;
use super::target::Target;

/// One request.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) target: &'a Target,
    /// The fields that all requests have in common.
    pub(super) fields: &'a Fields,
    /// Whether a redirect has led away from the item's origin, so that secrets are not shown.
    pub(super) foreign: bool,
    /// The `cookie` field, where cookies are kept.
    pub(super) cookie: Option<Vec<u8>>,
}

impl Request<'_> {
    /// Whether sending it twice has the same effect as sending it once.
    pub(super) const fn is_repeatable(&self) -> bool {
        self.method.is_safe()
    }
}
