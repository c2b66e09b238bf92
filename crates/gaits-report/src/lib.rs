//! What a run adds up to, how models compare, and how many workers are right: records → [`Tally`] → [`Summary`], [`Comparison`] or
//! [`Scalability`](scalability::Scalability) → text for a terminal, JSON for programs, a page for a browser, and pictures.
//!
//! Limit: pure. No I/O, no clock, no threads; it never sees the engine, so that stored records and live ones are
//! reported on alike. Whoever calls decides where a text goes and whether it may hold colour ([`Style`]).

mod compare;
mod early_end;
pub mod export;
mod gate;
mod hosts;
mod language;
mod latency;
mod layout;
mod metric;
pub mod page;
pub mod picture;
pub mod scalability;
pub mod stats;
mod style;
mod summary;
mod tally;
mod trial;
pub mod units;
pub mod why;

pub use compare::{
    Change, Comparison, Contender, Entry, NotRanked, RaceInfo, Relation, Verdict, changes,
};
pub use early_end::EarlyEnd;
pub use gate::{Gate, GateError, GateOutcome, GateState};
pub use hosts::{Host, Hosts, host_name};
pub use language::{Language, Said};
pub use latency::Latency;
pub use layout::Layout;
pub use metric::MetricError;
pub use style::{Style, is_obeyed};
pub use summary::Summary;
pub use tally::{Failures, Phases, Tally};
pub use trial::{
    Agreement, Difference, MachineLoad, Outcomes, OutcomesOf, Steady, SteadyOf, Trial, Usage,
};
