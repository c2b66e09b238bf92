//! What a hub keeps and what it forgets, with connections of HTTP/2 to nowhere.

use super::idle::MAX_AGE_US;
use super::*;
use crate::http::{HttpSpec, HttpWork};
use gaits_core::ManualClock;
use http::HeaderMap;
use http::uri::{Authority, PathAndQuery, Scheme};
use std::task::{Context, Waker};
use tokio::io::DuplexStream;
use tokio::runtime::{Builder, LocalOptions};

fn run(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().build_local(LocalOptions::default()).unwrap();
    runtime.block_on(test);
}

fn hub(max_idle: usize, max_hosts: usize) -> Hub {
    let work = HttpWork::new(&HttpSpec::default(), Arc::new(ManualClock::default())).unwrap();
    Hub { max_idle, max_hosts, ..Hub::new(work.shared, SessionScope::Loop) }
}

fn origin(n: u64) -> Rc<Origin> {
    Target::parse(&format!("https://h{n}.test/"), None).unwrap().origin
}

/// A connection to the host `n`, opened at `n`, and its far end.
async fn open(hub: &Hub, n: u64) -> (h2::Connection, DuplexStream) {
    let (near, far) = tokio::io::duplex(1 << 16);
    let opened = Opened::Http2(h2::Connection::open(near).await.unwrap());
    let opening = hub.host(&origin(n)).begin_opening().unwrap();
    let Ok(Ready::Http2 { connection, .. }) = hub.take_new(opening, Ok(opened), n) else {
        panic!("it is not kept");
    };
    (connection, far)
}

fn kept(hub: &Hub) -> usize {
    hub.hosts.borrow().values().map(|host| host.http2()).sum()
}

#[test]
fn of_too_many_unused_connections_of_http2_the_older_half_is_closed() {
    run(async {
        let hub = hub(8, MAX_HOSTS);
        let (busy, _far) = open(&hub, 0).await;
        let here = (Authority::from_static("h0.test"), PathAndQuery::from_static("/"));
        let head = h2::request(http::Method::GET, Scheme::HTTPS, here.0, here.1, HeaderMap::new());
        let sent = Cell::new(false);
        let mut asked = pin!(busy.send_telling(head.unwrap(), Unsent::Bytes(Bytes::new()), &sent));
        assert!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let mut all = Vec::new();
        for n in 1..40 {
            all.push(open(&hub, n).await);
            // What has a request is not idle.
            assert!(kept(&hub) <= 8 + 1, "{}", kept(&hub));
        }
        assert!(kept(&hub) >= 4, "{}", kept(&hub));
        let has = |n| hub.host(&origin(n)).with_capacity(40).is_some();
        assert!(has(0) && has(39) && !has(1) && !has(20));
    });
}

#[test]
fn a_connection_of_http2_that_was_unused_for_long_is_not_used_again() {
    run(async {
        let hub = hub(MAX_IDLE, MAX_HOSTS);
        let (connection, _far) = open(&hub, 1).await;
        let host = hub.host(&origin(1));
        assert!(host.with_capacity(MAX_AGE_US + 1).is_some());
        assert!(host.with_capacity(2 * MAX_AGE_US + 1).is_some(), "it was used meanwhile");
        connection.use_at(2 * MAX_AGE_US + 2);
        assert!(host.with_capacity(3 * MAX_AGE_US + 2).is_some(), "a request has ended meanwhile");
        assert!(host.with_capacity(4 * MAX_AGE_US + 3).is_none());
        assert_eq!(kept(&hub), 0);
    });
}

#[test]
fn hosts_are_forgotten_when_their_connections_of_http2_have_ended() {
    run(async {
        let hub = hub(MAX_IDLE, 4);
        let mut all = Vec::new();
        for n in 0..4 {
            all.push(open(&hub, n).await);
        }
        for (connection, far) in all.drain(1..) {
            drop(far);
            connection.settled().await;
        }
        hub.host(&origin(4));
        assert_eq!(hub.hosts.borrow().len(), 2, "one that is open, and the new one");
    });
}

#[test]
fn where_no_host_can_be_forgotten_that_is_not_tried_again_for_each_new_one() {
    run(async {
        let hub = hub(MAX_IDLE, 4);
        let mut all = Vec::new();
        for n in 0..4 {
            all.push(open(&hub, n).await);
        }
        for n in 4..8 {
            hub.host(&origin(n));
        }
        assert_eq!(hub.hosts.borrow().len(), 8);
        hub.host(&origin(8));
        assert_eq!(hub.hosts.borrow().len(), 5, "the hosts in use and the new one");
    });
}
