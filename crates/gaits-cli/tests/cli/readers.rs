//! What other programs read in the tables of `gaits export`. A program that is not installed is passed over, and that is said.

use crate::harness::{Dir, gaits};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/readers.py");

/// Whether Python can import `module`; if not, that is said.
pub(crate) fn has_module(module: &str) -> bool {
    runs("python3", &["-c", &format!("import {module}")], &format!("python3 has no {module}"))
}

/// Whether there is such a command; if not, that is said.
pub(crate) fn has_command(name: &str) -> bool {
    runs(name, &["--version"], &format!("there is no {name}"))
}

fn runs(program: &str, words: &[&str], otherwise: &str) -> bool {
    let output = Command::new(program).args(words).output();
    let runs = output.is_ok_and(|output| output.status.success());
    if !runs {
        // On standard error, past what the harness holds back of a test that goes well.
        std::io::stderr().write_all(format!("passed over: {otherwise}\n").as_bytes()).unwrap();
    }
    runs
}

fn tables() -> (Dir, Value) {
    let rows = json!([
        {"index": 0, "item": "http://h/a,b", "n": 1, "price": 1.5, "yes": true, "name": "Ünï \"x\",\nand more"},
        {"index": 1, "item": "http://h/b", "n": -7, "price": 2.0, "yes": false, "name": "tab\tand 'quote'"},
        {"index": 2, "item": "http://h/c", "n": 9_007_199_254_740_993_i64, "price": null, "yes": true, "name": null},
    ]);
    let lines = rows.as_array().unwrap().iter().map(|row| {
        let mut extract = row.as_object().unwrap().clone();
        let (index, item) = (extract.remove("index"), extract.remove("item"));
        let record = json!({"index": index, "item": item, "outcome": "ok", "attempts": 1, "extract": extract});
        format!("{record}\n")
    });
    let dir = Dir::new();
    let results = dir.file("results.jsonl", lines.collect::<String>());
    for form in ["csv", "tsv", "parquet"] {
        let table = dir.at(&format!("table.{form}"));
        let export = gaits("export -q --columns index,item,n,price,yes,name -o").arg(table);
        export.arg(&results).run().expect_exit(0);
    }
    (dir, rows)
}

fn read_by(reader: &str) {
    if !has_module(reader) || reader == "pandas" && !has_module("pyarrow") {
        return;
    }
    let (dir, rows) = tables();
    let output = Command::new("python3").arg(SCRIPT).arg(reader).arg(dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let read: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    for (form, read) in ["csv", "tsv", "parquet"].iter().zip(read) {
        assert_eq!(read, rows, "{reader} reads {form}");
    }
}

#[test]
fn pandas_reads_the_tables() {
    read_by("pandas");
}

#[test]
fn polars_reads_the_tables() {
    read_by("polars");
}

#[test]
fn duckdb_reads_the_tables() {
    read_by("duckdb");
}

#[test]
fn pyarrow_reads_the_tables() {
    read_by("pyarrow");
}
