//! Listings: pages that lead to one another, and their elements.

use crate::harness::{Dir, Records, eventually, gaits, parse_file};
use gaits_core::{ErrorKind, Record, root_and_steps};
use gaits_origin::{Config, Origin, Script, Step};
use gaits_work::http::HttpDetail;
use nix::sys::signal::Signal;
use std::collections::BTreeSet;

fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

/// The ids of all elements that were taken, in the order of the pages of each listing.
fn ids(records: &[Record]) -> Vec<i64> {
    let mut records: Vec<_> = records.iter().collect();
    records.sort_by_key(|record| root_and_steps(record.index));
    let lines = records.into_iter().map(|record| serde_json::to_value(record).unwrap());
    lines
        .flat_map(|line| line["extract"]["each"].as_array().cloned().unwrap_or_default())
        .map(|row| row["id"].as_i64().unwrap())
        .collect()
}

/// There are so many, and all went well.
#[track_caller]
fn expect_ok(records: Records, pages: usize) -> Records {
    let failed = records.iter().find(|record| !record.outcome.is_ok());
    assert!(failed.is_none() && records.len() == pages, "{failed:?}: {records:?}");
    records
}

#[track_caller]
fn expect_whole(records: Records, pages: usize) {
    let records = expect_ok(records, pages);
    assert_eq!(ids(&records), (1..=95).collect::<Vec<_>>());
    let indices: BTreeSet<_> = records.iter().map(|record| root_and_steps(record.index)).collect();
    assert_eq!(indices, (0..pages as u64).map(|steps| (0, steps)).collect());
}

#[test]
fn each_way_to_name_the_next_page_leads_to_the_last_one() {
    let origin = origin();
    for (next, pages) in [
        ("link", 10),
        ("/links/next", 10),
        ("cursor={/meta/next}", 10),
        // These learn from an empty page that there are no more.
        ("page={n}", 11),
        ("offset={n+10}", 11),
    ] {
        for model in ["sequential", "async:3", "processes:2/async:2"] {
            let url = origin.url("/list");
            let run =
                gaits("fetch --each /results --extract id=/id -m").args([model, "--next", next]);
            expect_whole(run.arg(url).run().expect_exit(0).records(), pages);
        }
    }
}

#[test]
fn many_listings_are_followed_at_once_and_keep_what_their_first_page_asked_with() {
    let origin = origin();
    let lines = (0..40).map(|n| {
        format!(
            "{{\"url\":\"{}\",\"query\":{{\"size\":20}},\"headers\":{{\"X-N\":\"{n}\"}},\"id\":{n}}}\n",
            origin.url("/list")
        )
    });
    let end = gaits("fetch -i - -m async:8 --next link --each /results --extract id=/id")
        .stdin(lines.collect::<String>())
        .run()
        .expect_exit(0);
    let records = expect_ok(end.records(), 40 * 5);
    for record in records.iter() {
        let line = serde_json::to_value(record).unwrap();
        let (root, _) = root_and_steps(record.index);
        let item: serde_json::Value = serde_json::from_str(line["item"].as_str().unwrap()).unwrap();
        assert_eq!(item["id"], root, "{line}");
        assert_eq!(item["headers"]["X-N"], "***", "{line}");
    }
    assert_eq!(ids(&records).len(), 40 * 95);
}

#[test]
fn a_listing_is_cut_where_it_is_told_and_the_same_command_goes_on() {
    let origin = origin();
    let dir = Dir::new();
    let results = dir.at("results.jsonl");
    let fetch = |max: &str| {
        gaits("fetch --next link --each /results --extract id=/id --max-pages")
            .args([max, "-o"])
            .arg(&results)
            .arg(origin.url("/list"))
    };
    let end = fetch("3").run().expect_exit(0);
    end.expect_stderr_contains(
        "1 listing goes on beyond the 3 pages that are followed; the same command with a larger --max-pages",
    );
    assert_eq!(parse_file(&results).len(), 3);
    let again = fetch("3").run().expect_exit(0);
    again.expect_stderr_contains("nothing to do: 3 items finished");
    fetch("100").run().expect_exit(0);
    let records = parse_file(&results);
    assert_eq!(records.len(), 10, "each page has one record");
    assert_eq!(ids(&records), (1..=95).collect::<Vec<_>>());
    fetch("100").run().expect_exit(0).expect_stderr_contains("nothing to do: 10 items");
}

