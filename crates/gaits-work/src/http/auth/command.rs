//! A program that says the token: run in a shell, within a time.
//!
//! It has no standard input and a process group of its own, so it can't ask anybody anything; what it says on standard error is
//! passed on as it is. Limit: holds its thread until the program has ended.

use super::Secret;
use crate::processes;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::io::Read as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// How long a program may take to say the token.
const LIMIT: Duration = Duration::from_secs(30);

/// How much it may say: no server takes a longer token.
const LONGEST: usize = 64 * 1024;

/// A program that says the token.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TokenCommand {
    /// What the shell is given. It may hold a secret itself.
    command: Secret,
    /// What it has said already, so that nobody needs to run it before the first request.
    token: Option<Secret>,
}

/// Why a program did not say a token. Nothing that it has said stands in here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the token command {0}")]
pub struct TokenError(String);

impl TokenCommand {
    /// What `command`, as a shell runs it, says.
    pub fn new(command: impl Into<String>) -> Self {
        Self { command: Secret::from(command), token: None }
    }

    /// The same, once it has said the token. It may take up to 30 seconds.
    ///
    /// # Errors
    /// It can't be started, takes too long, fails, or says what is no token.
    pub fn with_token(self) -> Result<Self, TokenError> {
        let token = self.run()?;
        Ok(Self { token: Some(token), ..self })
    }

    /// What it had said when the plan was made.
    pub(super) const fn said(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// Runs it.
    pub(super) fn run(&self) -> Result<Secret, TokenError> {
        run(self.command.reveal(), LIMIT).map_err(TokenError)
    }
}

fn run(command: &str, limit: Duration) -> Result<Secret, String> {
    let cannot = |what: &str, error: &dyn std::fmt::Display| format!("can't be {what}: {error}");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    let mut child =
        processes::start(|| shell.spawn()).map_err(|error| cannot("started", &error))?;
    let pid = Pid::from_raw(child.id().cast_signed());
    let stdout = child.stdout.take();
    let (ended, end) = channel();
    let read = move || {
        let mut said = Vec::new();
        let most = LONGEST as u64 + 1;
        let read = stdout.map_or(Ok(0), |stdout| stdout.take(most).read_to_end(&mut said));
        // It is not reaped here, so that its number stays its own until its group is killed.
        let _ = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
        // Nobody waits any more if it took too long.
        let _ = ended.send(read.map(|_| said));
    };
    let reader = thread::Builder::new().name("token command".to_owned()).spawn(read);
    let said = reader.is_ok().then(|| end.recv_timeout(limit));
    // What it has left behind ends with it.
    let _ = killpg(pid, Signal::SIGKILL);
    let status = child.wait();
    reader.map_err(|error| cannot("watched", &error))?;
    let Some(Ok(said)) = said else {
        return Err(format!(
            "did not end within {} s; it can't ask for anything",
            limit.as_secs_f64()
        ));
    };
    let said = said.map_err(|error| cannot("read from", &error))?;
    let status = status.map_err(|error| cannot("waited for", &error))?;
    if said.len() > LONGEST {
        return Err(format!("said more than {LONGEST} bytes, which is no token"));
    }
    if !status.success() {
        return Err(how_it_failed(status));
    }
    token(&said).map(Secret::from)
}

fn how_it_failed(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(127), _) => "failed with exit status 127: the shell finds no such program".to_owned(),
        (Some(code), _) => format!("failed with exit status {code}"),
        (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
    }
}

/// The token in what a program has said: all of it, without white space around it.
fn token(said: &[u8]) -> Result<&str, String> {
    let said = said.trim_ascii();
    let said = std::str::from_utf8(said).ok().filter(|said| said.is_ascii());
    let said = said.ok_or("said something that is not ASCII, and so no token")?;
    if said.is_empty() {
        return Err("said nothing; it is to print the token on standard output".to_owned());
    }
    if said.contains(['\n', '\r']) {
        return Err("said more than one line; it is to print the token alone".to_owned());
    }
    if said.contains(|c: char| c.is_ascii_control()) {
        return Err("said a control character, which can't be sent".to_owned());
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLENTY: Duration = Duration::from_mins(2);

    #[test]
    fn what_a_program_says_is_the_token() {
        for (command, wanted) in [
            ("echo s3cret", "s3cret"),
            ("printf '  a.b-c \\r\\n\\n'", "a.b-c"),
            ("echo said >&2; printf x", "x"),
            // It ends although something that it has started goes on.
            ("sleep 1000 >/dev/null & echo x", "x"),
        ] {
            assert_eq!(run(command, PLENTY).unwrap().reveal(), wanted, "{command}");
        }
    }

    #[test]
    fn a_program_that_says_no_token_is_told_without_what_it_said() {
        for (command, wanted) in [
            ("echo s3cret; exit 3", "failed with exit status 3"),
            ("no-such-program-at-all 2>/dev/null", "finds no such program"),
            ("kill -9 $$", "was ended by signal 9"),
            ("true", "said nothing"),
            ("echo; echo", "said nothing"),
            ("printf 's3cret\\ns3cret\\n'", "more than one line"),
            ("printf 's3cret\\001'", "a control character"),
            ("printf 's3cret\\377'", "not ASCII"),
            ("while :; do echo s3cret; done", "more than 65536 bytes"),
        ] {
            let error = run(command, PLENTY).unwrap_err();
            assert!(error.contains(wanted) && !error.contains("s3cret"), "{command}: {error}");
        }
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_all_that_it_has_started() {
        let dir = tempfile::tempdir().unwrap();
        let pids = dir.path().join("pids");
        let command =
            format!("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait", pids.display());
        // Long enough for it to begin; what it began is looked for only then.
        let error = run(&command, Duration::from_secs(2)).unwrap_err();
        assert_eq!(error, "did not end within 2 s; it can't ask for anything");
        if let Ok(pid) = std::fs::read_to_string(&pids) {
            let stat = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            let is_gone = || stat().map_or(true, |stat| stat.contains(") Z "));
            // It was killed; that it is gone may take a moment.
            let mut looks = 0;
            while !is_gone() {
                looks += 1;
                assert!(looks < PLENTY.as_millis(), "it goes on");
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}
