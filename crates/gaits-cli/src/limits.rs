//! Limits that the system sets to this process, as far as they are raised, and signals that it starts with. Worker processes
//! inherit the limits.

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::close;
use signal_hook::consts::{SIGCHLD, SIGXFSZ};
use std::fs::File;
use std::sync::Arc;

/// Has a write beyond the limit of a file's size fail, as one to a full disk does, instead of ending the process.
pub(crate) fn survive_file_size() {
    // Where that can't be done, such a write ends the process: what was recorded is intact all the same.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// Has the system tell how child processes have ended, also where whoever has started this one ignores that. A handler that does
/// nothing is enough, and what is started here has the default again.
pub(crate) fn hear_of_ended_children() {
    if is_ignored(SIGCHLD) {
        let _ = signal_hook::flag::register(SIGCHLD, Arc::default());
    }
}

/// Whether this process ignores a signal; not where the kernel does not say.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal - 1)) != 0
}

/// For so many open files each process has the system make room when it starts. That takes some 130 kB of the kernel's memory.
const ROOM: u64 = 16_384;

/// Raises the soft limit of open files to the hard one: each connection takes a file descriptor, and the soft limit is
/// often 1024. Where that can't be done, a run goes on with as many workers as there are descriptors for.
///
/// Must be called before a thread is started: otherwise this call itself may wait for some 20 ms.
pub(crate) fn raise_open_files() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let is_raised = soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
    make_room(if is_raised { hard } else { soft });
}

/// Has the system make its table of open files as large as it may soon be, by opening the last of `files` and closing it.
///
/// The table grows by itself, to twice the size each time. But in a process with several threads, Linux then waits until no
/// core can still use the old one (`expand_fdtable` in `fs/file.c`), and the thread that opens a file waits for that: 18 and
/// 21 ms at the 256th and the 512th of 1,000 connections, in which nothing else happened on the event loop.
fn make_room(files: u64) {
    let last = i32::try_from(files.min(ROOM)).unwrap_or(i32::MAX) - 1;
    // Where that can't be done, it grows when it must.
    if let Ok(file) = File::open("/dev/null")
        && let Ok(last) = fcntl(&file, FcntlArg::F_DUPFD_CLOEXEC(last))
    {
        let _ = close(last);
    }
}
