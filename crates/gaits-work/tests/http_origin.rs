//! Requests to a well-behaved server, over HTTP/1.1 and HTTP/2.

#![allow(clippy::unwrap_used, reason = "a failure of the scenery fails the test")]

mod http_support;

use gaits_core::{ErrorKind, ManualClock, SessionScope, Value};
use gaits_origin::{Config, Faults, Origin};
use gaits_work::http::{HttpDetail, HttpSpec, HttpVersion, HttpWork, Method, Trust};
use http_support::{Client, client, client_of, client_with, failed, ok};
use std::sync::Arc;
use std::time::Duration;

fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

fn tls_origin() -> (Origin, HttpSpec) {
    let origin = Origin::start(Config { tls: true, ..Config::default() }).unwrap();
    let pem = origin.ca_pem().unwrap().to_owned();
    let trust = Trust::Pem { path: "origin.pem".into(), pem };
    (origin, HttpSpec { trust, ..HttpSpec::default() })
}

fn extracting(extract: &[&str]) -> HttpSpec {
    let extract = extract.iter().map(|text| text.parse().unwrap()).collect();
    HttpSpec { extract, ..HttpSpec::default() }
}

/// The string that is at `pointer` of the answer.
fn fetched(spec: HttpSpec, url: &str, pointer: &str) -> String {
    let mut client =
        client(HttpSpec { extract: vec![format!("x={pointer}").parse().unwrap()], ..spec });
    let performed = client.get(url);
    match &performed.extract[..] {
        [(_, Value::String(text))] => text.to_string(),
        _ => panic!("{performed:?}"),
    }
}

#[test]
fn http2_is_spoken_where_the_server_offers_it() {
    let (origin, spec) = tls_origin();
    let mut client = client(spec);
    let first = ok(client.get(&origin.url("/uuid")));
    assert_eq!((first.version, first.reused), (Some(HttpVersion::Http2), false));
    let second = ok(client.get(&origin.url("/bytes/100000")));
    assert_eq!((second.version, second.reused), (Some(HttpVersion::Http2), true));
    assert_eq!((second.bytes, second.decoded_bytes), (100_000, 100_000));
    assert_eq!((origin.connections(), origin.requests()), (1, 2));
}

#[test]
fn a_certificate_is_trusted_only_if_it_was_named() {
    let (origin, spec) = tls_origin();
    let other = Origin::start(Config { tls: true, ..Config::default() }).unwrap();
    let pem = other.ca_pem().unwrap().to_owned();
    let trust = Trust::Pem { path: "other.pem".into(), pem };
    let (kind, message, detail) =
        failed(client(HttpSpec { trust, ..spec.clone() }).get(&origin.url("/uuid")));
    assert_eq!(kind, ErrorKind::Tls);
    assert!(message.contains("is not trusted") && message.contains("--cacert"), "{message}");
    assert_eq!(detail.status, None);
    ok(client(HttpSpec { trust: Trust::Insecure, ..spec }).get(&origin.url("/uuid")));
}

#[test]
fn a_certificate_must_be_for_the_host() {
    let (origin, spec) = tls_origin();
    let url = format!("https://sub.localhost:{}/uuid", origin.addr().port());
    let (kind, message, _) = failed(client(spec.clone()).get(&url));
    assert_eq!(kind, ErrorKind::Tls);
    assert!(message.contains("sub.localhost"), "{message}");
    let url = format!("https://localhost:{}/uuid", origin.addr().port());
    ok(client(spec).get(&url));
}

#[test]
fn tls_to_a_server_without_it_says_so() {
    let origin = origin();
    let url = origin.url("/uuid").replace("http://", "https://");
    let spec = HttpSpec { trust: Trust::Insecure, ..HttpSpec::default() };
    let (kind, message, _) = failed(client(spec).get(&url));
    assert_eq!(kind, ErrorKind::Tls, "{message}");
}

#[test]
fn without_a_session_each_request_shakes_hands_anew() {
    let (origin, spec) = tls_origin();
    let mut client = client_with(spec, SessionScope::None);
    for _ in 0..3 {
        assert!(!ok(client.get(&origin.url("/uuid"))).reused);
    }
    assert_eq!((origin.connections(), origin.requests()), (3, 3));
}

#[test]
fn every_coding_is_undone() {
    let origin = origin();
    let mut client = client(extracting(&["coding=/gzipped"]));
    let gzip = client.get(&origin.url("/gzip"));
    assert_eq!(gzip.extract, [("coding".into(), Value::Bool(true))]);
    let detail = ok(gzip);
    assert!(detail.bytes > 0 && detail.decoded_bytes > detail.bytes / 2);
    for (path, pointer) in [("/brotli", "/brotli"), ("/zstd", "/zstd"), ("/deflate", "/deflated")] {
        let mut client = http_support::client(extracting(&[&format!("coding={pointer}")]));
        let performed = client.get(&origin.url(path));
        assert_eq!(
            performed.extract,
            [("coding".into(), Value::Bool(true))],
            "{path}: {performed:?}"
        );
    }
}

