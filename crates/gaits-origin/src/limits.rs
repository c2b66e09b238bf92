//! How much an origin may be told to do at most, whichever way it is told.

use std::time::Duration;

/// The longest time that anything may be told to take: a year. It is more than anybody means, and a point in time to
/// which it is added cannot overflow.
pub(crate) const LONGEST: Duration = Duration::from_hours(24 * 365);
