//! The guard itself: the hidden verb `__guard`.
//!
//! Its first client is at its standard input, others find it by its name. It ends with the last of them. Limit: it starts
//! nothing, and ends only what its clients have left behind.

use super::hello::{FAREWELL, Hello, PATIENCE, READY, TAKEN, address};
use super::marked::{self, Client, Left};
use nix::unistd::{Pid, getpgid, getsid, setsid};
use rustix::process::geteuid;
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The first pause before it is looked again for what is left of a client; doubled at each further look.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// So often is looked, for some three seconds: what can't be ended by then hangs in the kernel.
const LOOKS: u32 = 20;
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// The whole life of a guard: to be called first of all by the process that a [`GuardCommand`](super::GuardCommand) starts.
///
/// It leaves the session of whoever has started it, so that no key of a terminal reaches it. The caller is to see to it
/// that SIGINT, SIGTERM and SIGHUP do not end it.
///
/// # Errors
/// Nobody has started it who wants a guard.
pub fn guard_main() -> io::Result<()> {
    let first = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // Only a gaits process gives it a socket.
    first.peer_addr()?;
    setsid()?;
    std::env::set_current_dir("/")?;
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(watch(first))
}

async fn watch(mut first: UnixStream) -> io::Result<()> {
    first.set_read_timeout(Some(PATIENCE))?;
    let hello = Hello::hear(&mut first)?;
    let listener = match listen(&hello.name) {
        Ok(listener) => listener,
        Err(error) if error.kind() == ErrorKind::AddrInUse => return first.write_all(&[TAKEN]),
        Err(error) => return Err(error),
    };
    let mut clients = JoinSet::new();
    first.set_nonblocking(true)?;
    let first = tokio::net::UnixStream::from_std(first)?;
    let first = Watched::over(first, hello.mark).await?;
    clients.spawn_local(first.until_its_end());
    loop {
        tokio::select! {
            joined = accept(listener.as_ref()) => {
                // Whoever can't be heard is not watched over, and knows, since it gets no answer.
                if let Ok(stream) = joined {
                    clients.spawn_local(async move {
                        if let Ok(watched) = meet(stream).await {
                            watched.until_its_end().await;
                        }
                    });
                } else {
                    sleep(FIRST_PAUSE).await;
                }
            }
            _ = clients.join_next() => {
                if clients.is_empty() {
                    // Whoever has just asked and got no answer starts another guard.
                    return Ok(());
                }
            }
        }
    }
}

/// Listens for other processes of the run; none where there is no name.
fn listen(name: &str) -> io::Result<Option<tokio::net::UnixListener>> {
    if name.is_empty() {
        return Ok(None);
    }
    let listener = UnixListener::bind_addr(&address(name)?)?;
    listener.set_nonblocking(true)?;
    tokio::net::UnixListener::from_std(listener).map(Some)
}

async fn accept(listener: Option<&tokio::net::UnixListener>) -> io::Result<tokio::net::UnixStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

/// Hears who somebody is that has found the guard by its name.
async fn meet(mut stream: tokio::net::UnixStream) -> io::Result<Watched> {
    if stream.peer_cred()?.uid() != geteuid().as_raw() {
        return Err(ErrorKind::PermissionDenied.into());
    }
    let hello = async {
        let mark = stream.read_u64_le().await?;
        let mut name = vec![0; stream.read_u8().await?.into()];
        stream.read_exact(&mut name).await?;
        io::Result::Ok(mark)
    };
    let mark = timeout(PATIENCE, hello).await.map_err(io::Error::other)??;
    Watched::over(stream, mark).await
}

/// A process that is watched over.
#[derive(Debug)]
struct Watched {
    stream: tokio::net::UnixStream,
    client: Client,
}

impl Watched {
    /// Begins to watch, and says so: from then on the process starts commands, and may be gone at any time.
    async fn over(mut stream: tokio::net::UnixStream, mark: u64) -> io::Result<Self> {
        let pid = stream.peer_cred()?.pid().ok_or(ErrorKind::Unsupported)?;
        let of = Some(Pid::from_raw(pid));
        let (session, group) = (getsid(of)?.as_raw(), getpgid(of)?.as_raw());
        stream.write_all(&[READY]).await?;
        Ok(Self { stream, client: Client { pid, mark, session, group } })
    }

    /// Waits until the process is gone, and ends what it has left behind.
    ///
    /// A child of it that has not executed its program yet holds the connection open. So at its end all children are in their
    /// process groups, and bear the mark.
    async fn until_its_end(mut self) {
        let (mut said, mut last) = ([0; 16], None);
        while let Ok(read @ 1..) = self.stream.read(&mut said).await {
            last = said[..read].last().copied();
        }
        if last == Some(FAREWELL) {
            return;
        }
        let (mut left, mut pause) = (Left::default(), FIRST_PAUSE);
        for _ in 0..LOOKS {
            if !marked::end(self.client, &mut left) {
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
