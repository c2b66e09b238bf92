//! `gaits origin`: the server to try things on, as users and scripts start it.

use crate::harness::{Dir, Running, eventually, gaits, is_gone};
use gaits_core::ErrorKind;
use nix::sys::signal::Signal;

/// An origin, and the URL that it prints first.
fn origin(options: &str) -> (Running, String) {
    let running = gaits(&format!("origin --port 0 {options}")).start();
    let url = running.wait_for_lines(1)[0].clone();
    (running, url)
}

#[test]
fn it_prints_its_url_and_serves_until_it_is_interrupted() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (running, url) = origin("");
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        gaits(&format!("fetch {url}/uuid")).run().expect_exit(0).records().expect_all_ok(1);
        running.signal(signal);
        let end = running.finish().expect_exit(0).expect_stderr_contains("Ctrl-C stops it");
        assert_eq!(end.stdout, format!("{url}\n"));
    }
}

#[test]
fn its_help_shows_each_endpoint_in_one_piece() {
    let end = gaits("origin --help").run().expect_exit(0);
    for endpoint in
        ["/bytes/{count}", "/redirect/{count}", "/delay/{seconds}", "/drip", "/hostile/{name}:"]
    {
        let shown = end.stdout.split_whitespace().any(|word| word == endpoint);
        assert!(shown, "{endpoint}: {end:?}");
    }
    gaits("origin -h").run().expect_exit(0).expect_stdout_contains("--help has them all");
}

#[test]
fn every_option_is_taken() {
    let (running, url) = origin(
        "--bind 127.0.0.1 --threads 2 --latency 1ms --jitter 1ms --tail 0.1:1ms --bandwidth 1MB --capacity 2 --rate-limit 100000 \
         --fault reset:0.01,truncate:0.01,stall:0,503:0.1 --retry-after date:5 --seed 7 --quiet",
    );
    gaits(&format!("fetch {url}/")).run().expect_exit_one_of(&[0, 1]).records().expect_items(1);
    running.interrupt();
    running.finish().expect_exit(0).expect_stderr("");
}

#[test]
fn faults_and_limits_do_what_they_say() {
    for (options, kind) in [
        ("--fault reset:1", ErrorKind::Reset),
        ("--fault truncate:1", ErrorKind::Truncated),
        ("--fault stall:1", ErrorKind::Timeout),
        ("--latency 1h", ErrorKind::Timeout),
    ] {
        let (_running, url) = origin(options);
        let end =
            gaits(&format!("fetch {url}/json --timeout 300ms --retries 0")).run().expect_exit(1);
        end.records().expect_one_failure(kind);
    }
    let (_running, url) = origin("--rate-limit 0.001");
    let end =
        gaits(&format!("fetch {url}/uuid --count 3 -m sequential --max-retry-after 1s")).run();
    // The second is refused for so long that the rest stays undone.
    end.expect_exit(4).records().expect_all_ok(1);
}

#[test]
fn tls_comes_with_a_certificate_to_trust() {
    let dir = Dir::new();
    let running = gaits("origin --port 0 --tls --ca-out ca.pem").dir(dir.path()).start();
    let url = running.wait_for_lines(1)[0].clone();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let fetch = format!("fetch {url}/uuid --cacert ca.pem");
    gaits(&fetch).dir(dir.path()).run().expect_exit(0).records().expect_all_ok(1);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (options, why) in [
        ("--port 65536", "--port"),
        ("--bind nowhere", "--bind"),
        ("--latency soon", "--latency"),
        ("--jitter soon", "--jitter"),
        ("--tail 2s", "0.01:2s"),
        ("--tail often:2s", "0.01:2s"),
        ("--tail 1.5:2s", "from 0 to 1"),
        ("--tail 0.1:soon", "`soon` is not a duration"),
        ("--bandwidth 0", "at least 1"),
        ("--bandwidth much", "--bandwidth"),
        ("--threads 0", "--threads"),
        ("--threads 2000", "2000 threads"),
        ("--access-log no/such/folder", "can't write --access-log no/such/folder"),
        ("--capacity 0", "--capacity"),
        ("--rate-limit 0", "rate limit 0"),
        ("--rate-limit NaN", "rate limit NaN"),
        ("--rate-limit many", "--rate-limit"),
        ("--fault bananas:0.5", "no fault is called \"bananas\""),
        ("--fault reset:2", "not a number from 0 to 1"),
        ("--fault reset", "has no probability"),
        ("--fault 200:0.1", "not a status from 400 to 599"),
        ("--retry-after date:soon", "write date:60"),
        ("--seed many", "--seed"),
        ("--ca-out ca.pem", "--tls"),
        ("--tls --ca-out nosuch/ca.pem", "can't write nosuch/ca.pem"),
    ] {
        let dir = Dir::new();
        gaits(&format!("origin --port 0 {options}")).dir(dir.path()).run().expect_refused(why);
    }
}

