//! Files that are sent: whole, over every protocol, and from the disk rather than from memory.

use crate::harness::{Dir, gaits, spawn};
use gaits_core::ErrorKind;
use gaits_origin::{Config, Origin};
use serde_json::json;
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

/// How much memory a process had at most, in bytes.
fn peak_of(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
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
