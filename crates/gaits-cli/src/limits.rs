//! Limits that the system sets to this process, as far as they are raised. Worker processes inherit them.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one: each connection takes a file descriptor, and the soft limit is
/// often 1024. Where that can't be done, a run goes on with as many workers as there are descriptors for.
pub(crate) fn raise_open_files() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
