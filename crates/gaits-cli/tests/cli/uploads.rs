//! Files that are sent: whole, over every protocol, and from the disk rather than from memory.

use crate::harness::{Dir, Finished, gaits, peak_of, spawn};
use gaits_core::ErrorKind;
use gaits_origin::{Config, Origin};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

/// Lines that send `file` to each of `urls`.
fn lines(file: &str, urls: impl IntoIterator<Item = String>) -> String {
    let line = |url| json!({"url": url, "method": "PUT", "body_file": file}).to_string() + "\n";
    urls.into_iter().map(line).collect()
}

#[test]
fn a_long_file_arrives_as_it_is() {
    let dir = Dir::new();
    let text = (0..130_000).map(|i| i.to_string()).collect::<Vec<_>>().join("\n");
    dir.file("long", &text);
    for (tls, model, path) in [
        (false, "async:3", "/put"),
        (true, "async:3", "/put"),
        (true, "processes:2", "/put"),
        // It is sent again from its beginning.
        (false, "threads:2", "/redirect-to?url=/put&status_code=307"),
        (true, "async:3", "/redirect-to?url=/put&status_code=308"),
    ] {
        let origin = Origin::start(Config { tls, ..Config::default() }).unwrap();
        dir.file("items", lines("long", (0..4).map(|_| origin.url(path))));
        let end = gaits("fetch -i items -q -k --extract data=/data -m")
            .arg(model)
            .dir(dir.path())
            .run()
            .expect_exit(0);
        let data = json!(text).to_string();
        let whole = end.stdout.lines().filter(|line| line.contains(&data)).count();
        assert_eq!(whole, 4, "{model} {path}");
    }
}

