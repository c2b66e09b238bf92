//! What is done with an item. Nothing in here knows under which model it runs.

pub mod http;
