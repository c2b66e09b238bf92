//! Reads one response from the bytes that come, in pieces of any size.
//!
//! The reader has no buffer to read into. Its caller has one, of any size, and does this:
//!
//! 1. It makes a [`Reader`] for each request.
//! 2. It reads bytes from the socket and gives them to [`Reader::head`], until that gives something. The result
//!    is what a closure made of the head, which is a view, as a rule into the caller's buffer. Or it gives them to
//!    [`Reader::head_again`], which reads no head that is the last one again.
//! 3. It gives the bytes behind the head to [`Reader::body`], until that gives none. Unless
//!    [`Reader::is_done`], it then reads again and gives the new bytes to [`Reader::body`].
//! 4. If the connection ends, it calls [`Reader::close`], which says whether the response was whole.
//!
//! `head` and `body` shorten the slice by what they used. Until the response is done they use all bytes before
//! they give none, so the buffer can then be used for something else; the reader keeps an incomplete head
//! itself. Bytes that are left when the response is done are not part of it. The server sent them without a
//! request, so the connection must not be used again. After an error it must not be used again either.
//!
//! Limit: knows no time and limits no body; the caller checks its deadline and its largest size at each piece.

use super::body::Body;
use super::framing::{AnswerTo, Framing};
use super::head::{self, Head, Partial};
use super::last_head::{LastHead, Meaning};
use super::limits::MAX_INTERIM;
use super::malformed::Malformed;

/// Reads one response.
#[derive(Debug)]
pub struct Reader {
    to: AnswerTo,
    partial: Partial,
    interim: u32,
    /// The body, once the head has come.
    body: Option<Body>,
    persists: bool,
}

/// How much of a response had come when the connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The whole response had come.
    Whole,
    /// The head was not complete; perhaps nothing had come.
    InHead,
    /// The head was complete and the body was not.
    InBody,
}

/// What sort of response a head was of.
enum Seen<T, F> {
    /// An interim response. The closure was not called; it is for the next head.
    Interim(F),
    /// The final response, with what the closure made of it.
    Final(T),
}

impl Reader {
    /// Prepares for the first byte of the response to a request of this sort.
    #[must_use]
    pub fn new(to: AnswerTo) -> Self {
        Self { to, partial: Partial::default(), interim: 0, body: None, persists: false }
    }

    /// Takes the head of the response from `bytes`. Gives what `on_head` made of it, or none if more bytes are
    /// needed. Skips 1xx responses. Must not be called again once it gave something.
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

    /// Takes the head as [`head`](Self::head) does, unless it is the same again as the `last` one: then gives what was
    /// made of that. `on_head` must make the same of the same head.
    pub fn head_again<T: Clone>(
        &mut self,
        bytes: &mut &[u8],
        last: &mut LastHead<T>,
        on_head: impl FnOnce(&Head<'_>, &Framing<'_>) -> T,
    ) -> Result<Option<T>, Malformed> {
        // What bytes mean may depend on those before them, so it is remembered only of all bytes.
        if self.interim > 0 || !self.partial.is_new() {
            return self.head(bytes, on_head);
        }
        let (given, to) = (*bytes, self.to);
        if let Some((len, meaning)) = last.at_start_of(given, to) {
            *bytes = &given[len..];
            self.body = Some(Body::new(meaning.delimited));
            self.persists = meaning.persists;
            return Ok(Some(meaning.made.clone()));
        }
        let meaning = self.head(bytes, |head, framing| {
            let made = on_head(head, framing);
            Meaning { to, delimited: framing.delimited, persists: framing.persists, made }
        })?;
        Ok(meaning.map(|meaning| last.remember(&given[..given.len() - bytes.len()], meaning)))
    }

    /// Takes a head that begins in `bytes`.
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
            self.partial.skip(len)?;
            self.see(head, on_head)
        })?;
        if seen.is_none() {
            let complete = self.partial.take(bytes)?;
            debug_assert!(
                !complete,
                "the parser found a head incomplete that ends with an empty line"
            );
        }
        seen.transpose()
    }

    /// Takes the next part of a head that began in earlier bytes.
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
        // None does not happen: what ends with an empty line is complete for the parser too.
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

    /// Takes the next piece of the body from `bytes`. Gives none when more bytes are needed and when the
    /// response is done, and before the head. A piece is never empty.
    pub fn body<'b>(&mut self, bytes: &mut &'b [u8]) -> Result<Option<&'b [u8]>, Malformed> {
        match &mut self.body {
            Some(body) => body.take(bytes),
            None => Ok(None),
        }
    }

    /// Whether the whole response has come.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.body.as_ref().is_some_and(Body::is_done)
    }

    /// Gives how many bytes of the body are still to come, if the server has announced it. Gives none before
    /// the head.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        self.body.as_ref().and_then(Body::left)
    }

    /// Whether the response is done and the server keeps the connection open for another request. The caller
    /// checks that no bytes are left.
    #[must_use]
    pub fn persists(&self) -> bool {
        self.persists && self.is_done()
    }

    /// Whether the server keeps the connection open for another request, once the response is done.
    #[must_use]
    pub fn may_persist(&self) -> bool {
        self.persists
    }

    /// Tells the reader that the connection has ended. Gives how much of the response has come, or an error if
    /// the head was malformed before its end.
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

