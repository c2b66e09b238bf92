//! `--svg` and `--timeline`: what they draw, where, and what happens to what can't be drawn.

use crate::harness::{Dir, eventually, gaits};
use std::fs;
use std::path::Path;

/// Of a file that a picture was written to, what it says.
fn svg(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "svg");
    text
}

/// The names of the files in a folder.
fn names(dir: &Path) -> Vec<String> {
    let all = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = all.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_race_is_drawn_and_its_records_are_left_nowhere() {
    let dir = Dir::new();
    fs::create_dir(dir.path().join("tmp")).unwrap();
    let command = "compare wait --for 40ms --count 6 -m sequential,async:6 --rounds 6 --timeline";
    let end = gaits(command)
        .args(["--svg", "race.svg", "--program", "sleep 0.6", "--name", "nap"])
        .env("TMPDIR", "tmp")
        .dir(dir.path())
        .run()
        .expect_exit(0)
        .expect_stderr_contains("gaits: wrote the picture race.svg");
    let drawn = svg(&dir.path().join("race.svg"));
    for text in
        [">sequential<", ">slot 5<", ">one at a time<", ">nap<", ">the process<", " 6 items "]
    {
        assert!(drawn.contains(text), "{text}: {drawn}");
    }
    // Each of the workers has waited, and the legend says so.
    assert_eq!(drawn.matches("class=\"bars w\"").count(), 6 + 1 + 1, "{drawn}");
    assert!(!end.stdout.contains('\u{1b}'), "{end:?}");
    for line in
        ["\nasync:6  ", "\n  slot 5", "\nnap  ", "\n  the process", "\n  one at a time  ", "|0 "]
    {
        assert!(end.stdout.contains(line), "{line}: {end:?}");
    }
    end.expect_stdout_contains("w W waiting").expect_stdout_contains("= a whole program");
    assert_eq!(names(&dir.path().join("tmp")), [""; 0]);
    assert_eq!(names(dir.path()), ["race.svg", "tmp"]);
}

#[test]
fn saved_races_are_drawn_again_and_without_records_only_the_race() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    let race = "compare wait --for 5ms --count 6 -m sequential,async:6 --rounds 6 -q --save saved";
    run(&format!("{race} --svg one.svg")).expect_exit(0).expect_stderr("");
    run("report saved --svg two.svg").expect_exit(0).expect_stdout_contains("async:6");
    let (one, two) = (svg(&dir.path().join("one.svg")), svg(&dir.path().join("two.svg")));
    assert_eq!(one, two);
    let race = run("report saved --json").expect_exit(0).json();
    // It begins with a capital letter, where it does not begin with a name.
    let verdict = &race["verdict"]["sentence"].as_str().unwrap()[1..];
    let title = one.split("</title>").next().unwrap();
    assert!(title.ends_with(&format!("{verdict}.")), "{verdict}: {title}");
    run("report saved --timeline").expect_exit(0).expect_stdout_contains("\n  one at a time  ");
    let records = dir.path().join("saved/records/1");
    for name in names(&records).iter().filter(|name| name.starts_with("async")) {
        let path = records.join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, &text[..text.len() - 40]).unwrap();
    }
    run("report saved --svg three.svg").expect_exit(0).expect_stderr_contains(
        "the items of async:6 are not drawn: there are 5 records of 6 items",
    );
    assert!(
        svg(&dir.path().join("three.svg")).contains(">its records are not there, or not whole<")
    );
    fs::remove_dir_all(records).unwrap();
    let end = run("report saved --svg four.svg --timeline").expect_exit(0);
    end.expect_stdout_contains("not drawn: can't read ");
    assert!(svg(&dir.path().join("four.svg")).contains(">The race<"));
}

