//! Items that come from sitemaps.

use crate::harness::{Dir, gaits, parse_file};
use base64::Engine as _;
use gaits_origin::{Config, Origin, Script};
use serde_json::{Value, json};
use std::io::Write as _;

/// A scripted answer with this body.
fn answer(body: &[u8]) -> Vec<Value> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let body = base64::engine::general_purpose::STANDARD.encode(body);
    vec![json!({"send": head}), json!({"base64": body})]
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

/// A sitemap of these pages.
fn urlset(urls: &[&str]) -> String {
    let urls = urls.iter().map(|url| format!("<url><loc>{url}</loc></url>"));
    format!("<urlset>{}</urlset>", urls.collect::<String>())
}

/// An index of these sitemaps.
fn index(sitemaps: &[&str]) -> String {
    let entries = sitemaps.iter().map(|url| format!("<sitemap><loc>{url}</loc></sitemap>"));
    format!("<sitemapindex>{}</sitemapindex>", entries.collect::<String>())
}

fn origin(script: &Value) -> Origin {
    let script = Some(Script::parse(&script.to_string()).unwrap());
    Origin::start(Config { script, ..Config::default() }).unwrap()
}

#[test]
fn the_sitemaps_that_an_index_leads_to_give_the_items_in_order() {
    let pages = Origin::start(Config::default()).unwrap();
    let origin = origin(&json!({
        "/index.xml": answer(index(&["/a.xml.gz", "/more.xml", "/index.xml"]).as_bytes()),
        "/a.xml.gz": answer(&gzip(&urlset(&["/get?n=0", "/get?n=1&amp;m=2"]))),
        "/more.xml": answer(index(&["/b.txt"]).as_bytes()),
        "/b.txt": answer(format!("\n{}\n", pages.url("/get?n=2")).as_bytes()),
    }));
    let dir = Dir::new();
    let results = dir.at("results.jsonl");
    let fetch = || {
        let run = gaits("fetch -o").arg(&results).arg("--sitemap").arg(origin.url("/index.xml"));
        run.run().expect_exit(0)
    };
    fetch().expect_stderr_contains("4 sitemaps have 3 URLs; 1 was named twice and read once");
    let records = parse_file(&results).expect_all_ok(3);
    let [a, b] = ["/get?n=0", "/get?n=1&m=2"].map(|path| origin.url(path));
    let wanted = [a, b, pages.url("/get?n=2")];
    let items = records.iter().map(|record| record.item.to_string());
    assert_eq!(items.collect::<Vec<_>>(), wanted);
    fetch().expect_stderr_contains("nothing to do: 3 items");
}

#[test]
fn a_file_may_lead_to_sitemaps_and_the_rest_of_a_list_applies() {
    let origin = origin(&json!({
        "/a.xml": answer(urlset(&["/get?n=0", "/get?n=1", "/get?n=0"]).as_bytes()),
    }));
    let dir = Dir::new();
    let file = dir.file("sitemap.xml", index(&[&origin.url("/a.xml")]));
    let run =
        |words: &str| gaits("fetch --sitemap").arg(&file).args(words.split_whitespace()).run();
    run("--dedupe").expect_exit(0).records().expect_all_ok(2);
    run("--limit 1").expect_exit(0).records().expect_all_ok(1);
    let shown = run("--dry-run").expect_exit(0);
    assert_eq!(shown.stdout.matches("/get?n=0").count(), 2, "{shown:?}");
    let shares = ["1/2", "2/2"].map(|share| run(&format!("--shard {share}")).records().len());
    assert_eq!(shares.iter().sum::<usize>(), 3);
}

