//! Runs: where records go, how a run ends, and what is said of what goes wrong.

use crate::scene::{Collected, Each, listed, plan, program, short};
use gaits::{
    Control, Destination, Entry, Existing, Input, InputError, More, Output, Run, RunError,
    RunObserver, RunOutcome, Source,
};
use std::error::Error as _;
use std::fs;
use std::io;
use std::path::Path;

fn results(path: &Path) -> Output {
    Output::open(&Destination::File(path.to_owned()), Existing::Refuse, None).unwrap()
}

#[test]
fn records_go_to_the_output_and_to_every_sink() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("results.jsonl");
    let (mut first, mut second) = (Collected::default(), Collected::default());
    let program = program();
    let plan = plan("threads:3");
    let run = Run::over(&program, &plan, &short(100)).unwrap();
    let run = run.output(results(&path)).sink(&mut first).sink(&mut second);
    let outcome = run.run(&mut (), &Control::new()).unwrap();

    assert_eq!((outcome.end.ok, outcome.end.failed), (100, 0));
    assert_eq!(outcome.summary.tally.ok(), 100);
    assert_eq!(outcome.summary.total_items, Some(100));
    assert_eq!(outcome.summary.model, "threads:3");
    let text = fs::read_to_string(&path).unwrap();
    let written: Vec<gaits::Record> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(written.iter().map(|record| record.index).collect::<Vec<_>>(), first.indices());
    assert_eq!(first.indices(), second.indices());
    let mut all = first.indices();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_run_without_items_is_an_error_and_leaves_no_results_file() {
    let scratch = tempfile::tempdir().unwrap();
    let list = scratch.path().join("list.txt");
    fs::write(&list, "# nothing\n\n").unwrap();
    let path = scratch.path().join("results.jsonl");
    let program = program();
    let plan = plan("async:2");
    let run = Run::over(&program, &plan, &Input::File(list.clone())).unwrap();
    let error = run.output(results(&path)).run(&mut (), &Control::new()).unwrap_err();
    assert!(matches!(error, RunError::Input(InputError::Empty { .. })), "{error:?}");
    let expected =
        format!("no items in {}: it has only blank lines and comments, or nothing", list.display());
    assert_eq!(error.to_string(), expected);
    assert!(!path.exists());
}

#[test]
fn an_output_that_takes_nothing_is_named_with_the_state_of_its_records() {
    let full = Path::new("/dev/full");
    let program = program();
    let plan = plan("async:2");
    let run = Run::over(&program, &plan, &short(5)).unwrap();
    let error = run.output(results(full)).run(&mut (), &Control::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "can't write to /dev/full, so the run was stopped; the records that are there are whole"
    );
    assert!(error.source().unwrap().to_string().contains("No space left"), "{error:?}");
}

#[test]
fn a_sink_that_fails_is_known_by_its_number() {
    let scratch = tempfile::tempdir().unwrap();
    for output in [None, Some(results(&scratch.path().join("results.jsonl")))] {
        let mut good = Collected::default();
        let mut bad = Each(|_: &_| Err(io::Error::other("enough")));
        let program = program();
        let plan = plan("sequential");
        let mut run = Run::over(&program, &plan, &short(5)).unwrap();
        run = match output {
            Some(output) => run.output(output),
            None => run,
        };
        let run = run.sink(&mut good).sink(&mut bad);
        let error = run.run(&mut (), &Control::new()).unwrap_err();
        assert!(matches!(error, RunError::Sink { number: 1, .. }), "{error:?}");
        assert_eq!(good.0.len(), 1, "the record before which the other sink failed");
    }
}

/// Gives an item, and breaks.
struct Broken(bool);

impl Source for Broken {
    fn next_batch(&mut self, _: usize, batch: &mut Vec<Entry>) -> io::Result<More> {
        if std::mem::replace(&mut self.0, true) {
            return Err(io::Error::other("the cable is out"));
        }
        batch.push(Entry::item(0, "0"));
        Ok(More::Maybe)
    }
}

#[test]
fn a_source_of_the_programs_own_is_named_as_the_program_says() {
    let mut records = Collected::default();
    let program = program();
    let plan = plan("async:2");
    let run = Run::new(&program, &plan, Box::new(Broken(false)), "the queue").sink(&mut records);
    let error = run.run(&mut (), &Control::new()).unwrap_err();
    assert_eq!(error.to_string(), "can't read the queue to its end; what was read is done");
    assert_eq!(error.source().unwrap().to_string(), "the cable is out");
    assert_eq!(records.indices(), [0]);
}

/// Waits that never end, and one of no time at all: the last one, so that on one event loop the others are at work by then.
fn one_short() -> Input {
    listed(&["3600", "3600", "3600", "0"])
}

#[test]
fn what_is_in_flight_is_finished_after_an_interrupt_and_the_rest_is_given_back() {
    let control = Control::new();
    let mut interrupt = Some(control.clone());
    let mut recorded = 0;
    let mut sink = Each(|_: &_| {
        recorded += 1;
        // A second interrupt would abandon the run.
        if let Some(control) = interrupt.take() {
            control.interrupt();
        }
        Ok(())
    });
    let program = program();
    let plan = plan("threads:3");
    let run = Run::over(&program, &plan, &short(100_000)).unwrap().sink(&mut sink);
    let end = run.run(&mut (), &control).unwrap().end;
    assert!(end.interrupted, "{end:?}");
    assert!(end.ok < 100_000, "{end:?}");
    assert_eq!(end.ok, recorded);
}

/// Notes with how many records a run was abandoned.
#[derive(Default)]
struct Abandoned(Vec<(u64, u64)>);

impl RunObserver for Abandoned {
    fn abandoned(&mut self, outcome: &RunOutcome) {
        self.0.push((outcome.end.ok, outcome.summary.tally.ok()));
    }
}

#[test]
fn two_interrupts_end_a_run_at_once_and_the_observer_is_told_what_was_recorded() {
    let control = Control::new();
    let interrupt = control.clone();
    let mut sink = Each(move |_: &_| {
        interrupt.interrupt();
        interrupt.interrupt();
        Ok(())
    });
    let mut observer = Abandoned::default();
    let program = program();
    let plan = plan("async:4");
    let run = Run::over(&program, &plan, &one_short()).unwrap().sink(&mut sink);
    let outcome = run.run(&mut observer, &control).unwrap();
    assert_eq!((outcome.end.ok, outcome.end.given_back), (1, 3));
    assert!(outcome.end.interrupted && outcome.summary.interrupted);
    assert_eq!(observer.0, [(1, 1)]);
    assert_eq!(outcome.summary.tally.ok(), 1, "the observer has taken nothing away");
}
