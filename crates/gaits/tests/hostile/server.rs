//! Servers that send what a test wants, byte for byte.
//!
//! Each connection has a thread. All of them end with the server. Limit: what a test's own code sends is not looked at,
//! however wrong it is.

use crate::frames::Frames;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How long a test waits before it fails for what never comes.
pub(crate) const IN_VAIN: Duration = Duration::from_mins(1);

/// What a server does with each of its connections.
#[derive(Clone, Copy)]
pub(crate) enum Speaks {
    /// Bytes, over TCP.
    Http1(fn(&mut Peer)),
    /// Bytes, over TCP, to clients that are told to speak TLS.
    NoTls(fn(&mut Peer)),
    /// Bytes, each in a TLS record of its own.
    Records(fn(&mut Peer)),
    /// Frames of HTTP/2, over TLS. To a client that asks over HTTP/1.1 it answers "hello".
    Http2(fn(&mut Frames)),
}

/// A running server. Dropping it closes all of its connections.
pub(crate) struct Server {
    address: SocketAddr,
    speaks: Speaks,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    ended: AtomicBool,
    connections: AtomicU64,
    requests: AtomicU64,
    longest_head: AtomicUsize,
    sent: AtomicU64,
    sockets: Mutex<HashMap<u64, TcpStream>>,
    /// One of them has closed.
    closing: Condvar,
}

impl Server {
    pub(crate) fn start(speaks: Speaks) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let serving = shared.clone();
        let thread = std::thread::Builder::new().name("hostile-server".into());
        let thread = thread.spawn(move || serving.accept(&listener, speaks)).unwrap();
        Self { address, speaks, shared, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if let Speaks::Http1(_) = self.speaks { "http" } else { "https" };
        format!("{scheme}://{}/", self.address)
    }

    /// How many requests have come.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.requests.load(SeqCst)
    }

    /// How long the longest head of a request was.
    pub(crate) fn longest_head(&self) -> usize {
        self.shared.longest_head.load(SeqCst)
    }

    /// How many bytes it got rid of.
    pub(crate) fn sent(&self) -> u64 {
        self.shared.sent.load(SeqCst)
    }

    /// Waits until no more than `most` connections are open.
    pub(crate) fn wait_for_open(&self, most: usize) {
        let sockets = self.shared.sockets.lock().unwrap();
        let closing = &self.shared.closing;
        let more = |sockets: &mut HashMap<_, _>| sockets.len() > most;
        let (sockets, end) = closing.wait_timeout_while(sockets, IN_VAIN, more).unwrap();
        let open = sockets.len();
        drop(sockets);
        assert!(!end.timed_out(), "{open} connections are open");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ended.store(true, SeqCst);
        // It wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener, speaks: Speaks) {
        std::thread::scope(|scope| {
            while let Ok((stream, _)) = listener.accept() {
                if self.ended.load(SeqCst) {
                    break;
                }
                let number = self.connections.fetch_add(1, SeqCst);
                self.sockets.lock().unwrap().insert(number, stream.try_clone().unwrap());
                scope.spawn(move || {
                    // A client that leaves in the middle of a handshake is no matter.
                    let _ = self.serve(&stream, number, speaks);
                    hang_up(&stream);
                    self.sockets.lock().unwrap().remove(&number);
                    self.closing.notify_all();
                });
            }
            for socket in self.sockets.lock().unwrap().values() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        });
    }

    fn serve(self: &Arc<Self>, tcp: &TcpStream, number: u64, speaks: Speaks) -> io::Result<()> {
        tcp.set_nodelay(true)?;
        let mut tcp = tcp.try_clone()?;
        let shared = self.clone();
        let peer = |stream| Peer { stream, shared, number, unread: Vec::new() };
        match speaks {
            Speaks::Http1(serve) | Speaks::NoTls(serve) => serve(&mut peer(Box::new(tcp))),
            Speaks::Records(serve) => {
                let mut config = ServerConfig::clone(&TLS);
                config.alpn_protocols.clear();
                let tls = handshake(config.into(), &mut tcp)?;
                serve(&mut peer(Box::new(Records(StreamOwned::new(tls, tcp)))));
            }
            Speaks::Http2(serve) => {
                let tls = handshake(TLS.clone(), &mut tcp)?;
                let speaks_http2 = tls.alpn_protocol() == Some(b"h2");
                let mut peer = peer(Box::new(StreamOwned::new(tls, tcp)));
                if speaks_http2 {
                    if let Some(mut frames) = Frames::begin(peer) {
                        serve(&mut frames);
                    }
                } else {
                    while peer.request().is_some() && peer.say(HELLO) {}
                }
            }
        }
        Ok(())
    }
}

