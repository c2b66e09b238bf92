//! Ways to a server: fixed addresses, families, Unix sockets, versions of HTTP, who is asked for names.

use crate::harness::{Dir, Finished, Records, gaits, http, spawn};
use gaits_core::{ErrorKind, Record};
use gaits_origin::{Config, Origin};
use gaits_work::http::HttpVersion::{Http2, Http11};
use std::fs;
use std::io::{Read, Write, copy};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

fn only(end: Finished) -> Record {
    let Records(mut records) = end.expect_exit(0).records().expect_all_ok(1);
    records.remove(0)
}

/// A socket in the file system that leads to `address`.
fn listen_at(path: &Path, address: SocketAddr) {
    let listener = UnixListener::bind(path).unwrap();
    spawn("unix-socket", move || {
        for near in listener.incoming() {
            let (mut near, mut far) = (near.unwrap(), TcpStream::connect(address).unwrap());
            let (mut back, mut answer) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            spawn("unix-socket-answers", move || drop(copy(&mut answer, &mut back)));
            spawn("unix-socket-requests", move || drop(copy(&mut near, &mut far)));
        }
    });
}

#[test]
fn resolve_names_the_address_that_is_connected_to() {
    let origin = origin();
    let port = origin.addr().port();
    let fetch = |host: &str, fixed: &str| {
        gaits(&format!("fetch http://{host}:{port}/uuid --resolve {fixed}")).run()
    };
    for fixed in [
        format!("shop.example:{port}:127.0.0.1"),
        format!("+Shop.Example:{port}:127.0.0.1"),
        format!("*:{port}:127.0.0.1"),
        // The last one counts, and one that is named goes before all hosts.
        format!("shop.example:{port}:127.9.9.9 --resolve shop.example:{port}:127.0.0.1"),
        format!("shop.example:{port}:127.0.0.1 --resolve *:{port}:127.9.9.9"),
        // One of two answers.
        format!("shop.example:{port}:127.0.0.1,[::1]"),
    ] {
        only(fetch("shop.example", &fixed));
    }
    // Where the host is an address, too; and only for this port.
    only(fetch("192.0.2.1", &format!("192.0.2.1:{port}:127.0.0.1")));
    let other_port = format!("unknown.invalid:{}:127.0.0.1", port ^ 1);
    let end = fetch("unknown.invalid", &format!("{other_port} --retries 0")).expect_exit(1);
    end.records().expect_one_failure(ErrorKind::Dns);
    for (wrong, why) in [
        ("a.test:80", "it has no address"),
        ("a.test:x:127.0.0.1", "`x` is not a port"),
        ("a.test:80:b.test", "`b.test` is not an address"),
    ] {
        gaits("fetch http://a.test/ --resolve").arg(wrong).run().expect_refused(why);
    }
}

#[test]
fn an_address_given_by_hand_is_no_way_around_deny_private() {
    let fetch = "fetch http://shop.example/ --deny-private --resolve shop.example:80:127.0.0.1";
    let end = gaits(fetch).run().expect_exit(1);
    end.records().expect_one_failure(ErrorKind::BlockedAddress);
}

#[test]
fn one_family_of_addresses_is_connected_to() {
    let origin = origin();
    let port = origin.addr().port();
    for flag in ["-4", "--ipv4"] {
        only(gaits(&format!("fetch http://localhost:{port}/uuid {flag}")).run());
        only(gaits(&format!("fetch http://127.0.0.1:{port}/uuid {flag}")).run());
    }
    for (url, flag, why) in [
        ("http://127.0.0.1/", "--ipv6", "127.0.0.1 is no IPv6 address, and --ipv6 allows no other"),
        ("http://[::1]/", "-4", "::1 is no IPv4 address, and --ipv4 allows no other"),
        (
            "http://a.test/ --resolve a.test:80:127.0.0.1",
            "-6",
            "a.test has no IPv6 address, and --ipv6 allows no other",
        ),
    ] {
        let end = gaits(&format!("fetch {url} {flag} --retries 0")).run().expect_exit(1);
        assert_eq!(end.records().expect_one_failure(ErrorKind::Dns), why, "{url}");
    }
    gaits("fetch http://a.test/ -4 -6").run().expect_refused("cannot be used with");
    let listen = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    match Origin::start(Config { listen, ..Config::default() }) {
        Ok(origin) => {
            let port = origin.addr().port();
            let both = format!("--resolve a.test:{port}:127.0.0.1,[::1]");
            only(gaits(&format!("fetch http://a.test:{port}/uuid {both} -6")).run());
            assert_eq!(origin.requests(), 1);
        }
        Err(error) => {
            let addresses = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
            assert_eq!(addresses, "", "this machine has IPv6: {error}");
        }
    }
}

