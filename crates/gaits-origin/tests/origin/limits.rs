//! Latency, capacity and rate; and what happens when the system, the client or the caller sets the limit.

use std::fs::File;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::num::{NonZeroU64, NonZeroUsize};
use std::process::Command;
use std::time::Duration;

use gaits_origin::{Config, Origin, Tail};
use tokio::time::Instant;

use crate::wire::{Wire, arrived, get, origin};

#[test]
fn latency_holds_every_response_back() {
    let latency = Duration::from_millis(30);
    let origin = Origin::start(Config { latency, ..Config::default() }).unwrap();
    let mut wire = Wire::open(&origin);
    for path in ["/uuid", "/status/404", "/nothing"] {
        let start = Instant::now();
        wire.get(path).unwrap();
        assert!(start.elapsed() >= latency, "{path}");
    }
    let start = Instant::now();
    wire.get("/delay/0.02").unwrap();
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[test]
fn jitter_never_goes_below_its_range() {
    let (latency, jitter) = (Duration::from_millis(30), Duration::from_millis(10));
    let origin = Origin::start(Config { latency, jitter, ..Config::default() }).unwrap();
    let mut wire = Wire::open(&origin);
    for _ in 0..10 {
        let start = Instant::now();
        wire.get("/uuid").unwrap();
        assert!(start.elapsed() >= Duration::from_millis(20));
    }
}

#[test]
fn a_tail_holds_its_share_of_responses_for_longer() {
    let (latency, least) = (Duration::from_millis(5), Duration::from_millis(40));
    let tail = Some(Tail { share: 1.0, least });
    let origin = Origin::start(Config { latency, tail, ..Config::default() }).unwrap();
    let mut wire = Wire::open(&origin);
    for _ in 0..3 {
        let start = Instant::now();
        wire.get("/uuid").unwrap();
        assert!(start.elapsed() >= latency + least);
    }
}

#[test]
fn a_tail_does_not_change_what_is_answered() {
    let uuids = |tail| {
        let origin = Origin::start(Config { tail, ..Config::default() }).unwrap();
        let mut wire = Wire::open(&origin);
        (0..20).map(|_| wire.get("/uuid").unwrap().body).collect::<Vec<_>>()
    };
    let tail = Tail { share: 0.5, least: Duration::from_millis(1) };
    assert_eq!(uuids(Some(tail)), uuids(None));
}

#[test]
fn bandwidth_spreads_what_a_connection_carries_over_time() {
    let bandwidth = NonZeroU64::new(100_000);
    let origin = Origin::start(Config { bandwidth, ..Config::default() }).unwrap();
    let unlimited = get(&self::origin(), "/bytes/20000").body;
    let mut wire = Wire::open(&origin);
    for _ in 0..2 {
        let start = Instant::now();
        assert_eq!(wire.get("/bytes/20000").unwrap().body, unlimited);
        // 200 ms, less the first portion and what may be made up for.
        assert!(start.elapsed() >= Duration::from_millis(170), "{:?}", start.elapsed());
    }
}

#[test]
fn bandwidth_counts_heads_as_well() {
    let bandwidth = NonZeroU64::new(10_000);
    let origin = Origin::start(Config { bandwidth, ..Config::default() }).unwrap();
    let mut wire = Wire::open(&origin);
    let start = Instant::now();
    let heads = (0..50).map(|_| wire.get("/status/204").unwrap()).count();
    // A status line and a date are 63 bytes: 310 ms, less the first portion and what may be made up for.
    assert!(heads == 50 && start.elapsed() >= Duration::from_millis(250), "{:?}", start.elapsed());
}

#[test]
fn a_connection_with_little_bandwidth_does_not_hold_up_another() {
    let bandwidth = NonZeroU64::new(1_000);
    let origin = Origin::start(Config { bandwidth, ..Config::default() }).unwrap();
    let mut slow = Wire::open(&origin);
    slow.send("GET", "/bytes/1000000000", "");
    slow.head().unwrap();
    assert_eq!(get(&origin, "/status/204").status, 204);
}

#[test]
fn a_response_keeps_its_place_until_it_is_sent() {
    let (bandwidth, capacity) = (NonZeroU64::new(100_000), NonZeroUsize::new(1));
    let origin = Origin::start(Config { bandwidth, capacity, ..Config::default() }).unwrap();
    let start = Instant::now();
    let mut slow = Wire::open(&origin);
    slow.send("GET", "/bytes/30000", "");
    slow.head().unwrap();
    assert_eq!(get(&origin, "/uuid").status, 200);
    // 300 ms, less the first portion and what may be made up for.
    assert!(start.elapsed() >= Duration::from_millis(260), "{:?}", start.elapsed());
}

/// As many clients as asked, each with a request that stalls once it is served, arrived in order.
fn stalled(capacity: Option<NonZeroUsize>, clients: u64) -> (Origin, Vec<Wire<TcpStream>>) {
    let faults = "stall:1".parse().unwrap();
    let origin = Origin::start(Config { capacity, faults, ..Config::default() }).unwrap();
    let client = |n| {
        let mut wire = Wire::open(&origin);
        wire.send("GET", "/json", "");
        arrived(&origin, n);
        wire
    };
    let clients = (1..=clients).map(client).collect();
    (origin, clients)
}

#[test]
fn capacity_serves_so_many_at_once_and_the_others_in_order() {
    let (origin, mut clients) = stalled(NonZeroUsize::new(3), 8);
    for client in &mut clients[..3] {
        assert_eq!(client.head().unwrap().status, 200);
    }
    for next in 3..8 {
        assert!(clients[3].is_silent());
        drop(clients.remove(0));
        assert_eq!(clients[2].head().unwrap().status, 200, "client {next}");
        assert_eq!(origin.max_in_service(), 3);
        if next == 7 {
            break;
        }
    }
    assert_eq!((origin.requests(), origin.connections()), (8, 8));
}

#[test]
fn a_client_that_leaves_the_queue_is_not_served() {
    let (_origin, mut clients) = stalled(NonZeroUsize::new(1), 3);
    clients[0].head().unwrap();
    drop(clients.remove(1));
    drop(clients.remove(0));
    assert_eq!(clients[0].head().unwrap().status, 200);
}

#[test]
fn without_a_capacity_all_are_served_at_once() {
    let (origin, mut clients) = stalled(None, 8);
    for client in &mut clients {
        client.head().unwrap();
    }
    assert_eq!(origin.max_in_service(), 8);
}

#[test]
fn one_after_the_other_is_one_at_a_time() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    for _ in 0..100 {
        wire.get("/bytes/100000").unwrap();
    }
    assert_eq!((origin.max_in_service(), origin.requests(), origin.connections()), (1, 100, 1));
}

