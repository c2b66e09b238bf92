//! The list of what our reader and hyper's client treat differently, on purpose.

use super::{Answer, HyperFault, OurFault};
use gaits_work::http::h1::{MAX_CODINGS, MAX_HEAD, MAX_INTERIM, MAX_SIZE_LINE, Malformed};

/// Which of the two accepts what the other refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    Hyper(Malformed),
    Ours,
}

/// One difference, with its reason.
#[derive(Debug)]
pub(crate) struct Difference {
    /// What the response has.
    pub(crate) what: &'static str,
    /// Why ours does not do as hyper does.
    pub(crate) why: &'static str,
    /// Who accepts it, and which error ours gives if it does not.
    pub(crate) accepts: Accepts,
    /// Makes a response that shows the difference.
    pub(crate) example: fn() -> Vec<u8>,
    /// Whether the bytes, given hyper's error if there is one, may have it.
    may_have: fn(&[u8], Option<&HyperFault>) -> bool,
}

impl Difference {
    /// Whether this is why one accepted these bytes and the other did not.
    pub(crate) fn excuses(
        &self,
        bytes: &[u8],
        ours: &Result<Answer, OurFault>,
        hypers: &Result<Answer, HyperFault>,
    ) -> bool {
        match (self.accepts, ours, hypers) {
            (Accepts::Hyper(said), Err(OurFault::Malformed(fault)), Ok(_)) => {
                said == *fault && (self.may_have)(bytes, None)
            }
            (Accepts::Ours, Ok(_), Err(fault)) => (self.may_have)(bytes, Some(fault)),
            _ => false,
        }
    }
}

/// All differences that are allowed.
pub(crate) const DIFFERENCES: [Difference; 9] = [
    Difference {
        what: "a response with status 101",
        why: "we never ask for another protocol, so what follows cannot be read",
        accepts: Accepts::Hyper(Malformed::Upgrade),
        example: || b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n".to_vec(),
        may_have: |_, _| true,
    },
    Difference {
        what: "more interim responses than anybody needs",
        why: "a server could send them for ever, and hold the event loop meanwhile",
        accepts: Accepts::Hyper(Malformed::TooManyInterim),
        example: || {
            let mut bytes = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(MAX_INTERIM as usize + 1);
            bytes.extend(b"HTTP/1.1 204 No Content\r\n\r\n");
            bytes
        },
        may_have: |bytes, _| lines(bytes) > MAX_INTERIM as usize,
    },
    Difference {
        what: "a head that is larger than the limit",
        why: "hyper's limit is on its buffer, which the last read may exceed; ours does not depend on how the head is cut",
        accepts: Accepts::Hyper(Malformed::HeadTooLarge),
        example: || {
            let mut bytes = b"HTTP/1.1 204 No Content\r\na: ".to_vec();
            bytes.resize(MAX_HEAD - 3, b'b');
            bytes.extend(b"\r\n\r\n");
            bytes
        },
        may_have: |bytes, _| bytes.len() > MAX_HEAD,
    },
    Difference {
        what: "more transfer codings than anybody applies",
        why: "each would be a decoder to build; hyper undoes none of them and gives the body as it is",
        accepts: Accepts::Hyper(Malformed::TooManyCodings),
        example: || {
            let codings = "gzip, ".repeat(MAX_CODINGS + 1);
            let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {codings}chunked\r\n\r\n");
            [head.as_bytes(), b"0\r\n\r\n"].concat()
        },
        may_have: |bytes, _| bytes.split(|b| b",\n".contains(b)).count() > MAX_CODINGS,
    },
    Difference {
        what: "a chunk's size with very many zeros or blanks",
        why: "a server could send them for ever",
        accepts: Accepts::Hyper(Malformed::ChunkSizeTooLong),
        example: || chunked(&format!("{}1\r\na\r\n0\r\n\r\n", "0".repeat(MAX_SIZE_LINE as usize))),
        may_have: |bytes, _| bytes.len() > MAX_SIZE_LINE as usize,
    },
    Difference {
        what: "a lone line feed in the trailers",
        why: "hyper takes it as the end of a line in one place and not in another, and so accepts a few of them",
        accepts: Accepts::Hyper(Malformed::Trailer),
        example: || chunked("0\r\na: b\n\r\n\r\n"),
        may_have: |bytes, _| bytes.windows(2).any(|two| two[0] != b'\r' && two[1] == b'\n'),
    },
    Difference {
        what: "more than 100 header fields",
        why: "they are legal, and there are servers that send them",
        accepts: Accepts::Ours,
        example: || format!("HTTP/1.1 204 No\r\n{}\r\n", "a: b\r\n".repeat(101)).into_bytes(),
        may_have: |bytes, hypers| says(hypers, "head is too large") && lines(bytes) > 100,
    },
    Difference {
        what: "a header field whose name has 64 KiB or more",
        why: "the limit of the head's size bounds it already",
        accepts: Accepts::Ours,
        example: || {
            format!("HTTP/1.1 204 No Content\r\n{}: b\r\n\r\n", "a".repeat(1 << 16)).into_bytes()
        },
        may_have: |bytes, hypers| says(hypers, "head is too large") && bytes.len() > 1 << 16,
    },
    Difference {
        what: "more than 100 trailers",
        why: "the limit of their size bounds them already",
        accepts: Accepts::Ours,
        example: || chunked(&format!("0\r\n{}\r\n", "a: b\r\n".repeat(101))),
        may_have: |bytes, hypers| says(hypers, "trailers count overflow") && lines(bytes) > 100,
    },
];

fn chunked(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}").into_bytes()
}

fn says(fault: Option<&HyperFault>, message: &str) -> bool {
    fault.is_some_and(|fault| fault.0.contains(message))
}

/// Counts the complete lines.
fn lines(bytes: &[u8]) -> usize {
    bytes.split(|b| *b == b'\n').count() - 1
}
