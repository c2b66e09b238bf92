//! One HTTP request of our own, to see that a server is up and to read its counters.

use super::Counts;
use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// The body of `GET path` on a new connection.
pub(super) fn get(port: u16, path: &str) -> Result<Vec<u8>> {
    let mut stream =
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("failed to connect")?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).context("failed to set a timeout")?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")
        .context("failed to send")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("failed to read")?;
    body(&answer).map(<[u8]>::to_vec).with_context(|| format!("of GET {path}"))
}

/// What the server has counted.
pub(crate) fn counts(port: u16) -> Result<Counts> {
    let page = get(port, "/counts").context("failed to read the server's counters")?;
    Counts::parse(&String::from_utf8_lossy(&page)).context("the counters are not as expected")
}

fn body(answer: &[u8]) -> Result<&[u8]> {
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
        bail!("the answer is not 200 but {:?}", String::from_utf8_lossy(line));
    }
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .context("a head without an end")?;
    Ok(&answer[end + 4..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_follows_the_head_of_a_200() {
        assert_eq!(body(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nhello").unwrap(), b"hello");
        assert!(body(b"HTTP/1.1 404 Not Found\r\n\r\n").unwrap_err().to_string().contains("404"));
    }
}
