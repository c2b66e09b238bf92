//! Runs one program once and measures it from outside.
//!
//! The wall time is the monotonic clock's, from just before the program is started until it has been waited for: the
//! whole process, with its start-up and the closing of its files.

use crate::interrupt::Interrupt;
use crate::sys;
use crate::watch::{Memory, Watch};
use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How often a running program's memory is looked at. One look costs some tens of microseconds.
const SAMPLE_EVERY: Duration = Duration::from_millis(20);

/// A program that runs longer than this hangs.
const TIME_LIMIT: Duration = Duration::from_mins(30);

/// Where a program's standard output goes, inside its scratch folder.
pub(crate) const STDOUT: &str = "stdout";
/// Where its standard error goes.
pub(crate) const STDERR: &str = "stderr";

/// One run of a program.
#[derive(Debug)]
pub(crate) struct Run {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Seconds from before it was started until it had been waited for.
    pub(crate) wall: f64,
    /// Seconds of processor time, user and system, its children included.
    pub(crate) cpu: f64,
    /// What it held.
    pub(crate) memory: Memory,
    /// Seconds for which the thread that was asked for was on a core, if there was one.
    pub(crate) thread: Option<f64>,
}

/// Runs `argv` in the folder `scratch`, its output going to files there, so that nobody has to read while it runs.
///
/// The program leads a process group of its own: Ctrl-C on the terminal reaches this harness only, which then ends the
/// whole group. The processor time of its thread of the name `thread` is read as long as it runs.
pub(crate) fn run(
    argv: &[OsString],
    thread: Option<&'static str>,
    scratch: &Path,
    interrupt: &Interrupt,
) -> Result<Run> {
    let (program, arguments) = argv.split_first().context("an empty command")?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(scratch).process_group(0).stdin(Stdio::null());
    command.stdout(create(scratch, STDOUT)?).stderr(create(scratch, STDERR)?);
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
    {
        command.env_remove(name);
    }
    let began = Instant::now();
    let child =
        command.spawn().with_context(|| format!("failed to start {}", program.display()))?;
    let pid = child.id();
    let (ended, over) = mpsc::channel::<()>();
    let watching = {
        let interrupt = interrupt.clone();
        thread::Builder::new()
            .name("watch".into())
            .spawn(move || watch(Watch::new(pid, began, thread), &over, &interrupt))
            .context("failed to start the watching thread")?
    };
    let waited = sys::wait4(child);
    let wall = began.elapsed();
    drop(ended);
    let Ok((memory, thread)) = watching.join() else { bail!("the watching thread panicked") };
    let waited = waited.context("failed to wait for the program")?;
    if interrupt.raised() {
        bail!("interrupted");
    }
    if wall >= TIME_LIMIT {
        bail!("stopped after {} s", TIME_LIMIT.as_secs());
    }
    Ok(Run {
        status: waited.status,
        wall: wall.as_secs_f64(),
        cpu: waited.cpu.as_secs_f64(),
        memory,
        thread: thread.map(|time| time.as_secs_f64()),
    })
}

/// The end of what the program said on standard error, to explain a failure.
pub(crate) fn last_words(scratch: &Path) -> String {
    let said = fs::read(scratch.join(STDERR)).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    line.trim().chars().take(160).collect()
}

fn create(scratch: &Path, name: &str) -> Result<File> {
    let path = scratch.join(name);
    File::create(&path).with_context(|| format!("failed to create {}", path.display()))
}

/// Samples until the run is over, and ends it when the user wants to stop or when it hangs.
fn watch(
    mut watch: Watch,
    over: &mpsc::Receiver<()>,
    interrupt: &Interrupt,
) -> (Memory, Option<Duration>) {
    loop {
        watch.sample();
        match over.recv_timeout(SAMPLE_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return watch.finish(),
        }
        if (interrupt.raised() || watch.running_for() >= TIME_LIMIT)
            && let Ok(group) = i32::try_from(watch.root())
        {
            // It may have ended by itself just now.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<OsString> {
        ["sh", "-c", script].map(OsString::from).to_vec()
    }

    #[test]
    fn a_run_leaves_its_output_in_its_folder() {
        let scratch = tempfile::tempdir().unwrap();
        let run = run(
            &shell("echo out; echo err >&2; exit 3"),
            None,
            scratch.path(),
            &Interrupt::default(),
        )
        .unwrap();
        assert_eq!(run.status.code(), Some(3));
        assert_eq!(fs::read_to_string(scratch.path().join(STDOUT)).unwrap(), "out\n");
        assert_eq!(last_words(scratch.path()), "err");
    }

    #[test]
    fn the_memory_of_a_run_is_seen() {
        let scratch = tempfile::tempdir().unwrap();
        let run = run(&shell("sleep 0.1"), None, scratch.path(), &Interrupt::default()).unwrap();
        assert!(run.memory.main_peak > 0);
        assert!(run.memory.tree_peak >= run.memory.main_peak);
        assert!(run.wall >= 0.1);
    }

    #[test]
    fn the_time_of_a_thread_is_read_by_its_name() {
        let scratch = tempfile::tempdir().unwrap();
        let busy = shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
        let of = |name| run(&busy, Some(name), scratch.path(), &Interrupt::default()).unwrap();
        let run = of("sh");
        assert!(run.thread.unwrap() > 0.0 && run.thread.unwrap() <= run.wall);
        assert_eq!(of("no-such-thread").thread, None);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let scratch = tempfile::tempdir().unwrap();
        let error = run(&["no-such-program".into()], None, scratch.path(), &Interrupt::default())
            .unwrap_err();
        assert!(format!("{error:#}").contains("no-such-program"));
    }
}
