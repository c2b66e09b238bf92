//! Which crate may use which.

use crate::root;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::BTreeSet;

/// Every crate of the workspace, with those of the workspace that it may use.
const TABLE: &[(&str, &[&str])] = &[
    ("gaits", &["gaits-core", "gaits-engine", "gaits-report", "gaits-work"]),
    (
        "gaits-cli",
        &["gaits", "gaits-core", "gaits-engine", "gaits-origin", "gaits-report", "gaits-work"],
    ),
    ("gaits-core", &[]),
    ("gaits-engine", &["gaits-core"]),
    ("gaits-origin", &[]),
    ("gaits-report", &["gaits-core"]),
    ("gaits-work", &["gaits-core"]),
];

/// What the tests of these crates may use as well.
const FOR_TESTS: &[(&str, &str)] = &[
    ("gaits", "gaits-origin"),
    ("gaits-engine", "gaits-origin"),
    ("gaits-report", "gaits-origin"),
    ("gaits-work", "gaits-origin"),
];

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
    assert_eq!(names, TABLE.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

#[test]
fn a_crate_uses_only_those_that_the_table_lets_it_use() {
    let metadata = metadata();
    for (name, may) in TABLE {
        let package = package(&metadata, name);
        for used in of_workspace(&used(package, false)) {
            assert!(may.contains(&used), "{name} uses {used}");
        }
        for used in of_workspace(&used(package, true)) {
            let allowed = may.contains(&used) || FOR_TESTS.contains(&(name, used));
            assert!(allowed, "the tests of {name} use {used}");
        }
    }
}

#[test]
fn the_core_uses_serde_and_nothing_else() {
    let metadata = metadata();
    let core = package(&metadata, "gaits-core");
    assert_eq!(used(core, false).into_iter().collect::<Vec<_>>(), ["serde"]);
}

#[test]
fn only_the_command_reads_arguments_draws_and_listens_to_signals() {
    let metadata = metadata();
    for (name, _) in TABLE.iter().filter(|(name, _)| *name != "gaits-cli") {
        let used = used(package(&metadata, name), false);
        for other in ["anyhow", "clap", "indicatif", "signal-hook"] {
            assert!(!used.contains(other), "{name} uses {other}");
        }
    }
}
