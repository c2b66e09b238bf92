//! Going on with a results file: whatever was recorded and however the file was left, each item has one record in the end.

use crate::scene::{plan, program};
use gaits::{
    Before, Control, Data, Destination, ErrorKind, Existing, GoOn, Input, Item, ItemError, Match,
    Outcome, Output, OutputError, Record, Run, RunFile, RunObserver, RunOutcome, page_of_results,
    stored_summary,
};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// Waits of no time at all, each another item.
fn item(index: u64) -> String {
    format!("0.{index:09}").replace("0.0", "0.00000")
}

fn input(items: u64) -> Input {
    Input::Listed { items: (0..items).map(|index| item(index).into()).collect(), count: None }
}

fn record(index: u64, ok: bool) -> Record {
    let failed = ItemError::new(ErrorKind::Timeout, "late");
    let error = failed.clone();
    let mut record = Record::unperformed(Item::new(index, item(index)), error, 1, None, 5);
    record.outcome = if ok { Outcome::Ok } else { Outcome::Failed(failed) };
    record
}

fn line(index: u64, ok: bool) -> String {
    serde_json::to_string(&record(index, ok)).unwrap() + "\n"
}

fn read(path: &Path) -> Vec<Record> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn indices(path: &Path) -> Vec<u64> {
    let mut indices: Vec<_> = read(path).iter().map(|record| record.index).collect();
    indices.sort_unstable();
    indices
}

fn open(path: &Path, go_on: GoOn) -> Result<Output, OutputError> {
    Output::open(&Destination::File(path.to_owned()), Existing::GoOn(go_on), None)
}

fn go_on(path: &Path, items: u64, how: GoOn) -> RunOutcome {
    let (program, plan) = (program(), plan("async:8"));
    let run = Run::over(&program, &plan, &input(items)).unwrap().output(open(path, how).unwrap());
    run.run(&mut (), &Control::new()).unwrap()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}.{ending}", path.display()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_and_torn_each_item_has_one_record_in_the_end(
        order in Just((0..40_u64).collect::<Vec<_>>()).prop_shuffle(),
        done in 0..40_usize,
        ok in prop::collection::vec(any::<bool>(), 40),
        torn in 0..400_usize,
        retry in any::<bool>(),
        first_run in 0..40_u64,
    ) {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("r.jsonl");
        // With a run file and a checkpoint of a shorter list, or without.
        if first_run > 0 {
            go_on(&path, first_run, GoOn::default());
        }
        let mut text = fs::read_to_string(&path).unwrap_or_default();
        let new: Vec<_> = order.iter().copied().filter(|index| *index >= first_run).collect();
        for index in new.iter().take(done) {
            text += &line(*index, ok[usize::try_from(*index).unwrap()]);
        }
        if let Some(index) = new.get(done) {
            let line = line(*index, true);
            text += &line[..torn.min(line.len())];
        }
        fs::write(&path, &text).unwrap();
        let how = GoOn { retry_failed: retry, ..GoOn::default() };
        go_on(&path, 40, how);
        prop_assert_eq!(indices(&path), (0..40).collect::<Vec<_>>());
        if retry {
            prop_assert!(read(&path).iter().all(|record| record.outcome.is_ok()));
        }
        // And once more, now from the checkpoint.
        let outcome = go_on(&path, 40, GoOn::default());
        prop_assert!(outcome.nothing_to_do());
        prop_assert_eq!(outcome.before.done, 40);
    }
}

#[test]
fn a_last_record_that_is_torn_at_any_length_costs_at_most_its_own_item() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    let last = line(1, true);
    for length in 0..=last.len() {
        fs::write(&path, format!("{}{}", line(0, true), &last[..length])).unwrap();
        let _ = fs::remove_file(beside(&path, "run"));
        let outcome = go_on(&path, 3, GoOn::default());
        assert_eq!(indices(&path), [0, 1, 2], "{length}");
        // A record that lacks only the end of its line is whole.
        let kept = if length + 1 >= last.len() { 2 } else { 1 };
        assert_eq!(outcome.before.done, kept, "{length}");
    }
}

#[test]
fn a_checkpoint_that_is_torn_or_of_another_file_makes_no_difference() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    let done = beside(&path, "done");
    go_on(&path, 9000, GoOn::default());
    let (good, whole) = (fs::read(&done).unwrap(), fs::read_to_string(&path).unwrap());
    let of_half: String = whole.split_inclusive('\n').take(4000).collect();
    for (checkpoint, text) in [
        (&good[..0], &whole),
        (&good[..good.len() / 2], &whole),
        (b"precious".as_slice(), &whole),
        (&good, &of_half),
        (&good, &whole),
    ] {
        fs::write(&done, checkpoint).unwrap();
        fs::write(&path, text).unwrap();
        let outcome = go_on(&path, 9000, GoOn::default());
        assert_eq!(outcome.before.done, text.lines().count() as u64);
        assert_eq!(indices(&path), (0..9000).collect::<Vec<_>>());
    }
}

#[test]
fn a_changed_item_is_found_by_the_checkpoint_alone_in_whichever_block_it_stands() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    go_on(&path, 9000, GoOn::default());
    for changed in [0, 4095, 4096, 8999] {
        let mut items: Vec<Box<str>> = (0..9000).map(|index| item(index).into()).collect();
        items[changed] = "0".into();
        let (program, plan) = (program(), plan("async:8"));
        let input = Input::Listed { items, count: None };
        let output = open(&path, GoOn::default()).unwrap();
        let run = Run::over(&program, &plan, &input).unwrap().output(output);
        let error = run.run(&mut (), &Control::new()).unwrap_err().to_string();
        assert!(error.contains(&format!("\"0\" at item {changed} now")), "{error}");
    }
    assert_eq!(read(&path).len(), 9000);
}

