//! Requests through proxies: which are used, what they are asked, and what is said when they refuse.

use crate::harness::{Finished, PROXY_VARIABLES, gaits, http, secure};
use crate::proxy::TestProxy;
use gaits_core::ErrorKind;
use gaits_origin::{Config, Origin};
use gaits_work::http::HttpVersion;
use std::net::TcpListener;
use std::process::Command;

fn plain() -> Origin {
    Origin::start(Config::default()).unwrap()
}

fn fetch(url: &str, proxy: &str, more: &str) -> Finished {
    gaits(&format!("fetch {url} --retries 0 {more} --proxy")).arg(proxy).run()
}

#[test]
fn a_proxy_is_asked_for_whole_urls_and_its_connections_serve_all_hosts() {
    let origin = plain();
    let proxy = TestProxy::http(origin.addr(), None);
    let address = proxy.address();
    // The names exist for the proxy alone.
    let urls = "http://a.test/uuid http://b.test:81/uuid http://c.test/uuid";
    for proxy in [format!("http://{address}"), address.to_string()] {
        let end = fetch(urls, &proxy, "-n 30 -m sequential").expect_exit(0);
        for record in end.records().expect_all_ok(30).0 {
            assert!(http(&record).url.contains(".test"), "{record:?}");
        }
    }
    let seen = proxy.seen();
    assert_eq!(seen.asked.len(), 60);
    assert_eq!(seen.asked[0], "GET http://a.test/uuid HTTP/1.1");
    assert_eq!(seen.asked[1], "GET http://b.test:81/uuid HTTP/1.1");
    assert!(seen.heads.contains("host: b.test:81"), "{}", seen.heads);
    assert_eq!(seen.connections, 2, "one for each run, whatever the host");
    for model in ["async:5", "threads:2/async:2", "processes:2"] {
        let end = fetch(urls, &address.to_string(), &format!("-n 20 -m {model}")).expect_exit(0);
        end.records().expect_all_ok(20);
    }
    let body = "-X PUT -d 0123456789 --body json";
    let end = fetch("http://a.test/anything", &address.to_string(), body).expect_exit(0);
    end.expect_stdout_contains("0123456789");
}

#[test]
fn a_proxy_opens_a_tunnel_to_what_speaks_tls() {
    let (origin, _dir, pem) = secure();
    let proxy = TestProxy::http(origin.addr(), None);
    let port = origin.addr().port();
    for (options, version) in [("", HttpVersion::Http2), ("--http1", HttpVersion::Http11)] {
        let fetch = format!("fetch https://localhost:{port}/uuid -n 10 -m async:5 {options}");
        let end = gaits(&fetch).arg("--cacert").arg(&pem);
        let end = end.args(["--proxy", &format!("http://{}", proxy.address())]).run();
        for record in end.expect_exit(0).records().expect_all_ok(10).0 {
            assert_eq!(http(&record).version, Some(version));
        }
    }
    let seen = proxy.seen();
    let connect = format!("CONNECT localhost:{port} HTTP/1.1");
    assert!(seen.asked.iter().all(|line| *line == connect), "{seen:?}");
}

