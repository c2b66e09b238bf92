//! A server that answers every request after the same delay: one thread, one epoll.
//!
//! Since all delays are equal, answers fall due in the order in which requests came, so a queue takes the place of
//! timers. Its clock ticks in milliseconds: an answer is up to one late. `GET /counts` is answered at once, as
//! nginx's `stub_status` would.

use crate::server::SMALL_BODY;
use anyhow::{Context, Result};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::time::{Duration, Instant};

/// So many sockets listen on the port. Each holds at most 4,096 connections that are not accepted yet
/// (`net.core.somaxconn`), and 10,000 may come at once.
const LISTENERS: usize = 4;
/// After so many accepted connections, requests get their turn: their delay counts from when they are read.
const ACCEPT_AT_ONCE: usize = 64;
/// A request that is longer is refused.
const LONGEST_REQUEST: usize = 16 * 1024;

/// A client.
struct Connection {
    stream: TcpStream,
    /// The request so far, if its end has not arrived.
    request: Vec<u8>,
    /// Tells this client from one that had the same place before.
    number: u64,
}

/// An answer that waits.
struct Due {
    at: Instant,
    place: usize,
    number: u64,
}

/// The server, which listens.
pub(super) struct Server {
    poll: Poll,
    listeners: Vec<TcpListener>,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    due: VecDeque<Due>,
    delay: Duration,
    answer: Vec<u8>,
    accepted: u64,
    requests: u64,
}

impl Server {
    /// Listens on the port, or, if that is 0, on a free one.
    pub(super) fn new(port: u16, delay: Duration) -> Result<Self> {
        let poll = Poll::new().context("failed to make an epoll")?;
        let mut listeners: Vec<TcpListener> = Vec::new();
        for place in 0..LISTENERS {
            let port = listeners.first().map_or(Ok(port), port_of)?;
            let mut listener =
                listen(port).with_context(|| format!("failed to listen on {port}"))?;
            poll.registry()
                .register(&mut listener, Token(place), Interest::READABLE)
                .context("failed to watch a listener")?;
            listeners.push(listener);
        }
        Ok(Self {
            poll,
            listeners,
            connections: Vec::new(),
            free: Vec::new(),
            due: VecDeque::new(),
            delay,
            answer: response(SMALL_BODY),
            accepted: 0,
            requests: 0,
        })
    }

