//! The origin over real sockets, told apart by concern. What speaks to it here is written for the purpose: raw bytes
//! over HTTP/1.1 (`wire`) and hyper's low-level client over HTTP/2.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests are tests as well, which clippy does not see"
)]

mod contents;
mod endpoints;
mod faults;
mod hostile;
mod limits;
mod logging;
mod protocols;
mod scripts;
mod threads;
mod wire;
