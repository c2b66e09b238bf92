//! Servers that break the rules, and what they can do to a client: a table of how they behave, how an item ends there, and
//! what it may cost.
//!
//! Each row is tried alone, on an event loop that it shares with a healthy neighbour, where the costs are counted; and
//! within whole runs of the engine under several models, where the records are looked at. A row with a time-out takes
//! as long as that; nothing else here waits for a time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod built_in;
mod engine;
mod frames;
mod heap;
mod http1;
mod http2;
mod measure;
mod row;
mod server;
mod stage;
mod table;
mod wholes;
