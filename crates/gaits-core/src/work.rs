//! What is done with an item, and the state a worker keeps for it.

use crate::{Detail, Item, ItemError, Value};
use std::pin::Pin;

/// What is done with an item: `http`, `cpu`, `wait`.
///
/// One value serves all workers of a process; whatever a worker keeps between items lives in the session it opens.
pub trait Work: Send + Sync + std::fmt::Debug {
    /// Opens the state of one worker. Cheap: nothing is connected before the first item needs it.
    fn open(&self) -> Session;
}

/// What a worker opens once and uses for all its items, and with it whether the work is async or blocking.
pub enum Session {
    /// Waits without holding its thread: runs on an event loop.
    Async(Box<dyn AsyncSession>),
    /// Holds its thread from start to end of each item.
    Blocking(Box<dyn BlockingSession>),
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Session::Async(_) => "Session::Async",
            Session::Blocking(_) => "Session::Blocking",
        })
    }
}

/// The future of one item; it stays on the thread that made it.
pub type PerformFuture<'a> = Pin<Box<dyn Future<Output = Reply> + 'a>>;

/// A worker's state for work that waits without holding its thread.
///
/// Made, used and dropped on one thread, inside a tokio current-thread runtime with I/O and time.
pub trait AsyncSession {
    /// Performs one item. Dropping the future abandons the item; the session stays usable.
    fn perform<'a>(&'a mut self, item: &'a Item) -> PerformFuture<'a>;

    /// Closes what is idle, so that its file descriptors are free for other sessions.
    fn release(&mut self) {}
}

/// A worker's state for work that holds its thread.
pub trait BlockingSession: Send {
    /// Performs one item on the calling thread.
    fn perform(&mut self, item: &Item) -> Reply;
}

/// What came of performing an item.
#[derive(Debug)]
pub enum Reply {
    /// It is finished, well or badly.
    Done(Performed),
    /// It could not be tried, because this process has no file descriptor left. The worker should make room:
    /// with fewer workers the same item will go through.
    Exhausted(ItemError),
}

/// A finished item, before its executor adds who did it and when.
#[derive(Debug)]
pub struct Performed {
    /// Whether it went well.
    pub outcome: Result<(), ItemError>,
    /// What the work measured; kept for failed items too.
    pub detail: Detail,
    /// Fields taken from the answer, by name.
    pub extract: Vec<(Box<str>, Value)>,
}

impl Performed {
    /// It went well, and this was measured.
    #[must_use]
    pub fn ok(detail: Detail) -> Self {
        Self { outcome: Ok(()), detail, extract: Vec::new() }
    }

    /// It failed with `error`.
    #[must_use]
    pub fn failed(error: ItemError, detail: Detail) -> Self {
        Self { outcome: Err(error), detail, extract: Vec::new() }
    }
}
