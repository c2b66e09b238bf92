//! `--robots`: what a host forbids is not asked for, under every model.

use crate::harness::{Finished, gaits, spawn};
use gaits_core::{ErrorKind, Record};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Answers each path as it is told, and remembers who asked for what.
struct Site {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// `answer` gives the status line and fields of a path, and its body.
    fn start(answer: impl Fn(&str) -> (String, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, answer) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(answer));
        let heads = Arc::clone(&seen);
        spawn("site", move || {
            for stream in listener.incoming() {
                let (stream, heads, answer) =
                    (stream.unwrap(), Arc::clone(&heads), Arc::clone(&answer));
                spawn("site-connection", move || serve(&stream, &heads, &*answer));
            }
        });
        Self { address, seen }
    }

    /// With this robots.txt, and `ok` everywhere else.
    fn with(robots: &'static str) -> Self {
        Self::start(move |path| match path {
            "/robots.txt" => ("200 OK".into(), robots.into()),
            _ => ("200 OK".into(), "ok".into()),
        })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn asked(&self, path: &str) -> usize {
        let first = format!("GET {path} ");
        self.seen().iter().filter(|head| head.starts_with(&first)).count()
    }
}

fn serve(
    stream: &TcpStream,
    heads: &Mutex<Vec<String>>,
    answer: &dyn Fn(&str) -> (String, String),
) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let path = head.split(' ').nth(1).unwrap().to_owned();
        heads.lock().unwrap().push(head);
        let (status, body) = answer(&path);
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
        if (&*stream).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn fetch(urls: &[String], options: &str) -> Finished {
    gaits(&format!("fetch --robots {options} {}", urls.join(" "))).run()
}

fn message(record: &Record) -> String {
    record.error().map(|error| error.message.clone()).unwrap_or_default()
}

const RULES: &str = "User-agent: *\nDisallow: /private\n\nUser-agent: special\nDisallow: /open\n";

#[test]
fn what_is_forbidden_is_not_asked_for_and_robots_leaves_no_record() {
    for model in ["sequential", "threads:3", "async:8", "processes:2", "processes:2/async:4"] {
        let site = Site::with(RULES);
        let urls: Vec<_> =
            (0..20).map(|n| site.url(&format!("/{}/{n}", ["open", "private"][n % 2]))).collect();
        let end = fetch(&urls, &format!("-m {model}")).expect_exit(1);
        let records = end.records().expect_items(20);
        for record in records.iter() {
            let forbidden = record.index % 2 == 1;
            assert_eq!(record.outcome.is_ok(), !forbidden, "{model}: {record:?}");
            if forbidden {
                assert_eq!(record.error().unwrap().kind, ErrorKind::Robots);
                assert_eq!(record.attempts, 1, "it is not tried again");
                let robots = site.url("/robots.txt");
                let wanted = format!("{robots} forbids it to user-agent *: Disallow: /private");
                assert_eq!(message(record), wanted);
            }
        }
        let processes = if model.starts_with("processes") { 1..=2 } else { 1..=1 };
        assert!(processes.contains(&site.asked("/robots.txt")), "{model}: {:?}", site.seen());
        assert!(!site.seen().iter().any(|head| head.starts_with("GET /private")));
    }
}

#[test]
fn each_worker_without_a_session_of_its_own_knows_the_same_rules() {
    for session in ["worker", "none"] {
        let site = Site::with(RULES);
        let end = fetch(&[site.url("/open")], &format!("-n 10 -m async:4 --session {session}"));
        end.expect_exit(0).records().expect_all_ok(10);
        assert_eq!(site.asked("/robots.txt"), 1, "{session}");
    }
}

#[test]
fn the_rules_are_those_for_the_user_agent_that_asks() {
    let site = Site::with(RULES);
    let end = fetch(&[site.url("/open"), site.url("/private")], "-A Special/2.0 -H X-Key:k");
    let records = end.expect_exit(1).records();
    assert_eq!(records.kinds(), [Some(ErrorKind::Robots), None]);
    let seen = site.seen();
    assert!(
        seen[0].contains("user-agent: Special/2.0") && seen[0].contains("x-key: k"),
        "{seen:?}"
    );
}

#[test]
fn without_a_robots_txt_all_is_allowed() {
    for status in ["404 Not Found", "403 Forbidden", "302 Found\r\nlocation: /robots.txt"] {
        let site = Site::start(move |path| match path {
            "/robots.txt" => (status.into(), String::new()),
            _ => ("200 OK".into(), "ok".into()),
        });
        fetch(&[site.url("/x")], "").expect_exit(0).records().expect_all_ok(1);
        let asked = if status.starts_with('3') { 6 } else { 1 };
        assert_eq!(site.asked("/robots.txt"), asked, "{status}");
    }
}

