//! Servers that break the rules: none of what they do may look like success, hang, or fill the memory.

#![allow(clippy::unwrap_used, reason = "a failure of the scenery fails the test")]

mod http_support;

use gaits_core::{ErrorKind, SessionScope};
use gaits_work::http::{ApiKey, Auth, HttpSpec};
use http_support::{Server, TickingClock, client, client_of, failed, ok};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn encoded(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    answer
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// What becomes of an item whose one answer is `answer`, after which the server closes.
fn outcome(answer: impl AsRef<[u8]>) -> (ErrorKind, String) {
    let server = Server::answering_each(&[answer]);
    let (kind, message, detail) = failed(client(HttpSpec::default()).get(&server.url("/")));
    assert_eq!(detail.blake3, None, "it did not arrive whole");
    (kind, message)
}

#[test]
fn what_is_not_http_is_a_protocol_error() {
    for answer in [
        "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        "HTTP/1.1 200 OK\r\n Leading: space\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nSpace before : colon\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5O\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 2OO OK\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "<html>hello</html>\r\n\r\n",
    ] {
        let (kind, message) = outcome(answer);
        assert_eq!(kind, ErrorKind::Protocol, "{answer:?}: {message}");
    }
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n";
    assert_eq!(outcome(chunks).0, ErrorKind::Protocol);
}

#[test]
fn a_head_without_end_is_cut_off() {
    let flood = format!("HTTP/1.1 200 OK\r\n{}", "X-Flood: 0123456789abcdef\r\n".repeat(100_000));
    let (kind, message) = outcome(flood);
    assert_eq!(kind, ErrorKind::Protocol, "{message}");
}

#[test]
fn a_body_that_ends_early_is_truncated() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\nhello",
    ] {
        let (kind, message) = outcome(answer);
        assert_eq!(kind, ErrorKind::Truncated, "{answer:?}: {message}");
        assert_eq!(message, "the connection was closed before the end of the body");
    }
}

#[test]
fn a_connection_that_ends_before_its_head_was_reset() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let (kind, message) = outcome(answer);
        assert_eq!(kind, ErrorKind::Reset, "{answer:?}: {message}");
    }
    let server = Server::start(|accept| {
        let mut peer = accept();
        peer.request();
        peer.reset();
    });
    let (kind, message, _) = failed(client(HttpSpec::default()).get(&server.url("/")));
    assert_eq!(kind, ErrorKind::Reset);
    assert_eq!(message, "connection reset by peer before the response's head was complete");
}

#[test]
fn a_reset_in_the_body_is_a_truncation() {
    let server = Server::start(|accept| {
        let mut peer = accept();
        peer.request();
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        peer.reset();
    });
    let (kind, message, _) = failed(client(HttpSpec::default()).get(&server.url("/")));
    // The reset may overtake what was sent before it.
    assert!(matches!(kind, ErrorKind::Truncated | ErrorKind::Reset), "{kind}: {message}");
}

#[test]
fn nobody_listening_refuses() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (kind, message, detail) =
        failed(client(HttpSpec::default()).get(&format!("http://{address}/")));
    assert_eq!(kind, ErrorKind::Connect);
    assert_eq!(message, format!("connection refused by {address}"));
    assert_eq!(detail.status, None);
}

#[test]
fn a_name_that_cannot_be_is_a_dns_failure() {
    let (kind, message, _) = failed(client(HttpSpec::default()).get("http://no.such.invalid/"));
    assert_eq!(kind, ErrorKind::Dns);
    assert_eq!(message, "could not resolve host no.such.invalid: no such name");
}

