//! How much memory a program and its descendants hold while they run, from `/proc`.
//!
//! Peaks are the kernel's own high-water marks (`VmHWM`), so that a peak between two samples is not missed unless it is
//! in a process's last moments. A tree's peak is the sum of its processes' marks: an upper bound, since they need not
//! have peaked together and pages they share are counted in each.

use crate::server;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What all processes of a tree held at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Since the program was started.
    pub(crate) at: Duration,
    /// Resident bytes of the whole tree.
    pub(crate) resident: u64,
}

/// The memory of one run of a program.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Memory {
    /// Peak resident bytes of the process that was started.
    pub(crate) main_peak: u64,
    /// Peak resident bytes of it and its descendants; an upper bound.
    pub(crate) tree_peak: u64,
    /// How the tree's resident bytes went.
    #[serde(skip)]
    pub(crate) timeline: Vec<Sample>,
}

impl Memory {
    /// The tree's peak; none for a run too short to have been looked at more than once or twice.
    pub(crate) fn peak(&self) -> Option<f64> {
        (self.timeline.len() > 2).then_some(self.tree_peak as f64)
    }

    /// The largest sample in the first and in the last quarter of the run's time; none for a run too short to tell.
    pub(crate) fn first_and_last_quarter(&self) -> Option<(u64, u64)> {
        let end = self.timeline.last()?.at;
        let most = |from: Duration, to: Duration| {
            let inside = self.timeline.iter().filter(|sample| sample.at >= from && sample.at <= to);
            inside.map(|sample| sample.resident).max()
        };
        if self.timeline.len() < 12 {
            return None;
        }
        Some((most(Duration::ZERO, end / 4)?, most(end * 3 / 4, end)?))
    }
}

/// Takes the samples of one run.
#[derive(Debug)]
pub(crate) struct Watch {
    root: u32,
    began: Instant,
    memory: Memory,
    thread: Option<Thread>,
}

/// A thread whose processor time is wanted.
#[derive(Debug)]
struct Thread {
    name: &'static str,
    /// Its `schedstat`, once it was found.
    schedstat: Option<PathBuf>,
    on_core: Option<Duration>,
}

impl Thread {
    /// Reads its time. What it uses after the last look is missed: at most what fits between two looks.
    fn sample(&mut self, root: u32) {
        if self.schedstat.is_none() {
            self.schedstat = thread_of(root, self.name);
        }
        let text = self.schedstat.as_ref().and_then(|path| fs::read_to_string(path).ok());
        if let Some(on_core) = text.and_then(|text| server::on_core(&text)) {
            self.on_core = Some(on_core);
        }
    }
}

/// The `schedstat` of a process's thread of this name.
fn thread_of(pid: u32, name: &str) -> Option<PathBuf> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut folders = threads.flatten().map(|thread| thread.path());
    let named = |folder: &PathBuf| {
        fs::read_to_string(folder.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
    };
    Some(folders.find(named)?.join("schedstat"))
}

impl Watch {
    /// Watches the process `root`, started at `began`, and its descendants, and `root`'s thread of the name `thread`.
    pub(crate) fn new(root: u32, began: Instant, thread: Option<&'static str>) -> Self {
        let thread = thread.map(|name| Thread { name, schedstat: None, on_core: None });
        Self { root, began, memory: Memory::default(), thread }
    }

    /// The process that was started.
    pub(crate) const fn root(&self) -> u32 {
        self.root
    }

    /// For how long it has run.
    pub(crate) fn running_for(&self) -> Duration {
        self.began.elapsed()
    }

    /// Takes one sample. Processes that end meanwhile are passed over.
    pub(crate) fn sample(&mut self) {
        if let Some(thread) = &mut self.thread {
            thread.sample(self.root);
        }
        let mut resident = 0;
        let mut peaks = 0;
        for pid in tree(self.root) {
            let Some(status) = Status::of(pid) else { continue };
            resident += status.resident;
            peaks += status.peak;
            if pid == self.root {
                self.memory.main_peak = self.memory.main_peak.max(status.peak);
            }
        }
        if resident > 0 {
            self.memory.tree_peak = self.memory.tree_peak.max(peaks);
            self.memory.timeline.push(Sample { at: self.began.elapsed(), resident });
        }
    }

    /// What was seen: the memory, and for how long the thread was on a core.
    pub(crate) fn finish(self) -> (Memory, Option<Duration>) {
        (self.memory, self.thread.and_then(|thread| thread.on_core))
    }
}

/// A process and all its descendants.
fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        found.extend(children(pid));
    }
    found
}

/// The children of all of a process's threads: a child belongs to the thread that started it.
fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Status {
    resident: u64,
    peak: u64,
}

impl Status {
    fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }

    /// None for a zombie, which has no memory any more.
    fn parse(text: &str) -> Option<Self> {
        let fields: BTreeMap<&str, &str> =
            text.lines().filter_map(|line| line.split_once(':')).collect();
        let bytes = |name: &str| {
            let kilobytes: u64 =
                fields.get(name)?.trim().strip_suffix(" kB")?.trim().parse().ok()?;
            Some(kilobytes * 1024)
        };
        Some(Self { resident: bytes("VmRSS")?, peak: bytes("VmHWM")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_gives_what_is_resident_and_its_peak() {
        let text = "Name:\twrk\nVmPeak:\t  9000 kB\nVmHWM:\t    5120 kB\nVmRSS:\t    4096 kB\n";
        assert_eq!(Status::parse(text), Some(Status { resident: 4096 << 10, peak: 5120 << 10 }));
        assert_eq!(Status::parse("Name:\twrk\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn the_tree_of_this_process_holds_a_child_it_started() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = tree(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.contains(&child.id()));
    }

    #[test]
    fn growth_is_seen_between_the_first_and_the_last_quarter() {
        let timeline: Vec<_> = (0u64..=100)
            .map(|i| Sample {
                at: Duration::from_millis(i),
                resident: if i < 50 { 10 } else { 30 },
            })
            .collect();
        let memory = Memory { timeline, ..Memory::default() };
        assert_eq!(memory.first_and_last_quarter(), Some((10, 30)));
        assert_eq!(Memory::default().first_and_last_quarter(), None);
    }
}
