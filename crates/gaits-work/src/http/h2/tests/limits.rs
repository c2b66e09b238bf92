//! How many requests a connection takes, at once and in its life.

use super::super::frames::kind;
use super::super::state::MAX_GIVEN_UP;
use super::NO_BODY;
use super::server::{END_HEADERS, END_STREAM, NO_ERROR, OK, RST_STREAM, Server, frame, go_away};
use super::{begin, body, connect, failure, fetch, get, run, unprocessed};
use crate::http::fault::Fault;
use crate::http::h2::Connection;
use gaits_core::ErrorKind;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc;
use tokio::task::JoinSet;

const MAX_CONCURRENT_STREAMS: u16 = 3;

#[test]
fn capacity_is_what_the_server_says_less_what_is_in_use() {
    let server = Server::start(|accept| {
        let mut peer = accept();
        peer.settle(&[(MAX_CONCURRENT_STREAMS, 3)]);
        let streams = [peer.request().unwrap(), peer.request().unwrap()];
        peer.answer(streams[1], b"hello");
        peer.answer(streams[0], b"hello");
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        assert_eq!(connection.capacity(), 100, "what is assumed");
        connection.settled().await;
        assert_eq!(connection.capacity(), 3);
        let mut first = Box::pin(connection.send(get("/"), NO_BODY));
        begin(&mut first).await;
        assert_eq!(connection.capacity(), 2);
        let second = connection.send(get("/"), NO_BODY).await.unwrap();
        assert_eq!(connection.capacity(), 1);
        drop(second);
        assert_eq!(connection.capacity(), 2);
        drop(first.await.unwrap());
        assert_eq!(connection.capacity(), 3);
    });
    server.join();
}

#[test]
fn a_server_without_a_limit_is_given_one() {
    let server = Server::serving(super::server::Peer::wait_for_end);
    run(async {
        let connection = connect(server.address()).await;
        connection.settled().await;
        assert_eq!(connection.capacity(), 1_024);
    });
    server.join();
}

#[test]
fn requests_beyond_the_limit_wait_for_a_place() {
    let server = Server::start(|accept| {
        let mut peer = accept();
        peer.settle(&[(MAX_CONCURRENT_STREAMS, 2)]);
        let mut open = Vec::new();
        for nth in 0..20 {
            open.push(peer.request().unwrap());
            if nth > 0 {
                peer.answer(open.remove(0), b"hello");
            }
        }
        peer.answer(open.remove(0), b"hello");
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        connection.settled().await;
        let mut requests = JoinSet::new();
        for _ in 0..20 {
            let connection = connection.clone();
            requests.spawn_local(async move { fetch(&connection, "/").await.unwrap() });
        }
        while let Some(answered) = requests.join_next().await {
            assert_eq!(answered.unwrap(), b"hello");
        }
    });
    server.join();
}

#[test]
fn a_place_that_is_free_is_taken_though_the_request_before_is_not_yet_written() {
    let server = Server::start(|accept| {
        let mut peer = accept();
        peer.settle(&[(MAX_CONCURRENT_STREAMS, 2)]);
        while let Some(stream) = peer.request() {
            peer.answer(stream, b"hello");
        }
    });
    run(async {
        let connection = connect(server.address()).await;
        connection.settled().await;
        let mut first = connection.send(get("/"), NO_BODY).await.unwrap();
        assert_eq!(body(&mut first).await.unwrap(), b"hello");
        let mut second = Box::pin(fetch(&connection, "/"));
        begin(&mut second).await;
        assert_eq!(connection.capacity(), 0);
        drop(first);
        let mut third = Box::pin(fetch(&connection, "/"));
        begin(&mut third).await;
        assert_eq!(second.await.unwrap(), b"hello");
        assert_eq!(third.await.unwrap(), b"hello");
    });
    server.join();
}

#[test]
fn a_connection_that_goes_away_takes_no_more() {
    let server = Server::serving(|peer| {
        let stream = peer.request().unwrap();
        peer.say(&go_away(stream, NO_ERROR));
        peer.answer(stream, b"hello");
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello", "it was taken before");
        assert_eq!((connection.capacity(), connection.is_closed()), (0, true));
        assert_eq!(
            failure(connection.send(get("/"), NO_BODY).await),
            unprocessed(
                ErrorKind::Reset,
                "the server closed the connection before the response's head was complete"
            )
        );
    });
    server.join();
}

#[test]
fn a_connection_that_was_closed_while_idle_takes_no_more() {
    let server = Server::serving(|peer| {
        let stream = peer.request().unwrap();
        peer.answer(stream, b"hello");
    });
    run(async {
        let connection = connect(server.address()).await;
        assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello");
        while !connection.is_closed() {
            tokio::task::yield_now().await;
        }
        assert_eq!(connection.capacity(), 0);
        assert_eq!(
            failure(connection.send(get("/"), NO_BODY).await),
            unprocessed(
                ErrorKind::Reset,
                "the server closed the connection before the response's head was complete"
            )
        );
    });
    server.join();
}

