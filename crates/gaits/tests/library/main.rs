//! The library as another program uses it: its own sources, sinks and observers, no terminal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod input;
mod journal;
mod output;
mod run;
mod scene;
mod torn_tails;
