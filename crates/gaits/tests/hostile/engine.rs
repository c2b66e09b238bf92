//! The rows in whole runs of the engine, with healthy items among them: what stands in the records.

use crate::row::Row;
use crate::stage::{Scene, Stage};
use crate::table::rows;
use gaits::ErrorKind::{ConnectTimeout, Timeout};
use gaits::http::{self, HttpDetail, HttpSpec, Method};
use gaits::{
    Control, ErrorKind, Input, Limits, Plan, Program, Record, Run, SessionScope, Sink, WorkSpec,
    WorkerCommand,
};
use std::collections::BTreeSet;
use std::io;

/// Keeps every record.
#[derive(Default)]
struct Collected(Vec<Record>);

impl Sink for Collected {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        self.0.push(record.clone());
        Ok(())
    }
}

/// The records of `input` under `model`, in the order of the input.
pub(crate) fn records(model: &str, spec: &HttpSpec, input: &Input) -> Vec<Record> {
    // No model here has worker processes: this binary could not be one.
    let program = Program { works: gaits::works(), worker: WorkerCommand::this_binary() };
    let plan = Plan {
        work: WorkSpec::new(http::NAME, spec.settings().unwrap()),
        model: model.parse().unwrap(),
        session: SessionScope::default(),
        limits: Limits::default(),
    };
    let mut collected = Collected::default();
    let run = Run::over(&program, &plan, input).unwrap().sink(&mut collected);
    run.run(&mut (), &Control::new()).unwrap();
    collected.0.sort_by_key(|record| record.index);
    collected.0
}

/// Kind and message of a failure.
pub(crate) fn failure(record: &Record) -> Option<(ErrorKind, &str)> {
    record.error().map(|error| (error.kind, &*error.message))
}

/// For each row how its items ended, messages and all: what runs of the same rows under several models have in common.
type Ends = Vec<(&'static str, BTreeSet<String>)>;

#[test]
fn one_after_the_other_and_all_at_once_servers_do_the_same_to_their_items_and_nothing_to_others() {
    // The healthy items beside them are for GET and HEAD.
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.spec.method != Method::POST).collect();
    // A run has one spec.
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in &rows {
        match groups.iter_mut().find(|group| group[0].spec == row.spec) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    let under = |model| {
        let mut wrong = Vec::new();
        let ends = groups.iter().map(|group| ends(model, group, &mut wrong));
        let ends: Vec<Ends> = ends.collect();
        (ends.concat(), wrong)
    };
    let (sequential, concurrent) = std::thread::scope(|scope| {
        let sequential = scope.spawn(|| under("sequential"));
        let concurrent = under("async:8");
        (sequential.join().unwrap(), concurrent)
    });
    let mut wrong = [sequential.1, concurrent.1].concat();
    for (one, all) in sequential.0.iter().zip(&concurrent.0) {
        if one != all {
            wrong.push(format!("{one:?} and {all:?} under another model"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Runs `rows` under `model`, and adds to `wrong` what is not as they say.
fn ends(model: &str, rows: &[&Row], wrong: &mut Vec<String>) -> Ends {
    let stage = Stage::new();
    let scenes: Vec<Scene<'_>> = rows.iter().map(|row| stage.set(row)).collect();
    let healthy = stage.healthy();
    let mut items = vec![healthy.clone()];
    for (row, scene) in rows.iter().zip(&scenes) {
        items.extend(std::iter::repeat_n(scene.url(), row.times));
        items.push(healthy.clone());
    }
    let items = items.into_iter().map(String::into_boxed_str).collect();
    let records = records(model, &rows[0].spec, &Input::Listed { items, count: None });

    let mut rest = records.iter();
    let mut neighbours = vec![rest.next().unwrap()];
    let mut ends = Vec::new();
    for (row, scene) in rows.iter().zip(&scenes) {
        let own: Vec<&Record> = rest.by_ref().take(row.times).collect();
        wrong.extend(faults(model, row, scene, &own));
        let shown = |record: &&Record| {
            let shown = failure(record).map(|(kind, message)| format!("{kind}: {message}"));
            // The port is another one in each run, and how far an item came in its time is not for the model to say.
            let shown = shown.unwrap_or_default().replace(authority(&scene.url()), "the server");
            shown.split(": still").next().unwrap().to_owned()
        };
        ends.push((row.name, own.iter().map(shown).collect()));
        neighbours.push(rest.next().unwrap());
    }
    assert!(rest.next().is_none());
    wrong.extend(noticed(model, rows[0].is_timed(), &neighbours));
    ends
}

/// What healthy items noticed of the others.
fn noticed(model: &str, timed: bool, neighbours: &[&Record]) -> Vec<String> {
    // They have the time of the others, and a busy machine may take that from some of them.
    let late =
        |record: &&&Record| timed && matches!(failure(record), Some((Timeout | ConnectTimeout, _)));
    let few = neighbours.iter().filter(late).count() <= neighbours.len() / 2;
    let is_fine = |record: &&&Record| {
        record.attempts == 1 && (record.outcome.is_ok() || (few && late(record)))
    };
    let wrong = neighbours.iter().filter(|record| !is_fine(record));
    wrong.map(|record| format!("{model}: a healthy item is {:?}", record.outcome)).collect()
}

fn authority(url: &str) -> &str {
    url.split('/').nth(2).unwrap()
}

/// What is not as `row` says in the records of its items.
fn faults(model: &str, row: &Row, scene: &Scene<'_>, records: &[&Record]) -> Vec<String> {
    let mut wrong = Vec::new();
    let ends_so = |record: &Record| row.ends_as(failure(record), HttpDetail::of(record));
    if !records.iter().any(|record| ends_so(record)) {
        wrong.push(format!("{model}: {}: no record says so", row.name));
    }
    for record in records {
        if record.attempts != 1 || !(record.outcome.is_ok() || ends_so(record)) {
            let (attempts, outcome) = (record.attempts, &record.outcome);
            wrong.push(format!("{model}: {}: {outcome:?} after {attempts}", row.name));
        }
    }
    // How many connections there are depends on how many items are in flight.
    if let Some(own) = scene.own()
        && (row.times == 1 || model == "sequential")
        && !row.expects_requests(own.requests())
    {
        wrong.push(format!("{model}: {}: {} requests", row.name, own.requests()));
    }
    wrong
}
