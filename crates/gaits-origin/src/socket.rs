//! A TCP connection that can be ended by a reset and held to a bandwidth. It carries bytes and knows nothing of their
//! meaning: over TLS it is the encrypted bytes that it counts.

use std::io;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::pace::Pace;

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    reset: Reset,
    throttle: Option<Throttle>,
}

/// A pace, and the timer that keeps to it.
#[derive(Debug)]
struct Throttle {
    pace: Pace,
    timer: Pin<Box<Sleep>>,
}

impl Throttle {
    /// Waits until something may be written, and tells how much.
    fn poll_allowance(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        loop {
            match self.pace.allowance(Instant::now()) {
                Ok(allowed) => return Poll::Ready(allowed),
                Err(until) => {
                    self.timer.as_mut().reset(until);
                    ready!(self.timer.as_mut().poll(cx));
                }
            }
        }
    }
}

/// The order to reset a connection, given by whoever is served over it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reset(Arc<AtomicBool>);

impl Reset {
    /// From now on the connection fails for its own side; it is reset when it is dropped, which that leads to.
    pub(crate) fn order(&self) {
        self.0.store(true, Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Relaxed) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Socket {
    /// A connection on which at most `bandwidth` bytes are sent a second, if that is given.
    pub(crate) fn new(stream: TcpStream, bandwidth: Option<NonZeroU64>) -> Self {
        let throttle = bandwidth.map(|per_second| Throttle {
            pace: Pace::new(per_second),
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
        });
        Self { stream, reset: Reset::default(), throttle }
    }

    pub(crate) fn reset_handle(&self) -> Reset {
        self.reset.clone()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.check().is_err() {
            // Closing without lingering sends RST in place of FIN. If it fails, the connection is gone already.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reset.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.reset.check()?;
        let this = &mut *self;
        let Some(throttle) = &mut this.throttle else {
            return Pin::new(&mut this.stream).poll_write(cx, buf);
        };
        let allowed = ready!(throttle.poll_allowance(cx)).min(buf.len());
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, &buf[..allowed]))?;
        throttle.pace.spend(written, Instant::now());
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.throttle.is_some() {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| &**buf);
            return self.poll_write(cx, first);
        }
        self.reset.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.reset.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A FIN must not go before the RST.
        self.reset.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
