//! Requests against raw sockets: what goes over the wire, and what the record says.

mod http_support;

use gaits_core::SessionScope;
use gaits_work::http::{HttpSpec, HttpVersion};
use http_support::{Server, client, client_with, ok};

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
