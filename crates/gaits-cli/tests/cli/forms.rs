//! Forms with files, and long files of data: sent whole, read from the disk rather than from memory, and filled with the
//! columns of a table.

use crate::harness::{Dir, gaits, peak_of, spawn};
use gaits_core::ErrorKind;
use gaits_origin::{Config, Origin};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

/// A request that has come: its content type, and how long its body is.
fn head_of(client: &mut BufReader<&TcpStream>) -> Option<(String, u64)> {
    let (mut kind, mut len) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if client.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("content-type", value)) => value.clone_into(&mut kind),
            Some(("content-length", value)) => len = value.parse().unwrap(),
            _ if line == "\r\n" => return Some((kind, len)),
            _ => {}
        }
    }
}

/// A server that hands out the content type and the body of each request.
fn server() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (came, forms) = mpsc::channel();
    spawn("server", move || {
        for client in listener.incoming() {
            let (client, came) = (client.unwrap(), came.clone());
            spawn("client", move || {
                let mut input = BufReader::new(&client);
                while let Some((kind, len)) = head_of(&mut input) {
                    let mut body = Vec::new();
                    input.by_ref().take(len).read_to_end(&mut body).unwrap();
                    let _ = came.send((kind, body));
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                    (&client).write_all(answer).unwrap();
                }
            });
        }
    });
    (url, forms)
}

