//! The bytes between the h2 crate and the socket: counted, bounded between two yields, and read for what h2 does not
//! tell.
//!
//! h2 handles frames for as long as bytes are there, and tokio's budget counts reads, each of which may hold a thousand
//! frames. So this hands out frames up to a budget of work, then makes the task yield. It also ends a connection whose
//! server sends nothing but frames without use, and lets what the server said last be read though a write failed.
//!
//! Limit: changes no byte; what h2 bounds itself (sizes of frames and of heads, CONTINUATION, empty and small DATA,
//! windows) is not bounded again here.

use super::frames::{END_STREAM_OR_ACK, Frame, Scanner, kind};
use super::state::{End, State};
use crate::http::wire::yield_now;
use crate::http::words::of_io;
use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much work one poll of a connection may hand to h2, in points of about 0.2 µs: 0.8 ms. A frame is handed out whole,
/// so one frame more than that.
const BUDGET: i64 = 4_096;

/// How many frames without use a server may send in a row. A frame has a use if it belongs to a response.
const MAX_USELESS: u64 = 10_000;

/// The preface that a client sends before its first frame.
const PREFACE: u64 = 24;

/// How much work a frame is, in points of about 0.2 µs.
fn cost(frame: &Frame) -> i64 {
    let len = i64::from(frame.len);
    match frame.kind {
        kind::DATA => 1 + len / 64,
        // One byte may stand for a field.
        kind::HEADERS | kind::CONTINUATION => 2 + len / 2,
        // h2 goes through all streams that it remembers.
        kind::SETTINGS | kind::GO_AWAY => COSTLY,
        _ => 1,
    }
}

/// How much work a frame is that h2 goes through its streams for.
const COSTLY: i64 = 100;

/// The work that may still be done in this poll of a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Budget(Rc<Cell<i64>>);

impl Budget {
    pub(super) fn refill(&self) {
        self.0.set(BUDGET);
    }

    fn spend(&self, points: i64) {
        self.0.set(self.0.get() - points);
    }

    fn is_spent(&self) -> bool {
        self.0.get() <= 0
    }
}

/// A byte stream that is watched.
pub(super) struct Watched<T> {
    io: T,
    state: Rc<State>,
    budget: Budget,
    incoming: Scanner,
    outgoing: Scanner,
    /// What was read beyond the budget.
    held: Vec<u8>,
    /// How much of `held` was handed out.
    handed: usize,
    /// For how many frames, each weighed by its work, nothing of use has come.
    useless: u64,
    /// Why nothing can be written any more.
    broken: Option<io::Error>,
}

impl<T> Watched<T> {
    pub(super) fn new(io: T, state: Rc<State>, budget: Budget) -> Self {
        Self {
            io,
            state,
            budget,
            incoming: Scanner::of_server(),
            outgoing: Scanner::new(PREFACE),
            held: Vec::new(),
            handed: 0,
            useless: 0,
            broken: None,
        }
    }

    /// Reads the frames in `bytes` from the server, as far as the budget goes; tells how far.
    fn receive(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut at = 0;
        while at < bytes.len() {
            at += self.incoming.skip(&bytes[at..]);
            if self.incoming.is_between_frames() && self.budget.is_spent() {
                break;
            }
            let (taken, frame) = self.incoming.head(&bytes[at..]);
            at += taken;
            if let Some(frame) = frame {
                self.receive_frame(&frame)?;
            }
        }
        Ok(at)
    }

