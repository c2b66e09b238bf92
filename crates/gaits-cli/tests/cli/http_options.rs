//! A test beside every option of the work `http`.

use crate::harness::{Dir, Finished, Records, gaits, http, secure};
use gaits_core::{ErrorKind, Record, Value};
use gaits_origin::{Config, Origin, Script, Step};
use gaits_work::http::HttpVersion;
use std::time::Duration;

fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

/// Fetches one path of an origin.
fn fetch(origin: &Origin, path: &str, options: &str) -> Finished {
    gaits(&format!("fetch {} {options}", origin.url(path))).run()
}

fn one(end: &Finished) -> Record {
    let Records(mut records) = end.records().expect_items(1);
    records.remove(0)
}

fn extracted(record: &Record, name: &str) -> Option<Value> {
    let mut fields = record.extract.iter();
    fields.find(|(field, _)| **field == *name).map(|(_, value)| value.clone())
}

#[expect(clippy::unnecessary_wraps, reason = "compared with fields that may be missing")]
fn text(text: &str) -> Option<Value> {
    Some(Value::String(text.into()))
}

#[test]
fn who_asks_is_said_once() {
    for field in ["User-Agent: x", "user-agent:"] {
        let run = gaits("fetch http://127.0.0.1:9/ -A y -H").arg(field).run();
        run.expect_refused("-A and -H User-Agent both say who asks");
    }
}

#[test]
fn extract_puts_fields_of_the_answer_into_the_record() {
    let options = "--extract title=/library/title --extract second=/library/shelves/1/name";
    let end = fetch(&origin(), "/json", options).expect_exit(0);
    let record = one(&end);
    assert_eq!(extracted(&record, "title"), text("Ways of walking"), "{end:?}");
    assert_eq!(extracted(&record, "second"), text("trot"), "{end:?}");
}

#[test]
fn extract_takes_selectors_of_html() {
    let page = "<h1>Two <b>chairs</b></h1><a class=next href='/2'>on</a>";
    let head = format!("Content-Type: text/html\r\nContent-Length: {}", page.len());
    let reply = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{page}");
    let script = Script::default().with("/page", [vec![Step::send(reply)]]).unwrap();
    let script = Some(script);
    let origin = Origin::start(Config { script, ..Config::default() }).unwrap();
    let end = fetch(&origin, "/page", "--extract title=css:h1 --extract next=css:a.next@href");
    let record = one(&end.expect_exit(0));
    assert_eq!(extracted(&record, "title"), text("Two chairs"));
    assert_eq!(extracted(&record, "next"), text("/2"));
    fetch(&origin, "/page", "--extract a=css:a[").expect_refused("is no CSS selector");
    fetch(&origin, "/page", "--extract a=css:").expect_refused("is no CSS selector: it is empty");
}