#[test]
fn a_password_goes_to_the_proxy_and_to_nobody_else() {
    let (origin, (over_tls, dir, pem)) = (plain(), secure());
    for (server, url) in [
        (&origin, "http://a.test/headers".to_owned()),
        (&over_tls, format!("https://localhost:{}/headers", over_tls.addr().port())),
    ] {
        // u@ser:hunter2
        let proxy = TestProxy::http(server.addr(), Some("dUBzZXI6aHVudGVyMg=="));
        let with = format!("http://u%40ser:hunter2@{}", proxy.address());
        let results = dir.at(&format!("{}.jsonl", server.addr().port()));
        let run = |proxy: &str| {
            let run = gaits("fetch --fresh --retries 0 --body json -o").arg(&results);
            run.arg("--cacert").arg(&pem).args(["--proxy", proxy, &url]).run()
        };
        let end = run(&with).expect_exit(0);
        let mut told = format!("{end:?}");
        for file in [results.clone(), dir.at(&format!("{}.jsonl.run", server.addr().port()))] {
            told.push_str(&std::fs::read_to_string(file).unwrap());
        }
        assert!(told.contains("headers"), "the origin's answer is in the record: {told}");
        // Neither as it was given nor as it is sent.
        for secret in ["hunter2", "dUBzZXI6", "u%40ser"] {
            let told = told.replace(&with, "");
            assert!(!told.contains(secret), "{secret}: {told}");
        }
        for (given, why) in [
            (format!("http://{}", proxy.address()), "it wants a user and a password: --proxy"),
            (
                format!("http://u:hunter3@{}", proxy.address()),
                "it does not accept this user and password",
            ),
        ] {
            let end = run(&given).expect_exit(1);
            let file = std::fs::read_to_string(&results).unwrap();
            let wanted = format!("through the proxy http://{}: ", proxy.address());
            assert!(file.contains(&wanted) && file.contains("407"), "{file}");
            assert!(file.contains(why) && !file.contains("hunter3"), "{file} {end:?}");
        }
    }
}

#[test]
fn a_socks_proxy_connects_to_an_address_or_to_a_name() {
    let (origin, (over_tls, _dir, pem)) = (plain(), secure());
    let port = over_tls.addr().port();
    for (scheme, host, asked) in
        [("socks5", "localhost", "127.0.0.1"), ("socks5h", "a.test", "name a.test")]
    {
        for credentials in [None, Some(("user", "hunter2"))] {
            let proxy = TestProxy::socks(origin.addr(), credentials);
            let user = credentials.map_or("", |_| "user:hunter2@");
            let with = format!("{scheme}://{user}{}", proxy.address());
            let end = fetch(&format!("http://{host}/uuid"), &with, "-n 5 -m sequential");
            end.expect_exit(0).records().expect_all_ok(5);
            assert_eq!(proxy.seen().asked, [asked], "one connection for all");
        }
    }
    let proxy = TestProxy::socks(over_tls.addr(), None);
    let with = format!("socks5h://{}", proxy.address());
    let cacert = format!("--cacert {}", pem.display());
    let end = fetch(&format!("https://localhost:{port}/uuid"), &with, &cacert).expect_exit(0);
    assert_eq!(http(&end.records().expect_all_ok(1).0[0]).version, Some(HttpVersion::Http2));
    assert_eq!(proxy.seen().asked, ["name localhost"]);
    let end = fetch("http://refused.test/", &with, "").expect_exit(1);
    assert_eq!(
        end.records().expect_one_failure(ErrorKind::Connect),
        format!(
            "through the proxy {with}: it makes no connection to refused.test: connection refused"
        )
    );
    let strict = TestProxy::socks(origin.addr(), Some(("user", "hunter2")));
    for (user, why) in [
        ("", "it wants a user and a password: --proxy socks5://USER:PASSWORD@HOST:PORT"),
        ("user:hunter3@", "it does not accept this user and password"),
    ] {
        let with = format!("socks5h://{user}{}", strict.address());
        let end = fetch("http://a.test/", &with, "").expect_exit(1);
        let message = end.records().expect_one_failure(ErrorKind::Connect);
        assert!(message.ends_with(why) && !message.contains("hunter"), "{message}");
    }
}

#[test]
fn hosts_spread_over_proxies_and_stick_to_theirs() {
    let origin = plain();
    let proxies = [TestProxy::http(origin.addr(), None), TestProxy::http(origin.addr(), None)];
    let urls: Vec<String> = (0..24).map(|host| format!("http://h{host}.test/uuid")).collect();
    for model in ["async:4", "processes:2"] {
        let run = gaits(&format!("fetch -n 48 -m {model}")).args(&urls);
        let given = proxies
            .iter()
            .flat_map(|proxy| ["--proxy".to_owned(), format!("http://{}", proxy.address())]);
        run.args(given).run().expect_exit(0).records().expect_all_ok(48);
    }
    let [mut one, mut other] = proxies.map(|proxy| proxy.seen().asked);
    assert_eq!(one.len() + other.len(), 96);
    for asked in [&mut one, &mut other] {
        asked.sort();
        asked.dedup();
    }
    assert_eq!(one.len() + other.len(), 24, "no host went through both");
    assert!(one.len() > 3 && other.len() > 3, "{} {}", one.len(), other.len());
}

