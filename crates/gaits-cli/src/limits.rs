//! Limits that the system sets to this process, as far as they are raised. Worker processes inherit them.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use signal_hook::consts::SIGXFSZ;
use std::sync::Arc;

/// Has a write beyond the limit of a file's size fail, as one to a full disk does, instead of ending the process.
pub(crate) fn survive_file_size() {
    // Where that can't be done, such a write ends the process: what was recorded is intact all the same.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
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