#[test]
fn an_item_is_known_by_what_it_is_with_a_key_after_a_kill_too() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    fs::write(&path, [line(3, true), line(1, false)].concat()).unwrap();
    let how = GoOn { key: Match::Item, retry_failed: true, ..GoOn::default() };
    go_on(&path, 5, how);
    let mut items: Vec<Data> = read(&path).into_iter().map(|record| record.item).collect();
    items.sort_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
    assert_eq!(items, (0..5).map(|index| item(index).into()).collect::<Vec<Data>>());
    assert_eq!(RunFile::read(&beside(&path, "run")).unwrap().unwrap().key, Match::Item);
}

/// Keeps what it is told of earlier runs.
#[derive(Default)]
struct Told(Vec<Before>);

impl RunObserver for Told {
    fn resumed(&mut self, before: &Before) {
        self.0.push(before.clone());
    }
}

#[test]
fn an_observer_learns_what_was_done_and_the_run_file_how_each_run_went() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    let (program, plan) = (program(), plan("async:8"));
    let mut told = Told::default();
    for items in [3, 5] {
        let output = open(&path, GoOn::default()).unwrap();
        let run = Run::over(&program, &plan, &input(items)).unwrap().output(output);
        let run = run.arguments(vec!["test".into()]);
        run.run(&mut told, &Control::new()).unwrap();
    }
    assert_eq!(told.0.len(), 1, "there was nothing to tell at first");
    assert_eq!((told.0[0].done, told.0[0].failed), (3, 0));
    let file = RunFile::read(&beside(&path, "run")).unwrap().unwrap();
    let runs: Vec<_> = file
        .runs
        .iter()
        .map(|run| (run.done_before, run.end.as_ref().map(|end| end.counts.ok)))
        .collect();
    assert_eq!(runs, [(0, Some(3)), (3, Some(2))]);
    assert_eq!(
        (file.runs[1].arguments.as_slice(), &*file.work),
        (["test".to_owned()].as_slice(), "wait")
    );
}

#[test]
fn a_file_with_all_records_gets_its_end_put_right_although_there_is_nothing_to_do() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    go_on(&path, 3, GoOn::default());
    let whole = fs::read(&path).unwrap();
    let without_end = whole[..whole.len() - 1].to_vec();
    let with_zeroes = [&whole[..], &[0; 40]].concat();
    let with_torn_one = [&whole[..], b"{\"index\":2"].concat();
    for text in [without_end, with_zeroes, with_torn_one] {
        fs::write(&path, text).unwrap();
        assert!(go_on(&path, 3, GoOn::default()).nothing_to_do());
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
}

/// When each run of a results file begins, as its page has it.
fn begins(path: &Path) -> Vec<u64> {
    let mut html = Vec::new();
    page_of_results(path).unwrap().page.write(&mut html).unwrap();
    let html = String::from_utf8(html).unwrap();
    let (_, numbers) = html.split_once("\"offsets_us\":[").unwrap();
    let numbers = numbers.split(']').next().unwrap().split(',');
    numbers.map(|number| number.parse().unwrap()).collect()
}

#[test]
fn runs_of_one_process_number_are_told_apart_although_failed_records_went_away() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    let before = |path: &Path| -> Vec<u64> {
        let file = RunFile::read(&beside(path, "run")).unwrap().unwrap();
        file.runs.iter().map(|run| run.done_before).collect()
    };
    fs::write(&path, [line(0, true), line(1, false), line(2, false)].concat()).unwrap();
    go_on(&path, 6, GoOn::default());
    assert_eq!(before(&path), [3]);
    // The records by hand have no run in the run file.
    assert_eq!(begins(&path).len(), 2);

    go_on(&path, 8, GoOn { retry_failed: true, ..GoOn::default() });
    assert_eq!(before(&path), [1, 4]);
    go_on(&path, 10, GoOn::default());
    assert_eq!(before(&path), [1, 4, 8]);
    let begins = begins(&path);
    assert_eq!((begins.len(), begins[1]), (4, 5));
    assert!(begins.is_sorted(), "{begins:?}");
}

#[test]
fn a_run_that_was_killed_took_as_long_as_its_records_tell() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("r.jsonl");
    go_on(&path, 2, GoOn::default());
    go_on(&path, 3, GoOn::default());
    let mut records = read(&path);
    // The first run as if it had been killed after 1,000 s, in which an item was tried twice.
    records[1].timing.finished_us = 1_000_000_000;
    let error = ItemError::new(ErrorKind::Timeout, "late");
    records[1].tries = vec![gaits_core::Try { started_us: 0, finished_us: 5, error }];
    let lines = records.iter().map(|record| serde_json::to_string(record).unwrap() + "\n");
    fs::write(&path, lines.collect::<String>()).unwrap();
    let mut file = RunFile::read(&beside(&path, "run")).unwrap().unwrap();
    file.runs[0].end = None;
    file.write(&beside(&path, "run")).unwrap();
    let wall_us = file.runs[1].end.as_ref().unwrap().wall_us;

    let summary = stored_summary(&path).unwrap().summary;
    assert_eq!((summary.wall_us, summary.retries), (1_000_000_000 + wall_us, 1));
}
