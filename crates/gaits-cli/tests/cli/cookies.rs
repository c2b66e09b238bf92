//! Files of cookies: read before, written back at the end, by sessions of threads and of processes.

use crate::harness::{Dir, Gaits, gaits};
use gaits_core::ErrorKind;
use gaits_origin::{Config, Origin};
use std::os::unix::fs::PermissionsExt as _;

const SEEDED: &str = "127.0.0.1\tFALSE\t/\tFALSE\t0\tseed\thunter2\n";

fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

fn fetch(dir: &Dir, words: &str) -> Gaits {
    gaits(&format!("fetch -q --cookie-file cookies.txt {words}")).dir(dir.path())
}

#[test]
fn cookies_of_a_file_are_sent_and_new_ones_are_written_back() {
    for model in
        ["sequential", "async", "threads:2/async:2", "processes:2", "processes:1/threads:2"]
    {
        let (origin, dir) = (origin(), Dir::new());
        dir.file("cookies.txt", SEEDED);
        let words = format!("-o out --extract sent=/cookies -m {model}");
        let end =
            fetch(&dir, &words).arg(origin.url("/cookies/set?flavour=plum")).run().expect_exit(0);
        let out = std::fs::read_to_string(dir.at("out")).unwrap();
        assert!(
            out.contains("\"flavour\":\"plum\"") && out.contains("\"seed\":\"hunter2\""),
            "{out}"
        );
        let file = std::fs::read_to_string(dir.at("cookies.txt")).unwrap();
        let wanted = "127.0.0.1\tFALSE\t/\tFALSE\t0\tflavour\tplum\n127.0.0.1\tFALSE\t/\tFALSE\t0\tseed\thunter2\n";
        assert!(
            file.starts_with("# Netscape HTTP Cookie File\n") && file.ends_with(wanted),
            "{model}: {file}"
        );
        let mode = std::fs::metadata(dir.at("cookies.txt")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{model}");
        let run = std::fs::read_to_string(dir.at("out.run")).unwrap();
        assert!(!format!("{run}{end:?}").contains("hunter2"), "{run}");
    }
}

#[test]
fn sessions_of_several_processes_write_into_one_file() {
    let (origin, dir) = (origin(), Dir::new());
    let urls = (0..40).map(|i| origin.url(&format!("/cookies/set?n{i}=v{i}")));
    fetch(&dir, "-m processes:4 -o out").args(urls).run().expect_exit(0);
    let file = std::fs::read_to_string(dir.at("cookies.txt")).unwrap();
    for i in 0..40 {
        assert!(file.contains(&format!("\tn{i}\tv{i}\n")), "{i}: {file}");
    }
    assert!(!dir.at("cookies.txt.new").exists());
}

#[test]
fn an_items_own_session_writes_nothing() {
    let (origin, dir) = (origin(), Dir::new());
    fetch(&dir, "--session none").arg(origin.url("/cookies/set?a=b")).run().expect_exit(0);
    assert!(!dir.at("cookies.txt").exists());
}

#[test]
fn a_malformed_file_is_refused_with_its_line() {
    let dir = Dir::new();
    dir.file("cookies.txt", format!("{SEEDED}hunter2\n"));
    let end = fetch(&dir, "http://127.0.0.1:9/").run();
    end.expect_refused("cookies.txt:2: no cookie: ").expect_stderr_lacks("hunter2");
    let end = gaits("fetch http://127.0.0.1:9/ --cookie-file /").run();
    end.expect_refused("can't read --cookie-file /");
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let (origin, dir) = (origin(), Dir::new());
    let fetch = |file: &str| {
        let fetch = gaits(&format!("fetch --cookie-file {file}")).dir(dir.path());
        fetch.arg(origin.url("/cookies/set?a=b")).run()
    };
    fetch("no/such/file").expect_refused("is in no folder that is there");
    std::fs::create_dir(dir.at("c.txt.new")).unwrap();
    let end = fetch("c.txt").expect_exit(0);
    end.expect_stderr_contains("the cookies can't be written to c.txt: ");
}

#[test]
fn a_loop_of_redirects_that_sets_cookies_names_the_option() {
    let origin = origin();
    let hint = "; cookies were set on the way, which --cookies sends back";
    let message = |path: &str, words: &str| {
        let command = format!("fetch -q --max-redirects 1 {words} {}", origin.url(path));
        gaits(&command).run().expect_exit(1).records().expect_one_failure(ErrorKind::Redirect)
    };
    let to = "/redirect-to?url=/cookies/set%3Fa%3Db";
    assert_eq!(message(to, ""), format!("redirected more than once{hint}"));
    assert_eq!(message(to, "--cookies"), "redirected more than once");
    assert_eq!(message("/redirect/3", ""), "redirected more than once");
}
