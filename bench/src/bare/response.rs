//! Reads a response as far as the bare client needs: the status, and where the body ends.
//!
//! It knows `Content-Length` only. A server that answers without it is refused.

use anyhow::{Context, Result, bail};

/// The longest head that is accepted.
const LONGEST_HEAD: usize = 16 * 1024;

/// A response that arrives in pieces.
#[derive(Debug, Default)]
pub(super) struct Response {
    /// The head so far, if its end has not arrived.
    head: Vec<u8>,
    /// The status and how much of the body is still to come, once the head is there.
    body: Option<(u16, u64)>,
}

impl Response {
    /// Takes the next piece and gives each part of the body to `part`. Returns the status when the response is complete,
    /// and is then ready for the next response.
    pub(super) fn take(
        &mut self,
        piece: &[u8],
        mut part: impl FnMut(&[u8]),
    ) -> Result<Option<u16>> {
        let (status, left, body) = match self.body {
            Some((status, left)) => (status, left, piece),
            None if self.head.is_empty() => match end_of_head(piece) {
                Some(end) => self.begin(&piece[..end], &piece[end..])?,
                None => return self.keep(piece),
            },
            None => {
                let before = self.head.len();
                let mut head = std::mem::take(&mut self.head);
                head.extend_from_slice(piece);
                match end_of_head(&head) {
                    Some(end) => self.begin(&head[..end], &piece[end - before..])?,
                    None => return self.keep(&head),
                }
            }
        };
        let length = body.len() as u64;
        if length > left {
            bail!("{} bytes too many came", length - left);
        }
        part(body);
        let left = left - length;
        self.body = (left > 0).then_some((status, left));
        Ok((left == 0).then_some(status))
    }

    fn keep(&mut self, head: &[u8]) -> Result<Option<u16>> {
        if head.len() > LONGEST_HEAD {
            bail!("the head of a response does not end");
        }
        head.clone_into(&mut self.head);
        Ok(None)
    }

    fn begin<'a>(&mut self, head: &[u8], body: &'a [u8]) -> Result<(u16, u64, &'a [u8])> {
        self.head.clear();
        let (status, length) = parse(head).context("a head that cannot be read")?;
        Ok((status, length, body))
    }
}

/// Where the body begins.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|place| place + 4)
}

/// The status and the length of the body.
fn parse(head: &[u8]) -> Option<(u16, u64)> {
    let text = std::str::from_utf8(head).ok()?;
    let mut lines = text.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })?;
    Some((status, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: s\r\ncontent-length: 5\r\n\r\nhello";

    #[test]
    fn a_response_is_the_same_wherever_it_is_cut() {
        for first in 0..=WHOLE.len() {
            for second in first..=WHOLE.len() {
                let (mut response, mut body, mut ended) = (Response::default(), Vec::new(), 0);
                for piece in [&WHOLE[..first], &WHOLE[first..second], &WHOLE[second..]] {
                    if piece.is_empty() {
                        continue;
                    }
                    let end = response.take(piece, |part| body.extend_from_slice(part)).unwrap();
                    ended += usize::from(end == Some(200));
                }
                assert_eq!(
                    (body.as_slice(), ended),
                    (&b"hello"[..], 1),
                    "cut at {first}, {second}"
                );
            }
        }
    }

    #[test]
    fn one_response_after_another_is_read() {
        let mut response = Response::default();
        for _ in 0..3 {
            assert_eq!(response.take(WHOLE, |_| {}).unwrap(), Some(200));
        }
        let empty = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(response.take(empty, |_| {}).unwrap(), Some(204));
    }

    #[test]
    fn what_it_cannot_read_is_an_error() {
        let refused = |bytes: &[u8]| Response::default().take(bytes, |_| {}).is_err();
        assert!(refused(b"HTTP/1.1 200 OK\r\n\r\n"));
        assert!(refused(b"SSH-2.0-x\r\nContent-Length: 1\r\n\r\n"));
        assert!(refused(&[WHOLE, b"!"].concat()));
        assert!(refused(&vec![b'x'; LONGEST_HEAD + 1]));
    }
}