#[test]
fn codings_that_do_not_come_undone_are_decode_errors() {
    let whole = gzip(b"hello, hello, hello");
    let mut garbage = whole.clone();
    garbage.extend(b"garbage");
    let mut corrupt = whole.clone();
    let last = corrupt.len() - 5;
    corrupt[last] ^= 1;
    let mut brotli = Vec::new();
    brotli::BrotliCompress(
        &mut &b"hello"[..],
        &mut brotli,
        &brotli::enc::BrotliEncoderParams::default(),
    )
    .unwrap();
    let zstd = zstd::encode_all(&b"hello"[..], 0).unwrap();
    let mut brotli_garbage = brotli.clone();
    brotli_garbage.extend(b"garbage");
    let mut zstd_garbage = zstd.clone();
    zstd_garbage.extend(b"garbage");
    for (what, coding, body) in [
        ("a label on plain text", "gzip", b"just text".to_vec()),
        ("garbage after the end", "gzip", garbage),
        ("a wrong checksum", "gzip", corrupt),
        ("an end too early", "gzip", whole[..whole.len() - 4].to_vec()),
        ("an end in the header", "gzip", whole[..5].to_vec()),
        ("brotli on plain text", "br", b"just text, and a bit more of it".to_vec()),
        ("brotli, too short", "br", brotli[..brotli.len() - 2].to_vec()),
        ("brotli and garbage", "br", brotli_garbage),
        ("zstd on plain text", "zstd", b"just text".to_vec()),
        ("zstd, too short", "zstd", zstd[..zstd.len() - 2].to_vec()),
        ("zstd and garbage", "zstd", zstd_garbage),
        ("deflate on plain text", "deflate", b"\xffjust text".to_vec()),
        ("one byte of deflate", "deflate", b"x".to_vec()),
        ("gzip once, labelled twice", "gzip, gzip", gzip(b"hello")),
        ("an unknown coding", "lzma", b"hello".to_vec()),
        ("codings without end", "gzip, gzip, gzip, gzip, gzip", b"hello".to_vec()),
        ("a label of 200 kB", &"gzip,".repeat(40_000), b"hello".to_vec()),
    ] {
        let (kind, message) = outcome(encoded(coding, &body));
        assert_eq!(kind, ErrorKind::Decode, "{what}: {message}");
    }
}

#[test]
fn codings_are_undone_one_upon_the_other_and_one_after_the_other() {
    let mut members = gzip(b"hello, ");
    members.extend(gzip(b"hello"));
    let mut frames = zstd::encode_all(&b"hello, "[..], 0).unwrap();
    frames.extend(zstd::encode_all(&b"hello"[..], 0).unwrap());
    let raw = {
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(b"hello, hello").unwrap();
        encoder.finish().unwrap()
    };
    let zlib = {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(b"hello, hello").unwrap();
        encoder.finish().unwrap()
    };
    for (coding, body) in [
        ("gzip", members),
        ("zstd", frames.clone()),
        ("zstd, gzip", gzip(&frames)),
        ("gzip, gzip", gzip(&gzip(b"hello, hello"))),
        ("X-GZIP , identity", gzip(b"hello, hello")),
        ("deflate", raw),
        ("deflate", zlib),
        ("identity", b"hello, hello".to_vec()),
    ] {
        let server = Server::answering_each(&[encoded(coding, &body)]);
        let detail = ok(client(HttpSpec::default()).get(&server.url("/")));
        assert_eq!((detail.bytes, detail.decoded_bytes), (body.len() as u64, 12), "{coding}");
        assert_eq!(detail.blake3.unwrap().to_string(), blake3::hash(b"hello, hello").to_string());
    }
}

#[test]
fn codings_are_undone_byte_by_byte_too() {
    let bodies = [
        ("gzip", gzip(b"hello, hello")),
        ("zstd", zstd::encode_all(&b"hello, hello"[..], 0).unwrap()),
        ("deflate", {
            let mut encoder =
                flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(b"hello, hello").unwrap();
            encoder.finish().unwrap()
        }),
    ];
    for (coding, body) in bodies {
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        .into_bytes();
        for byte in body {
            answer.extend([b"1\r\n".as_slice(), &[byte], b"\r\n"].concat());
        }
        answer.extend(b"0\r\n\r\n");
        let server = Server::answering_each(&[answer]);
        assert_eq!(
            ok(client(HttpSpec::default()).get(&server.url("/"))).decoded_bytes,
            12,
            "{coding}"
        );
    }
}

#[test]
fn codings_of_the_transfer_are_undone_as_those_of_the_content() {
    let body = gzip(&zstd::encode_all(&b"hello, hello"[..], 0).unwrap());
    for (transfer, wanted) in [
        ("gzip, chunked", Ok(12)),
        ("gzip;q=1.0 , CHUNKED", Ok(12)),
        ("compress, chunked", Err(ErrorKind::Decode)),
    ] {
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: {transfer}\r\nContent-Encoding: zstd\r\n\r\n{:x}\r\n",
            body.len()
        )
        .into_bytes();
        answer.extend([&body[..], b"\r\n0\r\n\r\n"].concat());
        let server = Server::answering_each(&[answer]);
        let performed = client(HttpSpec::default()).get(&server.url("/"));
        match wanted {
            Ok(len) => assert_eq!(ok(performed).decoded_bytes, len, "{transfer}"),
            Err(kind) => assert_eq!(failed(performed).0, kind, "{transfer}"),
        }
    }
}

