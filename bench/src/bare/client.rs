//! The bare client: one thread, one epoll, one request at a time on each connection.
//!
//! It does what every client must do to get the bodies, and nothing else: it writes no records, though a line for each
//! response where it is told to, and has no time-outs and no retries. The first error ends it.

use super::Client;
use super::lines::Lines;
use super::response::Response;
use crate::clients::bare::Line;
use anyhow::{Context, Result, bail};
use blake3::Hasher;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

/// Read in pieces of this size. It matters for large bodies: receiving and hashing 1 MB took 0.88 ms of processor time with
/// 16 KiB, 0.51 with 128 KiB, 0.33 with 256 KiB, and 0.26 to 0.27 with 512 KiB to 2 MiB (medians of three or more runs on a
/// busy 2-core machine), because there are fewer calls and BLAKE3 hashes long pieces faster than short ones.
const PIECE: usize = 512 * 1024;

/// One connection and the request that is on it.
struct Connection {
    stream: TcpStream,
    response: Response,
    /// None if bodies are not hashed.
    hasher: Option<Box<Hasher>>,
    state: State,
}

/// Where a connection's request is.
#[derive(PartialEq, Eq)]
enum State {
    /// There is none.
    Idle,
    /// It is to be written as soon as the connection is there.
    Unsent,
    /// Its response is awaited.
    Sent,
}

/// All of the client's state.
struct Bare<'a> {
    settings: &'a Client,
    address: SocketAddr,
    request: Vec<u8>,
    connections: Vec<Connection>,
    piece: Vec<u8>,
    started: u64,
    done: u64,
    failed: u64,
    lines: Option<Lines>,
}

/// Makes all requests, and says how many went well as one line of JSON.
pub(super) fn run(settings: &Client) -> Result<String> {
    let mut poll = Poll::new().context("failed to make an epoll")?;
    let (address, path) = parts(&settings.url)?;
    let mut bare = Bare {
        settings,
        address,
        request: request(&path, address, settings.json.as_deref()).into_bytes(),
        connections: Vec::with_capacity(settings.connections),
        piece: vec![0; PIECE],
        started: 0,
        done: 0,
        failed: 0,
        lines: match &settings.lines {
            Some(path) => Some(Lines::create(path, settings.count)?),
            None => None,
        },
    };
    let most = u64::try_from(settings.connections).context("too many connections")?;
    for _ in 0..most.min(settings.count) {
        bare.open(&poll)?;
    }
    let mut events = Events::with_capacity(1024);
    while bare.done + bare.failed < settings.count {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(error).context("failed to wait for the server");
            }
            _ => {}
        }
        for event in &events {
            bare.handle(event)?;
        }
    }
    let held = bare.lines.map(Lines::finish).transpose()?;
    Ok(serde_json::to_string(&Line { done: bare.done, failed: bare.failed, held })?)
}

impl Bare<'_> {
    fn open(&mut self, poll: &Poll) -> Result<()> {
        let mut stream = TcpStream::connect(self.address).context("failed to connect")?;
        let token = Token(self.connections.len());
        poll.registry()
            .register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)
            .context("failed to watch a connection")?;
        let mut connection = Connection {
            stream,
            response: Response::default(),
            hasher: self.settings.hash.then(Box::default),
            state: State::Idle,
        };
        self.started += 1;
        send(&mut connection, &self.request)?;
        self.connections.push(connection);
        Ok(())
    }

    fn handle(&mut self, event: &Event) -> Result<()> {
        let connection = &mut self.connections[event.token().0];
        if connection.state == State::Unsent {
            send(connection, &self.request)?;
        }
        if !event.is_readable() {
            return Ok(());
        }
        loop {
            let length = match connection.stream.read(&mut self.piece) {
                Ok(0) if connection.state == State::Idle => return Ok(()),
                Ok(0) => bail!("the server closed a connection"),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("failed to receive"),
            };
            let hasher = &mut connection.hasher;
            let ended = connection.response.take(&self.piece[..length], |part| {
                if let Some(hasher) = hasher {
                    hasher.update(part);
                }
            })?;
            if let Some(status) = ended {
                if let Some(hasher) = hasher {
                    black_box(hasher.finalize());
                    hasher.reset();
                }
                connection.state = State::Idle;
                *(if status == 200 { &mut self.done } else { &mut self.failed }) += 1;
                if let Some(lines) = &mut self.lines {
                    lines.add()?;
                }
                if self.started < self.settings.count {
                    self.started += 1;
                    send(connection, &self.request)?;
                }
                return Ok(());
            }
            // A read that does not fill the buffer has taken all there was (epoll(7), question 9).
            if length < self.piece.len() {
                return Ok(());
            }
        }
    }
}

/// Sends the request, or notes that the connection is not there yet.
fn send(connection: &mut Connection, request: &[u8]) -> Result<()> {
    match connection.stream.write(request) {
        Ok(length) if length == request.len() => connection.state = State::Sent,
        Ok(_) => bail!("a request was sent in part only"),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected) =>
        {
            connection.state = State::Unsent;
        }
        Err(error) => return Err(error).context("failed to send"),
    }
    Ok(())
}

/// What is sent: a GET, or a POST of JSON.
fn request(path: &str, address: SocketAddr, json: Option<&str>) -> String {
    let Some(json) = json else {
        return format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    };
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
        json.len()
    )
}

/// The address and the path of `http://address/path`.
fn parts(url: &str) -> Result<(SocketAddr, String)> {
    let rest = url.strip_prefix("http://").context("not an http:// URL")?;
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = address.parse().with_context(|| format!("{address} is no address"))?;
    Ok((address, format!("/{path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_sent_behind_its_length() {
        let address = "127.0.0.1:80".parse().unwrap();
        assert_eq!(request("/a", address, None), "GET /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n");
        let post = request("/a", address, Some("{\"é\":1}"));
        assert!(post.starts_with("POST /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\n"), "{post}");
        assert!(post.ends_with("\r\nContent-Length: 8\r\n\r\n{\"é\":1}"), "{post}");
    }

    #[test]
    fn an_url_has_an_address_and_a_path() {
        let address = "127.0.0.1:80".parse().unwrap();
        assert_eq!(parts("http://127.0.0.1:80/a/b").unwrap(), (address, "/a/b".into()));
        assert_eq!(parts("http://127.0.0.1:80").unwrap(), (address, "/".into()));
        assert!(parts("http://localhost/").is_err());
        assert!(parts("https://127.0.0.1:80/").is_err());
    }
}