    /// Serves until the process is ended.
    pub(super) fn run(mut self) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut waiting = [false; LISTENERS];
        let mut piece = vec![0; LONGEST_REQUEST];
        loop {
            let more = waiting.contains(&true);
            let timeout = if more { Some(Duration::ZERO) } else { self.next_due() };
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(error).context("failed to wait for clients");
                }
                _ => {}
            }
            for event in &events {
                match event.token().0.checked_sub(LISTENERS) {
                    None => waiting[event.token().0] = true,
                    Some(place) => self.receive(place, &mut piece),
                }
            }
            for (listener, waiting) in waiting.iter_mut().enumerate() {
                if *waiting {
                    *waiting = self.accept(listener)?;
                }
            }
            self.answer_due();
        }
    }

    /// Where it listens.
    #[cfg(test)]
    pub(super) fn port(&self) -> u16 {
        port_of(&self.listeners[0]).unwrap()
    }

    fn next_due(&self) -> Option<Duration> {
        Some(self.due.front()?.at.saturating_duration_since(Instant::now()))
    }

    /// Accepts some of the connections that wait, and says whether there may be more.
    fn accept(&mut self, listener: usize) -> Result<bool> {
        for _ in 0..ACCEPT_AT_ONCE {
            let mut stream = match self.listeners[listener].accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                // The client went away before.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error).context("failed to accept a connection"),
            };
            let place = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            self.poll
                .registry()
                .register(&mut stream, Token(LISTENERS + place), Interest::READABLE)
                .context("failed to watch a connection")?;
            self.accepted += 1;
            let request = Vec::new();
            self.connections[place] = Some(Connection { stream, request, number: self.accepted });
        }
        Ok(true)
    }

    /// Reads what a client has sent.
    fn receive(&mut self, place: usize, piece: &mut [u8]) {
        loop {
            let Some(connection) = &mut self.connections[place] else { return };
            match connection.stream.read(piece) {
                Ok(length) if length > 0 => {
                    if !self.take(place, &piece[..length]) {
                        return self.close(place);
                    }
                    // A read that does not fill the buffer has taken all there was (epoll(7), question 9).
                    if length < piece.len() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The client has closed.
                Ok(_) | Err(_) => return self.close(place),
            }
        }
    }

    /// Takes a piece of a client's requests; false if it is not to be served any longer.
    fn take(&mut self, place: usize, piece: &[u8]) -> bool {
        let Some(connection) = &mut self.connections[place] else { return false };
        let whole;
        let mut rest = if connection.request.is_empty() {
            piece
        } else {
            connection.request.extend_from_slice(piece);
            whole = std::mem::take(&mut connection.request);
            &whole
        };
        while let Some(end) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
            self.requests += 1;
            if rest.starts_with(b"GET /counts ") {
                return self.tell_counts(place);
            }
            let at = Instant::now() + self.delay;
            self.due.push_back(Due { at, place, number: connection.number });
            rest = &rest[end + 4..];
        }
        rest.clone_into(&mut connection.request);
        rest.len() < LONGEST_REQUEST
    }

    /// As nginx's `stub_status` does; then the client is to close.
    fn tell_counts(&mut self, place: usize) -> bool {
        let active = self.connections.len() - self.free.len();
        let (accepted, requests) = (self.accepted, self.requests);
        let page = format!(
            "Active connections: {active} \nserver accepts handled requests\n {accepted} {accepted} {requests} \n"
        );
        let Some(connection) = &mut self.connections[place] else { return false };
        connection.stream.write_all(&response(&page)).is_ok()
            && connection.stream.shutdown(Shutdown::Write).is_ok()
    }

    fn answer_due(&mut self) {
        let now = Instant::now();
        while let Some(due) = self.due.pop_front_if(|due| due.at <= now) {
            let Some(connection) = &mut self.connections[due.place] else { continue };
            if connection.number != due.number {
                continue;
            }
            // An answer always fits into what the kernel keeps for a connection, unless the client never reads.
            if connection.stream.write_all(&self.answer).is_err() {
                self.close(due.place);
            }
        }
    }

    fn close(&mut self, place: usize) {
        if self.connections[place].take().is_some() {
            self.free.push(place);
        }
    }
}

fn port_of(listener: &TcpListener) -> Result<u16> {
    Ok(listener.local_addr().context("failed to read the port")?.port())
}

/// One of several sockets that share the port.
///
/// Its connections are reset when they are closed (a linger of 0 seconds, which they inherit). It happens after the client
/// has closed, and frees the client's port, of which a machine has some 28,000, at once and not after a minute.
fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_port(true)?;
    socket.set_linger(Some(Duration::ZERO))?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.listen(4096)?;
    Ok(TcpListener::from_std(socket.into()))
}

fn response(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufRead;
    use std::io::BufReader;
    use std::net;
    use std::thread;

    fn started(delay: Duration) -> u16 {
        let server = Server::new(0, delay).unwrap();
        let port = server.port();
        // It serves until the test process ends.
        thread::spawn(move || server.run());
        port
    }

    /// Reads one answer and returns its body.
    fn answer(reader: &mut impl BufRead) -> String {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert!(reader.read_line(&mut line).unwrap() > 0, "the server closed");
        }
        reader.read_line(&mut line).unwrap();
        line.trim_start().to_owned()
    }

    #[test]
    fn requests_in_pieces_and_in_one_piece_are_answered_after_the_delay() {
        let delay = Duration::from_millis(20);
        let port = started(delay);
        let mut stream = net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        for piece in ["GET /slow HT", "TP/1.1\r\nHost: h\r", "\n\r"] {
            stream.write_all(piece.as_bytes()).unwrap();
        }
        let began = Instant::now();
        stream.write_all(b"\n").unwrap();
        assert_eq!(answer(&mut reader), SMALL_BODY);
        assert!(began.elapsed() >= delay);
        stream.write_all(b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!([answer(&mut reader), answer(&mut reader)], [SMALL_BODY, SMALL_BODY]);
    }

    #[test]
    fn it_counts_what_it_gets_and_who_is_there() {
        let port = started(Duration::ZERO);
        let mut stream = net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\n\r\n").unwrap();
        answer(&mut BufReader::new(stream.try_clone().unwrap()));
        let counts = crate::server::counts(port).unwrap();
        assert_eq!((counts.open, counts.connections, counts.requests), (2, 2, 2));
    }
}
