//! The engine under every model with real processes, threads and signals. Worker processes are this very binary, so it
//! has a `main` of its own.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::zombie_processes,
    reason = "all of this is test code"
)]

mod cancel;
mod crashes;
mod exhausted;
mod models;
mod pacing;
mod panics;
mod scene;
mod script;
mod sinks;
mod sources;

use libtest_mimic::{Arguments, Trial};
use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// A test that takes longer hangs: no test waits for anything but events. Set in seconds by this variable.
const WATCHDOG: (&str, u64) = ("GAITS_TEST_WATCHDOG", 600);

/// Threads whose panics a test provokes.
const ON_PURPOSE: &[&str] = &["run", "worker", "pool", "source", "dispatcher", "writer"];

fn main() -> ExitCode {
    if let Some(code) = scene::play_another_part() {
        return code;
    }
    // Works, sources and sinks panic on purpose here, on threads of the engine's.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = thread::current();
        let name = thread.name().unwrap_or_default();
        if !ON_PURPOSE.iter().any(|engine| name.starts_with(engine)) {
            report(panic);
        }
    }));
    let trials = [
        models::trials(),
        pacing::trials(),
        panics::trials(),
        crashes::trials(),
        cancel::trials(),
        sources::trials(),
        sinks::trials(),
        exhausted::trials(),
    ];
    // Whatever a dead worker has started becomes a child of this process.
    set_child_subreaper(true).expect("this process adopts orphans");
    let ended = libtest_mimic::run(&Arguments::from_args(), trials.into_iter().flatten().collect());
    if let Err(pid) = nobody_is_left() {
        eprintln!("the tests have left process {pid} behind");
        return ExitCode::FAILURE;
    }
    ended.exit_code()
}

/// Whether all processes that the tests have started are dead; else one that is not.
fn nobody_is_left() -> Result<(), String> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(Errno::ECHILD) => return Ok(()),
            // One that was dead already, and that nobody has waited for.
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => {}
            _ => {
                let children = std::fs::read_to_string("/proc/thread-self/children");
                return Err(children.unwrap_or_else(|_| "of unknown number".into()));
            }
        }
    }
}

/// A test that ends the whole program, with its name, rather than hang.
pub(crate) fn trial(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    let name = name.into();
    Trial::test(name.clone(), move || {
        let (done, watched) = channel::<()>();
        let seconds = std::env::var(WATCHDOG.0).ok().and_then(|s| s.parse().ok());
        let limit = Duration::from_secs(seconds.unwrap_or(WATCHDOG.1));
        let watchdog = thread::Builder::new().name("watchdog".into()).spawn(move || {
            if watched.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                eprintln!("test {name} hangs");
                std::process::abort();
            }
        });
        test();
        drop(done);
        watchdog?.join().map_err(|panic| format!("the watchdog panicked: {panic:?}").into())
    })
}
