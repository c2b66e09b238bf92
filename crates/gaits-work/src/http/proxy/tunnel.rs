//! CONNECT: an HTTP proxy opens a tunnel (RFC 9110, section 9.3.6).
//!
//! Limit: reads heads of 64 kB at most, and no body: a proxy that opens no tunnel is of no use for another try.

use super::super::fault::{Fault, protocol};
use super::super::target::Origin;
use super::super::trace::Trace;
use super::super::wire::Wire;
use super::super::words::of_io;
use super::{Proxy, wants_credentials};
use gaits_core::ErrorKind;
use http::StatusCode;
use std::io;
use std::net::IpAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// How many bytes a proxy may send before it has opened the tunnel, interim answers included.
const MOST: usize = 64 * 1024;

/// How many fields an answer may have.
const MOST_FIELDS: usize = 128;

/// Has the proxy at the end of `wire` open a tunnel to `origin`.
pub(super) async fn open(
    wire: &mut Wire,
    proxy: &Proxy,
    origin: &Origin,
    trace: &mut Trace,
) -> Result<(), Fault> {
    let to = authority(origin);
    let mut head = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
    if let Some(authorization) = proxy.authorization() {
        head.extend_from_slice(b"Proxy-Authorization: ");
        head.extend_from_slice(authorization.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    let sent = async {
        wire.write_all(&head).await?;
        wire.flush().await
    };
    sent.await.map_err(|e| lost(&e))?;
    let status = answer(wire).await?;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let shown = match StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    };
    let more = match status {
        407 => {
            trace.refused_by_proxy = true;
            format!("; {}", wants_credentials(proxy.authorization().is_some()))
        }
        _ => String::new(),
    };
    Err(Fault::new(ErrorKind::Connect, format!("it opens no tunnel to {to}: {shown}{more}")))
}

/// Host and port, which has to be named.
fn authority(origin: &Origin) -> String {
    match origin.ip {
        Some(IpAddr::V6(ip)) => format!("[{ip}]:{}", origin.port),
        _ => format!("{}:{}", origin.host, origin.port),
    }
}

/// The status of the final answer.
async fn answer(wire: &mut Wire) -> Result<u16, Fault> {
    let mut came = Vec::with_capacity(1024);
    let (mut looked_at, mut read) = (0, 0);
    loop {
        while let Some(end) = head_end(&came, looked_at) {
            let status = status(&came[..end])?;
            came.drain(..end);
            looked_at = 0;
            if status < 200 {
                continue;
            }
            // The server speaks only when it has been spoken to; what comes before is from the proxy.
            return if came.is_empty() || status >= 300 { Ok(status) } else { Err(chatty()) };
        }
        looked_at = came.len().saturating_sub(3);
        // Counted in all, interim answers too.
        if read >= MOST {
            return Err(Fault::Failed(protocol(format!(
                "the head of its answer to CONNECT has more than {} kB",
                MOST / 1024
            ))));
        }
        match wire.read_buf(&mut came).await {
            Ok(0) if came.is_empty() => {
                let message = "it closed the connection without an answer to CONNECT";
                return Err(Fault::new(ErrorKind::Reset, message));
            }
            Ok(0) => {
                let message = "it closed the connection in the middle of its answer to CONNECT";
                return Err(Fault::new(ErrorKind::Reset, message));
            }
            Ok(more) => read += more,
            Err(e) => return Err(lost(&e)),
        }
    }
}

/// Where the head ends that `came` begins with. There is no end before `looked_at`.
fn head_end(came: &[u8], looked_at: usize) -> Option<usize> {
    let mut from = looked_at;
    while let Some(at) = memchr::memchr(b'\n', &came[from..]) {
        let next = from + at + 1;
        match &came[next..] {
            [b'\n', ..] => return Some(next + 1),
            [b'\r', b'\n', ..] => return Some(next + 2),
            _ => from = next,
        }
    }
    None
}

fn status(head: &[u8]) -> Result<u16, Fault> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let garbage = |why: &str| {
        Fault::Failed(protocol(format!("it does not answer as an HTTP proxy ({why}): is it one?")))
    };
    match response.parse(head) {
        Ok(httparse::Status::Complete(_)) => response.code.ok_or_else(|| garbage("no status")),
        Ok(httparse::Status::Partial) => Err(garbage("its answer is cut off")),
        Err(e) => Err(garbage(&e.to_string())),
    }
}

fn chatty() -> Fault {
    Fault::Failed(protocol("it sent bytes of its own into the tunnel"))
}

fn lost(e: &io::Error) -> Fault {
    if matches!(e.kind(), io::ErrorKind::UnexpectedEof) {
        let message = "it closed the connection without an answer to CONNECT";
        return Fault::new(ErrorKind::Reset, message);
    }
    Fault::new(ErrorKind::Reset, format!("{} before it had answered CONNECT", of_io(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_its_empty_line() {
        for (came, end) in [
            (&b"HTTP/1.1 200 OK\r\n\r\n"[..], Some(19)),
            (b"HTTP/1.1 200 OK\n\nrest", Some(17)),
            (b"HTTP/1.1 200 OK\r\na: b\r\n\r\nrest", Some(25)),
            (b"HTTP/1.1 200 OK\r\na: b\r\n\r", None),
            (b"HTTP/1.1 200 OK\r\n", None),
            (b"", None),
        ] {
            assert_eq!(head_end(came, 0), end, "{came:?}");
            if let Some(end) = end {
                assert_eq!(head_end(came, end - 4), Some(end), "{came:?}");
            }
        }
    }
}
