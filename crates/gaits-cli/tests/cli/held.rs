//! A server that holds its answers until it is told to give them: what is in flight is then certain, not likely.

use crate::harness::spawn;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Longer than any test should have to wait.
const HANGS: Duration = Duration::from_mins(4);

/// The server; its threads end with their connections.
pub(crate) struct Held {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How many may be answered in all; the rest is held.
    through: u64,
    arrived: u64,
    held: u64,
    most_held: u64,
}

impl Held {
    /// Answers the first `through` requests at once and holds the others.
    pub(crate) fn after(through: u64) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        shared.state.lock().unwrap().through = through;
        let theirs = Arc::clone(&shared);
        spawn("held", move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&theirs);
                spawn("held connection", move || drop(shared.serve(&stream)));
            }
        });
        Self { port, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Waits until so many requests are held at once.
    #[track_caller]
    pub(crate) fn wait_until_held(&self, requests: u64) {
        self.wait(&format!("{requests} requests are held"), |state| state.held >= requests);
    }

    #[track_caller]
    fn wait(&self, what: &str, so: impl Fn(&State) -> bool) {
        let state = self.shared.state.lock().unwrap();
        let (state, waited) =
            self.shared.changed.wait_timeout_while(state, HANGS, |state| !so(state)).unwrap();
        let (arrived, held) = (state.arrived, state.held);
        drop(state);
        assert!(!waited.timed_out(), "waiting until {what}: {arrived} arrived, {held} are held");
    }

    /// Answers all that are held, and all that come.
    pub(crate) fn release(&self) {
        self.shared.state.lock().unwrap().through = u64::MAX;
        self.shared.changed.notify_all();
    }

    /// The most that were held at once.
    pub(crate) fn most_held(&self) -> u64 {
        self.shared.state.lock().unwrap().most_held
    }

    /// How many requests have come.
    pub(crate) fn arrived(&self) -> u64 {
        self.shared.state.lock().unwrap().arrived
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut head = BufReader::new(stream);
        let mut line = String::new();
        loop {
            // A head ends with an empty line; none of these requests has a body.
            line.clear();
            if head.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line != "\r\n" {
                continue;
            }
            self.hold();
            (&mut &*stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
        }
    }

    fn hold(&self) {
        let mut state = self.state.lock().unwrap();
        state.arrived += 1;
        let number = state.arrived;
        state.held += 1;
        state.most_held = state.most_held.max(state.held);
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |state| number > state.through).unwrap();
        state.held -= 1;
    }
}