/// Each level of sitemaps is a run of its own.
#[test]
fn with_sitemaps_it_is_read_again_for_each_level() {
    let index = "<sitemapindex><sitemap><loc>/map</loc></sitemap></sitemapindex>";
    let map = "<urlset><url><loc>/a</loc></url><url><loc>/b</loc></url></urlset>";
    let site = Site::start(move |path| match path {
        "/robots.txt" => ("404 Not Found".into(), String::new()),
        "/index" => ("200 OK".into(), index.into()),
        "/map" => ("200 OK".into(), map.into()),
        _ => ("200 OK".into(), "ok".into()),
    });
    let end = gaits(&format!("fetch --robots --sitemap {}", site.url("/index"))).run();
    end.expect_exit(0).records().expect_all_ok(2);
    assert_eq!(site.asked("/robots.txt"), 3, "{:?}", site.seen());
    let help = gaits("fetch --help").env("COLUMNS", "1000").run().expect_exit(0);
    help.expect_stdout_contains("it is read again for each level of sitemaps")
        .expect_stdout_contains("where it is no UTF-8, whatever charset is declared");
}

/// Lines that are no rules are passed over (RFC 9309, section 2.2.4). Many sites answer any path with a page of HTML.
#[test]
fn a_page_of_html_in_its_place_allows_all() {
    let page = "<!DOCTYPE html>\n<html>\n<head><title>Not found: robots</title></head>\n<body style=\"color: red\">\n\
                <p>User-agent: *</p>\n<p>Disallow: /</p>\nDisallow: /\n</body></html>\n";
    let site = Site::with(page);
    let end = fetch(&[site.url("/x"), site.url("/private")], "").expect_exit(0);
    end.expect_stderr_lacks("robots").records().expect_all_ok(2);
    assert_eq!(site.asked("/robots.txt"), 1);
    // What is understood beside it counts.
    let site = Site::with("<p>Hello</p>\nUser-agent: *\n<br>\nDisallow: /private\n\0:\n");
    let end = fetch(&[site.url("/x"), site.url("/private")], "").expect_exit(1);
    assert_eq!(end.records().kinds(), [None, Some(ErrorKind::Robots)]);
}

#[test]
fn while_it_can_not_be_read_nothing_is_allowed_and_items_are_tried_again() {
    let count = Mutex::new(0);
    let site = Site::start(move |path| match path {
        "/robots.txt" => {
            let mut count = count.lock().unwrap();
            *count += 1;
            let status = if *count == 1 { "500 Internal Server Error" } else { "200 OK" };
            (status.into(), String::new())
        }
        _ => ("200 OK".into(), "ok".into()),
    });
    let records = fetch(&[site.url("/x")], "").expect_exit(0).records().expect_all_ok(1);
    assert_eq!((records[0].attempts, site.asked("/robots.txt")), (2, 2));
    assert_eq!(records[0].tries[0].error.kind, ErrorKind::Robots);

    let site = Site::start(|path| match path {
        "/robots.txt" => ("503 Service Unavailable".into(), String::new()),
        _ => ("200 OK".into(), "ok".into()),
    });
    let end = fetch(&[site.url("/x")], "--retries 0").expect_exit(1);
    let message = end.records().expect_one_failure(ErrorKind::Robots);
    let robots = site.url("/robots.txt");
    let wanted =
        format!("can't read {robots}, so nothing there may be asked for: 503 Service Unavailable");
    assert_eq!(message, wanted);
    assert_eq!(site.asked("/x"), 0);

    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let end = fetch(&[format!("http://{gone}/x")], "--retries 0").expect_exit(1);
    let message = end.records().expect_one_failure(ErrorKind::Connect);
    assert!(message.contains("can't read") && message.contains("refused"), "{message}");
}

#[test]
fn where_a_redirect_leads_is_asked_for_as_well() {
    let other = Site::with("User-agent: *\nDisallow: /hidden");
    let hidden = other.url("/hidden");
    let site = Site::start(move |path| match path {
        "/robots.txt" => ("404 Not Found".into(), String::new()),
        _ => (format!("302 Found\r\nlocation: {hidden}"), String::new()),
    });
    let end = fetch(&[site.url("/x")], "").expect_exit(1);
    let message = end.records().expect_one_failure(ErrorKind::Robots);
    assert!(message.contains(&other.url("/robots.txt")), "{message}");
    assert_eq!((other.asked("/hidden"), other.asked("/robots.txt")), (0, 1));
}

