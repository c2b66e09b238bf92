//! Kills runs and their workers at random moments, again and again, and looks at what is left in the end. A few kills a model
//! here; `bench/torture` does hundreds.

use crate::harness::{
    Dir, Gaits, Running, children_of, eventually, gaits, http, is_gone, parse_file,
};
use gaits_origin::{Config, Origin};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many kills there are under each model, where this variable does not say so.
const ROUNDS: (&str, u32) = ("GAITS_TORTURE_ROUNDS", 2);

/// Each model, and how many items a list has that takes it a second or so: there must be a middle of the run to kill it in.
const MODELS: [(&str, usize); 6] = [
    ("sequential", 100),
    ("threads:4", 200),
    ("async:20", 400),
    ("threads:2/async:5", 300),
    ("processes:2/async:5", 300),
    ("processes:2/threads:2", 200),
];

/// What bodies are named by, in turn.
const NAMES: [&str; 3] = ["index", "hash", "url"];

fn rounds() -> u32 {
    std::env::var(ROUNDS.0).ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS.1)
}

/// A list that is to be done, and what was written of it.
struct Job {
    dir: Dir,
    items: usize,
    list: PathBuf,
    results: PathBuf,
    bodies: PathBuf,
    options: String,
}

impl Job {
    fn new(origin: &Origin, model: &str, items: usize, names: &str) -> Self {
        let dir = Dir::new();
        let url = origin.url("/bytes/3000");
        let list: Vec<_> = (0..items).map(|n| format!("{url}?seed={n}\n")).collect();
        let retries = "--retries 30 --max-retry-after 10m";
        Self {
            items,
            list: dir.file("urls.txt", list.concat()),
            results: dir.at("results.jsonl"),
            bodies: dir.at("bodies"),
            options: format!("fetch -q -m {model} --bodies-name {names} {retries} -i"),
            dir,
        }
    }

    fn command(&self) -> Gaits {
        let command = gaits(&self.options).arg(&self.list).arg("-o").arg(&self.results);
        command.arg("--bodies").arg(&self.bodies)
    }

    /// How many whole records there are.
    fn records(&self) -> usize {
        let bytes = fs::read(&self.results).unwrap_or_default();
        bytes.split(|byte| *byte == b'\n').count() - 1
    }

    /// Each item has one record, each body is right, and nothing else is there.
    #[track_caller]
    fn check(&self) {
        let options = &self.options;
        let records = parse_file(&self.results).expect_all_ok(self.items);
        let mut named = BTreeSet::new();
        for record in records.iter() {
            let http = http(record);
            let body = self.bodies.join(&**http.body_file.as_ref().unwrap());
            let hash = blake3::hash(&fs::read(&body).unwrap());
            assert_eq!(http.blake3, Some(gaits_core::Blake3(*hash.as_bytes())), "{record:?}");
            named.insert(body);
        }
        named.insert(self.bodies.join(".gaits"));
        assert_eq!(files(&self.bodies), named, "{options}: files that no record names");
        assert!(!self.bodies.join(".partial").exists(), "{options}: bodies that are half-written");
        let beside: BTreeSet<_> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let expected =
            ["bodies", "results.jsonl", "results.jsonl.done", "results.jsonl.run", "urls.txt"];
        assert_eq!(beside, expected.map(str::to_owned).into(), "{options}");
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

/// What was killed.
#[derive(Debug, Default)]
struct Kills {
    /// Runs that had written records and had not ended.
    runs: u32,
    /// Runs before their first record. They are not what is counted.
    early: u32,
    /// Workers of a run that went on.
    workers: u32,
    /// Runs that came to their end before they were killed.
    missed: u32,
}

/// Lets the run go on for a random number of requests, or to its end.
fn go_on_for_a_while(running: &Running, origin: &Origin, rng: &mut fastrand::Rng) {
    let wanted = origin.requests() + rng.u64(0..50);
    eventually("it goes on", || origin.requests() >= wanted || is_gone(running.pid()));
}

/// Starts a run and kills it at some moment; before that one of its workers, if it has some and that is wanted.
fn start_and_kill(
    job: &Job,
    origin: &Origin,
    rng: &mut fastrand::Rng,
    with_worker: bool,
    kills: &mut Kills,
) {
    let before = job.records();
    let running = job.command().start();
    let pid = running.pid();
    if rng.u8(..) >= 32 {
        eventually("there is a record", || job.records() > before || is_gone(pid));
    }
    go_on_for_a_while(&running, origin, rng);
    let workers = if with_worker { children_of(pid) } else { Vec::new() };
    if !workers.is_empty() {
        let worker = workers[rng.usize(0..workers.len())];
        let was_at_work = !is_gone(worker);
        // It may have ended by itself, with the run.
        let _ = kill(Pid::from_raw(worker.cast_signed()), Signal::SIGKILL);
        go_on_for_a_while(&running, origin, rng);
        kills.workers += u32::from(was_at_work && !is_gone(pid));
    }
    running.signal(Signal::SIGKILL);
    let end = running.finish();
    if end.was_killed() {
        end.expect_killed_by(Signal::SIGKILL);
        let has_written = job.records() > before;
        *if has_written { &mut kills.runs } else { &mut kills.early } += 1;
    } else {
        // All was done already, or it has come to its end under our eyes: in both cases each item has its record.
        end.expect_exit(0);
        assert_eq!(job.records(), job.items);
        kills.missed += 1;
    }
}

#[test]
fn whatever_is_killed_and_when_each_item_has_one_true_record_in_the_end() {
    let faults = "reset:0.02,truncate:0.02,500:0.03,503:0.002".parse().unwrap();
    let latency = Duration::from_millis(8);
    let origin =
        Origin::start(Config { faults, latency, jitter: latency, ..Config::default() }).unwrap();
    for (number, (model, items)) in MODELS.iter().enumerate() {
        let mut rng = fastrand::Rng::with_seed(number as u64);
        let mut kills = Kills::default();
        let mut lists = 0;
        while kills.runs < rounds() {
            let job = Job::new(&origin, model, *items, NAMES[(number + lists) % NAMES.len()]);
            lists += 1;
            while kills.runs < rounds() && job.records() < *items {
                let with_worker = kills.runs % 2 == 0;
                start_and_kill(&job, &origin, &mut rng, with_worker, &mut kills);
            }
            // As when the power fails: the end of the file was not on the disk, and what stands beside it is of later.
            for cut in [1, rng.usize(2..400)] {
                job.command().run().expect_exit(0);
                let bytes = fs::read(&job.results).unwrap();
                fs::write(&job.results, &bytes[..bytes.len().saturating_sub(cut)]).unwrap();
            }
            job.command().run().expect_exit(0);
            job.check();
        }
        println!("{model}: {kills:?}, {lists} lists");
        assert_eq!(kills.runs, rounds());
        assert!(kills.workers > 0 || !model.starts_with("processes"), "{model}: {kills:?}");
    }
}
