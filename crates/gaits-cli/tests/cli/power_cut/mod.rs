//! Cuts the power of real runs, as far as that can be done without a machine of its own: `strace` writes down what a run does to
//! its files, and for many moments the disk is made as a cut at that moment may have left it. Then the run goes on.
//!
//! Limit: it needs `strace`, so `bench/torture` runs it. What survives a cut by the promises of the journal is tried
//! without it in the tests of the library (`torn_tails.rs`).

mod disk;
mod strace;

use crate::harness::{Dir, Finished, Gaits, gaits, http, parse, parse_file};
use disk::{Disk, Left, Tree};
use gaits_core::Blake3;
use gaits_origin::{Config, Origin};
use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use strace::{Arg, Call};

/// How many cuts there are in each run, where this variable does not say so.
const CUTS: (&str, usize) = ("GAITS_TORTURE_ROUNDS", 20);

/// Every call that makes, changes, renames, removes or syncs a file. One of them that is not in the model of the disk is noticed
/// there. `sendto` is what requests are sent with.
const CALLS: &str = "trace=sendto,openat,open,creat,write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,fallocate,\
    copy_file_range,sendfile,splice,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,\
    rmdir,fsync,fdatasync,syncfs,sync_file_range";

const ITEMS: usize = 40;

const ANY: [Left; 3] = [Left::Nothing, Left::Everything, Left::Some];

/// A folder in which a list is done, with bodies.
struct Place {
    dir: Dir,
    root: PathBuf,
    options: String,
}

impl Place {
    /// `path` is asked for at the origin, with the number of the item behind it.
    fn new(origin: &Origin, path: &str, options: &str) -> Self {
        let dir = Dir::new();
        // Nothing but what the run sees is in there.
        let root = dir.at("disk");
        fs::create_dir(&root).unwrap();
        let list: Vec<_> = (0..ITEMS).map(|n| format!("{}{n}\n", origin.url(path))).collect();
        fs::write(root.join("urls.txt"), list.concat()).unwrap();
        Self { root, options: format!("fetch -q --max-retry-after 10m {options}"), dir }
    }

    fn fetch(&self, more: &str) -> Gaits {
        let command = gaits(&format!("{} {more} -i", self.options));
        let command =
            command.arg(self.root.join("urls.txt")).arg("-o").arg(self.root.join("r.jsonl"));
        command.arg("--bodies").arg(self.root.join("bodies"))
    }

    /// Runs it, and gives what it has done to the disk.
    fn record(&self, more: &str) -> Disk {
        self.record_calls(more).0
    }

    /// The same, with all its calls.
    fn record_calls(&self, more: &str) -> (Disk, Vec<Call>) {
        let before = disk::read(&self.root);
        let log = self.dir.at("log");
        let words = ["strace", "-f", "-y", "-s", "100000000", "-e", CALLS, "-o"].map(OsStr::new);
        let command = self.fetch(more).started_by(&[&words[..], &[log.as_os_str()]].concat());
        command.run().expect_exit(0);
        let calls = strace::calls(&String::from_utf8_lossy(&fs::read(&log).unwrap()));
        let disk = Disk::new(&self.root, &before, &calls);
        // Else the model has missed something.
        assert_eq!(shown(&disk.whole()), shown(&disk::read(&self.root)), "{}", self.options);
        (disk, calls)
    }

    /// Each item has one record, each body is right, and nothing else is there.
    fn check(&self, why: &str) {
        let records = parse_file(&self.root.join("r.jsonl"));
        // By a key, items have other indices when they are done again.
        let items: HashSet<_> = records.iter().map(|record| record.item.as_bytes()).collect();
        assert_eq!((records.len(), items.len()), (ITEMS, ITEMS), "{why}");
        let bodies = self.root.join("bodies");
        let beside = ["r.jsonl", "r.jsonl.run", "urls.txt"];
        let mut wanted: BTreeSet<_> = beside.iter().map(|name| self.root.join(name)).collect();
        wanted.insert(bodies.join(".gaits"));
        for record in records.iter() {
            assert!(record.outcome.is_ok(), "{why}: {record:?}");
            let http = http(record);
            let body = bodies.join(&**http.body_file.as_ref().unwrap());
            let bytes =
                fs::read(&body).unwrap_or_else(|error| panic!("{why}: {error}: {record:?}"));
            let hash = Blake3(*blake3::hash(&bytes).as_bytes());
            assert_eq!(http.blake3, Some(hash), "{why}: {record:?}");
            wanted.insert(body);
        }
        let files = disk::read(&self.root).into_iter().filter(|(_, bytes)| bytes.is_some());
        // Without a checkpoint the next run reads more, and none is written where there is nothing to do.
        let checkpoint = self.root.join("r.jsonl.done");
        let files: BTreeSet<_> =
            files.map(|(path, _)| path).filter(|path| *path != checkpoint).collect();
        let differ: Vec<_> = files.symmetric_difference(&wanted).collect();
        assert!(differ.is_empty(), "{why}: files too many or too few: {differ:?}");
        assert!(!bodies.join(".partial").exists(), "{why}");
    }

