//! Which module of a crate may use which.

use crate::modules::{Modules, Use, between_children, circle};
use crate::src;
use std::collections::BTreeSet;

/// The modules of the engine, each above those that it may use.
const ENGINE: &[&str] = &[
    "run", "dispatch", "exec", "pace", "works", "flow", "plan", "progress", "source", "sink",
    "journal", "clock",
];

const CRATES: &[&str] = &[
    "gaits",
    "gaits-cli",
    "gaits-core",
    "gaits-engine",
    "gaits-origin",
    "gaits-report",
    "gaits-work",
];

#[test]
fn no_modules_of_a_crate_use_each_other_in_a_circle() {
    let mut found = Vec::new();
    for name in CRATES {
        let modules = Modules::read(&src(name));
        let uses = modules.uses();
        for folder in modules.folders() {
            let edges = between_children(&folder, &uses);
            let circle = circle(&edges);
            let folder = folder.join("::");
            if let Some(circle) = circle {
                let uses: Vec<_> = circle.iter().map(ToString::to_string).collect();
                found.push(format!("in {name} {folder}: {}", uses.join(", ")));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_root_of_a_crate_defines_nothing_that_its_modules_use() {
    for name in CRATES {
        let uses = Modules::read(&src(name)).uses();
        let of_root: Vec<_> = uses.iter().filter(|Use { used, .. }| used.is_empty()).collect();
        assert!(of_root.is_empty(), "in {name}: {of_root:?}");
    }
}

#[test]
fn no_module_of_the_engine_uses_one_that_stands_above_it() {
    let modules = Modules::read(&src("gaits-engine"));
    let edges = between_children(&[], &modules.uses());
    let place = |module: &String| ENGINE.iter().position(|known| known == module);
    let up: Vec<_> = edges.iter().filter(|((from, to), _)| place(from) >= place(to)).collect();
    assert!(up.is_empty(), "{up:?}");
}

#[test]
fn every_module_of_the_engine_has_its_place() {
    let modules = Modules::read(&src("gaits-engine"));
    let known: BTreeSet<_> = ENGINE.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(modules.children(&[]), known);
}

#[test]
fn sources_and_sinks_know_nothing_of_executors_and_of_the_dispatcher() {
    let uses = Modules::read(&src("gaits-engine")).uses();
    let below = |module: &[String], name: &str| module.first().is_some_and(|first| first == name);
    for Use { user, used } in &uses {
        if below(user, "source") || below(user, "sink") {
            assert!(!below(used, "exec") && !below(used, "dispatch"), "{user:?} uses {used:?}");
        }
    }
}

#[test]
fn a_circle_through_imports_re_exports_code_and_macros_is_found() {
    let scratch = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = scratch.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let found = || {
        let uses = Modules::read(scratch.path()).uses();
        let edges = between_children(&[], &uses);
        circle(&edges).map(|uses| uses.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    // What the root re-exports belongs to the module that defines it; documentation and tests do not count.
    write("lib.rs", "mod a; mod b; mod c; pub use b::deep::Thing as Renamed;");
    write("a.rs", "use crate::Renamed;");
    write("b/mod.rs", "pub mod deep; #[cfg(test)] mod tests { use crate::a::f; }");
    write("b/deep.rs", "/// [`crate::a`]\npub struct Thing;");
    write("c.rs", "pub fn g() {}");
    assert_eq!(found(), None);

    // One circle in a macro and a group of imports, one in plain code.
    write("b/deep.rs", "pub struct Thing; fn h() { println!(\"{}\", [crate::c::g()]); }");
    assert_eq!(found(), None);
    write("c.rs", "use super::{a::{self as other, f}}; pub fn g() {}");
    assert_eq!(found().unwrap(), ["a uses b::deep", "b::deep uses c", "c uses a"]);
    write("b/deep.rs", "pub struct Thing;");
    write("a.rs", "fn f() { super::c::g(); }");
    assert_eq!(found().unwrap(), ["a uses c", "c uses a"]);
}
