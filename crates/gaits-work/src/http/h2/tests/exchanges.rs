//! Requests that are answered as they should be.

use super::super::frames::kind;
use super::NO_BODY;
use super::server::{CANCEL, END_HEADERS, END_STREAM, OK, RST_STREAM, Server, field, frame};
use super::{begin, body, connect, fetch, get, run};
use ::bytes::Bytes;
use std::pin::pin;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

#[test]
fn a_response_comes_with_its_fields_and_its_body() {
    let server = Server::serving(|peer| {
        let stream = peer.request().unwrap();
        let fields = [OK, &field("x-a", "1"), &field("x-a", "2"), &field("content-length", "10")];
        peer.say(&frame(kind::HEADERS, END_HEADERS, stream, &fields.concat()));
        peer.data(stream, b"hello");
        peer.say(&frame(kind::DATA, END_STREAM, stream, b"again"));
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        let mut exchange = connection.send(get("/"), NO_BODY).await.unwrap();
        assert_eq!(exchange.status, 200);
        let values: Vec<_> = exchange.headers.get_all("x-a").iter().collect();
        assert_eq!(values, ["1", "2"]);
        assert_eq!(exchange.body_len(), Some(10));
        assert!(!exchange.is_over());
        assert_eq!(body(&mut exchange).await.unwrap(), b"helloagain");
        assert!(exchange.is_over());
        assert_eq!(exchange.chunk().await.unwrap(), None, "it stays over");
        assert_eq!(connection.in_use(), 1, "the exchange is still held");
        drop(exchange);
        assert_eq!(connection.in_use(), 0);
        assert!(!connection.is_closed());
    });
    server.join();
}

#[test]
fn a_response_without_a_body_is_over_at_its_head() {
    let server = Server::serving(|peer| {
        let stream = peer.request().unwrap();
        peer.say(&frame(kind::HEADERS, END_HEADERS | END_STREAM, stream, OK));
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        let mut exchange = connection.send(get("/"), NO_BODY).await.unwrap();
        assert!(exchange.is_over());
        assert_eq!(exchange.body_len(), Some(0));
        assert_eq!(exchange.chunk().await.unwrap(), None);
    });
    server.join();
}

#[test]
fn trailers_empty_frames_and_interim_responses_are_read_over() {
    let server = Server::serving(|peer| {
        let stream = peer.request().unwrap();
        for _ in 0..64 {
            let interim = field(":status", "103");
            peer.say(&frame(kind::HEADERS, END_HEADERS, stream, &interim));
        }
        peer.head(stream);
        peer.data(stream, b"");
        peer.data(stream, b"hello");
        peer.data(stream, b"");
        let trailers = field("x-checksum", "1");
        peer.say(&frame(kind::HEADERS, END_HEADERS | END_STREAM, stream, &trailers));
        let stream = peer.request().unwrap();
        peer.head(stream);
        peer.say(&frame(kind::DATA, END_STREAM, stream, b""));
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello");
        assert_eq!(fetch(&connection, "/").await.unwrap(), b"");
    });
    server.join();
}

#[test]
fn requests_are_answered_in_any_order() {
    let server = Server::serving(|peer| {
        let streams: Vec<u32> = (0..50).map(|_| peer.request().unwrap()).collect();
        for stream in streams.iter().rev() {
            peer.answer(*stream, stream.to_string().as_bytes());
        }
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        let mut requests = JoinSet::new();
        for nth in 0..50 {
            let connection = connection.clone();
            requests.spawn_local(async move { (nth, fetch(&connection, "/").await.unwrap()) });
        }
        while let Some(answered) = requests.join_next().await {
            let (nth, body) = answered.unwrap();
            assert_eq!(body, (2 * nth + 1).to_string().as_bytes());
        }
        assert_eq!(connection.in_use(), 0);
    });
    server.join();
}

