//! What gaits can do with an item.

mod http;

#[doc(hidden)]
pub use http::h1;
