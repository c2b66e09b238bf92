//! Servers that are silent or slow, over both protocols.

use crate::harness::{Finished, gaits};
use gaits_core::ErrorKind;
use gaits_origin::{Config, Origin};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

fn fetch(url: &str, words: &str) -> Finished {
    gaits(&format!("fetch -k -q --retries 0 --timeout 0 {words} {url}")).run()
}

#[track_caller]
fn fails(url: &str, words: &str, kind: ErrorKind, wanted: &str) {
    let message = fetch(url, words).expect_exit(1).records().expect_one_failure(kind);
    assert!(message.contains(wanted), "{words}: {message}");
}

/// A server that answers each request with `first`, and then with `again` until its client is gone.
fn endless(first: &'static [u8], again: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    crate::harness::spawn("endless", move || {
        for stream in listener.incoming().flatten() {
            crate::harness::spawn("endless connection", move || drop(pour(stream, first, again)));
        }
    });
    url
}

fn pour(mut stream: TcpStream, first: &[u8], again: &[u8]) -> std::io::Result<()> {
    if stream.read(&mut [0; 4096])? == 0 {
        return Ok(());
    }
    stream.write_all(first)?;
    loop {
        stream.write_all(again)?;
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn an_answer_that_does_not_begin_is_given_up() {
    for tls in [false, true] {
        let config =
            Config { tls, latency: std::time::Duration::from_hours(1), ..Config::default() };
        let origin = Origin::start(config).unwrap();
        for words in ["--first-byte-timeout 50ms", "--first-byte-timeout 50ms -d x=1"] {
            let wanted = "the answer has not begun within 0.05 s of the request";
            fails(&origin.url("/anything"), words, ErrorKind::Timeout, wanted);
        }
    }
    let interim = endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n");
    let end = fetch(&interim, "--first-byte-timeout 20ms").expect_exit(1);
    // So many may come in that time that they themselves are too many.
    assert!(end.stdout.contains("has not begun") || end.stdout.contains("interim"), "{end:?}");
    let origin = Origin::start(Config::default()).unwrap();
    fetch(&origin.url("/json"), "--first-byte-timeout 1h --stall-timeout 1h --min-rate 1/s")
        .expect_exit(0);
}

#[test]
fn a_body_that_stands_still_is_given_up() {
    for tls in [false, true] {
        let faults = "stall:1".parse().unwrap();
        let origin = Origin::start(Config { tls, faults, ..Config::default() }).unwrap();
        for words in ["--stall-timeout 50ms", "--stall-timeout 50ms --min-rate 1/s"] {
            let wanted = "no data for 0.05 s, after ";
            fails(&origin.url("/bytes/100000"), words, ErrorKind::Stalled, wanted);
        }
        fails(
            &origin.url("/bytes/100000"),
            "--min-rate 1MB/s --min-rate-time 40ms",
            ErrorKind::Stalled,
            "in 0.04 s, less than 1000000 bytes/s",
        );
    }
}

#[test]
fn a_body_that_only_drips_is_too_slow_and_what_holds_no_data_moves_nothing() {
    let dripping = endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n");
    fails(&dripping, "--min-rate 1MB/s --min-rate-time 50ms", ErrorKind::Stalled, "too slow: ");
    // The length of a chunk, with zeros in front of it without end, or an extension that never ends.
    let nothing =
        endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1;", b"x");
    let end = fetch(&nothing, "--stall-timeout 100ms").expect_exit(1);
    assert!(end.stdout.contains("no data for 0.1 s, after 5 bytes"), "{end:?}");
}

#[test]
fn limits_that_nothing_can_keep_are_refused() {
    for (words, wanted) in [
        ("--min-rate 0", "it is 0"),
        ("--min-rate fast", "is not a rate such as 500/s"),
        (
            "--min-rate 1/s --min-rate-time 0",
            "'0' for '--min-rate-time <TIME>': it is 0, in which nothing can come; give a time such as 10s",
        ),
        ("--min-rate-time 5s", "--min-rate <RATE>"),
        ("--stall-timeout soon", "is not a duration"),
    ] {
        gaits(&format!("fetch http://127.0.0.1:9/ {words}")).run().expect_refused(wanted);
    }
}

#[test]
fn a_handshake_that_does_not_end_is_given_up() {
    // It takes connections, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let wanted = format!("the TLS handshake with {address} took longer than 0.05 s");
    let words = "--tls-timeout 50ms --connect-timeout 0";
    fails(&format!("https://{address}/"), words, ErrorKind::ConnectTimeout, &wanted);
    let origin = Origin::start(Config { tls: true, ..Config::default() }).unwrap();
    fetch(&origin.url("/json"), "--tls-timeout 1h --dns-timeout 1h").expect_exit(0);
}
