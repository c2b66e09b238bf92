//! What a run has taken of the machine, without privileges: proc(5), getrusage(2).

use crate::sys;
use gaits_core::Clock as _;
use gaits_engine::MonotonicClock;
use gaits_report::Usage;
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::{Pid, getsid};
use std::collections::HashMap;
use std::fs;

/// Counts from the moment when it was made.
#[derive(Debug)]
pub(super) struct Account {
    spent: Counts,
    waiting_us: Option<u64>,
    /// How long it took to look, in microseconds.
    pub(super) took_us: u64,
}

/// What is known of threads and processes while they live.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Snapshot {
    threads: u64,
    processes: u64,
    /// Time in which threads waited for a core, in microseconds; none where the kernel does not tell.
    waiting_us: Option<u64>,
    /// The sum of the peaks of all processes, in bytes.
    peak_memory: u64,
    /// How long it took to look, in microseconds.
    pub(super) took_us: u64,
}

/// What the kernel adds up for this process and those that it has waited for.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    cpu_us: u64,
    voluntary: u64,
    involuntary: u64,
}

impl Account {
    pub(super) fn open() -> Self {
        let spent = Counts::now();
        let Snapshot { waiting_us, took_us, .. } = Snapshot::take();
        Self { spent, waiting_us, took_us }
    }

    /// What was taken since; `snapshot` was made when all threads and processes were still there, but for commands, which have
    /// held `of_commands` bytes.
    pub(super) fn close(&self, snapshot: Snapshot, of_commands: u64) -> Usage {
        let now = Counts::now();
        let waiting_us = snapshot.waiting_us.zip(self.waiting_us);
        Usage {
            cpu_us: now.cpu_us.saturating_sub(self.spent.cpu_us),
            waiting_us: waiting_us.map(|(now, before)| now.saturating_sub(before)),
            voluntary_switches: now.voluntary.saturating_sub(self.spent.voluntary),
            involuntary_switches: now.involuntary.saturating_sub(self.spent.involuntary),
            threads: snapshot.threads,
            processes: snapshot.processes,
            peak_memory: snapshot.peak_memory + of_commands,
        }
    }
}

/// What was seen of another program's processes while they lived.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// How long each of its threads has waited for a core, in microseconds, when it was last seen.
    waited_us: HashMap<u64, u64>,
    /// For how long there were so many threads and processes, in microseconds: what a program starts with (a shell, a wrapper)
    /// is not what it works with.
    there: HashMap<(u64, u64), u64>,
    peak_memory: u64,
}

impl Tree {
    /// Looks at the process `root` and at all below it, which was last done `since_us` ago. Says how long that took, in
    /// microseconds.
    pub(super) fn look(&mut self, root: u32, since_us: u64) -> u64 {
        let snapshot = Snapshot::of(root, false, |thread, waited_us| {
            self.waited_us.insert(thread, waited_us);
        });
        *self.there.entry((snapshot.threads, snapshot.processes)).or_default() += since_us;
        self.peak_memory = self.peak_memory.max(snapshot.peak_memory);
        snapshot.took_us
    }
}

impl Account {
    /// What the children of this process have taken, now that they have been waited for, with what was seen of them.
    pub(super) fn of_children(tree: &Tree) -> Usage {
        let spent = getrusage(UsageWho::RUSAGE_CHILDREN).ok();
        // The kernel counts the memory of a process from before it executed the program, too: that was a copy of this one's.
        let largest = spent.map_or(0, |spent| spent.max_rss().unsigned_abs() * 1_024);
        let own = peak_memory(std::process::id()).unwrap_or(u64::MAX);
        let now = Counts::of(&[UsageWho::RUSAGE_CHILDREN]);
        let longest = tree.there.iter().max_by_key(|(_, us)| **us);
        let (threads, processes) = longest.map_or((1, 1), |(there, _)| *there);
        Usage {
            cpu_us: now.cpu_us,
            waiting_us: (!tree.waited_us.is_empty()).then(|| tree.waited_us.values().sum()),
            voluntary_switches: now.voluntary,
            involuntary_switches: now.involuntary,
            threads,
            processes,
            peak_memory: if largest > own {
                tree.peak_memory.max(largest)
            } else {
                tree.peak_memory
            },
        }
    }
}

impl Counts {
    fn now() -> Self {
        Self::of(&[UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN])
    }

    fn of(whom: &[UsageWho]) -> Self {
        let mut counts = Self::default();
        for spent in whom.iter().filter_map(|who| getrusage(*who).ok()) {
            counts.cpu_us += sys::spent_us(&spent);
            counts.voluntary += spent.voluntary_context_switches().unsigned_abs();
            counts.involuntary += spent.involuntary_context_switches().unsigned_abs();
        }
        counts
    }
}

impl Snapshot {
    /// Looks at this process and at all below it. What has a session of its own is none of the model's: the guard of commands,
    /// which is the same under every model.
    pub(super) fn take() -> Self {
        Self::of(std::process::id(), true, |_, _| {})
    }

    /// Looks at the process `root` and at all below it, those in other sessions left out where `one_session` is asked for; tells
    /// `each` how long each thread has waited for a core.
    fn of(root: u32, one_session: bool, mut each: impl FnMut(u64, u64)) -> Self {
        let session = getsid(None);
        let clock = MonotonicClock::start();
        let mut snapshot = Self { waiting_us: Some(0), ..Self::default() };
        let mut left = vec![root];
        while let Some(pid) = left.pop() {
            if one_session && getsid(Some(Pid::from_raw(pid.cast_signed()))) != session {
                continue;
            }
            // A process that has ended meanwhile has nothing to show.
            let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
            snapshot.processes += 1;
            snapshot.peak_memory += peak_memory(pid).unwrap_or(0);
            for task in tasks.flatten() {
                snapshot.threads += 1;
                let file = |name| fs::read_to_string(task.path().join(name)).ok();
                let waited_us = file("schedstat").and_then(|text| waited_us(&text));
                let number = task.file_name().to_str().and_then(|name| name.parse().ok());
                if let Some((thread, waited_us)) = number.zip(waited_us) {
                    each(thread, waited_us);
                }
                snapshot.waiting_us = snapshot.waiting_us.zip(waited_us).map(|(a, b)| a + b);
                left.extend(sys::children_of(&task.path()));
            }
        }
        snapshot.took_us = clock.now_us();
        snapshot
    }
}

/// The second number of a `schedstat` file: how long the thread waited on a run queue, in nanoseconds.
fn waited_us(schedstat: &str) -> Option<u64> {
    Some(schedstat.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()? / 1_000)
}

/// The `VmHWM` of a process, in bytes.
fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::process::{Command, Stdio};

    #[test]
    fn threads_processes_and_memory_are_counted() {
        let account = Account::open();
        let memory = black_box(vec![1_u8; 64 << 20]);
        let mut child = Command::new("sleep").arg("100").stdin(Stdio::null()).spawn().unwrap();
        let snapshot = Snapshot::take();
        child.kill().unwrap();
        child.wait().unwrap();
        let usage = account.close(snapshot, 0);
        assert!(usage.processes >= 2 && usage.threads > usage.processes, "{usage:?}");
        assert!(usage.peak_memory > memory.len() as u64, "{usage:?}");
        assert!(usage.cpu_us > 0, "{usage:?}");
    }

    #[test]
    fn what_the_kernel_writes_is_read() {
        assert_eq!(waited_us("123456 7890123 42\n"), Some(7_890));
        assert_eq!(waited_us(""), None);
    }
}
