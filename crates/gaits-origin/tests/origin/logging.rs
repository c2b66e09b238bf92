//! The access log: what each request leaves in it.

use std::io::{self, Write};
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::{Arc, Mutex};

use gaits_origin::{AccessLog, Config, Origin};
use serde_json::{Value, json};

use crate::wire::{Wire, arrived};

/// A log in memory.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    pub(crate) fn start(&self, config: Config) -> Origin {
        let access_log = Some(AccessLog::writer(self.clone()));
        Origin::start(Config { access_log, ..config }).unwrap()
    }

    /// Waits until there are so many lines.
    pub(crate) fn wait_for(&self, count: usize) {
        while self.read().len() < count {
            std::thread::yield_now();
        }
    }

    /// The lines so far, in the order of sequence numbers.
    pub(crate) fn read(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let line = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        let mut lines: Vec<_> = text.lines().map(line).collect();
        lines.sort_by_key(|line| line["sequence"].as_u64());
        lines
    }
}

/// Status, bytes and outcome.
fn ends(lines: &[Value]) -> Vec<(&Value, &Value, &str)> {
    lines
        .iter()
        .map(|line| (&line["status"], &line["bytes"], line["outcome"].as_str().unwrap()))
        .collect()
}

#[test]
fn each_request_leaves_a_line_that_tells_it() {
    let log = Lines::default();
    let origin = log.start(Config::default());
    let mut wire = Wire::open(&origin);
    wire.get("/uuid?a=%20b").unwrap();
    wire.get("/bytes/300000").unwrap();
    wire.get("/nothing").unwrap();
    wire.send("HEAD", "/uuid", "");
    wire.head().unwrap();
    wire.post("/post", "text/plain", b"abc");
    wire.get("/status/204").unwrap();
    let peer = wire.peer();
    drop(origin);
    let lines = log.read();
    for (sequence, (method, path, status, bytes)) in [
        ("GET", "/uuid?a=%20b", 200, Some(53)),
        ("GET", "/bytes/300000", 200, Some(300_000)),
        ("GET", "/nothing", 404, None),
        ("HEAD", "/uuid", 200, Some(0)),
        ("POST", "/post", 200, None),
        ("GET", "/status/204", 204, Some(0)),
    ]
    .into_iter()
    .enumerate()
    {
        let line = &lines[sequence];
        assert_eq!(line["sequence"], sequence);
        assert_eq!((&line["method"], &line["path"]), (&json!(method), &json!(path)));
        assert_eq!((&line["status"], &line["outcome"]), (&json!(status), &json!("sent")), "{path}");
        assert!(bytes.is_none_or(|bytes| line["bytes"] == bytes), "{line}");
        assert_eq!(line["peer"], peer);
        assert!(line["time"].as_f64().unwrap() > 1.7e9 && line["duration_us"].is_u64());
    }
    assert_eq!(lines.len(), 6);
}

#[test]
fn statuses_without_content_are_sent_without_content() {
    let log = Lines::default();
    let origin = log.start(Config::default());
    let mut wire = Wire::open(&origin);
    for status in [204, 205, 304] {
        assert_eq!(wire.get(&format!("/drip?code={status}")).unwrap().status, status);
    }
    drop(origin);
    let sent = |status| (status, json!(0), "sent");
    let expected = [204, 205, 304].map(|status| sent(json!(status)));
    let lines = log.read();
    let seen = ends(&lines);
    assert!(expected.iter().map(|(a, b, c)| (a, b, *c)).eq(seen.iter().copied()), "{seen:?}");
}

#[test]
fn a_duration_counts_from_the_head_to_the_end() {
    let log = Lines::default();
    let origin = log.start(Config::default());
    let mut wire = Wire::open(&origin);
    wire.get("/delay/0.03").unwrap();
    wire.get("/drip?duration=0.03").unwrap();
    drop(origin);
    for line in log.read() {
        assert!(line["duration_us"].as_u64().unwrap() >= 30_000, "{line}");
    }
}

#[test]
fn faults_and_refusals_are_told_as_what_they_were() {
    for (faults, end) in [
        ("reset:1", (json!(null), json!(0), "broken")),
        ("truncate:1", (json!(200), json!(26), "broken")),
        ("503:1", (json!(503), json!(75), "sent")),
    ] {
        let log = Lines::default();
        let origin = log.start(Config { faults: faults.parse().unwrap(), ..Config::default() });
        let mut wire = Wire::open(&origin);
        let _ = wire.get("/uuid");
        drop(origin);
        assert_eq!(ends(&log.read()), [(&end.0, &end.1, end.2)], "{faults}");
    }
    let log = Lines::default();
    let origin = log.start(Config { rate_limit: Some(0.001), ..Config::default() });
    let mut wire = Wire::open(&origin);
    wire.get("/uuid").unwrap();
    wire.get("/uuid").unwrap();
    drop(origin);
    let lines = log.read();
    assert_eq!((&lines[0]["status"], &lines[1]["status"]), (&json!(200), &json!(429)));
}

