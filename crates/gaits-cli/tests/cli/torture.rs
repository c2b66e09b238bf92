//! Kills runs and their workers at random moments, again and again, and looks at what is left in the end. A few rounds a model
//! here; `bench/torture` does hundreds.

use crate::harness::{Dir, Running, children_of, eventually, gaits, http, parse_file};
use gaits_origin::{Config, Origin};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::Path;

/// How many kills there are under each model, where this variable does not say so.
const ROUNDS: (&str, u32) = ("GAITS_TORTURE_ROUNDS", 2);

const MODELS: [&str; 6] = [
    "sequential",
    "threads:4",
    "async:20",
    "threads:2/async:5",
    "processes:2/async:5",
    "processes:2/threads:2",
];

fn rounds() -> u32 {
    std::env::var(ROUNDS.0).ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS.1)
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

fn is_over(running: &Running) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", running.pid()))
        .map_or(true, |stat| stat.rsplit(')').next().unwrap_or_default().trim().starts_with('Z'))
}

#[test]
fn whatever_is_killed_and_when_each_item_has_one_true_record_in_the_end() {
    let faults = "reset:0.02,truncate:0.02,500:0.03,503:0.01".parse().unwrap();
    let origin = Origin::start(Config { faults, ..Config::default() }).unwrap();
    for (number, model) in MODELS.iter().enumerate() {
        // More kills need more items to fall among.
        let (rounds, items) = (rounds(), 150 + 40 * rounds() as usize);
        let mut rng = fastrand::Rng::with_seed(number as u64);
        let dir = Dir::new();
        let url = origin.url("/bytes/3000");
        let list: Vec<_> = (0..items).map(|n| format!("{url}?seed={n}\n")).collect();
        let list = dir.file("urls.txt", list.concat());
        let (file, bodies) = (dir.at("results.jsonl"), dir.at("bodies"));
        let options = format!("fetch -q -m {model} --retries 30 --max-retry-after 10m -i");
        let command = || {
            let command = gaits(&options).arg(&list).arg("-o").arg(&file);
            command.arg("--bodies").arg(&bodies)
        };
        for _ in 0..rounds {
            let running = command().start();
            let wanted = lines(&file) + rng.usize(0..40);
            eventually("it goes on", || lines(&file) >= wanted || is_over(&running));
            let workers = children_of(running.pid());
            if rng.bool() && !workers.is_empty() {
                let worker = workers[rng.usize(0..workers.len())];
                // It may have ended by itself.
                let _ = kill(Pid::from_raw(worker.cast_signed()), Signal::SIGKILL);
                let more = lines(&file) + rng.usize(0..10);
                eventually("it survives that", || lines(&file) >= more || is_over(&running));
            }
            running.signal(Signal::SIGKILL);
            let _ = running.finish();
        }
        // As when the power fails: the end of the file was not on the disk, and what stands beside it is of later.
        for cut in [1, rng.usize(2..400)] {
            command().run().expect_exit(0);
            let bytes = fs::read(&file).unwrap();
            fs::write(&file, &bytes[..bytes.len().saturating_sub(cut)]).unwrap();
        }
        command().run().expect_exit(0);

        let records = parse_file(&file).expect_items(items);
        for record in records.iter() {
            assert!(record.outcome.is_ok(), "{model}: {record:?}");
            let http = http(record);
            let body = fs::read(bodies.join(&**http.body_file.as_ref().unwrap())).unwrap();
            let hash = gaits_core::Blake3(*blake3::hash(&body).as_bytes());
            assert_eq!(http.blake3, Some(hash), "{model}: {record:?}");
        }
        let partial = fs::read_dir(bodies.join(".partial")).map_or(0, Iterator::count);
        assert_eq!(partial, 0, "{model}: temporary files of bodies");
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected =
            ["bodies", "results.jsonl", "results.jsonl.done", "results.jsonl.run", "urls.txt"];
        assert_eq!(names, expected, "{model}");
    }
}
