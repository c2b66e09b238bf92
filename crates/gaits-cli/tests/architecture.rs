//! Which crate may use which, and which room of the engine may know of which: the tables of `docs/design/`, kept true.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn metadata() -> Metadata {
    // What the manifests say; no registry is asked.
    MetadataCommand::new().current_dir(root()).no_deps().exec().unwrap()
}

fn package<'a>(metadata: &'a Metadata, name: &str) -> &'a Package {
    metadata.workspace_packages().into_iter().find(|package| *package.name == name).unwrap()
}

/// What a crate depends on: to be built, or for its tests as well.
fn used(package: &Package, tests: bool) -> BTreeSet<&str> {
    let counts = |kind| tests || kind != DependencyKind::Development;
    let dependencies = package.dependencies.iter();
    dependencies.filter(|used| counts(used.kind)).map(|used| used.name.as_str()).collect()
}

fn of_workspace<'a>(used: &BTreeSet<&'a str>) -> Vec<&'a str> {
    used.iter().copied().filter(|name| name.starts_with("gaits")).collect()
}

#[test]
fn the_workspace_has_these_crates() {
    let metadata = metadata();
    let mut names: Vec<_> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    names.sort();
    assert_eq!(
        names,
        ["gaits-cli", "gaits-core", "gaits-engine", "gaits-origin", "gaits-report", "gaits-work"]
    );
}

#[test]
fn the_core_uses_serde_and_nothing_else() {
    let metadata = metadata();
    let core = package(&metadata, "gaits-core");
    assert_eq!(used(core, false).into_iter().collect::<Vec<_>>(), ["serde"]);
    assert_eq!(of_workspace(&used(core, true)), [""; 0]);
}

#[test]
fn the_origin_uses_no_crate_of_the_workspace() {
    let metadata = metadata();
    assert_eq!(of_workspace(&used(package(&metadata, "gaits-origin"), true)), [""; 0]);
}

#[test]
fn work_engine_and_report_use_the_core_and_never_each_other() {
    let metadata = metadata();
    for name in ["gaits-work", "gaits-engine", "gaits-report"] {
        let package = package(&metadata, name);
        assert_eq!(of_workspace(&used(package, false)), ["gaits-core"], "{name}");
        let tests = of_workspace(&used(package, true));
        let allowed = ["gaits-core", "gaits-origin"];
        assert!(tests.iter().all(|used| allowed.contains(used)), "{name}: {tests:?}");
    }
}

#[test]
fn the_command_uses_them_all() {
    let metadata = metadata();
    let used = used(package(&metadata, "gaits-cli"), false);
    assert_eq!(
        of_workspace(&used),
        ["gaits-core", "gaits-engine", "gaits-origin", "gaits-report", "gaits-work"]
    );
}

/// All files below `dir` with one of these endings.
fn files(dir: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                found.extend(files(&path, endings));
            }
        } else if path.extension().is_some_and(|end| endings.iter().any(|wanted| end == *wanted)) {
            found.push(path);
        }
    }
    found
}

/// The names in a piece of code.
fn names(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
}

#[test]
fn sources_and_sinks_know_nothing_of_executors_and_of_the_dispatcher() {
    let engine = root().join("crates/gaits-engine/src");
    for room in ["source", "sink"] {
        let files = files(&engine.join(room), &["rs"]);
        assert!(!files.is_empty(), "{room} is not where it was");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let code: Vec<_> = text.lines().filter_map(|line| line.split("//").next()).collect();
            let code = code.join("\n");
            let imports = code.split("use ").skip(1).filter_map(|rest| rest.split(';').next());
            let named: Vec<_> = imports.flat_map(names).collect();
            for other in ["exec", "dispatch"] {
                let file = file.display();
                assert!(!named.contains(&other), "{file} imports {other}");
                assert!(!code.contains(&format!("crate::{other}")), "{file} names {other}");
            }
        }
    }
}

#[test]
fn the_libraries_print_nothing() {
    for name in ["gaits-core", "gaits-work", "gaits-engine", "gaits-report"] {
        for file in files(&root().join("crates").join(name).join("src"), &["rs"]) {
            if file.ends_with("processes/worker_main.rs") {
                // A process of its own, whose standard error is passed on.
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
