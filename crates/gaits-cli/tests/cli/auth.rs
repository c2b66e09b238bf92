//! Who asks: names, passwords, tokens and keys, from wherever they are taken; where they go, and where they never stand.

use crate::harness::{Dir, Finished, Gaits, children_of, gaits};
use crate::held::Held;
use gaits_origin::{Config, Origin};
use serde_json::{Value, json};
use std::path::Path;

const SECRET: &str = "hunter2";

fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

/// What the origin's echo says it was sent.
#[track_caller]
fn echo(end: &Finished) -> Value {
    let record: Value = serde_json::from_str(end.stdout.trim()).unwrap();
    assert_eq!(record["outcome"], "ok", "{record}");
    record["http"]["body"].clone()
}

fn fetch(dir: &Dir) -> Gaits {
    gaits("fetch -q --body json").dir(dir.path()).env("OUR_SECRET", SECRET)
}

#[test]
fn a_name_and_a_password_a_token_and_a_key_reach_the_server_from_wherever_they_stand() {
    let (origin, dir) = (origin(), Dir::new());
    dir.file("secret", format!("{SECRET}\n"));
    dir.file("pair", format!("me:{SECRET}\r\n"));
    let (basic, bearer) = ("Basic bWU6aHVudGVyMg==", "Bearer hunter2");
    for (args, name, wanted) in [
        (&["-u", "me:hunter2"][..], "Authorization", basic),
        (&["-u", "me:env:OUR_SECRET"], "Authorization", basic),
        (&["-u", "me:@secret"], "Authorization", basic),
        (&["-u", "@pair"], "Authorization", basic),
        (&["-u", "me:literal:@x"], "Authorization", "Basic bWU6QHg="),
        (&["--bearer", "hunter2"], "Authorization", bearer),
        (&["--bearer", "env:OUR_SECRET"], "Authorization", bearer),
        (&["--bearer=@secret"], "Authorization", bearer),
        (&["-H", "Authorization: Token env:OUR_SECRET"], "Authorization", "Token hunter2"),
        (&["-H", "X-Own: @secret"], "X-Own", SECRET),
        (&["-H", "X-Own: literal:@secret"], "X-Own", "@secret"),
        (&["--api-key", "X-Own: env:OUR_SECRET"], "X-Own", SECRET),
    ] {
        let end = fetch(&dir).args(args).arg(origin.url("/anything")).run().expect_exit(0);
        assert_eq!(echo(&end)["headers"][name], wanted, "{args:?}");
    }
    let piped = fetch(&dir).args(["--bearer", "@-"]).arg(origin.url("/anything")).stdin(SECRET);
    assert_eq!(echo(&piped.run().expect_exit(0))["headers"]["Authorization"], bearer);
    let url = origin.url("/anything?a=b");
    let end = fetch(&dir).args(["--api-key", "key=env:OUR_SECRET"]).arg(&url).run().expect_exit(0);
    assert_eq!(echo(&end)["args"], json!({"a": "b", "key": SECRET}));
    assert!(end.stdout.contains(&format!("\"url\":\"{url}\"")), "{end:?}");
}

#[test]
fn what_cannot_be_taken_is_refused_before_anything_is_sent() {
    let dir = Dir::new();
    dir.file("lines", format!("{SECRET}\n{SECRET}\n"));
    dir.file("netrc", "machine a.test\nlogin me pasword hunter2\n");
    for (args, wanted) in [
        (&["-u", "hunter2"][..], "--user has no colon"),
        (&["-u", "me:env:NO_SUCH_THING"], "no variable \"NO_SUCH_THING\""),
        (&["--bearer", "@lines"], "--bearer: lines holds more than one line"),
        (&["--bearer", "@missing"], "can't read missing; write literal:"),
        (&["--bearer", ""], "--bearer is empty"),
        (&["-H", "X-Own: @missing"], "can't take the secret of -H X-Own"),
        (&["-H", "Authorization: x", "--bearer", "hunter2"], "authorization is given as a header"),
        (&["-u", "a:hunter2", "--bearer", "hunter2"], "cannot be used with"),
        (&["--api-key", "hunter2"], "--api-key has no name: write"),
        (&["--api-key", "env:hunter2"], "but not what it is called"),
        (&["--netrc-file", "netrc"], "netrc:2: no netrc: there is a word"),
        (&["--netrc-file", "missing"], "can't read the netrc missing"),
    ] {
        let end = gaits("fetch http://127.0.0.1:9/").args(args).dir(dir.path()).run();
        let end = end.expect_refused(wanted);
        let shows = args.contains(&"env:hunter2");
        assert!(shows || !end.stderr.contains(SECRET), "{end:?}");
    }
}

#[test]
fn a_netrc_has_a_name_and_a_password_for_each_host() {
    let (origin, dir) = (origin(), Dir::new());
    dir.file("mine", "machine 127.0.0.1 login me password hunter2\n");
    let asked = |args: &[&str], url: String| {
        let end = fetch(&dir).args(args).env("NETRC", "mine").arg(url).run().expect_exit(0);
        echo(&end)["headers"]["Authorization"].clone()
    };
    let url = || origin.url("/anything");
    assert_eq!(asked(&["--netrc"], url()), "Basic bWU6aHVudGVyMg==");
    assert_eq!(asked(&["--netrc-file", "mine"], url()), "Basic bWU6aHVudGVyMg==");
    assert_eq!(asked(&["--netrc"], url().replace("127.0.0.1", "localhost")), Value::Null);
    assert_eq!(asked(&["--netrc"], url().replace("//", "//u:p@")), "Basic dTpw");
    assert_eq!(asked(&["--netrc", "-H", "Authorization: own"], url()), "own");
}

