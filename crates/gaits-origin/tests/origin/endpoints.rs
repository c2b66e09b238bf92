//! What each endpoint answers.

use std::collections::HashSet;
use std::io::Read as _;
use std::time::Duration;

use gaits_origin::{Config, Origin};
use serde_json::json;
use tokio::time::Instant;

use crate::wire::{Wire, get, origin};

#[test]
fn the_index_lists_the_endpoints() {
    let response = get(&origin(), "/");
    assert_eq!(response.status, 200);
    assert!(response.header("content-type").unwrap().starts_with("text/plain"));
    assert!(String::from_utf8(response.body).unwrap().contains("/drip?numbytes="));
}

#[test]
fn uuids_differ_within_an_origin_and_follow_the_seed_between_two() {
    let uuids = |seed| {
        let origin = Origin::start(Config { seed, ..Config::default() }).unwrap();
        let mut wire = Wire::open(&origin);
        let uuid = |_| {
            let response = wire.get("/uuid").unwrap();
            assert_eq!(response.length(), Some(53));
            response.json()["uuid"].as_str().unwrap().to_owned()
        };
        (0..100).map(uuid).collect::<Vec<_>>()
    };
    let first = uuids(1);
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), 100);
    assert!(first.iter().all(|text| uuid::Uuid::parse_str(text).unwrap().get_version_num() == 4));
    assert_eq!(uuids(1), first);
    assert_ne!(uuids(2), first);
}

#[test]
fn get_shows_arguments_headers_origin_and_url() {
    let response =
        Wire::open(&origin()).get_with("/get?a=1&a=2&b=%20x", "X-Two: 1\r\nx-two: 2\r\n");
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(
        response.json(),
        json!({
            "args": { "a": ["1", "2"], "b": " x" },
            "headers": { "Host": "origin.test", "X-Two": "1,2" },
            "origin": "127.0.0.1",
            "url": "http://origin.test/get?a=1&a=2&b=%20x",
        })
    );
}

#[test]
fn headers_shows_headers_alone() {
    let origin = origin();
    let response = Wire::open(&origin).get_with("/headers", "Accept-Language: eo\r\n");
    assert_eq!(
        response.json(),
        json!({ "headers": { "Host": "origin.test", "Accept-Language": "eo" } })
    );
}

#[test]
fn anything_shows_method_and_body_of_every_method() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    let shown = wire.post("/anything/at/all?x=y", "application/json", br#"{"n":1}"#).json();
    assert_eq!(shown["method"], "POST");
    assert_eq!(shown["data"], r#"{"n":1}"#);
    assert_eq!(shown["json"], json!({ "n": 1 }));
    assert_eq!(shown["args"], json!({ "x": "y" }));
    assert_eq!(shown["url"], "http://origin.test/anything/at/all?x=y");

    let shown = wire.post("/anything", "application/x-www-form-urlencoded", b"a=1&b=2&b=3").json();
    assert_eq!(shown["form"], json!({ "a": "1", "b": ["2", "3"] }));
    assert_eq!(shown["data"], "");

    let shown = wire.post("/anything", "application/octet-stream", &[0xff, 0x00]).json();
    assert_eq!(shown["data"], "data:application/octet-stream;base64,/wA=");
    assert_eq!(shown["json"], json!(null));

    for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        wire.send(method, "/anything", "");
        assert_eq!(wire.response().unwrap().json()["method"], method);
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_chunked_body_is_put_together() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    wire.send("PUT", "/anything", "Transfer-Encoding: chunked\r\n");
    wire.write("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    assert_eq!(wire.response().unwrap().json()["data"], "abcde");
}

#[test]
fn a_body_that_is_too_long_is_refused_by_its_length_alone() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    wire.send("POST", "/anything", "Content-Length: 16777217\r\n");
    let refusal = wire.response().unwrap();
    assert_eq!((refusal.status, refusal.header("connection")), (413, Some("close")));
}

#[test]
fn a_request_without_a_host_or_with_two_is_refused() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    for (hosts, status) in
        [("", 400), ("Host: a\r\nHost: a\r\n", 400), ("Host: a\r\n", 200), ("Host:\r\n", 200)]
    {
        wire.write(format!("GET /uuid HTTP/1.1\r\n{hosts}\r\n"));
        assert_eq!(wire.response().unwrap().status, status, "{hosts:?}");
    }
    wire.write("GET /uuid HTTP/1.0\r\n\r\n");
    assert_eq!(wire.line().unwrap(), "HTTP/1.0 200 OK");
}