#[test]
fn all_connections_go_to_a_unix_socket() {
    let (origin, dir) = (origin(), Dir::new());
    let path = dir.at("api.sock");
    listen_at(&path, origin.addr());
    let options = ["--unix-socket".as_ref(), path.as_os_str()];
    for model in ["sequential", "async:3", "processes:2"] {
        let urls = "http://api.example/uuid http://other.example:81/uuid";
        let end = gaits(&format!("fetch {urls} -n 6 -m {model}")).args(options).run();
        end.expect_exit(0).records().expect_all_ok(6);
    }
    let http2 = only(gaits("fetch http://api.example/uuid --http2").args(options).run());
    assert_eq!(http(&http2).version, Some(Http2));
    let end = gaits("fetch http://a.test/ --retries 0 --unix-socket /no/such/socket").run();
    let why = end.expect_exit(1).records().expect_one_failure(ErrorKind::Connect);
    assert!(why.starts_with("cannot connect to the Unix socket /no/such/socket: "), "{why}");
    let end = gaits("fetch http://a.test/ --deny-private").args(options).run();
    end.expect_refused("--deny-private allows no connection to a socket of this machine");
}

#[test]
fn the_version_of_http_is_chosen() {
    let (plain, secure) = (origin(), Origin::start(Config { tls: true, ..Config::default() }));
    let secure = secure.unwrap();
    let dir = Dir::new();
    let pem = dir.file("ca.pem", secure.ca_pem().unwrap());
    for (origin, options, wanted) in [
        (&secure, "", Http2),
        (&secure, "--http2", Http2),
        (&secure, "--http1", Http11),
        (&plain, "", Http11),
        (&plain, "--http1", Http11),
        (&plain, "--http2", Http2),
    ] {
        for session in ["loop", "none"] {
            let fetch = format!(
                "fetch {} -n 8 -m async:8 --session {session} {options}",
                origin.url("/uuid")
            );
            let end = gaits(&fetch).arg("--cacert").arg(&pem).run().expect_exit(0);
            for record in end.records().expect_all_ok(8).0 {
                assert_eq!(http(&record).version, Some(wanted), "{options} {session}");
            }
        }
    }
    // As curl has them.
    let end = gaits(&format!("fetch {} --http2-prior-knowledge", plain.url("/uuid"))).run();
    assert_eq!(http(&only(end)).version, Some(Http2));
    only(gaits(&format!("fetch {} --http1.1", plain.url("/uuid"))).run());
    gaits("fetch http://a.test/ --http1 --http2").run().expect_refused("cannot be used with");
}

#[test]
fn a_server_that_does_not_know_http2_is_told_with_the_option() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    spawn("old-server", move || {
        // A connection that is closed before the request is sent is opened again.
        for client in listener.incoming() {
            let mut client = client.unwrap();
            drop(client.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
            drop(client.read_to_end(&mut Vec::new()));
        }
    });
    let end = gaits(&format!("fetch {url} --http2 --retries 0")).run().expect_exit(1);
    let why = end.records().expect_one_failure(ErrorKind::Protocol);
    assert!(
        why.ends_with("; --http2 takes for granted that it speaks HTTP/2 without TLS"),
        "{why}"
    );
}

#[test]
fn the_system_is_asked_for_names() {
    let origin = origin();
    let url = format!("http://localhost:{}/uuid", origin.addr().port());
    only(gaits(&format!("fetch {url} --dns system")).run());
    // A name that the system refuses without asking anybody.
    let long = format!("http://{}/", ["a-part-of-a-name-that-nobody-has"; 7].join("."));
    let end = gaits(&format!("fetch {long} --dns system --retries 0")).run().expect_exit(1);
    let why = end.records().expect_one_failure(ErrorKind::Dns);
    assert!(why.starts_with("could not resolve host a-part-of"), "{why}");
    // Who has been asked says so; name servers would not.
    assert!(why.contains(": the system says: "), "{why}");
    gaits("fetch http://a.test/ --dns mine").run().expect_refused("invalid value 'mine'");
}