/// A server of the h2 crate; answers each request with as many bytes as its path says.
async fn serve_bytes(listener: TcpListener, mut done: oneshot::Receiver<()>) {
    let (tcp, _) = listener.accept().await.unwrap();
    let mut connection = ::h2::server::handshake(tcp).await.unwrap();
    let mut answers = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = connection.accept() => accepted,
            _ = &mut done => None,
        };
        let Some(accepted) = accepted else { return };
        let (request, mut respond) = accepted.unwrap();
        answers.spawn_local(async move {
            let mut left: usize = request.uri().path()[1..].parse().unwrap();
            let mut body = respond.send_response(::http::Response::new(()), false).unwrap();
            while left > 0 {
                body.reserve_capacity(left);
                let room = std::future::poll_fn(|cx| body.poll_capacity(cx)).await;
                let room = room.unwrap().unwrap().min(left);
                body.send_data(Bytes::from(vec![b'x'; room]), false).unwrap();
                left -= room;
            }
            body.send_data(Bytes::new(), true).unwrap();
        });
    }
}

#[test]
fn bodies_larger_than_all_windows_flow_beside_small_ones() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, done) = oneshot::channel();
        let mut server = JoinSet::new();
        server.spawn_local(serve_bytes(listener, done));
        let connection = connect(address).await;
        let large = fetch(&connection, "/40000000");
        let smaller = fetch(&connection, "/3000000");
        let mut large = pin!(large);
        let mut smaller = pin!(smaller);
        begin(&mut large).await;
        begin(&mut smaller).await;
        for nth in 0..200 {
            let body = fetch(&connection, &format!("/{nth}")).await.unwrap();
            assert_eq!(body.len(), nth);
        }
        assert_eq!(smaller.await.unwrap().len(), 3_000_000);
        assert_eq!(large.await.unwrap().len(), 40_000_000);
        end.send(()).unwrap();
    });
}

#[test]
fn a_request_given_up_resets_its_stream_and_leaves_the_others() {
    let server = Server::serving(|peer| {
        let streams: Vec<u32> = (0..3).map(|_| peer.request().unwrap()).collect();
        // The first is given up before its head, the second in its body.
        peer.head(streams[1]);
        peer.data(streams[1], b"hel");
        let mut reset: Vec<_> = (0..2).map(|_| peer.next(RST_STREAM).unwrap()).collect();
        reset.sort_by_key(|reset| reset.stream);
        assert_eq!(reset.iter().map(|reset| reset.stream).collect::<Vec<_>>(), streams[..2]);
        assert!(reset.iter().all(|reset| reset.code() == CANCEL));
        // What comes too late is passed over.
        peer.answer(streams[0], b"late");
        peer.data(streams[1], b"lo");
        peer.answer(streams[2], b"hello");
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        let mut first = Box::pin(connection.send(get("/"), NO_BODY));
        begin(&mut first).await;
        let mut second = Box::pin(connection.send(get("/"), NO_BODY));
        begin(&mut second).await;
        let mut third = Box::pin(fetch(&connection, "/"));
        begin(&mut third).await;
        let mut second = second.await.unwrap();
        assert_eq!(second.chunk().await.unwrap().unwrap(), "hel");
        assert_eq!(connection.in_use(), 3);
        drop(first);
        drop(second);
        assert_eq!(connection.in_use(), 1);
        assert_eq!(third.await.unwrap(), b"hello");
        assert!(!connection.is_closed());
    });
    server.join();
}

#[test]
fn a_connection_ends_with_its_last_handle() {
    let server = Server::serving(|peer| {
        let stream = peer.request().unwrap();
        peer.head(stream);
        peer.data(stream, b"hel");
        peer.request().unwrap();
        peer.say(&frame(kind::DATA, END_STREAM, stream, b"lo"));
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        let mut exchange = connection.send(get("/"), NO_BODY).await.unwrap();
        let mut other = Box::pin(connection.send(get("/"), NO_BODY));
        begin(&mut other).await;
        assert_eq!(exchange.chunk().await.unwrap().unwrap(), "hel");
        drop(other);
        // The exchange holds it.
        drop(connection);
        assert_eq!(exchange.chunk().await.unwrap().unwrap(), "lo");
        drop(exchange);
        tokio::task::spawn_blocking(|| server.join()).await.unwrap();
    });
}

#[test]
fn settings_are_waited_for_only_on_demand() {
    let server = Server::start(|accept| {
        let mut peer = accept();
        // The request comes though nothing was said.
        let stream = peer.request().unwrap();
        peer.settle(&[]);
        peer.answer(stream, b"hello");
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello");
        connection.settled().await;
    });
    server.join();
}
