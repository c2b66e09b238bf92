//! Where records go.

mod json_lines;
mod record_json;

pub use json_lines::{InputOf, JsonLines};