#[test]
fn a_results_file_is_drawn_with_all_its_runs_and_failures() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    dir.file("two.txt", "http://127.0.0.1:9/\nhttp://127.0.0.1:9/b\n");
    run("fetch -i two.txt -o r.jsonl -q --retries 0 -m sequential").expect_exit(1);
    let more = fs::read_to_string(dir.path().join("two.txt")).unwrap() + "http://127.0.0.1:9/c\n";
    dir.file("two.txt", more);
    run("fetch -i two.txt -o r.jsonl -q --retries 0 -m sequential").expect_exit(1);
    let end = run("report r.jsonl --svg r.svg --timeline").expect_exit(0);
    end.expect_stdout_contains("0 of 3 ok, 3 failed").expect_stdout_contains("x failed");
    let drawn = svg(&dir.path().join("r.svg"));
    assert!(drawn.contains(">r.jsonl<") && drawn.contains("class=\"cross\""), "{drawn}");
    assert!(drawn.contains("3 items · 3 failed"), "{drawn}");
    // Both runs are the work of one worker at a time: in the numbers, and beside its lane.
    assert_eq!(drawn.matches(">one at a time<").count(), 2, "{drawn}");
}

#[test]
fn what_cannot_be_drawn_or_written_is_said_and_nothing_is_left_behind() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    dir.file("empty.jsonl", "");
    dir.file("list.csv", "a,b\n1,2\n");
    fs::create_dir(dir.path().join("folder")).unwrap();
    run("report empty.jsonl --svg a.svg").expect_refused("empty.jsonl: nothing to draw");
    run("report list.csv --svg a.svg").expect_refused("list.csv:1: ");
    run("report nowhere --svg a.svg").expect_refused("nowhere");
    run("report folder --svg a.svg").expect_refused("holds no race");
    let race = "compare wait 0 -m async -q --rounds 1 --svg";
    run(&format!("{race} nowhere/a.svg")).expect_refused("--svg: there is no folder nowhere");
    run(&format!("{race} folder")).expect_refused("--svg: folder is a folder");
    run(&format!("{race} /dev/null"))
        .expect_refused("--svg: /dev/null is there already and no file");
    // A folder in which nobody can make a file.
    run(&format!("{race} /proc/a.svg")).expect_refused("--svg: can't write /proc/a.svg");
    run("report a --timeline --against b").expect_refused("cannot be used with");
    run("compare wait 0 --timeline --json").expect_refused("cannot be used with");
    assert_eq!(names(dir.path()), ["empty.jsonl", "folder", "list.csv"]);
}

#[test]
fn no_page_and_no_picture_takes_the_place_of_what_is_read_or_of_the_other() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    run("run wait 0 -o r.jsonl -q").expect_exit(0);
    run("compare wait 0 -m async -q --rounds 1 --save race").expect_exit(0);
    std::os::unix::fs::symlink("r.jsonl", dir.path().join("link.jsonl")).unwrap();
    dir.file("points.csv", "n,x\n1,10\n2,19\n4,35\n8,50\n");
    dir.file("urls.txt", "http://127.0.0.1:9/\n");
    let before = names(dir.path());
    let results = fs::read(dir.path().join("r.jsonl")).unwrap();
    for (command, option, file) in [
        ("report r.jsonl", "--html", "r.jsonl"),
        ("report link.jsonl", "--html", "r.jsonl"),
        ("report r.jsonl", "--svg", "./r.jsonl.run"),
        ("report race", "--html", "race/race.json"),
        ("report race", "--svg", "race/records/1/async.1.jsonl"),
        ("sweep --from points.csv", "--html", "points.csv"),
        ("sweep http -i urls.txt", "--html", "urls.txt"),
        ("compare http -i urls.txt", "--svg", "urls.txt"),
    ] {
        let said = format!("{option}: {file} is what is read; give another file");
        run(&format!("{command} {option} {file}")).expect_refused(&said);
    }
    for command in ["report r.jsonl", "report race", "compare wait 0"] {
        run(&format!("{command} --html x --svg ./x")).expect_refused("--html and --svg name one");
    }
    assert_eq!(names(dir.path()), before);
    assert_eq!(fs::read(dir.path().join("r.jsonl")).unwrap(), results);
    // A page may lie beside its race.
    run("report race --html race/page.html").expect_exit(0);
}

#[test]
fn a_file_of_the_users_beside_a_page_or_a_picture_stays() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    run("run wait 0 -o r.jsonl -q").expect_exit(0);
    let mine = ["page.html.tmp", "a.svg.tmp"].map(|name| dir.file(name, "mine"));
    run("report r.jsonl --html page.html --svg a.svg").expect_exit(0);
    for mine in mine {
        assert_eq!(fs::read_to_string(&mine).unwrap(), "mine", "{mine:?}");
    }
}

