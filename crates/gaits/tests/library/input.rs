//! Inputs: what is said of those that can't be used.

use crate::scene;
use gaits::{Data, Input, InputError, MOST_HELD, Work, set_up};
use std::fs;
use std::io::Write as _;
use std::sync::Arc;

fn waits() -> Arc<dyn Work> {
    set_up(&gaits::works(), &scene::waits()).unwrap()
}

fn file(text: &str) -> (tempfile::TempDir, Input) {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("list.txt");
    fs::write(&path, text).unwrap();
    (scratch, Input::File(path))
}

#[test]
fn all_items_are_read_or_the_first_bad_one_is_named() {
    let (_scratch, good) = file("1\n# two\n\n3\n");
    let items: Vec<Data> = vec!["1".into(), "3".into()];
    assert_eq!(good.read_all(&waits()).unwrap(), (items, 2));
    assert_eq!(good.count(|| false), Some(2));

    let (_scratch, bad) = file("1\nsoon\nlater\n");
    let error = bad.read_all(&waits()).unwrap_err();
    let expected = format!("{}:2: `soon` is not a time", bad.name());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[test]
fn a_list_with_a_count_is_checked_once_and_not_repeated_in_memory() {
    let listed = |item: &str| Input::Listed { items: vec![item.into()], count: Some(1 << 40) };
    assert_eq!(listed("2").read_all(&waits()).unwrap(), (vec!["2".into()], 1 << 40));
    assert!(matches!(listed("soon").read_all(&waits()), Err(InputError::Item { .. })));
}

#[test]
fn an_input_without_items_and_one_with_too_many_can_not_be_gone_over_again() {
    let (_scratch, empty) = file("# nothing\n");
    let error = empty.read_all(&waits()).unwrap_err();
    assert!(matches!(error, InputError::Empty { .. }), "{error:?}");

    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("long.txt");
    let mut long = fs::File::create(&path).unwrap();
    long.write_all("0\n".repeat(MOST_HELD).as_bytes()).unwrap();
    let input = Input::File(path);
    assert_eq!(input.read_all(&waits()).unwrap().0.len(), MOST_HELD);
    long.write_all(b"0\n").unwrap();
    let error = input.read_all(&waits()).unwrap_err();
    assert!(matches!(error, InputError::TooMany { .. }), "{error:?}");
}

#[test]
fn a_directory_and_a_missing_file_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Input::File(scratch.path().to_owned()).read_all(&waits()).unwrap_err();
    assert!(matches!(directory, InputError::Directory { .. }), "{directory:?}");
    let missing = Input::File(scratch.path().join("none")).read_all(&waits()).unwrap_err();
    let expected = format!("can't read {}", scratch.path().join("none").display());
    assert_eq!(missing.to_string(), expected);
}