#[test]
fn a_body_of_broken_chunks_is_refused() {
    let origin = origin();
    for chunks in ["x\r\n", "fffffffffffffffff\r\n", "1\r\nabc"] {
        let mut wire = Wire::open(&origin);
        wire.send("PUT", "/anything", "Transfer-Encoding: chunked\r\n");
        wire.write(chunks);
        let refusal = wire.response().unwrap();
        assert_eq!((refusal.status, refusal.header("connection")), (400, Some("close")));
    }
}

#[test]
fn delay_takes_fractions_of_seconds() {
    let origin = origin();
    let start = Instant::now();
    let response = get(&origin, "/delay/0.05");
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert_eq!(response.json()["url"], "http://origin.test/delay/0.05");
    for bad in ["/delay/soon", "/delay/-1", "/delay/NaN", "/delay/1e300"] {
        assert_eq!(get(&origin, bad).status, 400, "{bad}");
    }
}

#[test]
fn status_answers_with_any_status() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    for status in [200, 204, 205, 304, 404, 418, 429, 500, 503, 599] {
        let response = wire.get(&format!("/status/{status}")).unwrap();
        assert_eq!(response.status, status);
        assert!(response.body.is_empty());
        assert_eq!(
            response.length(),
            if matches!(status, 204 | 304) { None } else { Some(0) },
            "{status}"
        );
    }
    assert_eq!(wire.get("/status/307").unwrap().header("location"), Some("/redirect/1"));
    assert!(wire.get("/status/401").unwrap().header("www-authenticate").is_some());
    assert!(wire.get("/status/407").unwrap().header("proxy-authenticate").is_some());
    let chosen: HashSet<_> =
        (0..100).map(|_| wire.get("/status/200:1,503:1").unwrap().status).collect();
    assert_eq!(chosen, HashSet::from([200, 503]));
    for bad in ["100", "600", "ok"] {
        assert_eq!(wire.get(&format!("/status/{bad}")).unwrap().status, 400);
    }
    wire.send("DELETE", "/status/503", "");
    assert_eq!(wire.response().unwrap().status, 503);
}

#[test]
fn drip_spreads_its_bytes_over_the_duration() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    let start = Instant::now();
    wire.send("GET", "/drip?numbytes=5&duration=0.08&delay=0.04&code=206", "");
    let head = wire.head().unwrap();
    assert!(start.elapsed() >= Duration::from_millis(40));
    assert_eq!((head.status, head.length()), (206, Some(5)));
    assert_eq!(wire.some(4).unwrap(), b"****");
    assert!(start.elapsed() >= Duration::from_millis(100));
    assert_eq!(wire.some(1).unwrap(), b"*");
    assert!(start.elapsed() >= Duration::from_millis(120));

    assert_eq!(wire.get("/drip?numbytes=100000&duration=0").unwrap().body, vec![b'*'; 100_000]);
    assert_eq!(wire.get("/drip?numbytes=100000&duration=0.01").unwrap().body, vec![b'*'; 100_000]);
    assert_eq!(wire.get("/drip?numbytes=1&duration=0.01").unwrap().body, b"*");
    for bad in ["numbytes=0", "numbytes=x", "duration=x", "delay=-1", "code=99"] {
        assert_eq!(wire.get(&format!("/drip?{bad}")).unwrap().status, 400, "{bad}");
    }
}

#[test]
fn absurd_numbers_are_refused_or_begun_and_never_fatal() {
    let origin = origin();
    for (path, status) in [
        ("/drip?duration=1e19", 400),
        ("/drip?duration=31536001", 400),
        ("/drip?duration=1e400", 400),
        ("/drip?duration=NaN", 400),
        ("/drip?delay=1e19&duration=0", 400),
        ("/drip?numbytes=18446744073709551616", 400),
        ("/drip?numbytes=18446744073709551615&duration=31536000", 200),
        ("/drip?numbytes=18446744073709551615&duration=1e-300", 200),
        ("/drip?numbytes=2&duration=1e-300", 200),
        ("/drip?numbytes=18446744073709551615&duration=0", 200),
        ("/delay/1e19", 400),
        ("/delay/31536001", 400),
        ("/bytes/18446744073709551616", 400),
        ("/bytes/18446744073709551615", 200),
        ("/redirect/18446744073709551616", 400),
        ("/redirect/18446744073709551615", 302),
    ] {
        let mut wire = Wire::open(&origin);
        wire.send("GET", path, "");
        let head = wire.head().unwrap();
        assert_eq!(head.status, status, "{path}");
        if status == 200 {
            wire.some(1).unwrap();
        }
    }
    assert_eq!(get(&origin, "/uuid").status, 200);
}