#[test]
fn above_the_rate_requests_are_refused_with_a_time_to_come_back() {
    let origin = Origin::start(Config { rate_limit: Some(0.01), ..Config::default() }).unwrap();
    let mut wire = Wire::open(&origin);
    assert_eq!(wire.get("/uuid").unwrap().status, 200);
    for _ in 0..3 {
        let response = wire.get("/uuid").unwrap();
        assert_eq!(response.status, 429);
        assert_eq!(response.json()["status"], 429);
        let seconds: u32 = response.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=100).contains(&seconds), "{seconds}");
    }
    assert_eq!(origin.requests(), 4);
}

#[test]
fn a_refused_request_has_its_body_read() {
    let origin = Origin::start(Config { rate_limit: Some(0.001), ..Config::default() }).unwrap();
    let mut wire = Wire::open(&origin);
    assert_eq!(wire.get("/uuid").unwrap().status, 200);
    for _ in 0..2 {
        assert_eq!(wire.post("/post", "text/plain", &vec![b'a'; 3_000_000]).status, 429);
    }
    wire.send("POST", "/post", "Content-Length: 99999999999\r\n");
    let refusal = wire.response().unwrap();
    assert_eq!((refusal.status, refusal.header("connection")), (429, Some("close")));
    assert_eq!(origin.connections(), 1);
}

