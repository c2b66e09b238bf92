//! What a program writes: read to its end, and kept from the beginning up to a cap.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::unix::pipe;

/// Bytes read at a time, as many as a pipe holds.
const CHUNK: usize = 64 * 1024;
/// So often is read before others have their turn: what is written without end must not keep anybody from seeing that the
/// program has exited.
const READS: usize = 16;
/// So many bytes are made room for at first: most programs say little.
const FIRST_ROOM: usize = 4 * 1024;

/// One stream of a program's output. What is beyond the cap is read and dropped, so the program never waits for its reader.
/// By default it is one that has ended without a word.
#[derive(Debug, Default)]
pub(super) struct Capture {
    /// None at its end.
    stream: Option<pipe::Receiver>,
    kept: Vec<u8>,
    cap: usize,
    bytes: u64,
}

impl Capture {
    pub(super) fn of(reader: OwnedFd, cap: usize) -> io::Result<Self> {
        set_nonblocking(&reader)?;
        let stream = Some(pipe::Receiver::from_owned_fd_unchecked(reader)?);
        Ok(Self { stream, kept: Vec::new(), cap, bytes: 0 })
    }

    /// Reads what is there; ready at the end.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Poll<()> {
        for _ in 0..READS {
            let Some(stream) = &mut self.stream else { return Poll::Ready(()) };
            let room = scratch.room(if self.bytes == 0 { FIRST_ROOM } else { CHUNK });
            let mut chunk = ReadBuf::new(room);
            // A stream that can't be read has no more to say.
            let read = ready!(Pin::new(stream).poll_read(cx, &mut chunk));
            let chunk = chunk.filled();
            if read.is_err() || chunk.is_empty() {
                self.stream = None;
                return Poll::Ready(());
            }
            self.bytes += chunk.len() as u64;
            let keep = chunk.len().min(self.cap - self.kept.len());
            self.kept.extend_from_slice(&chunk[..keep]);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// How many bytes have been read.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether there was more than is kept.
    pub(super) fn is_truncated(&self) -> bool {
        self.bytes > self.kept.len() as u64
    }

    /// What is kept. The cap may have cut a character apart; its beginning is left out then.
    pub(super) fn into_kept(mut self) -> Vec<u8> {
        if self.is_truncated()
            && let Err(error) = std::str::from_utf8(&self.kept)
            && error.error_len().is_none()
        {
            self.kept.truncate(error.valid_up_to());
        }
        self.kept
    }
}

/// What all captures of a session read into.
#[derive(Debug, Default)]
pub(super) struct Scratch(Vec<u8>);

impl Scratch {
    fn room(&mut self, bytes: usize) -> &mut [u8] {
        if self.0.len() < bytes {
            self.0.resize(bytes, 0);
        }
        &mut self.0[..bytes]
    }
}

/// What a program reads on its standard input.
#[derive(Debug)]
pub(super) struct Feed {
    /// None once all is written, or nobody reads it.
    stream: Option<pipe::Sender>,
    bytes: Vec<u8>,
    written: usize,
}

impl Feed {
    pub(super) fn of(writer: OwnedFd, bytes: Vec<u8>) -> io::Result<Self> {
        set_nonblocking(&writer)?;
        let stream = Some(pipe::Sender::from_owned_fd_unchecked(writer)?);
        Ok(Self { stream, bytes, written: 0 })
    }

    /// Writes what there is room for. A program that does not read to the end has no need of the rest.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        while let Some(stream) = &mut self.stream {
            let rest = &self.bytes[self.written..];
            if rest.is_empty() {
                self.stream = None;
                return;
            }
            match Pin::new(stream).poll_write(cx, rest) {
                Poll::Ready(Ok(written @ 1..)) => self.written += written,
                Poll::Ready(_) => self.stream = None,
                Poll::Pending => return,
            }
        }
    }
}

/// Has reads and writes of a descriptor return at once.
fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::io::Write as _;

    async fn captured(cap: usize, write: impl FnOnce(io::PipeWriter)) -> Capture {
        let (reader, writer) = io::pipe().unwrap();
        let mut capture = Capture::of(reader.into(), cap).unwrap();
        let mut scratch = Scratch::default();
        // All that is written fits the pipe.
        write(writer);
        poll_fn(|cx| capture.poll_end(cx, &mut scratch)).await;
        capture
    }

    #[tokio::test]
    async fn the_beginning_is_kept_and_all_is_counted() {
        let text = |length: usize| "0123456789".repeat(length / 10);
        for (cap, length, truncated) in [
            (100, 50, false),
            (100, 100, false),
            (100, 110, true),
            (0, 50, true),
            (9, 60_000, true),
        ] {
            let write = |mut writer: io::PipeWriter| {
                writer.write_all(text(length).as_bytes()).unwrap();
            };
            let capture = captured(cap, write).await;
            assert_eq!((capture.bytes(), capture.is_truncated()), (length as u64, truncated));
            assert_eq!(capture.into_kept(), text(length).as_bytes()[..length.min(cap)]);
        }
    }

    #[tokio::test]
    async fn a_character_that_the_cap_cuts_apart_is_left_out_and_bad_bytes_are_not() {
        let write = |bytes: &'static [u8]| {
            move |mut writer: io::PipeWriter| writer.write_all(bytes).unwrap()
        };
        assert_eq!(captured(4, write("aéüx".as_bytes())).await.into_kept(), "aé".as_bytes());
        assert_eq!(captured(3, write(b"a\xffbc")).await.into_kept(), b"a\xffb");
        // The program itself has written a half.
        assert_eq!(captured(9, write(b"a\xc3")).await.into_kept(), b"a\xc3");
    }

    #[tokio::test]
    async fn a_program_that_does_not_read_is_not_waited_for() {
        let (reader, writer) = io::pipe().unwrap();
        let mut feed = Feed::of(writer.into(), vec![b'x'; 1 << 20]).unwrap();
        let mut reader = Some(reader);
        poll_fn(|cx| {
            feed.poll(cx);
            if feed.stream.is_none() {
                return Poll::Ready(());
            }
            // More than a pipe holds is not written at once. The end of its reader is told by the event loop.
            drop(reader.take());
            Poll::Pending
        })
        .await;
        assert!(reader.is_none() && feed.written < feed.bytes.len());
    }
}
