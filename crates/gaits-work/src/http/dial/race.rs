//! A race between the addresses of one host (RFC 8305, section 5): the next address is tried when one has failed, or
//! when the one before has had its time; the first that connects wins, and the other attempts are dropped.
//!
//! Limit: tries the addresses in the order given, and remembers nothing of them.

use super::super::fault;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A race that ended with a connection.
#[derive(Debug)]
pub(super) struct Won<T> {
    pub(super) stream: T,
    pub(super) address: SocketAddr,
    /// The addresses that failed, and those that were given their time and had no answer when the race was over.
    pub(super) dead: Vec<SocketAddr>,
}

/// Why a race ended without a connection.
#[derive(Debug)]
pub(super) enum Lost {
    /// There was no file descriptor for an attempt.
    Exhausted(io::Error),
    /// All addresses failed, the first of them in this way.
    Failed(io::Error),
}

/// One address that is being connected to.
struct Attempt<F> {
    nth: usize,
    since: Instant,
    may_repeat: bool,
    connecting: Pin<Box<F>>,
}

/// Races `addresses`, with `delay` between one and the next. Where there is no file descriptor left, `make_room` may
/// close some; if it has, the attempt is repeated once.
pub(super) async fn race<T, F: Future<Output = io::Result<T>>>(
    addresses: &[SocketAddr],
    delay: Duration,
    connect: impl Fn(SocketAddr) -> F,
    mut make_room: impl FnMut() -> bool,
) -> Result<Won<T>, Lost> {
    let attempt = |nth, may_repeat| {
        let connecting = Box::pin(connect(addresses[nth]));
        Attempt { nth, since: Instant::now(), may_repeat, connecting }
    };
    let mut attempts = Vec::new();
    let (mut next, mut is_time) = (0, true);
    let mut timer = pin!(sleep(delay));
    let (mut failed, mut first_error) = (0, None);
    let mut dead = Vec::new();
    while failed < addresses.len() {
        if mem::take(&mut is_time) && next < addresses.len() {
            attempts.push(attempt(next, true));
            next += 1;
            timer.as_mut().reset(Instant::now() + delay);
        }
        let ended = poll_fn(|cx| match poll_any(&mut attempts, cx) {
            Poll::Pending if next < addresses.len() => timer.as_mut().poll(cx).map(|()| None),
            ended => ended.map(Some),
        });
        match ended.await {
            None => is_time = true,
            Some((Attempt { nth, .. }, Ok(stream))) => {
                let now = Instant::now();
                let late = attempts.iter().filter(|attempt| attempt.since + delay <= now);
                dead.extend(late.map(|attempt| addresses[attempt.nth]));
                return Ok(Won { stream, address: addresses[nth], dead });
            }
            Some((Attempt { nth, may_repeat, .. }, Err(e))) if fault::is_exhausted(&e) => {
                if !may_repeat || !make_room() {
                    return Err(Lost::Exhausted(e));
                }
                attempts.push(attempt(nth, false));
            }
            Some((Attempt { nth, .. }, Err(e))) => {
                (failed, is_time) = (failed + 1, true);
                if is_remote(&e) {
                    dead.push(addresses[nth]);
                }
                if nth == 0 {
                    first_error = Some(e);
                }
            }
        }
    }
    Err(Lost::Failed(first_error.unwrap_or_else(|| io::ErrorKind::NotFound.into())))
}

/// The attempt that has ended, and how; with it, it is taken out of `attempts`.
fn poll_any<T, F: Future<Output = io::Result<T>>>(
    attempts: &mut Vec<Attempt<F>>,
    cx: &mut Context<'_>,
) -> Poll<(Attempt<F>, io::Result<T>)> {
    for at in 0..attempts.len() {
        if let Poll::Ready(result) = attempts[at].connecting.as_mut().poll(cx) {
            return Poll::Ready((attempts.remove(at), result));
        }
    }
    Poll::Pending
}

/// Whether an error says something about the address, and not about this machine.
fn is_remote(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}
