//! One run of a program: started, watched to its end, and ended with its whole process group.
//!
//! Limit: knows no item and no record.

use super::capture::{Capture, Feed, Scratch};
use super::program::shown;
use super::template::Filled;
use crate::deadline::within;
use crate::processes::{self, Process};
use gaits_core::Clock;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use rustix::process::{PidfdFlags, pidfd_open};
use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;
use tokio::net::unix::pipe;
use tokio::time::sleep;
use wait4::{ResUse, Wait4 as _};

/// How long a program that took too long is given to end in good order, once it is told to.
const TERM_GRACE: Duration = Duration::from_secs(1);
/// How long its group is left alone between two looks at first, and twice as long each time. A look goes through all processes.
const FIRST_LOOK: Duration = Duration::from_millis(10);
/// How long a program that was killed is waited for. It takes longer only if it hangs in the kernel.
const KILL_GRACE: Duration = Duration::from_secs(5);
/// How long output is waited for when the program itself has exited: something that it has started may still write.
const OUTPUT_GRACE: Duration = Duration::from_secs(1);
/// How often it is looked whether a program has exited where the kernel can't tell.
const LOOK: Duration = Duration::from_millis(5);
/// How often it is waited where there is no process or memory left, and for how long at first; twice as long each time, up to
/// half a second. Another program of this machine or user may have taken what there was, and give it back.
const MOST_WAITS: u32 = 16;
const FIRST_WAIT: Duration = Duration::from_millis(1);
/// How long a session that is closed waits for programs that it has killed.
const LAST_LOOKS: u32 = 500;

/// How programs are started and watched, the same for all items.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) cwd: Option<PathBuf>,
    pub(super) env: Vec<(String, String)>,
    pub(super) timeout: Option<Duration>,
    pub(super) capture: usize,
}

/// What a session keeps from program to program.
#[derive(Debug, Default)]
pub(super) struct Kept {
    scratch: RefCell<Scratch>,
    /// Programs that were killed and are still to be waited for.
    killed: RefCell<Vec<Child>>,
}

/// How a program has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) pid: u32,
    /// Its status and what it took; none where it hangs in the kernel, although it was killed.
    pub(super) used: Option<ResUse>,
    /// Whether its time was up.
    pub(super) timed_out: bool,
    pub(super) stdout: Capture,
    pub(super) stderr: Capture,
}

/// Why a program could not be started.
#[derive(Debug)]
pub(super) enum NotStarted {
    /// There is no descriptor left for it.
    Exhausted(String),
    /// There is no process or memory left for it at this moment.
    ForNow(String),
    /// It would not be started the next time either.
    Failed(String),
}

impl NotStarted {
    /// Of an error in `what`, which is a part of a sentence.
    pub(super) fn of(error: &io::Error, what: impl fmt::Display) -> Self {
        let message = format!("{what}: {error}");
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EMFILE | Errno::ENFILE) => NotStarted::Exhausted(message),
            Some(Errno::EAGAIN | Errno::ENOMEM) => NotStarted::ForNow(message),
            _ => NotStarted::Failed(message),
        }
    }
}

/// Does `start` again while there is no process or memory left for it, for some four seconds in all.
pub(super) async fn when_there_is_room<T>(
    mut start: impl AsyncFnMut() -> Result<T, NotStarted>,
) -> Result<T, NotStarted> {
    for wait in 0..MOST_WAITS {
        match start().await {
            Err(NotStarted::ForNow(_)) => sleep(FIRST_WAIT * 2_u32.pow(wait.min(9))).await,
            result => return result,
        }
    }
    start().await
}

/// Runs a program to its end. When the future is dropped before, its process group is killed.
pub(super) async fn run(
    filled: Filled<'_>,
    stdin: Option<Vec<u8>>,
    settings: &Settings,
    kept: &Kept,
    clock: &dyn Clock,
) -> Result<Ended, NotStarted> {
    kept.wait_for_killed();
    let mut running = Running::start(filled, stdin, settings, kept)?;
    let mut timed_out = false;
    if let Some(timeout) = settings.timeout {
        timed_out = within(pin!(running.until_exit()), timeout, clock).await.is_none();
        if timed_out {
            running.end(clock).await;
        }
    } else {
        running.until_exit().await;
    }
    if !running.read() {
        within(pin!(running.until_output_ends()), OUTPUT_GRACE, clock).await;
    }
    // What the program has left in its group ends with it.
    running.signal(Signal::SIGKILL);
    Ok(running.ended(timed_out))
}

