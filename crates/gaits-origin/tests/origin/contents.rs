//! What clients send, shown to them; bytes of any number, and parts of them.

use gaits_origin::{Config, Origin};
use serde_json::json;

use crate::wire::{Response, Wire, get, origin};

#[test]
fn post_put_patch_and_delete_show_what_was_sent() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    for (method, path) in
        [("POST", "/post"), ("PUT", "/put"), ("PATCH", "/patch"), ("DELETE", "/delete")]
    {
        let mut sent = |media_type: &str, body: &[u8]| {
            let head = format!("Content-Type: {media_type}\r\nContent-Length: {}\r\n", body.len());
            wire.send(method, &format!("{path}?a=1"), &head);
            wire.write(body);
            let response = wire.response().unwrap();
            assert_eq!(response.status, 200, "{method} {path}");
            response.json()
        };
        assert_eq!(
            sent("application/json", br#"{"n":[1]}"#),
            json!({
                "args": { "a": "1" },
                "data": "{\"n\":[1]}",
                "files": {},
                "form": {},
                "headers": {
                    "Host": "origin.test",
                    "Content-Type": "application/json",
                    "Content-Length": "9",
                },
                "json": { "n": [1] },
                "origin": "127.0.0.1",
                "url": format!("http://origin.test{path}?a=1"),
            })
        );
        let form = sent("application/x-www-form-urlencoded", b"x=1&y=%20&x=2");
        assert_eq!(
            (&form["form"], &form["data"]),
            (&json!({ "x": ["1", "2"], "y": " " }), &json!(""))
        );
        let bytes = sent("application/octet-stream", &[0xff, 0x00]);
        assert_eq!(bytes["data"], "data:application/octet-stream;base64,/wA=");
        assert_eq!(sent("text/plain", b"")["data"], "");
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_form_with_files_is_taken_apart() {
    let origin = origin();
    let body = b"--b\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\noat\r\n\
        --b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\ntext\r\n\
        --b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"b\"\r\n\r\n\xff\x00\r\n--b--\r\n";
    let shown = Wire::open(&origin).post("/post", "multipart/form-data; boundary=b", body).json();
    assert_eq!(shown["form"], json!({ "kind": "oat" }));
    let binary = "data:application/octet-stream;base64,/wA=";
    assert_eq!(shown["files"], json!({ "f": ["text", binary] }));
    assert_eq!((&shown["data"], &shown["json"]), (&json!(""), &json!(null)));
    let broken =
        Wire::open(&origin).post("/post", "multipart/form-data; boundary=x", b"--b").json();
    assert_eq!(broken["data"], "--b");
}

#[test]
fn bytes_are_the_same_for_the_same_number_and_seed() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    let mut bytes = |path: &str| wire.get(path).unwrap().body;
    let some = bytes("/bytes/100000");
    assert_eq!(some.len(), 100_000);
    assert_eq!(bytes("/bytes/100000"), some);
    assert_eq!(bytes("/bytes/100000?seed=0"), some);
    assert_ne!(bytes("/bytes/100000?seed=1"), some);
    assert!(bytes("/bytes/0").is_empty());
    let seeded = Origin::start(Config { seed: 1, ..Config::default() }).unwrap();
    assert_eq!(get(&seeded, "/bytes/100000").body, bytes("/bytes/100000?seed=1"));
    for bad in ["/bytes/many", "/bytes/-1", "/bytes/1?seed=x"] {
        assert_eq!(get(&origin, bad).status, 400, "{bad}");
    }
}

#[test]
fn more_bytes_than_there_is_memory_are_streamed() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    wire.send("GET", "/bytes/1099511627776", "");
    assert_eq!(wire.head().unwrap().length(), Some(1 << 40));
    assert_eq!(wire.some(1 << 20).unwrap(), get(&origin, "/bytes/1048576").body);
}

/// Status, `Content-Range` and body.
fn part(response: &Response) -> (u16, Option<&str>, &[u8]) {
    (response.status, response.header("content-range"), &response.body)
}

