//! The sentences: the only place where the findings become text for people. Limit: every number in them comes from the
//! finding; none of them is capitalised or ends in a full stop, so that they can follow a heading or a name.

mod checks;
mod limits;
mod parts;
mod reasons;

pub(super) use checks::check;
pub(super) use limits::{limit, measured, nothing_measured};
pub(super) use reasons::reason;
