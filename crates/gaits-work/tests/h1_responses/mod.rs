//! Makes responses up: mostly right ones, with oddities that servers have, and with damage.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::fmt::Write as _;

/// The bytes of a connection that may be a response.
pub(crate) fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => any_response(),
        6 => (any_response(), vec(any_damage(), 1..4)).prop_map(|(bytes, damage)| {
            damage.into_iter().fold(bytes, |bytes, damage| damage.done_to(bytes))
        }),
        1 => (any_large_response(), vec(any_damage(), 0..2)).prop_map(|(bytes, damage)| {
            damage.into_iter().fold(bytes, |bytes, damage| damage.done_to(bytes))
        }),
        1 => any_garbage(),
    ]
}

/// Where bytes are cut into pieces.
#[derive(Debug, Clone)]
pub(crate) enum Cuts {
    Into(usize),
    At(Vec<Index>),
}

pub(crate) fn any_cuts() -> impl Strategy<Value = Cuts> {
    prop_oneof![
        3 => Just(Cuts::At(Vec::new())),
        2 => (1..8_usize).prop_map(Cuts::Into),
        4 => vec(any::<Index>(), 1..6).prop_map(Cuts::At),
    ]
}

impl Cuts {
    /// The pieces; long bytes are never cut into single ones.
    pub(crate) fn of<'b>(&self, bytes: &'b [u8]) -> Vec<&'b [u8]> {
        match self {
            Self::Into(len) => bytes.chunks((*len).max(bytes.len() / 500)).collect(),
            Self::At(places) => {
                let mut places =
                    places.iter().map(|i| i.index(bytes.len() + 1)).collect::<Vec<_>>();
                places.sort_unstable();
                let mut from = 0;
                places.push(bytes.len());
                places
                    .into_iter()
                    .map(|to| {
                        let piece = &bytes[from..to];
                        from = to;
                        piece
                    })
                    .collect()
            }
        }
    }
}

fn any_response() -> impl Strategy<Value = Vec<u8>> {
    let before = (
        vec(select(&["\r\n", "\n", "\r\n", "\n", "\r\n", "\n", "\r"][..]), 0..2),
        vec((select(&[100_u16, 102, 103, 103, 103, 150, 199, 101][..]), any_fields(0..2)), 0..3),
    );
    let body = vec(any::<u8>(), 0..60);
    let chunking = vec(any_chunk(), 0..6);
    let behind = prop_oneof![9 => Just(Vec::new()), 1 => vec(any::<u8>(), 1..20)];
    (
        prop_oneof![6 => Just((Vec::new(), Vec::new())), 1 => before],
        any_status_line(),
        any_fields(0..5),
        any_framing(),
        (body, chunking, any_trailers(), behind),
    )
        .prop_map(
            |((empty, interim), line, fields, framing, (body, chunks, trailers, behind))| {
                let mut head = empty.concat();
                for (status, fields) in interim {
                    let _ = write!(head, "HTTP/1.1 {status} X\r\n{fields}\r\n");
                }
                let fields = fields + &framing.fields(body.len());
                // Servers end their lines in one way.
                let fields =
                    if line.ends_with("\r\n") { fields } else { fields.replace("\r\n", "\n") };
                let end = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
                let mut bytes = format!("{head}{line}{fields}{end}").into_bytes();
                if framing.is_chunked() {
                    write_chunks(&mut bytes, &body, &chunks, &trailers);
                } else {
                    bytes.extend(body);
                }
                bytes.extend(behind);
                bytes
            },
        )
}