#[test]
fn each_value_of_an_array_gets_the_type() {
    let json = r#"{"a":[1,"2",[3.0,"x"]],"b":["true",0],"c":["{\"d\":1}"],"e":[1]}"#;
    let head = format!("Content-Type: application/json\r\nContent-Length: {}", json.len());
    let reply = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{json}");
    let script = Script::default().with("/lists", [vec![Step::send(reply)]]).unwrap();
    let origin = Origin::start(Config { script: Some(script), ..Config::default() }).unwrap();
    let fields = "--extract a:int=/a --extract b:bool=/b --extract c:json=/c --extract e:str=$.e";
    let record = one(&fetch(&origin, "/lists", fields).expect_exit(0));
    for (name, wanted) in
        [("a", "[1,2,[3,null]]"), ("b", "[true,false]"), ("c", r#"[{"d":1}]"#), ("e", r#"["1"]"#)]
    {
        let value = serde_json::to_string(&extracted(&record, name)).unwrap();
        assert_eq!(value, wanted, "{name}");
    }
    let end = fetch(&origin, "/lists", "--extract a:int=/a --extract-required").expect_exit(1);
    let record = one(&end);
    assert_eq!(record.error().unwrap().message, "cannot extract a: what is at /a is no int");
}

#[test]
fn a_field_that_is_not_there_is_null_and_counted() {
    let origin = origin();
    let words = "--extract x=/nothing/here --extract title=/library/title -n 3";
    let end = fetch(&origin, "/json", words).expect_exit(0);
    for record in end.records().iter() {
        assert_eq!(extracted(record, "x"), Some(Value::Null), "{end:?}");
        assert_eq!(extracted(record, "title"), text("Ways of walking"), "{end:?}");
    }
    end.expect_stderr_contains("x in 3 of 3 answers");
}

#[test]
fn a_field_that_is_required_and_not_there_is_a_failure_and_so_is_what_is_no_json() {
    let origin = origin();
    for (path, required) in [("/json", "--extract-required"), ("/bytes/20", "")] {
        let words = format!("--extract x=/nothing/here {required}");
        let end = fetch(&origin, path, &words).expect_exit(1);
        let message = end.records().expect_one_failure(ErrorKind::Decode);
        assert!(message.starts_with("cannot extract"), "{message}");
    }
    gaits("fetch http://127.0.0.1/ --extract-required").run().expect_refused("--extract");
}

#[test]
fn fields_come_from_paths_headers_and_texts_in_the_type_that_is_asked_for() {
    let options = "--extract names=$.library.shelves[*].name --extract kind=header:content-type \
         --extract length:str=header:content-length --extract word=regex:Ways.of.(w[a-z]+)";
    let end = fetch(&origin(), "/json", options).expect_exit(0);
    let record = one(&end);
    assert!(
        matches!(extracted(&record, "names"), Some(Value::Array(names)) if names.len() > 1),
        "{end:?}"
    );
    assert_eq!(extracted(&record, "kind"), text("application/json"), "{end:?}");
    assert!(matches!(extracted(&record, "length"), Some(Value::String(_))), "{end:?}");
    assert_eq!(extracted(&record, "word"), text("walking"), "{end:?}");
    // There is a head without a body, too.
    let end = fetch(&origin(), "/json", "-I --extract kind=header:content-type").expect_exit(0);
    assert_eq!(extracted(&one(&end), "kind"), text("application/json"), "{end:?}");
}

#[test]
fn json_with_a_mark_or_in_a_charset_that_is_declared_is_read() {
    let korean: &[u8] = b"{\"a\":[\"\xbe\xc8\"]}";
    let marked = "\u{feff}{\"a\":[\"\u{c548}\"]}".as_bytes();
    let wanted = serde_json::json!({"a": ["\u{c548}"]});
    for (body, charset) in [(korean, "; charset=euc-kr"), (marked, "")] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json{charset}\r\n");
        let reply = format!("{head}Content-Length: {}\r\n\r\n", body.len());
        let reply = [reply.as_bytes(), body].concat();
        let script = Script::default().with("/", [vec![Step::send(reply)]]).unwrap();
        let origin = Origin::start(Config { script: Some(script), ..Config::default() }).unwrap();
        for words in ["--body json", "--body json --extract b=/a/0", "--each /a"] {
            let record = one(&fetch(&origin, "/", words).expect_exit(0));
            let record = serde_json::to_value(&record).unwrap();
            match words {
                "--each /a" => assert_eq!(record["extract"]["each"], wanted["a"], "{record}"),
                _ => assert_eq!(record["http"]["body"], wanted, "{record}"),
            }
        }
    }
}

#[test]
fn bad_pointers_are_refused() {
    for (extract, why) in [
        ("nopointer", "has no `=`"),
        ("=/x", "has no name"),
        ("x=y/z", "did you mean \"/y/z\"?"),
        ("x=/~2", "~0 for `~`"),
        ("x:number=/a", "\"number\" is no type"),
        ("x=$..a..b", "`..` may stand in it once"),
        ("x=regex:(", "the regular expression \"(\" can't be used"),
    ] {
        gaits("fetch http://127.0.0.1/ --extract").arg(extract).run().expect_refused(why);
    }
    let twice = "fetch http://127.0.0.1/ --extract x=/a --extract x=/b";
    gaits(twice).run().expect_refused("extracted twice");
    gaits("fetch http://127.0.0.1/ -I --extract x=/a").run().expect_refused("HEAD has no body");
}

#[test]
fn head_asks_for_heads_only() {
    let origin = origin();
    for option in ["-I", "--head"] {
        let record = one(&fetch(&origin, "/bytes/1000", option).expect_exit(0));
        let http = http(&record);
        assert_eq!((http.status, http.bytes, http.decoded_bytes), (Some(200), 0, 0));
    }
}

#[test]
fn header_fields_are_sent() {
    let origin = origin();
    let end = gaits("fetch -H X-One:1 --extract one=/headers/X-One --extract two=/headers/X-Two")
        .args(["--header", "X-Two: two words", &origin.url("/headers")])
        .run()
        .expect_exit(0);
    let record = one(&end);
    assert_eq!(
        (extracted(&record, "one"), extracted(&record, "two")),
        (text("1"), text("two words"))
    );
}

#[test]
fn of_the_blanks_around_a_header_value_only_those_of_http_are_left_out() {
    let (origin, dir) = (origin(), Dir::new());
    let own = "{\"url\":\"U\",\"headers\":{\"X-Two\":\"\u{3000}b\u{a0}\t\"}}\n";
    dir.file("items.jsonl", own.replace('U', &origin.url("/headers")).replace('\t', "\\t"));
    let end =
        gaits("fetch -i items.jsonl --extract one=/headers/X-One --extract two=/headers/X-Two")
            .args(["-H", "X-One:\t \u{a0}a\u{3000} "])
            .dir(dir.path())
            .run()
            .expect_exit(0);
    let record = one(&end);
    assert_eq!(
        (extracted(&record, "one"), extracted(&record, "two")),
        (text("\u{a0}a\u{3000}"), text("\u{3000}b\u{a0}"))
    );
}

#[test]
fn bad_header_fields_are_refused() {
    for (header, why) in [
        ("nonsense", "`nonsense` is not a header field"),
        (": x", "is not a header field"),
        ("bad name: x", "bad name"),
        ("X-A: a\nX-B: b", "control character"),
        ("X-A: a\r", "control character"),
        ("Content-Length: 5", "frames the message"),
    ] {
        gaits("fetch http://127.0.0.1/ -H").arg(header).run().expect_refused(why);
    }
}

#[test]
fn the_user_agent_is_the_one_asked_for() {
    let origin = origin();
    let agent = |options: &[&str]| {
        let end = gaits("fetch --extract ua=/headers/User-Agent")
            .arg(origin.url("/headers"))
            .args(options)
            .run();
        (end.records().kinds()[0], extracted(&end.records()[0], "ua"))
    };
    assert_eq!(agent(&["-A", "tester/1 (x)"]), (None, text("tester/1 (x)")));
    assert_eq!(agent(&["--user-agent", "other"]), (None, text("other")));
    let own = concat!("gaits/", env!("CARGO_PKG_VERSION"));
    assert_eq!(agent(&[]), (None, text(own)));
    // Nothing is sent, so nothing can be taken from it.
    assert_eq!(agent(&["-A", ""]), (None, Some(Value::Null)));
    gaits("fetch http://127.0.0.1/ -A").arg("a\nb").run().expect_refused("user-agent");
}

#[test]
fn cookies_are_kept_for_a_session_where_asked_for() {
    let origin = origin();
    let urls = [origin.url("/cookies/set?flavour=plum"), origin.url("/cookies")];
    let second = |options: &str| {
        let command = format!("fetch -m sequential --extract all=/cookies {options}");
        let records = gaits(&command).args(&urls).run().expect_exit(0).records().expect_all_ok(2);
        extracted(&records[1], "all")
    };
    let plum = Some(Value::Object(vec![("flavour".into(), Value::String("plum".into()))]));
    let none = Some(Value::Object(vec![]));
    assert_eq!(second("--cookies"), plum);
    assert_eq!(second("--cookies --session worker"), plum);
    assert_eq!(second("--cookies --session none"), none);
    assert_eq!(second(""), none);
}

#[test]
fn sessions_have_three_ways() {
    gaits("fetch http://127.0.0.1/ --session all").run().expect_refused("loop, worker, none");
}

#[test]
fn a_certificate_that_is_not_trusted_is_a_failure() {
    let (origin, _dir, _) = secure();
    let end = fetch(&origin, "/uuid", "").expect_exit_one_of(&[1, 2]);
    if end.stdout.is_empty() {
        // A machine without any roots trusts nobody, and says what to do.
        end.expect_refused("--cacert");
    } else {
        end.records().expect_one_failure(ErrorKind::Tls);
    }
    assert_eq!(origin.requests(), 0);
}

#[test]
fn cacert_trusts_those_certificates_and_speaks_http_2_by_alpn() {
    let (origin, _dir, pem) = secure();
    for model in ["sequential", "threads:2", "async", "processes:2/async"] {
        let command = format!("fetch {} --count 20 -m {model} --cacert", origin.url("/json"));
        let records = gaits(&command).arg(&pem).run().expect_exit(0).records().expect_all_ok(20);
        for record in records.iter() {
            assert_eq!(http(record).version, Some(HttpVersion::Http2), "{model}");
        }
        let handshakes = records.iter().filter(|record| http(record).tls_us > 0).count();
        assert!(handshakes > 0, "{model}");
    }
    assert_eq!(origin.requests(), 80);
}

#[test]
fn over_http_2_a_session_keeps_its_connection() {
    let (origin, _dir, pem) = secure();
    let command = format!("fetch {} --count 200 -m async:50 --cacert", origin.url("/uuid"));
    gaits(&command).arg(&pem).run().expect_exit(0).records().expect_all_ok(200);
    assert_eq!(origin.connections(), 1);
}

#[test]
fn connections_to_many_hosts_are_shared_by_all_workers_of_a_loop() {
    for (model, most) in [("sequential", 64), ("async:50", 150)] {
        let config = Config { listen: "0.0.0.0:0".parse().unwrap(), ..Config::default() };
        let origin = Origin::start(config).unwrap();
        let port = origin.addr().port();
        let urls = (1..=64).map(|host| format!("http://127.0.0.{host}:{port}/bytes/50\n"));
        let round = urls.collect::<Vec<_>>().concat();
        let end = gaits("fetch -i - -q -m").arg(model).stdin(round.repeat(10)).run();
        end.expect_exit(0).records().expect_all_ok(640);
        let opened = origin.connections();
        assert!(opened >= 64 && opened <= most, "{model}: {opened}");
    }
}

#[test]
fn a_certificate_for_another_authority_is_a_failure() {
    let (origin, _dir, _) = secure();
    let (_other, _other_dir, pem) = secure();
    let end = gaits("fetch").arg(origin.url("/uuid")).arg("--cacert").arg(pem).run();
    end.expect_exit(1).records().expect_one_failure(ErrorKind::Tls);
}

#[test]
fn bad_certificate_files_are_refused() {
    let dir = Dir::new();
    dir.file("empty.pem", "");
    dir.file("nonsense.pem", "nonsense\n");
    let cacert =
        |name: &str| gaits("fetch https://127.0.0.1/ --cacert").arg(name).dir(dir.path()).run();
    cacert("nosuch.pem").expect_refused("can't read --cacert nosuch.pem");
    cacert("empty.pem").expect_refused("no certificate to trust in empty.pem");
    cacert("nonsense.pem").expect_refused("no certificate to trust in nonsense.pem");
    cacert(".").expect_refused("can't read --cacert .");
    gaits("fetch https://127.0.0.1/ --cacert x -k").run().expect_refused("cannot be used with");
}

#[test]
fn insecure_accepts_any_certificate() {
    let (origin, _dir, _) = secure();
    for option in ["-k", "--insecure"] {
        fetch(&origin, "/uuid", option).expect_exit(0).records().expect_all_ok(1);
    }
}

#[test]
fn http_spoken_to_a_port_with_tls_is_a_failure() {
    let (origin, _dir, _) = secure();
    let url = origin.url("/uuid").replace("https:", "http:");
    let end = gaits("fetch").arg(url).run().expect_exit(1);
    assert!(end.records().expect_items(1).kinds()[0].is_some(), "{end:?}");
}

#[test]
fn a_request_that_takes_too_long_is_given_up() {
    let origin = origin();
    for model in ["sequential", "threads:2", "async", "processes:2"] {
        let options = format!("--timeout 50ms -m {model}");
        let end = fetch(&origin, "/delay/3600", &options).expect_exit(1);
        let record = one(&end);
        assert_eq!(record.error().map(|error| error.kind), Some(ErrorKind::Timeout), "{end:?}");
        assert!(record.timing.latency_us() >= 50_000, "{end:?}");
    }
    let faults = "stall:1".parse().unwrap();
    let stalling = Origin::start(Config { faults, ..Config::default() }).unwrap();
    let end = fetch(&stalling, "/json", "--timeout 50ms").expect_exit(1);
    end.records().expect_one_failure(ErrorKind::Timeout);
}

#[test]
fn timeouts_may_be_none_and_must_be_durations() {
    let origin = origin();
    for options in [
        "--timeout 0",
        "--connect-timeout 0",
        "--timeout 2m --connect-timeout 1.5s",
        "--timeout 1h",
    ] {
        fetch(&origin, "/uuid", options).expect_exit(0).records().expect_all_ok(1);
    }
    for option in ["--timeout", "--connect-timeout"] {
        for bad in ["soon", "1 week", "ten", "1e99", "NaN", ""] {
            gaits("fetch http://127.0.0.1/").args([option, bad]).run().expect_refused(option);
        }
        let negative = format!("{option}=-1s");
        gaits("fetch http://127.0.0.1/").arg(negative).run().expect_refused(option);
    }
}

#[test]
fn a_body_beyond_its_limit_is_a_failure() {
    let origin = origin();
    fetch(&origin, "/bytes/1000", "--max-body-size 1000").expect_exit(0);
    let end = fetch(&origin, "/bytes/1001", "--max-body-size 1kB").expect_exit(1);
    end.records().expect_one_failure(ErrorKind::TooLarge);
    // What counts is the decoded body: the compressed one would fit.
    let http = http(&one(&fetch(&origin, "/gzip", "").expect_exit(0)));
    assert!(http.bytes < http.decoded_bytes, "{http:?}");
    let limit = format!("--max-body-size {}", http.decoded_bytes - 1);
    let end = fetch(&origin, "/gzip", &limit).expect_exit(1);
    end.records().expect_one_failure(ErrorKind::TooLarge);
    for bad in ["many", "1 bushel", ""] {
        let end = gaits("fetch http://127.0.0.1/ --max-body-size").arg(bad).run();
        end.expect_refused("--max-body-size");
    }
}

#[test]
fn redirects_are_followed_up_to_their_limit() {
    let origin = origin();
    let ten = http(&one(&fetch(&origin, "/redirect/10", "").expect_exit(0)));
    assert_eq!((ten.redirects, &*ten.url), (10, &*origin.url("/get")));
    let end = fetch(&origin, "/redirect/11", "").expect_exit(1);
    end.records().expect_one_failure(ErrorKind::Redirect);
    fetch(&origin, "/redirect/3", "--max-redirects 3").expect_exit(0);
    let end = fetch(&origin, "/redirect/3", "--max-redirects 2").expect_exit(1);
    end.records().expect_one_failure(ErrorKind::Redirect);
    let end = fetch(&origin, "/redirect/1", "--max-redirects 0").expect_exit(0);
    let none = http(&one(&end));
    assert_eq!((none.status, none.redirects), (Some(302), 0), "the redirect is the answer");
    for bad in ["-1", "256", "many"] {
        let bad = format!("--max-redirects={bad}");
        gaits("fetch http://127.0.0.1/").arg(bad).run().expect_refused("--max-redirects");
    }
}

#[test]
fn every_coding_is_undone() {
    let origin = origin();
    for coding in ["gzip", "deflate", "brotli", "zstd"] {
        let end = fetch(&origin, &format!("/{coding}"), "").expect_exit(0);
        let http = http(&one(&end));
        assert!(0 < http.bytes && http.bytes < http.decoded_bytes, "{coding}: {http:?}");
        assert!(http.blake3.is_some(), "{coding}: {http:?}");
    }
    let plain = http(&one(&fetch(&origin, "/bytes/777", "")));
    assert_eq!((plain.bytes, plain.decoded_bytes), (777, 777));
}

#[test]
fn a_status_that_is_not_accepted_is_a_failure() {
    let origin = origin();
    for status in [400, 404, 500, 503] {
        let end = fetch(&origin, &format!("/status/{status}"), "--retries 0").expect_exit(1);
        let record = one(&end);
        assert_eq!(record.error().map(|error| error.kind), Some(ErrorKind::HttpStatus));
        assert_eq!(http(&record).status, Some(status));
    }
    fetch(&origin, "/status/204", "").expect_exit(0).records().expect_all_ok(1);
}

#[test]
fn accept_says_which_statuses_are_a_success() {
    let origin = origin();
    for (status, accept, accepted) in [
        (404, "200-399,404", true),
        (405, "200-399,404", false),
        (204, "404", false),
        (302, "302", true),
        (500, " 500 , 200", true),
    ] {
        let end = gaits("fetch --max-redirects 0")
            .args([&origin.url(&format!("/status/{status}")), "--accept", accept])
            .run();
        if accepted {
            end.expect_exit(0).records().expect_all_ok(1);
        } else {
            end.expect_exit(1).records().expect_one_failure(ErrorKind::HttpStatus);
        }
    }
    for (bad, why) in [
        ("700", "there is no status 700"),
        ("399-200", "did you mean 200-399?"),
        ("abc", "\"abc\" is not a status"),
        ("", "a status is missing"),
    ] {
        gaits("fetch http://127.0.0.1/ --accept").arg(bad).run().expect_refused(why);
    }
}

#[test]
fn statuses_to_retry_and_to_stop_on_are_statuses() {
    let origin = origin();
    fetch(&origin, "/uuid", "--retry-on 404,500-599 --stop-on 401,403").expect_exit(0);
    for option in ["--retry-on", "--stop-on"] {
        for (bad, why) in [
            ("700", "there is no status 700"),
            ("403-401", "did you mean 401-403?"),
            ("5xx", "\"5xx\" is not a status"),
            ("", "a status is missing"),
        ] {
            let end = gaits("fetch http://127.0.0.1/").args([option, bad]).run();
            end.expect_refused(why).expect_stderr_contains(option);
        }
    }
}

#[test]
fn only_statuses_that_may_pass_are_tried_again() {
    let origin = origin();
    let attempts = |path: &str, options: &str| {
        one(&fetch(&origin, path, &format!("--retries 1 {options}")).expect_exit(1)).attempts
    };
    assert_eq!(attempts("/status/500", ""), 2);
    assert_eq!(attempts("/status/404", ""), 1);
    assert_eq!(attempts("/status/404", "--retry-on 404"), 2);
    assert_eq!(attempts("/status/500", "--retry-on 404"), 1);
}

#[test]
fn a_status_to_stop_on_ends_the_run_with_its_item_undone() {
    let origin = origin();
    let end = fetch(&origin, "/status/401", "--stop-on 401 --count 100 -m sequential");
    end.expect_exit(4).expect_no_stdout();
    assert_eq!(origin.requests(), 1);
    // What the server says about it is shown, without what would change the terminal.
    let said = "{\"error\":\r\n \"it has \u{1b}[31mexpired\"}";
    let reply =
        format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: {}\r\n\r\n{said}", said.len());
    let script = Script::default().with("/said", [vec![Step::send(reply)]]).unwrap();
    let script = Origin::start(Config { script: Some(script), ..Config::default() }).unwrap();
    fetch(&script, "/said", "--stop-on 401")
        .expect_exit(4)
        .expect_stderr_contains("401 Unauthorized: {\"error\": \"it has [31mexpired\"}");
    fetch(&origin, "/status/401", "--stop-on 401 --accept 401")
        .expect_refused("--stop-on 401 never stops anything: --accept 401 takes");
    fetch(&origin, "/status/401", "--stop-on 401,402 --accept 401").expect_exit(0);
}

#[test]
fn broken_answers_are_failures_of_their_kinds() {
    for (fault, kind) in [("reset:1", ErrorKind::Reset), ("truncate:1", ErrorKind::Truncated)] {
        let faults = fault.parse().unwrap();
        let origin = Origin::start(Config { faults, ..Config::default() }).unwrap();
        for model in ["sequential", "async", "processes:2"] {
            let end = fetch(&origin, "/bytes/5000", &format!("-m {model}")).expect_exit(1);
            end.records().expect_one_failure(kind);
        }
    }
}

#[test]
fn latency_shows_in_the_phases() {
    let latency = Duration::from_millis(40);
    let origin = Origin::start(Config { latency, ..Config::default() }).unwrap();
    let record = one(&fetch(&origin, "/uuid", "").expect_exit(0));
    assert!(http(&record).first_byte_us >= 40_000, "{record:?}");
    assert!(record.timing.latency_us() >= 40_000, "{record:?}");
}
