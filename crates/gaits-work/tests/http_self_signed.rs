//! A certificate that signed itself, as `openssl req -x509` makes them: trusted when it is named, and only then.

#![allow(clippy::unwrap_used, reason = "a failure of the scenery fails the test")]

mod http_support;

use gaits_core::ErrorKind;
use gaits_work::http::{HttpSpec, Method, Payload, Trust};
use http_support::{client, failed, ok};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, Stream, crypto};

/// A server whose certificate is for `name` and calls itself an authority; its port, and the certificate.
fn serve(name: &str) -> (u16, String) {
    serve_with(name, b"HTTP/1.1 204 No Content\r\n\r\n", false)
}

/// The same, with an answer of its own, after which it hangs up without a word, or holds its connections and reads nothing more.
fn serve_with(name: &str, answer: &'static [u8], holds: bool) -> (u16, String) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::Builder::new()
        .spawn(move || {
            let mut held = Vec::new();
            for tcp in listener.incoming() {
                let mut tcp = tcp.unwrap();
                let mut tls = ServerConnection::new(config.clone()).unwrap();
                let mut stream = Stream::new(&mut tls, &mut tcp);
                // A client that does not trust it hangs up.
                if matches!(stream.read(&mut [0; 4096]), Ok(1..)) {
                    let _ = stream.write_all(answer);
                }
                held.extend(holds.then_some(tcp));
            }
        })
        .unwrap();
    (port, certificate.pem())
}

fn trusting(pem: String) -> HttpSpec {
    HttpSpec { trust: Trust::Pem { path: "c.pem".into(), pem }, ..HttpSpec::default() }
}

#[test]
fn it_is_trusted_when_it_is_named() {
    let (port, pem) = serve("localhost");
    let detail = ok(client(trusting(pem)).get(&format!("https://localhost:{port}/")));
    assert_eq!(detail.status, Some(204));
}

#[test]
fn it_is_not_trusted_when_another_is_named() {
    let (port, _) = serve("localhost");
    let (_, other) = serve("localhost");
    let (kind, message, _) =
        failed(client(trusting(other)).get(&format!("https://localhost:{port}/")));
    assert_eq!(kind, ErrorKind::Tls);
    assert!(message.contains("--cacert"), "{message}");
}

#[test]
fn it_must_still_be_for_the_host() {
    let (port, pem) = serve("elsewhere.test");
    let (kind, message, _) =
        failed(client(trusting(pem)).get(&format!("https://localhost:{port}/")));
    assert_eq!(kind, ErrorKind::Tls);
    assert!(message.contains("elsewhere.test") || message.contains("name"), "{message}");
}

#[test]
fn a_server_that_hangs_up_is_spoken_of_in_plain_words() {
    const BEGUN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    for (answer, wanted, message) in [
        (
            &b""[..],
            ErrorKind::Reset,
            "the server closed the connection before the response's head was complete",
        ),
        (BEGUN, ErrorKind::Truncated, "the connection was closed before the end of the body"),
    ] {
        let (port, pem) = serve_with("localhost", answer, false);
        let (kind, said, _) =
            failed(client(trusting(pem)).get(&format!("https://localhost:{port}/")));
        assert_eq!((kind, said.as_str()), (wanted, message));
    }
}

/// A server that answers as soon as it has the head, and reads nothing more.
#[test]
fn an_answer_that_comes_while_a_body_is_being_sent_is_read() {
    let (port, pem) = serve_with(
        "localhost",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno",
        true,
    );
    let body = vec![b'x'; 16 << 20];
    let payload = Payload::new(body, None);
    let spec =
        HttpSpec { method: Method::POST, payload: Some(payload), timeout: None, ..trusting(pem) };
    let (kind, message, detail) = failed(client(spec).get(&format!("https://localhost:{port}/")));
    assert_eq!((kind, detail.status), (ErrorKind::HttpStatus, Some(413)), "{message}");
}