#[test]
fn a_response_without_a_body_may_carry_an_unknown_label() {
    for head in ["204 No Content\r\n", "200 OK\r\nContent-Length: 0\r\n"] {
        let answer = format!("HTTP/1.1 {head}Content-Encoding: lzma\r\n\r\n");
        let server = Server::answering_each(&[answer]);
        let detail = ok(client(HttpSpec::default()).get(&server.url("/")));
        assert_eq!((detail.bytes, detail.decoded_bytes), (0, 0), "{head}");
    }
}

#[test]
fn a_deadline_holds_while_a_body_is_decoded() {
    // 1 MB that decodes to 1 GB: no machine does that in 50 ms.
    let body = gzip(&vec![0; 1 << 24]).repeat(1 << 6);
    let server = Server::answering_each(&[encoded("gzip", &body)]);
    let spec = HttpSpec { timeout: Some(Duration::from_millis(50)), ..HttpSpec::default() };
    let (kind, message, detail) = failed(client(spec).get(&server.url("/")));
    assert_eq!(kind, ErrorKind::Timeout, "{message}");
    assert!(detail.decoded_bytes < 1 << 30, "{}", detail.decoded_bytes);
}

#[test]
fn an_empty_body_may_carry_a_label() {
    let server = Server::answering_each(&[encoded("gzip", b"")]);
    let detail = ok(client(HttpSpec::default()).get(&server.url("/")));
    assert_eq!((detail.bytes, detail.decoded_bytes), (0, 0));
}

#[test]
fn a_bomb_is_cut_at_the_cap() {
    const MIB: usize = 1 << 20;
    let zeros = vec![0; 64 * MIB];
    let spec = HttpSpec { max_body_size: MIB as u64, ..HttpSpec::default() };
    for (coding, body) in [
        ("gzip", gzip(&zeros)),
        ("zstd", zstd::encode_all(&zeros[..], 3).unwrap()),
        ("gzip, gzip", gzip(&gzip(&zeros))),
    ] {
        let server = Server::answering_each(&[encoded(coding, &body)]);
        let (kind, message, detail) = failed(client(spec.clone()).get(&server.url("/")));
        assert_eq!(kind, ErrorKind::TooLarge, "{coding}: {message}");
        assert_eq!(message, "the decoded body is larger than 1048576 bytes");
        assert!(detail.decoded_bytes <= (MIB + 16 * 1024) as u64, "it stopped right there");
        assert_eq!(detail.blake3, None);
    }
}

#[test]
fn the_cap_is_exact() {
    for (cap, fits) in [(5, true), (4, false)] {
        for answer in [
            OK,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ] {
            let server = Server::answering_each(&[answer]);
            let spec = HttpSpec { max_body_size: cap, ..HttpSpec::default() };
            let performed = client(spec).get(&server.url("/"));
            assert_eq!(performed.outcome.is_ok(), fits, "{cap} {answer}");
        }
    }
}

#[test]
fn a_kept_connection_that_was_closed_is_replaced_unseen() {
    let server = Server::start(|accept| {
        // Closes after its answer without having announced it, and then on the next request as it arrives.
        let mut first = accept();
        first.request();
        first.say(OK);
        drop(first);
        let mut second = accept();
        second.request();
        second.say(OK);
        second.request();
        drop(second);
        let mut third = accept();
        third.request();
        third.say(OK);
        third.wait_for_end();
    });
    let mut client = client(HttpSpec::default());
    for _ in 0..3 {
        assert_eq!(ok(client.get(&server.url("/"))).bytes, 5);
    }
    assert!(server.requests().len() >= 4);
}