#[test]
fn an_access_log_has_a_line_for_each_request() {
    let dir = Dir::new();
    let running = gaits("origin --port 0 --access-log log.jsonl").dir(dir.path()).start();
    let url = running.wait_for_lines(1)[0].clone();
    gaits(&format!("fetch {url}/uuid --count 3")).run().expect_exit(0);
    running.interrupt();
    running.finish().expect_exit(0);
    let log = std::fs::read_to_string(dir.path().join("log.jsonl")).unwrap();
    assert_eq!(log.lines().count(), 3, "{log}");
    assert!(log.lines().all(|line| line.contains("\"path\":\"/uuid\"")), "{log}");

    let (running, url) = origin("--access-log -");
    gaits(&format!("fetch {url}/uuid --count 2")).run().expect_exit(0);
    let lines = running.wait_for_lines(3);
    assert!(lines[1..].iter().all(|line| line.starts_with("{\"time\":")), "{lines:?}");
}

#[test]
fn an_access_log_that_cannot_be_written_is_told_at_the_end() {
    let (running, url) = origin("--access-log /dev/full");
    gaits(&format!("fetch {url}/uuid --count 3")).run().expect_exit(0);
    running.interrupt();
    running
        .finish()
        .expect_exit(3)
        .expect_stderr_contains("access log could not be written, 3 of them: No space left");
}

#[test]
fn a_script_replies_with_the_bytes_that_it_says() {
    let dir = Dir::new();
    let script = r#"{
        "/flaky": {"replies": [["reset"], [{"send": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}]]},
        "/cut": [{"send": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"}, "close"]
    }"#;
    std::fs::write(dir.path().join("script.json"), script).unwrap();
    let running = gaits("origin --port 0 --script script.json").dir(dir.path()).start();
    let url = running.wait_for_lines(1)[0].clone();
    let fetch = |path: &str| gaits(&format!("fetch {url}{path} --retries 0")).run();
    fetch("/flaky").expect_exit(1).records().expect_one_failure(ErrorKind::Reset);
    fetch("/flaky").expect_exit(0).records().expect_all_ok(1);
    fetch("/cut").expect_exit(1).records().expect_one_failure(ErrorKind::Truncated);
    fetch("/hostile/not-http").expect_exit(1).records().expect_one_failure(ErrorKind::Protocol);
    fetch("/uuid").expect_exit(0).records().expect_all_ok(1);
}

#[test]
fn a_script_that_is_none_is_refused_with_the_place() {
    let dir = Dir::new();
    for (text, why) in [
        ("{", "line 1"),
        (r#"{"/a": [{"sned": "x"}]}"#, "/a, reply 1, step 1"),
        (r#"{"a": ["close"]}"#, "slash"),
    ] {
        std::fs::write(dir.path().join("script.json"), text).unwrap();
        let end = gaits("origin --port 0 --script script.json").dir(dir.path()).run();
        end.expect_refused(why).expect_stderr_contains("script.json");
    }
    let end = gaits("origin --port 0 --script nosuch.json").dir(dir.path()).run();
    end.expect_refused("can't read --script nosuch.json");
}

#[test]
fn a_rate_that_makes_no_sense_is_not_blamed_on_the_port() {
    gaits("origin --port 0 --rate-limit 0").run().expect_stderr_lacks("another --port");
}

#[test]
fn a_port_in_use_is_refused() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    gaits(&format!("origin --port {port}"))
        .run()
        .expect_refused("another --port may be free")
        .expect_stderr_contains("in use");
}

#[test]
fn an_address_of_another_machine_is_not_blamed_on_the_port() {
    gaits("origin --port 0 --bind 192.0.2.1")
        .run()
        .expect_refused("can't serve on 192.0.2.1:0")
        .expect_stderr_lacks("another --port");
}

#[test]
fn nobody_who_reads_the_url_is_no_panic() {
    gaits("origin --port 0").stdout_closed().run().expect_exit(3).expect_stderr_lacks("panicked");
}

#[test]
fn it_can_end_with_its_input() {
    let mut running = gaits("origin --port 0 --quiet --until-stdin-ends").stdin_open().start();
    running.wait_for_lines(1);
    let pid = running.pid();
    running.say("anything\n");
    assert!(!is_gone(pid));
    running.end_input();
    eventually("it ends", || is_gone(pid));
    running.finish().expect_exit(0);
}
