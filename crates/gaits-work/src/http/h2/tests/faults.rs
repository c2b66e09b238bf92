//! Requests that fail, and whether they may be sent again.

use super::super::frames::kind;
use super::NO_BODY;
use super::server::{
    CANCEL, END_HEADERS, END_STREAM, HTTP_1_1_REQUIRED, INTERNAL_ERROR, NO_ERROR, OK, PUSH_PROMISE,
    Peer, REFUSED_STREAM, Server, field, frame, go_away,
};
use super::{Failure, begin, body, connect, failed, failure, fetch, get, run, unprocessed};
use gaits_core::ErrorKind;

/// How a request fails if the server does `answer` to it, and whether its connection is closed then.
fn failure_of(answer: impl FnOnce(&mut Peer, u32) + Send + 'static) -> (Failure, bool) {
    let server = Server::serving(|peer| {
        let stream = peer.request().unwrap();
        answer(peer, stream);
    });
    let outcome = run(async {
        let connection = connect(server.address()).await;
        (failure(fetch(&connection, "/").await), connection.is_closed())
    });
    server.join();
    outcome
}

/// As `failure_of`, for a server that waits for the end of the connection after its answer.
fn failure_on(answer: impl FnOnce(&mut Peer, u32) + Send + 'static) -> (Failure, bool) {
    failure_of(|peer, stream| {
        answer(peer, stream);
        peer.wait_for_end();
    })
}

#[test]
fn a_refused_stream_is_unprocessed() {
    let (failure, closed) = failure_on(|peer, stream| peer.reset_stream(stream, REFUSED_STREAM));
    let message = "the server reset the stream before the response's head was complete (refused stream before processing any application logic)";
    assert_eq!(failure, unprocessed(ErrorKind::Reset, message));
    assert!(!closed);
}

#[test]
fn a_stream_that_is_refused_after_an_interim_response_was_processed() {
    let (failure, _) = failure_on(|peer, stream| {
        peer.say(&frame(kind::HEADERS, END_HEADERS, stream, &field(":status", "103")));
        peer.reset_stream(stream, REFUSED_STREAM);
    });
    assert!(matches!(failure, Failure::Failed(ErrorKind::Reset, _)), "{failure:?}");
}

#[test]
fn a_server_may_want_http1_for_a_stream_or_for_all() {
    let (failure, _) = failure_on(|peer, stream| peer.reset_stream(stream, HTTP_1_1_REQUIRED));
    assert!(matches!(failure, Failure::WantsHttp1(ErrorKind::Reset, _)), "{failure:?}");
    let (failure, _) = failure_of(|peer, _| {
        peer.say(&go_away(0, HTTP_1_1_REQUIRED));
    });
    assert!(matches!(failure, Failure::WantsHttp1(ErrorKind::Reset, _)), "{failure:?}");
}

#[test]
fn a_stream_that_is_reset_before_its_head_may_have_been_processed() {
    for (code, what) in [
        (NO_ERROR, "not a result of an error"),
        (INTERNAL_ERROR, "unexpected internal error encountered"),
        (CANCEL, "stream no longer needed"),
    ] {
        let (failure, closed) = failure_on(move |peer, stream| peer.reset_stream(stream, code));
        let message =
            format!("the server reset the stream before the response's head was complete ({what})");
        assert_eq!(failure, failed(ErrorKind::Reset, &message));
        assert!(!closed);
    }
}

#[test]
fn a_stream_that_is_reset_in_its_body_is_truncated() {
    for code in [NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, HTTP_1_1_REQUIRED] {
        let (failure, closed) = failure_on(move |peer, stream| {
            peer.head(stream);
            peer.data(stream, b"hel");
            peer.reset_stream(stream, code);
        });
        assert!(
            matches!(&failure, Failure::Failed(ErrorKind::Truncated, what)
                if what.starts_with("the server reset the stream before the end of the body (")),
            "{failure:?}"
        );
        assert!(!closed);
    }
}

#[test]
fn a_reset_after_the_end_of_a_body_is_read_over() {
    let server = Server::serving(|peer| {
        let stream = peer.request().unwrap();
        peer.answer(stream, b"hello");
        peer.reset_stream(stream, NO_ERROR);
        let stream = peer.request().unwrap();
        peer.answer(stream, b"hello");
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        for _ in 0..2 {
            assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello");
        }
    });
    server.join();
}

