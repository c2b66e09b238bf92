//! Host names turned into addresses: asked for once, however many sessions want them, and remembered for as long
//! as the answer says.
//!
//! Look-ups run on one thread of their own, which is started when the first name is needed, and at most
//! [`MAX_LOOKUPS`] at a time. Addresses and the names that RFC 6761 reserves never get there.
//!
//! Limit: one process; connects to nothing but name servers.

mod upstream;

pub(super) use upstream::NameServers;

use gaits_core::Clock;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use upstream::Upstream;

/// How many names are looked up at a time: enough to hide the latency of the slow ones, few enough not to be
/// dropped by a home router.
const MAX_LOOKUPS: usize = 64;

/// An answer is kept for as long as it says, but within these bounds: a shorter life would have a busy run ask all
/// the time, a longer one would have a long run miss that a host has moved.
const MIN_LIFE: Duration = Duration::from_secs(5);
const MAX_LIFE: Duration = Duration::from_mins(10);

/// How long it is remembered that a name could not be resolved.
const FAILURE_LIFE: Duration = Duration::from_secs(5);

/// How many names are remembered, so that memory does not grow with the list.
const MAX_NAMES: usize = 16_384;

/// How long a look-up may take where connecting may take for ever.
const MAX_DEADLINE: Duration = Duration::from_secs(10);

/// The addresses of a name, in the order in which to try them; never empty.
pub(super) type Addresses = Arc<[IpAddr]>;

/// Why a name has no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LookupError {
    /// What is wrong, to follow "could not resolve host …: ".
    Failed(Arc<str>),
    /// There was no file descriptor for the look-up.
    Exhausted(Arc<str>),
}

type Answer = Result<Addresses, LookupError>;

/// What one process knows of names.
#[derive(Debug)]
pub(super) struct Dns {
    clock: Arc<dyn Clock>,
    names: Arc<Names>,
    servers: NameServers,
    deadline: Duration,
    thread: Mutex<Option<Thread>>,
}

#[derive(Debug)]
struct Thread {
    questions: mpsc::UnboundedSender<Box<str>>,
    /// Dropped to end it.
    stop: oneshot::Sender<()>,
    handle: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Names {
    entries: Mutex<HashMap<Box<str>, Entry>>,
}

#[derive(Debug)]
enum Entry {
    /// It is being asked for; these wait for the answer.
    Asked(Vec<oneshot::Sender<Answer>>),
    Known {
        answer: Answer,
        until_us: u64,
    },
}

impl Dns {
    /// Asks `servers`. `patience` is how long its callers wait for a connection: a look-up gives up just before, so
    /// that the item says that it was the name.
    pub(super) fn new(
        servers: NameServers,
        patience: Option<Duration>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let deadline =
            patience.map_or(MAX_DEADLINE, |patience| MAX_DEADLINE.min(patience * 9 / 10));
        Self { clock, names: Arc::default(), servers, deadline, thread: Mutex::default() }
    }

    /// The addresses of `host`, which is in lower case and not an address itself.
    pub(super) async fn lookup(&self, host: &str) -> Answer {
        if let Some(answer) = reserved(host) {
            return answer;
        }
        let waiting = {
            let mut entries = self.names.lock();
            match entries.get_mut(host) {
                Some(Entry::Known { answer, until_us }) if self.clock.now_us() < *until_us => {
                    return answer.clone();
                }
                Some(Entry::Asked(waiting)) => {
                    let (tell, told) = oneshot::channel();
                    waiting.push(tell);
                    told
                }
                _ => {
                    self.ask(host)?;
                    let (tell, told) = oneshot::channel();
                    entries.insert(host.into(), Entry::Asked(vec![tell]));
                    told
                }
            }
        };
        waiting.await.unwrap_or_else(|e| {
            Err(LookupError::Failed(format!("the resolver ended ({e})").into()))
        })
    }

    /// Hands `host` to the resolver's thread, which is started if it has to be.
    fn ask(&self, host: &str) -> Result<(), LookupError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = |thread: &Thread| thread.questions.send(host.into()).is_ok();
        if thread.as_ref().is_some_and(asked) {
            return Ok(());
        }
        let started = self.start().map_err(|e| failure_of(&e))?;
        if !asked(&started) {
            return Err(LookupError::Failed("the resolver's thread ended".into()));
        }
        *thread = Some(started);
        Ok(())
    }

