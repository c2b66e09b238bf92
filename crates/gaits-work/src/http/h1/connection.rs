//! One connection that speaks HTTP/1.1: writes the head of a request, reads the response to it.
//!
//! It reads into a buffer that its event loop lends, and gives it back whenever it waits. A response that comes in one
//! piece is never copied. Limit: one request at a time; does not know why it is sent, nor what becomes of
//! the answer.

use super::{AnswerTo, End, Framing, Head, LastHead, Malformed, Reader};
use crate::http::fault::{self, Fault};
use crate::http::lent::{KEPT_INPUT, Lent, Piece};
use crate::http::upload::Unsent;
use crate::http::wire::{Placed, Wire};
use gaits_core::{ErrorKind, ItemError};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// After how many reads for one head the event loop is given back. What one read gives takes up to 0.2 ms to parse.
const HEAD_READS: u32 = 4;

/// Up to this length a body is copied behind its head, so that both go out in one piece.
const SHORT_BODY: usize = 16 * 1024;

/// A connection that speaks HTTP/1.1.
pub(in crate::http) struct Connection {
    io: Wire,
    reader: Reader,
    /// Bytes came behind the last response that nobody asked for.
    has_more: bool,
    /// The last read took as much as it had room for, so there may be more.
    read_full: bool,
    /// The server has not taken all of the last request's body.
    cut_off: bool,
    /// What came while the last request was being sent.
    early: Vec<u8>,
}

impl Connection {
    pub(in crate::http) fn new(io: Wire) -> Self {
        let (reader, early) = (Reader::new(AnswerTo::Other), Vec::new());
        Self { io, reader, has_more: false, read_full: false, cut_off: false, early }
    }