/// A dry run sends nothing else, so it needs a token for nothing else.
#[test]
fn a_dry_run_fetches_sitemaps_and_asks_for_a_token_only_then() {
    let origin = origin(&json!({"/a.xml": answer(urlset(&["/get"]).as_bytes())}));
    let dir = Dir::new();
    let file = dir.file("a.xml", urlset(&[&origin.url("/get")])).display().to_string();
    for (sitemap, requests, asks) in [(file, 0, false), (origin.url("/a.xml"), 1, true)] {
        let run = gaits("fetch --dry-run --sitemap").arg(sitemap).dir(dir.path());
        let end = run.args(["--token-command", "touch ran; echo s3cret"]).run().expect_exit(0);
        assert!(end.stdout.contains("authorization: ***"), "{end:?}");
        assert_eq!((origin.requests(), dir.at("ran").exists()), (requests, asks), "{end:?}");
    }
}

#[test]
fn a_sitemap_that_is_not_whole_ends_the_run_before_it_has_begun() {
    let origin = origin(&json!({
        "/index.xml": answer(index(&["/a.xml", "/gone.xml"]).as_bytes()),
        "/a.xml": answer(urlset(&["/get"]).as_bytes()),
        "/gone.xml": [{"send": "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}],
        "/soft.xml": answer(b"Not found"),
        "/page.xml": answer(b"<html><body>hello</body></html>"),
        "/bomb.xml": answer(b"<!DOCTYPE x [<!ENTITY a \"aaaa\">]><urlset><url><loc>&a;</loc></url></urlset>"),
        "/cut.xml": answer(b"<urlset><url><loc>http://h/"),
        "/torn.xml": answer(b"<urlset>\n<url><loc>http://h/</lock></url>\n</urlset>"),
        "/relative.xml": answer(b"<urlset>\n<url>\n<loc>page</loc></url></urlset>"),
        "/empty.xml": answer(b"<urlset/>"),
    }));
    let dir = Dir::new();
    let results = dir.at("results.jsonl");
    for (path, why) in [
        ("/index.xml", "/gone.xml: 404 Not Found"),
        ("/soft.xml", "neither XML nor a list of URLs"),
        ("/page.xml", "its first element is <html>"),
        ("/bomb.xml", "it has the entity &a;"),
        ("/cut.xml", "it ends in the middle"),
        ("/torn.xml", "/torn.xml:2: it is not well-formed: "),
        ("/relative.xml", "/relative.xml:3: \"page\" is no URL of the web: "),
        ("/empty.xml", "no URLs in "),
    ] {
        let run = gaits("fetch --retries 0 -o").arg(&results).arg("--sitemap");
        run.arg(origin.url(path)).run().expect_exit(2).expect_stderr_contains(why);
        assert!(!results.exists(), "nothing was begun");
    }
    gaits("fetch --sitemap /nowhere/sitemap.xml").run().expect_refused("/nowhere/sitemap.xml");
    gaits("fetch --sitemap x -n 3").run().expect_exit(2);
}

#[test]
fn a_sitemap_that_changed_is_noticed_as_a_changed_list_is() {
    let dir = Dir::new();
    let server = Origin::start(Config::default()).unwrap();
    let (file, results) = (dir.at("sitemap.xml"), dir.at("results.jsonl"));
    let fetch = |urls: &[&str]| {
        let urls: Vec<String> = urls.iter().map(|path| server.url(path)).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        std::fs::write(&file, urlset(&urls)).unwrap();
        gaits("fetch --sitemap").arg(&file).arg("-o").arg(&results).run()
    };
    fetch(&["/get?n=0", "/get?n=1"]).expect_exit(0);
    fetch(&["/get?n=0", "/get?n=1", "/get?n=2"]).expect_exit(0);
    parse_file(&results).expect_all_ok(3);
    fetch(&["/get?n=9", "/get?n=1", "/get?n=2"]).expect_exit(2).expect_stderr_contains("n=9");
}

#[test]
fn sitemaps_are_asked_for_as_items_are_and_their_credentials_stay_hidden() {
    let refused = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let origin = origin(&json!({"/no.xml": [{"send": refused}]}));
    let dir = Dir::new();
    let results = dir.at("results.jsonl");
    let secret = origin.url("/no.xml").replace("http://", "http://user:s3cret@");
    let run = gaits("fetch -o").arg(&results).arg("--sitemap").arg(&secret).run().expect_exit(2);
    run.expect_stderr_contains("401").expect_stderr_lacks("s3cret");
    let file = dir.file("urls.xml", urlset(&[&origin.url("/get")]));
    let run = gaits("fetch -o").arg(&results).arg("--sitemap").arg(&file);
    run.run().expect_exit(0);
    let note = std::fs::read_to_string(dir.at("results.jsonl.run")).unwrap();
    assert!(note.contains("urls.xml"), "it is known by its name: {note}");
}

#[test]
fn sitemaps_that_lead_on_and_on_are_followed_so_far_and_no_further() {
    let mut script: serde_json::Map<String, Value> = (1..=10)
        .map(|level| {
            let next = index(&[&format!("/{}.xml", level + 1)]);
            (format!("/{level}.xml"), answer(next.as_bytes()).into())
        })
        .collect();
    script.insert("/11.xml".into(), answer(urlset(&["/get"]).as_bytes()).into());
    let origin = origin(&script.into());
    let fetch = |path: &str| gaits("fetch --sitemap").arg(origin.url(path)).run();
    fetch("/2.xml").expect_exit(0).records().expect_all_ok(1);
    fetch("/1.xml").expect_exit(2).expect_stderr_contains("lead to others for more than 10 levels");
}

#[test]
fn an_index_of_more_sitemaps_than_any_site_has_is_refused_before_one_is_fetched() {
    let origin = Origin::start(Config::default()).unwrap();
    let urls: Vec<_> = (0..=50_000).map(|number| origin.url(&format!("/{number}.xml"))).collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let dir = Dir::new();
    let file = dir.file("sitemap.xml", index(&urls));
    let refused = gaits("fetch --sitemap").arg(file).run().expect_exit(2);
    refused.expect_stderr_contains("there are more than 50000 sitemaps");
    assert_eq!(origin.requests(), 0);
}

#[test]
fn names_of_sitemaps_are_not_held_without_bound() {
    let long = format!("http://127.0.0.1:9/{}", "x".repeat(60_000));
    let urls: Vec<_> = (0..300).map(|number| format!("{long}{number}")).collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let dir = Dir::new();
    let file = dir.file("sitemap.xml", index(&urls));
    let refused = gaits("fetch --sitemap").arg(file).run().expect_exit(2);
    refused.expect_stderr_contains("that are named have more than 16 MiB");
}

#[test]
fn sitemaps_beyond_those_that_are_fetched_at_once_come_in_their_order() {
    let names: Vec<_> = (0..300).map(|number| format!("/{number}.xml")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let page = |name: &&str| ((*name).to_owned(), answer(urlset(&[name]).as_bytes()).into());
    let mut script: serde_json::Map<String, Value> = names.iter().map(page).collect();
    script.insert("/index.xml".into(), answer(index(&names).as_bytes()).into());
    let origin = origin(&script.into());
    let end = gaits("fetch --dry-run --sitemap").arg(origin.url("/index.xml")).run();
    let shown = end.expect_exit(0).stdout;
    let paths = shown.lines().filter_map(|line| line.strip_prefix("GET ")?.split(' ').next());
    let wanted: Vec<_> = names.iter().map(|name| origin.url(name)).collect();
    assert_eq!(paths.collect::<Vec<_>>(), wanted, "{shown}");
}

#[test]
fn a_sitemap_takes_no_secret_to_another_host() {
    let other = Origin::start(Config::default()).unwrap();
    let origin = origin(&json!({
        "/pages.xml": answer(urlset(&["/get", &other.url("/get")]).as_bytes()),
        "/index.xml": answer(index(&[&other.url("/more.xml")]).as_bytes()),
    }));
    for path in ["/pages.xml", "/index.xml"] {
        let fetch = gaits("fetch --bearer literal:s3cret --sitemap").arg(origin.url(path));
        fetch.run().expect_exit(2).expect_stderr_contains("it names a URL on another host");
    }
    assert_eq!(other.requests(), 0);
    gaits("fetch --sitemap").arg(origin.url("/pages.xml")).run().expect_exit(0);
    assert_eq!(other.requests(), 1, "what has no secret goes anywhere");
}
