//! Reads as the module's contract says that a caller does.

use super::Answer;
use gaits_work::http::h1::{AnswerTo, End, LastHead, Malformed, Reader};

/// Why our reader gave no whole response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OurFault {
    Malformed(Malformed),
    Cut(End),
}

impl From<Malformed> for OurFault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Reads one response from these pieces, after which the connection is closed.
pub(crate) fn read(to: AnswerTo, pieces: &[&[u8]]) -> Result<Answer, OurFault> {
    read_again(to, pieces, &mut LastHead::default())
}

/// Does as [`read`] when `last` may remember the head.
pub(crate) fn read_again(
    to: AnswerTo,
    pieces: &[&[u8]],
    last: &mut LastHead<u16>,
) -> Result<Answer, OurFault> {
    let mut reader = Reader::new(to);
    let mut status = None;
    let mut body = Vec::new();
    let mut unused = 0;
    for piece in pieces {
        let mut rest = *piece;
        if status.is_none() {
            status = reader.head_again(&mut rest, last, |head, _| head.status)?;
        }
        while let Some(data) = reader.body(&mut rest)? {
            assert!(!data.is_empty(), "an empty piece of data");
            body.extend_from_slice(data);
        }
        assert!(rest.is_empty() || reader.is_done(), "bytes left for no reason");
        unused += rest.len();
    }
    let reusable = reader.persists() && unused == 0;
    match (reader.close()?, status) {
        (End::Whole, Some(status)) => Ok(Answer { status, body, reusable, unused: Some(unused) }),
        (end, _) => Err(OurFault::Cut(end)),
    }
}
