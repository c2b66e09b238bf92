//! A TCP socket that the event loop watches only once something has to be waited for.
//!
//! A connection over the loopback address is often made before `connect` returns, and a request goes into a new socket's
//! buffer at once. So a request can be on its way before the event loop has heard of the socket: that saves it a turn for
//! each connection, and what the task has in memory while it waits for the connection.
//!
//! Limit: writes at once only what comes in one piece; for all else the socket is watched first.

use super::sends::{self, Placed, Turn};
use std::io::{self, IoSlice, Write as _};
use std::net;
use std::os::fd::AsRawFd as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

/// What has so many bytes at most is written without asking the event loop first: heads of requests, with short bodies. A long
/// body must not go this way: it would be written for as long as the server reads, whatever else waits on the event loop.
const SHORT: usize = 32 * 1024;

/// A TCP socket.
#[derive(Debug)]
pub(in crate::http) struct Tcp {
    state: State,
    /// The turn in which the last request goes out, or went out, that was put with others.
    turn: Option<Turn>,
}

#[derive(Debug)]
enum State {
    /// Connected, not blocking, and not watched.
    New(net::TcpStream),
    Watched(TcpStream),
    /// It could not be watched, and is closed.
    Failed,
}

impl Tcp {
    /// A socket that is connected, and does not block.
    pub(in crate::http) const fn connected(socket: net::TcpStream) -> Self {
        Self { state: State::New(socket), turn: None }
    }

    /// Sends each piece at once, without waiting for the acknowledgement of the one before.
    pub(in crate::http) fn set_nodelay(&self) -> io::Result<()> {
        match &self.state {
            State::New(socket) => socket.set_nodelay(true),
            State::Watched(stream) => stream.set_nodelay(true),
            State::Failed => Err(closed()),
        }
    }

    #[cfg(test)]
    pub(in crate::http) fn peer_addr(&self) -> io::Result<net::SocketAddr> {
        match &self.state {
            State::New(socket) => socket.peer_addr(),
            State::Watched(stream) => stream.peer_addr(),
            State::Failed => Err(closed()),
        }
    }

    /// The socket, which is watched from now on.
    fn watched(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if let State::New(_) = self.state
            && let State::New(socket) = std::mem::replace(&mut self.state, State::Failed)
        {
            self.state = State::Watched(TcpStream::from_std(socket)?);
        }
        match &mut self.state {
            State::Watched(stream) => Ok(Pin::new(stream)),
            State::New(_) | State::Failed => Err(closed()),
        }
    }

    /// Puts a whole request with those of other sockets that go out together. Nothing that was written may still be on its way.
    pub(super) fn put(&mut self, request: &[u8]) -> Placed {
        // The first request goes into a new socket's buffer at once.
        let State::Watched(stream) = &self.state else { return Placed::Alone };
        let placed = sends::put(stream.as_raw_fd(), request);
        if let Placed::Leads(turn) | Placed::Follows(turn) = placed {
            self.turn = Some(turn);
        }
        placed
    }

    /// Sends what was put, and what was put with it.
    pub(super) fn flush(&mut self) {
        if let Some(turn) = self.turn.take() {
            sends::flush(turn);
        }
    }

    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.watched() {
            Ok(stream) => stream.poll_read(cx, buf),
            Err(e) => Poll::Ready(Err(e)),
        }
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.flush();
        while let State::New(socket) = &mut self.state
            && buf.len() <= SHORT
        {
            match socket.write(buf) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                written => return Poll::Ready(written),
            }
        }
        match self.watched() {
            // It nearly always finds room, and needs no waker then.
            Ok(stream) if buf.len() <= SHORT => match stream.try_write(buf) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => stream.poll_write(cx, buf),
                written => Poll::Ready(written),
            },
            Ok(stream) => stream.poll_write(cx, buf),
            Err(e) => Poll::Ready(Err(e)),
        }
    }

    pub(super) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.flush();
        match self.watched() {
            Ok(stream) => stream.poll_write_vectored(cx, bufs),
            Err(e) => Poll::Ready(Err(e)),
        }
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush();
        match self.watched() {
            Ok(stream) => stream.poll_shutdown(cx),
            Err(e) => Poll::Ready(Err(e)),
        }
    }
}

