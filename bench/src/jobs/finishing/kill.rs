//! Starts a program and kills it in the middle of its work.

use crate::interrupt::Interrupt;
use crate::measure::{self, STDERR, STDOUT};
use crate::server::Access;
use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take until it is killed.
const PATIENCE: Duration = Duration::from_mins(3);

/// Starts `argv`, and kills it and what it started once the log tells of `kill_after` good answers.
pub(super) fn in_the_middle(
    argv: &[OsString],
    scratch: &Path,
    log: &Path,
    kill_after: usize,
    interrupt: &Interrupt,
) -> Result<()> {
    let (program, arguments) = argv.split_first().context("an empty command")?;
    let out = |name| File::create(scratch.join(name)).context("failed to create a file");
    let mut command = Command::new(program);
    command.args(arguments).current_dir(scratch).process_group(0).stdin(Stdio::null());
    let child = command
        .stdout(out(STDOUT)?)
        .stderr(out(STDERR)?)
        .spawn()
        .with_context(|| format!("failed to start {}", program.display()))?;
    let mut running = Group(child);
    let began = Instant::now();
    let mut log = File::open(log).context("there is no access log")?;
    let (mut good, mut rest) = (0, String::new());
    loop {
        log.read_to_string(&mut rest).context("failed to read the access log")?;
        let whole = rest.rfind('\n').map_or(0, |end| end + 1);
        for line in rest.drain(..whole).as_str().lines() {
            good += usize::from(serde_json::from_str::<Access>(line).is_ok_and(|line| line.good()));
        }
        if good >= kill_after || interrupt.raised() {
            return Ok(());
        }
        if let Some(status) = running.0.try_wait().context("failed to look at the program")? {
            let said = measure::last_words(scratch);
            bail!("it ended before it was killed, after {good} good answers: {status}: {said}");
        }
        if began.elapsed() > PATIENCE {
            bail!("only {good} good answers within {} s", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// A process group, which is killed and waited for when this is dropped.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Ok(group) = i32::try_from(self.0.id()) {
            // It may have ended by itself.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a shell script that is to be killed when the log tells of one good answer.
    fn killed(script: &str) -> Result<()> {
        let scratch = tempfile::tempdir().unwrap();
        let log = scratch.path().join("access");
        File::create(&log).unwrap();
        let argv = ["sh", "-c", script].map(OsString::from);
        in_the_middle(&argv, scratch.path(), &log, 1, &Interrupt::default())
    }

    #[test]
    fn a_program_is_killed_once_the_log_tells_of_enough_answers() {
        let line = |status, outcome| {
            format!(
                r#"{{"time":1.5,"path":"/","status":{status},"duration_us":1,"outcome":"{outcome}"}}"#
            )
        };
        let (cut, good) = (line(200, "broken"), line(200, "sent"));
        killed(&format!("echo '{cut}' >> access; echo '{good}' >> access; sleep 600")).unwrap();
        let error = killed(&format!("echo '{cut}' >> access; echo oh no >&2; exit 3")).unwrap_err();
        assert!(
            error.to_string().contains("after 0 good answers: exit status: 3: oh no"),
            "{error}"
        );
    }
}
