//! How responses are broken over HTTP/1.1. Over HTTP/2: see `protocols`.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use gaits_origin::{Config, Faults, Origin, RetryAfter, Tail};

use crate::wire::{Wire, arrived};

fn faulty(faults: &str, seed: u64) -> Origin {
    Origin::start(Config { faults: faults.parse().unwrap(), seed, ..Config::default() }).unwrap()
}

#[test]
fn a_reset_is_a_tcp_reset_without_a_response() {
    let origin = faulty("reset:1", 0);
    for path in ["/json", "/status/204", "/bytes/1000000"] {
        assert_eq!(
            Wire::open(&origin).get(path).unwrap_err().kind(),
            ErrorKind::ConnectionReset,
            "{path}"
        );
    }
    assert_eq!(origin.requests(), 3);
}

#[test]
fn a_truncated_body_ends_half_way() {
    let origin = faulty("truncate:1", 0);
    for (path, length, half) in [
        ("/bytes/1000001", 1_000_001, 500_000),
        ("/uuid", 53, 26),
        ("/bytes/1", 1, 0),
        ("/drip?numbytes=4&duration=0.01", 4, 2),
    ] {
        let mut wire = Wire::open(&origin);
        wire.send("GET", path, "");
        let head = wire.head().unwrap();
        assert_eq!((head.status, head.length()), (200, Some(length)), "{path}");
        assert_eq!(wire.rest().unwrap().len(), half, "{path}");
    }
}

#[test]
fn a_slow_response_is_truncated_in_its_body_as_well() {
    let (bandwidth, faults) = (NonZeroU64::new(2_000), "truncate:1".parse().unwrap());
    let origin = Origin::start(Config { bandwidth, faults, ..Config::default() }).unwrap();
    let mut wire = Wire::open(&origin);
    wire.send("GET", "/bytes/200", "");
    assert_eq!(wire.head().unwrap().length(), Some(200));
    assert_eq!(wire.rest().unwrap().len(), 100);
}

#[test]
fn a_response_without_a_body_is_truncated_before_its_head() {
    let origin = faulty("truncate:1", 0);
    for (method, path) in [("HEAD", "/json"), ("GET", "/status/204"), ("GET", "/bytes/0")] {
        let mut wire = Wire::open(&origin);
        wire.send(method, path, "");
        assert_eq!(wire.rest().unwrap(), b"", "{method} {path}");
    }
}

#[test]
fn a_stalled_response_shows_its_head_or_half_of_its_body() {
    let mut halves = 0;
    for seed in 0..8 {
        let origin = faulty("stall:1", seed);
        let mut wire = Wire::open(&origin);
        wire.send("GET", "/bytes/100", "");
        assert_eq!(wire.head().unwrap().length(), Some(100));
        if !wire.is_silent() {
            // One byte went to finding out.
            wire.some(49).unwrap();
            assert!(wire.is_silent());
            halves += 1;
        }
    }
    assert!((1..8).contains(&halves), "{halves} of 8 stalled in the body");
}

#[test]
fn a_stalled_response_without_a_body_shows_nothing() {
    let origin = faulty("stall:1", 0);
    for (method, path) in [("HEAD", "/json"), ("GET", "/status/204")] {
        let mut wire = Wire::open(&origin);
        wire.send(method, path, "");
        assert!(wire.is_silent(), "{method} {path}");
    }
}

#[test]
fn a_stall_ends_when_its_client_goes_away() {
    for path in ["/json", "/status/204"] {
        let faults = "stall:1".parse().unwrap();
        let config = Config { faults, capacity: NonZeroUsize::new(1), ..Config::default() };
        let origin = Origin::start(config).unwrap();
        let mut first = Wire::open(&origin);
        first.send("GET", path, "");
        arrived(&origin, 1);
        let mut second = Wire::open(&origin);
        second.send("GET", "/json", "");
        arrived(&origin, 2);
        drop(first);
        assert_eq!(second.head().unwrap().status, 200, "{path}");
    }
}

/// What became of each of a number of requests, sent one after the other.
fn outcomes(origin: &Origin) -> String {
    let mut wire: Option<Wire<TcpStream>> = None;
    let outcome = |_| {
        let connection = wire.get_or_insert_with(|| Wire::open(origin));
        let letter = match connection.get("/uuid") {
            Ok(_) => return '.',
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 'r',
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => 't',
            Err(error) => panic!("{error}"),
        };
        wire = None;
        letter
    };
    (0..60).map(outcome).collect()
}

#[test]
fn faults_follow_the_seed_and_the_sequence_of_requests() {
    let first = outcomes(&faulty("reset:0.2,truncate:0.3", 7));
    for letter in ['.', 'r', 't'] {
        assert!(first.contains(letter), "{first}");
    }
    assert_eq!(outcomes(&faulty("reset:0.2,truncate:0.3", 7)), first);
    assert_ne!(outcomes(&faulty("reset:0.2,truncate:0.3", 8)), first);
}

