//! Sends a scripted reply over a connection. It knows nothing of HTTP but how chunks are framed.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::Step;

/// How much is held back so that small steps do not become small packets.
const HELD: usize = 16 * 1024;

/// How much of what a client sends during a reply is kept for its next request. More is left in the socket.
const EARLY: usize = 64 * 1024;

/// How a reply ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The connection is kept.
    Kept,
    /// The connection has been closed, as far as that takes a word.
    Closed,
    /// The connection is to be reset.
    Reset,
}

/// What a cursor comes to, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act<'a> {
    Bytes(&'a Bytes),
    Drip(&'a Bytes, Duration),
    Wait(Duration),
    /// From here on bytes are framed as chunks.
    Chunks,
    /// The end of these.
    ChunksEnd,
    /// One of the steps that end the connection.
    End(&'a Step),
}

/// A place in nested steps.
pub(super) struct Cursor<'a>(Vec<Level<'a>>);

struct Level<'a> {
    steps: &'a [Step],
    next: usize,
    /// How often the steps are to be taken after this time; without end if there is none.
    more: Option<u64>,
    chunked: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(steps: &'a [Step]) -> Self {
        Self(vec![Level { steps, next: 0, more: Some(0), chunked: false }])
    }

    fn enter(&mut self, steps: &'a [Step], more: Option<u64>, chunked: bool) {
        self.0.push(Level { steps, next: 0, more, chunked });
    }

    /// The bytes of all steps; none if they are more than `most`, or if anything else is among the steps.
    pub(super) fn only_bytes(self, most: usize) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        for act in self {
            let Act::Bytes(bytes) = act else { return None };
            if bytes.len() > most - all.len() {
                return None;
            }
            all.extend_from_slice(bytes);
        }
        Some(all)
    }
}

impl<'a> Iterator for Cursor<'a> {
    type Item = Act<'a>;

    fn next(&mut self) -> Option<Act<'a>> {
        loop {
            let level = self.0.last_mut()?;
            let Some(step) = level.steps.get(level.next) else {
                match &mut level.more {
                    None => level.next = 0,
                    Some(more @ 1..) => {
                        *more -= 1;
                        level.next = 0;
                    }
                    Some(0) => {
                        let chunked = level.chunked;
                        self.0.pop();
                        if chunked {
                            return Some(Act::ChunksEnd);
                        }
                    }
                }
                continue;
            };
            level.next += 1;
            return Some(match step {
                Step::Send(bytes) => Act::Bytes(bytes),
                Step::Drip { bytes, gap } => Act::Drip(bytes, *gap),
                Step::Wait(time) => Act::Wait(*time),
                Step::Repeat { times, steps } => {
                    self.enter(steps, times.map(|times| times.saturating_sub(1)), false);
                    continue;
                }
                Step::Chunked(steps) => {
                    self.enter(steps, Some(0), true);
                    Act::Chunks
                }
                Step::Close | Step::Drop | Step::Reset | Step::Stall => Act::End(step),
            });
        }
    }
}

/// Sends what `steps` say over `stream`, and tells `count` how many bytes each write took. What the client sends
/// meanwhile is added to `early`.
///
/// # Errors
///
/// If the client has gone away, or broken the connection.
pub(crate) async fn play<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    steps: &[Step],
    early: &mut Vec<u8>,
    count: impl FnMut(usize),
) -> io::Result<Ended> {
    let mut player = Player { stream, held: Vec::new(), chunked: false, early, count };
    for act in Cursor::new(steps) {
        match act {
            Act::Bytes(bytes) => player.send(bytes).await?,
            Act::Drip(bytes, gap) => player.drip(bytes, gap).await?,
            Act::Wait(time) => {
                player.flush().await?;
                player.wait(Some(time)).await?;
            }
            Act::Chunks => {
                player.flush().await?;
                player.chunked = true;
            }
            Act::ChunksEnd => {
                player.flush().await?;
                player.chunked = false;
                player.held.extend(b"0\r\n\r\n");
            }
            Act::End(step) => {
                player.flush().await?;
                return player.end(step).await;
            }
        }
    }
    player.flush().await?;
    Ok(Ended::Kept)
}

struct Player<'a, S, C> {
    stream: &'a mut S,
    /// What has not been written yet.
    held: Vec<u8>,
    /// Whether what is held is to be framed as a chunk.
    chunked: bool,
    early: &'a mut Vec<u8>,
    count: C,
}

