//! Servers that send without end: none holds the loop, or is listened to for ever.

use super::super::frames::kind;
use super::NO_BODY;
use super::server::{
    ACK, END_HEADERS, NO_ERROR, OK, PING, Peer, RST_STREAM, Server, WINDOW_UPDATE, field, frame,
    go_away, settings,
};
use super::sockets::socket;
use super::{Failure, begin, connect, failed, failure, fetch, get, run};
use crate::http::h2::Connection;
use gaits_core::ErrorKind;
use std::cell::Cell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;
use tokio::io::AsyncWriteExt;
use tokio::task::{JoinSet, yield_now};

/// How many bytes h2 reads at once, at most, before frames are that large.
const A_READ: usize = 16_393;

/// What becomes of a request whose server sends `flood` over and over, how many bytes of it are read, and how many at
/// most between two turns of another task.
fn outcome(flood: Vec<u8>) -> (Failure, usize, usize) {
    run(async {
        let (socket, handle, mut peer) = socket();
        let connection = Connection::open(socket).await.unwrap();
        peer.write_all(&settings(&[])).await.unwrap();
        connection.settled().await;
        let mut request = Box::pin(fetch(&connection, "/"));
        begin(&mut request).await;
        yield_now().await;
        let most = Rc::new(Cell::new(0));
        let mut neighbour = JoinSet::new();
        neighbour.spawn_local({
            let (handle, most) = (handle.clone(), most.clone());
            async move {
                let mut before = handle.read.get();
                poll_fn(|cx| {
                    most.set(most.get().max(handle.read.get() - before));
                    before = handle.read.get();
                    // It is always ready, so the driver is polled at most once between its turns.
                    cx.waker().wake_by_ref();
                    Poll::<()>::Pending
                })
                .await;
            }
        });
        *handle.flood.borrow_mut() = flood;
        // So that it is seen.
        peer.write_all(&frame(PING, ACK, 0, &[0; 8])).await.unwrap();
        let failure = failure(request.await);
        (failure, handle.read.get(), most.get())
    })
}