#[test]
fn clients_that_leave_are_told_apart() {
    let log = Lines::default();
    let capacity = NonZeroUsize::new(1);
    let origin = log.start(Config { capacity, ..Config::default() });
    let mut served = Wire::open(&origin);
    served.send("GET", "/bytes/1099511627776", "");
    served.head().unwrap();
    let mut queued = Wire::open(&origin);
    queued.send("GET", "/uuid", "");
    arrived(&origin, 2);
    drop(queued);
    log.wait_for(1);
    drop(served);
    // The queue is free again once both are gone.
    assert_eq!(Wire::open(&origin).get("/uuid").unwrap().status, 200);
    drop(origin);
    let lines = log.read();
    let [(status, bytes, outcome), waiting, (.., last)] = ends(&lines).try_into().unwrap();
    assert_eq!((status, outcome, last), (&json!(200), "gone", "sent"));
    assert!(bytes.as_u64().unwrap() > 0);
    assert_eq!(waiting, (&json!(null), &json!(0), "gone"));
}

#[test]
fn a_response_is_sent_when_its_connection_has_taken_all_of_it() {
    let log = Lines::default();
    let bandwidth = NonZeroU64::new(100_000);
    let origin = log.start(Config { bandwidth, ..Config::default() });
    Wire::open(&origin).get("/bytes/30000").unwrap();
    log.wait_for(1);
    let mut leaving = Wire::open(&origin);
    leaving.send("GET", "/bytes/300000", "");
    leaving.head().unwrap();
    drop(leaving);
    log.wait_for(2);
    let lines = log.read();
    // 300 ms, less the first portion and what may be made up for.
    assert!(lines[0]["duration_us"].as_u64().unwrap() >= 260_000, "{lines:?}");
    let [(.., first), (status, _, second)] = ends(&lines).try_into().unwrap();
    assert_eq!((first, status, second), ("sent", &json!(200), "gone"));
}

#[test]
fn a_client_that_leaves_in_its_own_body_is_gone() {
    for rate_limit in [None, Some(f64::MIN_POSITIVE)] {
        let log = Lines::default();
        let origin = log.start(Config { rate_limit, ..Config::default() });
        let mut wire = Wire::open(&origin);
        wire.get("/uuid").unwrap();
        for framing in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
            let mut wire = Wire::open(&origin);
            wire.send("POST", "/anything", &format!("{framing}\r\n"));
            wire.write("5\r\nab");
            drop(wire);
        }
        log.wait_for(3);
        let lines = log.read();
        let gone = (&json!(null), &json!(0), "gone");
        assert_eq!(ends(&lines)[1..], [gone, gone]);
    }
}

#[test]
fn a_stalled_request_has_its_line_when_it_ends() {
    let log = Lines::default();
    let origin = log.start(Config { faults: "stall:1".parse().unwrap(), ..Config::default() });
    let mut wire = Wire::open(&origin);
    wire.send("GET", "/status/204", "");
    arrived(&origin, 1);
    assert!(log.read().is_empty());
    drop(wire);
    log.wait_for(1);
    let lines = log.read();
    assert_eq!(ends(&lines), [(&json!(null), &json!(0), "broken")]);
}

#[test]
fn several_threads_write_one_log() {
    let log = Lines::default();
    let threads = NonZeroUsize::new(3).unwrap();
    let origin = log.start(Config { threads, ..Config::default() });
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut wire = Wire::open(&origin);
                for _ in 0..50 {
                    wire.get("/uuid").unwrap();
                }
            });
        }
    });
    drop(origin);
    let sequences: Vec<_> =
        log.read().iter().map(|line| line["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (0..300).collect::<Vec<_>>());
}

#[test]
fn a_file_is_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.jsonl");
    for lines in 1..=2 {
        let access_log = Some(AccessLog::file(&path).unwrap());
        let origin = Origin::start(Config { access_log, ..Config::default() }).unwrap();
        crate::wire::get(&origin, "/uuid");
        drop(origin);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), lines, "{text}");
        assert!(text.ends_with('\n'));
    }
    assert!(AccessLog::file(&dir.path().join("no/such/folder")).is_err());
}
