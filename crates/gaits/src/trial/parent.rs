//! The process of a trial, seen from the race.

use super::{INTERRUPT, Job, Said, TrialCommand};
use gaits_work::processes;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// A trial that runs. When it is dropped, so is the process.
#[derive(Debug)]
pub(crate) struct TrialProcess {
    child: Child,
    stdout: BufReader<ChildStdout>,
    commands: Commands,
}

/// What a trial says next.
#[derive(Debug)]
pub(crate) enum Heard {
    /// This.
    Said(Said),
    /// Nothing more: it has ended so.
    Ended(ExitStatus),
}

/// Tells a trial something; all clones tell the same one.
#[derive(Debug, Clone)]
pub(crate) struct Commands(Arc<Mutex<Option<ChildStdin>>>);

impl Commands {
    /// The first time: nothing more is started. The second time: it ends at once.
    pub(crate) fn interrupt(&self) {
        if let Some(stdin) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // One that has ended needs no command.
            let _ = writeln!(stdin, "{INTERRUPT}").and_then(|()| stdin.flush());
        }
    }

    fn write(&self, line: &[u8]) -> io::Result<()> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(stdin) => stdin.write_all(line).and_then(|()| stdin.flush()),
            None => Ok(()),
        }
    }
}

impl TrialProcess {
    /// Starts one. It is not in the foreground of the terminal: an interrupt from the keyboard is the race's to handle.
    pub(crate) fn start(command: &TrialCommand) -> io::Result<Self> {
        let mut process = Command::new(&command.program);
        process.args(&command.args).process_group(0);
        process.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = processes::start(|| process.spawn())?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let commands = Commands(Arc::new(Mutex::new(stdin)));
        Ok(Self { child, stdout: BufReader::new(stdout), commands })
    }

    /// Gives it its job.
    pub(crate) fn begin(&self, job: &Job) -> io::Result<()> {
        let mut line = serde_json::to_vec(job)?;
        line.push(b'\n');
        self.commands.write(&line)
    }

    /// What to tell it something with.
    pub(crate) fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// Waits for what it says next.
    pub(crate) fn hear(&mut self) -> io::Result<Heard> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            return Ok(Heard::Ended(self.child.wait()?));
        }
        Ok(Heard::Said(serde_json::from_str(&line)?))
    }

    /// Waits for its end; it has nothing more to say.
    pub(crate) fn end(mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

impl Drop for TrialProcess {
    fn drop(&mut self) {
        self.commands.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Without its parent it ends by itself; this is sooner.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says how a process ended.
pub(crate) fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("was killed by signal {signal}"),
        (None, Some(code)) => format!("exited with status {code}"),
        (None, None) => "ended".to_owned(),
    }
}