#[test]
fn what_ends_a_run_before_it_begins_does_not_wait_for_open_listings() {
    let (origin, dir) = (origin(), Dir::new());
    let results = dir.at("results.jsonl");
    let [a, b, c] = ["a", "b", "c"].map(|n| origin.url(&format!("/list?n={n}")));
    let fetch = |words: &str, urls: &[&str]| {
        let list = dir.file("urls.txt", urls.join("\n"));
        let run = gaits("fetch --next link").args(words.split_whitespace()).arg("-i").arg(list);
        run.arg("-o").arg(&results).run()
    };
    fetch("--max-pages 2", &[&a, &b, &c]).expect_exit(0);
    fetch("--limit 2", &[&a, &b, &c]).expect_refused("no lower --limit than before, or --fresh");
    let before = (origin.requests(), std::fs::read(&results).unwrap());
    let gone = "has no item 2 any more";
    for (words, urls, wanted) in [
        ("", &[&*a, &b][..], gone),
        ("--limit 2", &[&a, &b, &c], gone),
        ("", &[&c, &b, &a], "at item 0 now"),
        ("", &[&a, &c, &b], "at item 1 now"),
    ] {
        fetch(words, urls).expect_refused(wanted).expect_stderr_contains("or --fresh");
    }
    // The run can't be noted.
    std::fs::create_dir(dir.at("results.jsonl.run.tmp")).unwrap();
    fetch("", &[&a, &b, &c]).expect_exit(3).expect_stderr_contains("can't write to ");
    assert!(before == (origin.requests(), std::fs::read(&results).unwrap()));
    std::fs::remove_dir(dir.at("results.jsonl.run.tmp")).unwrap();
    fetch("", &[&a, &b, &c]).expect_exit(0);
    expect_ok(parse_file(&results), 30);
}

#[test]
fn a_listing_without_end_stops_at_the_default_and_says_so_by_the_exit_code() {
    let origin = origin();
    let url = origin.url("/list?size=1&total=4000000");
    let dir = Dir::new();
    let run = gaits("fetch --next link -m async:4 -o").arg(dir.at("r")).arg(url);
    run.run().expect_exit(4).expect_stderr_contains("1 listing goes on beyond the 10000 pages");
}

