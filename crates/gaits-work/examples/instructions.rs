//! Does one operation of this crate a given number of times: `instructions NAME COUNT`.
//!
//! `bench/instructions` runs it under valgrind and compares the instructions of one operation with a limit. It measures
//! nothing itself.

use gaits_work::http::h1::{AnswerTo, LastHead, Prepared, Reader, write_head};
use std::hint::black_box;

/// What nginx answers: a head of 8 fields and a body of 50 bytes.
const ANSWER: &str = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 20:29:11 GMT\r\n\
    Content-Type: application/octet-stream\r\nContent-Length: 50\r\nLast-Modified: Sun, 22 Nov 2026 20:28:57 GMT\r\n\
    Connection: keep-alive\r\nETag: \"6a1f3c59-32\"\r\nAccept-Ranges: bytes\r\n\r\n\
    01234567890123456789012345678901234567890123456789";

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, count] = arguments.as_slice() else {
        return Err("usage: instructions NAME COUNT".into());
    };
    let count: u32 = count.parse().map_err(|error| format!("{count}: {error}"))?;
    match name.as_str() {
        "answer-read" => {
            let a_second_later = ANSWER.replace("20:29:11", "20:29:12");
            read_answers(count, [ANSWER, &a_second_later])
        }
        "answer-read-again" => read_answers(count, [ANSWER, ANSWER]),
        "head-composed" => compose_heads(count),
        _ => Err(format!("{name} is none of answer-read, answer-read-again, head-composed")),
    }
}

/// Reads whole answers, heads and bodies: these two in turn.
fn read_answers(count: u32, answers: [&str; 2]) -> Result<(), String> {
    let mut last = LastHead::default();
    for answer in answers.iter().cycle().take(count as usize) {
        let mut bytes = black_box(answer.as_bytes());
        let mut reader = Reader::new(AnswerTo::Other);
        let fields = reader
            .head_again(&mut bytes, &mut last, |head, framing| {
                black_box(framing);
                head.fields.len()
            })
            .map_err(|malformed| malformed.to_string())?;
        let body = reader.body(&mut bytes).map_err(|malformed| malformed.to_string())?;
        if fields != Some(8) || body.map(<[u8]>::len) != Some(50) || !reader.is_done() {
            return Err("the answer was not read whole".into());
        }
    }
    Ok(())
}

/// Writes the head of a GET request.
fn compose_heads(count: u32) -> Result<(), String> {
    let prepared = Prepared::new([
        ("Host", "127.0.0.1:8080"),
        ("User-Agent", "gaits"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ])
    .map_err(|error| error.to_string())?;
    let mut head = Vec::new();
    for _ in 0..count {
        head.clear();
        let extra = std::iter::empty::<(&str, &str)>();
        write_head(&mut head, black_box("GET"), black_box("/small?123456"), &prepared, extra)
            .map_err(|error| error.to_string())?;
        black_box(&head);
    }
    Ok(())
}