    /// Writes a request: its head, which `compose` appends to the buffer it is given, and its `body`.
    ///
    /// A server may answer before it has read the body, and read no more of it. So if the body can't be written to its end,
    /// this is no error: the answer, or its absence, tells what became of the request. The connection is of no use after it.
    pub(in crate::http) async fn send(
        &mut self,
        lent: &Lent,
        to: AnswerTo,
        compose: impl FnOnce(&mut Vec<u8>) -> Result<(), ItemError>,
        mut body: Unsent,
    ) -> Result<(), Fault> {
        self.reader = Reader::new(to);
        let mut compose = Some(compose);
        let mut unsent = Vec::new();
        poll_fn(|cx| {
            if let Some(compose) = compose.take() {
                let mut output = lent.output();
                compose(&mut output).map_err(Fault::Failed)?;
                // A short body goes out with the head, in one piece.
                if let Unsent::Bytes(bytes) = &mut body
                    && bytes.len() <= SHORT_BODY
                {
                    output.extend_from_slice(&std::mem::take(bytes));
                }
                if body.is_empty() {
                    match self.io.put(&output) {
                        Placed::Leads(_) => {
                            // The others that are ready have their turn, and put theirs.
                            cx.waker().wake_by_ref();
                            return Poll::Pending;
                        }
                        Placed::Follows(_) => return Poll::Ready(Ok(())),
                        Placed::Alone => {}
                    }
                }
                match self.poll_write(cx, &output) {
                    Poll::Ready(Ok(written)) if written == output.len() => {}
                    Poll::Ready(Ok(written)) => unsent.extend_from_slice(&output[written..]),
                    Poll::Pending => unsent.extend_from_slice(&output),
                    Poll::Ready(Err(e)) => return Poll::Ready(Err(lost(&e))),
                }
            }
            self.io.flush_put();
            while !unsent.is_empty() {
                match ready!(self.poll_write(cx, &unsent)) {
                    Ok(written) => drop(unsent.drain(..written)),
                    Err(e) => return Poll::Ready(Err(lost(&e))),
                }
            }
            while !body.is_empty() {
                let piece = ready!(body.poll_piece(cx)).map_err(Fault::Failed)?;
                match self.poll_write(cx, piece) {
                    Poll::Ready(Ok(written)) => body.advance(written),
                    // The answer may be there all the same.
                    Poll::Ready(Err(_)) => {
                        self.cut_off = true;
                        return Poll::Ready(Ok(()));
                    }
                    Poll::Pending if self.io.is_answered(cx, &mut self.early) => {
                        self.cut_off = true;
                        return Poll::Ready(Ok(()));
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
            if self.io.is_buffered() {
                ready!(Pin::new(&mut self.io).poll_flush(cx)).map_err(|e| lost(&e))?;
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.io).poll_write(cx, bytes)) {
            Ok(0) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            written => Poll::Ready(written),
        }
    }

    /// Waits for the head of the response. Gives what `on_head` makes of it, or has made of the `last` one if it is the
    /// same again, and the bytes that came behind it.
    pub(in crate::http) async fn head<'l, T: Clone>(
        &mut self,
        lent: &'l Lent,
        last: &RefCell<LastHead<T>>,
        mut on_head: impl FnMut(&Head<'_>, &Framing<'_>) -> T,
    ) -> Result<(T, Piece<'l>), Fault> {
        let mut reads = 0;
        loop {
            let heard = reads > 0;
            let mut piece = match self.read(lent, KEPT_INPUT).await {
                Ok(piece) => piece,
                Err(e) if heard => return Err(Fault::Failed(fault::in_head(&e))),
                Err(e) => return Err(lost(&e)),
            };
            if piece.bytes().is_empty() {
                drop(piece);
                return Err(match self.reader.close() {
                    Err(malformed) => Fault::Failed(not_http(malformed)),
                    Ok(_) if heard => Fault::Failed(fault::closed_in_head()),
                    Ok(_) => Fault::Closed(fault::closed_in_head()),
                });
            }
            reads += 1;
            let seen = piece
                .take(|bytes| self.reader.head_again(bytes, &mut last.borrow_mut(), &mut on_head));
            if let Some(made) = seen.map_err(|malformed| Fault::Failed(not_http(malformed)))? {
                return Ok((made, piece));
            }
            drop(piece);
            // Most heads come at once. Interim responses before one may have megabytes.
            if reads % HEAD_READS == 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Waits for more bytes of the body, `most` of them at most. Gives no bytes, and [`is_done`](Self::is_done), if it ended with the connection.
    pub(in crate::http) async fn more<'l>(
        &mut self,
        lent: &'l Lent,
        most: usize,
    ) -> Result<Piece<'l>, ItemError> {
        let piece = self.read(lent, most).await.map_err(|e| fault::in_body(&e))?;
        if piece.bytes().is_empty() {
            return match self.reader.close() {
                Ok(End::Whole) => Ok(piece),
                Ok(End::InHead | End::InBody) => Err(fault::closed_in_body()),
                Err(malformed) => Err(not_http(malformed)),
            };
        }
        Ok(piece)
    }

    /// Takes the next data of the body out of `piece`; none when all of it is used, or the body is done.
    pub(in crate::http) fn data<'p>(
        &mut self,
        piece: &'p mut Piece<'_>,
    ) -> Result<Option<&'p [u8]>, ItemError> {
        let reader = &mut self.reader;
        let data = piece.take(|bytes| {
            let data = reader.body(bytes);
            self.has_more |= reader.is_done() && !bytes.is_empty();
            data
        });
        data.map_err(not_http)
    }

    /// Whether head and body have come whole.
    pub(in crate::http) fn is_done(&self) -> bool {
        self.reader.is_done()
    }

    /// How much of the body is still to come, if the server has said so.
    pub(in crate::http) fn left(&self) -> Option<u64> {
        self.reader.left()
    }

    /// Whether it can be used for another request: the last response was whole, nothing came behind it, and the server
    /// keeps the connection open.
    pub(in crate::http) fn persists(&self) -> bool {
        self.reader.persists() && !self.has_more && !self.cut_off
    }

    /// Whether the server keeps it open for another request, once the response is whole.
    pub(in crate::http) fn may_persist(&self) -> bool {
        self.reader.may_persist() && !self.has_more && !self.cut_off
    }

    /// Whether something may have come behind the last response that has not been seen.
    pub(in crate::http) const fn may_have_more(&self) -> bool {
        self.read_full
    }

    /// Whether it is still open and silent, as an idle connection should be.
    pub(in crate::http) async fn is_quiet(&mut self, lent: &Lent) -> bool {
        poll_fn(|cx| {
            let mut input = lent.input();
            let mut is_pending = || {
                let mut read = ReadBuf::new(&mut input);
                Pin::new(&mut self.io).poll_read(cx, &mut read).is_pending()
            };
            // Once, it may only be that TLS gives the event loop back.
            Poll::Ready(is_pending() && is_pending())
        })
        .await
    }

    /// Reads what there is, `most` bytes at most; no bytes at the end of the stream.
    async fn read<'l>(&mut self, lent: &'l Lent, most: usize) -> io::Result<Piece<'l>> {
        if !self.early.is_empty() {
            let early = std::mem::take(&mut self.early);
            let len = early.len();
            return Ok(Piece::Kept(early, 0..len));
        }
        poll_fn(|cx| {
            let mut input = lent.input();
            let len = most.min(input.len());
            let mut read = ReadBuf::new(&mut input[..len]);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
            self.read_full = read.remaining() == 0;
            let len = read.filled().len();
            Poll::Ready(Ok(Piece::Lent(input, 0..len)))
        })
        .await
    }
}

/// The connection failed before a byte of the answer came.
fn lost(e: &io::Error) -> Fault {
    match fault::in_head(e) {
        // What TLS says when the server closes the connection without a farewell.
        _ if e.kind() == io::ErrorKind::UnexpectedEof => Fault::Closed(fault::closed_in_head()),
        error if matches!(error.kind, ErrorKind::Protocol | ErrorKind::Tls) => Fault::Failed(error),
        error => Fault::Closed(error),
    }
}

fn not_http(malformed: Malformed) -> ItemError {
    fault::protocol(malformed.to_string())
}
