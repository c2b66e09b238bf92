//! Servers that want to be left alone, where the item that hears it is another server's, or on its way already.

use crate::harness::{gaits, spawn};
use gaits_core::Clock;
use gaits_engine::MonotonicClock;
use gaits_origin::{Config, Origin};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// An origin whose every answer is 429 with this time.
fn refusing(retry_after: &str) -> Origin {
    let (faults, retry_after) = ("429:1".parse().unwrap(), retry_after.parse().unwrap());
    Origin::start(Config { faults, retry_after, ..Config::default() }).unwrap()
}

/// The URL of `path` at `origin`, under another name of its host than its own URLs have.
fn elsewhere(origin: &Origin, path: &str) -> String {
    format!("http://localhost:{}{path}", origin.addr().port())
}

#[test]
fn a_redirect_to_a_site_that_wants_to_be_left_alone_holds_up_no_other_item_of_the_first() {
    let (first, second) = (Origin::start(Config::default()).unwrap(), refusing("7200"));
    let to = elsewhere(&second, "/uuid");
    let there = first.url(&format!("/redirect-to?url={to}"));
    for model in ["sequential", "async:4", "processes:2/async:2"] {
        let sent = second.requests();
        let urls = format!("{there} {} {there} {}", first.url("/uuid"), first.url("/get"));
        let end = gaits(&format!("fetch {urls} --count 80 -m {model} --retries 0")).run();
        let end = end.expect_exit(4);
        let end = end.expect_stderr_contains(&format!(
            "http://localhost:{} is given up",
            second.addr().port()
        ));
        let records = end.records();
        assert!(records.len() == 40 && records.iter().all(|record| record.outcome.is_ok()));
        // Those that were under way when the first heard it.
        let heard = second.requests() - sent;
        assert!((1..=4).contains(&heard), "{model}: {heard} requests");
    }
}

#[test]
fn an_item_that_was_led_to_a_site_waits_for_its_pause_and_is_no_failure() {
    let first = Origin::start(Config::default()).unwrap();
    let second = Origin::start(Config { rate_limit: Some(20.0), ..Config::default() }).unwrap();
    let there = first.url(&format!("/redirect-to?url={}", elsewhere(&second, "/uuid")));
    let end = gaits(&format!("fetch {there} --count 30 -m async:10 --retries 0")).run();
    let records = end.expect_exit(0).records().expect_all_ok(30);
    assert!(records.iter().all(|record| record.attempts == 1 && record.tries.is_empty()));
}

/// What has come to a server, and when, in microseconds.
struct Seen {
    clock: MonotonicClock,
    paths: Mutex<Vec<(String, u64)>>,
    changed: Condvar,
}

impl Seen {
    /// Something has happened.
    fn note(&self, what: &str) {
        self.paths.lock().unwrap().push((what.to_owned(), self.clock.now_us()));
        self.changed.notify_all();
    }

    /// When `path` was asked for first; waits for that.
    fn first(&self, path: &str) -> u64 {
        let is_there = |paths: &Vec<(String, u64)>| paths.iter().any(|(seen, _)| seen == path);
        let paths = self.paths.lock().unwrap();
        let paths = self.changed.wait_while(paths, |paths| !is_there(paths)).unwrap();
        paths.iter().find(|(seen, _)| seen == path).unwrap().1
    }

    /// Answers what comes over `stream`: `/busy` asks for a second of peace the first time, and `/slow` leads to `/after`, but
    /// not before that was heard.
    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                if reader.read_until(b'\n', &mut head)? == 0 {
                    return Ok(());
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let is_first = {
                let mut paths = self.paths.lock().unwrap();
                paths.push((path.clone(), self.clock.now_us()));
                paths.iter().filter(|(seen, _)| *seen == path).count() == 1
            };
            let answer = match &*path {
                "/busy" if is_first => "429 Too Many Requests\r\nretry-after: 1",
                "/slow" => {
                    self.first("heard");
                    "302 Found\r\nlocation: /after"
                }
                _ => "200 OK",
            };
            write!(&*stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n")?;
        }
    }
}

#[test]
fn a_redirect_is_not_followed_in_a_pause_that_began_while_it_was_waited_for() {
    for model in ["async:2", "threads:2"] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let clock = MonotonicClock::start();
        let seen = Arc::new(Seen { clock, paths: Mutex::default(), changed: Condvar::new() });
        let theirs = Arc::clone(&seen);
        spawn("server", move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&theirs);
                spawn("connection", move || drop(seen.serve(&stream)));
            }
        });
        let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
        let fetch = format!("fetch {} {} -m {model}", url("/slow"), url("/busy"));
        let running = gaits(&fetch).start();
        running.wait_for_stderr("wants to be left alone");
        seen.note("heard");
        let records = running.finish().expect_exit(0).records().expect_all_ok(2);
        assert!(records.iter().all(|record| record.attempts == 1), "{model}");
        let (busy, after) = (seen.first("/busy"), seen.first("/after"));
        assert!(after - busy >= 1_000_000, "{model}: {} us", after - busy);
    }
}
