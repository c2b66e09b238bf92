//! Requests over HTTP/2.
//!
//! Limit: one connection and its exchanges; which connection a request takes, and whether it is sent again, is decided
//! above.

#[cfg_attr(not(test), expect(dead_code, reason = "what chooses a connection is still to come"))]
mod fault;
#[cfg_attr(
    not(test),
    expect(dead_code, unused_imports, reason = "what chooses a connection is still to come")
)]
mod h2;