#[test]
fn head_gives_the_head_only() {
    for (origin, spec) in [(origin(), HttpSpec::default()), tls_origin()] {
        let mut client = client(HttpSpec { method: Method::HEAD, ..spec });
        for reused in [false, true] {
            let detail = ok(client.get(&origin.url("/bytes/1000")));
            assert_eq!((detail.status, detail.bytes, detail.blake3), (Some(200), 0, None));
            assert_eq!(detail.reused, reused);
        }
    }
}

#[test]
fn redirects_are_followed_and_counted() {
    for (origin, spec) in [(origin(), HttpSpec::default()), tls_origin()] {
        let mut client = client(spec);
        for reused in [false, true] {
            let detail = ok(client.get(&origin.url("/redirect/3")));
            assert_eq!((detail.status, detail.redirects, detail.reused), (Some(200), 3, reused));
            assert_eq!(*detail.url, *origin.url("/get"));
        }
        assert_eq!(origin.connections(), 1);
    }
}

#[test]
fn redirects_end_at_the_limit() {
    let origin = origin();
    let (kind, message, detail) =
        failed(client(HttpSpec::default()).get(&origin.url("/redirect/11")));
    assert_eq!((kind, message.as_str()), (ErrorKind::Redirect, "redirected more than 10 times"));
    assert_eq!((detail.redirects, detail.status), (10, Some(302)));
    let spec = HttpSpec { max_redirects: 0, ..HttpSpec::default() };
    let detail = ok(client(spec).get(&origin.url("/redirect/1")));
    assert_eq!((detail.status, detail.redirects), (Some(302), 0), "the redirect is the answer");
    assert_eq!(*detail.url, *origin.url("/redirect/1"));
    assert!(detail.blake3.is_some(), "its body is read as any other");
}

