//! Reads one response from the bytes that come, however they are cut.
//!
//! The reader owns no buffer for reading. Its caller lends one, of any size, and goes through three steps:
//!
//! 1. Before each response, make a [`Reader`].
//! 2. Read bytes from the socket and hand them to [`Reader::head`] until it gives something. What it gives was made by a closure that sees the head as a view, usually
//!    into the caller's own buffer. An incomplete head is copied into the reader, so the buffer may be given back.
//! 3. Hand the bytes behind the head, then those that come later, to [`Reader::body`] until it gives nothing more; read again unless [`Reader::is_done`].
//!
//! All these take `&mut &[u8]` and shorten it by what they used. While the response is not done, they use all bytes before they give nothing. Bytes left
//! when it is done are no part of it, and its connection cannot be used again: the server has sent what nobody asked for. When the connection ends, [`Reader::close`] says
//! whether the response was whole.
//!
//! After an error the reader and the connection are of no use. Limit: measures no time and bounds no body; who has a deadline or a largest size looks at each piece.

use super::body::Body;
use super::framing::{AnswerTo, Framing};
use super::head::{self, Head, Partial};
use super::malformed::Malformed;

/// So many 1xx responses may precede the one that counts. A server has a reason for two or three; without a limit it could send them for ever.
pub const MAX_INTERIM: u32 = 64;

/// Reads one response.
#[derive(Debug)]
pub struct Reader {
    to: AnswerTo,
    partial: Partial,
    interim: u32,
    /// None before the head.
    body: Option<Body>,
    persists: bool,
}

/// How much of a response had come when the connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All of it.
    Whole,
    /// Not all of its head, perhaps nothing.
    InHead,
    /// Its head, and not all of its body.
    InBody,
}

/// What a head is for.
enum Seen<T, F> {
    /// Another one follows it, which the closure is still for.
    Interim(F),
    Final(T),
}

impl Reader {
    /// Ready for the first byte of the response to such a request.
    #[must_use]
    pub fn new(to: AnswerTo) -> Self {
        Self { to, partial: Partial::default(), interim: 0, body: None, persists: false }
    }

    /// Takes the head of the response from the beginning of `bytes`. Gives what `on_head` makes of it, or nothing if more bytes are needed.
    ///
    /// 1xx responses before it are skipped. It is not called again after it gave something.
    pub fn head<T, F>(&mut self, bytes: &mut &[u8], on_head: F) -> Result<Option<T>, Malformed>
    where
        F: FnOnce(&Head<'_>, &Framing<'_>) -> T,
    {
        debug_assert!(self.body.is_none(), "a response has one head");
        let mut on_head = on_head;
        while !bytes.is_empty() {
            let seen = if self.partial.is_empty() {
                self.head_in_place(bytes, on_head)?
            } else {
                self.head_in_parts(bytes, on_head)?
            };
            match seen {
                Some(Seen::Final(made)) => return Ok(Some(made)),
                Some(Seen::Interim(unused)) => on_head = unused,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Takes a head of which nothing came before `bytes`.
    fn head_in_place<T, F>(
        &mut self,
        bytes: &mut &[u8],
        on_head: F,
    ) -> Result<Option<Seen<T, F>>, Malformed>
    where
        F: FnOnce(&Head<'_>, &Framing<'_>) -> T,
    {
        let given = *bytes;
        let seen = head::parse(given, |head, len| {
            *bytes = &given[len..];
            self.partial.found(len)?;
            self.see(head, on_head)
        })?;
        if seen.is_none() {
            let complete = self.partial.take(bytes)?;
            debug_assert!(!complete, "two opinions on where a head ends");
        }
        seen.transpose()
    }

    /// Takes the next part of a head that has begun.
    #[cold]
    fn head_in_parts<T, F>(
        &mut self,
        bytes: &mut &[u8],
        on_head: F,
    ) -> Result<Option<Seen<T, F>>, Malformed>
    where
        F: FnOnce(&Head<'_>, &Framing<'_>) -> T,
    {
        if !self.partial.take(bytes)? {
            return Ok(None);
        }
        let whole = std::mem::take(&mut self.partial);
        let seen = head::parse(whole.kept(), |head, _| self.see(head, on_head))?;
        // A head that ends with an empty line is complete for the parser too.
        seen.unwrap_or(Err(Malformed::NewLine)).map(Some)
    }

    fn see<T, F>(&mut self, head: &Head<'_>, on_head: F) -> Result<Seen<T, F>, Malformed>
    where
        F: FnOnce(&Head<'_>, &Framing<'_>) -> T,
    {
        match head.status {
            101 => Err(Malformed::Upgrade),
            ..200 if self.interim == MAX_INTERIM => Err(Malformed::TooManyInterim),
            ..200 => {
                self.interim += 1;
                Ok(Seen::Interim(on_head))
            }
            _ => {
                let framing = Framing::of(head, self.to)?;
                self.body = Some(Body::new(framing.delimited));
                self.persists = framing.persists;
                Ok(Seen::Final(on_head(head, &framing)))
            }
        }
    }

    /// Takes the next data of the body from the beginning of `bytes`; nothing before the head, when more bytes are needed, and when the response is done.
    pub fn body<'b>(&mut self, bytes: &mut &'b [u8]) -> Result<Option<&'b [u8]>, Malformed> {
        match &mut self.body {
            Some(body) => body.take(bytes),
            None => Ok(None),
        }
    }

    /// Whether head and body have come whole.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.body.as_ref().is_some_and(Body::is_done)
    }

    /// How many bytes of the body are still to come, if the server has said so; none before the head.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        self.body.as_ref().and_then(Body::left)
    }

    /// Whether the connection can be used for another request: the response is done, and the server keeps the connection open. It cannot if bytes are left.
    #[must_use]
    pub fn persists(&self) -> bool {
        self.persists && self.is_done()
    }

    /// Says that the connection has ended; how much of the response has come. Fails if an incomplete head was malformed already.
    pub fn close(&mut self) -> Result<End, Malformed> {
        match &mut self.body {
            None => {
                head::parse(self.partial.kept(), |_, _| ())?;
                Ok(End::InHead)
            }
            Some(body) => Ok(if body.close() { End::Whole } else { End::InBody }),
        }
    }
}
