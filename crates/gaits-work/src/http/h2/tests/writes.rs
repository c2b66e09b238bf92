//! When requests are written, and what becomes of them when they cannot be.

use super::super::frames::kind;
use super::NO_BODY;
use super::server::{END_HEADERS, END_STREAM, NO_ERROR, OK, frame, go_away, settings};
use super::sockets::{Socket, Writing, socket};
use super::{begin, failed, failure, fetch, get, run, unprocessed};
use crate::http::h2::Connection;
use gaits_core::ErrorKind;
use std::rc::Rc;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::task::{JoinSet, yield_now};

/// Lets every task of the loop run until it waits.
async fn settle() {
    for _ in 0..10 {
        yield_now().await;
    }
}

/// A connection over `socket`, when both sides have exchanged settings.
async fn open(socket: Socket, peer: &mut DuplexStream) -> Connection {
    let connection = Connection::open(socket).await.unwrap();
    peer.write_all(&settings(&[])).await.unwrap();
    connection.settled().await;
    settle().await;
    connection
}

fn answers(streams: impl Iterator<Item = u32>) -> Vec<u8> {
    streams
        .flat_map(|stream| {
            let head = frame(kind::HEADERS, END_HEADERS, stream, OK);
            [head, frame(kind::DATA, END_STREAM, stream, b"hello")].concat()
        })
        .collect()
}

#[test]
fn requests_made_in_one_turn_of_the_loop_leave_in_one_write() {
    run(async {
        let (socket, handle, mut peer) = socket();
        let connection = open(socket, &mut peer).await;
        let mut slots = JoinSet::new();
        let before = handle.writes.get();
        for _ in 0..50 {
            let connection = connection.clone();
            slots.spawn_local(async move {
                for _ in 0..3 {
                    assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello");
                }
            });
        }
        for turn in 0..3 {
            settle().await;
            assert_eq!(connection.in_use(), 50);
            assert_eq!(handle.writes.get() - before, turn + 1);
            let first = 1 + 100 * u32::try_from(turn).unwrap();
            peer.write_all(&answers((first..first + 100).step_by(2))).await.unwrap();
        }
        while let Some(ended) = slots.join_next().await {
            ended.unwrap();
        }
        assert_eq!(handle.writes.get() - before, 3);
    });
}

#[test]
fn a_request_that_was_not_written_when_the_connection_broke_is_unprocessed() {
    run(async {
        let (socket, _, mut peer) = socket();
        let connection = open(socket, &mut peer).await;
        let mut written = Box::pin(fetch(&connection, "/"));
        begin(&mut written).await;
        settle().await;
        drop(peer);
        let message = "the server closed the connection before the response's head was complete";
        // The connection does not know yet.
        assert!(!connection.is_closed());
        let unwritten = fetch(&connection, "/").await;
        assert_eq!(failure(unwritten), unprocessed(ErrorKind::Reset, message));
        assert_eq!(failure(written.await), failed(ErrorKind::Reset, message));
        assert!(connection.is_closed());
    });
}

#[test]
fn what_the_server_said_last_is_read_though_a_write_failed() {
    run(async {
        let (socket, handle, mut peer) = socket();
        let connection = open(socket, &mut peer).await;
        let mut first = Box::pin(fetch(&connection, "/"));
        begin(&mut first).await;
        let mut second = Box::pin(fetch(&connection, "/"));
        begin(&mut second).await;
        settle().await;
        handle.writing.set(Writing::Fails);
        let said = [answers(std::iter::once(1)), go_away(1, NO_ERROR)].concat();
        peer.write_all(&said).await.unwrap();
        drop(peer);
        let third = fetch(&connection, "/").await;
        assert_eq!(first.await.unwrap(), b"hello");
        let message = "the server closed the connection before the response's head was complete";
        assert_eq!(failure(second.await), unprocessed(ErrorKind::Reset, message));
        assert_eq!(failure(third), unprocessed(ErrorKind::Reset, message));
    });
}

#[test]
fn a_write_that_fails_ends_the_connection_if_nothing_comes() {
    run(async {
        let (socket, handle, mut peer) = socket();
        let connection = open(socket, &mut peer).await;
        let mut first = Box::pin(fetch(&connection, "/"));
        begin(&mut first).await;
        settle().await;
        handle.writing.set(Writing::Fails);
        let message = "broken pipe before the response's head was complete";
        let second = fetch(&connection, "/").await;
        assert_eq!(failure(second), unprocessed(ErrorKind::Reset, message));
        assert_eq!(failure(first.await), failed(ErrorKind::Reset, message));
        assert!(connection.is_closed());
    });
}

#[test]
fn a_server_that_takes_nothing_holds_no_request_that_is_given_up() {
    run(async {
        let (socket, handle, mut peer) = socket();
        let connection = open(socket, &mut peer).await;
        handle.writing.set(Writing::Waits);
        let mut requests: Vec<_> =
            (0..50).map(|_| Box::pin(connection.send(get("/"), NO_BODY))).collect();
        for request in &mut requests {
            begin(request).await;
        }
        settle().await;
        for request in &mut requests {
            begin(request).await;
        }
        assert_eq!(connection.in_use(), 50);
        drop(requests);
        assert_eq!((connection.in_use(), connection.capacity()), (0, 0), "and takes no more");
    });
}

#[test]
fn an_opening_may_be_given_up() {
    run(async {
        let (socket, handle, peer) = socket();
        handle.writing.set(Writing::Waits);
        let mut opening = Box::pin(Connection::open(socket));
        begin(&mut opening).await;
        drop(opening);
        assert_eq!(Rc::strong_count(&handle), 1, "the socket is closed");
        drop(peer);
    });
}

#[test]
fn an_opening_may_fail() {
    run(async {
        let (socket, handle, peer) = socket();
        handle.writing.set(Writing::Fails);
        drop(peer);
        // The preface cannot be written, which is known when nothing comes either.
        let connection = Connection::open(socket).await.unwrap();
        connection.settled().await;
        assert!(connection.is_closed());
        assert!(matches!(
            failure(connection.send(get("/"), NO_BODY).await),
            super::Failure::Unprocessed(ErrorKind::Reset, _)
        ));
    });
}
