//! The sessions that workers use: who shares which one, when one is opened, and what becomes of a broken one.
//!
//! Sessions are opened when an item needs one. Whatever goes wrong with that, an error or a panic, is the failure of that
//! item, and the next item tries again. A panic while a session is closed is told as a notice. Limit: performs nothing.

use super::Context;
use super::worker::{Attempt, Span, no_span, panic_message, perform_blocking};
use crate::flow::{EventQueue, Notice};
use gaits_core::{
    AsyncSession, BlockingSession, Clock, ErrorKind, Item, ItemError, Performed, Performs, Reply,
    SessionError, SessionScope,
};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

/// Runs `open`; its failure is what came of the item that needed the session.
fn opened<S>(open: impl FnOnce() -> Result<S, SessionError>) -> Result<S, Box<Attempt>> {
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(Box::new(Attempt::Replied(error.into()))),
        Err(panic) => Err(Box::new(Attempt::Panicked(panic_message(panic.as_ref())))),
    }
}

/// Drops a session. Should that panic, no item is to blame, so the user is told.
fn close<S>(session: S, out: &EventQueue) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(move || drop(session))) {
        out.notice(Notice::SessionNotClosed { why: panic_message(panic.as_ref()) });
    }
}

/// What a work says that is performed in another way than it said before.
fn of_another_kind<S>() -> Result<S, SessionError> {
    let message = "the work has changed the way in which it is performed";
    Err(SessionError::Failed(ItemError::new(ErrorKind::Panic, message)))
}

/// The sessions of the async workers of one event loop.
pub(super) struct AsyncSessions {
    cx: Rc<Context>,
    /// The one that all workers share, where they do.
    shared: RefCell<Option<Rc<dyn AsyncSession>>>,
}

/// The session of one async worker.
pub(super) struct AsyncSlot {
    sessions: Rc<AsyncSessions>,
    /// Its own one, where it has one.
    own: Option<Rc<dyn AsyncSession>>,
}

impl AsyncSessions {
    pub(super) fn new(cx: Rc<Context>) -> Self {
        Self { cx, shared: RefCell::default() }
    }

    fn open(&self) -> Result<Rc<dyn AsyncSession>, Box<Attempt>> {
        let cx = &self.cx;
        opened(|| match cx.work.performs() {
            Performs::Async(work) => work.open(cx.session),
            _ => of_another_kind(),
        })
        .map(Rc::from)
    }
}

impl AsyncSlot {
    pub(super) fn new(sessions: &Rc<AsyncSessions>) -> Self {
        Self { sessions: Rc::clone(sessions), own: None }
    }

    /// The session for the next item.
    pub(super) fn session(&mut self) -> Result<Rc<dyn AsyncSession>, Box<Attempt>> {
        let sessions = &self.sessions;
        let mut shared;
        let place = if sessions.cx.session == SessionScope::Loop {
            shared = sessions.shared.borrow_mut();
            &mut *shared
        } else {
            &mut self.own
        };
        if let Some(session) = place {
            return Ok(Rc::clone(session));
        }
        // A session that is opened may not look at the others.
        let session = sessions.open()?;
        Ok(Rc::clone(place.insert(session)))
    }

    /// To be called after each item, with the session it had: closes what is not to be kept.
    pub(super) fn after(&mut self, session: Option<Rc<dyn AsyncSession>>, attempt: &Attempt) {
        match self.sessions.cx.session {
            SessionScope::None => self.renew(session),
            SessionScope::Worker if attempt.spoils_session() => self.renew(session),
            SessionScope::Loop if attempt.is_panic() => self.renew(session),
            // Out of file descriptors: a shared session has closed what was idle, and the others go on with it.
            SessionScope::Loop | SessionScope::Worker => {}
        }
    }

    /// Has the next item begin with a new session, in place of `session` or whichever there is. Workers that still use the
    /// old one finish with it.
    pub(super) fn renew(&mut self, session: Option<Rc<dyn AsyncSession>>) {
        let sessions = &self.sessions;
        let mut shared = sessions.shared.borrow_mut();
        let replaced = match (&*shared, &session) {
            // Another worker has replaced it already.
            (Some(current), Some(session)) if !Rc::ptr_eq(current, session) => None,
            _ => shared.take(),
        };
        drop(shared);
        close((session, replaced, self.own.take()), &sessions.cx.out);
    }
}

impl Drop for AsyncSlot {
    fn drop(&mut self) {
        close(self.own.take(), &self.sessions.cx.out);
    }
}

impl Drop for AsyncSessions {
    fn drop(&mut self) {
        close(self.shared.take(), &self.cx.out);
    }
}

/// The sessions of blocking workers that run on one thread, or that hand their items to one pool of threads. With
/// [`SessionScope::Loop`] there are as many as items are at work at the same time, and any worker takes any of them.
pub(super) struct BlockingSessions {
    cx: Context,
    /// Those that no item uses now; what a worker keeps for itself is in its slot.
    idle: Mutex<Vec<Box<dyn BlockingSession>>>,
}

/// The session of one blocking worker.
pub(super) struct BlockingSlot {
    sessions: Arc<BlockingSessions>,
    own: Option<Box<dyn BlockingSession>>,
}

impl BlockingSessions {
    pub(super) fn new(cx: Context) -> Self {
        Self { cx, idle: Mutex::default() }
    }

    pub(super) fn slot(self: &Arc<Self>) -> BlockingSlot {
        BlockingSlot { sessions: Arc::clone(self), own: None }
    }
}

impl Drop for BlockingSessions {
    fn drop(&mut self) {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        idle.drain(..).for_each(|session| close(session, &self.cx.out));
    }
}

impl BlockingSlot {
    /// Performs `item` on this thread.
    pub(super) fn perform(&mut self, item: &Item, clock: &dyn Clock) -> (Attempt, Span) {
        match self.session() {
            Ok(mut session) => {
                let (attempt, span) = perform_blocking(session.as_mut(), item, clock);
                self.after(session, &attempt);
                (attempt, span)
            }
            Err(attempt) => (*attempt, no_span(clock)),
        }
    }

    fn session(&mut self) -> Result<Box<dyn BlockingSession>, Box<Attempt>> {
        let BlockingSessions { cx, idle } = &*self.sessions;
        if let Some(own) = self.own.take() {
            return Ok(own);
        }
        if cx.session == SessionScope::Loop
            && let Some(session) = idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
        {
            return Ok(session);
        }
        opened(|| match cx.work.performs() {
            Performs::Blocking(work) => work.open(cx.session),
            _ => of_another_kind(),
        })
    }

    /// Keeps the session for the next item, or closes what is not to be kept.
    fn after(&mut self, session: Box<dyn BlockingSession>, attempt: &Attempt) {
        let BlockingSessions { cx, idle } = &*self.sessions;
        match cx.session {
            SessionScope::Loop if !attempt.spoils_session() => {
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
            }
            SessionScope::Worker if !attempt.spoils_session() => self.own = Some(session),
            _ => close(session, &cx.out),
        }
    }
}

impl Drop for BlockingSlot {
    fn drop(&mut self) {
        close(self.own.take(), &self.sessions.cx.out);
    }
}

/// What became of an item that could not be performed at all.
pub(super) fn failed(kind: ErrorKind, message: impl Into<String>) -> Attempt {
    Attempt::Replied(Reply::Done(Performed::failed(ItemError::new(kind, message), None)))
}
