//! The machine, and how much of it others used meanwhile.

use crate::server::{Nginx, Server};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Processor model, cores, memory and kernel in one line.
pub(crate) fn describe() -> String {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
        line.map_or("unknown".into(), |line| line.trim_start_matches([' ', '\t', ':']).to_owned())
    };
    let memory = field("/proc/meminfo", "MemTotal:");
    let gibibytes = memory.split(' ').next().and_then(|kilobytes| kilobytes.parse::<f64>().ok());
    format!(
        "{}, {} cores, {:.0} GiB, Linux {}",
        field("/proc/cpuinfo", "model name"),
        cores(),
        gibibytes.unwrap_or(0.0) / 1024.0 / 1024.0,
        fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
    )
}

/// The commit that is checked out, marked if the sources of gaits differ from it.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".into() };
    match git(&["status", "--porcelain", "--", "crates", "Cargo.toml", "Cargo.lock"]) {
        Some(changes) if changes.is_empty() => commit,
        _ => format!("{commit} with changes"),
    }
}

/// How many cores this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The load averages over 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// Tells what share of the machine was used by none of ours: whatever disturbs a measurement.
#[derive(Debug)]
pub(crate) struct Others {
    began: Instant,
    all: Option<Ticks>,
    ours: Duration,
}

/// Processor time of the whole machine since it was started, in hundredths of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    busy: u64,
    stolen: u64,
}

impl Others {
    /// Begins to look.
    pub(crate) fn watch(nginx: Option<&Nginx>) -> Self {
        Self { began: Instant::now(), all: ticks(), ours: ours(nginx) }
    }

    /// What they used since then, in words; `nginx` as at the beginning.
    pub(crate) fn told(&self, nginx: Option<&Nginx>) -> String {
        let (Some(before), Some(now)) = (self.all, ticks()) else { return "unknown".into() };
        let seconds = |ticks: u64| ticks as f64 / 100.0;
        let ours = (ours(nginx).saturating_sub(self.ours)).as_secs_f64();
        let capacity = self.began.elapsed().as_secs_f64() * cores() as f64;
        let busy = (seconds(now.busy - before.busy) - ours).max(0.0);
        let percent = |used: f64| 100.0 * used / capacity;
        format!(
            "{:.0} %, the hypervisor {:.0} %",
            percent(busy),
            percent(seconds(now.stolen - before.stolen))
        )
    }
}

/// Time used by this process, by the children it has waited for, and by the server, which still runs.
fn ours(nginx: Option<&Nginx>) -> Duration {
    let of = |who| {
        getrusage(who).map_or(Duration::ZERO, |usage: Usage| {
            let micros = [usage.user_time(), usage.system_time()]
                .map(|time| u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap_or(0));
            Duration::from_micros(micros.iter().sum())
        })
    };
    of(UsageWho::RUSAGE_SELF)
        + of(UsageWho::RUSAGE_CHILDREN)
        + nginx.and_then(Nginx::busy).unwrap_or_default()
}

fn ticks() -> Option<Ticks> {
    parse_ticks(&fs::read_to_string("/proc/stat").ok()?)
}

/// The first line of /proc/stat: cpu user nice system idle iowait irq softirq steal …
fn parse_ticks(stat: &str) -> Option<Ticks> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line.split_whitespace().map_while(|field| field.parse().ok()).collect();
    // What is done at interrupts, such as all that the loopback device carries, is told apart here; in the account of a process it
    // is in its system time.
    let at_interrupts = fields.get(5..7)?;
    let busy = fields.get(..3)?.iter().chain(at_interrupts).sum();
    Some(Ticks { busy, stolen: *fields.get(7)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_is_user_nice_system_and_interrupts() {
        assert_eq!(
            parse_ticks("cpu  10 1 20 400 5 6 7 8 0 0\ncpu0 1 1 1 1\n"),
            Some(Ticks { busy: 44, stolen: 8 })
        );
        assert_eq!(parse_ticks(""), None);
    }
}
