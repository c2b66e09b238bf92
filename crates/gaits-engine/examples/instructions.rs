//! Does one operation of this crate a given number of times: `instructions NAME COUNT`.
//!
//! `bench/instructions` runs it under valgrind and compares the instructions of one operation with a limit. It measures
//! nothing itself.

use gaits_core::{Record, Sink};
use gaits_engine::sink::JsonLines;
use std::hint::black_box;
use std::io;

/// A record as most of a run's are: fetched, with everything measured.
const FETCHED: &str = r#"{"index":123456,"item":"http://127.0.0.1:8080/small?123456","outcome":"ok","attempts":1,"worker":{"pid":4711,"tid":4712,"slot":0},"queued_us":1200345,"started_us":1200412,"finished_us":1200987,"cpu_us":14,"http":{"status":200,"version":"HTTP/1.1","url":"http://127.0.0.1:8080/small?123456","redirects":0,"bytes":50,"decoded_bytes":50,"blake3":"af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262","reused":true,"dns_us":0,"connect_us":0,"tls_us":0,"first_byte_us":560,"body_us":3}}"#;

/// A record of a failure, whose message has characters to escape.
const FAILED: &str = r#"{"index":7,"item":"https://example.com/\"quoted\"","outcome":"failed","error":{"kind":"tls","message":"the certificate is for \"example.org\"\nand not for this host"},"attempts":3,"worker":{"pid":4711,"tid":4712,"slot":0},"queued_us":10,"started_us":25,"finished_us":30042,"cpu_us":310,"http":{"url":"https://example.com/\"quoted\"","redirects":0,"bytes":0,"decoded_bytes":0,"reused":false,"dns_us":12,"connect_us":240,"tls_us":29000,"first_byte_us":0,"body_us":0}}"#;

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, count] = arguments.as_slice() else {
        return Err("usage: instructions NAME COUNT".into());
    };
    let count: u32 = count.parse().map_err(|error| format!("{count}: {error}"))?;
    match name.as_str() {
        "record-fetched" => write_records(FETCHED, count),
        "record-failed" => write_records(FAILED, count),
        _ => Err(format!("{name} is none of record-fetched, record-failed")),
    }
}

/// Writes a record as a JSON line.
fn write_records(line: &str, count: u32) -> Result<(), String> {
    let record: Record = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let mut sink = JsonLines::stream(io::sink());
    for _ in 0..count {
        sink.write(black_box(&record)).map_err(|error| error.to_string())?;
    }
    sink.finish().map_err(|error| error.to_string())
}
