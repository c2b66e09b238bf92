//! Lists of all kinds: how they are packed and encoded, and what becomes of them.

use crate::harness::{Dir, gaits};
use gaits_core::ErrorKind;
use gaits_origin::{Config, Origin};
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};

fn origin() -> Origin {
    Origin::start(Config::default()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn packed_lists_are_known_by_their_content_wherever_they_come_from() {
    let origin = origin();
    let list = format!("{}\n{}\n", origin.url("/uuid"), origin.url("/json"));
    let dir = Dir::new();
    let gz = dir.file("urls.txt", gzip(list.as_bytes()));
    let zst = dir.file("urls", zstd::encode_all(list.as_bytes(), 1).unwrap());
    for file in [gz, zst] {
        gaits("fetch -i").arg(file).run().expect_exit(0).records().expect_all_ok(2);
    }
    let end = gaits("fetch -i -").stdin(gzip(list.as_bytes())).run();
    end.expect_exit(0).records().expect_all_ok(2);
}

#[test]
fn tables_may_be_packed_in_another_encoding_and_have_their_columns_in_another_order() {
    let origin = origin();
    let dir = Dir::new();
    let (korean, ..) = encoding_rs::EUC_KR.encode("이름,id\n한글,1\n");
    dir.file("a.csv", gzip(&korean));
    let (swapped, ..) = encoding_rs::EUC_KR.encode("id,이름\n2,서울\n");
    dir.file("b.csv", zstd::encode_all(&*swapped, 1).unwrap());
    let template = origin.url("/anything?q={이름}&id={id}");
    let list = "fetch -i a.csv -i b.csv --encoding CP949 -m sequential --body json --template";
    let end = gaits(list).arg(template).dir(dir.path()).run().expect_exit(0);
    end.records().expect_all_ok(2);
    let args = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["http"]["body"]["args"].clone()
    };
    let asked: Vec<_> = end.stdout.lines().map(args).collect();
    let expected = [("한글", "1"), ("서울", "2")];
    assert_eq!(asked, expected.map(|(q, id)| serde_json::json!({"q": q, "id": id})));
}

#[test]
fn a_packed_list_that_is_not_whole_says_so_and_what_was_read_is_done() {
    let origin = origin();
    let list = format!("{}\n", origin.url("/uuid")).repeat(3);
    let packed = gzip(list.as_bytes());
    let dir = Dir::new();
    let file = dir.file("torn.gz", &packed[..packed.len() - 4]);
    let end = gaits("fetch -i").arg(file).run().expect_exit(3);
    end.expect_stderr_contains("its gzip data end too early");
}

#[test]
fn a_list_that_unpacks_to_a_line_without_end_is_one_bad_item() {
    let origin = origin();
    let mut bomb = vec![b'x'; 64 << 20];
    bomb.extend(format!("\n{}\n", origin.url("/uuid")).as_bytes());
    let end = gaits("fetch -i -").address_space(2 << 20).stdin(gzip(&bomb)).run().expect_exit(1);
    let records = end.records().expect_items(2);
    assert_eq!(records.kinds(), [Some(ErrorKind::InvalidItem), None]);
    assert!(records[0].error().unwrap().message.contains("stdin:1: 67108864 bytes are too long"));
}

#[test]
fn a_field_or_a_line_of_any_length_takes_no_memory() {
    let origin = origin();
    let dir = Dir::new();
    // The file has no blocks there on the disk, and reads as zeros.
    let gap = 400 << 20;
    let with_gap = |name: &str, before: &str, after: &str| {
        let mut file = File::create(dir.at(name)).unwrap();
        file.write_all(before.as_bytes()).unwrap();
        file.seek(SeekFrom::Start(gap)).unwrap();
        file.write_all(after.as_bytes()).unwrap();
    };
    let url = origin.url("/uuid");
    with_gap("t.csv", "n,url\n\"", &format!("\",x\n1,{url}\n"));
    with_gap("l.txt", "x", &format!("\n{url}\n"));
    for list in ["t.csv --url-column url", "l.txt"] {
        // Less than the field or the line has.
        let end = gaits("fetch -m sequential -i")
            .args(list.split_whitespace())
            .address_space(350_000)
            .dir(dir.path())
            .run();
        let records = end.expect_exit(1).records().expect_items(2);
        assert_eq!(records.kinds(), [Some(ErrorKind::InvalidItem), None]);
        let message = &records[0].error().unwrap().message;
        assert!(message.contains("bytes are too long"), "{message}");
    }
}

#[test]
fn several_lists_and_patterns_are_one_list_in_the_order_of_names() {
    let origin = origin();
    let url = |n: u32| origin.url(&format!("/get?n={n}"));
    let dir = Dir::new();
    for (name, text) in [
        ("b.txt", format!("{}\nnonsense\n", url(2))),
        ("a.txt", format!("{}\n", url(1))),
        ("z.lst", url(3)),
    ] {
        dir.file(name, text);
    }
    let end = gaits("fetch -i *.txt -i z.lst -o r.jsonl").dir(dir.path()).run().expect_exit(1);
    end.expect_stderr_contains("3 of 4 ok, 1 failed");
    let text = std::fs::read_to_string(dir.at("r.jsonl")).unwrap();
    assert!(text.contains("b.txt:2: "), "{text}");
    for (index, n) in [(0, 1), (1, 2), (3, 3)] {
        assert!(text.contains(&format!("{{\"index\":{index},\"item\":\"{}\"", url(n))), "{text}");
    }
    gaits("fetch -i *.txt -i z.lst -o r.jsonl").dir(dir.path()).run().expect_exit(1);
    gaits("fetch -i *.nosuch").dir(dir.path()).run().expect_refused("no file is called *.nosuch");
    gaits("fetch -i a.txt -i none.txt").dir(dir.path()).run().expect_refused("can't read none.txt");
    gaits("fetch -i - -i -").run().expect_refused("give it once");
    gaits("fetch -i a.txt -i b.txt -o b.txt").dir(dir.path()).run().expect_exit(2);
    assert_eq!(origin.requests(), 3);
}

#[test]
fn lists_in_other_encodings_are_read_by_their_mark_or_by_their_name() {
    let origin = origin();
    let url = origin.url("/get?q=한글");
    let dir = Dir::new();
    let (korean, ..) = encoding_rs::EUC_KR.encode(&url);
    dir.file("korean.txt", &korean);
    let utf_16: Vec<u8> =
        format!("\u{feff}{url}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    dir.file("windows.txt", utf_16);
    for words in ["korean.txt --encoding euc-kr", "korean.txt --encoding CP949", "windows.txt"] {
        let end = gaits(&format!("fetch -i {words}")).dir(dir.path()).run().expect_exit(0);
        let records = end.records().expect_all_ok(1);
        assert_eq!(records[0].item, *url, "{words}");
    }
    let end = gaits("fetch -i korean.txt").dir(dir.path()).run().expect_exit(1);
    let message = end.records().expect_one_failure(ErrorKind::InvalidItem);
    assert!(
        message.starts_with("korean.txt:1: byte ") && message.contains("--encoding euc-kr"),
        "{message}"
    );
    let end = gaits("fetch -i korean.txt --encoding utf-16be").dir(dir.path()).run().expect_exit(1);
    assert!(end.records().expect_items(1).kinds()[0].is_some());
    gaits("fetch -i a --encoding klingon").run().expect_refused("no encoding that is known");
    gaits("fetch http://a/ --encoding euc-kr").run().expect_refused("give one with -i FILE");
}

/// The records, as they stand in the file.
fn lines(path: &std::path::Path) -> Vec<serde_json::Value> {
    parsed(&std::fs::read_to_string(path).unwrap())
}

fn parsed(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_column_of_a_table_holds_the_urls_and_the_others_come_back() {
    let origin = origin();
    let dir = Dir::new();
    let url = origin.url("/uuid");
    dir.file(
        "p.csv",
        format!("id,link,\"이름\"\r\n1,{url},\"a, b\"\r\n2,,x\r\n3,{url}\r\n4,{url},\"c\nd\"\r\n"),
    );
    let end =
        gaits("fetch -i p.csv --url-column link -o r.jsonl").dir(dir.path()).run().expect_exit(1);
    end.expect_stderr_contains("2 of 4 ok, 2 failed");
    let mut records = lines(&dir.at("r.jsonl"));
    records.sort_by_key(|record| record["index"].as_u64());
    assert_eq!(records[0]["input"], serde_json::json!({"id": "1", "이름": "a, b"}));
    assert_eq!(
        records[0]["item"],
        format!(r#"{{"url":"{url}","input":{{"id":"1","이름":"a, b"}}}}"#)
    );
    assert_eq!(records[3]["input"]["이름"], "c\nd");
    assert_eq!(records[1]["error"]["message"], "p.csv:3: column `link` is empty");
    assert_eq!(
        records[2]["error"]["message"],
        "p.csv:4: the row has 2 fields, and the header names 3 columns: it needs one for each, in quotes where it holds the separator"
    );
    // Nothing is done twice, and rows are known by a column.
    gaits("fetch -i p.csv --url-column link -o r.jsonl").dir(dir.path()).run().expect_exit(1);
    dir.file("p.csv", format!("id,link\n4,{url}\n9,{url}\n"));
    let again = gaits("fetch -i p.csv --url-column link -o r.jsonl").dir(dir.path()).run();
    again.expect_refused("--key url");
    gaits("fetch -i p.csv --url-column link -o r.jsonl --key id")
        .dir(dir.path())
        .run()
        .expect_exit(1);
    assert_eq!(origin.requests(), 3);
}

#[test]
fn a_template_makes_requests_of_a_table_with_all_that_is_sent() {
    let origin = origin();
    let dir = Dir::new();
    dir.file("p.tsv", "id\tname\n7\tq\"1 & é/\n");
    let template = origin.url("/anything/{id}?q={name}");
    let end = gaits("fetch -i p.tsv --body json")
        .args(["--template", &template, "--data-json", r#"{"id": {id}, "name": "<{name}>"}"#])
        .args(["-H", "X-Item: no. {id}"])
        .dir(dir.path())
        .run()
        .expect_exit(0);
    end.records().expect_all_ok(1);
    let record: serde_json::Value =
        serde_json::from_str(end.stdout.lines().next().unwrap()).unwrap();
    let echo = &record["http"]["body"];
    assert_eq!(echo["method"], "POST");
    assert!(
        echo["url"].as_str().unwrap().ends_with("/anything/7?q=q%221%20%26%20%C3%A9%2F"),
        "{echo}"
    );
    assert_eq!(echo["json"], serde_json::json!({"id": 7, "name": "<q\"1 & é/>"}));
    assert!(echo["headers"].to_string().contains("no. 7"), "{echo}");
    let end = gaits("fetch -i p.tsv --body json")
        .args(["--template", &template, "-d", "a={name}&b=1"])
        .dir(dir.path())
        .run()
        .expect_exit(0);
    assert!(end.stdout.contains(r#""a":"q\"1 & é/""#), "{}", end.stdout);
}

#[test]
fn objects_of_json_lines_fill_a_template_too() {
    let origin = origin();
    let list = "{\"id\": 7, \"tags\": [1, \"a\"]}\n{\"id\": null, \"tags\": 0}\n";
    let template = origin.url("/anything/{id}");
    let end = gaits("fetch -i - --body json")
        .args(["--template", &template, "--data-json", "{\"tags\": {tags}}"])
        .stdin(list)
        .run()
        .expect_exit(1);
    let record: serde_json::Value =
        serde_json::from_str(end.stdout.lines().find(|line| line.contains("\"ok\"")).unwrap())
            .unwrap();
    assert_eq!(record["http"]["body"]["json"], serde_json::json!({"tags": [1, "a"]}));
    assert_eq!(record["input"], serde_json::json!({"id": 7, "tags": [1, "a"]}));
    assert!(
        end.stdout.contains("stdin:2: it has no field `id` that is a text or a number"),
        "{}",
        end.stdout
    );
    // What is beside a request of a list of requests comes back as well.
    let list = format!("{{\"url\":\"{}\",\"id\":3,\"method\":\"GET\"}}\n", origin.url("/uuid"));
    let end = gaits("fetch -i -").stdin(list).run().expect_exit(0);
    assert!(end.stdout.contains(r#","input":{"id":3}}"#), "{}", end.stdout);
}

#[test]
fn a_table_or_a_template_that_is_wrong_is_refused_before_anything_is_sent() {
    let origin = origin();
    let dir = Dir::new();
    dir.file("p.csv", format!("id,link\n1,{}\n", origin.url("/uuid")));
    let refused = |words: &[&str], why: &str| {
        gaits("fetch -i p.csv").args(words).dir(dir.path()).run().expect_refused(why);
    };
    refused(
        &["--url-column", "url"],
        "p.csv: there is no column `url`; the header names `id`, `link`",
    );
    refused(&["--template", "http://h/{name}"], "there is no column `name`");
    refused(&["--url-column", "link", "-d", "{sku}"], "there is no column `sku`");
    refused(&["--url-column", "link", "-H", "X-A: {sku}"], "there is no column `sku`");
    refused(
        &["--url-column", "link", "--data-json", "{\"a\": {id}, }"],
        "is none once its fields are filled in",
    );
    let key = |key: &str, why: &str| {
        refused(&["--url-column", "link", "-o", "r.jsonl", "--key", key], why);
    };
    key("nosuch", "p.csv: there is no column `nosuch`; the header names `id`, `link`");
    key("/input/nosuch", "there is no column `nosuch`");
    key("link", "column `link` holds the URLs, which items have as their `url`: write --key url");
    gaits("fetch -i - -o r.jsonl --key nosuch --template http://127.0.0.1:1/{id}")
        .stdin("id\n7\n")
        .dir(dir.path())
        .run()
        .expect_refused("stdin: there is no column `nosuch`; the header names `id`");
    refused(&["--template", "http://h/{id"], "a brace that belongs to no column");
    refused(&["--delimiter", ";"], "--delimiter is for a table");
    refused(&["--url-column", "link", "--template", "http://h/{id}"], "cannot be used with");
    gaits("fetch --template http://h/{id} http://a/").run().expect_refused("cannot be used with");
    dir.file("empty.csv", "");
    gaits("fetch -i empty.csv --url-column a")
        .dir(dir.path())
        .run()
        .expect_refused("empty.csv:1: it is empty");
    assert_eq!(origin.requests(), 0);
    for key in ["id", "/id", "/input/id", "url", "item"] {
        let words = format!("fetch -i p.csv --url-column link -o k.jsonl --key {key}");
        gaits(&words).dir(dir.path()).run().expect_exit(0);
    }
}

#[test]
fn a_table_without_the_column_is_told_wherever_it_stands_among_the_lists() {
    let (origin, dir) = (origin(), Dir::new());
    dir.file("a.csv", format!("url\n{}\n", origin.url("/uuid")));
    dir.file("b.csv", "id,link\n1,http://127.0.0.1:1/\n");
    dir.file("empty.csv", "");
    let fetch = |list: &str| {
        let words = format!("fetch --url-column url -i a.csv -i {list} -o r.jsonl");
        gaits(&words).dir(dir.path()).run()
    };
    let why = "b.csv: there is no column `url`; the header names `id`, `link`";
    fetch("b.csv").expect_refused(why);
    fetch("empty.csv").expect_refused("empty.csv:1: it is empty");
    assert_eq!(origin.requests(), 0);
    assert!(!dir.at("r.jsonl").exists());
    // A pipe is read when its turn comes.
    let words = "fetch --url-column url -i a.csv -i - -m sequential";
    let end = gaits(words).stdin("id\n1\n").dir(dir.path()).run().expect_exit(3);
    end.expect_stderr_contains("can't read standard input to its end; what was read is done: stdin: there is no column `url`");
}

#[test]
fn a_table_and_utf_16_are_recognized_where_neither_was_named() {
    let (origin, dir) = (origin(), Dir::new());
    let url = origin.url("/uuid");
    dir.file("t.tsv", format!("id\turl\n1\t{url}\n"));
    let utf_16: Vec<u8> = format!("{url}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    dir.file("u.txt", utf_16);
    let fetch = |words: &str| gaits(&format!("fetch -i {words}")).dir(dir.path()).run();
    fetch("t.tsv").expect_exit(1).expect_stderr_contains("what looks like a row of a table: --url");
    fetch("u.txt").expect_exit(1).expect_stdout_contains("as UTF-16 has them: --encoding utf-16le");
    fetch("t.tsv --url-column url").expect_exit(0);
    fetch("u.txt --encoding utf-16le").expect_exit(0);
}

#[test]
fn a_table_without_rows_is_told_as_such() {
    let dir = Dir::new();
    dir.file("p.csv", "id,link\n");
    let refused = |words: &str, why: &str| {
        gaits(words).dir(dir.path()).run().expect_refused(why);
    };
    let why = "no items in p.csv: there is a header and no row";
    refused("fetch -i p.csv --url-column link", why);
    refused("fetch -i p.csv --url-column link --limit 3 -o r.jsonl", why);
    refused("compare http -i p.csv --url-column link", why);
    let why = "no items in the part of p.csv that is asked for";
    refused("fetch -i p.csv --url-column link --shard 1/2", why);
}

#[test]
fn what_cannot_be_read_is_named_among_several_lists() {
    let (origin, dir) = (origin(), Dir::new());
    dir.file("a.txt", format!("{}\n", origin.url("/uuid")));
    dir.file("none.txt", "# nothing\n");
    dir.file("b.txt.gz", [0x1f, 0x8b, 8, 0]);
    let fetch = |lists: &str| gaits(&format!("fetch -i {lists}")).dir(dir.path()).run();
    let end = fetch("a.txt -i b.txt.gz").expect_exit(3);
    end.expect_stderr_contains("can't read b.txt.gz to its end; what was read is done: its gzip");
    fetch("none.txt -i none.txt").expect_refused("no items in none.txt and 1 other list: ");
    fetch("none.txt -i none.txt -i none.txt").expect_refused("none.txt and 2 other lists: ");
}

#[test]
fn a_value_with_a_line_break_is_no_header_and_fails_its_item() {
    let dir = Dir::new();
    dir.file("p.csv", "id,name\n1,\"a\r\nX-Evil: 1\"\n");
    let end = gaits("fetch -i p.csv -H")
        .arg("X-Name: {name}")
        .args(["--template", "http://127.0.0.1:1/{id}"]);
    let end = end.dir(dir.path()).run().expect_exit(1);
    let message = end.records().expect_one_failure(ErrorKind::InvalidItem);
    assert!(message.starts_with("p.csv:2: ") && message.contains("control character"), "{message}");
    assert!(!message.contains("Evil"), "{message}");
}

#[test]
fn a_url_of_the_command_line_stands_for_many() {
    let origin = origin();
    let dir = Dir::new();
    let url = origin.url("/get?n={08..10}&x={a,b}");
    let end = gaits("fetch -o r.jsonl").arg(&url).dir(dir.path()).run().expect_exit(0);
    end.expect_stderr_contains("6 of 6 ok");
    let mut records = lines(&dir.at("r.jsonl"));
    records.sort_by_key(|record| record["index"].as_u64());
    assert_eq!(records[1]["item"], *origin.url("/get?n=08&x=b"));
    assert_eq!(records[5]["item"], *origin.url("/get?n=10&x=b"));
    // More of the same goes on where that stopped.
    let more = origin.url("/get?n={08..12}&x={a,b}");
    gaits("fetch -o r.jsonl").arg(&more).dir(dir.path()).run().expect_exit(0);
    let another = origin.url("/get?n={07..12}&x={a,b}");
    let end = gaits("fetch -o r.jsonl").arg(&another).dir(dir.path()).run();
    end.expect_refused("at item 0 now");
    assert_eq!(origin.requests(), 10);
}

#[test]
fn braces_that_are_no_group_are_sent_as_they_are() {
    let origin = origin();
    for (words, path) in [
        ("", "/get?q={\"a\":1,\"b\":2}"),
        ("", "/get?q={id}"),
        ("-g", "/get?q={1..3}"),
        ("-g", "/get?q={{a,b}}"),
    ] {
        let url = origin.url(path);
        let end = gaits(&format!("fetch {words}")).arg(&url).run().expect_exit(0);
        assert_eq!(end.records().expect_all_ok(1)[0].item, *url);
    }
    gaits("fetch http://h/{1..x}").run().expect_refused("-g takes URLs as they are");
    gaits("fetch -g -i list.txt").run().expect_refused("cannot be used with");
}

#[test]
fn a_huge_pattern_takes_no_memory_and_no_time() {
    let origin = origin();
    let url = origin.url("/get?n={1..4000000000}&m={1..1000000000}");
    gaits("fetch -m sequential --count 3")
        .address_space(1 << 20)
        .arg(url)
        .run()
        .expect_exit(0)
        .records()
        .expect_all_ok(3);
}

#[test]
fn international_hosts_and_paths_are_sent_as_browsers_send_them() {
    let origin = origin();
    let port = origin.url("/").rsplit(':').next().unwrap().trim_matches('/').to_owned();
    // Wide letters are the same host.
    let url = format!("http://１２７.0.0.1:{port}/anything/한글 b?q=값&r=%20|#f");
    let end = gaits("fetch --body json").arg(&url).run().expect_exit(0);
    let record: serde_json::Value = serde_json::from_str(&end.stdout).unwrap();
    assert_eq!(record["item"], *url, "what was asked for stays as it was written");
    let sent = "/anything/%ED%95%9C%EA%B8%80%20b?q=%EA%B0%92&r=%20|";
    let answered = record["http"]["url"].as_str().unwrap();
    assert!(answered.contains(&format!("127.0.0.1:{port}{sent}")), "{answered}");
    let end = gaits("fetch http://bücher.invalid/ http://xn--a/").run().expect_exit(1);
    let records = end.records().expect_items(2);
    assert!(records[0].error().unwrap().message.contains("xn--bcher-kva.invalid"), "{records:?}");
    assert_eq!(records.kinds()[1], Some(ErrorKind::InvalidItem));
}

#[test]
fn a_limit_takes_the_first_and_a_higher_one_goes_on() {
    let origin = origin();
    let dir = Dir::new();
    dir.file("urls.txt", (0..10).map(|n| origin.url(&format!("/get?n={n}\n"))).collect::<String>());
    let fetch =
        |words: &str| gaits(&format!("fetch -i urls.txt -o r.jsonl {words}")).dir(dir.path()).run();
    fetch("--limit 3").expect_exit(0).expect_stderr_contains("3 of 3 ok");
    fetch("--limit 5").expect_exit(0).expect_stderr_contains("2 of 2 ok");
    fetch("").expect_exit(0).expect_stderr_contains("5 of 5 ok");
    assert_eq!(origin.requests(), 10);
    let end = fetch("--limit 4").expect_refused("has no item 4 any more");
    end.expect_stderr_contains("; give the same input and no lower --limit than before, or --key");
    fetch("--limit 0").expect_refused("--limit");
}

#[test]
fn machines_share_a_list_and_a_share_goes_on_as_itself_only() {
    let origin = origin();
    let dir = Dir::new();
    dir.file("urls.txt", (0..30).map(|n| origin.url(&format!("/get?n={n}\n"))).collect::<String>());
    let mut all = Vec::new();
    for share in ["1/3", "2/3", "3/3"] {
        let end = gaits(&format!("fetch -i urls.txt --shard {share}"))
            .dir(dir.path())
            .run()
            .expect_exit(0);
        all.extend(end.stdout.lines().map(str::to_owned));
    }
    let index = |line: &String| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["index"].as_u64().unwrap()
    };
    let mut indices: Vec<_> = all.iter().map(index).collect();
    indices.sort_unstable();
    assert!(indices.into_iter().eq(0..30));
    let fetch =
        |words: &str| gaits(&format!("fetch -i urls.txt -o r.jsonl {words}")).dir(dir.path()).run();
    fetch("--shard 1/3").expect_exit(0);
    fetch("--shard 1/3").expect_exit(0).expect_stderr_contains("nothing to do");
    fetch("--shard 2/3").expect_refused("--shard was 1/3, is 2/3 now");
    fetch("").expect_refused("--shard was 1/3, is not given now");
    for bad in ["0/3", "4/3", "1", "a/b", "1/0"] {
        gaits(&format!("fetch -i a --shard {bad}")).run().expect_refused("no share such as 3/8");
    }
}

#[test]
fn a_sample_and_a_shuffled_list_are_drawn_by_a_seed_and_go_on() {
    let origin = origin();
    let dir = Dir::new();
    dir.file("urls.txt", (0..30).map(|n| origin.url(&format!("/get?n={n}\n"))).collect::<String>());
    let fetch = |words: &str| gaits(&format!("fetch -i urls.txt {words}")).dir(dir.path()).run();
    let drawn = parsed(&fetch("--sample 5 -m sequential").expect_exit(0).stdout);
    assert_eq!(drawn.len(), 5);
    for record in drawn {
        assert_eq!(record["item"], origin.url(&format!("/get?n={}", record["index"])));
    }
    let items = |words: &str| -> Vec<String> {
        let end = fetch(&format!("{words} -m sequential")).expect_exit(0);
        let records = parsed(&end.stdout);
        records.iter().map(|record| record["item"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(items("--shuffle --sample-seed 7"), items("--shuffle --sample-seed 7"));
    assert_ne!(items("--shuffle --sample-seed 7"), items("--shuffle --sample-seed 8"));
    fetch("--shuffle -o r.jsonl --limit 10").expect_exit(0);
    fetch("--shuffle -o r.jsonl").expect_exit(0).expect_stderr_contains("20 of 20 ok");
    fetch("--shuffle --sample-seed 1 -o r.jsonl").expect_refused("--sample-seed was 0, is 1 now");
    fetch("-o r.jsonl").expect_refused("--shuffle was given, is not given now");
    fetch("--sample-seed 7").expect_refused("<--sample <N>|--shuffle>");
    fetch("--sample 5 --shuffle --sample-seed 7").expect_exit(0);
}

#[test]
fn items_that_ask_for_the_same_are_left_out_and_counted() {
    let origin = origin();
    let url = origin.url("/get?n=1");
    let list = format!(
        "{url}\n{url}#x\n{{\"url\":\"{url}\",\"id\":1}}\n{url}2\nnonsense\n{{\"url\":\"{url}\",\"method\":\"DELETE\"}}\n"
    );
    let end = gaits("fetch -i - --dedupe --accept 200-599").stdin(list).run().expect_exit(1);
    let records = parsed(&end.stdout);
    let mut indices: Vec<_> =
        records.iter().filter_map(|record| record["index"].as_u64()).collect();
    indices.sort_unstable();
    assert!(indices.into_iter().eq([0, 3, 4, 5]));
    end.expect_stderr_contains(
        "--dedupe left out 2 items that ask for the same as one before, counted from 0: 1, 2\n",
    );
    assert_eq!(origin.requests(), 3);
}

#[test]
fn bad_lines_that_are_the_same_are_known_again_when_a_part_of_a_list_goes_on() {
    let origin = origin();
    let dir = Dir::new();
    let (good, bad) = (origin.url("/get"), "ftp://me:s3cret@x/");
    // So many that no part is without any, whatever the origin's port is.
    let more: Vec<_> = (0..40).map(|n| format!("{good}?{n}\n")).collect();
    dir.file("u.txt", format!("{good}\n{bad}\n{bad}\n{}", more.concat()));
    for part in ["--dedupe", "--shard 1/2", "--shard 2/2"] {
        let name = format!("{}.jsonl", part.replace(' ', "").replace('/', "of"));
        let fetch = |limit: &str| {
            let end = gaits(&format!("fetch -q -i u.txt {part} {limit} -o"))
                .arg(format!("./{name}"))
                .dir(dir.path())
                .run();
            // A share may be without the bad lines.
            end.expect_exit_one_of(&[0, 1]);
            std::fs::read_to_string(dir.at(&name)).unwrap_or_default()
        };
        fetch("--limit 2");
        let all = fetch("");
        assert_eq!(fetch(""), all, "{part}");
        assert!(!all.contains("s3cret"), "{all}");
    }
}

#[test]
fn numbers_of_any_length_are_sent_and_recorded_as_they_are_written() {
    let origin = origin();
    let dir = Dir::new();
    let (one, other) = ("12345678901234567890123", "12345678901234567890124");
    let line = |id: &str| format!("{{\"id\": {id}, \"v\": 1.10, \"more\": [{id}]}}\n");
    dir.file("t.jsonl", line(one) + &line(other));
    let fetch = || {
        gaits("fetch -m sequential --body inline -i t.jsonl --key id -o r.jsonl --template")
            .arg(origin.url("/anything/{id}?v={v}"))
            .args(["--data-json", r#"{"id": {id}, "text": "{id}", "more": {more}}"#])
            .dir(dir.path())
            .run()
            .expect_exit(0)
    };
    fetch();
    let results = std::fs::read_to_string(dir.at("r.jsonl")).unwrap();
    for (record, id) in results.lines().zip([one, other]) {
        let sent = format!("{{\"id\": {id}, \"text\": \"{id}\", \"more\": [{id}]}}");
        let record: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(record).unwrap();
        let body: serde_json::Value =
            serde_json::from_str(record["http"]["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["data"], sent, "{body}");
        assert!(body["url"].as_str().unwrap().ends_with(&format!("/{id}?v=1.10")), "{body}");
    }
    for id in [one, other] {
        let input = format!("\"input\":{{\"id\":{id},\"more\":[{id}],\"v\":1.10}}");
        assert!(results.contains(&input), "{results}");
    }
    fetch().expect_stderr_contains("nothing to do");
    assert_eq!(results.lines().count(), 2);
}

#[test]
fn a_dry_run_shows_what_would_be_sent_and_sends_nothing() {
    let origin = origin();
    let dir = Dir::new();
    let server = origin.url("/").trim_end_matches('/').to_owned();
    dir.file("p.csv", "id,name\n1,a b\n2,c\n3\n");
    let template = origin.url("/items/{id}");
    let end = gaits("fetch -i p.csv --dry-run -o r.jsonl --query key=s3cret")
        .args(["-H", "Authorization: Bearer s3cret", "--template", &template])
        .args(["--data-json", "{\"name\": \"{name}\"}"])
        .dir(dir.path())
        .run()
        .expect_exit(1);
    let shown = &end.stdout;
    assert!(shown.contains(&format!("POST {server}/items/1?key=***\n")), "{shown}");
    assert!(shown.contains("  authorization: ***\n  content-type: application/json\n"), "{shown}");
    assert!(shown.contains("  (15 B)\n"), "{shown}");
    assert!(!shown.contains("s3cret") && !end.stderr.contains("s3cret"), "{end:?}");
    let end = end.expect_stderr_contains("p.csv:4: the row has 1 fields");
    end.expect_stderr_contains(&format!(
        "2 requests would be sent: 2 to {server}; 1 item is no request"
    ));
    assert!(!dir.at("r.jsonl").exists());
    assert_eq!(origin.requests(), 0);
    gaits("compare http http://a/ --dry-run").run().expect_refused("leave out --dry-run");
}

/// What is shown is what is sent: of two fields of one name, that of the item.
#[test]
fn a_dry_run_shows_a_field_of_the_items_own_in_place_of_another() {
    let own = r#"{"url": "http://127.0.0.1:1/a", "method": "POST", "headers": {"Idempotency-Key": "mine"}}"#;
    let end = gaits("fetch --dry-run --idempotency-key -i -").stdin(own).run().expect_exit(0);
    assert_eq!(end.stdout.matches("idempotency-key: ").count(), 1, "{end:?}");
}

/// Who asks is shown, whichever option says so; with what, is not.
#[test]
fn a_dry_run_shows_that_there_are_credentials() {
    let dir = Dir::new();
    dir.file("netrc", "machine 127.0.0.1 login me password s3cret\n");
    for options in [
        ["--bearer", "s3cret"],
        ["-u", "me:s3cret"],
        ["--netrc-file", "netrc"],
        ["--token-command", "echo s3cret"],
        ["-H", "Authorization: s3cret"],
    ] {
        let command = gaits("fetch http://127.0.0.1:1/a --dry-run --api-key key=s3cret");
        let end = command.args(options).dir(dir.path()).run().expect_exit(0);
        let shown = &end.stdout;
        assert!(shown.contains("GET http://127.0.0.1:1/a?key=***\n"), "{options:?}: {shown}");
        assert!(shown.contains("\n  authorization: "), "{options:?}: {shown}");
        assert!(!shown.contains("s3cret") && !end.stderr.contains("s3cret"), "{end:?}");
    }
    let curl = "fetch http://127.0.0.1:1/a --print-curl=secrets --bearer s3cret --api-key key=k";
    let shown = gaits(curl).run().expect_exit(0).stdout;
    assert!(shown.contains("Bearer s3cret") && shown.contains("/a?key=k"), "{shown}");
}

/// A token may cost something, or end the one before it.
#[test]
fn a_dry_run_does_not_run_the_token_command() {
    let dir = Dir::new();
    for option in ["--dry-run", "--print-curl", "--print-curl=secrets"] {
        let command = gaits(&format!("fetch http://127.0.0.1:1/a {option} --token-command"));
        let end = command.arg("touch ran; exit 3").dir(dir.path()).run().expect_exit(0);
        assert!(end.stdout.contains("authorization: "), "{option}: {end:?}");
        assert!(!dir.at("ran").exists(), "{option}");
    }
}

#[test]
fn a_dry_run_says_that_further_pages_follow() {
    let dry = "fetch http://127.0.0.1:1/a --dry-run";
    let end = gaits(dry).args(["--next", "/links/next"]).run().expect_exit(0);
    end.expect_stderr_contains("gaits: further pages follow, as the answers say (--next)\n");
    gaits(dry).run().expect_exit(0).expect_stderr_lacks("further pages");
}

#[test]
fn an_item_is_shown_as_a_line_of_curl() {
    let list =
        r#"{"url":"http://u:p@h/a b","method":"PUT","headers":{"X-A":"it's"},"body":"x\u0001'y"}"#;
    let end = gaits("fetch -i - --print-curl").stdin(list).run().expect_exit(0);
    assert!(end.stdout.starts_with("curl -X PUT 'http://***@h/a%20b' --compressed"), "{end:?}");
    assert!(end.stdout.contains(" -H 'x-a: ***'"), "{end:?}");
    assert!(end.stdout.ends_with(" -H 'content-type:' --data-raw $'x\\x01\\'y' -L\n"), "{end:?}");
    let end = gaits("fetch -i - --print-curl=secrets").stdin(list).run().expect_exit(0);
    assert!(
        end.stdout.contains("http://u:p@h/") && end.stdout.contains(r"'x-a: it'\''s'"),
        "{end:?}"
    );
}

#[test]
fn columns_are_not_sent_as_they_are_where_none_is_filled() {
    let dir = Dir::new();
    let list = dir.file("t.csv", "id\n1\n");
    let run = gaits("fetch --template http://127.0.0.1:9/{id} -i").arg(&list);
    run.args(["--query", "n={id}"])
        .run()
        .expect_refused("columns are filled into the URL of --template");
}
