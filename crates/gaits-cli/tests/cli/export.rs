//! `gaits export`: results as tables, and what happens to results and disks that are not as they should be.

use crate::harness::{Dir, Finished, Gaits, closed_pipe, eventually, gaits};
use gaits_origin::{Config, Origin};
use nix::sys::signal::Signal;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A record as a run writes it.
fn record(index: u64, item: &str, extract: &str) -> String {
    let times = r#""attempts":1,"queued_us":1,"started_us":2,"finished_us":30,"cpu_us":4"#;
    format!(
        "{{\"index\":{index},\"item\":\"{item}\",\"outcome\":\"ok\",{times},\"http\":{{\"status\":200}}{extract}}}\n"
    )
}

/// Two records with extracted fields, and one of a failure.
fn results(dir: &Dir) -> PathBuf {
    let failed = record(1, "gone", "").replace(
        r#""outcome":"ok""#,
        r#""outcome":"failed","error":{"kind":"http_status","message":"404, alas"}"#,
    );
    let first = record(2, "b", r#","extract":{"price":1.5,"name":"Ünï \"x\""}"#);
    let last = record(0, "a", r#","extract":{"price":null,"tags":["p","q"]}"#);
    dir.file("results.jsonl", first + &failed + &last)
}

fn export(results: &Path, words: &str) -> Finished {
    gaits("export").arg(results).args(words.split_whitespace()).run()
}

fn export_to(results: &Path, words: &str, stdout: impl Into<Stdio>) -> Finished {
    gaits("export").arg(results).args(words.split_whitespace()).stdout_to(stdout).run()
}

#[test]
fn every_record_is_a_row_and_every_extracted_field_a_column() {
    let dir = Dir::new();
    let end = export(&results(&dir), "").expect_exit(0).expect_stderr("");
    assert_eq!(
        end.stdout,
        "index,item,outcome,status,error_kind,error_message,attempts,queued_us,started_us,finished_us,price,name,tags\n\
         2,b,ok,200,,,1,1,2,30,1.5,\"Ünï \"\"x\"\"\",\n\
         1,gone,failed,200,http_status,\"404, alas\",1,1,2,30,,,\n\
         0,a,ok,200,,,1,1,2,30,,,\"[\"\"p\"\",\"\"q\"\"]\"\n"
    );
}

#[test]
fn columns_are_those_that_are_asked_for() {
    let dir = Dir::new();
    let results = results(&dir);
    let end = export(&results, "--columns item,extract.price,http.status,cpu_us,prise");
    assert_eq!(
        end.stdout,
        "item,extract.price,http.status,cpu_us,prise\nb,1.5,200,4,\ngone,,200,4,\na,,200,4,\n"
    );
    end.expect_exit(0).expect_stderr("gaits: the column prise has no value in any row\n");
    export(&results, "--columns item,,a").expect_refused("--columns: a column has no name");
    export(&results, "--columns item,item").expect_refused("\"item\" is asked for twice");
    // All at once, none before its head.
    let end = gaits("export - --columns item --ok").stdin(fs::read(&results).unwrap()).run();
    assert_eq!(end.expect_exit(0).stdout, "item\nb\na\n");
    let end = gaits("export -").stdin(fs::read(&results).unwrap()).run();
    end.expect_refused("standard input can't be read twice").expect_stderr_contains("--columns");
}

#[test]
fn ok_and_failed_choose_rows() {
    let dir = Dir::new();
    let results = results(&dir);
    assert_eq!(export(&results, "--ok --columns index").stdout, "index\n2\n0\n");
    assert_eq!(export(&results, "--failed --columns index").stdout, "index\n1\n");
    export(&results, "--ok --failed").expect_refused("cannot be used with");
}

#[test]
fn the_form_is_that_of_the_option_or_of_the_name() {
    let dir = Dir::new();
    let results = results(&dir);
    let tsv = "item\tprice\nb\t1.5\ngone\t\na\t\n";
    let json = "{\"item\":\"b\",\"price\":1.5}\n{\"item\":\"gone\",\"price\":null}\n{\"item\":\"a\",\"price\":null}\n";
    for (name, words, wanted) in [
        ("a.tsv", "", tsv),
        ("b.JSONL", "", json),
        ("c.csv", "--to tsv", tsv),
        ("d", "--to jsonl", json),
    ] {
        let file = dir.at(name);
        let end = gaits(&format!("export --columns item,price {words}"))
            .arg(&results)
            .arg("-o")
            .arg(&file);
        end.run()
            .expect_exit(0)
            .expect_no_stdout()
            .expect_stderr(&format!("gaits: wrote 3 rows to {}\n", file.display()));
        assert_eq!(fs::read_to_string(&file).unwrap(), wanted, "{name}");
    }
    export(&results, "--to xml").expect_refused("csv");
    let end = export(&results, "--to jsonl -q --columns price --ok").expect_exit(0);
    assert_eq!(end.stdout, "{\"price\":1.5}\n{\"price\":null}\n");
}

#[test]
fn excel_gets_no_formula_and_others_get_the_text_as_it_is() {
    let dir = Dir::new();
    let line = record(0, "=HYPERLINK(1)", r#","extract":{"n":-1,"t":"-1"}"#);
    let results = dir.file("results.jsonl", line);
    let end = export(&results, "--columns item,n,t --excel").expect_exit(0);
    assert_eq!(end.stdout, "\u{feff}item,n,t\r\n'=HYPERLINK(1),-1,'-1\r\n");
    let end = export(&results, "--columns item,n,t");
    assert_eq!(end.stdout, "item,n,t\n=HYPERLINK(1),-1,-1\n");
    export(&results, "--to jsonl --excel").expect_refused("--excel is for --to csv");
    export(&results, "--to parquet --excel").expect_refused("--excel is for --to csv");
}

#[test]
fn parquet_is_written_whole_or_not_at_all() {
    let dir = Dir::new();
    let results = results(&dir);
    let table = dir.at("table.parquet");
    let end = gaits("export -o").arg(&table).arg(&results).run().expect_exit(0);
    end.expect_stderr(&format!("gaits: wrote 3 rows to {}\n", table.display()));
    let bytes = fs::read(&table).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));

    // A pipe has the same table, if what is read can be read twice or its types are known.
    let piped = File::create(dir.at("piped")).unwrap();
    export_to(&results, "--to parquet", piped).expect_exit(0);
    assert_eq!(fs::read(dir.at("piped")).unwrap(), bytes);
    let records = fs::read(&results).unwrap();
    let end = gaits("export - --to parquet --columns item,price").stdin(&records).run();
    end.expect_refused("the types of the columns are looked for").expect_stderr_contains("a file");
    let known = gaits("export - --columns item,status -o").arg(dir.at("known.parquet"));
    known.stdin(&records).run().expect_exit(0);

    fs::write(&results, record(0, "a", "").replace(":200", ":\"x\"")).unwrap();
    let end = gaits("export -o").arg(&table).arg(&results).run();
    end.expect_refused("results.jsonl:1: the column status has \"x\" where a whole number");
    assert_eq!(fs::read(&table).unwrap(), bytes);
    assert!(!is_being_written(&dir));

    let full = File::options().write(true).open("/dev/full").unwrap();
    fs::write(&results, records).unwrap();
    let end = export_to(&results, "--to parquet", full).expect_exit(3);
    end.expect_stderr_contains("can't write to standard output: No space left on device");
    let end = export_to(&results, "--to parquet", closed_pipe()).expect_exit(3);
    end.expect_stderr("");
}

#[test]
fn what_a_run_has_written_is_exported() {
    let (origin, dir) = (Origin::start(Config::default()).unwrap(), Dir::new());
    let (results, table) = (dir.at("results.jsonl"), dir.at("table.csv"));
    gaits("fetch -q --extract title=/library/title -n 3 -o")
        .arg(&results)
        .arg(origin.url("/json"))
        .run();
    gaits("export --columns index,title,status -o").arg(&table).arg(&results).run().expect_exit(0);
    let text = fs::read_to_string(&table).unwrap();
    let mut rows: Vec<&str> = text.lines().collect();
    rows.sort_unstable();
    let wanted = [
        "0,Ways of walking,200",
        "1,Ways of walking,200",
        "2,Ways of walking,200",
        "index,title,status",
    ];
    assert_eq!(rows, wanted);
}

#[test]
fn a_torn_last_line_is_left_out_and_a_foreign_file_is_named_by_its_line() {
    let dir = Dir::new();
    let results = results(&dir);
    let mut text = fs::read_to_string(&results).unwrap();
    text.push_str(&record(3, "c", "")[..40]);
    fs::write(&results, &text).unwrap();
    let end = export(&results, "--columns index").expect_exit(0);
    assert_eq!(end.stdout, "index\n2\n1\n0\n");
    end.expect_stderr_contains("is broken off (40 bytes) and is left out");
    for (name, text, wanted) in [
        (
            "middle",
            format!("{}x\n{}", record(0, "a", ""), record(1, "b", "")),
            "middle:2: this is no JSON object",
        ),
        ("rows.csv", "a,b\n1,2\n".to_owned(), "rows.csv:1: this is no JSON object"),
        ("other.jsonl", "{\"a\":1}\n".to_owned(), "other.jsonl:1: missing field `index`"),
        // Nothing of it is kept that has no end.
        ("binary", "x".repeat(1_000_000), "binary:1: this is no JSON object"),
    ] {
        let table = dir.at("table.csv");
        let file = dir.file(name, text);
        let end = gaits("export").arg(&file).arg("-o").arg(&table).run();
        end.expect_refused(wanted).expect_stderr_contains("gaits export takes a results file");
        assert!(!table.exists() && !is_being_written(&dir), "{name}");
    }
    export(&dir.at("nosuch"), "").expect_refused("can't read");
    export(dir.path(), "").expect_refused("can't read");
}

#[test]
fn a_place_that_can_not_be_written_to_is_refused() {
    let dir = Dir::new();
    let results = results(&dir);
    let to = |path: &Path| gaits("export").arg(&results).arg("-o").arg(path).run();
    to(dir.path()).expect_refused("it is a folder");
    to(&dir.at("no/such")).expect_refused("can't write to");
    to(&results).expect_refused("it is what is read");
    // CSV under such a name would be taken for a broken file.
    to(&dir.at("a.xlsx")).expect_refused("write a .csv with --excel");
    to(&dir.at("a.csv.gz")).expect_refused("pack it then");
    let over = File::options().append(true).open(&results).unwrap();
    let end = gaits("export").arg(&results).stdout_to(over).run();
    end.expect_refused("can't write to standard output: it is what is read");
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing_under_the_name() {
    let dir = Dir::new();
    let lines: String = (0..2_000).map(|index| record(index, "a", "")).collect();
    let results = dir.file("results.jsonl", lines);
    let end = gaits("export -o /dev/full").arg(&results).run().expect_exit(3);
    end.expect_stderr_contains("can't write to /dev/full: No space left on device");
    let full = File::options().write(true).open("/dev/full").unwrap();
    let end = gaits("export").arg(&results).stdout_to(full).run().expect_exit(3);
    end.expect_stderr_contains("can't write to standard output: No space left on device");

    for (name, blocks) in [("table.csv", 9), ("table.parquet", 2)] {
        let table = dir.file(name, "old\n");
        let export = gaits("export").arg(&results).arg("-o").arg(&table).file_blocks(blocks);
        let end = export.run().expect_exit(3);
        end.expect_stderr_contains(&format!("{name}: File too large"));
        assert_eq!(fs::read_to_string(&table).unwrap(), "old\n");
        assert!(!is_being_written(&dir), "{name}");
    }
    gaits("export").arg(&results).stdout_closed().run().expect_exit(3).expect_stderr("");
    // The end of the pipe is met in the middle of the table, too.
    fs::write(&results, record(0, "a", "").repeat(20_000)).unwrap();
    gaits("export").arg(&results).stdout_closed().run().expect_exit(3).expect_stderr("");
}

/// How many tables are there that have not got their names yet.
fn half_written(dir: &Dir) -> usize {
    let files = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|ending| ending == "tmp")).count()
}

