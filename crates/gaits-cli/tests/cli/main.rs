//! The command from outside: real processes, files, pipes, terminals and signals, with servers on the loopback address.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
mod command;
mod compare;
mod export;
mod fetch_input;
mod fetch_output;
mod habits;
mod harness;
mod held;
mod help;
mod http_options;
mod interrupts;
mod job_control;
mod journal;
mod limits;
mod models;
mod origin;
mod pace;
mod page;
mod pictures;
mod power_cut;
mod programs;
mod requests;
mod sweep;
mod terminal;
mod torture;
mod works;