#[test]
fn a_page_that_failed_is_done_again_and_the_listing_goes_on_from_there() {
    let page = |n: u32, next: &str| {
        let body = format!("{{\"results\":[{{\"id\":{n}}}],\"next\":{next}}}");
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let script = serde_json::json!({
        "/1": [{"send": page(1, "\"2\"")}],
        "/2": {"replies": [
            [{"send": "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}],
            [{"send": page(2, "\"/3\"")}],
        ]},
        "/3": [{"send": page(3, "null")}],
    });
    let script = Some(Script::parse(&script.to_string()).unwrap());
    let origin = Origin::start(Config { script, ..Config::default() }).unwrap();
    let dir = Dir::new();
    let results = dir.at("results.jsonl");
    let fetch = |more: &str| {
        let run = gaits("fetch --next /next --each /results").args(more.split_whitespace());
        run.arg("-o").arg(&results).arg(origin.url("/1"))
    };
    fetch("").run().expect_exit(1);
    assert_eq!(parse_file(&results).len(), 2);
    fetch("").run().expect_exit(1).expect_stderr_contains("1 failed; --retry-failed");
    let short = fetch("--retry-failed --max-pages 1").run().expect_exit(1);
    short.expect_stderr_contains("1 failed and was not asked for now");
    fetch("--retry-failed").run().expect_exit(0);
    let records = parse_file(&results);
    assert_eq!(ids(&records), [1, 2, 3]);
}

#[test]
fn a_circle_is_noticed_at_once_and_also_after_a_stop() {
    let page = |next: &str| {
        let body = format!("{{\"next\":\"{next}\"}}");
        vec![serde_json::json!({
            "send": format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        })]
    };
    let script = serde_json::json!({"/a": page("/b"), "/b": page("/c"), "/c": page("/a")});
    let script = Some(Script::parse(&script.to_string()).unwrap());
    let origin = Origin::start(Config { script, ..Config::default() }).unwrap();
    let end = gaits("fetch --next /next").arg(origin.url("/a")).run().expect_exit(0);
    expect_ok(end.records(), 3);
    end.expect_stderr_contains("/c named a page that was fetched before");
    let dir = Dir::new();
    let results = dir.at("results.jsonl");
    for max in ["2", "50"] {
        let run = gaits("fetch --next /next -o").arg(&results).args(["--max-pages", max]);
        run.arg(origin.url("/a")).run().expect_exit(0);
    }
    assert_eq!(parse_file(&results).len(), 3);
}

#[test]
fn a_server_that_does_not_count_is_not_counted_for() {
    let server = origin();
    let end = gaits("fetch --next page={n}").arg(server.url("/json")).run().expect_exit(4);
    expect_ok(end.records(), 3);
    let told = "got the same answer as the two pages before it";
    end.expect_stderr_contains(told);
    // Nor by the runs that go on, however the first one ended.
    for pages in [1, 2, 3] {
        let (origin, dir) = (origin(), Dir::new());
        let results = dir.at("results.jsonl");
        let fetch = |pages: u64| {
            let run = gaits("fetch --next page={n} --max-pages").arg(pages.to_string());
            run.arg("-o").arg(&results).arg(origin.url("/json")).run()
        };
        fetch(pages);
        for _ in 0..2 {
            fetch(10).expect_exit(4).expect_stderr_contains(told);
            assert_eq!(origin.requests(), 3, "{pages}");
        }
        expect_ok(parse_file(&results), 3);
    }
}

#[test]
fn two_pages_that_are_alike_end_no_listing() {
    let page = |body: &str| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        vec![serde_json::json!({"send": format!("{head}{body}")})]
    };
    let (up, down) = (page("[\"up\"]"), page("[\"down\"]"));
    let replies = [&up, &up, &down, &down, &up, &page("[]")];
    let script = serde_json::json!({"/p": {"replies": replies}});
    let script = Some(Script::parse(&script.to_string()).unwrap());
    let origin = Origin::start(Config { script, ..Config::default() }).unwrap();
    let end = gaits("fetch --next page={n}").arg(origin.url("/p")).run().expect_exit(0);
    expect_ok(end.records(), 6);
}

#[test]
fn records_that_were_taken_out_are_done_again_and_no_others() {
    let origin = origin();
    let dir = Dir::new();
    let results = dir.at("results.jsonl");
    let fetch = |max: &str| {
        let run = gaits("fetch --next link --each /results --extract id=/id --max-pages");
        run.arg(max).arg("-o").arg(&results).arg(origin.url("/list")).run()
    };
    for (max, gone) in [("100", 0_u64), ("100", 3), ("100", 9), ("6", 0), ("6", 2)] {
        let _ = std::fs::remove_file(&results);
        fetch(max).expect_exit(0);
        let text = std::fs::read_to_string(&results).unwrap();
        let gone = format!("{{\"index\":{},", gone << 32_u64);
        let kept: String =
            text.split_inclusive('\n').filter(|line| !line.starts_with(&gone)).collect();
        assert!(kept.len() < text.len());
        std::fs::write(&results, kept).unwrap();
        let before = origin.requests();
        fetch("100").expect_exit(0);
        let records = expect_ok(parse_file(&results), 10);
        assert_eq!(ids(&records), (1..=95).collect::<Vec<_>>());
        let left = if max == "6" { 4 } else { 0 };
        assert_eq!(origin.requests() - before, 1 + left, "{gone}");
    }
}

#[test]
fn a_pointer_that_leads_nowhere_is_told() {
    let origin = origin();
    let end = gaits("fetch --next /nope").arg(origin.url("/list")).run().expect_exit(0);
    end.expect_stderr_contains("no answer named a next page");
}

#[test]
fn a_next_page_on_another_host_fails_and_is_not_sent_what_is_secret() {
    let other = origin();
    let body = format!("{{\"next\":\"{}\"}}", other.url("/get"));
    let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let script = serde_json::json!({"/a": [{"send": reply}]});
    let script = Some(Script::parse(&script.to_string()).unwrap());
    let origin = Origin::start(Config { script, ..Config::default() }).unwrap();
    let end = gaits("fetch --next /next --bearer literal:s3cret").arg(origin.url("/a")).run();
    let records = end.expect_exit(1).records();
    assert_eq!(records.kinds(), [None, Some(ErrorKind::InvalidItem)]);
    let error = records[1].error().unwrap();
    assert!(error.message.contains("the next page is on another server"), "{error}");
    assert_eq!(other.requests(), 0, "nobody asked it");
}

#[test]
fn a_key_that_a_server_repeats_is_in_no_record() {
    let origin = origin();
    // The page repeats the query that it was sent, but for what it does not know.
    let dir = Dir::new();
    let results = dir.at("results.jsonl");
    let key = "api_key=literal:s3cret";
    let run = gaits("fetch --next page={n} --max-pages 3 --query size=5 --api-key").arg(key);
    run.arg("-o").arg(&results).arg(origin.url("/list")).run().expect_exit(0);
    let text = std::fs::read_to_string(&results).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    let records = parse_file(&results);
    let nexts = records.iter().filter_map(|record| HttpDetail::of(record)?.next);
    assert!(nexts.clone().all(|next| !next.contains("size=")), "it is added to each anyway");
    assert_eq!(nexts.count(), 3);
}

#[test]
fn what_is_added_to_all_queries_does_not_turn_pages_back() {
    let origin = origin();
    let run = gaits(
        "fetch --next link --query size=50 --query offset=0 --each /results --extract id=/id",
    );
    let end = run.arg(origin.url("/list")).run().expect_exit(0);
    let records = expect_ok(end.records(), 2);
    assert_eq!(ids(&records), (1..=95).collect::<Vec<_>>());
}

#[test]
fn elements_that_are_not_there_are_null_and_counted_or_fail() {
    let origin = origin();
    let run = || gaits("fetch --each /nothing").arg(origin.url("/json"));
    let end = run().run().expect_exit(0).expect_stderr_contains("each");
    let line = serde_json::to_value(&end.records()[0]).unwrap();
    assert_eq!(line["extract"]["each"], serde_json::Value::Null);
    let failed = run().args(["--extract", "id=/id", "--extract-required"]).run().expect_exit(1);
    assert_eq!(failed.records().kinds(), [Some(ErrorKind::Decode)]);
    let wrong = gaits("fetch --each /library").arg(origin.url("/json")).run().expect_exit(1);
    let records = wrong.records();
    let error = records[0].error().unwrap();
    assert!(
        error.message.contains("cannot extract each: what is at /library is no list"),
        "{error}"
    );
}

#[test]
fn a_field_that_elements_lack_is_counted_and_a_null_that_nobody_asked_for_is_not() {
    let body = r#"{"results":[{"id":1,"gone":null},{"id":2,"gone":null}]}"#;
    let length = body.len();
    let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
    let script = Script::default().with("/", [vec![Step::send(reply)]]).unwrap();
    let origin = Origin::start(Config { script: Some(script), ..Config::default() }).unwrap();
    let dir = Dir::new();
    for (fields, told) in [
        ("--extract price=/prise --extract id=/id", Some(" price in 1 of 1 answers\n")),
        ("--extract gone=/gone", Some(" gone in 1 of 1 answers\n")),
        ("", None),
    ] {
        let results = dir.at("results.jsonl");
        let run = gaits("fetch --fresh --each /results").args(fields.split_whitespace());
        let run = run.arg("-o").arg(&results).arg(origin.url("/")).run().expect_exit(0);
        let report = gaits("report").arg(&results).run().expect_exit(0);
        for text in [&run.stderr, &report.stdout] {
            assert_eq!(text.contains("\nmissing "), told.is_some(), "{fields}: {text}");
            assert!(text.contains(told.unwrap_or_default()), "{fields}: {text}");
        }
    }
    let values = gaits("fetch --extract n:int=$.results[*].gone --extract").arg("m:int=$..*");
    let end = values.arg(origin.url("/")).run().expect_exit(0);
    end.expect_stderr_contains("m in 1 of 1 answers, n in 1");
}

#[test]
fn what_can_not_go_together_is_told_before_anything_is_sent() {
    for (words, why) in [
        ("fetch --next nonsense http://127.0.0.1:9/", "write link, /json/pointer, 'page={n}'"),
        ("fetch --next page={n} --query page=1 http://127.0.0.1:9/", "belongs into the URL"),
        (
            "fetch --next page={n} --api-key page=env:HOME http://127.0.0.1:9/",
            "--api-key sets it for all",
        ),
        ("fetch --max-pages 3 http://127.0.0.1:9/", "--next"),
        ("fetch --each results http://127.0.0.1:9/", "does not begin with `/`"),
        ("fetch --extract each=/x http://127.0.0.1:9/", "call the field something else"),
        ("fetch -I --next /next http://127.0.0.1:9/", "HEAD"),
        ("compare http --next link http://127.0.0.1:9/", "leave out --next"),
        (
            "fetch --next link --key url -o /dev/null/x http://127.0.0.1:9/",
            "leave out --key or --next",
        ),
    ] {
        gaits(words).run().expect_exit(2).expect_stderr_contains(why);
    }
}

#[test]
fn a_host_that_wants_to_be_left_alone_ends_the_run_and_not_the_listing() {
    let ok = |body: &str| {
        serde_json::json!([{
            "send": format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }])
    };
    let later = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 90000\r\nContent-Length: 0\r\n\r\n";
    let script = serde_json::json!({
        "/1": ok("{\"next\":\"/2\"}"),
        "/2": {"replies": [[{"send": later}], ok("{\"next\":\"/3\"}")]},
        "/3": ok("{}"),
    });
    let script = Some(Script::parse(&script.to_string()).unwrap());
    let origin = Origin::start(Config { script, ..Config::default() }).unwrap();
    let others = self::origin();
    let dir = Dir::new();
    let results = dir.at("results.jsonl");
    let fetch = || {
        let run = gaits("fetch --next /next -m async:4 -o").arg(&results);
        run.arg(origin.url("/1")).arg(others.url("/json")).run()
    };
    fetch().expect_exit(4);
    assert_eq!(parse_file(&results).len(), 2);
    fetch().expect_exit(0);
    expect_ok(parse_file(&results), 4);
}

#[test]
fn pages_come_while_the_input_is_still_open() {
    let origin = origin();
    let mut run = gaits("fetch -i - --next link --quiet").stdin_open().start();
    run.say(&format!("{}\n", origin.url("/list")));
    assert_eq!(run.wait_for_lines(10).len(), 10);
    run.say(&format!("{}\n", origin.url("/list?total=15")));
    run.end_input();
    expect_ok(run.finish().expect_exit(0).records(), 12);
}

#[test]
fn a_run_that_is_killed_again_and_again_has_each_page_once() {
    let latency = std::time::Duration::from_millis(4);
    let origin = Origin::start(Config { latency, ..Config::default() }).unwrap();
    let dir = Dir::new();
    let results = dir.at("results.jsonl");
    let urls = (0..3).map(|n| format!("{}\n", origin.url(&format!("/list?size=1&total=60&n={n}"))));
    let list = dir.file("urls.txt", urls.collect::<String>());
    let start = |model: &str| {
        let run = gaits("fetch --next /links/next --each /results --extract id=/id --quiet -m");
        run.arg(model).arg("-o").arg(&results).arg("-i").arg(&list)
    };
    let models = ["async:3", "processes:2/async:2", "threads:2", "async:3", "sequential"];
    let written = || std::fs::read(&results).map_or(0, |text| text.split(|b| *b == b'\n').count());
    for model in models {
        let run = start(model).start();
        let before = written();
        eventually("more pages have records", || written() >= before + 12);
        run.signal(Signal::SIGKILL);
        run.finish().expect_killed_by(Signal::SIGKILL);
    }
    start("async:3").run().expect_exit(0);
    let records = expect_ok(parse_file(&results), 3 * 60);
    let all: Vec<i64> = (0..3).flat_map(|_| 1..=60).collect();
    assert_eq!(ids(&records), all);
}

#[test]
fn pages_that_may_not_be_asked_for_twice_are_not_asked_for_again_after_a_death() {
    let page = |next: &str| {
        let body = format!("{{\"next\":{next}}}");
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let script = serde_json::json!({
        "/1": [{"send": page("\"/2\"")}],
        "/2": {"replies": [["stall"], [{"send": page("null")}]]},
    });
    let script = Some(Script::parse(&script.to_string()).unwrap());
    let origin = Origin::start(Config { script, ..Config::default() }).unwrap();
    let dir = Dir::new();
    let results = dir.at("results.jsonl");
    let fetch = |more: &str| {
        let run = gaits("fetch -X POST --next /next").args(more.split_whitespace());
        run.arg("-o").arg(&results).arg(origin.url("/1"))
    };
    let run = fetch("").start();
    eventually("the second page was asked for", || origin.requests() == 2);
    run.signal(Signal::SIGKILL);
    run.finish().expect_killed_by(Signal::SIGKILL);
    fetch("").run().expect_exit(1);
    let records = parse_file(&results);
    assert_eq!(records.kinds(), [None, Some(ErrorKind::Cancelled)]);
    assert_eq!(origin.requests(), 2, "it was not asked for again");
    fetch("--retry-failed --retry-non-idempotent").run().expect_exit(0);
    expect_ok(parse_file(&results), 2);
}

#[test]
fn a_table_has_a_row_for_each_element_of_each_page() {
    let origin = origin();
    let dir = Dir::new();
    let url = origin.url("/list?size=40");
    let (results, table) = (dir.at("results.jsonl"), dir.at("table.csv"));
    let run = gaits("fetch --next link --each /results -o").arg(&results).arg(&url);
    run.run().expect_exit(0);
    let export = gaits("export --columns item,id,name").arg(&results).run().expect_exit(0);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let rows = lines(&export.stdout);
    assert_eq!((rows.len(), &*rows[0]), (96, "item,id,name"));
    assert_eq!(rows[1], format!("{url},1,element 1"));
    assert!(rows[95].ends_with("page=3,95,element 95"), "{}", rows[95]);
    // The usual columns have the fields of the elements at their end.
    let all = gaits("export").arg(&results).run().expect_exit(0);
    assert!(lines(&all.stdout)[0].ends_with(",id,name"), "{}", all.stdout);
    let run =
        gaits("fetch --next link --each /results --extract n:int=/id --format csv --columns n");
    let streamed = run.arg(&url).run().expect_exit(0);
    let ids: Vec<_> = (1..=95).map(|id| id.to_string()).collect();
    assert_eq!(lines(&streamed.stdout)[1..], ids);
    let run = gaits("fetch --next link --each /results --format csv -o").arg(&table).arg(&url);
    run.run().expect_exit(0);
    assert_eq!(std::fs::read_to_string(&table).unwrap().lines().count(), 96);
    let unknown = gaits("fetch --each /results --format csv").arg(&url).run().expect_exit(2);
    unknown.expect_stderr_contains("name the columns");
}