#[test]
fn redirects_count_down_to_get() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    let mut location = |path: &str| {
        let response = wire.get(path).unwrap();
        assert_eq!(response.status, 302);
        response.header("location").unwrap().to_owned()
    };
    assert_eq!(location("/redirect/2"), "/redirect/1");
    assert_eq!(location("/redirect/1"), "/get");
    assert_eq!(
        location("/redirect/2?absolute=true"),
        "http://origin.test/redirect/1?absolute=true"
    );
    assert_eq!(location("/redirect/1?absolute=true"), "http://origin.test/get");
    for bad in ["/redirect/0", "/redirect/x"] {
        assert_eq!(wire.get(bad).unwrap().status, 400, "{bad}");
    }
}

#[test]
fn redirect_to_goes_anywhere_with_any_redirecting_status() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    let response = wire.get("/redirect-to?url=http%3A%2F%2Fother.test%3A81%2Fx%3Fy%3Dz").unwrap();
    assert_eq!(
        (response.status, response.header("location")),
        (302, Some("http://other.test:81/x?y=z"))
    );
    let response = wire.post("/redirect-to?url=/anything&status_code=308", "text/plain", b"kept");
    assert_eq!((response.status, response.header("location")), (308, Some("/anything")));
    for bad in ["", "?url=/&status_code=200", "?url=/&status_code=x", "?url=a%0Ab"] {
        assert_eq!(wire.get(&format!("/redirect-to{bad}")).unwrap().status, 400, "{bad}");
    }
}

#[test]
fn cookies_are_set_and_shown() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    let response = wire.get("/cookies/set?flavour=oat&size=2").unwrap();
    assert_eq!((response.status, response.header("location")), (302, Some("/cookies")));
    assert_eq!(
        response.all("set-cookie").collect::<Vec<_>>(),
        ["flavour=oat; Path=/", "size=2; Path=/"]
    );
    let response = wire.get_with("/cookies", "Cookie: flavour=oat; size=2\r\n");
    assert_eq!(response.json(), json!({ "cookies": { "flavour": "oat", "size": "2" } }));
    assert_eq!(wire.get("/cookies").unwrap().json(), json!({ "cookies": {} }));
    for bad in ["a=b%3Bc", "a=b%0D%0Ac", "=b", "a%20b=c"] {
        assert_eq!(wire.get(&format!("/cookies/set?{bad}")).unwrap().status, 400, "{bad}");
    }
}

#[test]
fn basic_auth_wants_the_user_and_password_of_its_path() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    let response = wire.get("/basic-auth/ann/s%2Fecret").unwrap();
    assert_eq!(response.status, 401);
    assert!(response.header("www-authenticate").unwrap().starts_with("Basic "));
    // "ann:s/ecret" and "ann:wrong"
    let response =
        wire.get_with("/basic-auth/ann/s%2Fecret", "Authorization: basic YW5uOnMvZWNyZXQ=\r\n");
    assert_eq!(
        (response.status, response.json()),
        (200, json!({ "authenticated": true, "user": "ann" }))
    );
    for wrong in ["Basic YW5uOndyb25n", "Bearer YW5uOnMvZWNyZXQ=", "Basic ???", "Basic"] {
        let response =
            wire.get_with("/basic-auth/ann/s%2Fecret", &format!("Authorization: {wrong}\r\n"));
        assert_eq!(response.status, 401, "{wrong}");
    }
}

#[test]
fn json_is_json() {
    let response = get(&origin(), "/json");
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert!(response.json()["library"]["shelves"].is_array());
}

