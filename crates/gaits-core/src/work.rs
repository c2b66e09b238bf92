//! What is done with an item: the contract between a work and whatever runs it.
//!
//! A [`Work`] says three things about itself: how it is performed ([`Performs`]), what its settings mean
//! ([`Setting`]), and, without a session and in the dispatcher's process, what it makes of an item ([`Facts`]). Sessions
//! hold the state that is kept from item to item.

use crate::{Clock, Data, Item, ItemError, ItemFacts, PacingKey, Performed, Record, Reply, Value};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What is done with an item: `http`, `cpu`, `wait`.
///
/// One value serves all workers of a process. What a worker keeps between items lives in a session.
pub trait Work: Send + Sync + fmt::Debug {
    /// How it is performed. The answer never changes.
    fn performs(&self) -> Performs<'_>;

    /// Its settings in the form in which they may be written beside results and shown to anybody: without secrets.
    fn settings(&self) -> Vec<Setting>;

    /// What it makes of an item, before any worker sees it.
    ///
    /// # Errors
    /// The item is none that it takes; the error says what is wrong, and what an item should be.
    fn inspect<'a>(&self, item: &'a Data) -> Result<Facts<'a>, Refused>;

    /// A hash of what it does for an item: the same for two items that ask for the same in other words. None where only
    /// the same words do.
    fn identity(&self, item: &Data) -> Option<[u8; 16]> {
        let _ = item;
        None
    }

    /// Whether white space around an item of a list is a part of it, as it is of a file's name. Else it is left out.
    fn keeps_white_space(&self) -> bool {
        false
    }

    /// Whether answers may name further items, which are then done in the same run: the next page of a listing. The answer
    /// never changes.
    fn has_followers(&self) -> bool {
        false
    }

    /// Whether `record` names a further item.
    fn is_followed(&self, record: &Record) -> bool {
        let _ = record;
        false
    }

    /// The item that `record` names. `root` is the item of the input that it all began with.
    ///
    /// # Errors
    /// What is named is no item; says why.
    fn follower(&self, root: &Data, record: &Record) -> Result<Data, Refused> {
        let _ = record;
        Ok(root.clone())
    }

    /// Whether `record` says the same as the record `before`, which has led to it, and where more of the kind would follow for ever:
    /// the same answer again where nobody but the run counts.
    fn is_repeated(&self, record: &Record, before: &Record) -> bool {
        let _ = (record, before);
        false
    }
}

/// How a work is performed, and with it what opens its sessions.
#[derive(Clone, Copy)]
pub enum Performs<'a> {
    /// It waits without holding its thread: its futures run on gaits' event loops.
    Async(&'a dyn AsyncWork),
    /// It holds its thread from start to end of each item.
    Blocking(&'a dyn BlockingWork),
    /// It brings an event loop of its own, such as Python's asyncio.
    OwnLoop(&'a dyn LoopWork),
}

impl fmt::Debug for Performs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Performs::Async(_) => "Async",
            Performs::Blocking(_) => "Blocking",
            Performs::OwnLoop(_) => "OwnLoop",
        })
    }
}

/// For how long, and for whom, a session is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionScope {
    /// One session for all workers of an event loop; a plain thread or process has one of its own.
    #[default]
    Loop,
    /// One for each worker.
    Worker,
    /// A new one for each item.
    None,
}

/// One setting of a work.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its name, as the command line has it.
    pub name: &'static str,
    /// Its value, with secrets taken out.
    pub value: Value,
    /// Whether another value would make the same item's record mean something else. Results of two runs that differ in
    /// such a setting do not belong into one file.
    pub changes_meaning: bool,
}

/// What a work makes of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Items with the same key burden the same thing, and are paced together: for `http`, scheme, host and port. Empty
    /// where there is nothing to be paced.
    pub pacing_key: Cow<'a, str>,
    /// Whether what the pacing key stands for belongs to others, so that a run is to be polite to it unless told otherwise:
    /// for `http`, a host that is neither this machine nor on a private network.
    pub public: bool,
    /// Whether doing it twice has the same effect as doing it once.
    pub repeatable: bool,
    /// What records and messages show in place of the item, where it holds a secret.
    pub shown: Option<Data>,
}

impl Facts<'_> {
    /// In the form in which they go with the item.
    #[must_use]
    pub fn brief(self) -> ItemFacts {
        let Facts { pacing_key, public, repeatable, shown } = self;
        ItemFacts {
            key: PacingKey::of(&pacing_key),
            public,
            repeatable,
            shown: shown.map(Box::new),
        }
    }
}