/// Whether there is one.
fn is_being_written(dir: &Dir) -> bool {
    half_written(dir) > 0
}

#[test]
fn an_interrupt_leaves_what_was_there() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let dir = Dir::new();
        let table = dir.file("table.csv", "old\n");
        let (reader, mut writer) = std::io::pipe().unwrap();
        let export = gaits("export - --columns item -o").arg(&table);
        let running = export.stdin_from(OwnedFd::from(reader)).start();
        eventually("it has begun", || is_being_written(&dir));
        running.signal(signal);
        // It looks when records come, and they come for as long as it takes them.
        let records = record(0, "a", "").repeat(1_000);
        while writer.write_all(records.as_bytes()).is_ok() {}
        running.finish().expect_exit(130);
        assert_eq!(fs::read_to_string(&table).unwrap(), "old\n");
        assert!(!is_being_written(&dir), "{signal}");
    }
}

#[test]
fn under_nohup_an_export_outlives_its_terminal() {
    let dir = Dir::new();
    let mut running = gaits("export - --columns item -o")
        .arg(dir.at("table.csv"))
        .started_by(&["nohup".as_ref()])
        .stdin_open()
        .start();
    eventually("it has begun", || is_being_written(&dir));
    running.signal(Signal::SIGHUP);
    running.say(&record(0, "a", ""));
    running.finish().expect_exit(0);
    assert_eq!(fs::read_to_string(dir.at("table.csv")).unwrap(), "item\na\n");
}

