//! What one process knows of names: the answers that are still valid, and which names are being asked for.
//!
//! Limit: asks nobody. A question that it hands out must be put by whoever gets it.

use super::answer::{Answer, LookupError};
use super::source::Found;
use gaits_core::Clock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// An answer is kept for as long as it says, but within these bounds: a shorter life would have a busy run ask all
/// the time, a longer one would have a long run miss that a host has moved.
pub(super) const MIN_LIFE: Duration = Duration::from_secs(5);
const MAX_LIFE: Duration = Duration::from_mins(10);

/// How long it is remembered that a name could not be resolved.
const FAILURE_LIFE: Duration = Duration::from_secs(5);

/// How many names are remembered, so that memory does not grow with the list.
const MAX_NAMES: usize = 16_384;

/// What one process knows of names.
#[derive(Debug)]
pub(super) struct Names {
    clock: Arc<dyn Clock>,
    entries: Mutex<HashMap<Arc<str>, Entry>>,
}

#[derive(Debug)]
enum Entry {
    /// A question is on its way; here one hears how far it has come.
    Asked(watch::Receiver<Progress>),
    Known {
        answer: Answer,
        until_us: u64,
    },
}

/// How far a look-up has come.
#[derive(Debug)]
enum Progress {
    /// No name server has been asked yet.
    Queued,
    /// A name server has been asked.
    Asked,
    Answered(Answer),
}

impl Names {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, entries: Mutex::default() }
    }

    /// What is known of `host`. If that is nothing, there is a question beside it, to be put to the name servers.
    pub(super) fn find(self: &Arc<Self>, host: &str) -> (Lookup, Option<Question>) {
        let mut entries = self.lock();
        match entries.get(host) {
            Some(Entry::Known { answer, until_us }) if self.clock.now_us() < *until_us => {
                (Lookup::known(answer.clone()), None)
            }
            Some(Entry::Asked(progress)) => (Lookup(State::Pending(progress.clone())), None),
            _ => {
                let (progress, watched) = watch::channel(Progress::Queued);
                let host: Arc<str> = host.into();
                entries.insert(host.clone(), Entry::Asked(watched.clone()));
                let names = self.clone();
                let question = Question { host, progress, names, asked_at: None, closed: false };
                (Lookup(State::Pending(watched)), Some(question))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers `answer` for `life`.
    fn remember(&self, host: &Arc<str>, answer: Answer, life: Duration) {
        let now_us = self.clock.now_us();
        let mut entries = self.lock();
        if entries.len() >= MAX_NAMES {
            entries.retain(
                |_, entry| !matches!(entry, Entry::Known { until_us, .. } if *until_us <= now_us),
            );
        }
        if entries.len() >= MAX_NAMES {
            entries.retain(|_, entry| matches!(entry, Entry::Asked(_)));
        }
        let until_us = now_us.saturating_add(u64::try_from(life.as_micros()).unwrap_or(u64::MAX));
        entries.insert(host.clone(), Entry::Known { answer, until_us });
    }
}

/// A name that is to be looked up. However that ends, those who wait for it are told.
#[derive(Debug)]
pub(super) struct Question {
    host: Arc<str>,
    progress: watch::Sender<Progress>,
    names: Arc<Names>,
    asked_at: Option<Instant>,
    /// Whether nobody is to be told any more.
    closed: bool,
}

impl Question {
    pub(super) const fn host(&self) -> &Arc<str> {
        &self.host
    }

    /// When a name server was first asked; none before that.
    pub(super) const fn asked_at(&self) -> Option<Instant> {
        self.asked_at
    }

    /// Tells those who wait that a name server is asked now. Only the first time counts.
    pub(super) fn asked(&mut self, now: Instant) {
        if self.asked_at.is_none() {
            self.asked_at = Some(now);
            self.progress.send_replace(Progress::Asked);
        }
    }

    /// Gives the question back if somebody still waits for its answer. Otherwise it is as if it had not been asked.
    pub(super) fn if_wanted(mut self) -> Option<Self> {
        let mut entries = self.names.lock();
        // One listens in `entries`, so that others can join; while that is locked, nobody does.
        if self.progress.receiver_count() > 1 {
            drop(entries);
            return Some(self);
        }
        entries.remove(&self.host);
        drop(entries);
        self.closed = true;
        None
    }

    /// The name has these addresses for this long, or none for this reason.
    pub(super) fn answer(mut self, found: Result<Found, LookupError>) {
        let (answer, life) = match found {
            Ok(found) => (Ok(Arc::new(found.addresses)), found.life.clamp(MIN_LIFE, MAX_LIFE)),
            Err(e @ LookupError::Failed(_)) => (Err(e), FAILURE_LIFE),
            Err(e @ LookupError::Exhausted(_)) => (Err(e), Duration::ZERO),
        };
        self.tell(answer, life);
    }

    fn tell(&mut self, answer: Answer, life: Duration) {
        self.closed = true;
        self.names.remember(&self.host, answer.clone(), life);
        self.progress.send_replace(Progress::Answered(answer));
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if !self.closed {
            let asked = if self.asked_at.is_some() { "" } else { " before the name was asked for" };
            let why = format!("the look-up was given up{asked}");
            self.tell(Err(LookupError::failed(why)), Duration::ZERO);
        }
    }
}

/// A look-up that somebody waits for. To drop it is to wait no longer.
#[derive(Debug)]
pub(in crate::http) struct Lookup(State);

#[derive(Debug)]
enum State {
    Known(Answer),
    Pending(watch::Receiver<Progress>),
}

impl Lookup {
    pub(in crate::http) const fn known(answer: Answer) -> Self {
        Self(State::Known(answer))
    }

    /// Whether no name server has been asked yet, and one will have to be.
    pub(in crate::http) fn is_queued(&self) -> bool {
        match &self.0 {
            State::Known(_) => false,
            State::Pending(progress) => matches!(*progress.borrow(), Progress::Queued),
        }
    }

    /// Waits until a name server has been asked. Where the answer is known, none has to be.
    pub(in crate::http) async fn asked(&mut self) {
        if let State::Pending(progress) = &mut self.0 {
            // Where the resolver has ended, the answer says so.
            let _ = progress.wait_for(|progress| !matches!(progress, Progress::Queued)).await;
        }
    }

    /// Waits for the answer.
    pub(in crate::http) async fn answer(self) -> Answer {
        let mut progress = match self.0 {
            State::Known(answer) => return answer,
            State::Pending(progress) => progress,
        };
        let answered = |progress: &Progress| matches!(progress, Progress::Answered(_));
        match progress.wait_for(answered).await.as_deref() {
            Ok(Progress::Answered(answer)) => answer.clone(),
            _ => Err(LookupError::failed("the resolver ended")),
        }
    }
}
