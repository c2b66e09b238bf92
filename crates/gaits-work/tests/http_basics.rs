//! Requests against raw sockets: what goes over the wire, and what the record says.

mod http_support;

use gaits_core::{Advice, ErrorKind, SessionScope};
use gaits_work::http::{HttpSpec, HttpVersion, Method, Payload};
use http_support::{Server, client, client_with, failed, ok};
use std::sync::mpsc;
use std::time::Duration;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn a_request_is_sent_and_its_answer_measured() {
    let server = Server::answering(&[OK, OK]);
    let mut client = client(HttpSpec::default());
    let first = ok(client.get(&server.url("/a?b=c")));
    assert_eq!(first.status, Some(200));
    assert_eq!(first.version, Some(HttpVersion::Http11));
    assert_eq!(*first.url, *server.url("/a?b=c"));
    assert_eq!((first.bytes, first.decoded_bytes), (5, 5));
    assert_eq!((first.redirects, first.reused), (0, false));
    assert_eq!(first.blake3.unwrap().to_string(), blake3::hash(b"hello").to_string());
    let second = ok(client.get(&server.url("/2")));
    assert!(second.reused);
    assert_eq!((second.connect_us, second.dns_us, second.tls_us), (0, 0, 0));
    let wanted = ["/a?b=c", "/2"].map(|path| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\naccept: */*\r\n\
             accept-encoding: gzip, br, zstd, deflate\r\nuser-agent: gaits/{}\r\n\r\n",
            server.address(),
            env!("CARGO_PKG_VERSION")
        )
    });
    assert_eq!(server.requests(), wanted);
}

#[test]
fn without_a_session_each_request_has_a_connection_of_its_own() {
    let server = Server::answering_each(&[OK, OK]);
    let mut client = client_with(HttpSpec::default(), SessionScope::None);
    assert!(!ok(client.get(&server.url("/"))).reused);
    assert!(!ok(client.get(&server.url("/"))).reused);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.contains("\r\nconnection: close\r\n")));
}

#[test]
fn an_item_that_is_no_url_fails_without_a_detail() {
    let failed = client(HttpSpec::default()).get("example.com");
    assert_eq!(
        failed.outcome.unwrap_err().to_string(),
        "invalid_item: no scheme: did you mean https://example.com?"
    );
    assert_eq!(failed.detail, None);
}

#[test]
fn an_answer_that_asks_for_a_pause_is_not_held_up_by_its_body() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 5\r\n\r\n";
    let server = Server::start(move |accept| {
        let mut peer = accept();
        peer.request();
        // The rest of the body never comes.
        peer.say(format!("{busy}bo"));
        accept().wait_for_end();
        peer.wait_for_end();
    });
    let mut client = client(HttpSpec { timeout: None, ..HttpSpec::default() });
    let performed = client.get(&server.url("/"));
    assert_eq!(performed.advice, Advice::Pause { until_us: Some(3_000_000), of: None });
    let (kind, message, detail) = failed(performed);
    assert_eq!((kind, &*message), (ErrorKind::HttpStatus, "429 Too Many Requests"));
    assert_eq!(detail.status, Some(429));
}

#[test]
fn a_connection_serves_on_after_an_answer_that_asks_for_a_pause() {
    let busy = "HTTP/1.1 503 Service Unavailable\r\nRateLimit: \"a\";r=0;t=2\r\nContent-Length: 4\r\n\r\nbusy";
    let server = Server::answering(&[busy, OK]);
    let mut client = client(HttpSpec::default());
    let performed = client.get(&server.url("/"));
    assert_eq!(performed.advice, Advice::Pause { until_us: Some(2_000_000), of: None });
    assert!(ok(client.get(&server.url("/"))).reused);
}

#[test]
fn an_answer_that_ends_the_run_says_so() {
    let denied = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let server = Server::answering(&[denied, denied]);
    let stop_on = Some("401".parse().unwrap());
    let mut client = client(HttpSpec { stop_on, ..HttpSpec::default() });
    assert_eq!(client.get(&server.url("/")).advice, Advice::Stop);
    assert_eq!(client.get(&server.url("/")).advice, Advice::Stop);
}

#[test]
fn an_accepted_status_advises_nothing() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n";
    let server = Server::answering(&[busy]);
    let accept = "429".parse().unwrap();
    let stop_on = Some("401,429".parse().unwrap());
    let mut client = client(HttpSpec { accept, stop_on, ..HttpSpec::default() });
    let performed = client.get(&server.url("/"));
    assert_eq!(performed.advice, Advice::Final);
    ok(performed);
}

/// A server that says what it is doing before it refuses the body, of which it reads nothing.
#[test]
fn an_answer_behind_an_interim_one_is_read_while_a_body_is_being_sent() {
    let (end, ended) = mpsc::channel::<()>();
    let server = Server::start(move |accept| {
        let mut peer = accept();
        peer.request();
        peer.say("HTTP/1.1 102 Processing\r\n\r\n");
        peer.say("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
        let _ = ended.recv();
    });
    let body = vec![b'x'; 16 << 20];
    let payload = Some(Payload::new(body, None));
    let timeout = Some(Duration::from_secs(5));
    let spec = HttpSpec { method: Method::PUT, payload, timeout, ..HttpSpec::default() };
    let (kind, message, detail) = failed(client(spec).get(&server.url("/")));
    drop(end);
    assert_eq!((kind, detail.status), (ErrorKind::HttpStatus, Some(413)), "{message}");
}
