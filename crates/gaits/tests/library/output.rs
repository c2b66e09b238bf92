//! Outputs: what is opened, what is refused, and what is kept.

use crate::scene::{plan, program, short};
use gaits::{Control, Destination, Existing, Input, Output, OutputError, Run};
use std::fs;
use std::path::Path;

fn open(path: &Path, existing: Existing, input: Option<&Input>) -> Result<Output, OutputError> {
    Output::open(&Destination::File(path.to_owned()), existing, input)
}

#[test]
fn a_file_with_records_is_refused_unless_it_may_start_over() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("results.jsonl");
    fs::write(&path, "{\"old\":1}\n").unwrap();
    let refused = open(&path, Existing::Refuse, None).unwrap_err();
    assert!(matches!(refused, OutputError::HasRecords { .. }), "{refused:?}");

    // Nothing has been recorded yet, so the old records are still there.
    let output = open(&path, Existing::StartOver, None).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"old\":1}\n");
    output.discard();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"old\":1}\n");

    let output = open(&path, Existing::StartOver, None).unwrap();
    let program = program();
    let plan = plan("sequential");
    let run = Run::over(&program, &plan, &short(3)).unwrap().output(output);
    run.run(&mut (), &Control::new()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("old") && text.lines().count() == 3, "{text}");
}

#[test]
fn the_input_is_no_output_by_whatever_name() {
    let scratch = tempfile::tempdir().unwrap();
    let list = scratch.path().join("list.txt");
    fs::write(&list, "1\n").unwrap();
    let link = scratch.path().join("link");
    std::os::unix::fs::symlink(&list, &link).unwrap();
    let input = Input::File(list.clone());
    for path in [&list, &link] {
        let refused = open(path, Existing::StartOver, Some(&input)).unwrap_err();
        assert!(matches!(refused, OutputError::IsInput { .. }), "{refused:?}");
    }
    assert_eq!(fs::read_to_string(&list).unwrap(), "1\n");
}

#[test]
fn a_directory_is_refused_with_a_file_that_would_do() {
    let scratch = tempfile::tempdir().unwrap();
    let refused = open(scratch.path(), Existing::Refuse, None).unwrap_err().to_string();
    let example = scratch.path().join("results.jsonl");
    assert!(refused.ends_with(&format!("give a file, such as {}", example.display())), "{refused}");
}

#[test]
fn an_empty_file_that_was_created_goes_away_when_it_is_discarded_and_others_stay() {
    let scratch = tempfile::tempdir().unwrap();
    let new = scratch.path().join("new.jsonl");
    open(&new, Existing::Refuse, None).unwrap().discard();
    assert!(!new.exists());
    fs::write(&new, "").unwrap();
    open(&new, Existing::Refuse, None).unwrap().discard();
    assert!(new.exists(), "it was there before");
}
