//! The words that gaits' crates share, and nothing else: what an [`Item`] is, what the [`Record`] of a
//! finished one says, the [`Clock`] it is stamped by, and the traits between the rooms: [`Source`],
//! [`Work`] and its sessions, [`Sink`].
//!
//! Limit: no I/O, no threads, no runtime; serde is its only dependency, so that whatever reads records can
//! afford it.

mod clock;
mod data;
mod detail;
mod error;
mod facts;
mod follower;
mod hash;
mod item;
mod record;
mod reply;
mod sink;
mod source;
mod value;
mod work;

pub use clock::{Clock, ManualClock};
pub use data::Data;
pub use detail::{Detail, Field, Measured};
pub use error::{ErrorKind, ItemError};
pub use facts::{ItemFacts, PacingKey};
pub use follower::{MOST_STEPS, follower, root_and_steps};
pub use hash::Blake3;
pub use item::Item;
pub use record::{Outcome, Record, Timing, Try, WorkerId};
pub use reply::{Advice, Paced, Performed, Reply};
pub use sink::{Sink, StartNotes};
pub use source::{Content, Entry, HearsOf, IsDone, More, Source};
pub use value::Value;
pub use work::{
    AsyncSession, AsyncWork, BlockingSession, BlockingWork, Facts, HostItem, LoopHost, LoopWork,
    PerformFuture, Performs, Refused, Services, SessionError, SessionScope, Setting, Work,
};