/// A program at work. When it is dropped, it is killed.
struct Running<'a> {
    /// None once it has been waited for.
    child: Option<Child>,
    exit: Exit,
    stdin: Option<Feed>,
    stdout: Capture,
    stderr: Capture,
    kept: &'a Kept,
}

/// What tells that a program has exited.
enum Exit {
    /// A descriptor for the process.
    Pidfd(pipe::Receiver),
    /// There was none left, so it is looked again and again.
    Looks,
}

impl<'a> Running<'a> {
    fn start(
        filled: Filled<'_>,
        stdin: Option<Vec<u8>>,
        settings: &Settings,
        kept: &'a Kept,
    ) -> Result<Self, NotStarted> {
        let no_pipes = |error: io::Error| NotStarted::of(&error, "no pipe for its output");
        let output = || {
            let (reader, writer) = io::pipe()?;
            Ok((Capture::of(reader.into(), settings.capture)?, Stdio::from(writer)))
        };
        // All that may be lacking is had before it is started: it may not be started twice.
        let (stdout, its_stdout) = output().map_err(no_pipes)?;
        let (stderr, its_stderr) = output().map_err(no_pipes)?;
        let (stdin, its_stdin) = match stdin {
            None => (None, Stdio::null()),
            Some(bytes) => {
                let (reader, writer) = io::pipe().map_err(no_pipes)?;
                let feed = Feed::of(writer.into(), bytes).map_err(no_pipes)?;
                (Some(feed), Stdio::from(reader))
            }
        };
        let name = shown(filled.program());
        let mut command = match filled {
            Filled::Known { name, path, arguments } => {
                let mut command = Command::new(path);
                command.arg0(name).args(arguments);
                command
            }
            Filled::ByItem { program, arguments } => {
                let mut command = Command::new(program);
                command.args(arguments);
                command
            }
        };
        command.stdin(its_stdin).stdout(its_stdout).stderr(its_stderr).process_group(0);
        if let Some(cwd) = &settings.cwd {
            command.current_dir(cwd);
        }
        if !settings.env.is_empty() {
            command.envs(settings.env.iter().map(|(name, value)| (name, value)));
        }
        let child = processes::start(|| command.spawn()).map_err(|error| {
            // What is executed by itself is nothing to the kernel without that line; a shell would have run it.
            let is_script = error.raw_os_error() == Some(Errno::ENOEXEC as i32);
            let hint =
                if is_script { "; a script needs a first line, such as #!/bin/sh" } else { "" };
            NotStarted::of(&error, format_args!("{name} can't be started{hint}"))
        })?;
        // The command holds the program's ends of the pipes: with them open here, the end of its output would not be seen.
        drop(command);
        let exit = pidfd(&child).map_or(Exit::Looks, Exit::Pidfd);
        Ok(Self { child: Some(child), exit, stdin, stdout, stderr, kept })
    }

    fn group(&self) -> Option<Pid> {
        self.child.as_ref().map(|child| Pid::from_raw(child.id().cast_signed()))
    }

