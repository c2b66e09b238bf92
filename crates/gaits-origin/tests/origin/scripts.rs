//! Scripted replies: raw bytes in place of responses, and what becomes of the connection afterwards.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use gaits_origin::{Config, Origin, Script, Step};
use tokio::time::Instant;

use crate::logging::Lines;
use crate::wire::{Wire, arrived, get};

fn config(script: &str) -> Config {
    Config { script: Some(Script::parse(script).unwrap()), ..Config::default() }
}

fn scripted(script: &str) -> Origin {
    Origin::start(config(script)).unwrap()
}

/// A script for one path, /a, with one reply.
fn reply(steps: &str) -> String {
    format!(r#"{{"/a": [{steps}]}}"#)
}

const OK: &str = r#"{"send": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}"#;

/// A request for /a on a connection of its own, and all that comes until it ends.
fn all(origin: &Origin) -> std::io::Result<Vec<u8>> {
    let mut wire = Wire::open(origin);
    wire.send("GET", "/a?any=query", "");
    wire.rest()
}

#[test]
fn bytes_come_as_they_are_written() {
    let origin = scripted(&reply(
        r#"{"send": "é\r\n"}, {"base64": "/wA="}, {"zeros": 2}, {"repeat": 3, "steps": [{"send": "ab"}]}, "close""#,
    ));
    assert_eq!(all(&origin).unwrap(), b"\xc3\xa9\r\n\xff\0\0\0ababab");
    assert_eq!(get(&origin, "/uuid").status, 200);
}

#[test]
fn a_kept_connection_goes_on_with_normal_and_scripted_requests() {
    let origin = scripted(&reply(OK));
    let mut wire = Wire::open(&origin);
    for _ in 0..3 {
        assert_eq!(wire.get("/uuid").unwrap().length(), Some(53));
        assert_eq!(wire.get("/a").unwrap().body, b"ok");
        assert_eq!(wire.get("/a").unwrap().body, b"ok");
        assert_eq!(wire.post("/a", "text/plain", &vec![b'x'; 100_000]).body, b"ok");
        assert_eq!(wire.post("/post", "text/plain", b"x").json()["data"], "x");
    }
    assert_eq!((origin.connections(), origin.requests()), (1, 15));
}

#[test]
fn what_a_client_sends_during_a_reply_is_its_next_request() {
    let origin = scripted(&reply(&format!(r#"{{"send": "early"}}, {{"wait_ms": 30}}, {OK}"#)));
    let mut wire = Wire::open(&origin);
    wire.send("GET", "/a", "");
    assert_eq!(wire.some(5).unwrap(), b"early");
    wire.send("GET", "/status/201", "");
    assert_eq!(wire.response().unwrap().body, b"ok");
    assert_eq!(wire.response().unwrap().status, 201);
}

#[test]
fn replies_come_in_turn_over_all_connections_and_threads() {
    let reply = |body: &str| {
        format!(r#"[{{"send": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{body}"}}]"#)
    };
    let (one, two, three) = (reply("1"), reply("2"), reply("3"));
    let script = |then: &str| {
        format!(r#"{{"/a": {{"replies": [{one}, {two}, {three}], "then": "{then}"}}}}"#)
    };
    for (then, bodies) in [("last", "123333"), ("first", "123123")] {
        let threads = NonZeroUsize::new(3).unwrap();
        let origin = Origin::start(Config { threads, ..config(&script(then)) }).unwrap();
        let got: Vec<u8> = (0..6).flat_map(|_| get(&origin, "/a").body).collect();
        assert_eq!(got, bodies.as_bytes());
    }
    let origin = scripted(&script("normal"));
    let statuses: Vec<_> = (0..4).map(|_| get(&origin, "/a").status).collect();
    assert_eq!(statuses, [200, 200, 200, 404]);
}

#[test]
fn a_used_connection_has_a_reply_of_its_own() {
    let origin = scripted(&format!(r#"{{"/a": {{"replies": [[{OK}]], "reused": ["close"]}}}}"#));
    for first in ["/a", "/uuid"] {
        let mut wire = Wire::open(&origin);
        assert_eq!(wire.get(first).unwrap().status, 200);
        wire.send("GET", "/a", "");
        assert_eq!(wire.rest().unwrap(), b"");
    }
}

#[test]
fn each_end_of_a_connection_is_what_it_says() {
    let head = r#"{"send": "half"}"#;
    for end in ["close", "drop"] {
        let origin = scripted(&reply(&format!(r#"{head}, "{end}""#)));
        assert_eq!(all(&origin).unwrap(), b"half", "{end}");
    }
    let origin = scripted(&reply(r#""reset""#));
    assert_eq!(all(&origin).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let origin = scripted(&reply(&format!(r#"{head}, "stall""#)));
    let mut wire = Wire::open(&origin);
    wire.send("GET", "/a", "");
    assert_eq!(wire.some(4).unwrap(), b"half");
    assert!(wire.is_silent());
}

#[test]
fn waits_and_drips_take_their_time() {
    let origin = scripted(&reply(
        r#"{"send": "a"}, {"wait_ms": 40}, {"drip": "bcd", "gap_ms": 20}, "close""#,
    ));
    let start = Instant::now();
    let mut wire = Wire::open(&origin);
    wire.send("GET", "/a", "");
    assert_eq!(wire.some(1).unwrap(), b"a");
    assert_eq!(wire.some(1).unwrap(), b"b");
    assert!(start.elapsed() >= Duration::from_millis(40));
    assert_eq!(wire.rest().unwrap(), b"cd");
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[test]
fn what_never_ends_goes_on_until_its_client_leaves() {
    for steps in [r#"{"repeat": "forever", "steps": [{"send": "x"}]}"#, r#""stall""#] {
        let capacity = NonZeroUsize::new(1);
        let origin = Origin::start(Config { capacity, ..config(&reply(steps)) }).unwrap();
        let mut endless = Wire::open(&origin);
        endless.send("GET", "/a", "");
        if steps.contains("forever") {
            assert_eq!(endless.some(100_000).unwrap(), vec![b'x'; 100_000]);
        }
        arrived(&origin, 1);
        let mut waiting = Wire::open(&origin);
        waiting.send("GET", "/uuid", "");
        arrived(&origin, 2);
        drop(endless);
        // It had the only place until then.
        assert_eq!(waiting.response().unwrap().status, 200);
        assert_eq!(origin.max_in_service(), 1);
    }
}

#[test]
fn a_request_that_is_not_scripted_is_not_held_up_by_one_without_end() {
    let origin = scripted(&reply(r#"{"repeat": "forever", "steps": [{"send": "x"}]}"#));
    let mut endless = Wire::open(&origin);
    endless.send("GET", "/a", "");
    endless.some(100_000).unwrap();
    for _ in 0..10 {
        assert_eq!(get(&origin, "/uuid").status, 200);
        endless.some(100_000).unwrap();
    }
}

#[test]
fn limits_hold_for_scripted_requests_and_faults_do_not() {
    let faults = "reset:1".parse().unwrap();
    let latency = Duration::from_millis(30);
    let rate_limit = Some(0.001);
    let origin =
        Origin::start(Config { faults, latency, rate_limit, ..config(&reply(OK)) }).unwrap();
    let start = Instant::now();
    assert_eq!(get(&origin, "/a").body, b"ok");
    assert!(start.elapsed() >= latency);
    assert_eq!(get(&origin, "/a").status, 429);
    assert_eq!(origin.requests(), 2);
}

#[test]
fn bandwidth_holds_for_scripted_replies() {
    let bandwidth = NonZeroU64::new(100_000);
    let steps = r#"{"zeros": 10000}, "close""#;
    let origin = Origin::start(Config { bandwidth, ..config(&reply(steps)) }).unwrap();
    let start = Instant::now();
    assert_eq!(all(&origin).unwrap().len(), 10_000);
    // 100 ms, less the first portion and what may be made up for.
    assert!(start.elapsed() >= Duration::from_millis(70));
}

#[test]
fn a_reply_may_come_before_the_requests_body() {
    for (read_body, waits) in [("true", true), ("false", false)] {
        let origin = scripted(&format!(
            r#"{{"/a": {{"replies": [[{OK}, "close"]], "read_body": {read_body}}}}}"#
        ));
        let mut wire = Wire::open(&origin);
        wire.send("POST", "/a", "Content-Length: 10\r\n");
        arrived(&origin, 1);
        if waits {
            assert!(wire.is_silent());
            wire.write("0123456789");
        }
        assert_eq!(wire.response().unwrap().body, b"ok", "{read_body}");
    }
}

#[test]
fn scripted_requests_are_in_the_access_log() {
    let log = Lines::default();
    let origin = log.start(config(&reply(OK)));
    let mut wire = Wire::open(&origin);
    wire.get("/a?b=c").unwrap();
    wire.get("/uuid").unwrap();
    drop(origin);
    let lines = log.read();
    assert_eq!(lines[0]["path"], "/a?b=c");
    assert_eq!((&lines[0]["status"], &lines[0]["bytes"]), (&serde_json::Value::Null, &40.into()));
    assert_eq!((&lines[0]["outcome"], &lines[1]["outcome"]), (&"scripted".into(), &"sent".into()));
}

#[test]
fn scripts_are_made_in_rust_as_well() {
    let bytes: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff";
    let script = Script::default()
        .with("/a", [vec![Step::Reset], vec![Step::send(bytes), Step::Close]])
        .unwrap()
        .with("/b", [vec![Step::send("HTTP/1.1 204 No Content\r\n\r\n")]])
        .unwrap();
    let origin = Origin::start(Config { script: Some(script), ..Config::default() }).unwrap();
    assert_eq!(all(&origin).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(get(&origin, "/a").body, [0xff]);
    assert_eq!(get(&origin, "/b").status, 204);
}

#[test]
fn a_dropped_origin_ends_scripted_replies() {
    let origin = scripted(r#"{"/a": ["stall"], "/b": [{"send": "x"}, {"wait_ms": 3600000}]}"#);
    let mut clients: Vec<Wire<TcpStream>> = ["/a", "/b"]
        .into_iter()
        .map(|path| {
            let mut wire = Wire::open(&origin);
            wire.send("GET", path, "");
            wire
        })
        .collect();
    arrived(&origin, 2);
    assert_eq!(clients[1].some(1).unwrap(), b"x");
    drop(origin);
    for client in &mut clients {
        assert_eq!(client.rest().unwrap(), b"");
    }
}

#[test]
fn the_example_on_the_page_about_scripts_is_one() {
    const PAGE: &str = include_str!("../../../../docs/origin.md");
    let (_, section) = PAGE.split_once("## Scripts").unwrap();
    let (_, example) = section.split_once("```json").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let origin = scripted(example);
    let mut wire = Wire::open(&origin);
    wire.send("GET", "/cut", "");
    assert_eq!(wire.head().unwrap().length(), Some(10));
    assert_eq!(wire.rest().unwrap(), b"hello");
    let mut reset = Wire::open(&origin);
    assert_eq!(reset.get("/flaky").unwrap_err().kind(), ErrorKind::ConnectionReset);
    let statuses: Vec<_> = (0..3).map(|_| get(&origin, "/flaky").status).collect();
    assert_eq!(statuses, [503, 200, 200]);
    let mut endless = Wire::open(&origin);
    endless.send("GET", "/endless", "");
    endless.head().unwrap();
    assert_eq!(endless.some(20).unwrap(), b"4000\r\nmore and more\n");
}
