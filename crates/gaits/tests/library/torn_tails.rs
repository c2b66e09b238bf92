//! Results files that end anywhere, with all that stands beside them: each item has one true record in the end.
//!
//! A loss of power leaves the results at some length. What the promises of the journal leave open is taken at its worst
//! here: the checkpoint may be of any time, and a body whose record is gone may be there, be missing, or be another one.

use crate::scene::program;
use gaits::http::{self, BodyUse, HttpSpec};
use gaits::{
    BodyFolder, BodyNames, Control, Destination, Existing, GoOn, Input, Limits, Output, Plan,
    Record, Run, RunOutcome, SessionScope, WorkSpec,
};
use gaits_origin::{Config, Origin};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

const ITEMS: usize = 6;

/// If this variable is set, the file is cut at each of its bytes; without it, at each byte of its last three records.
const LONG: &str = "GAITS_TORTURE_ROUNDS";

/// In so many folders at a time.
const PARTS: usize = 4;

/// A folder in which a list is done, with bodies.
struct Place {
    dir: tempfile::TempDir,
    urls: Vec<String>,
}

impl Place {
    fn new(urls: &[String]) -> Self {
        // In memory where that can be had: what survives is chosen here, so to wait for a disk would show nothing more.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self { dir: dir.unwrap(), urls: urls.to_vec() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What stands beside the results.
    fn beside(&self, ending: &str) -> PathBuf {
        self.at(&format!("r.jsonl.{ending}"))
    }

    /// The file that holds the body of a record.
    fn body(&self, record: &Record) -> PathBuf {
        self.at("bodies").join(&*http::HttpDetail::of(record).unwrap().body_file.unwrap())
    }

    /// Does the first `items` of the list, as far as they are not done.
    fn run(&self, items: usize) -> RunOutcome {
        let bodies = self.at("bodies");
        let body = BodyUse::Files(BodyFolder::partial(&bodies));
        let spec = HttpSpec { body, ..HttpSpec::default() };
        let plan = Plan {
            work: WorkSpec::new(http::NAME, spec.settings().unwrap()),
            model: "async:2".parse().unwrap(),
            session: SessionScope::default(),
            limits: Limits::default(),
        };
        let items = self.urls[..items].iter().map(|url| url.as_str().into()).collect();
        let input = Input::Listed { items, count: None };
        let results = self.at("r.jsonl");
        let destination = Destination::File(results.clone());
        let output =
            Output::open(&destination, Existing::GoOn(GoOn::default()), Some(&input)).unwrap();
        let bodies = BodyFolder::open(&bodies, BodyNames::Index, Some(&results)).unwrap();
        let program = program();
        let run = Run::over(&program, &plan, &input).unwrap();
        run.output(output).bodies(bodies).run(&mut (), &Control::new()).unwrap()
    }

    fn records(&self) -> Vec<Record> {
        let text = fs::read_to_string(self.at("r.jsonl")).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Each item has one record and its body, and nothing else is there.
    fn check(&self, left: &Left, why: &str) {
        let records = self.records();
        let mut indices: Vec<_> = records.iter().map(at).collect();
        indices.sort_unstable();
        assert_eq!(indices, (0..ITEMS).collect::<Vec<_>>(), "{why}");
        let mut named = BTreeSet::from([self.at("bodies/.gaits")]);
        for record in &records {
            assert!(record.outcome.is_ok(), "{why}: {record:?}");
            let file = self.body(record);
            assert_eq!(fs::read(&file).unwrap(), left.bodies[at(record)], "{why}: {record:?}");
            named.insert(file);
        }
        assert_eq!(files(&self.at("bodies")), named, "{why}");
        let beside: BTreeSet<_> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let expected = ["bodies", "r.jsonl", "r.jsonl.done", "r.jsonl.run"].map(str::to_owned);
        assert_eq!(beside, expected.into(), "{why}");
    }
}

/// All files below `dir`.
fn files(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

/// Makes a file what it was; none is none.
fn put(path: &Path, bytes: Option<&[u8]>) {
    let _ = fs::remove_file(path);
    if let Some(bytes) = bytes {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// A list that was done once, in two runs, and what these have left.
struct Left {
    urls: Vec<String>,
    /// The results, where each of their lines ends, and the records.
    results: Vec<u8>,
    ends: Vec<usize>,
    records: Vec<Record>,
    /// Run file and checkpoint: of the time between the runs, and of the end.
    middle: [Vec<u8>; 2],
    end: [Vec<u8>; 2],
    /// The body of each item.
    bodies: Vec<Vec<u8>>,
}

impl Left {
    fn by_two_runs(origin: &Origin) -> Self {
        let urls: Vec<_> =
            (0..ITEMS).map(|n| origin.url(&format!("/bytes/200?seed={n}"))).collect();
        let place = Place::new(&urls);
        let beside = || ["run", "done"].map(|name| fs::read(place.beside(name)).unwrap());
        place.run(ITEMS / 2);
        let middle = beside();
        place.run(ITEMS);
        let records = place.records();
        let mut bodies = vec![Vec::new(); ITEMS];
        for record in &records {
            bodies[at(record)] = fs::read(place.body(record)).unwrap();
        }
        let results = fs::read(place.at("r.jsonl")).unwrap();
        let line_ends = results.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let ends = line_ends.map(|(at, _)| at + 1).collect();
        let left = Self { ends, records, middle, end: beside(), bodies, results, urls };
        place.check(&left, "before anything is cut");
        left
    }

    /// Puts into a place what may be there after a loss of power that has left `length` bytes of the results, and goes on.
    fn cut_and_go_on(&self, place: &Place, length: usize) {
        let why = format!("cut to {length} of {} bytes", self.results.len());
        // A record that lacks only the end of its line is whole.
        let kept = self.ends.iter().filter(|end| **end <= length + 1).count();
        fs::write(place.at("r.jsonl"), &self.results[..length]).unwrap();
        let (run, done) = match length % 5 {
            0 => (&self.end[0], Some(&self.end[1][..])),
            1 => (&self.end[0], Some(&self.end[1][..length % self.end[1].len()])),
            2 => (&self.end[0], None),
            3 => (&self.middle[0], Some(&self.middle[1][..])),
            _ => (&self.end[0], Some(&self.middle[1][..])),
        };
        put(&place.beside("run"), Some(run));
        put(&place.beside("done"), done);
        for record in &self.records {
            put(&place.body(record), Some(&self.bodies[at(record)]));
        }
        for record in &self.records[kept..] {
            let body = match length % 3 {
                0 => Some(&self.bodies[at(record)][..]),
                1 => Some(&b"another one"[..]),
                _ => None,
            };
            put(&place.body(record), body);
        }
        let outcome = place.run(ITEMS);
        assert_eq!(outcome.before.done, kept as u64, "{why}");
        assert_eq!(outcome.end.ok, (ITEMS - kept) as u64, "{why}");
        place.check(self, &why);
        // What was whole stays as it is.
        let now = fs::read(place.at("r.jsonl")).unwrap();
        let stays = kept.checked_sub(1).map_or(0, |last| self.ends[last]);
        assert_eq!(now[..stays], self.results[..stays], "{why}");
    }
}

/// The place of a record's item in the input.
fn at(record: &Record) -> usize {
    usize::try_from(record.index).unwrap()
}

#[test]
fn wherever_a_results_file_ends_each_item_has_one_true_record_in_the_end() {
    let origin = Origin::start(Config::default()).unwrap();
    let left = Left::by_two_runs(&origin);
    let is_long = std::env::var_os(LONG).is_some();
    let first = if is_long { 0 } else { left.ends[ITEMS - 4] };
    thread::scope(|scope| {
        for part in 0..PARTS {
            let left = &left;
            let lengths = (first..=left.results.len()).skip(part).step_by(PARTS);
            scope.spawn(move || {
                // The folder of bodies must be known to be of these results.
                let place = Place::new(&left.urls);
                place.run(1);
                lengths.for_each(|length| left.cut_and_go_on(&place, length));
            });
        }
    });
}