impl Drop for Tcp {
    fn drop(&mut self) {
        // Its number would be another socket's.
        self.flush();
    }
}

impl From<TcpStream> for Tcp {
    fn from(stream: TcpStream) -> Self {
        Self { state: State::Watched(stream), turn: None }
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the socket is closed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::io::Read as _;
    use std::net::TcpListener;

    #[tokio::test]
    async fn a_new_socket_sends_at_once_and_is_watched_when_it_waits() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut tcp = Tcp::connected(socket);
        assert_eq!(poll_fn(|cx| tcp.poll_write(cx, b"ask")).await.unwrap(), 3);
        assert!(matches!(tcp.state, State::New(_)));
        let (mut server, _) = listener.accept().unwrap();
        let mut asked = [0; 3];
        server.read_exact(&mut asked).unwrap();
        server.write_all(b"answer").unwrap();
        let mut answer = [0; 10];
        let mut read = ReadBuf::new(&mut answer);
        poll_fn(|cx| tcp.poll_read(cx, &mut read)).await.unwrap();
        assert_eq!((&asked, read.filled()), (b"ask", &b"answer"[..]));
        assert!(matches!(tcp.state, State::Watched(_)));
    }

    #[tokio::test]
    async fn a_long_body_lets_others_have_their_turn_though_the_server_reads_as_fast_as_it_comes() {
        const MANY: usize = 2_000;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut tcp = Tcp::connected(socket);
        let (mut server, _) = listener.accept().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let reading = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = server.read(&mut bytes) {
                let _ = tell.send(read);
            }
        });
        let piece = vec![b'a'; SHORT + 1];
        // The event loop must have heard of the socket.
        let mut unread = poll_fn(|cx| tcp.poll_write(cx, &piece)).await.unwrap();
        // What it writes in one turn, the server reading all of each piece before the next one.
        let pieces = poll_fn(|cx| {
            for pieces in 0..MANY {
                let Poll::Ready(written) = tcp.poll_write(cx, &piece) else {
                    return Poll::Ready(pieces);
                };
                unread += written.unwrap();
                while unread > 0 {
                    unread -= told.recv().unwrap();
                }
            }
            Poll::Ready(MANY)
        })
        .await;
        assert!((1..MANY).contains(&pieces), "{pieces} pieces in one turn");
        drop(tcp);
        reading.await.unwrap();
    }

    #[tokio::test]
    async fn what_the_buffer_has_no_room_for_is_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut tcp = Tcp::connected(socket);
        let (mut server, _) = listener.accept().unwrap();
        let all = vec![b'a'; 16 << 20];
        let len = all.len();
        let reading = tokio::task::spawn_blocking(move || {
            let mut read = vec![0; len];
            server.read_exact(&mut read).unwrap();
            read
        });
        let mut rest = &all[..];
        while !rest.is_empty() {
            let written = poll_fn(|cx| tcp.poll_write(cx, rest)).await.unwrap();
            rest = &rest[written..];
        }
        assert!(matches!(tcp.state, State::Watched(_)));
        assert!(reading.await.unwrap() == all);
    }

    #[tokio::test]
    async fn what_was_put_goes_out_before_anything_else_is_written_and_before_the_socket_is_closed()
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || {
            let socket = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            socket.set_nonblocking(true).unwrap();
            (Tcp::from(TcpStream::from_std(socket).unwrap()), listener.accept().unwrap().0)
        };
        let (mut first, mut far) = connect();
        let (mut second, mut second_far) = connect();
        assert!(matches!(first.put(b"one "), Placed::Leads(_)));
        assert!(matches!(second.put(b"other"), Placed::Follows(_)));
        assert_eq!(poll_fn(|cx| first.poll_write(cx, b"two ")).await.unwrap(), 4);
        let mut asked = [0; 8];
        far.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"one two ");
        assert!(matches!(second.put(b" again"), Placed::Leads(_)));
        drop(second);
        let mut asked = String::new();
        second_far.read_to_string(&mut asked).unwrap();
        assert_eq!(asked, "other again");
    }
}