#[test]
fn a_report_that_is_refused_writes_nothing() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    run("run wait 0 -o r.jsonl -q").expect_exit(0);
    run("sweep wait --for 5ms -w 1,2 --duration 500ms -q --save sweep").expect_exit(0);
    dir.file("empty.jsonl", "");
    dir.file("points.csv", "n,x\n1,10\n2,19\n4,35\n8,50\n");
    let before = names(dir.path());
    for (command, said) in [
        ("report sweep --html p.html --svg s.svg", "--html shows a sweep"),
        ("report r.jsonl --html p.html --svg nowhere/s.svg", "--svg: there is no folder nowhere"),
        ("report empty.jsonl --html p.html --svg s.svg", "nothing to draw"),
        ("sweep --from points.csv --html nowhere/p.html", "--html: there is no folder nowhere"),
    ] {
        run(command).expect_refused(said);
    }
    assert_eq!(names(dir.path()), before);
}

#[test]
fn a_torn_file_is_drawn_as_far_as_it_goes_and_what_was_there_is_replaced_as_a_whole() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path()).run();
    run("run wait 0.01 0.02 -o r.jsonl -q").expect_exit(0);
    let whole = fs::read_to_string(dir.path().join("r.jsonl")).unwrap();
    dir.file("torn.jsonl", format!("{whole}{}", &whole[..40]));
    dir.file("r.svg", "what was there");
    run("report torn.jsonl --svg r.svg").expect_exit(0).expect_stderr_contains("broken off");
    assert!(svg(&dir.path().join("r.svg")).contains("2 items"));
    assert_eq!(
        names(dir.path()),
        ["r.jsonl", "r.jsonl.done", "r.jsonl.run", "r.svg", "torn.jsonl"]
    );
}

#[test]
fn colour_is_used_only_where_it_is_wanted() {
    let dir = Dir::new();
    let run = |words: &str| gaits(words).dir(dir.path());
    run("run wait 0.02 0.02 -o r.jsonl -q -m sequential").run().expect_exit(0);
    let plain = run("report r.jsonl --timeline").run().expect_exit(0);
    assert!(!plain.stdout.contains('\u{1b}') && plain.stdout.contains("WWW"), "{plain:?}");
    let coloured = run("report r.jsonl --timeline --color always").run().expect_exit(0);
    coloured.expect_stdout_contains("\u{1b}[94m").expect_stdout_contains("██");
}

#[test]
fn a_race_that_was_refused_says_so_in_its_picture() {
    let dir = Dir::new();
    let faults = "429:1".parse().unwrap();
    let config = gaits_origin::Config { faults, ..gaits_origin::Config::default() };
    let origin = gaits_origin::Origin::start(config).unwrap();
    let command = format!("compare http {} -n 20 -m sequential,async:2", origin.url("/uuid"));
    let end = gaits(&command).args(["--svg", "a.svg"]).dir(dir.path()).run();
    end.expect_exit(4);
    assert!(svg(&dir.path().join("a.svg")).contains("answered with status 429"));
}

#[test]
fn an_interrupted_race_leaves_its_picture_and_no_records() {
    let dir = Dir::new();
    fs::create_dir(dir.path().join("tmp")).unwrap();
    let running =
        gaits("compare wait --for 1ms --count 5 -m sequential,async --rounds 10000 --svg a.svg")
            .env("TMPDIR", "tmp")
            .dir(dir.path())
            .start();
    let records = dir.path().join("tmp");
    let has_records = || {
        let folders = names(&records);
        let file = |folder: &String| records.join(folder).join("1/sequential.3.jsonl");
        folders.first().is_some_and(|folder| file(folder).exists())
    };
    eventually("three rounds are under way", has_records);
    running.interrupt();
    running.finish().expect_exit(130).expect_stderr_contains("stopped after");
    assert!(svg(&dir.path().join("a.svg")).contains(">The race<"));
    assert_eq!(names(&records), [""; 0]);
}
