//! Tokens that a program says, and that expire.

use crate::harness::{Dir, Gaits, gaits, http, parse_file, spawn};
use gaits_core::ErrorKind;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A server that takes each token a number of times, and refuses it from then on: the tokens of [`command`], in their order.
struct Expiring {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    /// How often each token is taken.
    uses: u64,
    /// The token that is taken now, and how often it was.
    token: u64,
    used: u64,
    refused: u64,
    bodies: Vec<String>,
}

impl Expiring {
    fn after(uses: u64) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = State { uses, token: 1, used: 0, refused: 0, bodies: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let theirs = state.clone();
        spawn("expiring", move || {
            for stream in listener.incoming().flatten() {
                let state = theirs.clone();
                spawn("expiring connection", move || drop(serve(&stream, &state)));
            }
        });
        Self { port, state }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut token, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(given) = line.strip_prefix("authorization: bearer token-") {
                token = given.parse().unwrap();
            } else if let Some(given) = line.strip_prefix("content-length: ") {
                length = given.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        std::io::Read::read_exact(&mut reader, &mut body)?;
        let mut state = state.lock().unwrap();
        if state.used == state.uses && token > state.token {
            (state.token, state.used) = (token, 0);
        }
        let accepted = token == state.token && state.used < state.uses;
        if accepted {
            state.used += 1;
            state.bodies.push(String::from_utf8(body).unwrap());
        } else {
            state.refused += 1;
        }
        drop(state);
        let status = if accepted { "200 OK" } else { "401 Unauthorized" };
        write!(&mut &*stream, "HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok")?;
    }
}

/// Says `token-1`, then `token-2`, and so on, whichever process asks.
const COMMAND: &str = "exec 9>>lock; flock 9; echo run >> runs; echo token-$(wc -l < runs)";

fn fetch(dir: &Dir, words: &str) -> Gaits {
    gaits(&format!("fetch --retries 0 -o results.jsonl {words}"))
        .args(["--token-command", COMMAND])
        .dir(dir.path())
}

fn runs(dir: &Dir) -> usize {
    std::fs::read_to_string(dir.at("runs")).unwrap_or_default().lines().count()
}

#[test]
fn a_token_that_has_expired_is_replaced_and_its_items_are_asked_for_again() {
    for model in ["sequential", "async:8", "threads:3"] {
        let (server, dir) = (Expiring::after(10), Dir::new());
        let words = format!("-n 25 -d x=1 -m {model}");
        let end = fetch(&dir, &words).arg(server.url()).run().expect_exit(0);
        let records = parse_file(&dir.at("results.jsonl")).expect_items(25);
        for record in &records.0 {
            assert_eq!(record.attempts, 1, "{record:?}");
            assert_eq!(http(record).status, Some(200));
        }
        // One before the first request, and one for each token that has expired, however many items met that.
        assert_eq!(runs(&dir), 3, "{model}: {end:?}");
        let state = server.state.lock().unwrap();
        assert_eq!(state.bodies, vec!["x=1"; 25], "{model}");
        assert!(state.refused >= 2, "{model}");
        drop(state);
        let run = std::fs::read_to_string(dir.at("results.jsonl.run")).unwrap();
        assert!(!format!("{end:?}{run}{records:?}").contains("token-1"), "{run}");
    }
}

#[test]
fn worker_processes_ask_for_tokens_of_their_own() {
    let (server, dir) = (Expiring::after(u64::MAX), Dir::new());
    // What the plan brings along is refused, so each asks for another.
    server.state.lock().unwrap().token = 2;
    let end = fetch(&dir, "-n 1 -m processes:1").arg(server.url()).run().expect_exit(0);
    parse_file(&dir.at("results.jsonl")).expect_items(1);
    assert_eq!(runs(&dir), 2, "{end:?}");
}

#[test]
fn a_second_401_is_the_items_failure() {
    let (server, dir) = (Expiring::after(0), Dir::new());
    fetch(&dir, "-n 3 -m sequential").arg(server.url()).run().expect_exit(1);
    let records = parse_file(&dir.at("results.jsonl")).expect_items(3);
    for record in &records.0 {
        assert_eq!(record.attempts, 1, "{record:?}");
        assert_eq!(http(record).status, Some(401), "{record:?}");
    }
    assert_eq!(server.state.lock().unwrap().refused, 6);
}

#[test]
fn an_item_with_credentials_of_its_own_needs_no_token() {
    let (server, dir) = (Expiring::after(0), Dir::new());
    let url = server.url().replace("//", "//me:own@");
    fetch(&dir, "").arg(url).run().expect_exit(1);
    assert_eq!((runs(&dir), server.state.lock().unwrap().refused), (1, 1));
}

#[test]
fn a_command_that_says_no_token_is_refused_before_anything_is_sent() {
    for (command, wanted) in [
        ("echo hunter2; exit 3", "--token-command: the token command failed with exit status 3"),
        ("true", "said nothing"),
        ("echo hunter2; echo hunter2", "said more than one line"),
    ] {
        let fetch = gaits("fetch http://127.0.0.1:9/ --token-command").arg(command);
        fetch.run().expect_refused(wanted).expect_stderr_lacks("hunter2");
    }
}

#[test]
fn a_command_that_fails_in_the_middle_ends_the_run_with_its_items_undone() {
    for model in ["async:2", "processes:2"] {
        let (server, dir) = (Expiring::after(3), Dir::new());
        let command = "[ ! -e said ] && touch said && echo token-1";
        let again =
            || gaits("fetch -n 9 -o results.jsonl -m").arg(model).dir(dir.path()).arg(server.url());
        let end = again().args(["--token-command", command]).run().expect_exit(4);
        let end = end.expect_stderr_contains("401 Unauthorized, and the token command failed");
        end.expect_stderr_contains("to do the rest");
        let done = parse_file(&dir.at("results.jsonl"));
        assert!(done.0.iter().all(|record| record.outcome.is_ok()), "{done:?}");
        server.state.lock().unwrap().uses = u64::MAX;
        again().args(["--bearer", "token-1"]).run().expect_exit(0);
        parse_file(&dir.at("results.jsonl")).expect_items(9);
    }
}

#[test]
fn a_401_of_another_server_is_not_about_the_token() {
    let (server, dir) = (Expiring::after(0), Dir::new());
    let from = gaits_origin::Origin::start(gaits_origin::Config::default()).unwrap();
    let url = from.url(&format!("/redirect-to?url={}", server.url()));
    fetch(&dir, "").arg(url).run().expect_exit(1);
    let records = parse_file(&dir.at("results.jsonl"));
    records.expect_one_failure(ErrorKind::HttpStatus);
    assert_eq!((runs(&dir), server.state.lock().unwrap().refused), (1, 1));
}
