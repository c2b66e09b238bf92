//! HTTP/2 and TLS.

use std::net::TcpStream;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gaits_origin::{Config, Origin, Script};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::logging::Lines;
use crate::wire::{Wire, origin};

/// An HTTP/2 connection, driven by a task of its own.
struct Http2 {
    sender: SendRequest<Empty<Bytes>>,
    connection: JoinSet<hyper::Result<()>>,
}

impl Http2 {
    async fn over(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io))
                .await
                .unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        Self { sender, connection: tasks }
    }

    async fn open(origin: &Origin) -> Self {
        Self::over(tokio::net::TcpStream::connect(origin.addr()).await.unwrap()).await
    }

    async fn send(&mut self, method: Method, url: String) -> hyper::Result<Response<Incoming>> {
        self.sender.ready().await?;
        let request = Request::builder().method(method).uri(url).body(Empty::new()).unwrap();
        self.sender.send_request(request).await
    }

    async fn get(&mut self, origin: &Origin, path: &str) -> hyper::Result<Response<Incoming>> {
        self.send(Method::GET, origin.url(path)).await
    }
}

async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn faulty(faults: &str) -> Origin {
    Origin::start(Config { faults: faults.parse().unwrap(), ..Config::default() }).unwrap()
}

#[tokio::test]
async fn http2_is_spoken_by_prior_knowledge() {
    let origin = origin();
    let mut client = Http2::open(&origin).await;
    let response = client.get(&origin, "/get?a=b").await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    let shown: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(shown["url"], origin.url("/get?a=b"));
    assert_eq!(shown["headers"]["Host"], origin.addr().to_string());
    let response = client.get(&origin, "/bytes/1000000").await.unwrap();
    assert_eq!(response.headers()["content-length"], "1000000");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), 1_000_000);
}

#[tokio::test]
async fn http2_streams_are_served_at_the_same_time() {
    let origin = faulty("stall:1");
    let mut client = Http2::open(&origin).await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        stalled.push(client.get(&origin, "/json").await.unwrap());
    }
    assert_eq!((origin.max_in_service(), origin.connections()), (20, 1));
}

#[tokio::test]
async fn http2_head_has_length_and_no_body() {
    let origin = origin();
    let mut client = Http2::open(&origin).await;
    for (path, length) in [("/uuid", "53"), ("/bytes/1000000", "1000000"), ("/status/200", "0")] {
        let response = client.send(Method::HEAD, origin.url(path)).await.unwrap();
        assert_eq!(response.headers()["content-length"], length);
        assert!(response.body().is_end_stream() || text(response).await.is_empty());
    }
}

#[tokio::test]
async fn http2_statuses_without_content_come_without_content() {
    let origin = origin();
    let mut client = Http2::open(&origin).await;
    for status in [204, 205, 304] {
        let response = client.get(&origin, &format!("/drip?code={status}")).await.unwrap();
        assert_eq!((response.status().as_u16(), text(response).await), (status, String::new()));
    }
}

#[tokio::test]
async fn truncation_over_http2_resets_the_stream_and_keeps_the_connection() {
    let origin = faulty("truncate:1");
    let mut client = Http2::open(&origin).await;
    for _ in 0..2 {
        let response = client.get(&origin, "/uuid").await.unwrap();
        assert_eq!(response.headers()["content-length"], "53");
        let mut body = response.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 26);
        assert!(body.frame().await.unwrap().is_err());
        assert!(client.get(&origin, "/status/204").await.is_err());
    }
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn a_slow_response_over_http2_is_truncated_in_its_body_as_well() {
    let (bandwidth, faults) = (NonZeroU64::new(2_000), "truncate:1".parse().unwrap());
    let origin = Origin::start(Config { bandwidth, faults, ..Config::default() }).unwrap();
    let mut client = Http2::open(&origin).await;
    let mut body = client.get(&origin, "/bytes/200").await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 100);
    assert!(body.frame().await.unwrap().is_err());
}

#[tokio::test]
async fn a_reset_over_http2_takes_the_connection_down() {
    let origin = faulty("reset:1");
    let mut client = Http2::open(&origin).await;
    assert!(client.get(&origin, "/uuid").await.is_err());
    assert!(client.connection.join_next().await.unwrap().unwrap().is_err());
    assert!(client.sender.ready().await.is_err());
}

#[tokio::test]
async fn a_stall_over_http2_ends_with_its_stream() {
    let config = Config {
        faults: "stall:1".parse().unwrap(),
        capacity: std::num::NonZeroUsize::new(1),
        ..Config::default()
    };
    let origin = Origin::start(config).unwrap();
    let mut client = Http2::open(&origin).await;
    let first = client.get(&origin, "/uuid").await.unwrap();
    drop(first);
    assert_eq!(client.get(&origin, "/uuid").await.unwrap().status(), 200);
}

#[tokio::test]
async fn each_stream_of_http2_leaves_its_line_in_the_log() {
    let log = Lines::default();
    let origin = log.start(Config::default());
    let mut client = Http2::open(&origin).await;
    for path in ["/uuid", "/status/404?a=b"] {
        text(client.get(&origin, path).await.unwrap()).await;
    }
    drop(origin);
    let lines = log.read();
    assert_eq!((&lines[0]["path"], &lines[0]["bytes"]), (&"/uuid".into(), &53.into()));
    assert_eq!((&lines[1]["path"], &lines[1]["status"]), (&"/status/404?a=b".into(), &404.into()));
    assert!(lines.iter().all(|line| line["outcome"] == "sent" && line["method"] == "GET"));
}

