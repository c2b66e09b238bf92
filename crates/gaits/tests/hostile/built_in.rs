//! A row for each of the replies that every origin has under `/hostile/`.

use crate::row::{MIB, Row, WITHIN, built_in, built_in_tls};
use gaits::ErrorKind::{
    Decode, HttpStatus, Protocol, Redirect, Reset, Timeout, TooLarge, Truncated,
};

const CAP: i64 = 64 * MIB;
const OVER: &str = "the decoded body is larger than 67108864 bytes";
const LENGTH: &str = "content-length is not a number, or has several different values";

pub(crate) fn rows() -> Vec<Row> {
    [bodies(), heads(), framing(), connections(), redirects()].concat()
}

/// Bodies that are not what their codings say.
fn bodies() -> Vec<Row> {
    vec![
        built_in("/hostile/bomb").with_cap(CAP).fails(TooLarge, OVER),
        built_in("/hostile/bomb-twice").with_cap(CAP).fails(TooLarge, OVER),
        // Its window is a large one.
        built_in("/hostile/bomb-br").succeeds(200, 102, 64 << 20).heap(6 * MIB),
        built_in("/hostile/bomb-zstd").succeeds(200, 2_057, 64 << 20),
        built_in("/hostile/gzip-twice").succeeds(200, 42, 5),
        built_in("/hostile/gzip-plain").fails(Decode, "cannot decode gzip"),
        built_in("/hostile/gzip-garbage").fails(Decode, "cannot decode gzip"),
        built_in("/hostile/gzip-cut").fails(Decode, "the data ends before its end marker"),
        built_in("/hostile/coding-unknown").fails(Decode, "unknown content coding \"x-none\""),
        built_in("/hostile/coding-flood").fails(Decode, "more than 4 codings"),
        built_in("/hostile/coded-transfer").succeeds(200, 25, 5),
        built_in("/hostile/endless-body").in_short_time().fails(Timeout, WITHIN),
        built_in("/hostile/endless-body").with_cap(CAP).fails(TooLarge, OVER),
        built_in("/hostile/drip-body").in_short_time().fails(Timeout, WITHIN),
        built_in("/hostile/stall-body").in_short_time().fails(Timeout, WITHIN),
        built_in("/hostile/truncated").fails(Truncated, "closed before the end of the body"),
        built_in_tls("/hostile/truncated-tls").fails(Truncated, "before the end of the body"),
        // Over TCP it can't be told from a body that is whole.
        built_in("/hostile/truncated-tls"),
        built_in("/hostile/reset-body").fails(Truncated, "before the end of the body"),
        built_in("/hostile/body-on-204").succeeds(204, 0, 0),
    ]
}

/// Heads that are none, or too much.
fn heads() -> Vec<Row> {
    vec![
        built_in("/hostile/endless-1xx").fails(Protocol, "more than 64 interim responses"),
        built_in("/hostile/drip-1xx").in_short_time().fails(Timeout, WITHIN),
        built_in("/hostile/switching").fails(Protocol, "switched to another protocol"),
        built_in("/hostile/endless-head").fails(Protocol, "is larger than 417792 bytes"),
        built_in("/hostile/drip-head").in_short_time().fails(Timeout, WITHIN),
        built_in("/hostile/header-flood").fails(Protocol, "more than 4096 header fields"),
        built_in("/hostile/header-long").fails(Protocol, "is larger than 417792 bytes"),
        built_in("/hostile/stall-head").in_short_time().fails(Timeout, WITHIN),
        built_in("/hostile/cut-head").fails(Reset, "before the response's head was complete"),
        built_in("/hostile/not-http").fails(Protocol, "does not begin with HTTP/1.0 or HTTP/1.1"),
        built_in("/hostile/http-9").fails(Protocol, "does not begin with HTTP/1.0 or HTTP/1.1"),
        built_in("/hostile/no-head").fails(Protocol, "does not begin with HTTP/1.0 or HTTP/1.1"),
        built_in("/hostile/status-letters").fails(Protocol, "status line is malformed"),
        built_in("/hostile/header-no-colon").fails(Protocol, "name of a header field"),
        built_in("/hostile/header-folded").fails(Protocol, "name of a header field"),
        built_in("/hostile/header-space").fails(Protocol, "name of a header field"),
        built_in("/hostile/header-nul").fails(Protocol, "value of a header field"),
        built_in("/hostile/cookie-flood").with(|spec| spec.cookies = true).times(2).requests(2),
    ]
}

/// Lengths and chunks that make no sense.
fn framing() -> Vec<Row> {
    vec![
        built_in("/hostile/two-lengths").fails(Protocol, LENGTH),
        built_in("/hostile/length-letters").fails(Protocol, LENGTH),
        built_in("/hostile/length-negative").fails(Protocol, LENGTH),
        built_in("/hostile/length-huge").fails(Protocol, LENGTH),
        // Chunks count where there are both: RFC 9112, 6.3.
        built_in("/hostile/length-and-chunks"),
        built_in("/hostile/chunk-bad").fails(Protocol, "the size of a chunk of the body"),
        built_in("/hostile/chunk-huge").fails(Protocol, "does not fit into 64 bits"),
        built_in("/hostile/chunk-cut").fails(Truncated, "before the end of the body"),
        built_in("/hostile/chunk-no-end").fails(Truncated, "before the end of the body"),
        built_in("/hostile/chunk-extension").fails(Protocol, "16384 bytes or more"),
        built_in("/hostile/endless-trailers").fails(Protocol, "16384 bytes or more"),
    ]
}

/// Connections that end, or do not.
fn connections() -> Vec<Row> {
    vec![
        built_in("/hostile/silent").in_short_time().fails(Timeout, WITHIN),
        built_in("/hostile/close").fails(Reset, "before the response's head was complete"),
        built_in("/hostile/reset").fails(Reset, "before the response's head was complete"),
        built_in("/hostile/early").fails(HttpStatus, "413"),
        // What nobody asked for is not the answer to the next request.
        built_in("/hostile/extra-body").times(3).requests(3),
        built_in("/hostile/close-kept").times(3).requests(3),
        // Each but the first is sent twice: on the connection that was kept, and on a new one.
        built_in("/hostile/close-reused").times(3).requests(5),
        built_in("/hostile/reset-reused").times(3).requests(5),
    ]
}

fn redirects() -> Vec<Row> {
    vec![
        built_in("/hostile/redirect-self").fails(Redirect, "more than 10 times").requests(11),
        built_in("/hostile/redirect-self").with(|spec| spec.max_redirects = 0).succeeds(302, 0, 0),
        built_in("/hostile/redirect-empty").succeeds(302, 0, 0),
        built_in("/hostile/redirect-none").succeeds(302, 0, 0),
        built_in("/hostile/redirect-scheme").fails(Redirect, "redirected to file:"),
        built_in("/hostile/redirect-latin1").succeeds_with_any_body(200).requests(2),
        built_in("/hostile/redirect-body").succeeds_with_any_body(200).requests(2),
    ]
}
