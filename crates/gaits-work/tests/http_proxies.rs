//! Proxies that break the rules or refuse, and one that is spoken with over TLS.

#![allow(clippy::unwrap_used, reason = "a failure of the scenery fails the test")]

mod http_support;

use gaits_core::{Advice, ErrorKind};
use gaits_origin::{Config, Origin};
use gaits_work::http::{HttpSpec, HttpVersion, Trust};
use http_support::{Server, client, failed, ok};
use rcgen::{CertificateParams, KeyPair};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

/// Requests that all go through `proxy`.
fn through(proxy: &str) -> HttpSpec {
    let mut spec = HttpSpec::default();
    spec.ways.proxies.http = vec![proxy.parse().unwrap()];
    spec.ways.proxies.https = spec.ways.proxies.http.clone();
    spec
}

/// What becomes of an item at a proxy that gives this one answer and closes.
fn outcome(scheme: &str, url: &str, answer: &[u8]) -> (ErrorKind, String, Advice) {
    let server = Server::answering_each(&[answer]);
    let proxy = format!("{scheme}://{}", server.address());
    let performed = client(through(&proxy)).get(url);
    let advice = performed.advice.clone();
    let (kind, message, _) = failed(performed);
    let rest = message.strip_prefix(&format!("through the proxy {proxy}: "));
    (kind, rest.unwrap_or_else(|| panic!("it is not named: {message}")).to_owned(), advice)
}

#[test]
fn what_a_proxy_says_in_place_of_a_tunnel_is_told() {
    let field = "X-Flood: 0123456789abcdef\r\n".repeat(10_000);
    let (flood, interim) =
        (format!("HTTP/1.1 200 OK\r\n{field}\r\n"), "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000));
    let no_tunnel = "it opens no tunnel to a.test:443: ";
    let (connect, protocol, reset) = (ErrorKind::Connect, ErrorKind::Protocol, ErrorKind::Reset);
    for (answer, kind, words, advice) in [
        ("HTTP/1.1 403 No\r\n\r\n", connect, "a.test:443: 403 Forbidden", Advice::Retry),
        ("HTTP/1.1 502 No\r\n\r\n<html>", connect, "a.test:443: 502 Bad Gateway", Advice::Retry),
        ("HTTP/1.0 504 No\n\n", connect, "a.test:443: 504 Gateway Timeout", Advice::Retry),
        (
            "HTTP/1.1 407 No\r\n\r\n",
            connect,
            "407 Proxy Authentication Required; it wants a user",
            Advice::Final,
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 599 No\r\n\r\n",
            connect,
            "a.test:443: 599",
            Advice::Retry,
        ),
        (
            "SSH-2.0-OpenSSH_9.6\r\n\r\n",
            protocol,
            "it does not answer as an HTTP proxy",
            Advice::Final,
        ),
        ("HTTP/1.1 2OO OK\r\n\r\n", protocol, "it does not answer as an HTTP proxy", Advice::Final),
        (&flood, protocol, "the head of its answer to CONNECT has more than 64 kB", Advice::Final),
        (
            &interim,
            protocol,
            "the head of its answer to CONNECT has more than 64 kB",
            Advice::Final,
        ),
        ("HTTP/1.1 200 OK\r\n\r\nhello", protocol, "it sent bytes of its own", Advice::Final),
        ("", reset, "it closed the connection without an answer to CONNECT", Advice::Retry),
        (
            "HTTP/1.1 200",
            reset,
            "it closed the connection in the middle of its answer",
            Advice::Retry,
        ),
    ] {
        let short: String = answer.chars().take(40).collect();
        let (found, message, advised) = outcome("http", "https://a.test/", answer.as_bytes());
        assert_eq!((found, advised), (kind, advice), "{short:?}: {message}");
        assert!(message.contains(words), "{short:?}: {message}");
        assert_eq!(message.starts_with(no_tunnel), kind == connect, "{short:?}: {message}");
    }
}

#[test]
fn what_a_proxy_answers_in_the_place_of_a_server_is_told() {
    for (answer, kind, words) in [
        (
            "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n",
            ErrorKind::Connect,
            "407 Proxy Authentication Required; it wants",
        ),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", ErrorKind::Protocol, ""),
        ("", ErrorKind::Reset, "the server closed the connection"),
    ] {
        let (found, message, advice) = outcome("http", "http://a.test/", answer.as_bytes());
        assert_eq!(found, kind, "{answer:?}: {message}");
        assert!(message.contains(words), "{answer:?}: {message}");
        assert_eq!(advice == Advice::Final, kind != ErrorKind::Reset, "{answer:?}");
    }
}

#[test]
fn what_is_no_socks_proxy_is_told() {
    // The test's server waits for an empty line, which no SOCKS client sends; so it says its answer at once.
    for (answer, kind, words) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            ErrorKind::Protocol,
            "it does not answer as a SOCKS5 proxy",
        ),
        (b"\x04\x00", ErrorKind::Protocol, "it does not answer as a SOCKS5 proxy"),
        (b"\x05", ErrorKind::Reset, "it closed the connection before it had answered"),
        (b"\x05\xff", ErrorKind::Connect, "it wants a user and a password"),
        (b"\x05\x00\x05\x02\x00\x01\0\0\0\0\0\0", ErrorKind::Connect, "its rules don't allow that"),
        (b"\x05\x00\x05\x01\x00\x01\0\0\0\0\0\0", ErrorKind::Connect, "general failure"),
        (b"\x05\x00\x05\x63\x00\x01\0\0\0\0\0\0", ErrorKind::Protocol, "as a SOCKS5 proxy"),
        (b"\x05\x00\x05\x00\x00\x07\0\0\0\0\0\0", ErrorKind::Protocol, "as a SOCKS5 proxy"),
    ] {
        let server = Server::start(move |accept| {
            let mut peer = accept();
            peer.say(answer);
            peer.finish();
            peer.wait_for_end();
        });
        let proxy = format!("socks5h://{}", server.address());
        let (found, message, _) = failed(client(through(&proxy)).get("http://a.test/"));
        assert_eq!(found, kind, "{answer:?}: {message}");
        assert!(message.contains(&proxy) && message.contains(words), "{answer:?}: {message}");
    }
}