/// How three requests end when the server sends `words` to all of them and then a whole answer to the first, and
/// closes.
fn with_three(
    words: impl FnOnce(&[u32]) -> Vec<u8> + Send + 'static,
) -> [Result<Vec<u8>, Failure>; 3] {
    let server = Server::serving(|peer| {
        let streams: Vec<u32> = (0..3).map(|_| peer.request().unwrap()).collect();
        peer.say(&words(&streams));
        peer.answer(streams[0], b"hello");
    });
    let ends = run(async {
        let connection = connect(server.address()).await;
        let (first, second, third) =
            tokio::join!(fetch(&connection, "/"), fetch(&connection, "/"), fetch(&connection, "/"));
        [first, second, third].map(|end| end.map_err(|e| failure::<()>(Err(e))))
    });
    server.join();
    ends
}

#[test]
fn streams_above_the_last_of_a_go_away_are_unprocessed_and_those_below_go_on() {
    let [first, second, third] = with_three(|streams| go_away(streams[0], NO_ERROR));
    assert_eq!(first.unwrap(), b"hello");
    let message = "the server closed the connection before the response's head was complete";
    assert_eq!(second.unwrap_err(), unprocessed(ErrorKind::Reset, message));
    assert_eq!(third.unwrap_err(), unprocessed(ErrorKind::Reset, message));
}

#[test]
fn streams_below_the_last_of_a_go_away_that_get_no_answer_may_have_been_processed() {
    let [first, second, third] = with_three(|streams| go_away(streams[1], INTERNAL_ERROR));
    assert_eq!(first.unwrap(), b"hello");
    let message = "the server closed the connection before the response's head was complete (unexpected internal error encountered)";
    assert_eq!(second.unwrap_err(), failed(ErrorKind::Reset, message));
    assert_eq!(third.unwrap_err(), unprocessed(ErrorKind::Reset, message));
}

#[test]
fn of_several_go_aways_the_lowest_last_stream_counts() {
    let [first, second, third] = with_three(|streams| {
        let warning = go_away(0x7fff_ffff, NO_ERROR);
        [warning, go_away(streams[1], NO_ERROR), go_away(streams[0], NO_ERROR)].concat()
    });
    assert_eq!(first.unwrap(), b"hello");
    assert!(matches!(second.unwrap_err(), Failure::Unprocessed(ErrorKind::Reset, _)));
    assert!(matches!(third.unwrap_err(), Failure::Unprocessed(ErrorKind::Reset, _)));
}

#[test]
fn what_was_left_out_stays_so_when_the_connection_breaks() {
    // Reset, so that h2 reports an error of the socket.
    let server = Server::serving(|peer| {
        let streams = [peer.request().unwrap(), peer.request().unwrap()];
        peer.head(streams[0]);
        peer.say(&go_away(streams[0], NO_ERROR));
        peer.request();
    });
    run(async {
        let connection = connect(server.address()).await;
        let mut first = Box::pin(connection.send(get("/"), NO_BODY));
        begin(&mut first).await;
        let mut second = Box::pin(connection.send(get("/"), NO_BODY));
        begin(&mut second).await;
        let mut first = first.await.unwrap();
        assert!(matches!(failure(second.await), Failure::Unprocessed(ErrorKind::Reset, _)));
        drop(connection);
        drop(body(&mut first));
        drop(first);
    });
    server.join();
}

#[test]
fn a_connection_that_is_closed_before_the_head_was_reset() {
    let (failure, closed) = failure_of(|_, _| {});
    let message = "the server closed the connection before the response's head was complete";
    assert_eq!(failure, failed(ErrorKind::Reset, message));
    assert!(closed);
    let (failure, closed) = failure_of(|peer, _| peer.abort());
    let message = "connection reset by peer before the response's head was complete";
    assert_eq!(failure, failed(ErrorKind::Reset, message));
    assert!(closed);
}

#[test]
fn a_connection_that_is_closed_in_the_body_truncates_it() {
    let (failure, closed) = failure_of(|peer, stream| {
        peer.head(stream);
        peer.data(stream, b"hel");
    });
    let message = "the server closed the connection before the end of the body";
    assert_eq!(failure, failed(ErrorKind::Truncated, message));
    assert!(closed);
}

#[test]
fn what_is_not_http2_is_a_protocol_error() {
    let server = Server::start(|accept| {
        let mut peer = accept();
        peer.say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        let failure = failure(fetch(&connection, "/").await);
        let (Failure::Failed(kind, what) | Failure::Unprocessed(kind, what)) = failure else {
            panic!("{failure:?}")
        };
        assert_eq!(kind, ErrorKind::Protocol);
        assert_eq!(what, "the server broke the rules of HTTP/2: frame with invalid size");
        connection.settled().await;
    });
    server.join();
}

