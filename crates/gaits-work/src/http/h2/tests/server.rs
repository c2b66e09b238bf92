//! A server on a thread of its own that sends the frames a test wants it to.

use super::super::frames::kind;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

pub(super) const RST_STREAM: u8 = 3;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const WINDOW_UPDATE: u8 = 8;

pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// `:status: 200`, as HPACK has it.
pub(super) const OK: &[u8] = &[0x88];

/// Error codes.
pub(super) const NO_ERROR: u32 = 0;
pub(super) const INTERNAL_ERROR: u32 = 2;
pub(super) const REFUSED_STREAM: u32 = 7;
pub(super) const CANCEL: u32 = 8;
pub(super) const HTTP_1_1_REQUIRED: u32 = 13;

/// A frame's bytes.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [len[1], len[2], len[3], kind, flags];
    [&head, stream.to_be_bytes().as_slice(), payload].concat()
}

/// A SETTINGS frame's bytes.
pub(super) fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (id, value) in pairs {
        payload.extend(id.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    frame(kind::SETTINGS, 0, 0, &payload)
}

/// A GOAWAY frame's bytes.
pub(super) fn go_away(last: u32, code: u32) -> Vec<u8> {
    frame(kind::GO_AWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

/// A field that HPACK neither compresses nor remembers.
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    let short = |text: &str| u8::try_from(text.len()).ok().filter(|len| *len < 127).unwrap();
    [&[0, short(name)], name.as_bytes(), &[short(value)], value.as_bytes()].concat()
}

/// A server that takes one connection after the other.
pub(super) struct Server<T = ()> {
    address: SocketAddr,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Server<T> {
    /// Runs `serve` with what accepts the next connection.
    pub(super) fn start(serve: impl FnOnce(&dyn Fn() -> Peer) -> T + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::Builder::new()
            .name("test-server".into())
            .spawn(move || serve(&|| Peer::new(listener.accept().unwrap().0)))
            .unwrap();
        Self { address, thread }
    }

    /// Runs `serve` with the first connection, when it has exchanged settings.
    pub(super) fn serving(serve: impl FnOnce(&mut Peer) -> T + Send + 'static) -> Self {
        Self::start(|accept| {
            let mut peer = accept();
            peer.say(&settings(&[]));
            serve(&mut peer)
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the end of what it runs.
    pub(super) fn join(self) -> T {
        self.thread.join().unwrap()
    }
}

/// A frame that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Received {
    /// The error code in it.
    pub(super) fn code(&self) -> u32 {
        u32::from_be_bytes(self.payload[..4].try_into().unwrap())
    }
}

/// One accepted connection.
pub(super) struct Peer {
    stream: TcpStream,
    /// Frames that came while another was waited for.
    others: VecDeque<Received>,
}

impl Peer {
    fn new(mut stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).unwrap();
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        Self { stream, others: VecDeque::new() }
    }

    /// Sends `bytes`. A client that is gone is no matter; the result says so.
    pub(super) fn say(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Reads the next frame that is not one of those before it; none at the end.
    fn read(&mut self) -> Option<Received> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).ok()?;
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
        let mut payload = vec![0; len as usize];
        self.stream.read_exact(&mut payload).ok()?;
        Some(Received { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame of `kind`; none at the end. Those of other kinds are kept.
    pub(super) fn next(&mut self, kind: u8) -> Option<Received> {
        if let Some(at) = self.others.iter().position(|frame| frame.kind == kind) {
            return self.others.remove(at);
        }
        loop {
            let frame = self.read()?;
            if frame.kind == kind {
                return Some(frame);
            }
            self.others.push_back(frame);
        }
    }

    /// The stream of the next request; none at the end.
    pub(super) fn request(&mut self) -> Option<u32> {
        let head = self.next(kind::HEADERS)?;
        assert_eq!(head.flags, END_STREAM | END_HEADERS);
        Some(head.stream)
    }

    /// Sends the head of a response, with a body to come.
    pub(super) fn head(&mut self, stream: u32) {
        self.say(&frame(kind::HEADERS, END_HEADERS, stream, OK));
    }

    /// Sends a piece of a body.
    pub(super) fn data(&mut self, stream: u32, data: &[u8]) {
        self.say(&frame(kind::DATA, 0, stream, data));
    }

    /// Sends a whole response.
    pub(super) fn answer(&mut self, stream: u32, data: &[u8]) {
        let head = frame(kind::HEADERS, END_HEADERS, stream, OK);
        self.say(&[head, frame(kind::DATA, END_STREAM, stream, data)].concat());
    }

    /// Resets a stream.
    pub(super) fn reset_stream(&mut self, stream: u32, code: u32) {
        self.say(&frame(RST_STREAM, 0, stream, &code.to_be_bytes()));
    }

    /// Waits until the client has closed the connection.
    pub(super) fn wait_for_end(&mut self) {
        while self.read().is_some() {}
    }

    /// Closes the connection with a reset.
    pub(super) fn abort(&mut self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        // The descriptor is closed when the peer is dropped; the client reads until then.
    }
}
