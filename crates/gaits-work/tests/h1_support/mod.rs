//! Reads the same bytes with our reader and with hyper's client, and knows where the two may differ. The tests
//! and the fuzz target use it.

mod differences;
mod hyper_client;
mod our_reader;

pub(crate) use differences::{Accepts, DIFFERENCES};
pub(crate) use gaits_work::http::h1::AnswerTo;
pub(crate) use hyper_client::HyperFault;
pub(crate) use our_reader::{OurFault, read, read_again};

/// A response that was read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Whether the connection can be used for another request.
    pub(crate) reusable: bool,
    /// How many bytes came after the response, which hyper does not say.
    pub(crate) unused: Option<usize>,
}

/// Reads with both, and panics when they disagree in a way that is not in [`DIFFERENCES`]. Gives our result.
pub(crate) fn agree(to: AnswerTo, pieces: &[&[u8]]) -> Result<Answer, OurFault> {
    let ours = our_reader::read(to, pieces);
    let hypers = hyper_client::read(to, pieces);
    let problem = match (&ours, &hypers) {
        (Ok(ours), Ok(hypers)) => disagreement(ours, hypers),
        (Err(_), Err(_)) => None,
        _ => {
            let bytes = pieces.concat();
            let excused = DIFFERENCES.iter().any(|d| d.excuses(&bytes, &ours, &hypers));
            (!excused).then_some("one accepts what the other refuses")
        }
    };
    if let Some(problem) = problem {
        let shown = pieces.iter().map(|piece| piece.escape_ascii().to_string());
        panic!(
            "{problem}\nours: {ours:?}\nhyper's: {hypers:?}\nto {to:?}, pieces: {:#?}",
            shown.collect::<Vec<_>>()
        );
    }
    ours
}

fn disagreement(ours: &Answer, hypers: &Answer) -> Option<&'static str> {
    if ours.status != hypers.status {
        Some("different statuses")
    } else if ours.body != hypers.body {
        Some("different bodies")
    } else if ours.unused == Some(0) && ours.reusable != hypers.reusable {
        // hyper may not have seen unused bytes yet.
        Some("different opinions on whether the connection persists")
    } else {
        None
    }
}

/// Makes a case from the bytes of a fuzzer or of a file. The first byte says which request is answered, the
/// second says how the rest is cut, and the rest is the response.
pub(crate) fn case(data: &[u8]) -> Option<(AnswerTo, Vec<&[u8]>)> {
    let (&[to, cut], mut rest) = data.split_first_chunk()?;
    let to = if to & 1 == 1 { AnswerTo::Head } else { AnswerTo::Other };
    if cut == 0 {
        return Some((to, vec![rest]));
    }
    let mut pieces = Vec::new();
    let mut random = u32::from(cut);
    while !rest.is_empty() {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The pieces have from 1 to 512 bytes, mostly few.
        let most = 1 << ((random >> 24) % 10);
        let len = 1 + (random >> 8) as usize % most;
        let (piece, others) = rest.split_at(len.min(rest.len()));
        pieces.push(piece);
        rest = others;
    }
    Some((to, pieces))
}

/// Reads with both and gives both results.
pub(crate) fn both(
    to: AnswerTo,
    pieces: &[&[u8]],
) -> (Result<Answer, OurFault>, Result<Answer, HyperFault>) {
    (our_reader::read(to, pieces), hyper_client::read(to, pieces))
}
