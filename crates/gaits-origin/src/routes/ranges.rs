//! Endpoints whose content may be asked for in parts: /bytes and /range, as in RFC 9110, section 14. A request for
//! several parts at once is answered with the whole, which the RFC allows.

use http::Method;
use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH, IF_RANGE, RANGE,
};

use crate::body::Payload;
use crate::generated::Generated;
use crate::reply::Reply;
use crate::request::{Request, header};

const BINARY: &str = "application/octet-stream";

pub(super) fn bytes(request: &Request<'_>, count: &str) -> Reply {
    let Ok(total) = count.parse() else {
        return Reply::bad_request("the number of bytes is not a whole number, as in /bytes/1024");
    };
    let seed = match request.parameter("seed").map(|seed| seed.parse()) {
        None => request.seed,
        Some(Ok(seed)) => seed,
        Some(Err(_)) => {
            return Reply::bad_request("the seed is not a whole number below 2^64, as in ?seed=7");
        }
    };
    let etag = format!("\"bytes{total}-{seed}\"");
    ranged(request, BINARY, Generated::random(seed, total), total, &etag)
}

pub(super) fn range(request: &Request<'_>, count: &str) -> Reply {
    let Ok(total) = count.parse() else {
        return Reply::bad_request("the number of bytes is not a whole number, as in /range/1024");
    };
    let etag = format!("\"range{total}\"");
    ranged(request, BINARY, Generated::letters(total), total, &etag)
}

/// The content, or the part of it that is asked for.
fn ranged(
    request: &Request<'_>,
    media_type: &'static str,
    content: Generated,
    total: u64,
    etag: &str,
) -> Reply {
    if let Some(status) = unmet(&request.parts.headers, etag) {
        let reply = Reply::empty(status);
        return match HeaderValue::from_str(etag) {
            Ok(etag) => reply.with(ETAG, etag),
            Err(_) => reply,
        };
    }
    let wanted = match request.parts.method {
        Method::GET => wanted(&request.parts.headers, total, etag),
        // RFC 9110, 14.2: the field means nothing for other methods.
        _ => Wanted::Whole,
    };
    let (reply, place) = match wanted {
        Wanted::Whole => (Reply::content(media_type, Payload::Generated(content)), None),
        Wanted::Part { first, last } => {
            let part = Payload::Generated(content.part(first, last + 1));
            let reply = Reply::content(media_type, part);
            let reply = Reply { status: StatusCode::PARTIAL_CONTENT, ..reply };
            (reply, Some(format!("bytes {first}-{last}/{total}")))
        }
        Wanted::Nothing => {
            let message = format!("the range has none of the {total} bytes that are here");
            let reply = Reply::error(StatusCode::RANGE_NOT_SATISFIABLE, &message);
            (reply, Some(format!("bytes */{total}")))
        }
    };
    let mut reply = reply.with(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    for (name, value) in [(ETAG, Some(etag)), (CONTENT_RANGE, place.as_deref())] {
        // Numbers and letters alone, which a header can always hold.
        if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
            reply = reply.with(name, value);
        }
    }
    reply
}

/// The status of a request that asks for the content on a condition which does not hold: RFC 9110, 13.1.1 and 13.1.2.
fn unmet(headers: &HeaderMap, etag: &str) -> Option<StatusCode> {
    let names = |name: HeaderName, weak: &str| {
        let mut tags = headers.get_all(name).iter().peekable();
        tags.peek()?;
        // The tags of this content have no comma.
        let mut tags = tags.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
        Some(tags.any(|tag| {
            let tag = tag.trim_ascii();
            tag == b"*" || tag.strip_prefix(weak.as_bytes()).unwrap_or(tag) == etag.as_bytes()
        }))
    };
    if names(IF_MATCH, "") == Some(false) {
        return Some(StatusCode::PRECONDITION_FAILED);
    }
    (names(IF_NONE_MATCH, "W/") == Some(true)).then_some(StatusCode::NOT_MODIFIED)
}

/// Which part of a content is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// The bytes from `first` to `last`, both included; `last` is in the content.
    Part {
        first: u64,
        last: u64,
    },
    /// A part that lies outside of the content.
    Nothing,
}

fn wanted(headers: &HeaderMap, total: u64, etag: &str) -> Wanted {
    // The part is of use only to whoever has the rest of this very content.
    if header(headers, IF_RANGE).is_some_and(|condition| condition.trim() != etag) {
        return Wanted::Whole;
    }
    match header(headers, RANGE) {
        Some(range) => parse(&range, total),
        None => Wanted::Whole,
    }
}

/// Reads a `Range` field. One that is not understood is passed over.
fn parse(range: &str, total: u64) -> Wanted {
    let Some((unit, set)) = range.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    match set.trim().split_once('-') {
        Some(("", suffix)) => match position(suffix) {
            None => Wanted::Whole,
            Some(0) => Wanted::Nothing,
            Some(_) if total == 0 => Wanted::Nothing,
            Some(count) => Wanted::Part { first: total.saturating_sub(count), last: total - 1 },
        },
        Some((first, last)) => {
            let last = if last.is_empty() { Some(u64::MAX) } else { position(last) };
            match (position(first), last) {
                (Some(first), Some(last)) if first <= last => {
                    if first < total {
                        Wanted::Part { first, last: last.min(total - 1) }
                    } else {
                        Wanted::Nothing
                    }
                }
                _ => Wanted::Whole,
            }
        }
        None => Wanted::Whole,
    }
}

/// Digits as a number; one too large to be written in 64 bits is beyond every content.
fn position(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_the_rfc_has_it() {
        let part = |first, last| Wanted::Part { first, last };
        for (range, total, wanted) in [
            ("bytes=0-0", 10, part(0, 0)),
            ("bytes=2-5", 10, part(2, 5)),
            ("Bytes=2-5", 10, part(2, 5)),
            ("bytes=2-", 10, part(2, 9)),
            ("bytes=9-100", 10, part(9, 9)),
            ("bytes=-3", 10, part(7, 9)),
            ("bytes=-30", 10, part(0, 9)),
            ("bytes=0-99999999999999999999999", 10, part(0, 9)),
            ("bytes=10-", 10, Wanted::Nothing),
            ("bytes=10-20", 10, Wanted::Nothing),
            ("bytes=99999999999999999999999-", 10, Wanted::Nothing),
            ("bytes=-0", 10, Wanted::Nothing),
            ("bytes=0-", 0, Wanted::Nothing),
            ("bytes=-1", 0, Wanted::Nothing),
            ("bytes=5-2", 10, Wanted::Whole),
            ("bytes=0-1,3-4", 10, Wanted::Whole),
            ("bytes=+1-2", 10, Wanted::Whole),
            ("bytes=a-b", 10, Wanted::Whole),
            ("bytes=-", 10, Wanted::Whole),
            ("bytes=", 10, Wanted::Whole),
            ("bytes", 10, Wanted::Whole),
            ("lines=1-2", 10, Wanted::Whole),
        ] {
            assert_eq!(parse(range, total), wanted, "{range:?} of {total}");
        }
    }
}