#[test]
fn a_fresh_connection_that_is_closed_is_not_tried_again() {
    let server = Server::start(|accept| {
        let mut first = accept();
        first.request();
        drop(first);
        let mut second = accept();
        second.request();
        second.say(OK);
    });
    let (kind, ..) = failed(client(HttpSpec::default()).get(&server.url("/")));
    assert_eq!(kind, ErrorKind::Reset);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_server_that_announces_the_end_is_believed() {
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    let server = Server::answering_each(&[closing, closing]);
    let mut client = client(HttpSpec::default());
    for _ in 0..2 {
        assert!(!ok(client.get(&server.url("/"))).reused);
    }
}

#[test]
fn a_body_that_ends_with_the_connection_is_whole() {
    let server = Server::answering_each(&["HTTP/1.0 200 OK\r\n\r\nhello"]);
    let detail = ok(client(HttpSpec::default()).get(&server.url("/")));
    assert_eq!((detail.bytes, detail.version), (5, Some(gaits_work::http::HttpVersion::Http10)));
}

#[test]
fn a_drip_ends_at_the_total_timeout() {
    let server = Server::start(|accept| {
        let mut peer = accept();
        peer.request();
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        peer.wait_for_end();
    });
    let spec = HttpSpec { timeout: Some(Duration::from_millis(300)), ..HttpSpec::default() };
    let work = gaits_work::http::HttpWork::new(&spec, Arc::new(TickingClock::default())).unwrap();
    let (kind, message, detail) =
        failed(client_of(&work, SessionScope::Loop).get(&server.url("/")));
    assert_eq!(kind, ErrorKind::Timeout);
    assert_eq!(message, "no complete answer within 0.3 s: still reading the body");
    assert_eq!((detail.status, detail.bytes, detail.decoded_bytes), (Some(200), 5, 5));
    assert!(detail.connect_us > 0 && detail.first_byte_us > 0 && detail.body_us > 0, "{detail:?}");
}

#[test]
fn silence_ends_at_the_total_timeout() {
    let server = Server::start(|accept| accept().wait_for_end());
    let spec = HttpSpec { timeout: Some(Duration::from_millis(50)), ..HttpSpec::default() };
    let (kind, message, detail) = failed(client(spec).get(&server.url("/")));
    assert_eq!(kind, ErrorKind::Timeout);
    assert_eq!(message, "no complete answer within 0.05 s: still waiting for the response's head");
    assert_eq!(detail.status, None);
}

#[test]
fn a_handshake_that_never_ends_is_a_connect_timeout() {
    let server = Server::start(|accept| accept().wait_for_end());
    let spec = HttpSpec {
        connect_timeout: Some(Duration::from_millis(50)),
        trust: gaits_work::http::Trust::Insecure,
        ..HttpSpec::default()
    };
    let url = server.url("/").replace("http://", "https://");
    let (kind, message, _) = failed(client(spec).get(&url));
    assert_eq!(kind, ErrorKind::ConnectTimeout);
    assert_eq!(
        message,
        format!("no connection to {} within 0.05 s: still in the TLS handshake", server.address())
    );
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

#[test]
fn secrets_are_not_taken_to_another_origin() {
    let other = Server::answering_each(&[OK]);
    let server = Server::answering_each(&[redirect(&other.url("/there#part"))]);
    let spec = HttpSpec {
        headers: [
            ("Authorization", "Bearer t0ken"),
            ("X-Api-Key", "k3y"),
            ("Cookie", "a=b"),
            ("Accept-Language", "de"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ..HttpSpec::default()
    };
    let url = server.url("/").replace("://", "://user:pass@");
    let detail = ok(client(spec).get(&url));
    assert_eq!((&*detail.url, detail.redirects), (&*other.url("/there"), 1));
    let [sent] = &server.requests()[..] else { panic!() };
    assert!(sent.contains("authorization: Basic dXNlcjpwYXNz") && sent.contains("x-api-key: k3y"));
    let [taken] = &other.requests()[..] else { panic!() };
    for secret in ["authorization", "x-api-key", "cookie", "dXNlcjpwYXNz"] {
        assert!(!taken.contains(secret), "{taken}");
    }
    assert!(taken.contains("accept-language: de"));
}

#[test]
fn what_was_dropped_stays_dropped_on_the_way_back() {
    let server = Server::start(|accept| {
        let mut first = accept();
        let head = first.request().unwrap();
        let host = head.split("host: ").nth(1).unwrap().split('\r').next().unwrap().to_owned();
        let port = host.rsplit(':').next().unwrap();
        first.say(redirect(&format!("http://127.0.0.2:{port}/")));
        // 127.0.0.2 is not listened on: the test ends with a refusal there.
    });
    let spec =
        HttpSpec { headers: vec![("X-Api-Key".into(), "k3y".into())], ..HttpSpec::default() };
    let (kind, ..) = failed(client(spec).get(&server.url("/")));
    assert_eq!(kind, ErrorKind::Connect);
}

#[test]
fn secrets_stay_with_their_origin() {
    let server = Server::answering_each(&[redirect("/next"), OK.to_owned()]);
    let spec =
        HttpSpec { headers: vec![("X-Api-Key".into(), "k3y".into())], ..HttpSpec::default() };
    let url = server.url("/").replace("://", "://user:pass@");
    ok(client(spec).get(&url));
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(
        requests.iter().all(|r| r.contains("x-api-key: k3y") && r.contains("authorization: Basic"))
    );
}

#[test]
fn a_key_that_a_redirect_repeats_inside_a_url_is_not_in_the_record() {
    let to = "/login?a=b&next=%2Fapi%3Fkey%3Ds3cret";
    let server = Server::answering_each(&[redirect(to), OK.to_owned()]);
    let key = ApiKey::Query { name: "key".to_owned(), value: "s3cret".into() };
    let auth = Auth { keys: vec![key], ..Auth::default() };
    let detail = ok(client(HttpSpec { auth, ..HttpSpec::default() }).get(&server.url("/api")));
    assert_eq!(*detail.url, *server.url("/login?a=b"));
    let asked = server.requests();
    assert!(asked[0].starts_with("GET /api?key=s3cret "), "{asked:?}");
    assert!(asked[1].starts_with("GET /login?a=b&key=s3cret "), "its own server: {asked:?}");
}

#[test]
fn redirects_lead_only_where_http_is_spoken() {
    for (to, wanted) in [
        ("ftp://127.0.0.1/", "redirected to ftp:, and only http and https are followed"),
        ("file:///etc/passwd", "redirected to file:, and only http and https are followed"),
        ("http://", "302 leads to no URL: empty host"),
    ] {
        let (kind, message) = outcome(redirect(to));
        assert_eq!((kind, message.as_str()), (ErrorKind::Redirect, wanted));
    }
}

#[test]
fn a_redirect_to_itself_ends() {
    let server = Server::answering_each(&vec![redirect("/"); 11]);
    let (kind, message, _) = failed(client(HttpSpec::default()).get(&server.url("/")));
    assert_eq!((kind, message.as_str()), (ErrorKind::Redirect, "redirected more than 10 times"));
}

#[test]
fn a_redirect_without_a_target_is_an_answer() {
    let server = Server::answering_each(&["HTTP/1.1 302 Found\r\nContent-Length: 5\r\n\r\nhello"]);
    let detail = ok(client(HttpSpec::default()).get(&server.url("/")));
    assert_eq!((detail.status, detail.bytes, detail.redirects), (Some(302), 5, 0));
}

#[test]
fn a_redirect_with_an_empty_target_is_an_answer() {
    let server = Server::answering_each(&[redirect("")]);
    let detail = ok(client(HttpSpec::default()).get(&server.url("/")));
    assert_eq!((detail.status, detail.redirects), (Some(302), 0));
}

#[test]
fn a_redirect_in_latin_1_is_followed() {
    let to = [b"HTTP/1.1 302 Found\r\nLocation: /caf\xe9\r\nContent-Length: 0\r\n\r\n"];
    let server = Server::answering_each(&[&to[0][..], OK.as_bytes()]);
    let detail = ok(client(HttpSpec::default()).get(&server.url("/")));
    assert_eq!((detail.redirects, &*detail.url), (1, &*server.url("/caf%E9")));
    assert!(server.requests()[1].starts_with("GET /caf%E9 HTTP/1.1\r\n"));
}

#[test]
fn a_redirects_body_that_never_ends_is_left_behind() {
    let server = Server::start(|accept| {
        let mut first = accept();
        first.request();
        first.say("HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 100\r\n\r\nhello");
        let mut second = accept();
        second.request();
        second.say(OK);
        drop(first);
    });
    let detail = ok(client(HttpSpec::default()).get(&server.url("/")));
    assert_eq!((detail.bytes, detail.redirects, detail.reused), (5, 1, false));
}