/// Whether `getaddrinfo` itself puts names without a dot to name servers, as it does where nothing comes before them.
fn system_asks_name_servers() -> bool {
    let setup = std::fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default();
    let services = setup.lines().find_map(|line| line.strip_prefix("hosts:")).unwrap_or_default();
    let mut services = services.split_whitespace();
    services.clone().all(|service| service != "resolve") && services.any(|service| service == "dns")
}

/// Passes a test over, and says why.
fn pass_over(why: &str) {
    // On standard error, past what the harness holds back of a test that goes well.
    std::io::stderr().write_all(format!("passed over: {why}\n").as_bytes()).unwrap();
}

/// glibc reads the file that `HOSTALIASES` names before it asks a name server. Nobody writes to this one, so the look-up never ends.
#[test]
fn a_look_up_that_does_not_end_is_given_up() {
    if !system_asks_name_servers() {
        return pass_over("the system asks no name servers by itself");
    }
    let dir = Dir::new();
    let aliases = dir.at("aliases");
    assert!(Command::new("mkfifo").arg(&aliases).status().unwrap().success());
    for model in ["async:2", "processes:1"] {
        let fetch = "fetch http://silent/ --dns system --dns-timeout 200ms --retries 0 -m";
        let end = gaits(fetch).arg(model).env("HOSTALIASES", aliases.as_os_str()).run();
        let why = end.expect_exit(1).records().expect_one_failure(ErrorKind::Dns);
        assert_eq!(why, "could not resolve host silent: no answer within 0.2 s", "{model}");
    }
}

/// A network of its own gives this machine a public address, which nothing outside is asked for.
#[test]
fn a_redirect_is_no_way_around_deny_private() {
    const SCRIPT: &str = r#"
        ip link set lo up && ip addr add 93.184.216.34/32 dev lo || exit 77
        mkfifo ready
        gaits origin -q --port 80 --bind 93.184.216.34 > ready &
        trap 'kill $!' EXIT
        read -r url < ready
        gaits fetch "$@"
    "#;
    let dir = Dir::new();
    let binaries = Path::new(env!("CARGO_BIN_EXE_gaits")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
    let fetch = |path_and_query: &str, options: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--net", "bash", "-c", SCRIPT, "bash"]);
        unshare.arg(format!("http://shop.example{path_and_query}"));
        unshare.args(["--resolve", "shop.example:80:93.184.216.34", "--retries", "0"]);
        let _ = std::fs::remove_file(dir.at("ready"));
        unshare.args(options).env("PATH", &path).current_dir(dir.path()).output()
    };
    let direct = fetch("/get", &["--deny-private"]);
    let Some(direct) = direct.ok().filter(|end| end.status.code().is_none_or(|code| code < 77))
    else {
        return pass_over("no network of its own can be made");
    };
    let said = |end: &std::process::Output| {
        let [out, err] = [&end.stdout, &end.stderr].map(|text| String::from_utf8_lossy(text));
        format!("{out}{err}")
    };
    assert_eq!(direct.status.code(), Some(0), "a public address is reached: {}", said(&direct));
    for (target, kind) in
        [("http://127.0.0.1/", "a loopback address"), ("http://10.0.0.1/", "a private address")]
    {
        let there = format!("/redirect-to?url={target}");
        let refused = fetch(&there, &["--deny-private"]).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
        let said = said(&refused);
        assert!(said.contains("\"kind\":\"blocked_address\"") && said.contains(kind), "{said}");
        assert!(said.contains("\"redirects\":1"), "{said}");
    }
    // Without the option it is tried, and nobody listens there.
    let tried = fetch("/redirect-to?url=http://127.0.0.1/", &[]).unwrap();
    assert!(said(&tried).contains("\"kind\":\"connect\""), "{}", said(&tried));
}