fn secure() -> Origin {
    Origin::start(Config { tls: true, ..Config::default() }).unwrap()
}

/// A client that trusts one origin and nobody else.
fn trusting(origin: &Origin, protocols: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(origin.ca_pem().unwrap().as_bytes()).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

fn handshake(
    origin: &Origin,
    config: Arc<ClientConfig>,
    name: &str,
) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(config, name).unwrap();
    let stream = TcpStream::connect(origin.addr()).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut tls = StreamOwned::new(connection, stream);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    Ok(tls)
}

#[test]
fn the_certificate_is_trusted_under_each_of_its_names() {
    let origin = secure();
    assert!(origin.url("/").starts_with("https://127.0.0.1:"));
    for name in ["localhost", "127.0.0.1", "::1"] {
        let tls = handshake(&origin, trusting(&origin, &[]), name).unwrap();
        let response = Wire::over(tls).get("/get").unwrap();
        assert_eq!(response.json()["url"], "https://origin.test/get", "{name}");
    }
    assert!(handshake(&origin, trusting(&origin, &[]), "elsewhere.test").is_err());
}

#[test]
fn the_certificate_of_another_origin_is_not_trusted() {
    let (origin, other) = (secure(), secure());
    assert!(handshake(&origin, trusting(&other, &[]), "localhost").is_err());
    assert!(crate::wire::origin().ca_pem().is_none());
}

#[test]
fn alpn_chooses_http1_when_the_client_has_nothing_better() {
    let origin = secure();
    let tls = handshake(&origin, trusting(&origin, &["http/1.1"]), "localhost").unwrap();
    assert_eq!(tls.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert_eq!(Wire::over(tls).get("/uuid").unwrap().status, 200);
}

#[tokio::test]
async fn alpn_chooses_http2_when_the_client_can() {
    let origin = secure();
    let stream = tokio::net::TcpStream::connect(origin.addr()).await.unwrap();
    let connector = TlsConnector::from(trusting(&origin, &["h2", "http/1.1"]));
    let tls = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut client = Http2::over(tls).await;
    let response = client.get(&origin, "/get").await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert!(text(response).await.contains("\"url\": \"https://127.0.0.1"));
}

#[tokio::test]
async fn a_scripted_path_over_http2_says_that_it_needs_http1() {
    let script = Script::parse(r#"{"/a": {"replies": [["reset"]], "then": "normal"}}"#).unwrap();
    let origin = Origin::start(Config { script: Some(script), ..Config::default() }).unwrap();
    let mut client = Http2::open(&origin).await;
    for path in ["/a", "/a", "/hostile/bomb"] {
        let response = client.get(&origin, path).await.unwrap();
        assert_eq!(response.status(), 505, "{path}");
        assert!(text(response).await.contains("HTTP/1.1"));
    }
    assert_eq!(client.get(&origin, "/uuid").await.unwrap().status(), 200);
}

#[test]
fn with_a_script_tls_offers_http1_alone() {
    let script = Script::parse(r#"{"/a": [{"send": "half"}, "close"]}"#).unwrap();
    let config = Config { tls: true, script: Some(script), ..Config::default() };
    let origin = Origin::start(config).unwrap();
    let config = trusting(&origin, &["h2", "http/1.1"]);
    let tls = handshake(&origin, config, "localhost").unwrap();
    assert_eq!(tls.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[test]
fn scripted_ends_over_tls_come_with_a_goodbye_or_without() {
    let script = Script::parse(
        r#"{
            "/close": [{"send": "half"}, "close"],
            "/drop": [{"send": "half"}, "drop"],
            "/kept": [{"send": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}],
            "/reset": ["reset"]
        }"#,
    )
    .unwrap();
    let config = Config { tls: true, script: Some(script), ..Config::default() };
    let origin = Origin::start(config).unwrap();
    let open = || Wire::over(handshake(&origin, trusting(&origin, &[]), "localhost").unwrap());
    let rest = |path| {
        let mut wire = open();
        wire.send("GET", path, "");
        assert_eq!(wire.some(4).unwrap(), b"half");
        wire.rest().map_err(|error| error.kind())
    };
    assert_eq!(rest("/close"), Ok(vec![]));
    assert_eq!(rest("/drop"), Err(std::io::ErrorKind::UnexpectedEof));
    let mut wire = open();
    for _ in 0..2 {
        assert_eq!(wire.get("/kept").unwrap().body, b"ok");
        assert_eq!(wire.get("/uuid").unwrap().status, 200);
    }
    wire.send("GET", "/reset", "");
    assert_eq!(wire.rest().unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn faults_over_tls_end_without_a_goodbye() {
    let faults = "truncate:1".parse().unwrap();
    let origin = Origin::start(Config { tls: true, faults, ..Config::default() }).unwrap();
    let tls = handshake(&origin, trusting(&origin, &[]), "localhost").unwrap();
    let mut wire = Wire::over(tls);
    wire.send("GET", "/uuid", "");
    assert_eq!(wire.head().unwrap().length(), Some(53));
    wire.some(26).unwrap();
    // rustls tells an end without close_notify from a proper one.
    assert_eq!(wire.rest().unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}
