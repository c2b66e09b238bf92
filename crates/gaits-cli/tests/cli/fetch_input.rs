//! Where items come from, and what becomes of bad ones.

use crate::harness::{Dir, gaits};
use gaits_core::ErrorKind;
use gaits_origin::{Config, Origin};
use nix::sys::stat::Mode;
use socket2::{Domain, Socket, Type};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;

fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

/// A port that refuses connections, as long as this lives: it is taken, so that no server of another test gets it, and
/// nobody listens on it.
pub(crate) struct DeadPort(Socket);

impl DeadPort {
    pub(crate) fn take() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        Self(socket)
    }

    pub(crate) fn url(&self) -> String {
        let address = self.0.local_addr().unwrap().as_socket().unwrap();
        format!("http://{address}/")
    }
}

#[test]
fn urls_are_taken_from_the_command_line() {
    let origin = origin();
    let (a, b) = (origin.url("/uuid"), origin.url("/json"));
    let end = gaits("fetch").args([&a, &b]).run().expect_exit(0);
    let records = end.records().expect_all_ok(2);
    assert_eq!((records[0].item.as_text(), records[1].item.as_text()), (Some(&*a), Some(&*b)));
    assert_eq!(origin.requests(), 2);
}

#[test]
fn urls_are_taken_from_a_file_with_all_that_editors_put_there() {
    let origin = origin();
    let (a, b, c) = (origin.url("/uuid"), origin.url("/json"), origin.url("/get"));
    let dir = Dir::new();
    let list = dir.file("urls.txt", format!("\u{feff}{a}\r\n\r\n# a comment\n  {b}  \n\t\n{c}"));
    let end = gaits("fetch -i").arg(list).run().expect_exit(0);
    let records = end.records().expect_all_ok(3);
    let items: Vec<_> = records.iter().filter_map(|record| record.item.as_text()).collect();
    assert_eq!(items, [&a, &b, &c]);
}

#[test]
fn urls_are_taken_from_standard_input() {
    let origin = origin();
    let url = origin.url("/uuid");
    let list = format!("{url}\n{url}\n");
    gaits("fetch -i -").stdin(list).run().expect_exit(0).records().expect_all_ok(2);
}

#[test]
fn urls_are_taken_from_a_named_pipe() {
    let origin = origin();
    let dir = Dir::new();
    let fifo = dir.at("urls.fifo");
    nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let running = gaits("fetch -i").arg(&fifo).start();
    // Opening it waits for its reader.
    let mut writer = File::options().write(true).open(&fifo).unwrap();
    writeln!(writer, "{}", origin.url("/uuid")).unwrap();
    drop(writer);
    running.finish().expect_exit(0).records().expect_all_ok(1);
}

#[test]
fn a_bad_line_is_a_failed_record_with_its_place_and_the_rest_goes_on() {
    let origin = origin();
    let url = origin.url("/uuid");
    let dir = Dir::new();
    let long = "x".repeat(70_000);
    let mut list = format!(
        "{url}\n# comment\nexample.com/no-scheme\nftp://example.com/\n\nhttp://{long}/\n{url}\n"
    )
    .into_bytes();
    list.extend(b"http://127.0.0.1/\xff\xfe\nhttp://[::1\n");
    list.extend(url.as_bytes());
    dir.file("urls.txt", list);
    let end = gaits("fetch -i urls.txt").dir(dir.path()).run().expect_exit(1);
    let records = end.records().expect_items(8);
    let bad = Some(ErrorKind::InvalidItem);
    assert_eq!(records.kinds(), [None, bad, bad, bad, None, bad, bad, None], "{end:?}");
    let place = |at: usize| {
        let message = &records[at].error().unwrap().message;
        message.split(": ").next().unwrap_or_default().to_owned()
    };
    assert_eq!(
        [place(1), place(2), place(3), place(5), place(6)],
        ["urls.txt:3", "urls.txt:4", "urls.txt:6", "urls.txt:8", "urls.txt:9"]
    );
    assert!(records[1].worker.is_none() && records[1].attempts == 0, "no worker ever saw it");
    end.expect_stderr_contains("3 of 8 ok, 5 failed").expect_stderr_contains("invalid_item 5");
}

#[test]
fn a_bad_url_among_arguments_is_a_failed_record_too() {
    let origin = origin();
    let end = gaits("fetch nonsense").arg(origin.url("/uuid")).run().expect_exit(1);
    assert_eq!(end.records().expect_items(2).kinds(), [Some(ErrorKind::InvalidItem), None]);
}

#[test]
fn a_bad_line_of_standard_input_says_so() {
    let end = gaits("fetch -i -").stdin("# one\nmailto:a@example.com\n").run().expect_exit(1);
    let message = end.records().expect_one_failure(ErrorKind::InvalidItem);
    assert!(message.starts_with("stdin:2: "), "{message}");
}

