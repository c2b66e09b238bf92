//! The system calls that the standard library does not offer, and the only `unsafe` of this program.

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// How a process ended, and the processor time it took together with the children it waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    /// Its exit status.
    pub(crate) status: ExitStatus,
    /// User and system time.
    pub(crate) cpu: Duration,
}

/// Waits for `child` with `wait4`, which alone tells what *this* child used: `RUSAGE_CHILDREN` adds up all the
/// children there ever were.
///
/// Its `ru_maxrss` is not read: it inherits the parent's peak across `exec` (`watch` reads `VmHWM` instead).
#[expect(unsafe_code, reason = "neither the standard library nor nix offers wait4")]
pub(crate) fn wait4(child: Child) -> io::Result<Ended> {
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    // The handle holds no pipes and reaps nothing when dropped: from here on the pid is waited for once, here.
    drop(child);
    let mut status = 0;
    // SAFETY: `rusage` is plain integers, for which all zeroes is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live locals of the types that wait4 writes.
        let got = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
        if got == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let cpu = duration(usage.ru_utime) + duration(usage.ru_stime);
    Ok(Ended { status: ExitStatus::from_raw(status), cpu })
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

/// Makes the process that `command` starts receive SIGTERM when the calling thread ends, so that a server does not
/// outlive a harness that was killed.
#[expect(unsafe_code, reason = "code between fork and exec is unsafe by nature")]
pub(crate) fn end_with_us(command: &mut Command) -> &mut Command {
    // SAFETY: the closure makes one system call, allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(|| {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) == -1 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        })
    }
}

/// Raises the soft limit on open files to the hard one; every program measured inherits it.
pub(crate) fn raise_open_files() -> Result<u64> {
    let (_, hard) =
        getrlimit(Resource::RLIMIT_NOFILE).context("failed to read the limit on open files")?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
        .context("failed to raise the limit on open files")?;
    Ok(hard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait4_gives_the_exit_code_and_the_time_that_was_used() {
        let child = Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 7"])
            .spawn()
            .unwrap();
        let ended = wait4(child).unwrap();
        assert_eq!(ended.status.code(), Some(7));
        assert!(ended.cpu > Duration::ZERO);
    }
}