#[test]
fn what_a_killed_export_has_left_goes_with_the_next_table_and_what_others_write_stays() {
    let (origin, dir) = (Origin::start(Config::default()).unwrap(), Dir::new());
    let table = dir.at("table.csv");
    let start = || gaits("export - --columns item -o").arg(&table).stdin_open().start();
    let half = || half_written(&dir);
    for make in [&|| gaits("export --columns item -o").arg(&table).arg(results(&dir)), &|| {
        gaits("fetch --format csv -o").arg(&table).arg(origin.url("/uuid"))
    }] as [&dyn Fn() -> Gaits; 2]
    {
        let killed = start();
        eventually("it has begun", || half() == 1);
        killed.signal(Signal::SIGKILL);
        killed.finish().expect_killed_by(Signal::SIGKILL);
        assert_eq!(half(), 1);
        make().run().expect_exit(0);
        assert_eq!(half(), 0);
        fs::remove_file(&table).unwrap();
    }
    let mut slow = start();
    eventually("it has begun", || half() == 1);
    export(&results(&dir), &format!("-o {}", table.display())).expect_exit(0);
    assert_eq!(half(), 1);
    slow.say(&record(0, "slow", ""));
    slow.finish().expect_exit(0);
    assert_eq!(fs::read_to_string(&table).unwrap(), "item\nslow\n");
}

