//! The two queues between the dispatcher and the workers: items go down the [`Feed`], reports come up the
//! [`Inbox`]. A worker process has a pair of its own, joined to the dispatcher's by a socket.
//!
//! Limit: what is handed out, and what a report means, is the dispatcher's business.

mod feed;
mod inbox;

pub(crate) use feed::{Feed, Seat};
pub use inbox::Notice;
pub(crate) use inbox::{Batch, Inbox, Patience, Report, Signal};
