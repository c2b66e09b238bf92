//! Rows whose servers speak HTTP/1.1, and do what no origin is scripted to do.

use crate::row::{Again, KIB, MIB, Row, SHORT, WITHIN, http1, no_tls, records};
use crate::server::{HELLO, Peer};
use flate2::Compression;
use flate2::write::GzEncoder;
use gaits::ErrorKind::{
    ConnectTimeout, Decode, HttpStatus, Protocol, Redirect, Reset, Timeout, Tls, TooLarge,
    Truncated,
};
use gaits::http::Method;
use std::io::Write;
use std::sync::LazyLock;

const CHUNKED_GZIP: &str =
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
const UNTIL_CLOSE_GZIP: &str = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";

pub(crate) fn rows() -> Vec<Row> {
    [bombs(), heads(), connections(), redirects(), statuses()].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// 64 MiB of zeros, compressed once and four times.
static ZEROS: LazyLock<Vec<u8>> = LazyLock::new(|| gzip(&vec![0; 64 << 20]));
static ZEROS_IN_FOUR: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..3).fold(ZEROS.clone(), |zeros, _| gzip(&zeros)));

/// The beginning of a zstd body with a window of 128 kB, and a block of it that says a byte 100,000 times.
const ZSTD_HEAD: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3];
const ZSTD_BLOCK: [u8; 4] = {
    let [a, b, c, _] = (100_000_u32 << 3 | 1 << 1).to_le_bytes();
    [a, b, c, 0]
};

/// A chunk of a body.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// Bodies that take much to decode, or to take in.
fn bombs() -> Vec<Row> {
    let over = "the decoded body is larger than";
    vec![
        http1("a gzip bomb without end", |peer| {
            peer.answer_without_end(UNTIL_CLOSE_GZIP, &*ZEROS);
        })
        .in_short_time()
        .fails(Timeout, WITHIN),
        http1("a bomb in four codings", |peer| {
            let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip, gzip\r\n\r\n";
            peer.request();
            peer.say([head.as_bytes(), &ZEROS_IN_FOUR].concat());
        })
        .with_cap(60 * MIB)
        .fails(TooLarge, over),
        http1("a gzip bomb in chunks of a byte", |peer| {
            let chunks = ZEROS.iter().flat_map(|byte| chunk(&[*byte])).collect();
            peer.answer([CHUNKED_GZIP.as_bytes().to_vec(), chunks].concat());
        })
        .with_cap(60 * MIB)
        .fails(TooLarge, over),
        http1("a zstd bomb, a block a chunk", |peer| {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nTransfer-Encoding: chunked\r\n\r\n";
            peer.request();
            peer.say([head.as_bytes(), &chunk(&ZSTD_HEAD)].concat());
            peer.say_for_ever(chunk(&ZSTD_BLOCK));
        })
        .with_cap(256 * MIB)
        .fails(TooLarge, over),
        http1("gzip of nothing without end", |peer| {
            peer.answer_without_end(UNTIL_CLOSE_GZIP, gzip(b""));
        })
        .in_short_time()
        .fails(Timeout, WITHIN),
        http1("chunks of a byte without end", |peer| {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            peer.answer_without_end(head, chunk(b"x"));
        })
        .in_short_time()
        .fails(Timeout, WITHIN),
        records("a body in TLS records of a byte each", |peer| {
            let body = "x".repeat(100_000);
            peer.answer(format!("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{body}"));
        })
        .succeeds(200, 100_000, 100_000)
        // So many records.
        .bytes_a_poll(2_048),
        http1("more than is allowed, as announced", |peer| {
            peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nhello");
        })
        .fails(TooLarge, over),
        http1("JSON of many small values", |peer| {
            peer.request();
            peer.say("HTTP/1.1 200 OK\r\n\r\n[0");
            peer.say(",0".repeat(4 << 20));
            peer.say("]");
        })
        .with(|spec| {
            spec.extract = vec!["url=/url".parse().unwrap()];
            spec.extract_required = true;
        })
        .fails(Decode, "the body has nothing at /url")
        .heap(25 * MIB),
        http1("JSON of many small values where a field should be", |peer| {
            peer.request();
            peer.say("HTTP/1.1 200 OK\r\n\r\n{\"url\":[0");
            peer.say(",0".repeat(4 << 20));
            peer.say("]}");
        })
        .with(|spec| spec.extract = vec!["url=/url".parse().unwrap()])
        .fails(TooLarge, "more than the 1048576 bytes that are taken at /url")
        .heap(25 * MIB),
        http1("JSON in JSON in JSON", |peer| {
            let body = "[".repeat(1 << 20);
            peer.request();
            peer.say(format!("HTTP/1.1 200 OK\r\n\r\n{body}"));
        })
        .with(|spec| spec.extract = vec!["url=/url".parse().unwrap()])
        .fails(Decode, "it cannot be read as JSON")
        .heap(4 * MIB),
    ]
}

