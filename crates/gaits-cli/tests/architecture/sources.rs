//! What the sources must not hold.

use crate::{files, root, src};
use std::fs;

#[test]
fn the_libraries_print_nothing() {
    // A worker process, whose standard error is passed on; and records and their tables go to standard output if that is
    // asked for.
    let may = ["processes/worker_main.rs", "gaits/src/output.rs", "gaits/src/export/output.rs"];
    for name in ["gaits", "gaits-core", "gaits-work", "gaits-engine", "gaits-report"] {
        for file in files(&src(name), &["rs"]) {
            if may.iter().any(|may| file.ends_with(may)) {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap();
            for stream in ["stdout()", "stderr()"] {
                assert!(!text.contains(&format!("io::{stream}")), "{} prints", file.display());
            }
        }
    }
}

#[test]
fn nothing_names_a_path_of_one_machine() {
    let root = root();
    let mut all = files(&root.join("crates"), &["rs", "toml", "md"]);
    all.extend(files(&root.join("docs"), &["md", "sh", "py"]));
    all.extend(
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Cargo.toml"].map(|f| root.join(f)),
    );
    let here = root.to_str().unwrap().to_owned();
    // Put together, so that this file does not name them.
    let homes = ["home", "root", "Users", "work"].map(|dir| format!("/{dir}/"));
    for file in all.iter().filter(|file| file.is_file()) {
        let text = fs::read_to_string(file).unwrap();
        for (line, number) in text.lines().zip(1..) {
            let named = homes.iter().any(|home| {
                line.match_indices(home).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    before.is_none_or(|c| c.is_whitespace() || "\"'`(=".contains(c))
                })
            });
            assert!(!named && !line.contains(&here), "{}:{number}: {line}", file.display());
        }
    }
}

/// What programs have printed, in the order in which a page shows it. Commands with remarks beside them are left out: they are in
/// the page's language.
fn outputs(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let blocks = text.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| !block.contains("  # ")).map(str::to_owned).collect()
}

#[test]
fn pages_in_two_languages_show_the_same_output() {
    for (english, korean) in
        [("README.md", "README.ko.md"), ("docs/walkthrough.md", "docs/walkthrough.ko.md")]
    {
        let (english, korean) = (outputs(english), outputs(korean));
        assert!(english.len() >= 2, "there is something to compare");
        for (one, other) in english.iter().zip(&korean) {
            assert_eq!(one, other);
        }
        assert_eq!(english.len(), korean.len());
    }
}
