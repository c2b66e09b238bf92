//! What is done with an item.
//!
//! Limit: knows nothing of how workers are laid out.

mod http;
