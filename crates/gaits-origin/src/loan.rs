//! A stream that is lent to hyper and comes back when hyper is done with it, which scripted replies need. It changes no
//! byte; it only gives back first what had been read from the stream before, and tells when hyper has flushed it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use crate::unsent::Unsent;

/// A lent stream. Dropping it sends the stream back.
#[derive(Debug)]
pub(crate) struct Loan<S> {
    /// Taken only by `drop`.
    lent: Option<(S, oneshot::Sender<S>)>,
    /// What is read before the stream's own bytes, and how much of it has been.
    early: Vec<u8>,
    taken: usize,
    unsent: Unsent,
}

impl<S> Loan<S> {
    /// Lends a stream, of which `early` has been read already; it comes back through the receiver. What is in `unsent`
    /// waits for the stream to be flushed.
    pub(crate) fn new(stream: S, early: Vec<u8>, unsent: Unsent) -> (Self, oneshot::Receiver<S>) {
        let (home, back) = oneshot::channel();
        (Self { lent: Some((stream, home)), early, taken: 0, unsent }, back)
    }
}

impl<S: Unpin> Loan<S> {
    fn stream(&mut self) -> io::Result<Pin<&mut S>> {
        match &mut self.lent {
            Some((stream, _)) => Ok(Pin::new(stream)),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl<S> Drop for Loan<S> {
    fn drop(&mut self) {
        self.unsent.give_up();
        if let Some((stream, home)) = self.lent.take() {
            // If nobody waits for it, it is closed.
            let _ = home.send(stream);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Loan<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.taken < this.early.len() {
            let size = buf.remaining().min(this.early.len() - this.taken);
            buf.put_slice(&this.early[this.taken..this.taken + size]);
            this.taken += size;
            return Poll::Ready(Ok(()));
        }
        this.stream()?.poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Loan<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.lent.as_ref().is_some_and(|(stream, _)| stream.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream()?.poll_flush(cx))?;
        self.unsent.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn what_was_read_early_is_read_first_and_the_stream_comes_back() {
        let stream: &[u8] = b"stream";
        let (mut loan, mut back) = Loan::new(stream, b"early ".to_vec(), Unsent::default());
        let mut read = [0; 8];
        loan.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"early st");
        assert!(back.try_recv().is_err());
        drop(loan);
        assert_eq!(back.try_recv().unwrap(), b"ream");
    }
}
