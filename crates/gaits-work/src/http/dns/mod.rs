//! Host names turned into addresses: asked for once, however many sessions want them, and remembered for as long
//! as the answer says.
//!
//! Look-ups run on one thread of their own, which is started when the first name is needed. `names` knows what is
//! remembered and who waits; `turns` decides which names are asked for at a time; `upstream` asks, or
//! `system` where that is wanted. The names that RFC 6761 reserves never get there.
//!
//! Limit: one process; connects to nothing but name servers.

mod answer;
mod names;
mod sockets;
mod source;
mod system;
mod turns;
mod upstream;

pub(super) use answer::{Addresses, LookupError};
pub(super) use names::Lookup;
pub(super) use upstream::NameServers;

use super::domain::{is_within, without_root};
use answer::Answer;
use gaits_core::Clock;
use names::{Names, Question};
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use system::System;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use turns::{MAX_LOOKUPS, Resolver};
use upstream::Upstream;

/// How long a look-up may take where connecting may take for ever.
const MAX_DEADLINE: Duration = Duration::from_secs(10);

/// How many file descriptors the resolver's runtime opens, and two to look a name up.
const DESCRIPTORS: usize = 8;

/// What one process knows of names.
#[derive(Debug)]
pub(super) struct Dns {
    names: Arc<Names>,
    servers: NameServers,
    deadline: Duration,
    thread: Mutex<Option<Thread>>,
    localhost: Arc<Addresses>,
}

#[derive(Debug)]
struct Thread {
    questions: mpsc::UnboundedSender<Question>,
    /// Dropped to end it.
    stop: oneshot::Sender<()>,
    handle: JoinHandle<()>,
}

impl Dns {
    /// Asks `servers`. `patience` is how long its callers wait for a connection once a name is asked for: a look-up
    /// gives up just before, so that the item says that it was the name.
    pub(super) fn new(
        servers: NameServers,
        patience: Option<Duration>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let deadline =
            patience.map_or(MAX_DEADLINE, |patience| MAX_DEADLINE.min(patience * 9 / 10));
        let names = Arc::new(Names::new(clock));
        let localhost = Arc::new(Addresses::loopback());
        Self { names, servers, deadline, thread: Mutex::default(), localhost }
    }

    /// Looks `host` up, which is in lower case and not an address itself.
    pub(super) fn look_up(&self, host: &str) -> Lookup {
        if let Some(answer) = self.reserved(host) {
            return Lookup::known(answer);
        }
        let (lookup, question) = self.names.find(host);
        if let Some(question) = question {
            self.ask(question);
        }
        lookup
    }

    /// The names whose meaning is fixed (RFC 6761): nobody is asked for them.
    fn reserved(&self, host: &str) -> Option<Answer> {
        let host = without_root(host);
        if is_within(host, "localhost") {
            return Some(Ok(self.localhost.clone()));
        }
        is_within(host, "invalid").then(|| Err(LookupError::failed("no such name")))
    }

    /// Hands `question` to the resolver's thread, which is started if it has to be.
    fn ask(&self, question: Question) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let question = match &*thread {
            None => question,
            Some(running) => match running.questions.send(question) {
                Ok(()) => return,
                // It ended, by a panic.
                Err(mpsc::error::SendError(question)) => question,
            },
        };
        match self.start() {
            // The question is dropped if that one has ended too, and says so to those who wait.
            Ok(started) => drop(thread.insert(started).questions.send(question)),
            Err(e) => question.answer(Err(LookupError::from(&e))),
        }
    }

    fn start(&self) -> io::Result<Thread> {
        let (questions, asked) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let runtime = runtime()?;
        let (servers, deadline) = (self.servers.clone(), self.deadline);
        let serve = async move {
            if matches!(servers, NameServers::Getaddrinfo) {
                Resolver::new(System, deadline).serve(asked, stopped).await;
            } else {
                Resolver::new(Upstream::new(servers), deadline).serve(asked, stopped).await;
            }
        };
        let handle = std::thread::Builder::new().name("gaits-dns".to_owned()).spawn(move || {
            runtime.block_on(serve);
            // What the system is still asked for may take a minute, and can't be called off.
            runtime.shutdown_background();
        })?;
        Ok(Thread { questions, stop, handle })
    }
}

/// The runtime of the resolver's thread.
fn runtime() -> io::Result<Runtime> {
    // Some of what tokio opens it takes for granted, and panics without; so a lack is found out before.
    let spare: io::Result<Vec<_>> = (0..DESCRIPTORS).map(|_| File::open("/dev/null")).collect();
    drop(spare?);
    Builder::new_current_thread().enable_all().max_blocking_threads(MAX_LOOKUPS).build()
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

#[cfg(test)]
pub(super) mod scripted;
#[cfg(test)]
mod tests;
