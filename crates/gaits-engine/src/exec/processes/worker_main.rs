//! A worker process, seen from inside: the hidden verb `__worker`.
//!
//! Its main thread runs the executor of the model inside; one thread reads the socket into the item queue, another writes
//! what lies in the event queue to the socket. Limit: it keeps nothing; whatever it knows of an item, its parent knows too.

use super::protocol::{self, Begin, FromWorker, ToWorker};
use super::supervisor::most_given;
use super::{SOCKET_FD, START_LOG_FD};
use crate::exec::start_log::StartLog;
use crate::exec::{Context, WorkersLeft, local_executor};
use crate::flow::{Batch, EventQueue, ItemQueue, Patience, Report, Signal};
use crate::works::{Works, services};
use gaits_core::{Clock, PacingKey};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal;
use nix::unistd::getppid;
use std::io::{self, BufReader, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{ExitCode, exit};
use std::sync::Arc;
use std::thread;
use tokio_util::sync::CancellationToken;

/// The whole life of a worker process: to be called first of all by the process that a
/// [`WorkerCommand`](super::WorkerCommand) starts, with the works that the parent knows.
///
/// The returned code is for the parent, which tells a worker that ended on request from one that failed.
#[must_use]
pub fn worker_main(works: &Works) -> ExitCode {
    match serve(works) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The parent reads this and passes it on.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(works: &Works) -> Result<(), Box<dyn std::error::Error>> {
    // Before anything else: from here on the parent's death, however it comes, is ours.
    set_pdeathsig(signal::SIGKILL)?;
    let (socket, start_log) = inherited()?;
    let mut reader = BufReader::with_capacity(256 * 1024, socket.try_clone()?);
    let Some(ToWorker::Begin(begin)) = read(&mut reader)? else {
        return Err("the first message is not the one that begins".into());
    };
    let Begin { version, parent, plan, clock } = *begin;
    if version != env!("CARGO_PKG_VERSION") {
        return Err(
            format!("this is version {}, its parent {version}", env!("CARGO_PKG_VERSION")).into()
        );
    }
    if getppid().as_raw().unsigned_abs() != parent {
        return Err("the parent is gone".into());
    }
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let workers = usize::try_from(plan.model.layout().workers())?;
    let out = Arc::new(EventQueue::new());
    let services = services(&clock, &out, &plan.limits);
    let cx = Context {
        queue: Arc::new(ItemQueue::new()),
        work: works.build(&plan.work.name, &plan.work.settings, &services)?,
        session: plan.session,
        heeds_pauses: services.heeds_pauses,
        out,
        cancel: CancellationToken::new(),
        clock,
        workers_left: Arc::new(WorkersLeft::new(workers)),
        start_log: Some(Arc::new(StartLog::of_worker(start_log, most_given(workers)))),
    };
    let (queue, out) = (Arc::clone(&cx.queue), Arc::clone(&cx.out));
    thread::Builder::new()
        .name("reader".into())
        .spawn(move || exit_on_error(&take_orders(&mut reader, &queue, &out)))?;
    let out = Arc::clone(&cx.out);
    let writer = thread::Builder::new()
        .name("writer".into())
        .spawn(move || exit_on_error(&pass_reports(socket, &out)))?;
    let result = local_executor(plan.model).run(&cx);
    cx.out.signal(Signal::ExecutorEnded(Ok(())));
    if let Err(panic) = writer.join() {
        std::panic::resume_unwind(panic);
    }
    Ok(result?)
}

/// The two descriptors that the parent has put in place.
#[expect(
    unsafe_code,
    reason = "descriptors come by number from the parent; std has no safe way to take them"
)]
fn inherited() -> Result<(UnixStream, OwnedFd), String> {
    for fd in [SOCKET_FD, START_LOG_FD] {
        std::fs::symlink_metadata(format!("/proc/self/fd/{fd}"))
            .map_err(|error| format!("{} is for gaits' own use: {error}", super::WORKER_VERB))?;
    }
    // SAFETY: both are open, as was just seen, and nothing else in this process, which has only begun, owns them.
    let (socket, start_log) =
        unsafe { (OwnedFd::from_raw_fd(SOCKET_FD), OwnedFd::from_raw_fd(START_LOG_FD)) };
    // What the work may start must not hold them open: their end is the worker's.
    for fd in [&socket, &start_log] {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(|error| error.to_string())?;
    }
    Ok((socket.into(), start_log))
}

/// Without its parent a worker has no reason to live, and nobody to tell.
fn exit_on_error(result: &io::Result<()>) {
    if result.is_err() {
        exit(1);
    }
}

/// Reads one message; none at the end of the stream.
fn read(reader: &mut impl Read) -> io::Result<Option<ToWorker>> {
    let mut length = [0; 4];
    match reader.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > protocol::LARGEST_FRAME {
        let message = format!("a frame of {length} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut frame = vec![0; length];
    reader.read_exact(&mut frame)?;
    protocol::decode(&frame).map(Some)
}

/// Does what the parent says, to the end. An end without having been told to close is the parent's death.
fn take_orders(reader: &mut impl Read, queue: &ItemQueue, out: &EventQueue) -> io::Result<()> {
    let mut closed = false;
    while let Some(message) = read(reader)? {
        match message {
            ToWorker::Begin(_) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "begun twice"));
            }
            // None come after the end.
            ToWorker::Items(items) => {
                out.reports(queue.push(items).into_iter().map(Report::Unstarted).collect());
            }
            ToWorker::Recall(key) => give_back(queue, out, key),
            ToWorker::Close => {
                closed = true;
                // First, since with the item queue's end the worker ends, and what is not reported by then never is.
                give_back(queue, out, None);
                queue.close();
            }
        }
    }
    if closed { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}

/// Reports what nobody has started; the last first, since each goes back before all others.
fn give_back(queue: &ItemQueue, out: &EventQueue, key: Option<PacingKey>) {
    let back = queue.recall(key).into_iter().rev().map(Report::Unstarted);
    out.reports(back.collect());
    out.idle();
}

/// Writes reports to the parent until the executor has ended.
fn pass_reports(mut socket: UnixStream, out: &EventQueue) -> io::Result<()> {
    let mut batch = Batch::default();
    let mut patience = Patience::Long;
    let mut ended = false;
    while !ended {
        out.collect(&mut batch, patience, false);
        patience = if batch.reports.is_empty() { Patience::Long } else { Patience::Short };
        ended = batch.signals.drain(..).any(|signal| matches!(signal, Signal::ExecutorEnded(_)));
        let reports = batch.reports.drain(..).map(FromWorker::from_report);
        let said: Vec<_> =
            reports.chain(batch.notices.drain(..).map(FromWorker::Noticed)).collect();
        for frame in protocol::encode_batches(&said)? {
            let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
            let mut bytes = Vec::with_capacity(frame.len() + 4);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&frame);
            socket.write_all(&bytes)?;
        }
    }
    Ok(())
}