fn replaced(faults: &str, retry_after: &str, path: &str) -> (u16, Option<String>) {
    let (faults, retry_after) = (faults.parse().unwrap(), retry_after.parse().unwrap());
    let config = Config { faults, retry_after, ..Config::default() };
    let origin = Origin::start(config).unwrap();
    let mut wire = Wire::open(&origin);
    let first = wire.get(path).unwrap();
    assert_eq!(first.json()["status"], first.status);
    // The connection can be used again.
    let again = wire.get(path).unwrap();
    assert_eq!((again.status, origin.connections()), (first.status, 1));
    (first.status, first.header("retry-after").map(str::to_owned))
}

#[test]
fn a_status_replaces_the_response_and_says_when_to_retry() {
    for (retry_after, field) in [
        ("7", Some("7")),
        ("0", Some("0")),
        ("none", None),
        ("soon", Some("soon")),
        ("-1", Some("-1")),
    ] {
        for status in [429, 503] {
            let faults = format!("{status}:1");
            let seen = replaced(&faults, retry_after, "/bytes/100000");
            assert_eq!(seen, (status, field.map(str::to_owned)), "{retry_after}");
        }
    }
    // Asked for in this order, the dates are apart as they say, however long each takes.
    let [before, ahead, after] = ["date", "date:100", "date:-100"].map(|retry_after| {
        let (_, date) = replaced("503:1", retry_after, "/uuid");
        httpdate::parse_http_date(&date.unwrap()).unwrap()
    });
    assert!(ahead >= before + Duration::from_secs(99));
    let (_, last) = replaced("503:1", "date:100", "/uuid");
    let last = httpdate::parse_http_date(&last.unwrap()).unwrap();
    assert!(last >= after + Duration::from_secs(200) && last >= ahead);
}

#[test]
fn other_statuses_say_nothing_of_retrying() {
    for status in [400, 404, 500, 502, 599] {
        assert_eq!(replaced(&format!("{status}:1"), "7", "/uuid"), (status, None));
    }
}

#[test]
fn a_status_answers_head_without_a_body() {
    let origin = faulty("503:1", 0);
    let mut wire = Wire::open(&origin);
    for _ in 0..2 {
        wire.send("HEAD", "/json", "");
        let head = wire.head().unwrap();
        assert_eq!((head.status, head.header("retry-after")), (503, Some("1")));
        assert!(head.length().unwrap() > 0);
    }
}

#[test]
fn a_status_does_not_move_other_faults() {
    let before = outcomes(&faulty("reset:0.2,truncate:0.3", 7));
    let mut wire: Option<Wire<TcpStream>> = None;
    let origin = faulty("503:0.2,reset:0.2,truncate:0.3", 7);
    let mut statuses = 0;
    for (index, letter) in before.chars().enumerate() {
        let connection = wire.get_or_insert_with(|| Wire::open(&origin));
        if let Ok(response) = connection.get("/uuid") {
            assert_eq!(letter, '.', "request {index}");
            statuses += usize::from(response.status == 503);
        } else {
            assert_ne!(letter, '.', "request {index}");
            wire = None;
        }
    }
    assert!((1..60).contains(&statuses), "{statuses} of 60");
}

#[test]
fn impossible_values_are_refused_before_anything_starts() {
    let refused = |config: Config| {
        let error = Origin::start(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        error.to_string()
    };
    let config = Config::default;
    let faults = Faults { reset: 0.6, truncate: 0.6, ..Faults::default() };
    assert!(refused(Config { faults, ..config() }).contains("more than 1"));
    let faults = Faults { stall: f64::NAN, ..Faults::default() };
    assert!(refused(Config { faults, ..config() }).contains("stall"));
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(refused(Config { rate_limit: Some(rate), ..config() }).contains("rate limit"));
    }
    assert!(refused(Config { latency: Duration::MAX, ..config() }).contains("latency"));
    let threads = NonZeroUsize::new(1025).unwrap();
    assert!(refused(Config { threads, ..config() }).contains("1025 threads"));
    for (share, least, why) in [
        (1.5, Duration::ZERO, "share 1.5"),
        (f64::NAN, Duration::ZERO, "share NaN"),
        (0.1, Duration::MAX, "tail"),
    ] {
        let tail = Some(Tail { share, least });
        assert!(refused(Config { tail, ..config() }).contains(why));
    }
    for (retry_after, why) in [
        (RetryAfter::Date(i64::MIN), "a year"),
        (RetryAfter::Text("\n".into()), "control characters"),
    ] {
        assert!(refused(Config { retry_after, ..config() }).contains(why));
    }
}
