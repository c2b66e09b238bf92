//! What races and sweeps have in common: what they are about, what is said before they start, and the progress bar. Limit: it knows
//! neither of them.

mod announce;
mod bar;
mod subject;

pub(super) use announce::{at_most, for_at_most, refusal, requests};
pub(super) use bar::Bar;
pub(super) use subject::Settled;

/// The most requests to hosts that belong to others, if nothing else is asked for.
pub(super) const MOST_REQUESTS: u64 = 1_000;
