//! A local HTTP server to try HTTP clients on: it answers as [httpbin](https://httpbin.org) does, and it delays, queues,
//! refuses and breaks requests as it is told, drawn from a seed so that a run can be repeated.
//!
//! ```
//! use std::time::Duration;
//! use gaits_origin::{Config, Origin};
//!
//! # fn main() -> std::io::Result<()> {
//! let config = Config {
//!     latency: Duration::from_millis(230),
//!     faults: "reset:0.01,truncate:0.01".parse().map_err(std::io::Error::other)?,
//!     ..Config::default()
//! };
//! let origin = Origin::start(config)?;
//! assert!(origin.url("/uuid").starts_with("http://127.0.0.1:"));
//! # Ok(())
//! # }
//! ```
//!
//! Beyond delays, limits and faults it can be scripted to send any bytes at all ([`Script`]), and has the common ways to
//! break HTTP/1.1 under `/hostile/` ([`Script::hostile`]).
//!
//! It speaks HTTP/1.1 and HTTP/2 on one port: HTTP/2 by prior knowledge on cleartext and by ALPN over TLS. It is a
//! *test* server: it has no limits against hostile clients beyond one on the size of request bodies, and it
//! deliberately shares no code with the client it is there to test.

mod access_log;
mod body;
mod clock;
mod codings;
mod config;
mod connections;
mod counters;
mod draws;
mod faults;
mod gate;
mod generated;
mod in_progress;
mod limits;
mod loan;
mod pace;
mod reply;
mod request;
mod retry_after;
mod routes;
mod script;
mod server;
mod service;
mod socket;
mod tls;
mod unsent;

pub use access_log::{AccessLog, AccessLogError};
pub use config::{Config, Tail};
pub use faults::{Faults, FaultsError, StatusFaults};
pub use retry_after::{RetryAfter, RetryAfterError};
pub use script::{Script, ScriptError, Step};
pub use server::{Origin, Stopper};
