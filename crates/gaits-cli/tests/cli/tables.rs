//! `--format`: a run that gives a table in place of records.

use crate::harness::{Dir, gaits, parse_file};
use gaits_origin::{Config, Origin};
use std::fs;

fn sorted(text: &str) -> Vec<&str> {
    let mut rows: Vec<&str> = text.lines().collect();
    rows[1..].sort_unstable();
    rows
}

#[test]
fn records_get_no_name_of_a_table() {
    let dir = Dir::new();
    for (name, form) in [("r.csv", "csv"), ("r.TSV", "tsv"), ("r.pq", "parquet")] {
        let run = gaits("run wait 1ms -n 1 -o").arg(dir.at(name)).run();
        run.expect_refused(&format!("add --format {form} for a table"));
        assert!(!dir.at(name).exists());
    }
}

#[test]
fn rows_are_written_as_items_finish() {
    let origin = Origin::start(Config::default()).unwrap();
    let words =
        "fetch - -q --format csv --columns item,status,title --extract title=/library/title";
    let mut running = gaits(words).stdin_open().start();
    let url = origin.url("/json");
    running.say(&format!("{url}\n"));
    let row = format!("{url},200,Ways of walking");
    // The input is still open.
    assert_eq!(running.wait_for_lines(2), ["item,status,title", &row]);
    running.say(&format!("{}\n", origin.url("/status/404")));
    running.end_input();
    let end = running.finish().expect_exit(1);
    assert_eq!(end.stdout.lines().last().unwrap(), format!("{},404,", origin.url("/status/404")));

    let end = gaits("fetch -q --format tsv --extract title=/library/title").arg(&url).run();
    let head = end.stdout.lines().next().unwrap();
    assert!(head.starts_with("index\titem\t") && head.ends_with("\ttitle"), "{head}");
}

#[test]
fn a_column_without_a_value_in_any_row_is_told() {
    let origin = Origin::start(Config::default()).unwrap();
    let fetch = |words: &str| {
        gaits(&format!("fetch {} --format csv {words}", origin.url("/json"))).run().expect_exit(0)
    };
    let told = "gaits: the column statsu has no value in any row\n";
    let end = fetch("--columns status,statsu");
    assert_eq!(end.stdout, "status,statsu\n200,\n");
    assert!(end.stderr.ends_with(told), "{end:?}");
    fetch("-q --columns status,statsu").expect_stderr("");
    // Nobody has named these.
    assert!(!fetch("").stderr.contains("no value"));
}

#[test]
fn a_table_in_a_file_is_made_when_all_is_done_and_again_with_other_columns() {
    let (origin, dir) = (Origin::start(Config::default()).unwrap(), Dir::new());
    let table = dir.at("out.csv");
    let urls = format!("{}\n{}\n", origin.url("/json"), origin.url("/status/404"));
    let list = dir.file("urls.txt", urls);
    let fetch = |words: &str| {
        let words = format!("fetch -c 1 --format csv --extract t=/library/title {words} -i");
        gaits(&words).arg(&list).arg("-o").arg(&table).run()
    };
    let end = fetch("--stop-on 404 --columns index,status,t").expect_exit(4);
    end.expect_stderr_contains("out.csv is written when all items are done").expect_no_stdout();
    assert!(!table.exists());

    let end = fetch("--retry-failed --columns index,status,t").expect_exit(1);
    end.expect_stderr_contains("gaits: wrote 2 rows to ");
    let wanted = ["index,status,t", "0,200,Ways of walking", "1,404,"];
    assert_eq!(sorted(&fs::read_to_string(&table).unwrap()), wanted);
    parse_file(&dir.at("out.csv.jsonl")).expect_items(2);

    let requests = origin.requests();
    let end = fetch("--columns status").expect_exit(1);
    end.expect_stderr_contains("nothing to do").expect_stderr_contains("wrote 2 rows");
    assert_eq!(sorted(&fs::read_to_string(&table).unwrap()), ["status", "200", "404"]);
    assert_eq!(origin.requests(), requests);
}

#[test]
fn what_can_not_become_a_table_is_refused_before_anything_is_sent() {
    let (origin, dir) = (Origin::start(Config::default()).unwrap(), Dir::new());
    let theirs = dir.file("theirs.csv", "url\n");
    let fetch = |words: &str| {
        let words = words.replace("DIR", dir.path().to_str().unwrap());
        gaits(&format!("fetch {words}")).arg(origin.url("/json")).run()
    };
    fetch("--columns item").expect_refused("--format");
    fetch("--format xlsx").expect_refused("csv");
    fetch("--format csv --columns item,,a").expect_refused("--columns: a column has no name");
    fetch("--format parquet").expect_refused("give a file with -o FILE");
    fetch("--format csv -o DIR").expect_refused("it is a folder");
    let end = fetch("--format csv -o DIR/theirs.csv");
    end.expect_refused("theirs.csv is there, and not the records")
        .expect_stderr_contains("--fresh");
    let own = gaits("fetch --fresh --format csv -i").arg(&theirs).arg("-o").arg(&theirs).run();
    own.expect_refused("theirs.csv is the input");
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "url\n");
    assert_eq!(origin.requests(), 0);

    fetch("-q --fresh --format csv --columns status -o DIR/theirs.csv").expect_exit(0);
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "status\n200\n");
}

#[test]
fn other_works_give_tables_too() {
    let dir = Dir::new();
    let table = dir.at("out.parquet");
    let words = "run -q --format parquet --columns index,outcome,worker.pid -o";
    gaits(words).arg(&table).args(["wait", "0", "-n", "3"]).run().expect_exit(0);
    assert!(fs::read(&table).unwrap().ends_with(b"PAR1"));
    let end = gaits("run -q --format jsonl --columns outcome wait 0 -n 2").run().expect_exit(0);
    assert_eq!(end.stdout, "{\"outcome\":\"ok\"}\n{\"outcome\":\"ok\"}\n");
}

#[test]
fn a_table_is_for_excel_where_that_is_wanted() {
    let dir = Dir::new();
    let wait = |more: &str| {
        gaits("run -q --columns index,outcome")
            .args(more.split_whitespace())
            .args(["wait", "0", "-n", "1"])
            .dir(dir.path())
            .run()
    };
    let wanted = "\u{feff}index,outcome\r\n0,ok\r\n";
    assert_eq!(wait("--format csv --excel").expect_exit(0).stdout, wanted);
    wait("--format csv --excel -o t.csv").expect_exit(0);
    assert_eq!(std::fs::read_to_string(dir.at("t.csv")).unwrap(), wanted);
    wait("--format jsonl --excel").expect_refused("--excel is for --format csv");
}