#[test]
fn a_long_file_takes_little_memory() {
    const IN_FLIGHT: u64 = 8;
    const LENGTH: u64 = 64 << 20;
    let dir = Dir::new();
    // It has no blocks on the disk, and reads as zeros.
    File::create(dir.at("long")).unwrap().set_len(LENGTH).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (read, all_read) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    spawn("reader", move || {
        let clients: Vec<_> = (0..IN_FLIGHT).map(|_| listener.accept().unwrap().0).collect();
        let came = std::thread::scope(|scope| {
            let readers = clients.iter().map(|client| {
                scope.spawn(move || {
                    let mut client = BufReader::new(client);
                    let mut line = String::new();
                    while line != "\r\n" {
                        line.clear();
                        client.read_line(&mut line).unwrap();
                    }
                    std::io::copy(&mut client.take(LENGTH), &mut std::io::sink()).unwrap()
                })
            });
            let readers: Vec<_> = readers.collect();
            readers.into_iter().map(|reader| reader.join().unwrap()).sum::<u64>()
        });
        read.send(came).unwrap();
        let _ = may_go_on.recv();
        for mut client in clients {
            client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    });
    dir.file("items", lines("long", (0..IN_FLIGHT).map(|_| url.clone())));
    let running = gaits("fetch -i items -q -m async:8").dir(dir.path()).start();
    assert_eq!(all_read.recv().unwrap(), IN_FLIGHT * LENGTH);
    let peak = peak_of(running.pid());
    go_on.send(()).unwrap();
    running.finish().expect_exit(0).records().expect_all_ok(8);
    assert!(peak < IN_FLIGHT * LENGTH / 4, "{peak} bytes");
}

#[test]
fn a_server_may_refuse_a_long_file_before_it_has_read_it() {
    let dir = Dir::new();
    // More than the origin takes.
    File::create(dir.at("long")).unwrap().set_len(20 << 20).unwrap();
    for tls in [false, true] {
        let origin = Origin::start(Config { tls, ..Config::default() }).unwrap();
        dir.file("items", lines("long", [origin.url("/put")]));
        let end = gaits("fetch -i items -q -k").dir(dir.path()).run().expect_exit(1);
        let why = end.records().expect_one_failure(ErrorKind::HttpStatus);
        assert!(why.contains("413"), "{why}");
    }
}

#[test]
fn long_files_take_no_more_places_on_a_connection_than_its_server_has() {
    let dir = Dir::new();
    dir.file("long", "a".repeat(70_000));
    let origin = Origin::start(Config { tls: true, ..Config::default() }).unwrap();
    // The origin takes 1,024 requests on a connection.
    let end = gaits("fetch --count 1100 -m async:1100 -q -k -T long")
        .arg(origin.url("/delay/1"))
        .dir(dir.path())
        .run()
        .expect_exit(0);
    let opened = end.stdout.lines().filter(|line| line.contains("\"reused\":false")).count();
    assert_eq!(opened, 2);
}

#[test]
fn what_cannot_be_sent_fails_its_item() {
    let dir = Dir::new();
    let origin = Origin::start(Config::default()).unwrap();
    for (file, wanted) in
        [("none", "No such file"), ("/dev/zero", "it is no file"), (".", "it is no file")]
    {
        dir.file("items", lines(file, [origin.url("/put")]));
        let end = gaits("fetch -i items -q").dir(dir.path()).run().expect_exit(1);
        let why = end.records().expect_one_failure(ErrorKind::InvalidItem);
        assert!(why.contains(&format!("can't read the body_file {file}: ")), "{why}");
        assert!(why.contains(wanted), "{why}");
    }
}

/// What was echoed for each item: method, path and data.
fn echoed(end: &Finished) -> Vec<[Value; 3]> {
    let mut records: Vec<Value> =
        end.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    records.sort_by_key(|record| record["index"].as_u64());
    let of = |record: &Value| {
        let echo = &record["http"]["body"];
        ["method", "url", "data"].map(|name| echo[name].clone())
    };
    records.iter().map(of).collect()
}

#[test]
fn one_file_is_sent_with_each_request_or_one_of_its_own() {
    let origin = Origin::start(Config::default()).unwrap();
    let dir = Dir::new();
    dir.file("a", "of a");
    dir.file("b c", "of b");
    dir.file("files.csv", "file,as\na,1\nb c,2\n");
    let at = |path: &str| origin.url(&format!("/anything/{path}"));
    let same = gaits("fetch -q --body json -T a")
        .args([at("x"), at("y")])
        .dir(dir.path())
        .run()
        .expect_exit(0);
    let put = |path, data| [json!("PUT"), json!(at(path)), json!(data)];
    assert_eq!(echoed(&same), [put("x", "of a"), put("y", "of a")]);
    let own = gaits("fetch -q --body json -i files.csv --template")
        .args([at("{file}"), "-T".to_owned(), "./{file}".to_owned()])
        .dir(dir.path())
        .run()
        .expect_exit(0);
    assert_eq!(echoed(&own), [put("a", "of a"), put("b%20c", "of b")]);
    let post = gaits("fetch -q --body json -X POST -T a").arg(at("x")).dir(dir.path()).run();
    assert_eq!(echoed(&post.expect_exit(0)), [[json!("POST"), json!(at("x")), json!("of a")]]);
    // As curl has it: a URL that ends with a slash gets the file's name.
    let command = format!("curl -T 'b c' {}\ncurl -T a {}\n", at(""), at("z"));
    let curl = gaits("fetch -q --body json --from-curl -").stdin(command).dir(dir.path()).run();
    assert_eq!(echoed(&curl.expect_exit(0)), [put("b%20c", "of b"), put("z", "of a")]);
}

#[test]
fn another_file_is_another_plan() {
    let origin = Origin::start(Config::default()).unwrap();
    let dir = Dir::new();
    dir.file("a", "of a");
    dir.file("b", "of b");
    let fetch = |file: &str| {
        gaits("fetch -q -o results.jsonl -T")
            .args([file, &origin.url("/put")])
            .dir(dir.path())
            .run()
    };
    fetch("a").expect_exit(0);
    fetch("b").expect_refused("upload-file");
    // The same name, and something else in it.
    dir.file("a", "now of a");
    fetch("a").expect_refused("upload-content");
    dir.file("a", "of a");
    fetch("a").expect_exit(0);
}

#[test]
fn what_cannot_be_sent_with_every_request_is_refused() {
    let refused = |args: &[&str]| gaits("fetch http://127.0.0.1:9/").args(args).run();
    refused(&["-T", "/no/such"]).expect_refused("-T can't send /no/such: No such file");
    refused(&["-T", "/"]).expect_refused("it is no file, but a folder");
    refused(&["-T", "-"]).expect_refused("write a file");
    // A table does not make a template of a name without places.
    let dir = Dir::new();
    dir.file("t.csv", "id\n1\n");
    gaits("fetch -i t.csv --template http://127.0.0.1:9/{id} -T none")
        .dir(dir.path())
        .run()
        .expect_refused("-T can't send none: No such file");
    refused(&["-T", "a", "-d", "b"]).expect_refused("cannot be used with");
}
