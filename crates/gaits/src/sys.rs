//! What is asked of the operating system, apart from reading and writing.

use gaits_engine::journal::Machine;
use gaits_engine::plan::cores;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::resource::{Resource, Usage, UsageWho, getrlimit, getrusage};
use nix::sys::stat::{FileStat, SFlag, fstat, stat};
use nix::unistd::syncfs;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Whether `output` is the regular file that standard input reads.
pub(crate) fn is_stdin(output: BorrowedFd<'_>) -> bool {
    is_regular_and_same(output, fstat(io::stdin().as_fd()))
}

/// Whether `output` and `input` are one regular file.
pub(crate) fn is_same_file(output: BorrowedFd<'_>, input: BorrowedFd<'_>) -> bool {
    is_regular_and_same(output, fstat(input))
}

/// Whether `output` is the regular file at `path`.
pub(crate) fn is_file_at(output: BorrowedFd<'_>, path: &Path) -> bool {
    is_regular_and_same(output, stat(path))
}

fn is_regular_and_same(output: BorrowedFd<'_>, other: nix::Result<FileStat>) -> bool {
    let is_file =
        |stat: &FileStat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG;
    match (fstat(output), other) {
        (Ok(output), Ok(other)) => {
            is_file(&other) && (output.st_dev, output.st_ino) == (other.st_dev, other.st_ino)
        }
        _ => false,
    }
}

/// Whether `stdout` was closed when this process began. The standard library then puts `/dev/null` in its place, open
/// both ways, which nobody who redirects output there does.
pub(crate) fn was_closed(stdout: BorrowedFd<'_>) -> bool {
    let flags = fcntl(stdout, FcntlArg::F_GETFL).map(OFlag::from_bits_truncate);
    let is_null = || match (fstat(stdout), fs::metadata("/dev/null")) {
        (Ok(stdout), Ok(null)) => stdout.st_rdev == null.rdev() && stdout.st_rdev != 0,
        _ => false,
    };
    flags.is_ok_and(|flags| flags & OFlag::O_ACCMODE == OFlag::O_RDWR) && is_null()
}

/// The path by which the system knows an open file now.
pub(crate) fn path_of(file: &File) -> Option<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}

/// Brings all to the disk that was written to the file system that `file` is on.
pub(crate) fn sync_file_system(file: &File) -> io::Result<()> {
    Ok(syncfs(file)?)
}

/// CPU time of this process and of its worker processes, as far as they have been waited for, in microseconds.
pub(crate) fn cpu_us() -> io::Result<u64> {
    let both = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN].map(getrusage);
    both.into_iter().map(|usage| Ok(spent_us(&usage?))).sum()
}

/// CPU time in all, in microseconds.
pub(crate) fn spent_us(usage: &Usage) -> u64 {
    let times = [usage.user_time(), usage.system_time()];
    times.iter().map(|time| time.tv_sec() * 1_000_000 + time.tv_usec()).sum::<i64>().unsigned_abs()
}

/// The processes that live and were started by one thread, whose folder `/proc/PID/task/TID` this is.
pub(crate) fn children_of(task: &Path) -> Vec<u32> {
    let children = fs::read_to_string(task.join("children")).unwrap_or_default();
    children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// The date and time, in UTC, to the second: RFC 3339. It is written down and compared with nothing; what a run measures is
/// on the clock of the run.
pub(crate) fn now() -> String {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_nanosecond(0).unwrap_or(now);
    // A year beyond 9999 has no such form.
    now.format(&Rfc3339).unwrap_or_default()
}

/// The machine that this process runs on.
pub(crate) fn machine() -> Machine {
    let name = nix::sys::utsname::uname().ok();
    let part = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    Machine {
        os: name.as_ref().map_or_else(
            || std::env::consts::OS.to_owned(),
            |name| format!("{} {}", part(name.sysname()), part(name.release())),
        ),
        cores: u64::from(cores()),
        hostname: name.as_ref().map(|name| part(name.nodename())).unwrap_or_default(),
    }
}

/// The model of the processor, where the system tells.
pub(crate) fn cpu_model() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The memory of the machine, in bytes.
pub(crate) fn memory() -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
}

/// How many files this process may have open.
pub(crate) fn open_files() -> Option<u64> {
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    Some(soft)
}

/// How many threads wanted a core on average over the last minute, in hundredths.
pub(crate) fn load_percent() -> Option<u64> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    let (whole, hundredths) = load.split_ascii_whitespace().next()?.split_once('.')?;
    Some(whole.parse::<u64>().ok()? * 100 + hundredths.parse::<u64>().ok()?)
}

/// Cuts off what was written of a last line when a write failed, as it does when the disk is full: the others are whole.
pub(crate) fn cut_torn_line(file: &File) -> io::Result<()> {
    const CHUNK: u64 = 64 * 1024;
    let length = file.metadata()?.len();
    let mut end = length;
    let mut chunk = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(CHUNK);
        chunk.resize(usize::try_from(end - start).map_err(io::Error::other)?, 0);
        file.read_exact_at(&mut chunk, start)?;
        if let Some(at) = chunk.iter().rposition(|byte| *byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < length { file.set_len(end) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_of_a_last_record_is_cut_off_and_whole_records_stay() {
        let scratch = tempfile::tempdir().unwrap();
        let whole = "{\"index\":0}\n".repeat(20_000);
        let long = "x".repeat(200_000);
        for (text, left) in [
            (format!("{whole}{{\"ind"), whole.as_str()),
            (format!("{whole}{long}"), &whole),
            (whole.clone(), &whole),
            (long.clone(), ""),
            (String::new(), ""),
        ] {
            let path = scratch.path().join("results.jsonl");
            fs::write(&path, &text).unwrap();
            cut_torn_line(&File::options().read(true).append(true).open(&path).unwrap()).unwrap();
            assert!(fs::read_to_string(&path).unwrap() == left, "{} bytes", text.len());
        }
    }

    #[test]
    fn the_time_is_written_as_the_standard_has_it() {
        let now = now();
        assert!(now.len() == "2026-01-02T03:04:05Z".len() && now.ends_with('Z'), "{now}");
    }
}
