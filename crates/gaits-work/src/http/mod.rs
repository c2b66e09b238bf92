//! Requests over HTTP.

pub mod h1;
