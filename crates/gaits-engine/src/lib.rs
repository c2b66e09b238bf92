//! Runs a batch of work under an execution model.

pub mod work;