#[test]
fn a_malformed_head_fails_its_request_alone() {
    let large: Vec<u8> =
        std::iter::repeat_n(field("x-large", &"x".repeat(100)), 4_000).flatten().collect();
    let no_status = field("x-a", "1");
    let named_twice = [OK, &field("content-length", "1"), &field("content-length", "2")].concat();
    let of_connection = [OK, &field("connection", "close")].concat();
    for head in [[OK, &large].concat(), no_status, named_twice, of_connection] {
        let server = Server::serving(move |peer| {
            let stream = peer.request().unwrap();
            let mut pieces = head.chunks(16_384).peekable();
            let mut kind = kind::HEADERS;
            while let Some(piece) = pieces.next() {
                let flags = if pieces.peek().is_none() { END_HEADERS } else { 0 };
                peer.say(&frame(kind, flags, stream, piece));
                kind = super::super::frames::kind::CONTINUATION;
            }
            let stream = peer.request().unwrap();
            peer.answer(stream, b"hello");
            peer.wait_for_end();
        });
        run(async {
            let connection = connect(server.address()).await;
            let message = "the server broke the rules of HTTP/2: the response's head is malformed or too large";
            assert_eq!(
                failure(fetch(&connection, "/").await),
                failed(ErrorKind::Protocol, message)
            );
            assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello");
        });
        server.join();
    }
}

#[test]
fn a_body_of_another_length_than_announced_fails_its_request_alone() {
    for announced in ["2", "9"] {
        let (failure, closed) = failure_on(move |peer, stream| {
            let head = [OK, &field("content-length", announced)].concat();
            peer.say(&frame(kind::HEADERS, END_HEADERS, stream, &head));
            peer.say(&frame(kind::DATA, END_STREAM, stream, b"hello"));
        });
        let message = "the server broke the rules of HTTP/2: the body is not as long as was announced, or its trailers are malformed";
        assert_eq!(failure, failed(ErrorKind::Protocol, message));
        assert!(!closed);
    }
}

#[test]
fn trailers_with_a_field_about_the_message_fail_their_request_alone() {
    for pseudo in [OK.to_vec(), field(":status", "299"), field(":path", "/")] {
        let (failure, closed) = failure_on(move |peer, stream| {
            peer.head(stream);
            peer.data(stream, b"hello");
            let trailers = [pseudo, field("x-checksum", "1")].concat();
            peer.say(&frame(kind::HEADERS, END_HEADERS | END_STREAM, stream, &trailers));
        });
        let message = "the server broke the rules of HTTP/2: the body is not as long as was announced, or its trailers are malformed";
        assert_eq!(failure, failed(ErrorKind::Protocol, message));
        assert!(!closed);
    }
}

#[test]
fn a_server_that_breaks_the_rules_of_the_connection_loses_it() {
    let (failure, closed) = failure_on(|peer, stream| {
        let promise = [&2_u32.to_be_bytes(), OK].concat();
        peer.say(&frame(PUSH_PROMISE, END_HEADERS, stream, &promise));
    });
    let message = "the server broke the rules of HTTP/2: unspecific protocol error detected";
    assert_eq!(failure, failed(ErrorKind::Protocol, message));
    assert!(closed);
}

#[test]
fn a_body_that_overruns_the_window_is_cut_off() {
    let server = Server::serving(|peer| {
        let stream = peer.request().unwrap();
        peer.head(stream);
        // 2 MiB are allowed, and the client takes none of it.
        for _ in 0..=128 {
            peer.data(stream, &[b'x'; 16_384]);
        }
        let stream = peer.request().unwrap();
        peer.answer(stream, b"hello");
        peer.wait_for_end();
    });
    run(async {
        let connection = connect(server.address()).await;
        let mut large = connection.send(get("/"), NO_BODY).await.unwrap();
        // Its frames come before this answer.
        assert_eq!(fetch(&connection, "/").await.unwrap(), b"hello");
        let error = loop {
            match large.chunk().await {
                Ok(piece) => assert!(piece.is_some(), "it came to an end"),
                Err(e) => break e,
            }
        };
        assert_eq!(error.kind, ErrorKind::Protocol);
        assert_eq!(
            error.message,
            "the server broke the rules of HTTP/2: flow-control protocol violated"
        );
    });
    server.join();
}