    fn start(&self) -> io::Result<Thread> {
        let (questions, asked) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let resolver = Resolver {
            servers: self.servers.clone(),
            deadline: self.deadline,
            names: self.names.clone(),
            clock: self.clock.clone(),
        };
        let handle = std::thread::Builder::new()
            .name("gaits-dns".to_owned())
            .spawn(move || runtime.block_on(resolver.serve(asked, stopped)))?;
        Ok(Thread { questions, stop, handle })
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Thread { questions, stop, handle }) = thread {
            drop((questions, stop));
            // It drops what it is waiting for and ends at once; a panic of its own was told to those who asked.
            let _ = handle.join();
        }
    }
}

/// What runs on the thread.
struct Resolver {
    servers: NameServers,
    deadline: Duration,
    names: Arc<Names>,
    clock: Arc<dyn Clock>,
}

impl Resolver {
    /// Looks names up, until it is stopped or nobody can ask any more.
    async fn serve(
        self,
        mut asked: mpsc::UnboundedReceiver<Box<str>>,
        mut stop: oneshot::Receiver<()>,
    ) {
        let mut upstream = Arc::new(Upstream::new(&self.servers, self.deadline));
        let mut lookups = JoinSet::new();
        loop {
            tokio::select! {
                _ = &mut stop => return,
                Some(_) = lookups.join_next(), if !lookups.is_empty() => {}
                host = asked.recv(), if lookups.len() < MAX_LOOKUPS => {
                    let Some(host) = host else { return };
                    if upstream.is_starved() {
                        upstream = Arc::new(Upstream::new(&self.servers, self.deadline));
                    }
                    let question = Question {
                        host,
                        names: self.names.clone(),
                        clock: self.clock.clone(),
                        answered: false,
                    };
                    let upstream = upstream.clone();
                    lookups.spawn(async move { question.put_to(&upstream).await });
                }
            }
        }
    }
}

/// A name that is being looked up. However that ends, those who wait for it are told.
struct Question {
    host: Box<str>,
    names: Arc<Names>,
    clock: Arc<dyn Clock>,
    answered: bool,
}

impl Question {
    async fn put_to(mut self, upstream: &Upstream) {
        match upstream.lookup(&self.host).await {
            Ok((addresses, life)) => self.answer(&Ok(addresses), life.clamp(MIN_LIFE, MAX_LIFE)),
            Err(e @ LookupError::Failed(_)) => self.answer(&Err(e), FAILURE_LIFE),
            Err(e @ LookupError::Exhausted(_)) => self.answer(&Err(e), Duration::ZERO),
        }
    }

    fn answer(&mut self, answer: &Answer, life: Duration) {
        self.answered = true;
        self.names.answered(&self.host, answer, self.clock.now_us(), life);
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if !self.answered {
            self.answer(
                &Err(LookupError::Failed("the look-up was given up".into())),
                Duration::ZERO,
            );
        }
    }
}

impl Names {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers an answer and tells it to those who wait for it.
    fn answered(&self, host: &str, answer: &Answer, now_us: u64, life: Duration) {
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
        let known = Entry::Known { answer: answer.clone(), until_us };
        let before = entries.insert(host.into(), known);
        drop(entries);
        if let Some(Entry::Asked(waiting)) = before {
            for tell in waiting {
                // Whoever has given up need not know.
                let _ = tell.send(answer.clone());
            }
        }
    }
}

/// The names whose meaning is fixed (RFC 6761): nobody is asked for them.
fn reserved(host: &str) -> Option<Answer> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let under = |name: &str| {
        host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
    };
    if under("localhost") {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Some(Ok(Arc::new(loopback)));
    }
    if under("invalid") {
        return Some(Err(LookupError::Failed("no such name".into())));
    }
    None
}

/// What an error of the system means for a look-up.
fn failure_of(e: &io::Error) -> LookupError {
    if super::fault::is_exhausted(e) {
        LookupError::Exhausted(super::fault::words(e).into())
    } else {
        LookupError::Failed(super::fault::words(e).into())
    }
}

#[cfg(test)]
mod tests;
