//! The servers that are raced against, started and stopped by the harness.

mod certificate;
mod counts;
mod delay;
mod nginx;
mod origin;
mod probe;
mod proxy;

pub(crate) use counts::{Counts, Served};
pub(crate) use delay::{DELAY, DelayServer};
pub(crate) use nginx::{HUGE_BYTES, LARGE_BYTES, Nginx, SMALL_BODY};
#[cfg(test)]
pub(crate) use origin::Ending;
pub(crate) use origin::{Access, Origin};
#[cfg(test)]
pub(crate) use probe::counts;
pub(crate) use proxy::Proxy;

use crate::sys;
use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to answer its first request, and to stop.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a race needs of its server.
pub(crate) trait Server {
    /// What it has counted, this question included.
    fn counts(&self) -> Result<Counts>;

    /// Processor time that it has used so far; none if the kernel does not tell.
    fn busy(&self) -> Option<Duration>;

    /// What it has counted once the last client's connections are all closed: closing thousands of them keeps a server busy
    /// for a while, which would be to the next client's cost.
    fn settled(&self) -> Result<Counts> {
        let began = Instant::now();
        loop {
            let counts = self.counts()?;
            if counts.open <= 1 {
                return Ok(counts);
            }
            if began.elapsed() > PATIENCE {
                bail!("the server still holds {} connections of the last client", counts.open - 1);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Reads the first field of a thread's `schedstat`: nanoseconds on a core.
pub(crate) fn on_core(schedstat: &str) -> Option<Duration> {
    schedstat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// A server process. It is stopped when this is dropped: at the end, after an error, or while a panic unwinds. Should the
/// harness be killed outright, the kernel stops it.
#[derive(Debug)]
struct Process(Child);

impl Process {
    /// Starts `command` in a process group of its own, so that Ctrl-C on the terminal leaves its end to us.
    fn start(command: &mut Command) -> Result<Self> {
        let named = format!("failed to start {}", command.get_program().display());
        Ok(Self(sys::end_with_us(command.process_group(0)).spawn().context(named)?))
    }

    fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits until `ready` says so, or the server is gone.
    fn wait_until(&mut self, ready: impl Fn() -> bool) -> Result<()> {
        let began = Instant::now();
        while !ready() {
            if let Some(status) = self.0.try_wait().context("failed to look at the server")? {
                bail!("the server ended by itself: {status}");
            }
            if began.elapsed() > PATIENCE {
                bail!("the server did not answer within {} s", PATIENCE.as_secs());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.0.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to find a free port")?;
    Ok(listener.local_addr().context("failed to read the port")?.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic;
    use std::path::Path;

    #[test]
    fn a_panic_stops_the_server() {
        let process = Process::start(Command::new("sleep").arg("60")).unwrap();
        let running = format!("/proc/{}", process.id());
        assert!(Path::new(&running).exists());
        let panicked = panic::catch_unwind(panic::AssertUnwindSafe(move || {
            let _kept = process;
            panic::resume_unwind(Box::new("as a panic does, without its message"));
        }));
        assert!(panicked.is_err());
        assert!(!Path::new(&running).exists());
    }

    #[test]
    fn a_server_that_ends_at_once_is_told() {
        let mut process = Process::start(&mut Command::new("false")).unwrap();
        assert!(process.wait_until(|| false).unwrap_err().to_string().contains("ended by itself"));
    }
}