/// Heads that are large, or come slowly.
fn heads() -> Vec<Row> {
    vec![
        http1("a head of 64 kB that comes byte by byte", |peer| {
            peer.request();
            let fields = "x-slow: a field among many\r\n".repeat(2_300);
            let head = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 5\r\n\r\nhello");
            for byte in head.bytes() {
                peer.say([byte]);
            }
            peer.wait_for_end();
        }),
        http1("1,000 header fields", |peer| {
            let fields = "x-many: one of many\r\n".repeat(1_000);
            peer.answer(format!(
                "HTTP/1.1 200 OK\r\n{fields}Content-Length: 5\r\n\r\nhello"
            ));
        }),
        http1("interim responses of 400 kB each", |peer| {
            let large = "l".repeat(400 << 10);
            peer.answer_without_end(
                "",
                format!("HTTP/1.1 103 Early Hints\r\nLink: {large}\r\n\r\n"),
            );
        })
        .fails(Protocol, "more than 64 interim responses")
        // One of them is kept until it is whole.
        .heap(1_500 * KIB),
        http1("interim responses with 4,000 fields each", |peer| {
            let fields = "x-many: one of many\r\n".repeat(4_000);
            peer.answer_without_end("", format!("HTTP/1.1 103 Early Hints\r\n{fields}\r\n"));
        })
        .fails(Protocol, "more than 64 interim responses"),
        http1("empty lines without end", |peer| peer.answer_without_end("", "\r\n"))
            .fails(Protocol, "is larger than 417792 bytes"),
        http1("4,000 fields that name a coding", |peer| {
            let fields = "Content-Encoding: gzip\r\n".repeat(4_000);
            peer.answer(format!(
                "HTTP/1.1 200 OK\r\n{fields}Content-Length: 5\r\n\r\nhello"
            ));
        })
        .fails(Decode, "more than 4 codings"),
        http1("200 kB of transfer codings", |peer| {
            let codings = "gzip, ".repeat(33_000);
            peer.answer(format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: {codings}chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            ));
        })
        .fails(Protocol, "more than 4 transfer codings"),
        http1("a transfer coding in HTTP/1.0", |peer| {
            peer.answer(
                "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            );
        })
        .fails(Protocol, "although it is HTTP/1.0"),
        http1("an unknown coding on a 204", |peer| {
            peer.answer("HTTP/1.1 204 No Content\r\nContent-Encoding: x-none\r\n\r\n");
        })
        .succeeds(204, 0, 0),
        http1("4,000 limits with names of their own", |peer| {
            let field = |number| format!("X-RateLimit-Reset-{number:05}: 1\r\n");
            let fields: String = (0..4_000).map(field).collect();
            peer.answer(format!(
                "HTTP/1.1 503 Busy\r\n{fields}Content-Length: 0\r\n\r\n"
            ));
        })
        .fails(HttpStatus, "503")
        .again(Again::AnyTime)
        .heap(2 * MIB),
        http1("a link with 40,000 parameters", |peer| {
            let link = [";a"; 40_000].concat();
            peer.answer(HELLO.replace("\r\n\r\n", &format!("\r\nLink: <a>{link}\r\n\r\n")));
        })
        .with(|spec| spec.next = Some("link".parse().unwrap()))
        .heap(2 * MIB),
        http1("300 responses with five cookies of 4 kB each", |peer| {
            let value = "k".repeat(4_000);
            while peer.request().is_some() {
                let number = peer.requests_before();
                let cookie = |i| format!("Set-Cookie: c{number}-{i}={value}; Path=/\r\n");
                let cookies = (0..5).map(cookie).collect::<Vec<_>>().concat();
                peer.say(HELLO.replace("\r\n\r\n", &format!("\r\n{cookies}\r\n")));
            }
        })
        .with(|spec| spec.cookies = true)
        .times(300)
        .requests(300),
    ]
}

/// Connections that end when they should not, or are none.
fn connections() -> Vec<Row> {
    vec![
        http1("no second answer on any connection, and none at all on a second one", |peer| {
            if peer.request().is_some() && peer.number() == 0 {
                peer.say(HELLO);
                peer.request();
            }
        })
        .times(2)
        .requests(3)
        .fails(Reset, "before the response's head was complete"),
        http1("a body in answer to HEAD", |peer| peer.answer(HELLO))
            .with(|spec| spec.method = Method::HEAD)
            .times(2)
            .requests(2)
            .succeeds(200, 0, 0),
        http1("a second response that nobody asked for", |peer| {
            peer.answer([HELLO, &HELLO.replace("hello", "wrong")].concat());
        })
        .times(3)
        .requests(3),
        http1("a second response behind one that fills what is read at a time", |peer| {
            let head = |len: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n");
            let len = (64 << 10) - head(65_000).len();
            let wrong = HELLO.replace("hello", "wrong");
            peer.answer([&*head(len), &"x".repeat(len), &wrong].concat());
        })
        .times(2)
        .requests(2)
        .succeeds(200, 65_494, 65_494),
        http1("nothing of a coded body, and the end of the connection", |peer| {
            peer.request();
            peer.say(UNTIL_CLOSE_GZIP);
        })
        .fails(Truncated, "before the end of the body"),
        no_tls("no TLS", |peer| {
            peer.say(HELLO);
            peer.wait_for_end();
        })
        .fails(Tls, "TLS"),
        no_tls("silence in place of a TLS handshake", Peer::wait_for_end)
            .with(|spec| spec.connect_timeout = Some(SHORT))
            .fails(ConnectTimeout, "within 0.3 s: still "),
    ]
}