fn any_status_line() -> impl Strategy<Value = String> {
    let version = prop_oneof![
        80 => Just("HTTP/1.1"),
        12 => Just("HTTP/1.0"),
        1 => select(&["HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "http/1.1", "HTTP/1.10"][..]),
    ];
    let status = prop_oneof![
        40 => select(&["200", "200", "204", "206", "301", "304", "404", "500"][..]).prop_map(str::to_owned),
        2 => (0..1000_u16).prop_map(|status| format!("{status:03}")),
        1 => select(&["20", "2000", "-20", "", "2O0"][..]).prop_map(str::to_owned),
    ];
    let reason = prop_oneof![
        24 => Just(" OK"),
        8 => select(&["", " ", "  ", " d\u{e9}j\u{e0}", " \t"][..]),
        1 => Just(" a\u{1}"),
    ];
    let end = prop_oneof![9 => Just("\r\n"), 1 => Just("\n")];
    (version, status, reason, end)
        .prop_map(|(version, status, reason, end)| format!("{version} {status}{reason}{end}"))
}

fn any_fields(count: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let name = prop_oneof![
        60 => select(&["Server", "date", "X-Y_z", "Set-Cookie", "Content-Type"][..]),
        30 => Just("Connection"),
        1 => select(&["", "a b", "a\t", " a", "\u{e9}", "a(", "\0"][..]),
    ];
    let value = prop_oneof![
        60 => select(&["", "x", " a b ", "\tq=\"1\";z", "\u{e9}", "keep-alive", "close"][..]),
        30 => select(&["Close", "KEEP-ALIVE", "x, close", "keep-alive,x", "close,keep-alive"][..]),
        1 => select(&["\0", "\u{7f}", "a\rb", "a\nb", "a\r\n b", "\u{e9}, close"][..]),
    ];
    vec((name, select(&[": ", ":", ":  ", " : "][..]), value), count).prop_map(|fields| {
        fields.into_iter().fold(String::new(), |mut all, (name, colon, value)| {
            // A blank before the colon is for the odd names only, or few heads would be right.
            let colon = if colon == " : " && !name.is_empty() { ":" } else { colon };
            let _ = write!(all, "{name}{colon}{value}\r\n");
            all
        })
    })
}

/// What the head says about the body.
#[derive(Debug, Clone)]
enum Framing {
    /// The fields, where `#` stands for the body's length.
    Length(&'static str),
    Chunked(&'static str),
    UntilClose(&'static str),
}

fn any_framing() -> impl Strategy<Value = Framing> {
    let odd_lengths = [
        "content-length: #\r\nContent-Length: #\r\n",
        "Content-Length: #, #\r\n",
        "Content-Length: #,\r\n",
        "Content-Length: 00#\r\n",
        "Content-Length: 1#\r\n",
        "Content-Length: 7\r\n",
        "Content-Length: 7\r\nContent-Length: #\r\n",
        "Content-Length: +#\r\n",
        "Content-Length:\r\n",
        "Content-Length: \u{e9}\r\n",
        "Content-Length: 18446744073709551613\r\n",
        "Content-Length: 18446744073709551615\r\n",
        "Content-Length: 18446744073709551616\r\n",
    ];
    let odd_chunked = [
        "transfer-encoding: CHUNKED\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: #\r\n",
        "Content-Length: x\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: a, b, c, d, e, chunked\r\n",
        "Transfer-Encoding: , ,chunked\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
    ];
    let not_chunked = [
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked,\r\n",
        "Transfer-Encoding: chunked;a=b\r\n",
        "Transfer-Encoding: \u{e9}, chunked\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: #\r\n",
    ];
    prop_oneof![
        6 => Just(Framing::Length("Content-Length: #\r\n")),
        6 => Just(Framing::Chunked("Transfer-Encoding: chunked\r\n")),
        2 => Just(Framing::UntilClose("")),
        2 => select(odd_lengths.to_vec()).prop_map(Framing::Length),
        2 => select(odd_chunked.to_vec()).prop_map(Framing::Chunked),
        1 => select(not_chunked.to_vec()).prop_map(Framing::UntilClose),
    ]
}

impl Framing {
    fn fields(&self, body: usize) -> String {
        let (Self::Length(fields) | Self::Chunked(fields) | Self::UntilClose(fields)) = self;
        fields.replace('#', &body.to_string())
    }

    fn is_chunked(&self) -> bool {
        matches!(self, Self::Chunked(_))
    }
}

/// How one chunk is written.
#[derive(Debug, Clone)]
struct Chunk {
    len: usize,
    upper: bool,
    zeros: usize,
    behind: &'static str,
    end: &'static str,
}

fn any_chunk() -> impl Strategy<Value = Chunk> {
    let behind = prop_oneof![
        60 => Just(""),
        20 => select(&[" ", "\t ", ";a", ";a=\"b c\"", " ; x", ";", ";\u{1}\u{e9}"][..]),
        1 => select(&[" 1", "g", ";\n", ";\r", "\u{e9}", ",", "."][..]),
    ];
    let end = prop_oneof![80 => Just("\r\n"), 1 => select(&["\n", "\r", "", "\r\n\r\n"][..])];
    let zeros = prop_oneof![9 => Just(0_usize), 1 => 0..20_usize];
    (1..30_usize, any::<bool>(), zeros, behind, end)
        .prop_map(|(len, upper, zeros, behind, end)| Chunk { len, upper, zeros, behind, end })
}

fn any_trailers() -> impl Strategy<Value = String> {
    prop_oneof![
        18 => Just(String::new()),
        6 => any_fields(1..3),
        1 => select(&["a\r\n", "a: b\n", "\n", "\r", ": a\r\n", "HTTP/1.1 200 OK\r\n"][..])
            .prop_map(str::to_owned),
    ]
}

/// Writes `body` in chunks of the lengths of `chunks`, the rest in one more.
fn write_chunks(bytes: &mut Vec<u8>, body: &[u8], chunks: &[Chunk], trailers: &str) {
    let plain = Chunk { len: usize::MAX, upper: false, zeros: 0, behind: "", end: "\r\n" };
    let mut rest = body;
    for chunk in chunks.iter().chain([&plain]) {
        if rest.is_empty() {
            break;
        }
        let (data, others) = rest.split_at(chunk.len.min(rest.len()));
        rest = others;
        let len = data.len();
        let size = if chunk.upper { format!("{len:X}") } else { format!("{len:x}") };
        bytes.extend(vec![b'0'; chunk.zeros]);
        bytes.extend([size.as_bytes(), chunk.behind.as_bytes(), b"\r\n", data].concat());
        bytes.extend(chunk.end.as_bytes());
    }
    bytes.extend(format!("0\r\n{trailers}\r\n").as_bytes());
}

/// Responses around the limits.
fn any_large_response() -> impl Strategy<Value = Vec<u8>> {
    let near = |limit: usize| limit - 4..limit + 5;
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    prop_oneof![
        (60..70_usize).prop_map(|n| {
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(n) + "HTTP/1.1 204 No Content\r\n\r\n"
        }),
        (60..140_usize)
            .prop_map(|n| format!("HTTP/1.1 204 No Content\r\n{}\r\n", "a: b\r\n".repeat(n))),
        near(1 << 16)
            .prop_map(|n| format!("HTTP/1.1 204 No Content\r\n{}: b\r\n\r\n", "a".repeat(n))),
        near(1 << 16)
            .prop_map(|n| format!("HTTP/1.1 204 No Content\r\na: {}\r\n\r\n", "b".repeat(n))),
        (90..110_usize).prop_map(move |n| format!("{chunked}0\r\n{}\r\n", "a: b\r\n".repeat(n))),
        near(16 * 1024)
            .prop_map(move |n| format!("{chunked}0\r\na: {}\r\n\r\n", "b".repeat(n - 7))),
        near(16 * 1024)
            .prop_map(move |n| format!("{chunked}1;{}\r\na\r\n0\r\n\r\n", "b".repeat(n))),
        near(1024).prop_map(move |n| format!("{chunked}{}1\r\na\r\n0\r\n\r\n", "0".repeat(n))),
        near(1024).prop_map(move |n| format!("{chunked}1{}\r\na\r\n0\r\n\r\n", " ".repeat(n))),
        near(1 << 17).prop_map(|n| {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {n}\r\n\r\n{}", "a".repeat(n))
        }),
        select(vec![0xffff_ffff_u64, 1 << 60, u64::MAX, (1 << 60) - 1])
            .prop_map(move |n| format!("{chunked}{n:x}\r\na\r\n0\r\n\r\n")),
        Just(format!("{chunked}10000000000000000\r\na\r\n0\r\n\r\n")),
    ]
    .prop_map(String::into_bytes)
}

fn any_garbage() -> impl Strategy<Value = Vec<u8>> {
    let words = ["HTTP/1.1 ", "200", " ", "\r\n", "\n", ":", "a", "0", ";", "\r", "chunked"];
    prop_oneof![
        vec(any::<u8>(), 0..80),
        vec(select(words.to_vec()), 0..30).prop_map(|words| words.concat().into_bytes()),
    ]
}

/// Something that happens to bytes.
#[derive(Debug, Clone)]
enum Damage {
    Change(Index, u8),
    Insert(Index, &'static str),
    Remove(Index, usize),
    Repeat(Index, usize),
    CutOff(Index),
}

fn any_damage() -> impl Strategy<Value = Damage> {
    let byte = prop_oneof![any::<u8>(), select(b"\r\n\0 :;,0f\t".to_vec())];
    let text = ["\r\n", "\n", "\r", " ", ":", "0\r\n\r\n", "\r\n\r\n", ",", "HTTP/1.1 200 OK\r\n"];
    prop_oneof![
        (any::<Index>(), byte).prop_map(|(at, byte)| Damage::Change(at, byte)),
        (any::<Index>(), select(text.to_vec())).prop_map(|(at, text)| Damage::Insert(at, text)),
        (any::<Index>(), 1..4_usize).prop_map(|(at, len)| Damage::Remove(at, len)),
        (any::<Index>(), 1..30_usize).prop_map(|(at, len)| Damage::Repeat(at, len)),
        any::<Index>().prop_map(Damage::CutOff),
    ]
}

impl Damage {
    fn done_to(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let (Self::Change(at, _)
        | Self::Insert(at, _)
        | Self::Remove(at, _)
        | Self::Repeat(at, _)
        | Self::CutOff(at)) = self;
        if bytes.is_empty() {
            return bytes;
        }
        let at = at.index(bytes.len());
        match self {
            Self::Change(_, byte) => bytes[at] = *byte,
            Self::Insert(_, text) => drop(bytes.splice(at..at, text.bytes())),
            Self::Remove(_, len) => drop(bytes.drain(at..(at + len).min(bytes.len()))),
            Self::Repeat(_, len) => {
                let again = bytes[at..(at + len).min(bytes.len())].to_vec();
                drop(bytes.splice(at..at, again));
            }
            Self::CutOff(_) => bytes.truncate(at),
        }
        bytes
    }
}
