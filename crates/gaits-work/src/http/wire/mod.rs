//! The bytes under a connection: a socket, bare or in TLS, and TLS in TLS where a proxy stands in between.
//!
//! Limit: knows nothing of HTTP.

mod ciphertext;
mod sends;
mod tcp;

pub(super) use ciphertext::Ciphertext;
pub(super) use sends::Placed;
pub(super) use tcp::Tcp;

use super::withheld::withheld;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio_rustls::client::TlsStream;

/// A byte stream to a server.
pub(super) enum Wire {
    Tcp(Tcp),
    Unix(UnixStream),
    Tls(Box<TlsStream<Ciphertext>>),
}

impl Wire {
    pub(super) fn tls(stream: TlsStream<Ciphertext>) -> Self {
        Self::Tls(Box::new(stream))
    }

    /// Whether the server has begun its final answer, or ended; if not, `cx` is woken when something comes. An interim answer is
    /// none. What is read to know that goes into `early`, and is to be read first.
    pub(super) fn is_answered(&mut self, cx: &mut Context<'_>, early: &mut Vec<u8>) -> bool {
        while early.len() < MOST_EARLY {
            let mut bytes = [0; 1024];
            let mut read = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *self).poll_read(cx, &mut read) {
                Poll::Pending => return false,
                Poll::Ready(Err(_)) => return true,
                Poll::Ready(Ok(())) if read.filled().is_empty() => return true,
                Poll::Ready(Ok(())) => early.extend_from_slice(read.filled()),
            }
            if begins_final(early) {
                return true;
            }
        }
        // Nobody sends so many interim answers who means to send another.
        true
    }

    /// Puts a whole request with those of other connections that go out together. The last answer must have come whole.
    pub(super) fn put(&mut self, request: &[u8]) -> Placed {
        match self {
            Self::Tcp(tcp) => tcp.put(request),
            Self::Unix(_) | Self::Tls(_) => Placed::Alone,
        }
    }

    /// Sends what was put, and what was put with it.
    pub(super) fn flush_put(&mut self) {
        if let Self::Tcp(tcp) = self {
            tcp.flush();
        }
    }

    /// Whether what is written must be flushed before it goes out.
    pub(super) const fn is_buffered(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

/// How much is read while a body is being sent.
const MOST_EARLY: usize = 64 * 1024;

/// Whether a final answer begins in `bytes`, perhaps behind interim ones.
fn begins_final(mut bytes: &[u8]) -> bool {
    loop {
        // Empty lines may stand in front.
        bytes = bytes.trim_ascii_start();
        // `HTTP/1.1 1`
        if bytes.get(9) != Some(&b'1') {
            return bytes.len() > 9;
        }
        let mut ends = memchr::memchr_iter(b'\n', bytes).map(|end| &bytes[end + 1..]);
        let Some(after) = ends.find(|after| after.starts_with(b"\n") || after.starts_with(b"\r\n"))
        else {
            return false;
        };
        bytes = after;
    }
}

/// Has the task woken when the others that are ready have run, and sockets and timers have been looked at.
pub(super) fn yield_now(cx: &mut Context<'_>) {
    let _ = pin!(tokio::task::yield_now()).poll(cx);
}

fn poll_read_tls(
    tls: &mut TlsStream<Ciphertext>,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    if tls.get_mut().0.yields(cx) {
        return Poll::Pending;
    }
    let before = buf.filled().len();
    let polled = Pin::new(&mut *tls).poll_read(cx, buf);
    let ciphertext = tls.get_mut().0;
    if polled.is_pending() {
        // That is the yield.
        ciphertext.yielded();
    }
    ciphertext.decrypted(buf.filled().len() - before);
    if ciphertext.withholds() { polled.map_err(withheld) } else { polled }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(tcp) => tcp.poll_read(cx, buf),
            Self::Unix(unix) => Pin::new(unix).poll_read(cx, buf),
            Self::Tls(tls) => poll_read_tls(tls, cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Tcp(tcp) => tcp.poll_write(cx, buf),
            Self::Unix(unix) => Pin::new(unix).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Tcp(tcp) => tcp.poll_write_vectored(cx, bufs),
            Self::Unix(unix) => Pin::new(unix).poll_write_vectored(cx, bufs),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(_) => true,
            Self::Unix(unix) => unix.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            // A socket keeps nothing back.
            Self::Tcp(_) => Poll::Ready(Ok(())),
            Self::Unix(unix) => Pin::new(unix).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(tcp) => tcp.poll_shutdown(cx),
            Self::Unix(unix) => Pin::new(unix).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn a_final_answer_is_noticed_that_comes_after_an_interim_one_was() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        let (mut wire, mut early) = (Wire::Tcp(near.into()), Vec::new());
        let parts = ["HTTP/1.1 102 Processing\r\n\r\n", "HTTP/1.1 413 Too Large\r\n\r\n"];
        far.write_all(parts[0].as_bytes()).await.unwrap();
        poll_fn(|cx| {
            assert!(!wire.is_answered(cx, &mut early));
            if early.is_empty() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        far.write_all(parts[1].as_bytes()).await.unwrap();
        poll_fn(
            |cx| {
                if wire.is_answered(cx, &mut early) { Poll::Ready(()) } else { Poll::Pending }
            },
        )
        .await;
        assert_eq!(early, parts.concat().as_bytes());
    }

    #[test]
    fn a_final_answer_begins_behind_interim_ones() {
        for (bytes, wanted) in [
            ("", false),
            ("HTTP/1.1 ", false),
            ("HTTP/1.1 4", true),
            ("no HTTP at all", true),
            ("HTTP/1.1 100 Continue\r\n", false),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ", false),
            ("\r\nHTTP/1.1 413", true),
            ("\r\nHTTP/1.1 100 Continue\r\n", false),
            ("HTTP/1.1 100 C\n\nHTTP/1.1 413", true),
            ("HTTP/1.1 100 C\r\nA: b\n\r\nHTTP/1.1 413", true),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 x\r\nA: b\r\n\r\nHTTP/1.1 413", true),
        ] {
            assert_eq!(begins_final(bytes.as_bytes()), wanted, "{bytes}");
        }
    }
}