/// The body of a form: the head of each part behind the name of its field, and what it holds.
fn body(kind: &str, parts: &[(&str, &[u8])]) -> Vec<u8> {
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let hash = boundary.strip_prefix("gaits-").unwrap();
    assert!(hash.len() == 24 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{kind}");
    let mut body = Vec::new();
    for (head, content) in parts {
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

/// Bytes that are no text.
fn content(len: usize, step: u8) -> Vec<u8> {
    let mut last = 0x80_u8;
    let next = || {
        last = last.wrapping_mul(5).wrapping_add(step);
        last | 0x80
    };
    std::iter::repeat_with(next).take(len).collect()
}

const BINARY: &str = "\r\nContent-Type: application/octet-stream";

#[test]
fn a_form_with_a_long_file_arrives_as_it_is() {
    let dir = Dir::new();
    let (long, other) = (content(3 << 20, 7), content(70_000, 11));
    std::fs::create_dir(dir.at("d")).unwrap();
    dir.file("d/big one", &long);
    dir.file("other", &other);
    dir.file("short", "a\r\n");
    let first = format!("name=\"f\"; filename=\"big one\"{BINARY}");
    let last = "name=\"o\"; filename=\"o.png\"\r\nContent-Type: image/png";
    let short = format!("name=\"s\"; filename=\"short\"{BINARY}");
    let parts =
        [("name=\"title\"", &b"a b"[..]), (&first, &long), (&short, b"a\r\n"), (last, &other)];
    let mut kinds = Vec::new();
    for model in ["async:2", "threads:2", "processes:2"] {
        let (url, forms) = server();
        gaits("fetch --count 3 -q -m")
            .args([
                model,
                "--form",
                "title=a b",
                "--form",
                "f=@d/big one",
                "--form",
                "s=@short",
                "--form",
            ])
            .args(["o=@other;type=image/png;filename=o.png", &url])
            .dir(dir.path())
            .run()
            .expect_exit(0)
            .records()
            .expect_all_ok(3);
        for (kind, came) in forms.try_iter() {
            assert!(came == body(&kind, &parts), "{model}");
            kinds.push(kind);
        }
    }
    // What is sent again is the same.
    assert_eq!(kinds.len(), 9);
    kinds.dedup();
    assert_eq!(kinds.len(), 1);
}

#[test]
fn a_form_is_sent_again_from_its_beginning() {
    let dir = Dir::new();
    let text = (0..130_000).map(|i| i.to_string()).collect::<Vec<_>>().join("\n");
    dir.file("long", &text);
    for tls in [false, true] {
        let origin = Origin::start(Config { tls, ..Config::default() }).unwrap();
        let end = gaits("fetch -q -k --body json --form a=1 --form f=@long")
            .arg(origin.url("/redirect-to?url=/anything&status_code=307"))
            .dir(dir.path())
            .run()
            .expect_exit(0);
        let record: Value = serde_json::from_str(&end.stdout).unwrap();
        let echo = &record["http"]["body"];
        assert_eq!(echo["method"], "POST");
        assert!(echo["form"] == json!({"a": "1"}) && echo["files"] == json!({"f": text}));
    }
}

#[test]
fn each_row_of_a_table_sends_files_of_its_own() {
    let dir = Dir::new();
    let long = content(200_000, 3);
    dir.file("a b.bin", &long);
    dir.file("é%20", "short");
    dir.file("t.csv", "file,as\na b.bin,\"x\"\"&\"\né%20,{as}\n");
    let first = format!("name=\"f\"; filename=\"a b.bin\"{BINARY}");
    let second = format!("name=\"f\"; filename=\"é%20\"{BINARY}");
    for model in ["sequential", "processes:1"] {
        let (url, forms) = server();
        gaits("fetch -q -i t.csv -m")
            .args([model, "--form", "f=@./{file}", "--form", "as=<{as}>", "--template"])
            .arg(url + "?{file}")
            .dir(dir.path())
            .run()
            .expect_exit(0)
            .records()
            .expect_all_ok(2);
        for (head, content, text) in [(&first, &long[..], "<x\"&>"), (&second, b"short", "<{as}>")]
        {
            let (kind, came) = forms.recv().unwrap();
            let parts = [(&**head, content), ("name=\"as\"", text.as_bytes())];
            assert!(came == body(&kind, &parts), "{model} {text}");
        }
    }
}

#[test]
fn a_file_that_a_row_names_and_is_not_there_fails_that_row() {
    let dir = Dir::new();
    let origin = Origin::start(Config::default()).unwrap();
    dir.file("a", "of a");
    dir.file("t.csv", "file,kind\na,x/y\n");
    let template = origin.url("/post?{file}");
    let run = |table: &str| {
        dir.file("t.csv", table);
        gaits("fetch -q -i t.csv --form f=@{file};type={kind} --template")
            .arg(&template)
            .dir(dir.path())
            .run()
    };
    run("file,kind\na,x/y\n").expect_exit(0).records().expect_all_ok(1);
    for (row, wanted) in [
        ("none.jpg,x/y", "can't read the file of the form none.jpg: No such file"),
        (".,x/y", "it is no file, but a folder"),
        (",x/y", "`f` in the form names no file"),
        ("a,\"x/y\nx-a: b\"", "the type of `f` in the form holds a line break"),
    ] {
        let end = run(&format!("file,kind\n{row}\n")).expect_exit(1);
        let why = end.records().expect_one_failure(ErrorKind::InvalidItem);
        assert!(why.contains(wanted), "{why}");
    }
    run("other,kind\na,b\n").expect_refused("file");
}

#[test]
fn a_command_of_curl_with_a_form_is_a_template_too() {
    let dir = Dir::new();
    let long = content(100_000, 3);
    dir.file("a", &long);
    dir.file("t.csv", "f,n\na,1\n");
    let (url, forms) = server();
    let command =
        format!("curl '{url}{{n}}' -F 'f=@{{f}};type=image/png' -F 'n=<{{n}}' -F t={{n}}");
    dir.file("1", "of 1");
    dir.file("c.txt", format!("{command} -H 'Content-Type: multipart/form-data'"));
    gaits("fetch -q -i t.csv --from-curl c.txt").dir(dir.path()).run().expect_exit(0);
    let (kind, came) = forms.recv().unwrap();
    let parts = [
        ("name=\"f\"; filename=\"a\"\r\nContent-Type: image/png", &long[..]),
        ("name=\"n\"", b"of 1"),
        ("name=\"t\"", b"1"),
    ];
    assert!(came == body(&kind, &parts));
    dir.file("c.txt", format!("{command} -H 'Content-Type: a/b'"));
    let end = gaits("fetch -q -i t.csv --from-curl c.txt").dir(dir.path()).run();
    end.expect_refused("leave out -H Content-Type");
}

#[test]
fn columns_are_encoded_in_a_form_without_files() {
    let origin = Origin::start(Config::default()).unwrap();
    let dir = Dir::new();
    dir.file("t.csv", "id,name\n1,a&b=é\n");
    let words = ["--form", "q={name} & {\"x\"}", "--form", "{id}={{id}}"];
    let end = gaits("fetch -q --body json -i t.csv --template")
        .arg(origin.url("/anything/{id}"))
        .args(words)
        .dir(dir.path())
        .run()
        .expect_exit(0);
    let record: Value = serde_json::from_str(&end.stdout).unwrap();
    let wanted = json!({"q": "a&b=é & {\"x\"}", "{id}": "{id}"});
    assert_eq!(record["http"]["body"]["form"], wanted, "{record}");
}

#[test]
fn another_form_is_another_plan() {
    let origin = Origin::start(Config::default()).unwrap();
    let dir = Dir::new();
    let (one, two) = (content(70_000, 3), content(70_000, 5));
    dir.file("a", &one);
    let fetch = |form: &str| {
        gaits("fetch -q -o results.jsonl --form")
            .args([form, &origin.url("/post")])
            .dir(dir.path())
            .run()
    };
    fetch("f=@a").expect_exit(0);
    fetch("g=@a").expect_refused("--form was 1 part");
    dir.file("a", &two);
    fetch("f=@a").expect_refused("--form-content was 70000 bytes");
    dir.file("a", &one);
    fetch("f=@a").expect_exit(0);
}

#[test]
fn a_form_is_shown_before_it_is_sent() {
    let dir = Dir::new();
    dir.file("big \"1", vec![b'a'; 70_000]);
    let show = |option: &str| {
        gaits("fetch -q http://h/ --form a=1 --form")
            .args(["f=@\"big \\\"1\"", option])
            .dir(dir.path())
            .run()
    };
    let shown = show("--dry-run").expect_exit(0).stdout;
    assert!(shown.contains("  (a: 1 B)\n  (f: big \"1, 70"), "{shown}");
    let curl = show("--print-curl").expect_exit(0).stdout;
    let parts =
        r#" -F 'a="1"' -F 'f=@"big \"1";type=application/octet-stream;filename="big \"1"' "#;
    assert!(curl.contains(parts) && !curl.contains("content-type"), "{curl}");
    // It is the same form again.
    dir.file("c.txt", curl.replace("http://h/", "http://h/{id}"));
    dir.file("t.csv", "id\n1\n");
    let again = gaits("fetch -q -i t.csv --print-curl --from-curl c.txt").dir(dir.path()).run();
    assert!(again.expect_exit(0).stdout.contains(parts));
}

#[test]
fn a_pipe_is_read_once() {
    let (url, forms) = server();
    let sent = "x".repeat(100_000);
    gaits("fetch -q --count 2 --form f=@-").arg(url).stdin(&sent).run().expect_exit(0);
    for (kind, came) in forms.try_iter() {
        let head = format!("name=\"f\"; filename=\"-\"{BINARY}");
        assert!(came == body(&kind, &[(&head, sent.as_bytes())]));
    }
}

#[test]
fn a_form_with_a_long_file_takes_little_memory() {
    const LENGTH: u64 = 128 << 20;
    let dir = Dir::new();
    // It has no blocks on the disk, and reads as zeros.
    File::create(dir.at("long")).unwrap().set_len(LENGTH).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (read, all_read) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    spawn("reader", move || {
        let client = listener.accept().unwrap().0;
        let mut input = BufReader::new(&client);
        let (_, len) = head_of(&mut input).unwrap();
        let came = std::io::copy(&mut input.take(len), &mut std::io::sink()).unwrap();
        read.send((len, came)).unwrap();
        let _ = may_go_on.recv();
        (&client).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let running = gaits("fetch -q -m async:1 --form f=@long").arg(url).dir(dir.path()).start();
    let (len, came) = all_read.recv().unwrap();
    assert!(len > LENGTH && came == len, "{came} of {len}");
    let peak = peak_of(running.pid());
    go_on.send(()).unwrap();
    running.finish().expect_exit(0).records().expect_all_ok(1);
    assert!(peak < LENGTH / 2, "{peak} bytes");
}

#[test]
fn a_long_file_of_data_is_sent_from_the_disk() {
    let dir = Dir::new();
    let long = content(9 << 20, 3);
    dir.file("long", &long);
    for (words, kind) in [
        (&["-d", "@long"][..], "application/x-www-form-urlencoded"),
        (&["-m", "processes:2", "--data-json", "@long"], "application/json"),
        (&["-d", "@long", "-H", "Content-Type: a/b"], "a/b"),
        (&["-d", "@long", "-X", "PUT"], "application/x-www-form-urlencoded"),
    ] {
        let (url, came) = server();
        let run = gaits("fetch -q --count 2 -o r.jsonl").args(words).arg(&url);
        run.dir(dir.path()).run().expect_exit(0);
        std::fs::remove_file(dir.at("r.jsonl")).unwrap();
        std::fs::remove_file(dir.at("r.jsonl.run")).unwrap();
        let came: Vec<_> = came.try_iter().collect();
        assert_eq!(came.len(), 2);
        for (found, body) in came {
            assert_eq!(found, kind);
            assert!(body == long, "{words:?}");
        }
    }
    let line = gaits("fetch http://h/ --print-curl -d @long").dir(dir.path()).run().expect_exit(0);
    for wanted in ["curl http://h/ ", "application/x-www-form-urlencoded", " --data-binary @long "]
    {
        assert!(line.stdout.contains(wanted), "{line:?}");
    }
    // Where columns are filled into it, it is a text in memory.
    let (url, came) = server();
    dir.file("long", "{id}".repeat(3 << 20));
    dir.file("t.csv", "id\nabcd\n");
    let run = gaits("fetch -q -i t.csv -d @long --template").arg(url + "{id}");
    run.dir(dir.path()).run().expect_exit(0);
    assert!(came.recv().unwrap().1 == "abcd".repeat(3 << 20).as_bytes());
}
