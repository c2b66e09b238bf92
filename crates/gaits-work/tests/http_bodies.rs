//! Bodies that are kept: in the record, or in a file.

#![allow(clippy::unwrap_used, reason = "a failure of the scenery fails the test")]

mod http_support;

use gaits_core::{Advice, Blake3, ErrorKind, Value};
use gaits_origin::{Config, Origin};
use gaits_work::http::{BodyUse, HttpDetail, HttpSpec, HttpVersion, MOST_INLINE, Trust};
use http_support::{Client, Server, client, failed, ok};
use std::fs;
use std::path::Path;
use std::time::Duration;

const MB: usize = 1024 * 1024;

fn keeping(body: BodyUse) -> Client {
    client(HttpSpec { body, ..HttpSpec::default() })
}

fn answer(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// What the record has as the body of this answer, and how the item failed.
fn inline(body: BodyUse, answer: &[u8]) -> (Option<Value>, Option<ErrorKind>) {
    let server = Server::answering(&[answer]);
    let performed = keeping(body).get(&server.url("/"));
    let kind = performed.outcome.as_ref().err().map(|error| error.kind);
    let detail = performed.detail.unwrap();
    (HttpDetail::from_detail(&detail).unwrap().body, kind)
}

#[expect(clippy::unnecessary_wraps, reason = "compared with a body that may be missing")]
fn text(text: &str) -> Option<Value> {
    Some(Value::String(text.into()))
}

#[test]
fn a_body_goes_into_the_record_as_text_or_as_base64() {
    let of = |bytes: &[u8]| inline(BodyUse::Inline, &answer("200 OK", bytes));
    assert_eq!(of("gr\u{fc}n \"\n".as_bytes()), (text("gr\u{fc}n \"\n"), None));
    assert_eq!(of(b""), (text(""), None));
    let base64 = Value::Object(vec![("base64".into(), Value::String("/wA=".into()))]);
    assert_eq!(of(b"\xff\0"), (Some(base64), None));
}

#[test]
fn a_json_body_goes_into_the_record_as_json() {
    let of = |status, text: &str| inline(BodyUse::Json, &answer(status, text.as_bytes()));
    let list = Value::Array(vec![Value::Integer(1), Value::Null]);
    assert_eq!(of("200 OK", " [1, null]\n"), (Some(list.clone()), None));
    assert_eq!(of("200 OK", "<p>"), (text("<p>"), Some(ErrorKind::Decode)));
    assert_eq!(of("404 Not Found", "[1,null]"), (Some(list), Some(ErrorKind::HttpStatus)));
    assert_eq!(of("404 Not Found", "gone"), (text("gone"), Some(ErrorKind::HttpStatus)));
}

#[test]
fn the_body_of_a_failed_status_is_kept() {
    let (body, kind) = inline(BodyUse::Inline, &answer("500 Oh", b"why"));
    assert_eq!((body, kind), (text("why"), Some(ErrorKind::HttpStatus)));
}

#[test]
fn a_record_has_no_room_for_a_large_body() {
    let origin = Origin::start(Config::default()).unwrap();
    let most = usize::try_from(MOST_INLINE).unwrap();
    let mut client = keeping(BodyUse::Inline);
    assert!(ok(client.get(&origin.url(&format!("/bytes/{most}")))).body.is_some());
    let (kind, message, detail) = failed(client.get(&origin.url(&format!("/bytes/{}", most + 1))));
    assert_eq!((kind, detail.body), (ErrorKind::TooLarge, None));
    assert!(message.contains("--bodies DIR"), "{message}");
    // A smaller limit of the user's own is told as it is elsewhere.
    let mut client =
        self::client(HttpSpec { max_body_size: 10, body: BodyUse::Inline, ..HttpSpec::default() });
    let (_, message, _) = failed(client.get(&origin.url("/bytes/11")));
    assert_eq!(message, "the decoded body is larger than 10 bytes");
}

/// The only file in `folder`, as its name and its bytes.
#[track_caller]
fn only_file(folder: &Path) -> (String, Vec<u8>) {
    let files: Vec<_> = fs::read_dir(folder).unwrap().flatten().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    (files[0].file_name().into_string().unwrap(), fs::read(files[0].path()).unwrap())
}

#[test]
fn bodies_are_written_to_files_of_any_length() {
    let origin = Origin::start(Config::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut client = keeping(BodyUse::Files(folder.path().to_owned()));
    let long = format!("/bytes/{}", 3 * MB + 1);
    for path in ["/bytes/10", &long, "/bytes/0", "/gzip", "/brotli", "/status/404", &long] {
        let performed = client.get(&origin.url(path));
        let detail = HttpDetail::from_detail(performed.detail.as_ref().unwrap()).unwrap();
        assert_eq!(detail.body_file.as_deref(), Some("0.1"), "{path}: {performed:?}");
        let (name, bytes) = only_file(folder.path());
        assert_eq!((&*name, bytes.len() as u64), ("0.1", detail.decoded_bytes), "{path}");
        assert_eq!(Some(Blake3(*blake3::hash(&bytes).as_bytes())), detail.blake3, "{path}");
    }
}

#[test]
fn a_long_body_over_http_2_is_written_too() {
    let origin = Origin::start(Config { tls: true, ..Config::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let body = BodyUse::Files(folder.path().to_owned());
    let mut client = client(HttpSpec { trust: Trust::Insecure, body, ..HttpSpec::default() });
    let detail = ok(client.get(&origin.url(&format!("/bytes/{}", 3 * MB))));
    assert_eq!(detail.version, Some(HttpVersion::Http2));
    let bytes = only_file(folder.path()).1;
    assert_eq!(bytes.len(), 3 * MB);
    assert_eq!(Some(Blake3(*blake3::hash(&bytes).as_bytes())), detail.blake3);
}

#[test]
fn a_body_that_breaks_off_leaves_no_file() {
    let whole = vec![b'x'; MB];
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 2 * MB);
    let server = Server::answering_each(&[[head.as_bytes(), &whole].concat()]);
    let folder = tempfile::tempdir().unwrap();
    let mut client = keeping(BodyUse::Files(folder.path().to_owned()));
    let performed = client.get(&server.url("/"));
    assert_eq!(performed.advice, Advice::Retry);
    let (kind, _, detail) = failed(performed);
    assert_eq!((kind, detail.body_file), (ErrorKind::Truncated, None));
    // The thread that removes it ends with the work.
    drop(client);
    let mut waited = Duration::ZERO;
    while fs::read_dir(folder.path()).unwrap().next().is_some() {
        assert!(waited < Duration::from_mins(1), "it stays");
        std::thread::sleep(Duration::from_millis(5));
        waited += Duration::from_millis(5);
    }
}

#[test]
fn a_body_that_is_looked_into_is_written_as_well() {
    let server = Server::answering(&[answer("200 OK", b"{\"a\":7}"), answer("200 OK", b"none")]);
    let folder = tempfile::tempdir().unwrap();
    let extract = vec!["a=/a".parse().unwrap()];
    let body = BodyUse::Files(folder.path().to_owned());
    let mut client = client(HttpSpec { extract, body, ..HttpSpec::default() });
    let performed = client.get(&server.url("/"));
    assert_eq!(performed.extract, [("a".into(), Value::Integer(7))]);
    assert_eq!(only_file(folder.path()).1, b"{\"a\":7}");
    let (kind, _, detail) = failed(client.get(&server.url("/")));
    assert_eq!((kind, detail.body_file.as_deref()), (ErrorKind::Decode, Some("0.1")));
    assert_eq!(only_file(folder.path()).1, b"none");
}

#[test]
fn a_folder_that_takes_no_file_is_told_apart_from_a_bad_answer() {
    let origin = Origin::start(Config::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut client = keeping(BodyUse::Files(folder.path().join("nowhere")));
    for path in ["/bytes/10", "/bytes/1000000", "/status/404"] {
        let performed = client.get(&origin.url(path));
        assert_eq!(performed.advice, Advice::Final);
        let (kind, message, detail) = failed(performed);
        assert_eq!(kind, ErrorKind::Cancelled, "{path}");
        assert!(message.contains("can't write the body to "), "{message}");
        assert_eq!((detail.body_error.as_deref(), detail.body_file), (Some(&*message), None));
    }
}