    /// Sends a signal to its process group. As it has not been waited for, nobody else can have its number.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group() {
            // A group that has ended needs no signal.
            let _ = killpg(group, signal);
        }
    }

    /// Reads and writes what can be; tells whether its output has ended.
    fn poll_streams(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(stdin) = &mut self.stdin {
            stdin.poll(cx);
        }
        let scratch = &mut *self.kept.scratch.borrow_mut();
        let both = [
            self.stdout.poll_end(cx, scratch).is_ready(),
            self.stderr.poll_end(cx, scratch).is_ready(),
        ];
        if both == [true, true] { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Reads what is there; tells whether its output has ended.
    fn read(&mut self) -> bool {
        self.poll_streams(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// Waits until the program has exited, whatever it has started. It has not been waited for then.
    async fn until_exit(&mut self) {
        while let Exit::Looks = self.exit {
            self.read();
            if self.has_exited() {
                return;
            }
            sleep(LOOK).await;
        }
        poll_fn(|cx| {
            // Whether it has more to say is found out when it has exited.
            let _ = self.poll_streams(cx);
            match &self.exit {
                Exit::Pidfd(pidfd) => pidfd.poll_read_ready(cx).map(drop),
                Exit::Looks => Poll::Ready(()),
            }
        })
        .await;
    }

    async fn until_output_ends(&mut self) {
        poll_fn(|cx| self.poll_streams(cx)).await;
    }

    fn has_exited(&self) -> bool {
        let Some(pid) = self.group() else { return true };
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(waitid(Id::Pid(pid), flags), Ok(WaitStatus::StillAlive))
    }

    /// Ends its group: in good order if it can be, which takes programs that do not ignore that.
    async fn end(&mut self, clock: &dyn Clock) {
        self.signal(Signal::SIGTERM);
        // One that is stopped can't do what it is told.
        self.signal(Signal::SIGCONT);
        if within(pin!(self.until_group_is_gone()), TERM_GRACE, clock).await.is_none() {
            self.signal(Signal::SIGKILL);
            within(pin!(self.until_exit()), KILL_GRACE, clock).await;
        }
    }

    /// Waits until all processes of its group have ended. A shell often ends sooner than what it has started.
    async fn until_group_is_gone(&mut self) {
        self.until_exit().await;
        let group = self.group().map(Pid::as_raw);
        let mut pause = FIRST_LOOK;
        while Process::all().any(|(_, other)| Some(other.group) == group && other.lives()) {
            let mut pause_ends = pin!(sleep(pause));
            poll_fn(|cx| {
                // What they write is read meanwhile, or they might wait for that.
                let _ = self.poll_streams(cx);
                pause_ends.as_mut().poll(cx)
            })
            .await;
            pause *= 2;
        }
    }

    fn ended(mut self, timed_out: bool) -> Ended {
        let child = self.child.take();
        let pid = child.as_ref().map_or(0, Child::id);
        let used = child.and_then(|child| self.kept.wait_for(child));
        let [stdout, stderr] = [&mut self.stdout, &mut self.stderr].map(std::mem::take);
        Ended { pid, used, timed_out, stdout, stderr }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        if let Some(child) = self.child.take() {
            self.kept.wait_for(child);
        }
    }
}

/// A descriptor that can be read from when the program has exited. It is no pipe; what is wanted of tokio is its readiness
/// alone, and the type that tokio has for other descriptors can't be made without `unsafe`.
fn pidfd(child: &Child) -> Option<pipe::Receiver> {
    let pid = rustix::process::Pid::from_child(child);
    // It is never read, so it need not be non-blocking, which Linux before 5.10 refuses.
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    pipe::Receiver::from_owned_fd_unchecked(pidfd).ok()
}

impl Kept {
    /// How a program has ended that has exited, or was killed. If it has not come to its end yet, it is waited for later.
    fn wait_for(&self, mut child: Child) -> Option<ResUse> {
        // An error says that there is nothing to be waited for.
        let used = child.try_wait4().ok()?;
        if used.is_none() {
            self.killed.borrow_mut().push(child);
        }
        used
    }

    /// Waits for those that have come to their end by now.
    fn wait_for_killed(&self) {
        let mut killed = self.killed.borrow_mut();
        if !killed.is_empty() {
            killed.retain_mut(|child| matches!(child.try_wait4(), Ok(None)));
        }
    }
}

/// What was killed comes to its end within a moment.
impl Drop for Kept {
    fn drop(&mut self) {
        for _ in 0..LAST_LOOKS {
            self.wait_for_killed();
            if self.killed.borrow().is_empty() {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn what_there_is_no_process_for_is_started_a_little_later() {
        let (begun, starts) = (tokio::time::Instant::now(), Cell::new(0));
        let outcome_after = async |busy: u32| {
            starts.set(0);
            when_there_is_room(async || {
                starts.set(starts.get() + 1);
                match starts.get() {
                    n if n <= busy => Err(NotStarted::of(&Errno::EAGAIN.into(), "no process")),
                    _ => Ok("ended"),
                }
            })
            .await
        };
        assert!(matches!(outcome_after(10).await, Ok("ended")));
        assert_eq!(starts.get(), 11);
        assert!(matches!(outcome_after(u32::MAX).await, Err(NotStarted::ForNow(_))));
        assert_eq!(starts.get(), MOST_WAITS + 1);
        assert!(begun.elapsed() > Duration::from_secs(4), "{:?}", begun.elapsed());
        // A lack of descriptors does not pass by itself: a worker has to go.
        let error = NotStarted::of(&Errno::EMFILE.into(), "no pipe");
        assert!(matches!(error, NotStarted::Exhausted(_)));
    }
}
