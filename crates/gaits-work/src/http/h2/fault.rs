//! What an error of HTTP/2 means for a request: who failed, in which words, and whether the request may be sent again.
//!
//! A request is surely unprocessed if the server refused its stream, if a GOAWAY named an earlier stream as the last, or
//! if not one byte of it was written. What h2 says of a stream would not do: when the connection breaks, it tells all
//! streams the same.
//!
//! Limit: no request is sent again here.

use super::state::{End, State};
use crate::http::fault::Fault;
use crate::http::words::of_io;
use ::h2::{Error, Reason};
use gaits_core::{ErrorKind, ItemError};

/// How far a request had come.
#[derive(Clone, Copy)]
struct Phase {
    kind: ErrorKind,
    before: &'static str,
    /// What else a broken rule may mean then.
    broken_rule: &'static str,
}

const HEAD: Phase = Phase {
    kind: ErrorKind::Reset,
    before: "before the response's head was complete",
    broken_rule: "the response's head is malformed or too large",
};

const BODY: Phase = Phase {
    kind: ErrorKind::Truncated,
    before: "before the end of the body",
    broken_rule: "the body is not as long as was announced, or its trailers are malformed",
};

/// What went wrong before the head of the response on `stream` was there. `interim`: the server had sent an interim
/// response, and so was at it.
pub(super) fn head(e: &Error, stream: u32, interim: bool, state: &State) -> Fault {
    let error = describe(e, HEAD, state);
    let is_reset_for = |reason| e.is_reset() && e.is_remote() && e.reason() == Some(reason);
    let is_left_out = state.is_left_out(stream);
    if is_reset_for(Reason::HTTP_1_1_REQUIRED)
        || is_left_out && state.go_away_code().map(Reason::from) == Some(Reason::HTTP_1_1_REQUIRED)
    {
        return Fault::WantsHttp1(error);
    }
    let is_unprocessed =
        is_reset_for(Reason::REFUSED_STREAM) || is_left_out || state.is_unwritten(stream);
    if is_unprocessed && !interim { Fault::Unprocessed(error) } else { Fault::Failed(error) }
}

/// What went wrong in the middle of a body.
pub(super) fn body(e: &Error, state: &State) -> ItemError {
    describe(e, BODY, state)
}

/// The trailers have what only a head may have.
pub(super) fn trailers() -> ItemError {
    protocol(format!("the server broke the rules of HTTP/2: {}", BODY.broken_rule))
}

/// Why h2 did not take a request.
pub(super) fn unsent(e: &Error, state: &State) -> Fault {
    if e.is_io() || e.is_go_away() || state.left() == 0 {
        Fault::Unprocessed(describe(e, HEAD, state))
    } else {
        Fault::Failed(ItemError::new(ErrorKind::InvalidItem, format!("not a request: {e}")))
    }
}

/// Why a connection could not begin to speak HTTP/2.
pub(super) fn opening(e: &Error, state: &State) -> ItemError {
    describe(e, HEAD, state)
}

/// The server's doing is of the phase's kind; ours is its breach of the protocol.
fn describe(e: &Error, phase: Phase, state: &State) -> ItemError {
    let Phase { kind, before, broken_rule } = phase;
    if state.end() == Some(End::Flood) {
        return protocol("the server sent nothing but frames without use".into());
    }
    if let Some(io) = e.get_io() {
        // A GOAWAY before the end says more than the end.
        return match (state.end(), state.go_away_code()) {
            (Some(End::Malformed(what)), _) => protocol(what),
            (Some(_), Some(code)) => ItemError::new(kind, closed(before, Some(code.into()))),
            (Some(End::Error(what)), None) => ItemError::new(kind, format!("{what} {before}")),
            (Some(_), None) => ItemError::new(kind, closed(before, None)),
            // Nothing came from the socket: its driver is gone.
            (None, _) => ItemError::new(kind, format!("{} {before}", of_io(io))),
        };
    }
    let reason = e.reason();
    match reason {
        Some(reason) if e.is_remote() && e.is_go_away() => {
            ItemError::new(kind, closed(before, Some(reason)))
        }
        Some(reason) if e.is_remote() => ItemError::new(
            kind,
            format!("the server reset the stream {before} ({})", reason.description()),
        ),
        // h2 says no more of these.
        Some(Reason::PROTOCOL_ERROR) if e.is_reset() => {
            protocol(format!("the server broke the rules of HTTP/2: {broken_rule}"))
        }
        Some(reason) => {
            protocol(format!("the server broke the rules of HTTP/2: {}", reason.description()))
        }
        None => protocol(e.to_string()),
    }
}

fn closed(before: &str, why: Option<Reason>) -> String {
    let why = why.filter(|why| *why != Reason::NO_ERROR);
    let why = why.map_or_else(String::new, |why| format!(" ({})", why.description()));
    format!("the server closed the connection {before}{why}")
}

fn protocol(message: String) -> ItemError {
    ItemError::new(ErrorKind::Protocol, message)
}