#[test]
fn a_status_that_is_an_error_fails_and_keeps_what_came() {
    let origin = origin();
    let mut client = client(HttpSpec::default());
    for (status, message) in
        [(404, "404 Not Found"), (500, "500 Internal Server Error"), (429, "429 Too Many Requests")]
    {
        let (kind, said, detail) = failed(client.get(&origin.url(&format!("/status/{status}"))));
        assert_eq!((kind, said.as_str()), (ErrorKind::HttpStatus, message));
        assert_eq!(detail.status, Some(status));
        // A pause is told before the body is here; all others are read as any body.
        assert_eq!(detail.blake3.is_some(), status != 429);
    }
    for status in [204, 304, 300] {
        assert_eq!(ok(client.get(&origin.url(&format!("/status/{status}")))).status, Some(status));
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn the_user_says_which_statuses_are_a_success() {
    let origin = origin();
    let accept = "200-299,404".parse().unwrap();
    let spec = HttpSpec { accept, max_redirects: 0, ..extracting(&["url=/url"]) };
    let mut client = client(spec);
    assert_eq!(ok(client.get(&origin.url("/get"))).status, Some(200));
    // A status that is accepted has its fields extracted.
    let (kind, message, _) = failed(client.get(&origin.url("/status/404")));
    assert_eq!(kind, ErrorKind::Decode, "{message}");
    for status in [302, 403] {
        let (kind, ..) = failed(client.get(&origin.url(&format!("/status/{status}"))));
        assert_eq!(kind, ErrorKind::HttpStatus);
    }
}

#[test]
fn cookies_are_kept_if_they_are_wanted() {
    let origin = origin();
    let theme = |client: &mut Client| {
        client.get(&origin.url("/cookies/set?theme=dark"));
        client.get(&origin.url("/cookies"))
    };
    let spec = HttpSpec { cookies: true, ..extracting(&["cookies=/cookies"]) };
    let dark = Value::Object(vec![("theme".into(), Value::String("dark".into()))]);
    let none = Value::Object(Vec::new());
    assert_eq!(theme(&mut client(spec.clone())).extract, [("cookies".into(), dark.clone())]);
    let per_item = || client_with(spec.clone(), SessionScope::None);
    assert_eq!(theme(&mut per_item()).extract, [("cookies".into(), none.clone())]);
    // …but through the redirect of one item they live.
    let set = per_item().get(&origin.url("/cookies/set?theme=dark"));
    assert_eq!(set.extract, [("cookies".into(), dark)]);
    let without = HttpSpec { cookies: false, ..spec };
    assert_eq!(theme(&mut client(without)).extract, [("cookies".into(), none)]);
}

#[test]
fn sessions_of_one_work_do_not_share_cookies() {
    let origin = origin();
    let spec = HttpSpec { cookies: true, ..extracting(&["cookies=/cookies"]) };
    let work = HttpWork::new(&spec, Arc::new(ManualClock::default())).unwrap();
    let (mut one, mut two) =
        (client_of(&work, SessionScope::Worker), client_of(&work, SessionScope::Worker));
    one.get(&origin.url("/cookies/set?theme=dark"));
    let none = Value::Object(Vec::new());
    assert_eq!(two.get(&origin.url("/cookies")).extract, [("cookies".into(), none)]);
}

#[test]
fn the_users_fields_take_the_place_of_ours() {
    let origin = origin();
    let spec = HttpSpec {
        headers: vec![
            ("X-Token".into(), "t0ken".into()),
            ("User-Agent".into(), "mine/1".into()),
            ("Accept-Encoding".into(), "identity".into()),
        ],
        ..HttpSpec::default()
    };
    assert_eq!(fetched(spec.clone(), &origin.url("/headers"), "/headers/X-Token"), "t0ken");
    assert_eq!(fetched(spec.clone(), &origin.url("/headers"), "/headers/User-Agent"), "mine/1");
    assert_eq!(fetched(spec, &origin.url("/headers"), "/headers/Accept-Encoding"), "identity");
    let spec = HttpSpec { user_agent: "agent/2".into(), ..HttpSpec::default() };
    assert_eq!(fetched(spec, &origin.url("/headers"), "/headers/User-Agent"), "agent/2");
}

#[test]
fn credentials_in_the_url_are_sent_and_never_shown() {
    let origin = origin();
    let url = origin.url("/basic-auth/user/s3cret").replace("://", "://user:s3cret@");
    let detail = ok(client(HttpSpec::default()).get(&url));
    assert!(!detail.url.contains("s3cret@"), "{}", detail.url);
    assert_eq!(*detail.url, *origin.url("/basic-auth/user/s3cret"));
    let wrong = origin.url("/basic-auth/user/s3cret").replace("://", "://user:wr0ng@");
    let performed = client(HttpSpec::default()).get(&wrong);
    assert!(!format!("{performed:?}").contains("wr0ng"), "{performed:?}");
    assert_eq!(failed(performed).2.status, Some(401));
}

#[test]
fn a_field_that_is_not_there_is_null_or_fails_the_item() {
    let origin = origin();
    let null = client(extracting(&["id=/nope"])).get(&origin.url("/uuid"));
    assert_eq!(null.extract, [("id".into(), Value::Null)]);
    let required = HttpSpec { extract_required: true, ..extracting(&["id=/nope"]) };
    let (kind, message, detail) = failed(client(required).get(&origin.url("/uuid")));
    assert_eq!(kind, ErrorKind::Decode);
    assert_eq!(message, "cannot extract id: the body has nothing at /nope");
    assert!(detail.blake3.is_some(), "the body did arrive");
    let uuid = fetched(HttpSpec::default(), &origin.url("/uuid"), "/uuid");
    assert_eq!(uuid.len(), 36);
}

#[test]
fn an_abandoned_item_leaves_a_usable_session() {
    for (origin, spec) in [(origin(), HttpSpec::default()), tls_origin()] {
        let mut client = client(spec);
        ok(client.get(&origin.url("/uuid")));
        client.abandon(&origin.url("/delay/60"), async {
            while origin.requests() < 2 {
                tokio::task::yield_now().await;
            }
        });
        let detail: HttpDetail = ok(client.get(&origin.url("/uuid")));
        assert!(!detail.reused, "its connection went with it");
    }
}

#[test]
fn a_session_keeps_a_connection_to_each_of_many_servers() {
    let origins: Vec<Origin> = (0..64).map(|_| origin()).collect();
    let mut client = client(HttpSpec::default());
    for round in 0..3 {
        for origin in &origins {
            assert_eq!(ok(client.get(&origin.url("/uuid"))).reused, round > 0);
        }
    }
    assert!(origins.iter().all(|origin| origin.connections() == 1));
}

#[test]
fn faults_are_told_apart_over_both_protocols() {
    let kind = |faults: &str, tls| {
        let faults: Faults = faults.parse().unwrap();
        let origin = Origin::start(Config { faults, tls, ..Config::default() }).unwrap();
        let spec = HttpSpec {
            trust: Trust::Insecure,
            timeout: faults.stall.gt(&0.0).then_some(Duration::from_millis(200)),
            ..HttpSpec::default()
        };
        let (kind, message, detail) = failed(client(spec).get(&origin.url("/bytes/1000")));
        assert_eq!(detail.blake3, None);
        (kind, message)
    };
    for tls in [false, true] {
        let (reset, message) = kind("reset:1", tls);
        assert_eq!(reset, ErrorKind::Reset, "{message}");
        let (truncated, message) = kind("truncate:1", tls);
        assert_eq!(truncated, ErrorKind::Truncated, "{message}");
        let (stalled, message) = kind("stall:1", tls);
        assert_eq!(stalled, ErrorKind::Timeout, "{message}");
    }
}
