//! Pages: what is written to the file of `--html`. How they look in a browser is tested in `page/test`.

use crate::harness::{Dir, gaits};
use gaits_origin::{Config, Origin};
use serde_json::Value;
use std::path::Path;

/// What the script in a page is told.
fn data(page: &Path) -> Value {
    let html = std::fs::read_to_string(page).unwrap();
    let (_, rest) = html.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn a_results_file_becomes_a_page_beside_its_summary() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    run("run wait 0 0.001 0 -m threads:2 -o r.jsonl").expect_exit(0);
    let plain = run("report r.jsonl").expect_exit(0);
    let with_page = run("report r.jsonl --html page.html").expect_exit(0);
    assert_eq!(with_page.stdout, plain.stdout);
    with_page.expect_stderr_contains("gaits: wrote the page page.html");
    let page = data(&dir.at("page.html"));
    assert_eq!(page["run_by"], "gaits run wait --model threads:2 --output r.jsonl", "{page}");
    let view = &page["views"][0];
    assert_eq!((&view["kind"], &view["summary"]["items"]), (&"run".into(), &3.into()));
    let about = &view["runs"][0]["about"];
    assert_eq!((&about["counts"]["records"], &about["drawn"]), (&3.into(), &3.into()), "{about}");
}

#[test]
fn runs_that_went_on_with_a_file_are_drawn_one_behind_the_other() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run().expect_exit(0);
    run("run wait --for 5ms --count 2 -m async:2 -o r.jsonl");
    run("run wait --for 5ms --count 4 -m processes:2 -o r.jsonl");
    run("report r.jsonl --html page.html");
    let about = data(&dir.at("page.html"))["views"][0]["runs"][0]["about"].clone();
    let [first, second] = &about["offsets_us"].as_array().unwrap()[..] else { panic!("{about}") };
    assert!(first == 0 && second.as_u64() >= Some(5_000), "{about}");
    assert!(about["end_us"].as_u64() >= second.as_u64().map(|us| us + 5_000), "{about}");
    let runs: Vec<_> =
        about["lanes"].as_array().unwrap().iter().map(|lane| lane[0].clone()).collect();
    assert_eq!(runs.iter().filter(|run| **run == 0).count(), 2, "{about}");
}

#[test]
fn a_race_leaves_a_page_and_nothing_else() {
    let (dir, temporary) = (Dir::new(), Dir::new());
    let command = "compare wait --for 2ms --count 6 -m sequential,threads:2/async:2 --rounds 2 --html race.html";
    let scratch: &'static str = temporary.path().to_str().unwrap().to_owned().leak();
    let end = gaits(command).dir(dir.path()).env("TMPDIR", scratch).run().expect_exit(0);
    end.expect_stderr_contains("gaits: wrote the page race.html");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let page = data(&dir.at("race.html"));
    assert_eq!(page["notices"], serde_json::json!([]), "{page}");
    let command = page["command"].as_str().unwrap();
    let view = &page["views"][0];
    let seed = &view["comparison"]["seed"];
    let wanted = format!("gaits compare --seed {seed} wait --for 2ms");
    assert!(command.starts_with(&wanted), "{command}");
    let runs = view["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2, "{page}");
    for run in runs {
        assert_eq!(run["about"]["counts"]["records"], 6, "{run}");
        assert!([1, 2].map(Value::from).contains(&run["round"]), "{run}");
    }
}

#[test]
fn a_page_that_can_not_be_written_is_refused_before_anything_is_done() {
    let dir = Dir::new();
    let origin = Origin::start(Config::default()).unwrap();
    let race = format!("compare {} --rounds 1 --html", origin.url("/uuid"));
    for (file, why) in [("no/page.html", "there is no folder no"), (".", "is a folder")] {
        gaits(&race).arg(file).dir(dir.path()).run().expect_refused(why);
    }
    assert_eq!(origin.requests(), 0);
    dir.file("foreign.jsonl", "{\"some\": \"thing\"}\n");
    let report = gaits("report foreign.jsonl --html page.html").dir(dir.path()).run();
    report.expect_refused("foreign.jsonl:1: ");
    assert!(!dir.at("page.html").exists());
    gaits("report a --against b --html page.html")
        .dir(dir.path())
        .run()
        .expect_refused("--against");
}

#[test]
fn secrets_do_not_get_into_a_page() {
    let dir = Dir::new();
    let origin = Origin::start(Config::default()).unwrap();
    let url = origin.url("/uuid").replace("http://", "http://me:hunter2@");
    let race = format!("compare {url} -n 2 --rounds 1 -m sequential --html page.html");
    let secret = ["-H", "Authorization: Bearer hunter2"];
    gaits(&race).args(secret).dir(dir.path()).run().expect_exit(0);
    let html = std::fs::read_to_string(dir.at("page.html")).unwrap();
    assert!(!html.contains("hunter2"));
    assert!(data(&dir.at("page.html"))["command"].as_str().unwrap().contains("Authorization: ***"));
}

#[test]
fn a_page_or_a_picture_on_standard_output_takes_the_place_of_the_table() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    let race = "compare wait --for 2ms --count 6 -m sequential,async:6 --rounds 2 --save saved";
    let page = run(&format!("{race} --html -")).expect_exit(0);
    assert!(page.stdout.starts_with("<!doctype html>"), "{page:?}");
    assert!(page.stdout.trim_end().ends_with("</html>"), "{page:?}");
    assert!(!page.stderr.contains("wrote the page"), "{page:?}");
    for command in ["report saved --html -", "sweep --from points.csv --html -"] {
        std::fs::write(dir.at("points.csv"), "n,x\n1,10\n2,19\n4,35\n8,50\n").unwrap();
        let page = run(command).expect_exit(0);
        assert!(page.stdout.starts_with("<!doctype html>"), "{command}: {page:?}");
        assert!(page.stdout.trim_end().ends_with("</html>"), "{command}: {page:?}");
    }
    let picture = run("report saved --svg -").expect_exit(0);
    let document = roxmltree::Document::parse(&picture.stdout).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "svg");
    // One of them, and the other in a file.
    let both = run("report saved --svg - --html page.html").expect_exit(0);
    assert_eq!(both.stdout, picture.stdout);
    assert_eq!(data(&dir.at("page.html"))["format"], 2);
    assert!(!dir.at("-").exists());
}

#[test]
fn two_things_on_standard_output_are_refused_before_anything_is_done() {
    let dir = Dir::new();
    let origin = Origin::start(Config::default()).unwrap();
    let compare = format!("compare {} -n 2 --rounds 1", origin.url("/uuid"));
    let sweep = format!("sweep http {} --workers 1,2", origin.url("/uuid"));
    for (command, option, other) in [
        (format!("{compare} --html - --svg -"), "--html", "--svg -"),
        (format!("{compare} --html - --json"), "--html", "--json"),
        (format!("{compare} --svg - --markdown"), "--svg", "--markdown"),
        (format!("{compare} --svg - --timeline"), "--svg", "--timeline"),
        (format!("{sweep} --html - --json"), "--html", "--json"),
        ("report r.jsonl --html - --svg -".to_owned(), "--html", "--svg -"),
        ("report r.jsonl --html - --timeline".to_owned(), "--html", "--timeline"),
    ] {
        gaits(&command).dir(dir.path()).run().expect_refused(&format!(
            "{option} - and {other} both write to standard output: give {option} a file"
        ));
    }
    assert_eq!(origin.requests(), 0);
}