    fn receive_frame(&mut self, frame: &Frame) -> io::Result<()> {
        let cost = cost(frame);
        self.budget.spend(cost);
        let is_of_response = match frame.kind {
            kind::HEADERS | kind::CONTINUATION => true,
            kind::DATA => frame.len > 0 || frame.flags & END_STREAM_OR_ACK != 0,
            _ => false,
        };
        if is_of_response && self.state.in_use() > 0 {
            self.useless = 0;
        } else {
            self.useless += cost.unsigned_abs();
        }
        if frame.kind == kind::SETTINGS && frame.flags & END_STREAM_OR_ACK == 0 {
            self.state.settings_came();
        }
        if let Some(go_away) = frame.go_away {
            self.state.go_away(go_away);
        }
        if frame.has_pseudo {
            self.state.end_with_pseudo(frame.stream);
        }
        if self.useless > MAX_USELESS {
            self.state.end_with(End::Flood);
            return Err(io::Error::new(ErrorKind::InvalidData, "flooded"));
        }
        Ok(())
    }

    /// Notes what requests are in `bytes`, which were written.
    fn sent(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            at += self.outgoing.skip(&bytes[at..]);
            let (taken, frame) = self.outgoing.head(&bytes[at..]);
            at += taken;
            if let Some(frame) = frame
                && matches!(frame.kind, kind::HEADERS | kind::DATA)
            {
                self.state.write(frame.stream);
                self.useless = 0;
            }
        }
    }

    /// Takes a write's error for a success, once and for all: what the server sent before it closed is still to be
    /// read, and says what became of the requests.
    fn break_off(&mut self, e: io::Error, cx: &Context<'_>) {
        self.broken = Some(e);
        // So that it is read, or the error told.
        cx.waker().wake_by_ref();
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.incoming.is_between_frames() && this.budget.is_spent() {
            yield_now(cx);
            return Poll::Pending;
        }
        if !this.held.is_empty() {
            return Poll::Ready(this.hand_out(buf));
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.io).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(e)) => {
                this.state.end_with(end_of(&e));
                return Poll::Ready(Err(e));
            }
            Poll::Pending => {
                return match this.broken.take() {
                    Some(e) => {
                        this.state.end_with(end_of(&e));
                        Poll::Ready(Err(e))
                    }
                    None => Poll::Pending,
                };
            }
        }
        let read = buf.filled().len();
        if read == before {
            // A write may have been told why.
            this.state.end_with(this.broken.take().map_or(End::Closed, |e| end_of(&e)));
            return Poll::Ready(Ok(()));
        }
        this.state.hear();
        let within = before + this.receive(&buf.filled()[before..])?;
        if within < read {
            this.held.extend_from_slice(&buf.filled()[within..]);
            buf.set_filled(within);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T> Watched<T> {
    /// Hands out what was held back, as far as the budget goes and there is room.
    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        let rest = &held[self.handed..];
        let rest = &rest[..rest.len().min(buf.remaining())];
        let within = self.receive(rest)?;
        buf.put_slice(&rest[..within]);
        self.handed += within;
        if self.handed < held.len() {
            self.held = held;
        } else {
            self.handed = 0;
        }
        Ok(())
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let all = || bufs.iter().map(|buf| buf.len()).sum();
        if this.broken.is_some() {
            return Poll::Ready(Ok(all()));
        }
        let io = Pin::new(&mut this.io);
        let polled = match bufs {
            [one] => io.poll_write(cx, one),
            many => io.poll_write_vectored(cx, many),
        };
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(e)) => {
                this.break_off(e, cx);
                Poll::Ready(Ok(all()))
            }
            Poll::Ready(Ok(written)) => {
                let mut left = written;
                for buf in bufs {
                    let n = left.min(buf.len());
                    this.sent(&buf[..n]);
                    left -= n;
                }
                Poll::Ready(Ok(written))
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.broken.is_some() {
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut this.io).poll_flush(cx) {
            Poll::Ready(Err(e)) => {
                this.break_off(e, cx);
                Poll::Ready(Ok(()))
            }
            polled => polled,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

fn end_of(e: &io::Error) -> End {
    match e.kind() {
        // What TLS says when the server closes the connection without a farewell, as many do.
        ErrorKind::UnexpectedEof => End::Closed,
        ErrorKind::InvalidData | ErrorKind::InvalidInput => End::Malformed(of_io(e)),
        _ => End::Error(of_io(e)),
    }
}
