//! A process without a file descriptor left. One test in a file of its own: the limit is the whole process's.

mod http_support;

use gaits_core::{ErrorKind, Reply};
use gaits_work::http::HttpSpec;
use http_support::{Server, client, failed, ok};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::fs::File;
use std::net::TcpListener;
use std::time::Duration;

#[test]
fn without_a_descriptor_left_idle_connections_are_closed_and_then_the_item_goes_back() {
    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let server = Server::answering(&[OK]);
    // It never accepts: the kernel connects all the same.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let spec = HttpSpec { timeout: Some(Duration::from_millis(100)), ..HttpSpec::default() };
    let (mut keeping, mut empty, mut naming) =
        (client(spec.clone()), client(HttpSpec::default()), client(HttpSpec::default()));
    ok(keeping.get(&server.url("/")));

    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 128, hard).unwrap();
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }

    for (client, url, doing) in [
        (&mut empty, url.as_str(), "opening a connection"),
        (&mut naming, "http://some.test/", "looking up a host"),
    ] {
        let Reply::Exhausted(error) = client.reply(url) else { panic!("{url} went through") };
        assert_eq!(error.kind, ErrorKind::Connect);
        assert_eq!(
            error.message,
            format!(
                "too many open files ({doing}): raise the limit with ulimit -n or use fewer workers"
            )
        );
    }
    let (kind, message, _) = failed(keeping.get(&url));
    assert_eq!(kind, ErrorKind::Timeout, "the idle connection made room: {message}");
    drop(files);
}
