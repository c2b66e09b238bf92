//! Several threads: they share the connections evenly, and everything that is counted or limited is counted once.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::num::NonZeroUsize;

use gaits_origin::{Config, Origin};

use crate::wire::{Wire, arrived};

fn threads(count: usize, config: Config) -> Origin {
    Origin::start(Config { threads: NonZeroUsize::new(count).unwrap(), ..config }).unwrap()
}

/// As many connections as asked, each used once so that it has surely been accepted.
fn clients(origin: &Origin, count: usize) -> Vec<Wire<TcpStream>> {
    let client = |_| {
        let mut wire = Wire::open(origin);
        assert_eq!(wire.get("/status/204").unwrap().status, 204);
        wire
    };
    (0..count).map(client).collect()
}

#[test]
fn few_connections_are_spread_evenly() {
    let origin = threads(3, Config::default());
    let _clients = clients(&origin, 3);
    assert_eq!(origin.connections_by_thread(), [1, 1, 1]);
    let _more = clients(&origin, 5);
    assert_eq!(origin.connections_by_thread(), [3, 3, 2]);
    assert_eq!((origin.connections(), origin.requests()), (8, 8));
}

#[test]
fn each_thread_serves_large_bodies_and_timers() {
    let origin = threads(3, Config::default());
    for mut client in clients(&origin, 3) {
        assert_eq!(client.get("/bytes/1000000").unwrap().body.len(), 1_000_000);
        assert_eq!(client.get("/delay/0.01").unwrap().status, 200);
    }
}

#[test]
fn sequence_numbers_are_those_of_the_whole_origin() {
    let uuids = |count| {
        let origin = threads(count, Config { seed: 7, ..Config::default() });
        let mut clients = clients(&origin, 4);
        let uuid = |index: usize| clients[index % 4].get("/uuid").unwrap().body;
        (0..20).map(uuid).collect::<Vec<_>>()
    };
    assert_eq!(uuids(4), uuids(1));
}

#[test]
fn capacity_is_that_of_the_whole_origin() {
    let faults = "stall:1".parse().unwrap();
    let capacity = NonZeroUsize::new(3);
    let origin = threads(4, Config { faults, capacity, ..Config::default() });
    let mut clients: Vec<_> = (0..6).map(|_| Wire::open(&origin)).collect();
    for client in &mut clients[..3] {
        client.send("GET", "/json", "");
        assert_eq!(client.head().unwrap().status, 200);
    }
    for client in &mut clients[3..] {
        client.send("GET", "/json", "");
    }
    arrived(&origin, 6);
    assert!(clients[3..].iter_mut().all(Wire::is_silent));
    drop(clients.drain(..3));
    for client in &mut clients {
        assert_eq!(client.head().unwrap().status, 200);
    }
    assert_eq!(origin.max_in_service(), 3);
}

#[test]
fn the_rate_is_that_of_the_whole_origin() {
    let origin = threads(4, Config { rate_limit: Some(0.001), ..Config::default() });
    let mut clients: Vec<_> = (0..8).map(|_| Wire::open(&origin)).collect();
    let statuses: Vec<_> =
        clients.iter_mut().map(|client| client.get("/uuid").unwrap().status).collect();
    assert_eq!(statuses, [200, 429, 429, 429, 429, 429, 429, 429]);
}

#[test]
fn a_dropped_origin_closes_the_connections_of_all_threads() {
    let origin = threads(3, Config::default());
    let addr = origin.addr();
    let mut idle = clients(&origin, 6);
    let mut waiting: Vec<_> = (0..3).map(|_| Wire::open(&origin)).collect();
    for client in &mut waiting {
        client.send("GET", "/delay/3600", "");
    }
    arrived(&origin, 9);
    drop(origin);
    for client in idle.iter_mut().chain(&mut waiting) {
        assert_eq!(client.rest().unwrap(), b"");
    }
    assert_eq!(TcpStream::connect(addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn wait_returns_when_all_threads_have_stopped() {
    let origin = threads(3, Config::default());
    let mut idle = clients(&origin, 3);
    origin.stopper().stop();
    origin.wait().unwrap();
    for client in &mut idle {
        assert_eq!(client.rest().unwrap(), b"");
    }
}