#[test]
fn a_request_given_up_in_silence_retires_its_connection() {
    let (ask, asked) = mpsc::channel();
    let server = Server::serving(move |peer| {
        let stream = peer.request().unwrap();
        peer.answer(stream, b"hello");
        peer.request().unwrap();
        ask.send(()).unwrap();
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello");
        let mut silent = Box::pin(connection.send(get("/"), NO_BODY));
        begin(&mut silent).await;
        assert!(!connection.is_closed());
        while asked.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        drop(silent);
        assert!(connection.is_closed(), "nothing came since it was waited for");
        assert_eq!(connection.capacity(), 0);
    });
    server.join();
}

#[test]
fn a_request_given_up_between_others_does_not() {
    let server = Server::serving(|peer| {
        let silent = peer.request().unwrap();
        let other = peer.request().unwrap();
        peer.answer(other, b"hello");
        assert_eq!(peer.next(RST_STREAM).unwrap().stream, silent);
        let stream = peer.request().unwrap();
        // Its head comes, and a body that the client does not care for.
        peer.head(stream);
        assert_eq!(peer.next(RST_STREAM).unwrap().stream, stream);
        let stream = peer.request().unwrap();
        peer.answer(stream, b"hello");
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        let mut silent = Box::pin(connection.send(get("/"), NO_BODY));
        begin(&mut silent).await;
        assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello");
        drop(silent);
        assert!(!connection.is_closed(), "something came since");
        drop(connection.send(get("/"), NO_BODY).await.unwrap());
        assert!(!connection.is_closed(), "nothing was waited for");
        assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello");
    });
    server.join();
}

#[test]
fn a_thousand_requests_given_up_retire_a_connection_and_hurt_no_other_on_it() {
    let server = Server::serving(|peer| {
        let first = peer.request().unwrap();
        for _ in 0..MAX_GIVEN_UP {
            let stream = peer.request().unwrap();
            peer.head(stream);
            assert_eq!(peer.next(RST_STREAM).unwrap().stream, stream);
            // Twice as many late frames as h2 bears on streams that it has forgotten.
            peer.data(stream, b"late");
            peer.data(stream, b"later");
        }
        peer.answer(first, b"hello");
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        let mut first = Box::pin(fetch(&connection, "/"));
        begin(&mut first).await;
        for _ in 0..MAX_GIVEN_UP {
            assert!(!connection.is_closed());
            drop(connection.send(get("/"), NO_BODY).await.unwrap());
        }
        assert!(connection.is_closed());
        assert_eq!(first.await.unwrap(), b"hello");
    });
    server.join();
}

/// What chooses a connection for each request, and opens another when there is none.
struct Hub {
    address: SocketAddr,
    connections: RefCell<Vec<Connection>>,
    opened: Cell<usize>,
    opening: tokio::sync::Mutex<()>,
}

impl Hub {
    fn free(&self) -> Option<Connection> {
        let mut connections = self.connections.borrow_mut();
        connections.retain(|connection| !connection.is_closed());
        connections.iter().find(|connection| connection.capacity() > 0).cloned()
    }

    async fn take(&self) -> Connection {
        if let Some(free) = self.free() {
            return free;
        }
        let _opening = self.opening.lock().await;
        if let Some(free) = self.free() {
            return free;
        }
        self.opened.set(self.opened.get() + 1);
        let connection = connect(self.address).await;
        self.connections.borrow_mut().push(connection.clone());
        connection
    }

    /// Sends a request until it was processed.
    async fn fetch(&self) -> Vec<u8> {
        loop {
            match self.take().await.send(get("/"), NO_BODY).await {
                Ok(mut exchange) => return body(&mut exchange).await.unwrap(),
                Err(Fault::Unprocessed(_)) => {}
                Err(e) => panic!("{e:?}"),
            }
        }
    }
}

#[test]
fn a_server_that_goes_away_after_each_thousand_requests_loses_none() {
    const A_CONNECTION: u32 = 1_000;
    const ALL: u32 = 5_000;
    // As nginx does: it says so with the last answer, passes over what comes after, and closes when all is sent.
    let server = Server::start(|accept| {
        let mut answered = 0;
        while answered < ALL {
            let mut peer = accept();
            peer.settle(&[(MAX_CONCURRENT_STREAMS, 128)]);
            for nth in 1..=A_CONNECTION {
                let Some(stream) = peer.request() else { break };
                if nth == A_CONNECTION {
                    peer.say(&go_away(stream, NO_ERROR));
                }
                peer.say(&frame(kind::HEADERS, END_HEADERS, stream, OK));
                peer.say(&frame(kind::DATA, END_STREAM, stream, b"hello"));
                answered += 1;
            }
            if answered < ALL {
                peer.wait_for_end();
            }
        }
        answered
    });
    run(async {
        let hub = Rc::new(Hub {
            address: server.address(),
            connections: RefCell::default(),
            opened: Cell::new(0),
            opening: tokio::sync::Mutex::new(()),
        });
        let left = Rc::new(Cell::new(ALL));
        let mut slots = JoinSet::new();
        for _ in 0..50 {
            let (hub, left) = (hub.clone(), left.clone());
            slots.spawn_local(async move {
                while left.get() > 0 {
                    left.set(left.get() - 1);
                    assert_eq!(hub.fetch().await, b"hello");
                }
            });
        }
        while let Some(ended) = slots.join_next().await {
            ended.unwrap();
        }
        assert_eq!(hub.opened.get(), 5);
    });
    assert_eq!(server.join(), ALL);
}