#[test]
fn compressed_endpoints_decode_to_json_that_names_them() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    for (path, coding, name) in [
        ("/gzip", "gzip", "gzipped"),
        ("/deflate", "deflate", "deflated"),
        ("/brotli", "br", "brotli"),
        ("/zstd", "zstd", "zstd"),
    ] {
        let response = wire.get(path).unwrap();
        assert_eq!(response.header("content-encoding"), Some(coding));
        assert_eq!(response.header("content-type"), Some("application/json"));
        let compressed = response.body.as_slice();
        let mut text = String::new();
        match coding {
            "gzip" => flate2::read::GzDecoder::new(compressed).read_to_string(&mut text),
            "deflate" => flate2::read::ZlibDecoder::new(compressed).read_to_string(&mut text),
            "br" => brotli::Decompressor::new(compressed, 4096).read_to_string(&mut text),
            _ => zstd::Decoder::new(compressed).unwrap().read_to_string(&mut text),
        }
        .unwrap();
        assert!(compressed.len() < text.len());
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value[name], true, "{path}");
    }
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    for path in [
        "/",
        "/uuid",
        "/get",
        "/headers",
        "/anything",
        "/delay/0",
        "/status/404",
        "/status/204",
        "/bytes/100000",
        "/range/100000",
        "/drip?duration=0",
        "/redirect/2",
        "/redirect-to?url=/get",
        "/cookies",
        "/cookies/set?a=b",
        "/gzip",
        "/deflate",
        "/brotli",
        "/zstd",
        "/json",
        "/basic-auth/a/b",
        "/nothing",
    ] {
        let whole = wire.get(path).unwrap();
        wire.send("HEAD", path, "");
        // Were there a body, the next head would not be understood.
        let head = wire.head().unwrap();
        assert_eq!(head.status, whole.status, "{path}");
        // /anything shows the method, which is a letter longer.
        let more = u64::from(path == "/anything");
        assert_eq!(head.length(), whole.length().map(|length| length + more), "{path}");
        for name in [
            "content-type",
            "content-encoding",
            "etag",
            "location",
            "set-cookie",
            "www-authenticate",
        ] {
            assert_eq!(head.header(name), whole.header(name), "{name} of {path}");
        }
    }
}

#[test]
fn what_does_not_exist_is_told_as_json() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    for path in ["/nothing", "/get/", "/delay", "/basic-auth/a", "/basic-auth/a/b/c", "//"] {
        let response = wire.get(path).unwrap();
        assert_eq!((response.status, &response.json()["status"]), (404, &json!(404)), "{path}");
    }
    assert_eq!(wire.post("/nothing", "text/plain", b"").status, 404);
}

#[test]
fn a_status_that_was_asked_for_does_not_hide_what_is_allowed() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    assert_eq!(wire.get("/drip?duration=0&code=404").unwrap().status, 404);
    assert_eq!(wire.post("/drip?duration=0&code=404", "text/plain", b"").status, 405);
}

#[test]
fn a_long_body_is_not_shown_as_json() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    for (length, shown) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        let body = format!("[7]{}", " ".repeat(length - 3));
        let response = wire.post("/post", "application/json", body.as_bytes()).json();
        assert_eq!(response["json"] == json!([7]), shown, "{length}");
        assert_eq!(response["data"], body);
    }
}

#[test]
fn other_methods_than_get_and_head_are_told_what_is_allowed() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        wire.send(method, "/uuid", "Content-Length: 0\r\n");
        let response = wire.response().unwrap();
        assert_eq!(
            (response.status, response.header("allow")),
            (405, Some("GET, HEAD")),
            "{method}"
        );
        assert_eq!(response.json()["status"], 405);
    }
    for (path, method) in
        [("/post", "POST"), ("/put", "PUT"), ("/patch", "PATCH"), ("/delete", "DELETE")]
    {
        let response = wire.get(path).unwrap();
        assert_eq!((response.status, response.header("allow")), (405, Some(method)));
    }
}

#[test]
fn a_listing_names_its_next_page_in_all_usual_ways() {
    let origin = origin();
    let ids = |path: &str| {
        let response = get(&origin, path);
        let json = response.json();
        let ids: Vec<u64> = json["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_u64().unwrap())
            .collect();
        (
            ids,
            json["links"]["next"].clone(),
            json["meta"]["next"].clone(),
            response.header("link").map(str::to_owned),
        )
    };
    let (first, link, cursor, field) = ids("/list?size=2&total=5");
    assert_eq!(
        (first, &link, &cursor),
        (vec![1, 2], &"/list?size=2&total=5&page=2".into(), &"after-2".into())
    );
    assert_eq!(field.as_deref(), Some("</list?size=2&total=5&page=2>; rel=\"next\""));
    for path in [
        "/list?size=2&total=5&page=3",
        "/list?size=2&total=5&offset=4",
        "/list?size=2&total=5&cursor=after-4",
    ] {
        let last = ids(path);
        assert_eq!(
            last,
            (vec![5], serde_json::Value::Null, serde_json::Value::Null, None),
            "{path}"
        );
    }
    assert_eq!(ids("/list?page=1000").0, [0u64; 0]);
    assert_eq!(get(&origin, "/list?cursor=x").status, 400);
    assert_eq!(get(&origin, "/list?page=x").status, 400);
}