#[test]
fn a_proxy_that_is_not_there_fails_its_own_hosts_and_is_named() {
    let origin = plain();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = TestProxy::http(origin.addr(), None);
    let urls: Vec<String> = (0..24).map(|host| format!("http://h{host}.test/uuid")).collect();
    let run = gaits("fetch --retries 0").args(&urls);
    let run = run.args(["--proxy", &format!("http://{nobody}")]);
    let end = run.args(["--proxy", &format!("http://{}", proxy.address())]).run().expect_exit(1);
    let (mut failed, through) = (0, proxy.seen().asked.len());
    for record in end.records().expect_items(24).0 {
        if let gaits_core::Outcome::Failed(error) = &record.outcome {
            failed += 1;
            let why = format!("through the proxy http://{nobody}: connection refused by {nobody}");
            assert_eq!((error.kind, &error.message), (ErrorKind::Connect, &why));
        }
    }
    assert_eq!(failed + through, 24, "no other way is taken in silence");
    assert!(failed > 3 && through > 3, "{failed} {through}");
}

/// Which proxy a request takes, as gaits and curl decide it.
#[test]
fn the_environment_is_read_as_curl_reads_it() {
    let (origin, (over_tls, _dir, _pem)) = (plain(), secure());
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    for (set, over, host, option, wanted) in [
        ("http_proxy=P", "http", "localhost", "", true),
        ("HTTP_PROXY=P", "http", "localhost", "", false),
        ("http_proxy=http://P", "https", "localhost", "", false),
        ("https_proxy=http://P", "https", "localhost", "", true),
        ("HTTPS_PROXY=P", "https", "localhost", "", true),
        ("all_proxy=P", "http", "localhost", "", true),
        ("ALL_PROXY=P", "https", "localhost", "", true),
        ("http_proxy= all_proxy=P", "http", "localhost", "", true),
        ("http_proxy=P no_proxy=localhost", "http", "localhost", "", false),
        ("http_proxy=P NO_PROXY=localhost", "http", "localhost", "", false),
        ("http_proxy=P no_proxy= NO_PROXY=localhost", "http", "localhost", "", false),
        ("http_proxy=P no_proxy=a.test,LOCALHOST", "http", "localhost", "", false),
        ("http_proxy=P no_proxy=.localhost", "http", "localhost", "", false),
        ("http_proxy=P no_proxy=host", "http", "localhost", "", true),
        ("http_proxy=P no_proxy=*", "http", "localhost", "", false),
        ("http_proxy=P no_proxy=127.0.0.0/8", "http", "127.0.0.1", "", false),
        ("http_proxy=P no_proxy=127.0.0.1", "http", "127.0.0.1", "", false),
        ("http_proxy=P no_proxy=127.0.0.1", "http", "localhost", "", true),
        ("http_proxy=P", "http", "localhost", "--proxy|", false),
        ("", "http", "localhost", "--proxy|P", true),
        ("", "http", "localhost", "-x|P", true),
        ("", "https", "localhost", "--proxy|http://P", true),
        ("no_proxy=localhost", "http", "localhost", "--proxy|P", false),
        ("http_proxy=P", "http", "localhost", "--noproxy|localhost", false),
        ("http_proxy=P no_proxy=localhost", "http", "localhost", "--noproxy|", true),
        ("http_proxy=P no_proxy=localhost", "http", "localhost", "--noproxy|a.test", true),
    ] {
        let server = if over == "https" { &over_tls } else { &origin };
        let proxy = TestProxy::http(server.addr(), None);
        let address = proxy.address().to_string();
        let url = format!("{over}://{host}:{}/uuid", server.addr().port());
        let words: Vec<String> = option
            .split('|')
            .filter(|_| !option.is_empty())
            .map(|word| word.replace('P', &address))
            .collect();
        let set = |name: &'static str| {
            let found = set.split(' ').filter_map(|pair| pair.split_once('='));
            found
                .into_iter()
                .find(|(other, _)| *other == name)
                .map(|(_, v)| v.replace('P', &address))
        };
        let variables: Vec<_> =
            PROXY_VARIABLES.iter().filter_map(|name| Some((*name, set(name)?))).collect();
        let mut run = gaits("fetch -q -k").args(&words).arg(&url);
        for (name, value) in &variables {
            run = run.env(name, value.clone());
        }
        run.run().expect_exit(0).records().expect_all_ok(1);
        let case = format!("{variables:?} {words:?} {url}");
        assert_eq!(!proxy.seen().asked.is_empty(), wanted, "{case}");
        // Before 7.86, curl knows no networks.
        if has_curl && !case.contains("127.0.0.0/8") {
            let before = proxy.seen().asked.len();
            let mut curl = Command::new("curl");
            for name in PROXY_VARIABLES {
                curl.env_remove(name);
            }
            let curl = curl.envs(variables).args(&words).args(["-sSkf", &url]).output().unwrap();
            assert!(curl.status.success(), "{case}: {curl:?}");
            assert_eq!(proxy.seen().asked.len() > before, wanted, "curl: {case}");
        }
    }
}