#[test]
fn another_server_that_a_redirect_leads_to_gets_no_secret() {
    let (from, other, dir) = (origin(), origin(), Dir::new());
    dir.file("netrc", "default login me password hunter2\n");
    for args in [
        &["-u", "me:hunter2"][..],
        &["--bearer", "hunter2"],
        &["--api-key", "X-Own: hunter2"],
        &["--api-key", "key=hunter2"],
        &["-H", "X-Own: @secret"],
        &["--netrc-file", "netrc"],
    ] {
        dir.file("secret", SECRET);
        // The second repeats what was asked for, as servers do that add a slash.
        for path in ["/anything", "/anything?key=hunter2"] {
            let query = |url: String| url.replace('?', "%3F").replace('=', "%3D");
            let to = from.url(&format!("/redirect-to?url={}", query(other.url(path))));
            let end = fetch(&dir).args(args).arg(&to).run().expect_exit(0);
            let sent = echo(&end)["headers"].to_string() + &echo(&end)["args"].to_string();
            let repeated = path.contains(SECRET) && !args.contains(&"key=hunter2");
            assert!(repeated || !sent.contains(SECRET), "{args:?}: {sent}");
            assert!(!sent.contains("Authorization"), "{args:?}: {sent}");
        }
        // The same server gets it.
        let to = from.url("/redirect-to?url=/anything");
        let end = fetch(&dir).args(args).arg(&to).run().expect_exit(0);
        let sent = echo(&end).to_string();
        assert!(sent.contains(SECRET) || sent.contains("bWU6aHVudGVyMg=="), "{args:?}: {sent}");
    }
}

/// All files in a folder and in those below it.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let read = |path: std::path::PathBuf| {
        if path.is_dir() {
            return files(&path);
        }
        vec![(path.display().to_string(), std::fs::read(&path).unwrap())]
    };
    entries.flat_map(read).collect()
}

#[track_caller]
fn expect_no_secret(what: &str, bytes: &[u8]) {
    for secret in [SECRET, "bWU6aHVudGVyMg"] {
        let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "{what} holds the secret: {}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn no_secret_stands_in_anything_that_is_written_or_said() {
    let origin = origin();
    // One goes well, one repeats the key, one fails, and one fails without an answer.
    let urls = [
        origin.url("/anything"),
        origin.url("/redirect-to?url=/get"),
        origin.url("/status/403"),
        "http://127.0.0.1:9/".to_owned(),
    ];
    for (args, model) in [
        (&["-u", "me:hunter2"][..], "async:2"),
        (&["-u", "me:hunter2"], "processes:2"),
        (&["--bearer", "hunter2", "--api-key", "X-Own: hunter2"], "async:2"),
        (&["--bearer", "hunter2", "--api-key", "key=hunter2"], "processes:2"),
        (&["--bearer", "env:OUR_SECRET", "-H", "X-Own: env:OUR_SECRET"], "threads:2"),
    ] {
        let dir = Dir::new();
        let command = |words: &str| {
            let gaits = gaits(words).dir(dir.path()).env("OUR_SECRET", SECRET);
            gaits.args(args).args(["-m", model])
        };
        let fetch = || command("fetch --retries 0 -o results.jsonl").args(&urls);
        let end = fetch().run().expect_exit(1);
        expect_no_secret(
            "the run's talk",
            format!("{end:?}").replace(&args.join(" "), "").as_bytes(),
        );
        fetch().run().expect_stderr_contains("nothing to do");
        gaits("report results.jsonl --html run.html").dir(dir.path()).run().expect_exit(0);
        let race = "compare -n 2 --rounds 1 --save race --html race.html --json";
        let race = command(race).arg(&urls[0]).run().expect_exit(0);
        expect_no_secret("the race", race.stdout.as_bytes());
        expect_no_secret("the race's talk", race.stderr.as_bytes());
        let written = files(dir.path());
        assert!(written.len() >= 5, "{written:?}");
        for (name, bytes) in written {
            expect_no_secret(&name, &bytes);
        }
        let run = std::fs::read_to_string(dir.at("results.jsonl.run")).unwrap();
        assert!(run.contains("\"auth\""), "that there is one may be told: {run}");
    }
}

#[test]
fn another_secret_is_no_other_plan() {
    let (origin, dir) = (origin(), Dir::new());
    let run = |token: &str| {
        let fetch = gaits("fetch -o results.jsonl --bearer").arg(token);
        fetch.arg(origin.url("/uuid")).dir(dir.path()).run().expect_exit(0)
    };
    run("one");
    run("another").expect_stderr_contains("nothing to do");
}

#[test]
fn worker_processes_are_told_secrets_where_nobody_else_can_read_them() {
    let (server, dir) = (Held::after(0), Dir::new());
    dir.file("secret", SECRET);
    let running = gaits("fetch -q -n 2 -m processes:2 --bearer @secret")
        .arg(server.url())
        .dir(dir.path())
        .start();
    server.wait_until_held(2);
    let workers = children_of(running.pid());
    assert!(workers.len() >= 2, "{workers:?}");
    for pid in workers.into_iter().chain([running.pid()]) {
        for file in ["cmdline", "environ"] {
            let shown = std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
            expect_no_secret(file, &shown);
        }
    }
    server.release();
    running.finish().expect_exit(0);
}
