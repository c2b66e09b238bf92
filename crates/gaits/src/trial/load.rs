//! What the machine does beside a trial: `/proc/stat`, and `/proc/pressure` (pressure stall information, PSI).
//!
//! How much of the CPU others take is told by `/proc/stat`: the pressure on the CPU counts the trial's own threads that wait.

use crate::sys;
use gaits_core::Clock as _;
use gaits_engine::MonotonicClock;
use gaits_engine::plan::cores;
use gaits_report::MachineLoad;
use std::fs;

/// The kernel counts in hundredths of a second wherever it shows these numbers.
const TICK_US: u64 = 10_000;

/// Watches from the moment when it was made.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    servers: &'a [u32],
    server_us: u64,
    clock: MonotonicClock,
    times: Option<Times>,
    own_us: u64,
    stalls: [u64; 2],
}

/// What all cores have done since the machine was started, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    /// How many cores these are: all of the machine, however few of them this process may use.
    cores: u64,
    busy_us: u64,
    stolen_us: u64,
}

impl<'a> Watch<'a> {
    /// From now on; `servers` are the processes of the server that the trial is for, if they can be seen.
    pub(super) fn begin(servers: &'a [u32]) -> Self {
        Self {
            servers,
            server_us: cpu_of_all(servers),
            clock: MonotonicClock::start(),
            times: Times::now(),
            own_us: own_us(),
            stalls: stalls(),
        }
    }

    /// What others did since, beside a trial that took `cpu_us`.
    pub(super) fn end(&self, cpu_us: u64) -> MachineLoad {
        let wall_us = self.clock.now_us();
        let zero = Times { cores: u64::from(cores()), busy_us: 0, stolen_us: 0 };
        let (before, now) = self.times.zip(Times::now()).unwrap_or((zero, zero));
        let busy_us = now.busy_us.saturating_sub(before.busy_us);
        // The children's time is counted when they have been waited for, so the trial's is in neither number twice.
        let own_us = own_us().saturating_sub(self.own_us).max(cpu_us);
        let [memory_stall_us, disk_stall_us] = stalls();
        MachineLoad {
            server_us: (!self.servers.is_empty())
                .then(|| cpu_of_all(self.servers).saturating_sub(self.server_us)),
            memory_stall_us: memory_stall_us.saturating_sub(self.stalls[0]),
            disk_stall_us: disk_stall_us.saturating_sub(self.stalls[1]),
            wall_us,
            cores: now.cores,
            others_us: busy_us.saturating_sub(own_us),
            stolen_us: now.stolen_us.saturating_sub(before.stolen_us),
        }
    }
}

/// For how long something has waited for memory, and for a disk, since the machine was started, in microseconds; 0 where the
/// kernel does not tell.
fn stalls() -> [u64; 2] {
    ["memory", "io"].map(|of| {
        let told = fs::read_to_string(format!("/proc/pressure/{of}")).unwrap_or_default();
        stall_us(&told).unwrap_or(0)
    })
}

/// Reads `some avg10=0.00 avg60=0.00 avg300=0.00 total=1234`, in microseconds.
fn stall_us(told: &str) -> Option<u64> {
    let some = told.lines().find_map(|line| line.strip_prefix("some "))?;
    some.split_ascii_whitespace().find_map(|field| field.strip_prefix("total="))?.parse().ok()
}

/// CPU time of this process, of those it has waited for, and of those that it has started and that live: of the latter there
/// is only a server to race on, since a trial does not live when this is read.
fn own_us() -> u64 {
    sys::cpu_us().unwrap_or(0) + children().filter_map(cpu_of).sum::<u64>()
}

/// The processes below this one that live.
fn children() -> impl Iterator<Item = u32> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks.flat_map(|task| sys::children_of(&task.path()))
}

/// CPU time of these processes, in microseconds.
fn cpu_of_all(pids: &[u32]) -> u64 {
    pids.iter().filter_map(|pid| cpu_of(*pid)).sum()
}

/// CPU time of a process, in microseconds: `utime` and `stime` of `/proc/PID/stat`.
fn cpu_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything; `utime` is the 14th field, and the state after the name the third.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) * TICK_US)
}

impl Times {
    fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// Reads `cpu user nice system idle iowait irq softirq steal guest guest_nice`; guests are in `user` and `nice`, too.
    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> = line
            .split_ascii_whitespace()
            .map(|number| number.parse().ok())
            .collect::<Option<_>>()?;
        let at = |place: usize| ticks.get(place).copied().unwrap_or(0) * TICK_US;
        // A line each: cpu0, cpu1 and so on.
        let cores = stat.lines().filter(|line| {
            let number = line.strip_prefix("cpu").and_then(|rest| rest.bytes().next());
            number.is_some_and(|first| first.is_ascii_digit())
        });
        let busy_us = at(0) + at(1) + at(2) + at(5) + at(6);
        Some(Self { cores: (cores.count() as u64).max(1), busy_us, stolen_us: at(7) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_this_process_has_started_is_its_own() {
        let busy = "while :; do :; done";
        let mut child = std::process::Command::new("sh").args(["-c", busy]).spawn().unwrap();
        let own = || cpu_of(child.id()).unwrap();
        while own() < 50_000 {
            std::thread::yield_now();
        }
        assert!(children().any(|pid| pid == child.id()));
        assert!(own_us() >= 50_000);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(cpu_of(child.id()), None);
    }

    #[test]
    fn what_the_kernel_writes_of_pressure_is_read() {
        let told = "some avg10=0.21 avg60=1.95 avg300=1.75 total=8958\nfull avg10=0 total=7\n";
        assert_eq!(stall_us(told), Some(8958));
        assert_eq!(stall_us("full avg10=0.00 total=7\n"), None);
        assert_eq!(stall_us("some avg10=0.00 total=x\n"), None);
    }

    #[test]
    fn what_the_kernel_writes_is_read() {
        let stat = "cpu  10 20 30 1000 2000 1 2 3 4 5\ncpu0 1 2 3 4\ncpu11 1 2 3 4\nintr 7\n";
        let times = Times { cores: 2, busy_us: 63 * TICK_US, stolen_us: 3 * TICK_US };
        assert_eq!(Times::parse(stat), Some(times));
        assert_eq!(Times::parse("cpu  1 x\n"), None);
        assert!(Times::now().is_some_and(|times| times.cores >= u64::from(cores())));
    }
}
