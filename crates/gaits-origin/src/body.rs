//! What is sent after a response's head, chunk by chunk as the client takes it: nothing here holds more than one chunk,
//! however long the body. The fault that cuts a body short is applied here; which one, is decided by the service.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};

use crate::access_log::Outcome;
use crate::generated::Generated;
use crate::in_progress::InProgress;
use crate::unsent::Unsent;

/// How long the first part of a truncated body is given after it has been flushed. Over HTTP/2 it may still be in a
/// queue when something before it is flushed, and cutting at once would take it back, the head as well.
const SETTLE: Duration = Duration::from_millis(5);

/// The error that ends a response which a fault cuts off.
#[derive(Debug, thiserror::Error)]
#[error("cut off, as the configured faults demand")]
pub(crate) struct CutOff;

/// The content of a body, without faults.
#[derive(Debug)]
pub(crate) enum Payload {
    Whole(Bytes),
    Generated(Generated),
    Drip(Drip),
}

/// Asterisks, sent evenly over a time: the first at once, the last when the time is over.
#[derive(Debug)]
pub(crate) struct Drip {
    total: u64,
    sent: u64,
    duration: Duration,
    /// When the first was sent; the timer for the next.
    clock: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Payload {
    pub(crate) const EMPTY: Self = Self::Whole(Bytes::new());

    /// `total` asterisks over `duration`.
    pub(crate) fn drip(total: u64, duration: Duration) -> Self {
        Self::Drip(Drip { total, sent: 0, duration, clock: None })
    }

    /// The bytes that are still to come.
    pub(crate) fn left(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Generated(generated) => generated.left(),
            Self::Drip(drip) => drip.total - drip.sent,
        }
    }

    /// The next chunk, of at most `limit` bytes. Must not be asked when nothing is left.
    fn poll_chunk(&mut self, cx: &mut Context<'_>, limit: u64) -> Poll<Bytes> {
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        match self {
            Self::Whole(bytes) => Poll::Ready(bytes.split_to(size.min(bytes.len()))),
            Self::Generated(generated) => Poll::Ready(generated.take(limit)),
            Self::Drip(drip) => drip.poll_chunk(cx, size),
        }
    }
}

impl Drip {
    fn poll_chunk(&mut self, cx: &mut Context<'_>, limit: usize) -> Poll<Bytes> {
        static ASTERISKS: [u8; 4096] = [b'*'; 4096];
        let (start, timer) = self.clock.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(tokio::time::sleep_until(now)))
        });
        if self.sent > 0 {
            ready!(timer.as_mut().poll(cx));
        }
        let gaps = self.total.saturating_sub(1).max(1) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of `gaps`, so positive and below u64::MAX; where it is rounded does not matter"
        )]
        let due = match start.elapsed().as_secs_f64() / self.duration.as_secs_f64() {
            // Not a number: without a duration, all of it is due at once.
            share if share < 1.0 => ((share * gaps) as u64).saturating_add(1),
            _ => self.total,
        };
        let count = due.saturating_sub(self.sent).clamp(1, self.total - self.sent);
        let size = usize::try_from(count).unwrap_or(usize::MAX).min(limit).min(ASTERISKS.len());
        self.sent += size as u64;
        timer.as_mut().reset(*start + self.duration.mul_f64((self.sent as f64 / gaps).min(1.0)));
        Poll::Ready(Bytes::from_static(&ASTERISKS[..size]))
    }
}

/// How a fault ends a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Close,
    Stall,
}

/// Where and how a body ends too early.
#[derive(Debug)]
struct Ending {
    /// Bytes that are sent before.
    left: u64,
    cut: Cut,
    /// For `Cut::Close`, when nothing is left.
    settle: Option<Settle>,
}

impl Ending {
    /// Begins to wait for the flush when nothing is left. Asked before hyper gets the last bytes: the flush that follows
    /// them may be the last one there is.
    fn settle(&mut self, unsent: &Unsent) {
        if self.left == 0 && self.cut == Cut::Close {
            self.settle = Some(Settle::Flush(unsent.next_flush()));
        }
    }
}

/// What a cut waits for when the first part of the body has been taken.
#[derive(Debug)]
enum Settle {
    Flush(oneshot::Receiver<()>),
    Pause(Pin<Box<Sleep>>),
}

impl Settle {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self {
                Self::Flush(flushed) => {
                    // It is dropped and not sent to: either way it has been flushed.
                    let _ = ready!(Pin::new(flushed).poll(cx));
                    *self = Self::Pause(Box::pin(tokio::time::sleep(SETTLE)));
                }
                Self::Pause(pause) => return pause.as_mut().poll(cx),
            }
        }
    }
}

/// A response's body, on its way. When hyper has taken all of it, the request is in progress until the next flush.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    payload: Payload,
    ending: Option<Ending>,
    request: InProgress,
    unsent: Unsent,
}

impl ResponseBody {
    pub(crate) fn whole(payload: Payload, request: InProgress, unsent: Unsent) -> Self {
        Self { payload, ending: None, request, unsent }
    }

    /// A body that announces all of `payload` and is cut after `sent` bytes of it.
    pub(crate) fn cut(
        payload: Payload,
        sent: u64,
        cut: Cut,
        mut request: InProgress,
        unsent: Unsent,
    ) -> Self {
        request.log(|entry| entry.outcome(Outcome::Broken));
        let mut ending = Ending { left: sent, cut, settle: None };
        ending.settle(&unsent);
        Self { payload, ending: Some(ending), request, unsent }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        // hyper drops a body as soon as it has taken the end of it, and before it flushes that.
        if self.payload.left() == 0 && self.ending.is_none() {
            self.unsent.keep(mem::take(&mut self.request));
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let this = &mut *self;
        if this.payload.left() == 0 {
            return Poll::Ready(None);
        }
        let limit = match &mut this.ending {
            Some(Ending { left: 0, settle: Some(settle), .. }) => {
                ready!(settle.poll(cx));
                return Poll::Ready(Some(Err(CutOff)));
            }
            Some(Ending { left: 0, .. }) => return Poll::Pending,
            Some(Ending { left, .. }) => *left,
            None => u64::MAX,
        };
        let chunk = ready!(this.payload.poll_chunk(cx, limit));
        if let Some(ending) = &mut this.ending {
            ending.left -= chunk.len() as u64;
            ending.settle(&this.unsent);
        }
        this.request.log(|entry| entry.sent(chunk.len()));
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.payload.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.payload.left())
    }
}