#[test]
fn the_robots_txt_of_a_host_that_a_redirect_leads_to_is_asked_for_without_secrets() {
    let other = Site::with("");
    let there = other.url("/there");
    let site = Site::start(move |path| match path.split('?').next() {
        Some("/robots.txt") => ("404 Not Found".into(), String::new()),
        _ => (format!("302 Found\r\nlocation: {there}"), String::new()),
    });
    let secrets = "--bearer hunter2 --api-key key=hunter2 --api-key X-Key:hunter2 -H X-Own:hunter2";
    fetch(&[site.url("/x")], secrets).expect_exit(0).records().expect_all_ok(1);
    assert_eq!(site.seen().join("").matches("hunter2").count(), 8, "its own host gets them");
    let seen = other.seen();
    assert_eq!((other.asked("/robots.txt"), other.asked("/there")), (1, 1), "{seen:?}");
    assert!(!seen.join("").contains("hunter2"), "{seen:?}");
}

#[test]
fn the_delay_that_a_host_wants_lies_between_two_requests() {
    for model in ["sequential", "threads:3", "async:8", "processes:2/async:2"] {
        let site = Site::with("User-agent: *\nCrawl-delay: 0.2");
        let free = Site::with("");
        let mut urls: Vec<_> = (0..3).map(|n| site.url(&format!("/{n}"))).collect();
        urls.extend((0..20).map(|n| free.url(&format!("/{n}"))));
        let end = fetch(&urls, &format!("-m {model}")).expect_exit(0);
        let end = end.expect_stderr_contains("wants 200 ms between two requests (Crawl-delay)");
        let records = end.records().expect_all_ok(23);
        let mut starts: Vec<_> =
            records[..3].iter().map(|record| record.timing.started_us).collect();
        starts.sort_unstable();
        assert!(starts.windows(2).all(|two| two[1] - two[0] >= 200_000), "{model}: {starts:?}");
        assert!(records.iter().all(|record| record.attempts == 1 && record.tries.is_empty()));
    }
}

#[test]
fn a_robots_txt_keeps_to_the_limits_as_any_request() {
    const APART_US: u64 = 200_000;
    for (model, most) in
        [("sequential", 1), ("threads:3", 1), ("async:8", 1), ("processes:2/async:2", 2)]
    {
        let site = Site::with("");
        let urls = [site.url("/0"), site.url("/1")];
        let end = fetch(&urls, &format!("-m {model} --rate 5/s --retries 0")).expect_exit(0);
        let records = end.records().expect_all_ok(2);
        let is_first = |record: &Record| record.attempts == 1 && record.tries.is_empty();
        assert!(records.iter().all(is_first), "{model}: {records:?}");
        // Each process reads it for itself, and never after its last page.
        let robots = site.asked("/robots.txt") as u64;
        assert!((1..=most).contains(&robots), "{model}: {:?}", site.seen());
        // The run begins at 0, with the start that is for robots.txt.
        let starts = records.iter().map(|record| record.timing.started_us);
        let (first, last) = (starts.clone().min(), starts.max());
        assert!(first >= Some(APART_US), "{model}: {first:?}");
        assert!(last >= Some((robots + 1) * APART_US), "{model}: {last:?} after {robots}");
    }
}

#[test]
fn a_delay_longer_than_the_longest_pause_gives_the_host_up() {
    let site = Site::with("User-agent: *\nCrawl-delay: 9e9");
    let end = fetch(&[site.url("/x")], "").expect_exit(4);
    end.expect_stderr_contains("is given up").records().expect_items(0);
    assert_eq!(site.asked("/x"), 0);
}

#[test]
fn a_robots_txt_of_any_length_is_read_as_far_as_it_must_be() {
    let site = Site::start(|path| match path {
        "/robots.txt" => {
            let long = "# nothing\n".repeat(1_000_000);
            ("200 OK".into(), format!("User-agent: *\nDisallow: /private\n{long}Disallow: /late\n"))
        }
        _ => ("200 OK".into(), "ok".into()),
    });
    let end = fetch(&[site.url("/private"), site.url("/late")], "").expect_exit(1);
    assert_eq!(end.records().kinds(), [Some(ErrorKind::Robots), None]);
}