impl<S: AsyncRead + AsyncWrite + Unpin, C: FnMut(usize)> Player<'_, S, C> {
    async fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(HELD - self.held.len()));
            self.held.extend_from_slice(now);
            bytes = rest;
            if self.held.len() == HELD {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn drip(&mut self, bytes: &[u8], gap: Duration) -> io::Result<()> {
        for (index, byte) in bytes.iter().enumerate() {
            if index > 0 {
                self.wait(Some(gap)).await?;
            }
            self.send(&[*byte]).await?;
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes what is held back.
    async fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        if self.chunked {
            let size = format!("{:x}\r\n", self.held.len());
            self.held.splice(..0, size.into_bytes());
            self.held.extend(b"\r\n");
        }
        let mut written = 0;
        while written < self.held.len() {
            match self.stream.write(&self.held[written..]).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                size => {
                    written += size;
                    (self.count)(size);
                }
            }
        }
        self.held.clear();
        self.stream.flush().await
    }

    async fn end(&mut self, step: &Step) -> io::Result<Ended> {
        match step {
            Step::Reset => return Ok(Ended::Reset),
            Step::Close => self.stream.shutdown().await?,
            Step::Stall => self.wait(None).await?,
            _ => {}
        }
        Ok(Ended::Closed)
    }

    /// Waits for a time, or until the client goes away, which is an error.
    async fn wait(&mut self, time: Option<Duration>) -> io::Result<()> {
        let keep = time.is_some();
        let over = async {
            match time {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            gone = read_until_gone(self.stream, self.early, keep) => Err(gone),
            () = over => Ok(()),
        }
    }
}

/// Reads what the client sends. With `keep` it is kept in `early`, and only until that is full.
async fn read_until_gone<S: AsyncRead + Unpin>(
    stream: &mut S,
    early: &mut Vec<u8>,
    keep: bool,
) -> io::Error {
    loop {
        if !keep {
            early.clear();
        } else if early.len() >= EARLY {
            return std::future::pending().await;
        }
        match stream.read_buf(early).await {
            Ok(0) => return io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(text: &'static str) -> Step {
        Step::send(text)
    }

    /// What steps send into a pipe with room for `room` bytes, what they are counted as, and how they end.
    async fn played(steps: &[Step], room: usize) -> (Vec<u8>, usize, Ended) {
        let (mut ours, mut theirs) = tokio::io::duplex(room);
        let mut counted = 0;
        let mut sent = Vec::new();
        let ended = async {
            let ended = play(&mut ours, steps, &mut Vec::new(), |size| counted += size).await;
            drop(ours);
            ended.unwrap()
        };
        let (ended, read) = tokio::join!(ended, theirs.read_to_end(&mut sent));
        read.unwrap();
        (sent, counted, ended)
    }

    #[tokio::test]
    async fn nested_steps_are_taken_in_order() {
        let steps = [
            send("a"),
            Step::Repeat {
                times: Some(2),
                steps: vec![send("b"), Step::Repeat { times: Some(3), steps: vec![send("c")] }],
            },
            Step::Drip { bytes: "de".into(), gap: Duration::ZERO },
            Step::Wait(Duration::from_millis(1)),
            send("f"),
        ];
        for room in [1, 100] {
            let (sent, counted, ended) = played(&steps, room).await;
            assert_eq!((&*sent, counted, ended), (&b"abcccbcccdef"[..], 12, Ended::Kept));
        }
    }

    #[tokio::test]
    async fn chunks_are_framed_where_they_are_written() {
        let steps = [
            send("head;"),
            Step::Chunked(vec![
                send("ab"),
                send("c"),
                Step::Wait(Duration::from_millis(1)),
                Step::Repeat { times: Some(20), steps: vec![send("x")] },
            ]),
            send(";rest"),
        ];
        let (sent, ..) = played(&steps, 1000).await;
        let text = "head;3\r\nabc\r\n14\r\nxxxxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n;rest";
        assert_eq!(String::from_utf8(sent).unwrap(), text);
    }

    #[tokio::test]
    async fn an_end_within_chunks_leaves_out_the_last_one() {
        let steps = [Step::Chunked(vec![send("abc"), Step::Close])];
        let (sent, _, ended) = played(&steps, 1000).await;
        assert_eq!((&*sent, ended), (&b"3\r\nabc\r\n"[..], Ended::Closed));
        assert_eq!(played(&[Step::Reset], 10).await.2, Ended::Reset);
        assert_eq!(played(&[Step::Drop], 10).await.2, Ended::Closed);
    }

    #[tokio::test]
    async fn more_than_is_held_back_comes_through_whole() {
        let text: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let steps = [send("a"), Step::send(text.clone()), send("b")];
        let (sent, counted, _) = played(&steps, 1000).await;
        assert_eq!((sent.len(), counted), (100_002, 100_002));
        assert!(sent[1..].starts_with(&text));
    }

    #[tokio::test]
    async fn a_client_that_goes_away_ends_waiting_and_sending() {
        for steps in [
            vec![Step::Stall],
            vec![Step::Wait(Duration::from_hours(1))],
            vec![Step::Repeat { times: None, steps: vec![send("a")] }],
            vec![Step::Drip { bytes: "ab".into(), gap: Duration::from_hours(1) }],
        ] {
            let (mut ours, theirs) = tokio::io::duplex(10);
            drop(theirs);
            let ended = play(&mut ours, &steps, &mut Vec::new(), |_| {}).await;
            assert!(ended.is_err(), "{steps:?}");
        }
    }

    #[tokio::test]
    async fn what_the_client_sends_meanwhile_is_kept() {
        let (mut ours, mut theirs) = tokio::io::duplex(100);
        theirs.write_all(b"GET ").await.unwrap();
        let mut early = b"before ".to_vec();
        let steps = [Step::Wait(Duration::from_millis(1))];
        play(&mut ours, &steps, &mut early, |_| {}).await.unwrap();
        assert_eq!(early, b"before GET ");
    }
}