#[test]
fn frames_without_use_are_listened_to_for_a_while_and_hold_nobody() {
    let useless = failed(ErrorKind::Protocol, "the server sent nothing but frames without use");
    for (what, flood, most_frames) in [
        ("PING", frame(PING, 0, 0, &[0; 8]), 10_000),
        ("its acknowledgement", frame(PING, ACK, 0, &[0; 8]), 10_000),
        ("SETTINGS", settings(&[(4, 100)]), 100),
        ("GOAWAY", go_away(0x7fff_ffff, NO_ERROR), 100),
        ("PRIORITY", frame(2, 0, 1, &[0; 5]), 10_000),
        ("WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]), 10_000),
        ("a kind that is not known", frame(0x33, 0, 0, b""), 10_000),
    ] {
        let (failure, read, between) = outcome(flood.clone());
        assert_eq!(failure, useless, "{what}");
        assert!(read <= (most_frames + 1) * flood.len() + 2 * A_READ, "{what}: {read}");
        let turn = most_frames.min(4_096) * flood.len() + A_READ;
        assert!(between <= turn, "{what}: {between} of {turn}");
    }
}

#[test]
fn resets_of_closed_streams_are_without_use_too() {
    let flood = frame(RST_STREAM, 0, 1, &NO_ERROR.to_be_bytes());
    let (failure, _, between) = outcome(flood);
    assert!(matches!(failure, Failure::Failed(ErrorKind::Reset, _)), "{failure:?}");
    assert!(between <= 4_096 * 13 + A_READ, "{between}");
}

#[test]
fn what_h2_bounds_is_a_protocol_error() {
    let head = frame(kind::HEADERS, END_HEADERS, 1, OK);
    let empty = frame(kind::DATA, 0, 1, b"").repeat(1_000);
    let endless_head = frame(kind::HEADERS, 0, 1, OK);
    let continuation = frame(kind::CONTINUATION, 0, 1, b"").repeat(1_000);
    // One byte stands for 4,000, a thousand times.
    let bomb = [&[0x40, 1, b'x', 127, 0xa1, 0x1e], [b'y'; 4_000].as_slice(), &[0xbe; 1_000]];
    let bomb = frame(kind::HEADERS, END_HEADERS, 1, &[OK, &bomb.concat()].concat());
    for (what, frames) in [
        ("empty DATA", [head, empty].concat()),
        ("CONTINUATION", [endless_head, continuation].concat()),
        ("a head of many times the limit", bomb),
    ] {
        let server = Server::serving(move |peer| {
            peer.request().unwrap();
            peer.say(&frames);
            peer.wait_for_end();
        });
        run(async {
            let connection = connect(server.address()).await;
            let calm =
                "the server broke the rules of HTTP/2: detected excessive load generating behavior";
            assert_eq!(
                failure(fetch(&connection, "/").await),
                failed(ErrorKind::Protocol, calm),
                "{what}"
            );
            assert!(connection.is_closed());
        });
        server.join();
    }
}

#[test]
fn interim_responses_without_end_fail_their_request_alone() {
    let server = Server::serving(|peer| {
        let stream = peer.request().unwrap();
        for _ in 0..65 {
            peer.say(&frame(kind::HEADERS, END_HEADERS, stream, &field(":status", "103")));
        }
        assert_eq!(peer.next(RST_STREAM).unwrap().stream, stream);
        let stream = peer.request().unwrap();
        peer.answer(stream, b"hello");
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        assert_eq!(
            failure(connection.send(get("/"), NO_BODY).await),
            failed(ErrorKind::Protocol, "the server sent more than 64 interim responses")
        );
        assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello");
    });
    server.join();
}

#[test]
fn an_endless_flood_of_interim_responses_holds_nobody() {
    let large = [field(":status", "103"), field("x-large", &"x".repeat(100)).repeat(100)].concat();
    let interim = frame(kind::HEADERS, END_HEADERS, 1, &large);
    let (failure, read, between) = outcome(interim.clone());
    assert_eq!(
        failure,
        failed(ErrorKind::Protocol, "the server sent more than 64 interim responses")
    );
    assert!(read <= 80 * interim.len(), "{read}");
    assert!(between <= 2 * 4_096 + interim.len() + A_READ, "{between}");
}

/// A server that floods on a socket until the client hangs up.
fn flooding(flood: impl FnOnce(&mut Peer, u32) -> Vec<u8> + Send + 'static) -> Server {
    Server::serving(|peer| {
        let stream = peer.request().unwrap();
        let flood = flood(peer, stream).repeat(100);
        while peer.say(&flood) {}
    })
}

#[test]
fn a_neighbour_is_served_beside_a_flood() {
    async fn ask(healthy: SocketAddr) {
        let connection = connect(healthy).await;
        for _ in 0..100 {
            assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello");
        }
    }
    let flood = flooding(|_, _| frame(PING, 0, 0, &[0; 8]));
    let healthy = Server::serving(|peer| {
        while let Some(stream) = peer.request() {
            peer.answer(stream, b"hello");
        }
    });
    run(async {
        let connection = connect(flood.address()).await;
        let (flooded, ()) = tokio::join!(fetch(&connection, "/"), ask(healthy.address()));
        assert!(matches!(failure(flooded), Failure::Failed(ErrorKind::Protocol, _)));
    });
    flood.join();
    healthy.join();
}

#[test]
fn a_body_without_end_ends_with_whoever_reads_it() {
    let server = Server::serving(|peer| {
        let stream = peer.request().unwrap();
        peer.head(stream);
        // As much as fits into the windows that the client opens again and again.
        let mut window: i64 = 65_535;
        let mut of_stream: i64 = 2 << 20;
        loop {
            while window.min(of_stream) >= 1_000 {
                peer.data(stream, &[b'x'; 1_000]);
                window -= 1_000;
                of_stream -= 1_000;
            }
            let Some(update) = peer.next(WINDOW_UPDATE) else { return };
            let more = i64::from(update.code());
            if update.stream == 0 { window += more } else { of_stream += more }
        }
    });
    run(async {
        let connection = connect(server.address()).await;
        let mut exchange = connection.send(get("/"), NO_BODY).await.unwrap();
        let mut read = 0;
        while read < 20 << 20 {
            read += exchange.chunk().await.unwrap().unwrap().len();
        }
        drop(exchange);
        assert_eq!(connection.in_use(), 0);
        drop(connection);
    });
    server.join();
}
