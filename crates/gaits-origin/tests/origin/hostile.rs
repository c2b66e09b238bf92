//! What every origin has under /hostile: each path does what it says, and others do not notice.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;

use gaits_origin::{Origin, Script};

use crate::wire::{Wire, get, origin};

/// How a reply goes on after what was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The connection has been closed.
    Closed,
    /// It has been reset.
    Reset,
    /// Nothing comes, and the connection is open.
    Silent,
    /// More comes, as fast as it is read.
    More,
    /// More comes, byte by byte.
    Slow,
}

use End::{Closed, More, Reset, Silent, Slow};

/// What is read of a reply without end.
const ENOUGH: usize = 1 << 20;

/// Reads a reply as far as `end` says that it goes: to the end of the connection, up to `until` and then nothing for a
/// while, or until there is enough of it. Each of these is waited for, however long it takes; the error says what came
/// instead.
fn read(wire: &mut Wire<TcpStream>, end: End, until: &str) -> Result<Vec<u8>, (Vec<u8>, End)> {
    let mut bytes = Vec::new();
    let mut seen = 0;
    loop {
        let found = contains(&bytes[seen..], until);
        seen = bytes.len().saturating_sub(until.len());
        match end {
            More if bytes.len() >= ENOUGH => return Ok(bytes),
            Slow if bytes.len() >= until.len() => return Ok(bytes),
            Silent if found => {
                return if wire.is_silent() { Ok(bytes) } else { Err((bytes, More)) };
            }
            _ => {}
        }
        let ended = match wire.next() {
            Ok(some) if some.is_empty() => Closed,
            Ok(some) => {
                bytes.extend(some);
                continue;
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Reset,
            Err(error) => panic!("{error} after {} bytes", bytes.len()),
        };
        return if ended == end { Ok(bytes) } else { Err((bytes, ended)) };
    }
}

/// For each name: how the reply begins, what else is in it, and how it goes on.
const EXPECTED: &[(&str, &str, &str, End)] = &[
    ("bomb", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n", "\r\n0\r\n\r\n", Silent),
    ("bomb-twice", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n", "\r\n0\r\n\r\n", Silent),
    ("bomb-br", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n", "\r\n0\r\n\r\n", Silent),
    ("bomb-zstd", "HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n", "\r\n0\r\n\r\n", Silent),
    ("gzip-twice", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n", "\r\n0\r\n\r\n", Silent),
    ("gzip-plain", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n", "\r\n\r\nhello", Silent),
    (
        "gzip-garbage",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n",
        "garbage\r\n0\r\n\r\n",
        Silent,
    ),
    ("gzip-cut", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n", "Content-Length: 10\r\n", Silent),
    ("coding-unknown", "HTTP/1.1 200 OK\r\nContent-Encoding: x-none\r\n", "hello", Silent),
    ("coding-flood", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip", "hello", Silent),
    ("endless-1xx", "HTTP/1.1 103 Early Hints\r\n", "\r\n\r\nHTTP/1.1 103", More),
    ("drip-1xx", "HTTP/1.1 103 Early Hints\r\n", "", Slow),
    ("switching", "HTTP/1.1 101 Switching Protocols\r\n", "\r\n\r\n", Silent),
    ("endless-head", "HTTP/1.1 200 OK\r\nX-More: ", "more\r\nX-More:", More),
    ("drip-head", "HTTP/1.1", "", Slow),
    (
        "header-flood",
        "HTTP/1.1 200 OK\r\nX-Many: ",
        "many\r\nContent-Length: 5\r\n\r\nhello",
        Silent,
    ),
    (
        "header-long",
        "HTTP/1.1 200 OK\r\nX-Long: lll",
        "l\r\nContent-Length: 5\r\n\r\nhello",
        Silent,
    ),
    ("stall-head", "HTTP/1.1 200 OK\r\nContent-Le", "", Silent),
    ("cut-head", "HTTP/1.1 200 OK\r\nContent-Le", "", Closed),
    ("not-http", "SSH-2.0-", "", Closed),
    ("http-9", "HTTP/9.9 200 OK\r\n", "hello", Closed),
    ("status-letters", "HTTP/1.1 2OO OK\r\n", "hello", Closed),
    ("header-no-colon", "HTTP/1.1 200 OK\r\nno colon here\r\n", "hello", Closed),
    ("header-folded", "HTTP/1.1 200 OK\r\n X-Folded: yes\r\n", "hello", Closed),
    ("header-space", "HTTP/1.1 200 OK\r\nX-Space : yes\r\n", "hello", Closed),
    ("header-nul", "HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\n", "hello", Closed),
    ("no-head", "<html>", "", Closed),
    (
        "two-lengths",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
        "hello!",
        Closed,
    ),
    ("length-letters", "HTTP/1.1 200 OK\r\nContent-Length: 5O\r\n", "hello", Closed),
    ("length-negative", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", "hello", Closed),
    ("length-huge", "HTTP/1.1 200 OK\r\nContent-Length: 999999999999", "hello", Closed),
    (
        "length-and-chunks",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-",
        "5\r\nhello\r\n0\r\n\r\n",
        Silent,
    ),
    (
        "coded-transfer",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n",
        "\r\n0\r\n\r\n",
        Silent,
    ),
    ("chunk-bad", "HTTP/1.1 200 OK\r\n", "\r\n\r\nxyz\r\nhello", Closed),
    ("chunk-huge", "HTTP/1.1 200 OK\r\n", "\r\n\r\nfffffffffffffffff\r\n", Closed),
    ("chunk-cut", "HTTP/1.1 200 OK\r\n", "\r\n\r\na\r\nhello", Closed),
    ("chunk-no-end", "HTTP/1.1 200 OK\r\n", "\r\n\r\n5\r\nhello\r\n", Closed),
    ("chunk-extension", "HTTP/1.1 200 OK\r\n", "\r\n\r\n5;extensionextension", More),
    ("endless-trailers", "HTTP/1.1 200 OK\r\n", "\r\n\r\n0\r\nX-More: and more\r\nX-More", More),
    ("truncated", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "", Closed),
    ("truncated-tls", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", "", Closed),
    ("reset-body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "", Reset),
    ("stall-body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "", Silent),
    ("endless-body", "HTTP/1.1 200 OK\r\n\r\nendless\nendless\n", "", More),
    ("drip-body", "HTTP/1.1 200 OK\r\n\r\nd", "", Slow),
    ("extra-body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloextra", "", Silent),
    ("body-on-204", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", "", Silent),
    ("silent", "", "", Silent),
    ("close", "", "", Closed),
    ("reset", "", "", Reset),
    ("close-kept", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "", Closed),
    ("close-reused", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "", Silent),
    ("reset-reused", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "", Silent),
    ("early", "HTTP/1.1 413 Content Too Large\r\n", "Connection: close\r\n", Closed),
    ("redirect-self", "HTTP/1.1 302 Found\r\nLocation: /hostile/redirect-self\r\n", "", Silent),
    ("redirect-empty", "HTTP/1.1 302 Found\r\nLocation: \r\n", "", Silent),
    ("redirect-none", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "", Silent),
    ("redirect-scheme", "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n", "", Silent),
    ("redirect-latin1", "HTTP/1.1 302 Found\r\nLocation: /anything/caf", "", Silent),
    ("redirect-body", "HTTP/1.1 302 Found\r\nLocation: /get\r\n\r\nendless", "", More),
    (
        "cookie-flood",
        "HTTP/1.1 200 OK\r\nSet-Cookie: c0=kkk",
        "; Path=/\r\nSet-Cookie: c29=k",
        Silent,
    ),
];

fn contains(bytes: &[u8], part: &str) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

#[test]
fn each_path_does_what_it_says() {
    let origin = origin();
    let mut left: BTreeMap<_, _> = Script::hostile().paths().collect();
    for &(name, begins, has, end) in EXPECTED {
        let path = format!("/hostile/{name}");
        assert!(left.remove(path.as_str()).is_some(), "{path} is not in the script");
        let mut wire = Wire::open(&origin);
        wire.send("GET", &path, "");
        let until = if has.is_empty() { begins } else { has };
        let bytes = read(&mut wire, end, until).unwrap_or_else(|(bytes, ended)| {
            panic!("{path} is {ended:?} after {:?}", String::from_utf8_lossy(&bytes))
        });
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]);
        assert!(bytes.starts_with(begins.as_bytes()), "{path}: {shown:?}");
        assert!(contains(&bytes, has), "{path}: {shown:?}");
        assert_eq!(get(&origin, "/uuid").status, 200, "after {path}");
    }
    assert!(left.is_empty(), "not tried: {left:?}");
}

/// The body of a response in chunks, without its frames.
fn unchunked(origin: &Origin, name: &str) -> Vec<u8> {
    let mut wire = Wire::open(origin);
    wire.send("GET", &format!("/hostile/{name}"), "");
    wire.head().unwrap();
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(&wire.line().unwrap(), 16).unwrap();
        body.extend(wire.some(size).unwrap());
        assert_eq!(wire.line().unwrap(), "");
        if size == 0 {
            return body;
        }
    }
}

/// How many zeros there are, and that there is nothing else.
fn zeros(mut decoder: impl std::io::Read) -> u64 {
    let mut buffer = vec![0; 1 << 20];
    let zeros = vec![0; buffer.len()];
    let mut count = 0;
    loop {
        let size = decoder.read(&mut buffer).unwrap();
        if size == 0 {
            return count;
        }
        assert!(buffer[..size] == zeros[..size]);
        count += size as u64;
    }
}

#[test]
fn bombs_go_off_at_the_size_that_they_say() {
    let origin = origin();
    let bomb = unchunked(&origin, "bomb");
    assert!(bomb.len() < 550_000);
    assert_eq!(zeros(flate2::read::GzDecoder::new(&*bomb)), 512 << 20);
    let twice = unchunked(&origin, "bomb-twice");
    assert!(twice.len() < 10_000, "{}", twice.len());
    let mut once = Vec::new();
    flate2::read::GzDecoder::new(&*twice).read_to_end(&mut once).unwrap();
    assert_eq!(once, bomb);
    let brotli = unchunked(&origin, "bomb-br");
    assert_eq!(brotli.len(), 102);
    assert_eq!(zeros(brotli::Decompressor::new(&*brotli, 1 << 16)), 64 << 20);
    let zstd = unchunked(&origin, "bomb-zstd");
    assert!(zstd.len() < 3_000);
    assert_eq!(zeros(zstd::Decoder::new(&*zstd).unwrap()), 64 << 20);
}

#[test]
fn reused_connections_are_ended_at_their_second_request() {
    let origin = origin();
    for (name, end) in [("close-reused", Closed), ("reset-reused", Reset)] {
        let path = format!("/hostile/{name}");
        let mut wire = Wire::open(&origin);
        assert_eq!(wire.get(&path).unwrap().body, b"hello");
        wire.send("GET", &path, "");
        assert_eq!(read(&mut wire, end, ""), Ok(vec![]), "{name}");
    }
}

#[test]
fn their_index_and_the_page_about_them_name_them_all() {
    const PAGE: &str = include_str!("../../../../docs/origin.md");
    let origin = origin();
    let index = String::from_utf8(get(&origin, "/hostile").body).unwrap();
    for (path, about) in Script::hostile().paths() {
        assert!(index.contains(path) && index.contains(about), "{path}");
        let row = format!("| `{path}` | {about} |");
        assert!(PAGE.contains(&row), "docs/origin.md has not: {row}");
    }
    for nothing in ["/hostile/nothing", "/hostilely", "/hostile/"] {
        assert_eq!(get(&origin, nothing).status, 404, "{nothing}");
    }
}
