//! The guard: a process that ends what commands have started when the gaits process that started them is killed.
//! `docs/design/command.md`.
//!
//! Every process that runs commands holds a connection to the guard and bears a mark, which all that it starts inherits. When
//! the connection ends without a farewell, the guard ends the process groups of what bears the mark. Limit: what has left the
//! process group of its command is not ended.

mod client;
mod hello;
mod mark;
mod marked;
mod server;

pub(super) use client::new_name;
pub use client::{GUARD_VERB, Guard, GuardCommand};
pub use server::guard_main;