/// Why a work does not take an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong, and what an item should be; never holds a credential.
    pub message: String,
    /// What records and messages show in place of the item, where it holds a secret.
    pub shown: Option<Data>,
}

impl From<String> for Refused {
    fn from(message: String) -> Self {
        Self { message, shown: None }
    }
}

/// What the program lends to a work when it is built.
#[derive(Clone)]
pub struct Services {
    /// Stamps what the work measures.
    pub clock: Arc<dyn Clock>,
    /// Tells the user something about the work as a whole, once, however often it is told.
    pub tell: Arc<dyn Fn(String) + Send + Sync>,
    /// Whether the run leaves those alone that ask for it, as the work [advises](crate::Advice::Pause).
    pub heeds_pauses: bool,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// Why a session could not be opened. The item that needed it is charged with it; the next item tries again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionError {
    /// The item fails with this error.
    Failed(ItemError),
    /// There was no file descriptor left for it; see [`Reply::Exhausted`].
    Exhausted(ItemError),
}

/// Opens sessions of work that waits without holding its thread.
pub trait AsyncWork: Send + Sync {
    /// Opens a session, on an event loop: a tokio current-thread runtime with I/O and time. It is made, used and dropped
    /// on this thread. Cheap: nothing is connected before the first item needs it.
    ///
    /// # Errors
    /// The session can't be opened now.
    fn open(&self, scope: SessionScope) -> Result<Box<dyn AsyncSession>, SessionError>;
}

/// The future of one item; it stays on the thread that made it.
pub type PerformFuture<'a> = Pin<Box<dyn Future<Output = Reply> + 'a>>;

/// A session of work that waits without holding its thread. With [`SessionScope::Loop`] all the workers of an event loop
/// use it at the same time, one item each.
pub trait AsyncSession {
    /// Performs one item. Dropping the future abandons the item; the session stays usable.
    fn perform<'a>(&'a self, item: &'a Item) -> PerformFuture<'a>;
}

/// Opens sessions of work that holds its thread.
pub trait BlockingWork: Send + Sync {
    /// Opens a session. It is used by one worker at a time, and may be moved between threads from item to item.
    ///
    /// # Errors
    /// The session can't be opened now.
    fn open(&self, scope: SessionScope) -> Result<Box<dyn BlockingSession>, SessionError>;
}

/// A session of work that holds its thread.
pub trait BlockingSession: Send {
    /// Performs one item on the calling thread.
    fn perform(&mut self, item: &Item) -> Reply;
}

/// Work that runs items on an event loop of its own.
pub trait LoopWork: Send + Sync {
    /// Runs the loop on the calling thread: asks `host` for items, performs up to `slots` of them at the same time, and
    /// hands each reply back. Returns when the host has no more items and all that were taken are answered, or at once
    /// when the run is abandoned.
    ///
    /// # Errors
    /// The loop can't go on. Items it has taken and not answered fail with the error; if it has taken none, the next
    /// item does. Then it is run again.
    fn run(
        &self,
        slots: u32,
        scope: SessionScope,
        host: &mut dyn LoopHost,
    ) -> Result<(), SessionError>;
}

/// Where a [`LoopWork`] gets its items and leaves its replies.
pub trait LoopHost {
    /// The next item, for a slot that is free. While there is none, the waker of `cx` is kept, and woken from whichever
    /// thread brings something to ask for. To be asked only while fewer items than `slots` are out. A slot whose item came back
    /// with [`Reply::Exhausted`] may not be used again, so there may be none while fewer are out.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<HostItem>;

    /// Hands back what came of the item in `slot`. `cpu_us` is the CPU time it took, as far as the loop can tell; 0 where
    /// it can't.
    fn done(&mut self, slot: u32, reply: Reply, cpu_us: u64);
}

/// What a [`LoopHost`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostItem {
    /// Perform this one, in this slot.
    Item {
        /// Names it when it is done; counted from 0, and below `slots`.
        slot: u32,
        /// The item.
        item: Item,
    },
    /// There are no more: finish what is in flight.
    End,
    /// The run was abandoned: drop what is in flight.
    Abandoned,
}

impl From<SessionError> for Reply {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Failed(error) => Reply::Done(Performed::failed(error, None)),
            SessionError::Exhausted(error) => Reply::Exhausted(error),
        }
    }
}
