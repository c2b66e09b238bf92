//! What somebody types who knows other programs, and what is said when it is not meant so.

use crate::harness::{Dir, gaits};
use gaits_origin::{Config, Origin};

#[test]
fn a_url_or_a_list_without_a_command_is_told_how_to_be_fetched() {
    let dir = Dir::new();
    dir.file("urls.txt", "http://127.0.0.1:9/\n");
    for (words, wanted) in [
        ("http://127.0.0.1:9/ http://b/", "gaits fetch http://127.0.0.1:9/"),
        ("urls.txt", "gaits fetch -i urls.txt"),
        ("run http://127.0.0.1:9/", "gaits run http http://127.0.0.1:9/"),
        ("run urls.txt", "gaits run http -i urls.txt"),
        ("compare urls.txt", "gaits compare http -i urls.txt"),
        ("wait 3", "gaits run wait"),
        ("fetch urls.txt", "urls.txt is a file, not a URL; -i urls.txt takes the URLs in it"),
        ("compare http urls.txt", "urls.txt is a file, not a URL"),
    ] {
        let end = gaits(words).dir(dir.path()).run().expect_refused(wanted);
        assert!(end.stderr.starts_with("error: "), "{words}: {end:?}");
        assert!(!end.stderr.contains("a similar"), "{words}: {end:?}");
    }
    // What is no file may be anything.
    gaits("nosuch.txt").run().expect_refused("nosuch.txt").expect_stderr_lacks("tip");
}

#[test]
fn options_of_other_programs_are_told_what_does_the_same() {
    for (words, wanted) in [
        ("fetch -j 4 http://x/", "-c N has N items in flight"),
        ("fetch --jobs=4 http://x/", "-c N has N items in flight"),
        ("run http --threads 4 http://x/", "-c N has N items in flight"),
        ("compare -P 4 http http://x/", "-c N has N items in flight"),
        ("fetch -Z http://x/", "-c N has N items in flight"),
        ("fetch --max-time 3 http://x/", "--timeout TIME"),
        ("fetch -m 10 http://x/", "--timeout 10 gives up after 10 s"),
        ("compare -m 10 wait 0", "-c 10 has 10 items in flight"),
        ("fetch -L http://x/", "redirects are followed"),
        ("fetch -s http://x/", "-q leaves out"),
        ("fetch --retry 3 http://x/", "--retries N"),
        ("fetch -l urls.txt", "-i FILE"),
    ] {
        let end = gaits(words).run().expect_refused(wanted);
        assert!(!end.stderr.contains("a similar"), "{words}: {end:?}");
    }
    // Options of a work that stand before it.
    gaits("run -n 5 wait 0").run().expect_refused("-n stands after the work: wait -n …");
    gaits("compare --n 5 cpu product").run().expect_refused("--n stands after the work: cpu --n …");
    // What is nearly an option of ours.
    gaits("fetch --heder a:b http://x/").run().expect_refused("'--header'");
    gaits("origin --latncy 1s").run().expect_refused("'--latency'");
    // On a server, threads are threads.
    gaits("origin --threads 0").run().expect_refused("--threads");
}

#[test]
fn every_error_looks_the_same_and_bad_arguments_exit_with_2() {
    for words in [
        "nosuch",
        "--nosuch",
        "--color sometimes",
        "fetch",
        "fetch --nosuch",
        "fetch -i nosuch.txt",
        "fetch --burst 5 http://127.0.0.1:9/",
        "fetch http://127.0.0.1:9/ -o /nosuch/folder/file",
        "run wait",
        "run cpu prodcut",
        "run wait 0 --deadline 1s",
        "compare wait soon",
        "compare wait 0 --models nosuch",
        "compare http -i nosuch.txt",
        "report nosuch",
        "origin --port many",
        "origin --script nosuch.json",
        "completions cobol",
        "man nosuch",
        "help nosuch",
    ] {
        let end = gaits(words).run().expect_exit(2).expect_no_stdout();
        assert!(end.stderr.starts_with("error: "), "{words}: {end:?}");
        assert_eq!(end.stderr.matches("error: ").count(), 1, "{words}: {end:?}");
    }
}

#[test]
fn urls_that_are_piped_are_fetched_without_being_asked_for() {
    let origin = Origin::start(Config::default()).unwrap();
    let list = format!("{0}\n{0}\n", origin.url("/uuid"));
    let piped = gaits("fetch").stdin(&list).run().expect_exit(0);
    piped.records().expect_all_ok(2);
    piped.expect_stderr_contains("URLs are read from standard input");
    gaits("fetch -q").stdin(&list).run().expect_exit(0).expect_stderr("");
    for words in ["fetch -", "fetch -i -", "run http -"] {
        let named = gaits(words).stdin(&list).run().expect_exit(0);
        named.records().expect_all_ok(2);
        named.expect_stderr_lacks("standard input");
    }
    let dir = Dir::new();
    let file = std::fs::File::open(dir.file("urls.txt", &list)).unwrap();
    gaits("fetch").stdin_from(file).run().expect_exit(0).records().expect_all_ok(2);
    let race = gaits("compare http - -m async --rounds 1 --json").stdin(&list).run();
    assert_eq!(race.expect_exit(0).json()["items"], 2);
}

