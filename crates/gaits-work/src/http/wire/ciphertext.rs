//! The bytes under TLS, bounded between two yields.
//!
//! A record may hold one byte, or none, and costs some 0.3 to 0.8 µs all the same. So a server could keep the event loop
//! with records that neither the bytes of a body show nor tokio's budget, which counts reads: one of 4 kB gives 180 records.
//! What shows them is how many more bytes are read than decrypted.
//!
//! Limit: a handshake goes on without a yield; what it may read is bounded by the TLS library.

use super::{Wire, yield_now};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes may be read beyond those that they decrypt to before the event loop is given back. A record has 22 more, so
/// this is for some 1,500 records, which take up to 1 ms. A record that has come in part counts with what has come of it, 16 kB
/// at most; so records of that size lead to one more yield in 10 MB.
const MOST: usize = 32 * 1024;

/// What TLS reads from and writes to.
pub(in crate::http) struct Ciphertext {
    wire: Wire,
    /// How many bytes were read beyond those that they decrypted to, since the event loop was last given back.
    excess: usize,
    /// Whether reading was stopped for that, and the event loop is still to be given back: TLS hands out what it has
    /// decrypted before, so whoever reads from it would go on.
    stopped: bool,
    /// Whether the user's certificate is not shown over it.
    withholds: bool,
}

impl Ciphertext {
    /// What goes over `wire`; a `stranger` at its end is not shown the user's certificate.
    pub(in crate::http) const fn of(wire: Wire, stranger: bool) -> Self {
        Self { wire, excess: 0, stopped: false, withholds: stranger }
    }

    /// Whether the user's certificate is not shown over it.
    pub(super) const fn withholds(&self) -> bool {
        self.withholds
    }

    /// Whether the event loop is to be given back before TLS is read from; if so, `cx` is woken when the others have run, and
    /// sockets and timers have been looked at.
    pub(super) fn yields(&mut self, cx: &mut Context<'_>) -> bool {
        let yields = std::mem::take(&mut self.stopped);
        if yields {
            yield_now(cx);
        }
        yields
    }

    /// The event loop is given back now.
    pub(super) const fn yielded(&mut self) {
        self.stopped = false;
    }

    /// So many bytes were decrypted.
    pub(super) const fn decrypted(&mut self, bytes: usize) {
        self.excess = self.excess.saturating_sub(bytes);
    }
}

impl AsyncRead for Ciphertext {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.excess >= MOST {
            (this.excess, this.stopped) = (0, true);
            // In a handshake nobody else would have it woken.
            yield_now(cx);
            return Poll::Pending;
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.wire).poll_read(cx, buf))?;
        this.excess += buf.filled().len() - before;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Ciphertext {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Waker;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::UnixStream;

    /// How many bytes are read in one poll of `ciphertext`, 1 kB at a time, of which so many are `decrypted` each time.
    async fn read_in_a_poll(ciphertext: &mut Ciphertext, decrypted: usize) -> usize {
        poll_fn(|cx| {
            let mut all = 0;
            loop {
                let mut bytes = [0; 1024];
                let mut read = ReadBuf::new(&mut bytes);
                match Pin::new(&mut *ciphertext).poll_read(cx, &mut read) {
                    // Nothing has come yet.
                    Poll::Pending if all == 0 => return Poll::Pending,
                    Poll::Pending => return Poll::Ready(all),
                    Poll::Ready(done) => done.unwrap(),
                }
                if read.filled().is_empty() {
                    return Poll::Ready(all);
                }
                all += read.filled().len();
                ciphertext.decrypted(decrypted);
            }
        })
        .await
    }

    #[tokio::test]
    async fn only_what_decrypts_to_little_is_bounded() {
        const SENT: usize = 96 * 1024;
        for (decrypted, wanted) in [(0, MOST), (24, MOST + 1024), (1000, SENT)] {
            let (near, mut far) = UnixStream::pair().unwrap();
            far.write_all(&vec![0; SENT]).await.unwrap();
            drop(far);
            let mut ciphertext = Ciphertext::of(Wire::Unix(near), false);
            assert_eq!(read_in_a_poll(&mut ciphertext, decrypted).await, wanted);
            let stopped = wanted < SENT;
            let mut cx = Context::from_waker(Waker::noop());
            assert_eq!((ciphertext.yields(&mut cx), ciphertext.yields(&mut cx)), (stopped, false));
            // It goes on after the yield.
            let rest = read_in_a_poll(&mut ciphertext, decrypted).await;
            assert_eq!(rest, wanted.min(SENT - wanted));
        }
    }
}