#[test]
fn a_host_without_an_address_is_a_failure_of_its_item() {
    let end = gaits("fetch http://nosuch.invalid/").run().expect_exit(1);
    end.records().expect_one_failure(ErrorKind::Dns);
    end.expect_stderr_contains("0 of 1 ok, 1 failed");
}

#[test]
fn nine_requests_to_a_dead_port_do_not_look_like_success() {
    let port = DeadPort::take();
    let url = port.url();
    for model in ["sequential", "threads:3", "processes:2", "async"] {
        let end = gaits(&format!("fetch {url} --count 9 -m {model}")).run().expect_exit(1);
        let records = end.records().expect_items(9);
        assert_eq!(records.kinds(), [Some(ErrorKind::Connect); 9]);
        end.expect_stderr_contains("0 of 9 ok, 9 failed").expect_stderr_contains("connect 9");
    }
}

#[test]
fn a_missing_input_file_is_refused() {
    let dir = Dir::new();
    gaits("fetch -i nosuch.txt")
        .dir(dir.path())
        .run()
        .expect_refused("can't read nosuch.txt")
        .expect_stderr_contains("No such file");
}

#[test]
fn an_input_that_can_not_be_read_to_its_end_is_named() {
    // Its first page belongs to nobody.
    gaits("fetch -i /proc/self/mem")
        .run()
        .expect_exit(3)
        .expect_stderr_contains("can't read /proc/self/mem to its end");
    let compare = gaits("compare http -i /proc/self/mem").run();
    compare.expect_refused("can't read /proc/self/mem to its end");
}

#[test]
fn a_directory_for_input_is_refused() {
    let dir = Dir::new();
    gaits("fetch -i").arg(dir.path()).run().expect_refused("it is a directory");
}

#[test]
fn an_input_that_may_not_be_read_is_refused() {
    let dir = Dir::new();
    let list = dir.file("secret.txt", "http://127.0.0.1/\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o0);
    std::fs::set_permissions(&list, mode).unwrap();
    if File::open(&list).is_err() {
        // Root may read everything.
        gaits("fetch -i").arg(list).run().expect_refused("Permission denied");
    }
}

#[test]
fn an_input_without_items_is_refused_and_leaves_no_results_file() {
    let dir = Dir::new();
    for (name, text) in [("empty.txt", ""), ("comments.txt", "# only\n\n  \n# comments\n")] {
        dir.file(name, text);
        gaits(&format!("fetch -i {name} -o results.jsonl"))
            .dir(dir.path())
            .run()
            .expect_refused(&format!("no items in {name}"));
        assert!(!dir.at("results.jsonl").exists(), "{name}");
    }
    gaits("fetch -i -").run().expect_refused("no items in standard input");
}

#[test]
fn no_input_at_all_is_refused() {
    gaits("fetch").run().expect_refused("nothing to fetch");
}

#[test]
fn urls_and_a_file_do_not_mix() {
    gaits("fetch http://127.0.0.1/ -i -").run().expect_refused("cannot be used with");
}

#[test]
fn an_argument_that_is_no_text_is_refused() {
    let bytes = OsStr::from_bytes(b"http://127.0.0.1/\xff");
    gaits("fetch").arg(bytes).run().expect_refused("UTF-8");
}

#[test]
fn a_file_may_have_a_name_that_is_no_text() {
    let origin = origin();
    let dir = Dir::new();
    let name = OsStr::from_bytes(b"urls-\xff.txt");
    std::fs::write(dir.path().join(name), origin.url("/uuid")).unwrap();
    let end = gaits("fetch -i").arg(name).dir(dir.path()).run();
    end.expect_exit(0).records().expect_all_ok(1);
}

#[test]
fn a_count_goes_through_the_urls_over_and_over() {
    let origin = origin();
    let urls = [origin.url("/uuid"), origin.url("/json")];
    let end = gaits("fetch --count 5").args(&urls).run().expect_exit(0);
    let records = end.records().expect_all_ok(5);
    assert!(records.iter().enumerate().all(|(at, record)| record.item == *urls[at % 2]));
}

#[test]
fn a_count_of_no_items_is_refused() {
    for command in
        ["fetch http://127.0.0.1/ --count 0", "run wait 1 --count 0", "run cpu product --count 0"]
    {
        gaits(command).run().expect_refused("count");
    }
}

#[test]
fn the_summary_shows_no_hosts_of_lines_that_are_no_urls() {
    let origin = Origin::start(Config::default()).unwrap();
    let list = format!("{}\nftp://files.example/\nhttp://bad host/\n", origin.url("/uuid"));
    let end = gaits("fetch -i -").stdin(list).run().expect_exit(1);
    end.expect_stderr_contains("invalid_item 2").expect_stderr_lacks("hosts  ");
}
