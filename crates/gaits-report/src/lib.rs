//! What a run adds up to and how models compare: records → [`Tally`] → [`Summary`] or [`Comparison`] → text for a
//! terminal and JSON for programs.
//!
//! Limit: pure. No I/O, no clock, no threads; it never sees the engine, so that stored records and live ones are
//! reported on alike. Whoever calls decides where a text goes and whether it may hold colour ([`Style`]).

mod compare;
mod early_end;
mod hosts;
mod latency;
mod layout;
pub mod stats;
mod style;
mod summary;
mod tally;
pub mod units;

pub use compare::{Comparison, Contender, Entry, RaceInfo, Ratio, Spread, Standing, Trial};
pub use early_end::EarlyEnd;
pub use hosts::{Host, Hosts, host_name};
pub use latency::Latency;
pub use layout::Layout;
pub use style::Style;
pub use summary::Summary;
pub use tally::{Failures, Tally};