    /// Cuts the power at many moments of what was recorded; `go_on` does the rest, given the disk as it was left.
    fn cut(&self, disk: &Disk, seed: u64, left: &[Left], go_on: impl Fn(&str, &Tree)) {
        self.cut_at(disk, seed, left, |why, _, tree| {
            go_on(why, tree);
            self.check(why);
        });
    }

    /// The same, where `go_on` is given the line of the log as well, and looks itself at what comes of it.
    #[expect(clippy::print_stdout, reason = "bench/torture shows what was tried")]
    fn cut_at(
        &self,
        disk: &Disk,
        seed: u64,
        left: &[Left],
        mut go_on: impl FnMut(&str, usize, &Tree),
    ) {
        let cuts = std::env::var(CUTS.0).ok().and_then(|text| text.parse().ok()).unwrap_or(CUTS.1);
        let moments = disk.moments();
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut states = HashSet::new();
        for number in 0..cuts {
            let moment = moments[rng.usize(..moments.len())];
            let left = left[number % left.len()];
            let tree = disk.after_cut(moment, left, &mut rng);
            disk::write(&self.root, &tree);
            let why = format!("{}, cut at line {moment} of the log, {left:?} left", self.options);
            go_on(&why, moment, &tree);
            states.insert(shown(&tree));
        }
        println!(
            "{}: {cuts} cuts among {} moments, {} states",
            self.options,
            moments.len(),
            states.len()
        );
    }

    /// The whole records in `tree` are still in the results, byte for byte: what has survived is not done again.
    fn expect_kept(&self, why: &str, tree: &Tree) {
        let empty = Vec::new();
        let left = tree.get(&self.root.join("r.jsonl")).and_then(Option::as_ref).unwrap_or(&empty);
        let whole = left.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let now = fs::read(self.root.join("r.jsonl")).unwrap();
        assert!(now.starts_with(&left[..whole]), "{why}");
    }
}

/// The paths, each with the hash of what is in the file.
fn shown(tree: &Tree) -> Vec<(PathBuf, Option<blake3::Hash>)> {
    tree.iter().map(|(path, bytes)| (path.clone(), bytes.as_deref().map(blake3::hash))).collect()
}

fn need_strace() {
    let found = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    assert!(found.is_ok_and(|status| status.success()), "this needs strace, which is not there");
}

/// Slow enough for a run that takes some seconds, in which there are several syncs.
fn origin(faults: &str) -> Origin {
    let latency = Duration::from_millis(120);
    let faults = faults.parse().unwrap();
    Origin::start(Config { faults, latency, jitter: latency, ..Config::default() }).unwrap()
}

fn expect_ok(end: Finished) {
    end.expect_exit(0);
}

#[test]
#[ignore = "needs strace; bench/torture runs it"]
fn a_run_goes_on_after_the_power_has_failed() {
    need_strace();
    let origin = origin("500:0.05,truncate:0.05");
    for (seed, options) in [
        "-m threads:2/async:2 --retries 30",
        "-m processes:2/async:10 --retries 30 --bodies-name hash",
        "-m async:1 --retries 30 --bodies-name url",
    ]
    .iter()
    .enumerate()
    {
        let place = Place::new(&origin, "/bytes/3000?seed=", options);
        let disk = place.record("");
        place.check("before the power fails");
        place.cut(&disk, seed as u64, &ANY, |why, tree| {
            expect_ok(place.fetch("").run());
            place.expect_kept(why, tree);
        });
    }
}

#[test]
#[ignore = "needs strace; bench/torture runs it"]
fn a_run_that_is_killed_leaves_no_body_without_a_record_although_bodies_and_numbers_change() {
    need_strace();
    let origin = origin("500:0.05");
    for (seed, options) in ["--bodies-name hash", "--key url"].iter().enumerate() {
        let options = format!("-m async:6 --retries 30 {options}");
        let place = Place::new(&origin, "/uuid?", &options);
        let disk = place.record("");
        // As a kill leaves it: nothing is lost.
        place.cut(&disk, 40 + seed as u64, &[Left::Everything], |why, tree| {
            expect_ok(place.fetch("").run());
            place.expect_kept(why, tree);
        });
    }
}

#[test]
#[ignore = "needs strace; bench/torture runs it"]
fn a_run_that_goes_on_goes_on_after_the_power_has_failed() {
    need_strace();
    let origin = origin("500:0.05");
    let place = Place::new(&origin, "/bytes/3000?seed=", "-m threads:2/async:3 --retries 30");
    expect_ok(place.fetch("").run());
    let results = fs::read(place.root.join("r.jsonl")).unwrap();
    // In the middle of a record, with a checkpoint that tells of the end.
    fs::write(place.root.join("r.jsonl"), &results[..results.len() / 2]).unwrap();
    let disk = place.record("");
    place.cut(&disk, 10, &ANY, |why, tree| {
        expect_ok(place.fetch("").run());
        place.expect_kept(why, tree);
    });
}

