//! A client that performs one item after the other, and servers that say what a test wants them to.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "the test files are crates of their own")]
#![allow(clippy::unwrap_used, reason = "a failure of the scenery fails the test")]
#![allow(clippy::needless_pass_by_value, reason = "so that tests read without borrows")]

use gaits_core::{
    AsyncSession, AsyncWork, Clock, Detail, ErrorKind, Item, ManualClock, Performed, Reply,
    SessionScope,
};
use gaits_work::http::{HttpDetail, HttpSpec, HttpWork};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use tokio::task::LocalSet;

/// One session on one event loop.
pub struct Client {
    work: HttpWork,
    scope: SessionScope,
    session: Box<dyn AsyncSession>,
    local: LocalSet,
    runtime: tokio::runtime::Runtime,
}

/// A client that does as `spec` says, on a clock that stands still.
pub fn client(spec: HttpSpec) -> Client {
    client_with(spec, SessionScope::Loop)
}

/// The same, with a session of this scope.
pub fn client_with(spec: HttpSpec, scope: SessionScope) -> Client {
    let work = HttpWork::new(&spec, Arc::new(ManualClock::default())).unwrap();
    client_of(&work, scope)
}

/// A client of `work`, with a session of its own.
pub fn client_of(work: &HttpWork, scope: SessionScope) -> Client {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let session = work.open(scope).unwrap();
    Client { session, work: work.clone(), scope, local: LocalSet::new(), runtime }
}

impl Client {
    /// Performs one item.
    pub fn reply(&mut self, url: &str) -> Reply {
        if self.scope == SessionScope::None {
            self.session = self.work.open(self.scope).unwrap();
        }
        let item = Item::new(0, url);
        self.local.block_on(&self.runtime, self.session.perform(&item))
    }

    /// Performs one item, for which there are file descriptors enough.
    pub fn get(&mut self, url: &str) -> Performed {
        match self.reply(url) {
            Reply::Done(performed) => performed,
            Reply::Exhausted(e) => panic!("{e}"),
        }
    }

    /// Starts an item and drops it when `until` is done.
    pub fn abandon(&mut self, url: &str, until: impl Future<Output = ()>) {
        let item = Item::new(0, url);
        let performed = self.session.perform(&item);
        self.local.block_on(&self.runtime, async {
            tokio::select! {
                reply = performed => panic!("it ended: {reply:?}"),
                () = until => {}
            }
        });
    }
}

/// What was measured of an item that went well.
pub fn ok(performed: Performed) -> HttpDetail {
    if let Err(e) = performed.outcome {
        panic!("{e}");
    }
    detail(performed.detail)
}

/// Why an item failed, and what was measured of it.
pub fn failed(performed: Performed) -> (ErrorKind, String, HttpDetail) {
    let error = performed.outcome.expect_err("it went well");
    (error.kind, error.message, detail(performed.detail))
}

fn detail(detail: Option<Detail>) -> HttpDetail {
    let detail = detail.expect("something was measured");
    detail.downcast_ref::<HttpDetail>().expect("it is of http").clone()
}

/// A clock that goes on by a millisecond each time it is read.
#[derive(Debug, Default)]
pub struct TickingClock(ManualClock);

impl Clock for TickingClock {
    fn now_us(&self) -> u64 {
        self.0.advance_us(1000);
        self.0.now_us()
    }

    fn thread_cpu_us(&self) -> u64 {
        0
    }
}

/// A server on a thread of its own, which speaks bytes.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

/// One accepted connection.
pub struct Peer {
    stream: TcpStream,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Runs `serve` with the listener's connections, in order of arrival.
    pub fn start(serve: impl FnOnce(&mut dyn FnMut() -> Peer) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        std::thread::Builder::new()
            .name("test-server".into())
            .spawn(move || {
                serve(&mut || {
                    let (stream, _) = listener.accept().unwrap();
                    Peer { stream, requests: seen.clone() }
                });
            })
            .unwrap();
        Self { address, requests }
    }

    /// Takes one connection and answers one request after the other.
    pub fn answering<A: AsRef<[u8]>>(answers: &[A]) -> Self {
        let answers: Vec<Vec<u8>> = answers.iter().map(|a| a.as_ref().to_vec()).collect();
        Self::start(move |accept| {
            let mut peer = accept();
            for answer in answers {
                peer.request();
                peer.say(&answer);
            }
            peer.wait_for_end();
        })
    }

    /// Answers one request on each connection, and closes it.
    pub fn answering_each<A: AsRef<[u8]>>(answers: &[A]) -> Self {
        let answers: Vec<Vec<u8>> = answers.iter().map(|a| a.as_ref().to_vec()).collect();
        Self::start(move |accept| {
            for answer in answers {
                let mut peer = accept();
                peer.request();
                peer.say(&answer);
            }
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of `path` there.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of the requests that came.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Peer {
    /// Reads the head of a request; none when the client has closed the connection.
    pub fn request(&mut self) -> Option<String> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        let head = String::from_utf8(head).unwrap();
        self.requests.lock().unwrap().push(head.clone());
        Some(head)
    }

    /// Reads so many bytes of a request's body.
    pub fn body(&mut self, len: usize) -> Vec<u8> {
        let mut body = vec![0; len];
        self.stream.read_exact(&mut body).unwrap();
        body
    }

    /// Sends `bytes`; a client that is gone is no matter.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Says no more, and goes on listening.
    pub fn finish(&mut self) {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// Waits until the client has closed the connection.
    pub fn wait_for_end(&mut self) {
        let _ = self.stream.read_to_end(&mut Vec::new());
    }

    /// Closes the connection with a reset.
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }
}