#[test]
fn standard_input_goes_with_nothing_else() {
    gaits("fetch - http://127.0.0.1:9/").run().expect_refused("goes with no other URL");
    gaits("fetch -n 5").stdin("http://127.0.0.1:9/\n").run().expect_refused("--count is for URLs");
    // Nobody has put anything there.
    gaits("fetch")
        .run()
        .expect_refused("nothing to fetch: give URLs, a file of them with -i FILE, or -");
    // URLs that are given are all there is.
    let origin = Origin::start(Config::default()).unwrap();
    let given = gaits("fetch").arg(origin.url("/uuid")).stdin("http://127.0.0.1:9/\n").run();
    given.expect_exit(0).records().expect_all_ok(1);
}

#[test]
fn a_race_over_urls_needs_no_word_for_its_work() {
    let origin = Origin::start(Config::default()).unwrap();
    let url = origin.url("/uuid");
    let race = |words: &str| {
        gaits(&format!("compare {words}")).args(["-m", "async,threads", "--rounds", "1", "--json"])
    };
    let one = race(&url).run().expect_exit(0);
    assert_eq!(one.json()["items"], 100, "{one:?}");
    one.expect_stderr_contains("so a round has 100 requests for each model; -n N sets another");
    let two = race(&format!("{url} {url} -n 3")).run().expect_exit(0);
    assert_eq!(two.json()["items"], 3, "{two:?}");
    two.expect_stderr_lacks("no number is given");
    let before = race(&format!("-c 2 --seed 1 {url} -n 4")).run().expect_exit(0);
    assert_eq!(before.json()["items"], 4, "{before:?}");
    let dir = Dir::new();
    dir.file("urls.txt", format!("{url}\n{url}\n"));
    for words in ["-i urls.txt", "--input=urls.txt"] {
        let listed = race(words).dir(dir.path()).run().expect_exit(0);
        assert_eq!(listed.json()["items"], 2, "{listed:?}");
    }
    let piped = race("-").stdin(format!("{url}\n")).run().expect_exit(0);
    assert_eq!(piped.json()["items"], 1, "{piped:?}");
    race(&format!("{url} --nosuch")).run().expect_refused("'--nosuch'");
    race("--nosuch -i urls.txt").run().expect_refused("'--nosuch'");
    race("nonsense").run().expect_refused("nonsense");
}

#[test]
fn n_c_and_m_mean_the_same_at_every_work() {
    let origin = Origin::start(Config::default()).unwrap();
    let url = origin.url("/uuid");
    for work in [format!("http {url}"), "wait 0".to_owned(), "cpu product --n 3".to_owned()] {
        for model in ["-m", "--model", "--models"] {
            let run = gaits(&format!("run {work} -n 3 -c 2 {model} threads")).run().expect_exit(0);
            run.records().expect_all_ok(3);
            run.expect_stderr_contains("threads:2: ");
            let race = format!("compare {work} -n 3 -c 2 {model} threads --rounds 1 --json");
            let race = gaits(&race).run().expect_exit(0).json();
            assert_eq!(
                (&race["items"], &race["models"][0]["name"]),
                (&3.into(), &"threads:2".into())
            );
        }
    }
    gaits(&format!("fetch {url} -n 3")).run().expect_exit(0).records().expect_all_ok(3);
}

#[test]
fn one_is_said_in_the_singular() {
    let origin = Origin::start(Config::default()).unwrap();
    let url = origin.url("/redirect/2");
    let once = gaits(&format!("fetch {url} --max-redirects 1")).run().expect_exit(1);
    once.expect_stderr_contains("redirected more than once");
    let reused = gaits(&format!("fetch {} -n 2 -m sequential", origin.url("/uuid"))).run();
    reused.expect_exit(0).expect_stderr_contains("1 item over a new one, 1 over a kept one\n");
}

#[test]
fn connections_are_told_of_items_and_not_of_tries() {
    let origin = Origin::start(Config::default()).unwrap();
    let end = gaits(&format!("fetch {} --retries 1", origin.url("/status/500")));
    let told = "connections  0 items over new ones, 1 over a kept one, in the last try of each\n";
    end.run().expect_exit(1).expect_stderr_contains(told);
}

#[test]
fn a_number_that_does_not_fit_is_told_what_does() {
    for (words, why) in [
        ("fetch http://h/ --next link --max-pages 0", "`0` is not a whole number from 1 to "),
        ("fetch http://h/ --sample 1 --sample-seed x", "`x` is not a whole number from 0 to "),
        ("compare --max-requests 0", "`0` is not a whole number from 1 to "),
        ("compare --rounds x", "`x` is not a whole number from 1 to 10000"),
        ("compare --warmup 0", "`0` is not a whole number from 1 to 1000"),
        ("compare --seed x", "`x` is not a whole number from 0 to "),
        ("sweep --seed -1", "`-1` is not a whole number from 0 to "),
        ("sweep --max-requests 0", "`0` is not a whole number from 1 to "),
        ("run cpu product --n x", "`x` is not a whole number from 1 to 100"),
        ("origin --capacity 0", "`0` is not a whole number from 1 to "),
        ("origin --threads 0", "`0` is not a whole number from 1 to "),
        ("origin --port 65536", "`65536` is not a whole number from 0 to 65535"),
        ("origin --seed x", "`x` is not a whole number from 0 to "),
        ("origin --rate-limit x", "`x` is not a number of requests such as 100 or 0.5"),
        ("origin --tail x:1s", "`x:1s` is not a share of requests and a time, such as 0.01:2s"),
    ] {
        gaits(words).run().expect_refused(why).expect_stderr_lacks("invalid digit");
    }
}
