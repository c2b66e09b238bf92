//! Byte streams that a test has in its hand in place of a socket.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// What a test sees of a stream, and does to it.
#[derive(Default)]
pub(super) struct Handle {
    /// How often something was written.
    pub(super) writes: Cell<usize>,
    /// What a write comes to.
    pub(super) writing: Cell<Writing>,
    /// How many bytes were read.
    pub(super) read: Cell<usize>,
    /// What is read for ever, as soon as there is something.
    pub(super) flood: RefCell<Vec<u8>>,
}

#[derive(Clone, Copy, Default)]
pub(super) enum Writing {
    #[default]
    Succeeds,
    /// The server takes nothing more.
    Waits,
    /// The server is gone.
    Fails,
}

/// One end of a pair of streams, handled by a test.
pub(super) struct Socket {
    io: DuplexStream,
    handle: Rc<Handle>,
    /// Where in the flood the next byte is.
    at: usize,
}

/// A socket, what handles it, and its other end.
pub(super) fn socket() -> (Socket, Rc<Handle>, DuplexStream) {
    let (io, peer) = tokio::io::duplex(1 << 20);
    let handle = Rc::new(Handle::default());
    (Socket { io, handle: handle.clone(), at: 0 }, handle, peer)
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let flood = this.handle.flood.borrow();
        if flood.is_empty() {
            std::task::ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        }
        while !flood.is_empty() && buf.remaining() > 0 {
            let n = buf.remaining().min(flood.len() - this.at);
            buf.put_slice(&flood[this.at..this.at + n]);
            this.at = (this.at + n) % flood.len();
        }
        this.handle.read.set(this.handle.read.get() + buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.handle.writing.get() {
            Writing::Succeeds => {
                this.handle.writes.set(this.handle.writes.get() + 1);
                Pin::new(&mut this.io).poll_write(cx, buf)
            }
            Writing::Waits => Poll::Pending,
            Writing::Fails => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