#[test]
fn a_long_file_gives_the_rows_that_a_stream_gives() {
    let dir = Dir::new();
    let texts = ["a", "b, c", "d \\\"e\\\"", "é\\n", "=1+1"];
    let mut lines: Vec<String> = (0..60_000)
        .map(|index| {
            let text = texts[index % texts.len()];
            record(index as u64, text, &format!(r#","extract":{{"text":"{text}","n":{index}}}"#))
        })
        .collect();
    assert!(lines.concat().len() > 9 << 20);
    let columns = "--columns index,item,text,n,none";
    let both = |lines: &[String], words: &str| {
        let file = dir.file("long.jsonl", lines.concat());
        let stream = gaits("export -").args(words.split_whitespace()).stdin(lines.concat());
        [export(&file, words), stream.run()]
    };
    for form in ["csv", "csv --excel --failed", "tsv --ok", "jsonl"] {
        let [file, stream] = both(&lines, &format!("{columns} --to {form}"));
        assert!(file.stdout == stream.stdout, "{form}");
        assert_eq!(file.stderr, stream.stderr);
        assert!(
            file.expect_exit(0).stdout.lines().count()
                >= if form.contains("failed") { 1 } else { 60_000 }
        );
    }
    // Columns that are looked for first, in all of the file and behind its last whole line.
    let late = record(7, "a", r#","extract":{"late":1}"#);
    lines.push(late.trim_end().to_owned());
    let found = export(&dir.file("long.jsonl", lines.concat()), "").expect_exit(0).stdout;
    let head = found.lines().next().unwrap();
    assert!(head.ends_with(",text,n,late"), "{head}");
    let [_, stream] = both(&lines, &format!("--columns {head}"));
    assert!(found == stream.stdout);
    lines.pop();
    // What is behind the last whole line.
    for end in [r#"{"index":7,"it"#, lines[7].clone().trim_end()] {
        lines.push(end.to_owned());
        let [file, stream] = both(&lines, columns);
        assert!(file.stdout == stream.stdout, "{end}");
        let long = dir.at("long.jsonl").display().to_string();
        assert_eq!(file.stderr.replace(&long, "standard input"), stream.stderr);
        lines.pop();
    }
    // More fields than columns, spread over the file: the line is told in which there is one too many.
    let mut many = lines.clone();
    for (number, line) in many.iter_mut().step_by(10).enumerate().take(5_000) {
        *line = record(7, "a", &format!(r#","extract":{{"f{number}":1}}"#));
    }
    let many = export(&dir.file("long.jsonl", many.concat()), "").expect_exit(2);
    // Of the 4,096, two are those of all other lines, which come first.
    many.expect_stderr_contains(":40941: there are more than 4096 extracted fields");
    // What is no record behind the last whole line.
    let end = lines.concat() + "nonsense";
    let end = export(&dir.file("long.jsonl", end), "").expect_exit(2);
    end.expect_stderr_contains(":60001: this is no JSON object");
    // A long line that is no record, and of which only the beginning is read.
    let whole = lines.concat() + "[" + &"x".repeat(3 << 20) + "]\n" + &lines[0];
    let whole = export(&dir.file("long.jsonl", whole), "").expect_exit(2);
    whole.expect_stderr_contains(":60001: this is no JSON object");
    lines[50_000] = "{\"index\":1}\n".to_owned();
    lines[55_000] = "nonsense\n".to_owned();
    for end in both(&lines, columns) {
        end.expect_exit(2).expect_stderr_contains(":50001: missing field `item`");
    }
}
