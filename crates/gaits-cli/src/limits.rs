//! Limits that the system sets to this process, as far as they are raised, and signals that it starts with. Worker processes
//! inherit the limits.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use signal_hook::consts::{SIGCHLD, SIGXFSZ};
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

/// Raises the soft limit of open files to the hard one: each connection takes a file descriptor, and the soft limit is
/// often 1024. Where that can't be done, a run goes on with as many workers as there are descriptors for.
pub(crate) fn raise_open_files() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