#[test]
fn a_proxy_of_the_environment_is_told() {
    let origin = plain();
    let proxy = TestProxy::http(origin.addr(), None);
    let with = format!("http://user:hunter2@{}", proxy.address());
    let end = gaits("fetch http://a.test/uuid").env("http_proxy", with).run().expect_exit(0);
    let told =
        format!("requests go through the proxy http://{}, as the environment", proxy.address());
    end.expect_stderr_contains(&told).expect_stderr_lacks("hunter2");
    let unix = gaits("fetch http://a.test/ --retries 0 --unix-socket /no/such/socket");
    unix.env("http_proxy", "http://127.0.0.1:9")
        .run()
        .expect_exit(1)
        .expect_stderr_lacks("go through");
}

#[test]
fn what_is_no_proxy_is_refused_before_anything_is_sent() {
    for (proxy, why) in [
        ("ftp://user:hunter2@a.test", "--proxy: a proxy begins with http://, https://, socks5://"),
        ("http://", "--proxy: the proxy has no host"),
        ("user:hunter2@a.test:99999", "--proxy: the proxy is malformed: invalid port number"),
        ("http://a..test:1", "can't be reached: the host name \"a..test\" has an empty part"),
    ] {
        fetch("http://a.test/", proxy, "").expect_refused(why).expect_stderr_lacks("hunter2");
    }
    fetch("http://a.test/", "", "--proxy http://a.test")
        .expect_refused("--proxy: the proxy has no host");
    let refused = "--deny-private can't tell what a proxy connects to";
    fetch("http://a.test/", "http://b.test", "--deny-private").expect_refused(refused);
    let by_environment = gaits("fetch http://a.test/ --deny-private").env("all_proxy", "b.test");
    by_environment.run().expect_refused(refused);
    fetch("http://127.0.0.1/", "", "--deny-private").expect_exit(1);
    let wrong = gaits("fetch http://a.test/").env("https_proxy", "ftp://u:hunter2@a.test").run();
    let told = "the environment variable https_proxy: a proxy begins with";
    wrong.expect_refused(told).expect_stderr_lacks("hunter2");
}

#[test]
fn an_entry_of_no_proxy_that_stands_for_no_host_is_refused_and_one_of_the_environment_is_not() {
    let origin = plain();
    let url = origin.url("/uuid");
    for list in ["10.0.0.0/33", "a.test,10.0.0/8", "*.a.test", "a.test:80 b.test"] {
        let end = gaits("fetch").args([&*url, "--no-proxy", list]).run();
        let entry = list.split([',', ' ']).find(|entry| entry.contains(['/', '*', ':'])).unwrap();
        end.expect_refused(&format!("--no-proxy: `{entry}` is no domain such as .example.com"));
        assert_eq!(origin.requests(), 0);
    }
    gaits("fetch").arg(&url).env("no_proxy", "10.0.0.0/33").run().expect_exit(0);
}