/// A redirect to what `location` says.
fn redirect(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

fn redirects() -> Vec<Row> {
    vec![
        http1("a redirect to 300 kB", |peer| {
            peer.answer(redirect(&format!("/{}", "l".repeat(300_000))));
        })
        .fails(Redirect, "302 leads to no URL"),
        http1("a redirect to a scheme of 60 kB", |peer| {
            peer.answer(redirect(&format!("{}:x", "s".repeat(60_000))));
        })
        .fails(Redirect, "and only http and https are followed"),
        http1("a redirect to a host of 20,000 parts", |peer| {
            peer.answer(redirect(&format!("http://{}/", "\u{fc}.".repeat(20_000))));
        })
        .fails(Redirect, "302 leads to no URL")
        .heap(2 * MIB),
        http1("a redirect to a host with a part of 60 kB", |peer| {
            peer.answer(redirect(&format!("http://{}/", "\u{fc}\u{4e00}".repeat(12_000))));
        })
        .fails(Redirect, "302 leads to no URL"),
        http1("a redirect to a host of 60 kB of combining marks", |peer| {
            peer.answer(redirect(&format!("http://a{}/", "\u{302}\u{323}".repeat(15_000))));
        })
        .fails(Redirect, "302 leads to no URL"),
        http1("a redirect to 10,000 times ../", |peer| {
            peer.answer_each(redirect(&format!("/{}", "a/../".repeat(10_000))));
        })
        .fails(Redirect, "more than 10 times")
        .requests(11),
        http1("redirects to itself whose bodies stall", |peer| {
            if peer.request().is_some() {
                peer.say(redirect("/").replace("Length: 0", "Length: 50"));
                peer.wait_for_end();
            }
        })
        .fails(Redirect, "more than 10 times")
        .requests(11),
        http1("an endless redirect that is the answer", |peer| {
            peer.answer_without_end("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "endless\n");
        })
        .with(|spec| spec.max_redirects = 0)
        .with_cap(MIB)
        .fails(TooLarge, "the decoded body is larger than"),
    ]
}

/// A 429 with this `Retry-After`.
fn too_many(retry_after: &str) -> String {
    format!("HTTP/1.1 429 Slow Down\r\nRetry-After: {retry_after}\r\nContent-Length: 0\r\n\r\n")
}

fn refusal(name: &'static str, serve: fn(&mut Peer), again: Again) -> Row {
    http1(name, serve).fails(HttpStatus, "429 Too Many Requests").again(again)
}

fn statuses() -> Vec<Row> {
    vec![
        refusal("a 429 each time", |peer| peer.answer_each(too_many("2")), Again::After(2))
            .times(20)
            .requests(20),
        refusal(
            "a Retry-After of 300 million years",
            |peer| peer.answer(too_many("9999999999999999")),
            Again::After(9_999_999_999_999_999),
        ),
        refusal(
            "a Retry-After beyond all numbers",
            |peer| peer.answer(too_many(&"9".repeat(100_000))),
            Again::After(u64::MAX),
        ),
        refusal(
            "a Retry-After at a date in 500 years",
            |peer| peer.answer(too_many("Sun, 21 Oct 2525 07:28:00 GMT")),
            Again::After(400 * 365 * 86_400),
        ),
        refusal(
            "a Retry-After at a date that has passed",
            |peer| peer.answer(too_many("Wed, 21 Oct 2015 07:28:00 GMT")),
            Again::After(0),
        ),
        refusal("a Retry-After below zero", |peer| peer.answer(too_many("-1")), Again::AnyTime),
        refusal(
            "a Retry-After that says nothing",
            |peer| peer.answer(too_many("tomorrow, \u{e9}")),
            Again::AnyTime,
        ),
        http1("a 404 without end", |peer| {
            peer.answer_without_end("HTTP/1.1 404 Not Found\r\n\r\n", "not found ");
        })
        .with_cap(MIB)
        .fails(HttpStatus, "404 Not Found")
        .again(Again::Never),
        http1("a 404 that is a bomb without end", |peer| {
            let head = UNTIL_CLOSE_GZIP.replace("200 OK", "404 Not Found");
            peer.answer_without_end(&head, &*ZEROS);
        })
        .in_short_time()
        .fails(Timeout, WITHIN)
        .again(Again::AnyTime),
        http1("a status that nobody knows", |peer| {
            peer.answer("HTTP/1.1 999 Whatever\r\nContent-Length: 5\r\n\r\nhello");
        })
        .fails(HttpStatus, "999")
        .again(Again::Never),
    ]
    .into_iter()
    .map(|row| row.heap(512 * KIB))
    .collect()
}
