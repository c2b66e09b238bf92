//! What requests ask for and send: methods, bodies, queries, and items that describe a request of their own.

use crate::harness::{Dir, Finished, gaits, http, parse_file};
use gaits_origin::{Config, Origin};
use serde_json::{Value, json};

/// What the origin's echo says it was sent.
fn echoes(end: &Finished) -> Vec<Value> {
    let records = end.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut records: Vec<Value> = records.collect();
    records.sort_by_key(|record| record["index"].as_u64());
    records
        .iter()
        .map(|record| {
            assert_eq!(record["outcome"], "ok", "{record}");
            record["http"]["body"].clone()
        })
        .collect()
}

fn sent(origin: &Origin, path: &str, args: &[&str]) -> Value {
    let end = gaits("fetch -q --body json").args(args).args([origin.url(path)]).run();
    echoes(&end.expect_exit(0)).remove(0)
}

#[test]
fn data_is_posted_as_curl_does_it() {
    let origin = Origin::start(Config::default()).unwrap();
    let dir = Dir::new();
    let file = dir.file("data", b"a\nb\xff");
    let file = format!("@{}", file.display());
    let form = sent(&origin, "/anything", &["-d", "a=1", "-d", "b=2"]);
    assert_eq!(
        (&form["method"], &form["form"]),
        (&json!("POST"), &json!({"a": "1", "b": "2"})),
        "{form}"
    );
    assert_eq!(form["headers"]["Content-Type"], "application/x-www-form-urlencoded", "{form}");
    let put =
        sent(&origin, "/anything", &["-X", "PUT", "-H", "Content-Type: text/plain", "-d", "x"]);
    assert_eq!((&put["method"], &put["data"]), (&json!("PUT"), &json!("x")), "{put}");
    assert_eq!(put["headers"]["Content-Type"], "text/plain", "{put}");
    for option in ["--data-json", "--json"] {
        let sent = sent(&origin, "/anything", &[option, r#"{"a":[1]}"#]);
        assert_eq!(
            (&sent["method"], &sent["json"]),
            (&json!("POST"), &json!({"a": [1]})),
            "{sent}"
        );
    }
    let encoded = sent(&origin, "/anything", &["--form", "q=a b&c", "--query", "page=2"]);
    assert_eq!(encoded["form"], json!({"q": "a b&c"}), "{encoded}");
    assert_eq!(encoded["args"], json!({"page": "2"}), "{encoded}");
    let bytes = sent(&origin, "/anything", &["-d", &file]);
    assert_eq!(bytes["headers"]["Content-Length"], "4", "{bytes}");
    for (option, body) in [("-d", "a=b&\n"), ("--data-json", "[1, 2]")] {
        let piped = gaits("fetch -q --body json").args([option, "@-", &origin.url("/anything")]);
        let echo = echoes(&piped.stdin(body).run().expect_exit(0)).remove(0);
        assert_eq!(echo["headers"]["Content-Length"], body.len().to_string(), "{echo}");
        let file = dir.file("piped", body);
        let file = format!("@{}", file.display());
        let same = sent(&origin, "/anything", &[option, &file]);
        for field in ["data", "form", "json"] {
            assert_eq!(same[field], echo[field], "{echo}");
        }
    }
    let deleted = sent(&origin, "/anything", &["-X", "DELETE"]);
    assert_eq!(deleted["method"], "DELETE");
    assert!(deleted["headers"]["Content-Length"].is_null(), "{deleted}");
    // A server must know that nothing follows.
    let empty = sent(&origin, "/anything", &["-X", "POST"]);
    assert_eq!(empty["headers"]["Content-Length"], "0", "{empty}");
}

#[test]
fn a_large_body_arrives_whole_over_both_protocols() {
    let dir = Dir::new();
    let large = "x".repeat(3 << 20);
    let file = format!("@{}", dir.file("large", &large).display());
    for (config, model) in [
        (Config::default(), "async"),
        (Config { tls: true, ..Config::default() }, "async"),
        (Config { tls: true, ..Config::default() }, "processes:1"),
    ] {
        let origin = Origin::start(config).unwrap();
        let end = gaits("fetch -q -k --extract length=/headers/Content-Length -n 3 -m")
            .args([model, "-d", &file, "-H", "Content-Type: text/plain"])
            .args([origin.url("/anything")])
            .run()
            .expect_exit(0);
        let lengths = end.stdout.matches(&format!("\"length\":\"{}\"", large.len())).count();
        assert_eq!(lengths, 3, "{}", &end.stdout[..end.stdout.len().min(400)]);
    }
}

#[test]
fn an_item_may_describe_a_request_of_its_own() {
    let origin = Origin::start(Config::default()).unwrap();
    let (dir, url) = (Dir::new(), origin.url("/anything"));
    dir.file("part", "from a file");
    let lines = [
        json!({"url": url, "id": 1}),
        json!({"url": url, "method": "PUT", "json": {"k": 1}, "headers": {"X-Own": "a"}}),
        json!({"url": url, "body": "b=2", "query": {"q": ["x y", 3]}}),
        json!({"url": url, "method": "PATCH", "body_file": "part"}),
    ];
    let list = lines.map(|line| line.to_string()).join("\n");
    dir.file("items.jsonl", format!("{list}\n{url}\n"));
    let end = gaits("fetch -i items.jsonl -q --body json -H X-Own:all")
        .dir(dir.path())
        .run()
        .expect_exit(0);
    let echoes = echoes(&end);
    let of = |at: usize, name: &str| echoes[at][name].clone();
    assert_eq!([0, 1, 2, 3, 4].map(|at| of(at, "method")), ["GET", "PUT", "POST", "PATCH", "GET"]);
    assert_eq!([0, 1, 4].map(|at| echoes[at]["headers"]["X-Own"].clone()), ["all", "a", "all"]);
    assert_eq!(
        (of(1, "json"), of(2, "data"), of(3, "data")),
        (json!({"k": 1}), json!("b=2"), json!("from a file"))
    );
    assert_eq!(of(2, "args")["q"], json!(["x y", "3"]), "{}", echoes[2]);
}

#[test]
fn json_of_an_item_is_sent_as_it_is_written() {
    let origin = Origin::start(Config::default()).unwrap();
    let (dir, url) = (Dir::new(), origin.url("/anything"));
    let sent = r#"{"b": 1.10,"a":[12345678901234567890123, {"z":1e2,"y":"\u00e9"}]}"#;
    let own = r#""headers":{"Authorization":"s3cret"}"#;
    dir.file(
        "items.jsonl",
        format!("{{\"url\":\"{url}\",\"method\":\"POST\",\"json\":{sent},{own}}}\n"),
    );
    let fetch = || gaits("fetch -i items.jsonl --body json -o r.jsonl").dir(dir.path()).run();
    fetch().expect_exit(0);
    let records = parse_file(&dir.at("r.jsonl"));
    let body = http(&records[0]).body.unwrap();
    let echo = serde_json::to_value(&body).unwrap();
    assert_eq!(echo["data"], sent);
    fetch().expect_exit(0).expect_stderr_contains("nothing to do: 1 item finished");
}

#[test]
fn what_is_no_request_is_told_with_its_place_and_without_secrets() {
    let dir = Dir::new();
    dir.file("items.jsonl", "{\"url\": \"http://127.0.0.1:9/\", \"headers\": {\"Authorization\": \"s3cret\"}, \"body\": 1}\n{\"id\": 1}\n");
    let end = gaits("fetch -i items.jsonl -q").dir(dir.path()).run().expect_exit(1);
    assert!(end.stdout.contains("\"kind\":\"invalid_item\""), "{end:?}");
    let missing = "items.jsonl:2: not a request: missing field `url` at column 9; it is";
    assert!(end.stdout.contains(missing), "{end:?}");
    assert!(!format!("{end:?}").contains("s3cret"), "{end:?}");
    let refused = |args: &[&str]| gaits("fetch http://127.0.0.1:9/").args(args).run();
    refused(&["-X", "GE T"]).expect_refused("is not a method");
    refused(&["-X", "CONNECT"]).expect_refused("CONNECT asks for a tunnel");
    refused(&["-d", "@/no/such/file"])
        .expect_refused("can't read /no/such/file, which --data is to send");
    refused(&["--form", "x"]).expect_refused("is not a name and a value");
    refused(&["-I", "-d", "x"]).expect_refused("cannot be used with");
    refused(&["--idempotency-key=a b"]).expect_refused("cannot be sent");
}

#[test]
fn json_that_can_not_be_read_is_told_with_its_line_and_its_column_once() {
    let dir = Dir::new();
    dir.file("i.jsonl", "{\"url\": \"http://127.0.0.1:1/\"}\n{\"url\": \n{\"url\" 1}\n");
    for (options, wanted) in [
        (
            "",
            [
                "i.jsonl:2: not a request: EOF while",
                "i.jsonl:3: not a request: expected `:` at column 8;",
            ],
        ),
        (
            "--url-column url",
            [
                "i.jsonl:2: not a JSON object: EOF while",
                "i.jsonl:3: not a JSON object: expected `:` at column 8",
            ],
        ),
    ] {
        let end = gaits(&format!("fetch -i i.jsonl -q --retries 0 {options}"));
        let records = end.dir(dir.path()).run().expect_exit(1).records();
        let messages: Vec<_> = records.iter().filter_map(|record| record.error()).collect();
        for wanted in wanted {
            let told = messages.iter().filter(|error| error.message.starts_with(wanted));
            assert_eq!(told.count(), 1, "{wanted}: {messages:?}");
        }
        assert!(!messages.iter().any(|error| error.message.contains("line 1")), "{messages:?}");
    }
}

#[test]
fn a_request_with_an_effect_is_tried_again_only_if_that_is_safe() {
    let origin = Origin::start(Config::default()).unwrap();
    let requests = |args: &[&str]| {
        let before = origin.requests();
        let end = gaits("fetch -q --retries 2 -o").args(["r.jsonl", "--fresh"]).args(args);
        let dir = Dir::new();
        end.args([origin.url("/status/500")]).dir(dir.path()).run().expect_exit(1);
        origin.requests() - before
    };
    assert_eq!(requests(&["-d", "x"]), 1);
    assert_eq!(requests(&["-d", "x", "--idempotency-key"]), 3);
    assert_eq!(requests(&["-X", "PUT", "-d", "x"]), 3);
    let dir = Dir::new();
    let before = origin.requests();
    gaits("fetch -q --retries 2 -o r.jsonl --retry-non-idempotent -d x")
        .args([origin.url("/status/500")])
        .dir(dir.path())
        .run()
        .expect_exit(1);
    assert_eq!(origin.requests() - before, 3);
}

#[test]
fn each_item_has_a_key_of_its_own_that_stays() {
    let origin = Origin::start(Config::default()).unwrap();
    let keys = || {
        let end = gaits("fetch -q --body json -n 3 -d x --idempotency-key")
            .args([origin.url("/anything")])
            .run()
            .expect_exit(0);
        echoes(&end)
            .iter()
            .map(|echo| echo["headers"]["Idempotency-Key"].to_string())
            .collect::<Vec<_>>()
    };
    let (first, again) = (keys(), keys());
    assert_eq!(first, again);
    assert_eq!(first.iter().collect::<std::collections::BTreeSet<_>>().len(), 3, "{first:?}");
}

#[test]
fn a_redirect_takes_no_body_to_another_server() {
    let (origin, other) =
        (Origin::start(Config::default()).unwrap(), Origin::start(Config::default()).unwrap());
    let to = |status: u16, base: &str| {
        let url = format!("/redirect-to?status_code={status}&url={base}");
        sent(&origin, &url, &["-d", "secret=1", "-H", "Authorization: Bearer s3cret"])
    };
    let own = to(307, "/anything");
    assert_eq!((&own["method"], &own["form"]), (&json!("POST"), &json!({"secret": "1"})), "{own}");
    for status in [301, 302, 303] {
        let turned = to(status, "/anything");
        assert_eq!(turned["method"], "GET", "{turned}");
        assert!(turned["headers"]["Content-Length"].is_null(), "{turned}");
    }
    // Without its body it would be another request, which the server may even take.
    let url = format!("/redirect-to?status_code=308&url={}", other.url("/anything"));
    let end = gaits("fetch -q --retries 0 -d secret=1 -H")
        .args(["Authorization: Bearer s3cret", &origin.url(&url)])
        .run();
    let end = end.expect_exit(1);
    assert!(end.stdout.contains("another host, which is not sent the body"), "{end:?}");
    assert_eq!(other.requests(), 0);
}

#[test]
fn a_request_that_a_redirect_turns_into_get_describes_no_body() {
    let origin = Origin::start(Config::default()).unwrap();
    let of_content = ["Content-Type: text/csv", "Content-Language: ko", "Content-Encoding: x-own"];
    let more = ["Content-Location: /a", "Digest: a=b", "Content-Digest: a=:b:", "X-Other: stays"];
    let fields = of_content.iter().chain(&more);
    let options: Vec<_> = fields.clone().flat_map(|field| ["-H", field]).collect();
    let pairs = fields.map(|field| field.split_once(": ").unwrap());
    let headers: serde_json::Map<_, _> =
        pairs.map(|(name, value)| (name.to_owned(), value.into())).collect();
    for version in ["--http1", "--http2"] {
        for (status, method, is_kept) in [(303, "GET", false), (307, "POST", true)] {
            let url = format!("/redirect-to?status_code={status}&url=/anything");
            let item = json!({"url": origin.url(&url), "method": "POST", "body": "a,b", "headers": headers});
            let own = gaits("fetch -q --body json -i -").arg(version).stdin(item.to_string());
            let of_all = gaits("fetch -q --body json -d a,b").args(&options);
            let of_all = of_all.args([version, &origin.url(&url)]);
            for run in [own, of_all] {
                let end = run.run().expect_exit(0);
                let record = serde_json::to_value(&end.records()[0]).unwrap();
                let echo = &record["http"]["body"];
                assert_eq!(echo["method"], method, "{end:?}");
                let sent = echo["headers"].as_object().unwrap();
                for name in headers.keys() {
                    let is_sent = sent.keys().any(|sent| sent.eq_ignore_ascii_case(name));
                    assert_eq!(is_sent, is_kept || name == "X-Other", "{name}: {end:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_sent_stands_in_no_file_but_may_not_change() {
    let origin = Origin::start(Config::default()).unwrap();
    let dir = Dir::new();
    let run = |data: &str| {
        gaits("fetch -q -o r.jsonl -d")
            .args([data])
            .args([origin.url("/anything")])
            .dir(dir.path())
            .run()
    };
    run("token=s3cret").expect_exit(0);
    let plan = std::fs::read_to_string(dir.path().join("r.jsonl.run")).unwrap();
    assert!(plan.contains("BLAKE3") && !plan.contains("s3cret"), "{plan}");
    run("token=other").expect_refused("data");
    run("token=s3cret").expect_exit(0);
}

#[test]
fn a_form_with_files_is_sent_in_parts() {
    let origin = Origin::start(Config::default()).unwrap();
    let dir = Dir::new();
    let photo = dir.file("a b.jpg", [0xff, 0xd8, 0, b'\n']);
    let note = dir.file("note.txt", "one\r\n--two");
    let photo = format!("photo=@{};type=image/jpeg", photo.display());
    let note = format!("note=@\"{}\";filename=\"n.txt\"", note.display());
    let words = ["--form", "title=@home? no", "--form", &note, "--form", "q=a;type=b"];
    // A value that begins with @ names a file, so this one is missing.
    let run = gaits("fetch").args(words).arg(origin.url("/anything")).run();
    run.expect_refused("can't read home? no, which --form is to send");
    let echo =
        sent(&origin, "/anything", &["--form", "q=a;type=b", "--form", &note, "--form", &photo]);
    assert_eq!(echo["method"], "POST", "{echo}");
    assert_eq!(echo["form"], json!({"q": "a;type=b"}), "{echo}");
    assert_eq!(echo["files"]["note"], "one\r\n--two", "{echo}");
    assert!(
        echo["files"]["photo"].as_str().is_some_and(|text| text.starts_with("data:")),
        "{echo}"
    );
    let kind = echo["headers"]["Content-Type"].as_str().unwrap().to_owned();
    assert!(kind.starts_with("multipart/form-data; boundary=gaits-"), "{kind}");
    let again =
        sent(&origin, "/anything", &["--form", "q=a;type=b", "--form", &note, "--form", &photo]);
    assert_eq!(again["headers"]["Content-Type"], kind.as_str(), "a rerun compares what is sent");
    let wrong =
        gaits("fetch -H content-type:x").args(["--form", &photo]).arg(origin.url("/anything"));
    wrong.run().expect_refused("leave out -H Content-Type");
}