#[test]
fn a_proxy_that_never_answers_is_given_up_with_the_connection() {
    for scheme in ["http", "socks5h"] {
        let server = Server::start(|accept| accept().wait_for_end());
        let proxy = format!("{scheme}://{}", server.address());
        let limit = Duration::from_millis(30);
        let spec = HttpSpec { connect_timeout: Some(limit), ..through(&proxy) };
        let (kind, message, _) = failed(client(spec).get("https://a.test/"));
        assert_eq!(kind, ErrorKind::ConnectTimeout);
        let wanted = format!(
            "through the proxy {proxy}: no connection to a.test within 0.03 s: still waiting for the proxy to connect"
        );
        assert_eq!(message, wanted);
    }
}

/// A proxy that is spoken with over TLS and leads to `server`, whatever it is asked for; and its certificate.
fn encrypted_proxy(server: SocketAddr) -> (u16, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let serve = async move {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let Ok(mut near) = acceptor.accept(near).await else { continue };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(near.read_u8().await.unwrap());
            }
            let mut far = TcpStream::connect(server).await.unwrap();
            if head.starts_with(b"CONNECT ") {
                near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            } else {
                // The server knows paths alone.
                let head = String::from_utf8(head).unwrap().replacen("http://a.test", "", 1);
                far.write_all(head.as_bytes()).await.unwrap();
            }
            // Whoever ends first ends it.
            let _ = copy_bidirectional(&mut near, &mut far).await;
        }
    };
    std::thread::Builder::new().spawn(move || runtime.block_on(serve)).unwrap();
    (port, certificate.pem())
}

#[test]
fn a_proxy_may_be_spoken_with_over_tls() {
    let secure = Origin::start(Config { tls: true, ..Config::default() }).unwrap();
    let plain = Origin::start(Config::default()).unwrap();
    for (origin, url, version) in [
        (&secure, format!("https://localhost:{}/uuid", secure.addr().port()), HttpVersion::Http2),
        (&plain, "http://a.test/uuid".to_owned(), HttpVersion::Http11),
    ] {
        let (port, pem) = encrypted_proxy(origin.addr());
        let pem = pem + secure.ca_pem().unwrap();
        let proxy = format!("https://localhost:{port}");
        let trust = Trust::Pem { path: "both.pem".into(), pem };
        let detail = ok(client(HttpSpec { trust, ..through(&proxy) }).get(&url));
        assert_eq!((detail.status, detail.version), (Some(200), Some(version)), "{url}");
        // Its certificate is checked as that of a server is.
        let (kind, message, _) = failed(client(through(&proxy)).get(&url));
        assert_eq!(kind, ErrorKind::Tls);
        let wanted = format!(
            "through the proxy {proxy}: the certificate of localhost:{port} is not trusted"
        );
        assert!(message.starts_with(&wanted), "{message}");
    }
}

#[test]
fn a_proxys_certificate_is_checked_where_those_of_servers_are_not() {
    let secure = Origin::start(Config { tls: true, ..Config::default() }).unwrap();
    let url = format!("https://localhost:{}/uuid", secure.addr().port());
    let insecure = HttpSpec { trust: Trust::Insecure, ..HttpSpec::default() };
    assert_eq!(ok(client(insecure).get(&url)).status, Some(200));
    let (port, _) = encrypted_proxy(secure.addr());
    let proxy = format!("https://localhost:{port}");
    for url in [&*url, "http://a.test/uuid"] {
        let spec = HttpSpec { trust: Trust::Insecure, ..through(&proxy) };
        let (kind, message, _) = failed(client(spec).get(url));
        assert_eq!(kind, ErrorKind::Tls);
        let wanted = format!(
            "through the proxy {proxy}: the certificate of localhost:{port} is not trusted: "
        );
        assert!(message.starts_with(&wanted), "{message}");
        assert!(
            message.contains("; --insecure is about servers: a proxy's certificate must be"),
            "{message}"
        );
    }
}