#[test]
#[ignore = "needs strace; bench/torture runs it"]
fn failed_items_are_done_again_after_the_power_has_failed() {
    need_strace();
    let origin = origin("500:0.3");
    let place = Place::new(&origin, "/bytes/3000?seed=", "-m async:4");
    place.fetch("--retries 0").run().expect_exit(1);
    let disk = place.record("--retry-failed --retries 30");
    place.cut(&disk, 20, &ANY, |_, _| expect_ok(place.fetch("--retry-failed --retries 30").run()));
}

#[test]
#[ignore = "needs strace; bench/torture runs it"]
fn old_records_are_never_taken_for_those_of_a_run_that_starts_over() {
    need_strace();
    let origin = origin("500:0.01");
    let place = Place::new(&origin, "/headers?", "-m async:4 --retries 30");
    expect_ok(place.fetch("--user-agent old").run());
    let old = fs::read(place.root.join("r.jsonl")).unwrap();
    let disk = place.record("--user-agent new --fresh");
    place.cut(&disk, 30, &ANY, |why, tree| {
        let end = place.fetch("--user-agent new").run().expect_exit_one_of(&[0, 2]);
        if end.stderr.contains("--fresh") {
            // The old records were still there.
            assert_eq!(tree[&place.root.join("r.jsonl")].as_ref(), Some(&old), "{why}");
            expect_ok(place.fetch("--user-agent new --fresh").run());
        }
        for record in parse_file(&place.root.join("r.jsonl")).iter() {
            let body = place.root.join("bodies").join(&*http(record).body_file.unwrap());
            let body = fs::read_to_string(body).unwrap();
            assert!(body.contains("new") && !body.contains("old"), "{why}: {body}");
        }
    });
}

/// When the request for each item was sent, by the lines of the log.
fn sent(calls: &[Call]) -> Vec<(usize, usize)> {
    let number = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let rest = text.strip_prefix("POST /anything?n=")?;
        rest.split_once(' ')?.0.parse().ok()
    };
    let sends = calls.iter().filter(|call| call.name == "sendto");
    sends
        .filter_map(|call| match &call.args[1] {
            Arg::Bytes(bytes) => Some((number(bytes)?, call.began)),
            _ => None,
        })
        .collect()
}

#[test]
#[ignore = "needs strace; bench/torture runs it"]
fn what_may_not_be_done_twice_is_not_although_the_power_has_failed() {
    need_strace();
    let origin = origin("500:0");
    let models = ["-m async:4", "-m processes:2/async:3 --per-host 5", "-m threads:3 --rate 40/s"];
    for (seed, model) in models.iter().enumerate() {
        let place = Place::new(&origin, "/anything?n=", &format!("{model} -X POST"));
        let (disk, calls) = place.record_calls("");
        let sent = sent(&calls);
        assert_eq!(sent.len(), ITEMS, "{model}");
        let mut unsure = 0;
        place.cut_at(&disk, 50 + seed as u64, &ANY, |why, moment, tree| {
            start_anew(&place.root.join("r.jsonl.started"));
            let results = place.root.join("r.jsonl");
            let before: HashSet<_> = match tree.get(&results) {
                Some(Some(bytes)) => whole_lines(bytes).map(<[u8]>::to_vec).collect(),
                _ => HashSet::new(),
            };
            place.fetch("").run().expect_exit_one_of(&[0, 1]);
            let after = fs::read(&results).unwrap();
            assert!(!place.root.join("r.jsonl.started").exists(), "{why}");
            let mut items = HashSet::new();
            for line in whole_lines(&after) {
                let text = std::str::from_utf8(line).unwrap();
                let record = &parse(text)[0];
                let item = String::from_utf8_lossy(record.item.as_bytes());
                let item: usize = item.rsplit_once('=').unwrap().1.parse().unwrap();
                items.insert(item);
                let was_sent = sent.iter().any(|(n, line)| *n == item && *line < moment);
                if !record.outcome.is_ok() {
                    assert!(text.contains("may have been processed"), "{why}: {text}");
                    unsure += usize::from(was_sent);
                } else if !before.contains(line) {
                    assert!(!was_sent, "{why}: sent twice: {text}");
                }
            }
            assert_eq!((whole_lines(&after).count(), items.len()), (ITEMS, ITEMS), "{why}");
        });
        assert!(unsure > 0, "{model}: no cut met an item on its way");
    }
}

/// Has the notes say that the machine was started anew since, as it is after a loss of power.
fn start_anew(notes: &Path) {
    let Ok(bytes) = fs::read(notes) else { return };
    if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        fs::write(notes, [b"boot before", &bytes[end..]].concat()).unwrap();
    }
}

/// The lines that have an end.
fn whole_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"))
}
