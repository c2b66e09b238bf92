//! `docs/recipes.md`: its very commands are run, with the test's server in the place of the page's.

use crate::harness::{Dir, PROXY_VARIABLES, gaits, parse_file};
use crate::readers;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/recipes.md");

/// The page's server.
const SERVER: &str = "http://localhost:8080";

/// A fenced block of the page: its language and its text.
type Block = (String, String);

/// The recipes: their titles and their blocks.
fn recipes() -> Vec<(String, Vec<Block>)> {
    let page = fs::read_to_string(PAGE).unwrap();
    let mut recipes: Vec<(String, Vec<Block>)> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            recipes.push((title.to_owned(), Vec::new()));
        } else if let Some(language) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if let Some((_, blocks)) = recipes.last_mut() {
                blocks.push((language.to_owned(), text.join("\n")));
            }
        }
    }
    recipes
}

/// Runs a recipe in a folder of its own; gives the folder, and what each block has said.
fn run(title: &str) -> (Dir, Vec<String>) {
    let recipes = recipes();
    let (_, blocks) = recipes.iter().find(|(known, _)| known == title).expect("it is on the page");
    let (dir, origin) = (Dir::new(), gaits("origin -q --port 0").start());
    let server = origin.wait_for_lines(1)[0].clone();
    let said = blocks.iter().filter(|(language, text)| can_run(language, text));
    let said = said.map(|(language, text)| {
        let output = run_block(language, &text.replace(SERVER, &server), dir.path());
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        assert!(output.status.success(), "{title}: {text}\n{out}\n{err}");
        out.into_owned()
    });
    let said = said.collect();
    (dir, said)
}

/// Whether what runs the block is installed.
fn can_run(language: &str, text: &str) -> bool {
    if language == "sh" {
        return !text.starts_with("jq ") || readers::has_command("jq");
    }
    let module = text.lines().next().and_then(|line| line.strip_prefix("import "));
    let module = module.expect("it begins with the import of what reads");
    readers::has_module(module) && (module != "pandas" || readers::has_module("pyarrow"))
}

fn run_block(language: &str, text: &str, dir: &Path) -> Output {
    let (program, options) = match language {
        "sh" => ("bash", &["-euo", "pipefail", "-c"][..]),
        "python" => ("python3", &["-c"][..]),
        other => panic!("no block of {other} is run"),
    };
    let binaries = Path::new(env!("CARGO_BIN_EXE_gaits")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command.args(options).arg(text).current_dir(dir).env("PATH", path);
    for name in PROXY_VARIABLES {
        command.env_remove(name);
    }
    command.output().unwrap()
}

#[test]
fn every_recipe_has_a_test() {
    let test = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/recipes.rs"));
    let test = test.unwrap();
    for (title, blocks) in recipes() {
        assert!(test.contains(&format!("run(\"{title}\")")), "{title} has no test");
        assert!(!blocks.is_empty(), "{title} has no commands");
    }
}

/// Somebody who pastes them all pastes them into one folder.
#[test]
fn no_two_recipes_write_the_same_file() {
    let mut writers: BTreeMap<String, String> = BTreeMap::new();
    for (title, blocks) in recipes() {
        for (_, text) in blocks.iter().filter(|(language, _)| language == "sh") {
            let words: Vec<&str> = text.split_whitespace().collect();
            for file in words.windows(2).filter(|two| two[0] == "-o").map(|two| two[1]) {
                let first = writers.entry(file.to_owned()).or_insert_with(|| title.clone());
                assert_eq!(*first, title, "both write {file}");
            }
        }
    }
    assert!(writers.len() > 5, "{writers:?}");
}

#[test]
fn an_api_with_a_key_and_a_limit() {
    let (dir, _) = run("An API with a key and a limit");
    parse_file(&dir.at("answers.jsonl")).expect_all_ok(40);
    for file in fs::read_dir(dir.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("abc123"), "{}", path.display());
    }
}

#[test]
fn a_csv_of_product_pages() {
    let (dir, _) = run("A CSV of product pages");
    let text = fs::read_to_string(dir.at("pages.csv")).unwrap();
    let mut rows: Vec<&str> = text.lines().collect();
    rows[1..].sort_unstable();
    let wanted = [
        "index,input.id,status,asked",
        "0,17,200,blue chair",
        "1,18,200,\"lamp, 40 W\"",
        "2,19,200,desk & drawer",
    ];
    assert_eq!(rows, wanted);
}

#[test]
fn a_paginated_api() {
    let (dir, _) = run("A paginated API");
    let text = fs::read_to_string(dir.at("elements.csv")).unwrap();
    let rows: Vec<String> = (1..=95).map(|id| format!("{id},element {id}")).collect();
    let mut lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.remove(0), "id,name");
    assert_eq!(lines, rows);
    assert_eq!(parse_file(&dir.at("elements.csv.jsonl")).len(), 5);
}

#[test]
fn a_sitemap() {
    let (dir, _) = run("A sitemap");
    parse_file(&dir.at("pages.jsonl")).expect_all_ok(20);
}

#[test]
fn upload_a_folder() {
    let (dir, _) = run("Upload a folder");
    let results = dir.at("uploaded.jsonl");
    parse_file(&results).expect_all_ok(2);
    let text = fs::read_to_string(results).unwrap();
    for received in [r#""received":"one\n""#, r#""received":"two\n""#] {
        assert!(text.contains(received), "{text}");
    }
}

#[test]
fn failed_ones_again_tomorrow() {
    let (dir, said) = run("Failed ones again tomorrow");
    assert!(said[0].starts_with("exit code 1\n"), "{said:?}");
    assert!(said[0].contains("/status/503,http_status,"), "{said:?}");
    let records = parse_file(&dir.at("checked.jsonl")).expect_items(3);
    let attempts = |index| records.iter().find(|record| record.index == index).unwrap().attempts;
    assert_eq!([0, 1, 2].map(attempts), [1, 1, 2], "only the failed one was done again");
}

#[test]
fn a_nightly_job_that_survives_a_crash() {
    let (dir, said) = run("A nightly job that survives a crash");
    assert_eq!(said, ["killed\n"]);
    let files = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap());
    let names = files.map(|file| file.file_name().into_string().unwrap());
    let is_of_a_day =
        |name: &String| name.replace(|c: char| c.is_ascii_digit(), "0") == "night-0000-00-00.jsonl";
    let mut results: Vec<_> = names.filter(is_of_a_day).collect();
    results.sort_unstable();
    // There are two where midnight has come between two starts.
    let last = results.last().expect("each night has a file of its own");
    parse_file(&dir.at(last)).expect_all_ok(150);
}

#[test]
fn a_list_shared_by_three_machines() {
    let (dir, _) = run("A list shared by three machines");
    parse_file(&dir.at("all.jsonl")).expect_all_ok(60);
    assert_eq!(fs::read_to_string(dir.at("all.csv")).unwrap().lines().count(), 61);
}

#[test]
fn results_in_other_programs() {
    let (_dir, said) = run("Results in pandas, Polars, DuckDB and jq");
    for sum in said[1..].iter().flat_map(|text| text.lines()) {
        assert_eq!(sum, "145", "{said:?}");
    }
}