/// Closes a connection in good order: with something left unread the system would reset it, or not, as it happens.
fn hang_up(mut tcp: &TcpStream) {
    let mut piece = [0; 16 * 1024];
    if tcp.shutdown(Shutdown::Write).is_ok() {
        while matches!(tcp.read(&mut piece), Ok(1..)) {}
    }
}

/// A response that nobody could complain about.
pub(crate) const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// A certificate that no client can trust, made once.
static TLS: LazyLock<Arc<ServerConfig>> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
});

fn handshake(config: Arc<ServerConfig>, tcp: &mut TcpStream) -> io::Result<ServerConnection> {
    let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
    while tls.is_handshaking() {
        tls.complete_io(tcp)?;
    }
    Ok(tls)
}

/// TLS that puts each byte into a record of its own. All records of a write are made before the first is sent, so that the
/// client does not have to wait for them.
struct Records(StreamOwned<ServerConnection, TcpStream>);

impl Read for Records {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl Write for Records {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let StreamOwned { conn, sock } = &mut self.0;
        conn.set_buffer_limit(None);
        for byte in bytes {
            conn.writer().write_all(&[*byte])?;
        }
        let mut records = Vec::new();
        while conn.wants_write() {
            conn.write_tls(&mut records)?;
        }
        sock.write_all(&records)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// One accepted connection.
pub(crate) struct Peer {
    stream: Box<dyn Stream>,
    shared: Arc<Shared>,
    number: u64,
    /// What came behind the last request.
    unread: Vec<u8>,
}

impl Peer {
    /// Which connection of its server it is, counted from 0.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Reads the head of a request; none when the client has closed the connection.
    pub(crate) fn request(&mut self) -> Option<String> {
        let mut head = std::mem::take(&mut self.unread);
        loop {
            if let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                self.unread = head.split_off(end + 4);
                self.count_request(head.len());
                return Some(String::from_utf8(head).unwrap());
            }
            let mut piece = [0; 16 * 1024];
            match self.stream.read(&mut piece) {
                Ok(0) | Err(_) => return None,
                Ok(read) => head.extend_from_slice(&piece[..read]),
            }
        }
    }

    pub(crate) fn count_request(&self, head: usize) {
        self.shared.requests.fetch_add(1, SeqCst);
        self.shared.longest_head.fetch_max(head, SeqCst);
    }

    /// How many requests have come to the server before this one, over all connections.
    pub(crate) fn requests_before(&self) -> u64 {
        self.shared.requests.load(SeqCst) - 1
    }

    /// Sends `bytes`. A client that is gone is no matter; the result says so.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let mut bytes = bytes.as_ref();
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) | Err(_) => return false,
                Ok(written) => {
                    self.shared.sent.fetch_add(written as u64, SeqCst);
                    bytes = &bytes[written..];
                }
            }
        }
        self.stream.flush().is_ok()
    }

    /// Sends `bytes` over and over, until the client is gone.
    pub(crate) fn say_for_ever(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref().repeat(1 + 16 * 1024 / bytes.as_ref().len());
        while self.say(&bytes) {}
    }

    /// Reads what comes; nothing at the end.
    pub(crate) fn read_exact(&mut self, bytes: &mut [u8]) -> Option<()> {
        let ready = self.unread.len().min(bytes.len());
        bytes[..ready].copy_from_slice(&self.unread[..ready]);
        self.unread.drain(..ready);
        self.stream.read_exact(&mut bytes[ready..]).ok()
    }

    /// Waits until the client has closed the connection.
    pub(crate) fn wait_for_end(&mut self) {
        let mut piece = [0; 16 * 1024];
        while matches!(self.stream.read(&mut piece), Ok(1..)) {}
    }

    /// Takes one request and answers it with `answer`, byte for byte; then waits for the client to leave.
    pub(crate) fn answer(&mut self, answer: impl AsRef<[u8]>) {
        if self.request().is_some() {
            self.say(answer);
            self.wait_for_end();
        }
    }

    /// Answers each request with `answer`, until the client leaves.
    pub(crate) fn answer_each(&mut self, answer: impl AsRef<[u8]>) {
        while self.request().is_some() && self.say(&answer) {}
    }

    /// Takes one request, answers it with `answer` and sends `more` for ever.
    pub(crate) fn answer_without_end(&mut self, answer: &str, more: impl AsRef<[u8]>) {
        if self.request().is_some() && self.say(answer) {
            self.say_for_ever(more);
        }
    }
}
