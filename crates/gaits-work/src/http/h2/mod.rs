//! The client's side of one HTTP/2 connection, on which many requests are made at the same time.
//!
//! The h2 crate speaks the protocol; a task on the same thread drives it, and ends with the last handle of the
//! connection or of an exchange on it. Requests are handed to h2 by the tasks that make them, and the driver writes
//! those of all tasks that ran before it at once.
//!
//! Limits: needs a tokio runtime that runs local tasks; opens no sockets; never sends a request again,
//! but says when that is safe (`Fault`).

mod exchange;
mod fault;
mod frames;
mod head;
mod state;
#[cfg(test)]
mod tests;
mod watch;

use self::exchange::Waiting;
use self::state::State;
use self::watch::{Budget, Watched};
use super::fault::Fault;
use super::h1;
use super::upload::Unsent;
use ::h2::client::{Builder, SendRequest};
use bytes::Bytes;
use http::Request;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

pub(crate) use self::exchange::Exchange;
pub(crate) use self::head::request;

/// How many bytes of one body the server may send before they are taken: a body of 1 MB comes without a pause.
const STREAM_WINDOW: u32 = 2 << 20;

/// How many bytes of all bodies the server may send before they are taken, and so how much of them is buffered.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// How large the head of a response may be, counted as HTTP/2 does: 32 bytes a field more than its name and value.
#[expect(clippy::cast_possible_truncation, reason = "it has 19 bits")]
const MAX_HEAD: u32 = h1::MAX_HEAD as u32;

/// How many requests are sent before the server has said how many it takes. RFC 9113 asks servers for no less.
const ASSUMED_STREAMS: usize = 100;

/// How many requests a connection takes at once, whatever the server says: some set no limit.
const MAX_STREAMS: usize = 1_024;

/// For how long the stream of a request that was given up is remembered: for ever, since `MAX_GIVEN_UP` bounds their
/// number.
const REMEMBERED: Duration = Duration::from_secs(u32::MAX as u64);

/// How many bytes of one request's body h2 holds until the server takes them.
const UNSENT: usize = 64 * 1024;

/// How many streams h2 may reset, because the server broke a rule on them, before it closes the connection.
const MAX_STREAM_ERRORS: usize = 1_024;

/// A connection that speaks HTTP/2. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct Connection(Rc<Inner>);

struct Inner {
    sender: RefCell<SendRequest<Bytes>>,
    state: Rc<State>,
    /// Drives the connection; dropped with it.
    _driver: JoinSet<()>,
}

impl Connection {
    /// Begins to speak HTTP/2 on `io`, without waiting for the server.
    pub(crate) async fn open<T>(io: T) -> Result<Self, Fault>
    where
        T: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let state = Rc::new(State::default());
        let budget = Budget::default();
        let io = Watched::new(io, state.clone(), budget.clone());
        let handshake = Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEAD)
            .max_send_buffer_size(UNSENT)
            .initial_max_send_streams(ASSUMED_STREAMS)
            // Bounded by `MAX_GIVEN_UP`, the requests in flight then, and `MAX_STREAM_ERRORS`.
            .max_concurrent_reset_streams(usize::MAX)
            .reset_stream_duration(REMEMBERED)
            .max_local_error_reset_streams(Some(MAX_STREAM_ERRORS))
            .handshake(io);
        let (sender, driver) =
            handshake.await.map_err(|e| Fault::Failed(fault::opening(&e, &state)))?;
        let mut tasks = JoinSet::new();
        tasks.spawn_local(drive(driver, state.clone(), budget));
        Ok(Self(Rc::new(Inner { sender: RefCell::new(sender), state, _driver: tasks })))
    }

    /// How many more requests may be put on it now. None when it is closing, or broken.
    ///
    /// Until the server's settings have come, it is assumed to take 100; see `settled`.
    pub(crate) fn capacity(&self) -> usize {
        let state = &self.0.state;
        if state.is_closed() {
            return 0;
        }
        let limit = self.0.sender.borrow().current_max_send_streams().min(MAX_STREAMS);
        limit.saturating_sub(state.in_use()).min(state.left() as usize)
    }

    /// Whether it takes no more requests, now and for ever. Those that are on it may still be answered.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.state.is_closed()
    }

    /// Whether the server has said how many requests it takes at once, or the connection has ended.
    pub(crate) fn is_settled(&self) -> bool {
        self.0.state.is_settled()
    }

    /// How many requests are on it.
    #[cfg(test)]
    pub(crate) fn in_use(&self) -> usize {
        self.0.state.in_use()
    }

    /// Notes that it is used at this time of the run, in microseconds.
    pub(crate) fn use_at(&self, now_us: u64) {
        self.0.state.use_at(now_us);
    }

    /// Since when it has no requests, in microseconds of the run; none if it has some.
    pub(crate) fn unused_since_us(&self) -> Option<u64> {
        (self.0.state.in_use() == 0).then(|| self.0.state.used_us())
    }

    /// Waits until the server has said how many requests it takes at once, or the connection has ended.
    ///
    /// To be waited for before another connection is opened for want of capacity. Not before requests are sent: a
    /// server that takes fewer than 100 refuses the others, which then are `Fault::Unprocessed`.
    pub(crate) async fn settled(&self) {
        self.0.state.settled().await;
    }

    /// Sends a request with its `body` and waits for the head of its response. `head` is made by `request`.
    ///
    /// If there is no capacity, the request waits inside h2 until there is. Dropping the future gives the request up. A server
    /// may answer before it has taken the whole body; the rest of it is not sent then. `sent` becomes true when the whole body is on its
    /// way.
    pub(crate) async fn send_telling(
        &self,
        head: Request<()>,
        body: Unsent,
        sent: &Cell<bool>,
    ) -> Result<Exchange, Fault> {
        let mut waiting = Waiting::start(&self.0, head, body)?;
        let poll = |cx: &mut Context<'_>| {
            let polled = waiting.poll(cx);
            sent.set(waiting.is_sent());
            polled
        };
        let response = poll_fn(poll).await?;
        Ok(waiting.into_exchange(response))
    }

    /// The same, where nobody asks how far it has come.
    #[cfg(test)]
    async fn send(&self, head: Request<()>, body: Bytes) -> Result<Exchange, Fault> {
        self.send_telling(head, Unsent::Bytes(body), &Cell::new(false)).await
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.0.state).finish()
    }
}

/// Drives a connection until it ends.
async fn drive<T>(
    mut connection: ::h2::client::Connection<Watched<T>, Bytes>,
    state: Rc<State>,
    budget: Budget,
) where
    T: AsyncRead + AsyncWrite + Unpin,
{
    // A panic of h2 ends it as well.
    let end = EndOnDrop(state);
    poll_fn(|cx| {
        budget.refill();
        let polled = Pin::new(&mut connection).poll(cx);
        end.0.polled();
        // Whatever ends it is also told to the requests that are on it.
        polled.map(drop)
    })
    .await;
}

struct EndOnDrop(Rc<State>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.ended();
    }
}