#[cfg(test)]
mod tests {
    use super::super::head::scanned;
    use super::super::limits::MAX_HEAD;
    use super::*;

    /// A reader that has taken the head of a response from `bytes`, and the response's status.
    fn after_head(bytes: &mut &[u8]) -> (Reader, u16) {
        let mut reader = Reader::new(AnswerTo::Other);
        let status = reader.head(bytes, |head, _| head.status).unwrap().unwrap();
        (reader, status)
    }

    #[test]
    fn a_response_in_one_piece_is_seen_without_a_copy() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        let mut rest = &bytes[..];
        let mut reader = Reader::new(AnswerTo::Other);
        let place = reader.head(&mut rest, |head, framing| {
            assert!(framing.persists);
            head.fields[0].name.as_ptr()
        });
        assert_eq!(place, Ok(Some(bytes[17..].as_ptr())));
        assert!(!reader.is_done() && !reader.persists());
        assert_eq!(reader.left(), Some(3));
        let data = reader.body(&mut rest).unwrap().unwrap();
        assert_eq!(data.as_ptr_range(), bytes[38..].as_ptr_range());
        assert_eq!(reader.body(&mut rest), Ok(None));
        assert!(reader.is_done() && reader.persists() && rest.is_empty());
        assert_eq!(reader.partial.kept().len(), 0);
    }

    #[test]
    fn an_incomplete_head_is_kept_and_the_bytes_behind_it_are_not() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd";
        for cut in 1..38 {
            let (mut first, mut second) = bytes.split_at(cut);
            let mut reader = Reader::new(AnswerTo::Other);
            let head = |head: &Head<'_>, _: &Framing<'_>| head.value("content-length").is_some();
            assert_eq!(reader.head(&mut first, head), Ok(None));
            assert!(first.is_empty() && reader.left().is_none(), "cut at {cut}");
            assert_eq!(reader.head(&mut second, head), Ok(Some(true)), "cut at {cut}");
            assert_eq!(second, b"abcd");
            assert_eq!(reader.body(&mut second), Ok(Some(&b"abc"[..])));
            assert_eq!(reader.body(&mut second), Ok(None));
            assert!(reader.persists());
            assert_eq!(second, b"d");
        }
    }

    #[test]
    fn a_head_that_comes_again_is_not_parsed_again() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
        let mut last = LastHead::default();
        let mut read = |bytes: &[u8], to| {
            let (mut rest, before) = (bytes, scanned::total());
            let mut reader = Reader::new(to);
            let status = reader.head_again(&mut rest, &mut last, |head, _| head.status);
            let left = (reader.left(), reader.may_persist(), rest.len());
            (status.unwrap(), left, scanned::total() - before)
        };
        let whole = (Some(200), (Some(3), false, 3));
        let and = |parsed| (whole.0, whole.1, parsed);
        assert_eq!(read(bytes, AnswerTo::Other), and(bytes.len() - 3));
        assert_eq!(read(bytes, AnswerTo::Other), and(0));
        // What a head means depends on what it answers.
        let empty = (Some(200), (Some(0), false, 3), bytes.len() - 3);
        assert_eq!(read(bytes, AnswerTo::Head), empty);
        // Another head takes the place of the first.
        let found = b"HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(read(found, AnswerTo::Head), (Some(204), (Some(0), true, 0), found.len()));
        assert_eq!(read(bytes, AnswerTo::Head), empty);
        // A long one does not.
        let long = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(1024));
        for _ in 0..2 {
            assert_eq!(read(long.as_bytes(), AnswerTo::Other).2, long.len());
        }
        assert_eq!(read(bytes, AnswerTo::Head), (empty.0, empty.1, 0));
    }

    #[test]
    fn interim_responses_are_skipped() {
        let mut bytes =
            &b"HTTP/1.1 100 Continue\r\n\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\
              Connection: close\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nX"[..];
        let (reader, status) = after_head(&mut bytes);
        assert_eq!((status, reader.persists(), bytes), (204, true, &b"X"[..]));
    }

    #[test]
    fn interim_responses_are_bounded() {
        for count in [MAX_INTERIM, MAX_INTERIM + 1] {
            let text = "HTTP/1.1 199 X\r\n\r\n".repeat(count as usize) + "HTTP/1.1 200 OK\r\n\r\n";
            for size in [7, 18, usize::MAX] {
                let mut reader = Reader::new(AnswerTo::Other);
                let mut pieces = text.as_bytes().chunks(size);
                let found = pieces.find_map(|mut piece| {
                    reader.head(&mut piece, |head, _| head.status).transpose()
                });
                let expected =
                    if count > MAX_INTERIM { Err(Malformed::TooManyInterim) } else { Ok(200) };
                assert_eq!(found, Some(expected), "{count} in pieces of {size}");
            }
        }
    }

    #[test]
    fn switching_protocols_is_an_error() {
        let mut bytes = &b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"[..];
        let mut reader = Reader::new(AnswerTo::Other);
        assert_eq!(reader.head(&mut bytes, |_, _| ()), Err(Malformed::Upgrade));
    }

    #[test]
    fn an_answer_to_head_ends_with_its_head() {
        let mut bytes = &b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"[..];
        let mut reader = Reader::new(AnswerTo::Head);
        assert_eq!(reader.head(&mut bytes, |head, _| head.status), Ok(Some(200)));
        assert!(reader.is_done() && reader.persists());
    }

    #[test]
    fn a_close_tells_how_much_has_come() {
        for (bytes, expected) in [
            ("", Ok(End::InHead)),
            ("\r\n\r", Ok(End::InHead)),
            ("HTTP/1.1 200 OK\r\n", Ok(End::InHead)),
            ("HTTP/1.1 100 Continue\r\n\r\n", Ok(End::InHead)),
            ("HTTP/1.1 200 OK\r\n\r\n", Ok(End::Whole)),
            ("HTTP/1.1 200 OK\r\n\r\nabc", Ok(End::Whole)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", Ok(End::InBody)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", Ok(End::InBody)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", Ok(End::Whole)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r", Ok(End::InBody)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Ok(End::Whole)),
        ] {
            for size in [1, 3, usize::MAX] {
                let mut reader = Reader::new(AnswerTo::Other);
                let mut has_head = false;
                for mut piece in bytes.as_bytes().chunks(size) {
                    if !has_head {
                        has_head = reader.head(&mut piece, |_, _| ()).unwrap().is_some();
                    }
                    while reader.body(&mut piece).unwrap().is_some() {}
                }
                assert_eq!(reader.close(), expected, "{bytes:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_close_within_a_malformed_head_names_what_is_wrong() {
        let mut reader = Reader::new(AnswerTo::Other);
        for mut byte in b"SSH-2.0-OpenSSH\r\n".chunks(1).take(1) {
            assert_eq!(reader.head(&mut byte, |_, _| ()), Err(Malformed::Version));
        }
        let mut reader = Reader::new(AnswerTo::Other);
        for mut byte in b"HTTP/1.1 200 OK\r\na b\r\n".chunks(1) {
            assert_eq!(reader.head(&mut byte, |_, _| ()), Ok(None));
        }
        assert_eq!(reader.close(), Err(Malformed::FieldName));
    }

    #[test]
    fn the_work_grows_with_the_length_of_a_head_and_not_with_its_square() {
        let lines = |count: usize| {
            let fields = (0..count).map(|i| format!("field-{i}: some value of it\r\n"));
            format!("HTTP/1.1 200 OK\r\n{}\r\n", fields.collect::<Vec<_>>().concat())
        };
        let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(60);
        let long = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(MAX_HEAD - 30));
        for text in [
            lines(10),
            lines(1000),
            long,
            format!("{}{}", "\r\n".repeat(100_000), lines(10)),
            format!("{}{}", "\n".repeat(300_000), lines(10)),
            format!("{interim}{}", lines(100)),
        ] {
            for size in [1, 2, 3, 100, 4096, usize::MAX] {
                let before = scanned::total();
                let mut reader = Reader::new(AnswerTo::Other);
                let mut found = None;
                for mut piece in text.as_bytes().chunks(size) {
                    found = reader.head(&mut piece, |head, _| head.status).unwrap();
                }
                assert_eq!(found, Some(200));
                // Once where it lies, once for its end, once when it is whole; twice each time if its fields are many.
                let scanned = scanned::total() - before;
                assert!(
                    scanned <= 5 * text.len(),
                    "{scanned} of {} bytes in pieces of {size}",
                    text.len()
                );
            }
        }
    }
}
