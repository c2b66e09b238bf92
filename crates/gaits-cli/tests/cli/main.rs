//! The command from outside: real processes, files, pipes, terminals and signals, with servers on the loopback address.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auth;
mod bodies;
mod certificates;
mod command;
mod compare;
mod cookies;
mod curl;
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
mod lists;
mod models;
mod origin;
mod pace;
mod page;
mod pages;
mod patience;
mod pictures;
mod power_cut;
mod programs;
mod proxies;
mod proxy;
mod readers;
mod recipes;
mod requests;
mod robots;
mod sitemaps;
mod sweep;
mod tables;
mod terminal;
mod tokens;
mod torture;
mod uploads;
mod ways;
mod works;
