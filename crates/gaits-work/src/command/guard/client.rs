//! A process that runs commands, and how it finds or starts its guard.

use super::hello::{FAREWELL, Hello, address};
use super::mark;
use crate::processes;
use std::ffi::OsString;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The hidden verb with which a binary is executed again as a guard.
pub const GUARD_VERB: &str = "__guard";

/// So often is a guard looked for or started. One may end just when it is found.
const ATTEMPTS: u32 = 20;

/// The command that starts the guard.
///
/// The process it starts must call [`guard_main`](super::guard_main) before it does anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardCommand {
    /// The program to execute.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl GuardCommand {
    /// Executes the running binary again, with [`GUARD_VERB`] as its only argument. It is found by way of the kernel, so that
    /// it is the same one even if its file has been replaced since.
    #[must_use]
    pub fn this_binary() -> Self {
        Self { program: "/proc/self/exe".into(), args: vec![GUARD_VERB.into()] }
    }
}

/// A name by which the processes of one run find their guard.
pub(in crate::command) fn new_name() -> String {
    format!("gaits-guard-{:032x}", fastrand::u128(..))
}

/// This process's side of the guard. It is found, or else started, with the first command.
#[derive(Debug)]
pub struct Guard {
    start: GuardCommand,
    name: String,
    link: Mutex<Link>,
}

#[derive(Debug, Default)]
struct Link {
    stream: Option<UnixStream>,
    /// The guard that this process has started, to be waited for should it end before.
    child: Option<Child>,
}

impl Guard {
    /// A guard that processes with the same `name` share; with an empty name, one for this process alone.
    #[must_use]
    pub fn new(start: GuardCommand, name: String) -> Self {
        Self { start, name, link: Mutex::default() }
    }

    /// Sees to it that a guard watches over what this process starts from now on. To be called before each command; only the
    /// first call takes longer than a look. A guard that is gone is replaced, and watches over commands at work as well.
    ///
    /// # Errors
    /// There is none, and none can be started.
    pub fn watch(&self) -> io::Result<()> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if link.stream.as_ref().is_some_and(is_there) {
            return Ok(());
        }
        link.stream = None;
        let hello = Hello { mark: mark::of_this_process()?, name: self.name.clone() };
        for _ in 0..ATTEMPTS {
            let found = if self.name.is_empty() { None } else { join(&hello)? };
            let found = match found {
                Some(stream) => Some(stream),
                None => self.start(&hello, &mut link.child)?,
            };
            if let Some(stream) = found {
                stream.set_nonblocking(true)?;
                link.stream = Some(stream);
                return Ok(());
            }
        }
        Err(io::Error::other("each one that was started ended at once"))
    }

    /// Starts a guard. None if another process was sooner, or it has ended at once.
    fn start(&self, hello: &Hello, child: &mut Option<Child>) -> io::Result<Option<UnixStream>> {
        if let Some(mut before) = child.take() {
            // Its stream has ended, so it has as well, or is about to.
            before.wait()?;
        }
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(&self.start.program);
        command.args(&self.start.args).stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut started = processes::start(|| command.spawn())?;
        // The command holds the guard's end: with it open here, the end of the guard would not be seen.
        drop(command);
        let watching = hello.say(ours);
        if let Ok(Some(_)) = watching {
            *child = Some(started);
        } else {
            // It watches over nobody, and is about to end.
            let _ = started.kill();
            started.wait()?;
        }
        watching
    }
}

/// In good order: with no command at work there is nothing to be ended.
impl Drop for Guard {
    fn drop(&mut self) {
        let link = self.link.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut stream) = link.stream.take() {
            // Where it is not heard, the guard looks and finds nothing.
            let _ = stream.write_all(&[FAREWELL]);
        }
        if let Some(mut child) = link.child.take() {
            // It may have other clients yet. A program that goes on is not to have a dead child for ever.
            let waits = thread::Builder::new().name("guard".into());
            let _ = waits.spawn(move || child.wait());
        }
    }
}

/// Joins the guard of this name; none if there is none.
fn join(hello: &Hello) -> io::Result<Option<UnixStream>> {
    match UnixStream::connect_addr(&address(&hello.name)?) {
        Ok(stream) => hello.say(stream),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the guard at the other end is there: it says nothing, and its end would be read.
fn is_there(mut stream: &UnixStream) -> bool {
    let read = stream.read(&mut [0]);
    matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
}
