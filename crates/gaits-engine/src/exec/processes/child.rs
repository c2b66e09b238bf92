//! One worker process, seen from its parent: how it is started, and how it ended.

use super::protocol::{self, Begin, FromWorker, ToWorker};
use super::stderr::pass_on;
use super::{SOCKET_FD, START_LOG_FD, WorkerCommand};
use crate::exec::start_log::StartLog;
use crate::flow::EventQueue;
use bytes::Bytes;
use command_fds::{CommandFdExt, FdMapping};
use futures_util::{SinkExt, StreamExt};
use gaits_core::Item;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// How long a worker that has hung up is given to end by itself.
const GRACE: Duration = Duration::from_secs(2);
/// How long the end of a dead worker's standard error is waited for: something it started may hold its standard error open.
const STDERR_GRACE: Duration = Duration::from_secs(1);

/// A worker process.
#[derive(Debug)]
pub(super) struct WorkerProcess {
    pub(super) pid: u32,
    child: Child,
    socket: Framed<UnixStream, LengthDelimitedCodec>,
    start_log: StartLog,
    stderr: Option<JoinHandle<()>>,
}

impl WorkerProcess {
    /// Starts one. It is not connected to the terminal: an interrupt from
    /// the keyboard is the parent's to handle.
    pub(super) async fn start(
        worker: &WorkerCommand,
        begin: &Begin,
        out: &Arc<EventQueue>,
    ) -> io::Result<Self> {
        let start_log = StartLog::create()?;
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        let mut command = Command::new(&worker.program);
        command.args(&worker.args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
            .fd_mappings(vec![
                FdMapping { parent_fd: theirs.into(), child_fd: SOCKET_FD },
                FdMapping { parent_fd: start_log.share()?, child_fd: START_LOG_FD },
            ])
            .map_err(io::Error::other)?;
        let mut child = command.spawn()?;
        // The command holds the worker's ends: with them open here, its death would not be seen.
        drop(command);
        let pid = child.id().unwrap_or(0);
        let stderr = child
            .stderr
            .take()
            .map(|stderr| tokio::task::spawn_local(pass_on(stderr, pid, Arc::clone(out))));
        ours.set_nonblocking(true)?;
        let socket = Framed::new(UnixStream::from_std(ours)?, protocol::codec());
        let mut worker = Self { pid, child, socket, start_log, stderr };
        // A worker that is dead already is found out when it is read from.
        let _ = worker.say(&ToWorker::Begin(Box::new(begin.clone()))).await;
        Ok(worker)
    }

    /// Says something. While the worker lives this always comes to an end, since it reads at all times.
    pub(super) async fn say(&mut self, message: &ToWorker) -> io::Result<()> {
        self.socket.send(Bytes::from(protocol::encode(message)?)).await
    }

    /// Hears what is said next: none at the end, which is the worker's.
    pub(super) async fn hear(&mut self) -> io::Result<Option<Vec<FromWorker>>> {
        match self.socket.next().await {
            None => Ok(None),
            Some(frame) => protocol::decode(&frame?).map(Some),
        }
    }

    /// Hands items out.
    pub(super) async fn give(&mut self, items: Vec<Item>) -> io::Result<()> {
        self.say(&ToWorker::Items(items)).await
    }

    /// The items that it has noted as started; some may be finished.
    pub(super) fn started(&self) -> io::Result<Vec<u64>> {
        self.start_log.started()
    }

    /// Kills it; [`WorkerProcess::end`] is to follow.
    pub(super) fn start_kill(&mut self) {
        // Should this fail, it is dead already.
        let _ = self.child.start_kill();
    }

    /// Waits for the end of a worker that has hung up, or is to: how it ended, and what it had started last.
    pub(super) async fn end(mut self) -> io::Result<(ExitStatus, Vec<u64>)> {
        drop(self.socket);
        let status = if let Ok(status) = timeout(GRACE, self.child.wait()).await {
            status?
        } else {
            // Whatever it still does, nobody will hear of it.
            self.child.start_kill()?;
            self.child.wait().await?
        };
        if let Some(mut stderr) = self.stderr.take()
            && timeout(STDERR_GRACE, &mut stderr).await.is_err()
        {
            stderr.abort();
        }
        Ok((status, self.start_log.started()?))
    }

    /// Ends it at once.
    pub(super) async fn kill(mut self) {
        // Should this fail, it is dead already, and its parent has been told so.
        let _ = self.child.kill().await;
        if let Some(stderr) = self.stderr.take() {
            stderr.abort();
        }
    }
}

/// Says how a process ended, as in "was killed by signal 9 (SIGKILL)".
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(number), _) => {
            let name = nix::sys::signal::Signal::try_from(number);
            let name = name.map_or_else(|_| String::new(), |name| format!(" ({name})"));
            format!("was killed by signal {number}{name}")
        }
        (None, Some(code)) => format!("exited with status {code}"),
        (None, None) => "ended".into(),
    }
}
