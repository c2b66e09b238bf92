//! A process without a file descriptor left. One test in a file of its own: the limit is the whole process's.

mod http_support;

use gaits_core::{ErrorKind, Reply};
use gaits_work::http::{HttpSpec, Method};
use http_support::{Client, Server, client, failed, ok};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::fs::File;
use std::io::Write as _;
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
    let localhost = url.replace("127.0.0.1", "localhost");
    ok(keeping.get(&server.url("/")));
    let mut upload = tempfile::NamedTempFile::new().unwrap();
    upload.write_all(&vec![b'a'; 100_000]).unwrap();
    let upload_file = Some(upload.path().to_str().unwrap().to_owned());
    let method = Method::PUT;
    let mut sending = client(HttpSpec { method, upload_file, ..spec });
    let taking = [(); 2].map(|()| {
        Server::start(|accept| {
            let mut peer = accept();
            peer.request();
            peer.body(100_000);
            peer.say(OK);
            peer.wait_for_end();
        })
    });
    for server in &taking {
        ok(sending.get(&server.url("/")));
    }

    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 128, hard).unwrap();
    let fill = || std::iter::from_fn(|| File::open("/dev/null").ok()).collect::<Vec<_>>();
    let mut files = fill();

    let exhausted = |client: &mut Client, url: &str, doing: &str| {
        let Reply::Exhausted(error) = client.reply(url) else { panic!("{url} went through") };
        assert_eq!(error.kind, ErrorKind::Connect);
        assert_eq!(
            error.message,
            format!(
                "too many open files ({doing}): raise the limit with ulimit -n or use fewer workers"
            )
        );
    };
    exhausted(&mut empty, &url, "opening a connection");
    exhausted(&mut empty, &localhost, "opening a connection");
    // What looks names up must find out that there are too few before it starts.
    for _ in 0..8 {
        exhausted(&mut naming, "http://some.test/", "looking up a host");
        files.pop();
    }
    files.extend(fill());

    let (kind, message, _) = failed(keeping.get(&url));
    assert_eq!(kind, ErrorKind::Timeout, "the idle connection made room: {message}");

    // The file that is sent needs one, and the connection another.
    let (kind, message, _) = failed(sending.get(&url));
    assert_eq!(kind, ErrorKind::Timeout, "the idle connections made room: {message}");
    drop(files);
}
