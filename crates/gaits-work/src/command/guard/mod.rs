//! The guard: a process that ends what commands have started when the gaits process that started them is killed.
//! `docs/design/command.md`.
//!
//! Every process that runs commands holds a connection to the guard and bears a mark, which all that it starts inherits. When
//! the connection ends without a farewell, the guard ends the process groups of what bears the mark. Limit: what has left the
//! process group of its command is not ended.

mod mark;
mod marked;
mod server;

pub use server::guard_main;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::ffi::OsString;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// The hidden verb with which a binary is executed again as a guard.
pub const GUARD_VERB: &str = "__guard";

/// What the guard says once it watches over a process.
const READY: u8 = b'r';
/// What a guard says that finds another one in its place.
const TAKEN: u8 = b't';
/// What a process says before it goes in good order, with no command at work.
const FAREWELL: u8 = b'.';
/// So often is a guard looked for or started. One may end just when it is found.
const ATTEMPTS: u32 = 20;

/// The command that starts the guard.
///
/// The process it starts must call [`guard_main`] before it does anything else.
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
pub(super) fn new_name() -> String {
    format!("gaits-guard-{:032x}", fastrand::u128(..))
}

/// The address that a guard of this name listens at. It is no file, so nothing is left of it.
fn address(name: &str) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(name)
}

/// This process's side of the guard. It is found, or else started, with the first command.
#[derive(Debug)]
pub(super) struct Guard {
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
    pub(super) fn new(start: GuardCommand, name: String) -> Self {
        Self { start, name, link: Mutex::default() }
    }

    /// Sees to it that a guard watches over what this process starts from now on. To be called before each command; only the
    /// first call takes longer than a look. A guard that is gone is replaced, and watches over commands at work as well.
    ///
    /// # Errors
    /// There is none, and none can be started.
    pub(super) fn watch(&self) -> io::Result<()> {
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
        let started = command.spawn()?;
        // The command holds the guard's end: with it open here, the end of the guard would not be seen.
        drop(command);
        *child = Some(started);
        hello.say(ours)
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

/// What a process says first.
#[derive(Debug, PartialEq, Eq)]
struct Hello {
    /// What it and all that it starts can be told by.
    mark: u64,
    /// Where the guard is to listen for others; empty for nowhere.
    name: String,
}

impl Hello {
    /// Says it to a guard, and waits until it watches. None if it does not.
    fn say(&self, mut stream: UnixStream) -> io::Result<Option<UnixStream>> {
        let mut bytes = self.mark.to_le_bytes().to_vec();
        bytes.push(u8::try_from(self.name.len()).map_err(io::Error::other)?);
        bytes.extend_from_slice(self.name.as_bytes());
        let mut answer = [0];
        let heard = stream.write_all(&bytes).and_then(|()| stream.read_exact(&mut answer));
        match heard {
            Ok(()) if answer == [READY] => Ok(Some(stream)),
            Ok(()) => Ok(None),
            Err(error) => match error.kind() {
                // It has ended meanwhile.
                ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }

    fn hear(stream: &mut UnixStream) -> io::Result<Self> {
        let (mut mark, mut length) = ([0; 8], [0]);
        stream.read_exact(&mut mark)?;
        stream.read_exact(&mut length)?;
        let mut name = vec![0; length[0].into()];
        stream.read_exact(&mut name)?;
        let name = String::from_utf8(name).map_err(io::Error::other)?;
        Ok(Self { mark: u64::from_le_bytes(mark), name })
    }
}

/// Has reads and writes of a descriptor return at once.
pub(super) fn set_nonblocking(fd: impl std::os::fd::AsFd) -> io::Result<()> {
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}