#[test]
fn a_range_is_that_part_of_the_whole() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    for path in ["/bytes/200000", "/bytes/200000?seed=7", "/range/200000"] {
        let whole = wire.get(path).unwrap();
        assert_eq!((whole.status, whole.header("accept-ranges")), (200, Some("bytes")));
        assert_eq!(whole.header("content-range"), None);
        for (range, first, last) in [
            ("0-9", 0, 9),
            ("65530-131080", 65_530, 131_080),
            ("199990-", 199_990, 199_999),
            ("199990-300000", 199_990, 199_999),
            ("-5", 199_995, 199_999),
        ] {
            let response = wire.get_with(path, &format!("Range: bytes={range}\r\n"));
            let place = format!("bytes {first}-{last}/200000");
            assert_eq!(
                part(&response),
                (206, Some(place.as_str()), &whole.body[first..=last]),
                "{range} of {path}"
            );
            assert_eq!(response.header("etag"), whole.header("etag"));
        }
        let response = wire.get_with(path, "Range: bytes=200000-\r\n");
        assert_eq!(
            (response.status, response.header("content-range")),
            (416, Some("bytes */200000"))
        );
        for not_understood in ["bytes=0-1,5-6", "bytes=9-1", "lines=1-2"] {
            let response = wire.get_with(path, &format!("Range: {not_understood}\r\n"));
            assert_eq!(part(&response), (200, None, whole.body.as_slice()), "{not_understood}");
        }
    }
    assert_eq!(wire.get("/range/30").unwrap().body, b"abcdefghijklmnopqrstuvwxyzabcd");
    for bad in ["/range/many", "/range/-1"] {
        assert_eq!(wire.get(bad).unwrap().status, 400, "{bad}");
    }
}

#[test]
fn a_range_far_into_a_huge_content_comes_at_once() {
    let origin = origin();
    let response =
        Wire::open(&origin).get_with("/bytes/18446744073709551615", "Range: bytes=-3\r\n");
    let place = "bytes 18446744073709551612-18446744073709551614/18446744073709551615";
    assert_eq!((response.status, response.header("content-range")), (206, Some(place)));
    assert_eq!(response.body.len(), 3);
}

#[test]
fn a_range_of_another_content_than_the_clients_is_not_given() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    let etag = get(&origin, "/bytes/100").header("etag").unwrap().to_owned();
    let seeded = Origin::start(Config { seed: 1, ..Config::default() }).unwrap();
    assert_ne!(get(&seeded, "/bytes/100").header("etag"), Some(etag.as_str()));
    for (condition, status) in
        [(etag.as_str(), 206), ("\"other\"", 200), ("Tue, 15 Nov 1994 12:45:26 GMT", 200)]
    {
        let headers = format!("Range: bytes=0-1\r\nIf-Range: {condition}\r\n");
        assert_eq!(wire.get_with("/bytes/100", &headers).status, status, "{condition}");
    }
}

#[test]
fn a_content_that_the_client_has_or_does_not_mean_is_not_sent() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    let etag = get(&origin, "/range/100").header("etag").unwrap().to_owned();
    for (condition, status) in [
        (format!("If-None-Match: {etag}"), 304),
        (format!("If-None-Match: \"a\", W/{etag}"), 304),
        (format!("If-None-Match: \"a\"\r\nIf-None-Match: {etag}"), 304),
        ("If-None-Match: *".to_owned(), 304),
        ("If-None-Match: \"a\"".to_owned(), 206),
        (format!("If-Match: \"a\", {etag}"), 206),
        ("If-Match: *".to_owned(), 206),
        ("If-Match: \"a\"".to_owned(), 412),
        (format!("If-Match: W/{etag}"), 412),
        (format!("If-Match: \"a\"\r\nIf-None-Match: {etag}"), 412),
        (format!("If-Match: {etag}\r\nIf-None-Match: {etag}"), 304),
    ] {
        let response = wire.get_with("/range/100", &format!("Range: bytes=0-1\r\n{condition}\r\n"));
        assert_eq!(response.status, status, "{condition}");
        assert_eq!(response.header("etag"), Some(etag.as_str()), "{condition}");
        assert_eq!(response.body.len(), if status == 206 { 2 } else { 0 }, "{condition}");
    }
}

#[test]
fn a_range_means_nothing_to_head() {
    let origin = origin();
    let mut wire = Wire::open(&origin);
    wire.send("HEAD", "/bytes/100", "Range: bytes=0-1\r\n");
    let head = wire.head().unwrap();
    assert_eq!((head.status, head.length()), (200, Some(100)));
}