#[test]
fn garbage_and_disconnects_do_not_disturb_others() {
    let origin = origin();
    let mut garbage = Wire::open(&origin);
    garbage.write("\u{1}\u{2} GARBAGE\r\n\r\n");
    assert_eq!(garbage.head().unwrap().status, 400);
    let mut leaving = Wire::open(&origin);
    leaving.send("GET", "/bytes/1000000000", "");
    leaving.head().unwrap();
    drop(leaving);
    let mut half = Wire::open(&origin);
    half.write("POST /anything HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    drop(half);
    assert_eq!(get(&origin, "/uuid").status, 200);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    wire.write(
        "GET /delay/0.02 HTTP/1.1\r\nHost: a\r\n\r\nGET /status/201 HTTP/1.1\r\nHost: a\r\n\r\n"
            .repeat(3),
    );
    for _ in 0..3 {
        assert_eq!(wire.response().unwrap().status, 200);
        assert_eq!(wire.response().unwrap().status, 201);
    }
}

#[test]
fn a_dropped_origin_closes_its_connections_and_its_port() {
    let origin = origin();
    let addr = origin.addr();
    let mut idle = Wire::open(&origin);
    idle.get("/uuid").unwrap();
    let mut waiting = Wire::open(&origin);
    waiting.send("GET", "/delay/3600", "");
    arrived(&origin, 2);
    drop(origin);
    assert_eq!(idle.rest().unwrap(), b"");
    assert_eq!(waiting.rest().unwrap(), b"");
    assert_eq!(TcpStream::connect(addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn wait_returns_when_the_origin_is_stopped() {
    let origin = origin();
    let stopper = origin.stopper();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| origin.wait());
        stopper.stop();
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn a_port_in_use_is_an_error() {
    let origin = origin();
    let second = Origin::start(Config { listen: origin.addr(), ..Config::default() });
    assert_eq!(second.unwrap_err().kind(), ErrorKind::AddrInUse);
}

#[test]
fn an_origin_on_all_addresses_names_the_loopback_one() {
    let origin =
        Origin::start(Config { listen: ([0, 0, 0, 0], 0).into(), ..Config::default() }).unwrap();
    assert_eq!(origin.url("uuid"), format!("http://127.0.0.1:{}/uuid", origin.addr().port()));
}

/// Runs itself again with few file descriptors, since a process has one table of them for all its tests.
#[cfg(unix)]
#[test]
fn accepting_goes_on_when_file_descriptors_are_back() {
    const MARK: &str = "GAITS_ORIGIN_FEW_FILES";
    if std::env::var_os(MARK).is_some() {
        return accept_when_files_are_back();
    }
    let this = "limits::accepting_goes_on_when_file_descriptors_are_back";
    let status = Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$0\" --exact \"$1\""])
        .arg(std::env::current_exe().unwrap())
        .arg(this)
        .env(MARK, "1")
        .status()
        .unwrap();
    assert!(status.success());
}

#[cfg(unix)]
fn accept_when_files_are_back() {
    let origin = origin();
    let mut files: Vec<File> =
        std::iter::from_fn(|| File::open("/dev/null").ok()).take(64).collect();
    assert!(files.len() < 64, "the limit is not in force");
    // Room for the client's end of a connection, and none for the origin's.
    files.pop();
    let mut wire = Wire::open(&origin);
    wire.send("GET", "/uuid", "");
    assert!(wire.is_silent());
    assert_eq!(origin.connections(), 0);
    drop(files);
    assert_eq!(wire.response().unwrap().status, 200);
    assert_eq!(get(&origin, "/uuid").status, 200);
}
