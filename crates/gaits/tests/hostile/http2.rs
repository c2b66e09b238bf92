//! Rows whose servers speak HTTP/2.

use crate::frames::{
    ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, HTTP_1_1_REQUIRED,
    INTERNAL_ERROR, NO_ERROR, OK, PING, REFUSED_STREAM, SETTINGS, WINDOW_UPDATE, field, frame,
    go_away,
};
use crate::row::{Again, KIB, MIB, Row, WITHIN, http2};
use gaits::ErrorKind::{Protocol, Reset, Timeout, TooLarge, Truncated};
use gaits::http::Method;

const BEFORE_HEAD: &str = "before the response's head was complete";
const CALM: &str = "detected excessive load generating behavior";
const USELESS: &str = "the server sent nothing but frames without use";

pub(crate) fn rows() -> Vec<Row> {
    [requests(), bodies(), floods()].concat()
}

/// Which requests are sent again, and how often they reach the server.
fn requests() -> Vec<Row> {
    vec![
        http2("a good answer over HTTP/2", |server| server.each(Frames::answer)),
        http2("streams reset with INTERNAL_ERROR", |server| {
            server.each(|server, stream| server.reset_stream(stream, INTERNAL_ERROR));
        })
        .fails(Reset, BEFORE_HEAD),
        http2("streams reset with CANCEL", |server| {
            server.each(|server, stream| server.reset_stream(stream, CANCEL));
        })
        .fails(Reset, BEFORE_HEAD),
        http2("streams reset with NO_ERROR", |server| {
            server.each(|server, stream| server.reset_stream(stream, NO_ERROR));
        })
        .fails(Reset, BEFORE_HEAD),
        http2("a stream refused once", |server| {
            server.each(|server, stream| match server.peer().requests_before() {
                0 => server.reset_stream(stream, REFUSED_STREAM),
                _ => server.answer(stream),
            });
        })
        .requests(2),
        http2("all streams refused", |server| {
            server.each(|server, stream| server.reset_stream(stream, REFUSED_STREAM));
        })
        .fails(Reset, "refused stream before processing")
        .requests(8),
        http2("all streams of a POST refused", |server| {
            server.each(|server, stream| server.reset_stream(stream, REFUSED_STREAM));
        })
        .with(|spec| spec.method = Method::POST)
        .fails(Reset, "refused stream before processing")
        // Nothing of it was done.
        .again(Again::AnyTime)
        .requests(8),
        http2("another protocol over HTTP/2", |server| {
            server.each(|server, stream| {
                server.say(&frame(HEADERS, END_HEADERS, stream, &field(":status", "101")));
                server.answer(stream);
            });
        })
        .fails(Protocol, "switches to another protocol"),
        http2("a body behind a 204", |server| {
            server.each(|server, stream| {
                server.say(&frame(HEADERS, END_HEADERS, stream, &field(":status", "204")));
                server.say(&frame(DATA, END_STREAM, stream, b"hello"));
            });
        })
        .fails(Protocol, "says that it has none"),
        // The second is the one over HTTP/1.1.
        http2("HTTP/1.1 required for a stream", |server| {
            server.each(|server, stream| server.reset_stream(stream, HTTP_1_1_REQUIRED));
        })
        .times(3)
        .requests(4),
        http2("a GOAWAY below the stream", |server| {
            let Some(stream) = server.request() else { return };
            if server.peer().number() == 0 {
                server.say(&go_away(0, NO_ERROR));
                server.wait_for_end();
            } else {
                server.answer(stream);
                server.each(Frames::answer);
            }
        })
        .requests(2),
        http2("a GOAWAY at the stream, and the end", |server| {
            if let Some(stream) = server.request() {
                server.say(&go_away(stream, INTERNAL_ERROR));
            }
        })
        .fails(Reset, BEFORE_HEAD),
        http2("the end in place of an answer", |server| {
            server.request();
        })
        .fails(Reset, BEFORE_HEAD),
        http2("silence", Frames::wait_for_end).in_short_time().requests(0).fails(Timeout, WITHIN),
    ]
}

/// Bodies that end too early, or never.
fn bodies() -> Vec<Row> {
    let over = "the decoded body is larger than";
    vec![
        http2("a stream reset in its body", |server| {
            server.each(|server, stream| {
                server.head(stream);
                server.data(stream, b"hel");
                server.reset_stream(stream, INTERNAL_ERROR);
            });
        })
        .fails(Truncated, "before the end of the body"),
        http2("a body of another length than announced", |server| {
            server.each(|server, stream| {
                let head = [OK, &field("content-length", "9")].concat();
                server.say(&frame(HEADERS, END_HEADERS, stream, &head));
                server.say(&frame(DATA, END_STREAM, stream, b"hello"));
            });
        })
        .fails(Protocol, "not as long as was announced"),
        http2("a body that stalls", |server| {
            server.each(|server, stream| {
                server.head(stream);
                server.data(stream, b"hel");
            });
        })
        .in_short_time()
        .fails(Timeout, WITHIN),
        http2("a body without end", |server| {
            server.each(|server, stream| server.endless_body(stream, &[b'x'; 16_000]));
        })
        .with_cap(32 * MIB)
        .fails(TooLarge, over)
        .heap(3 * MIB),
        http2("a body without end, byte by byte", |server| {
            server.each(|server, stream| server.endless_body(stream, b"x"));
        })
        .with_cap(256 * KIB)
        .fails(TooLarge, over)
        // A byte takes some 700 in h2 while it waits to be taken.
        .heap(8 * MIB),
    ]
}

/// A server that answers the first request with `flood`, over and over.
fn flood(server: &mut Frames, flood: impl FnOnce(u32) -> Vec<u8>) {
    if let Some(stream) = server.request() {
        server.say_for_ever(&flood(stream));
    }
}

fn floods() -> Vec<Row> {
    vec![
        http2("PING without end", |server| flood(server, |_| frame(PING, 0, 0, &[0; 8])))
            .fails(Protocol, USELESS),
        http2("answers to no PING without end", |server| {
            flood(server, |_| frame(PING, ACK, 0, &[0; 8]));
        })
        .fails(Protocol, USELESS),
        http2("SETTINGS without end", |server| {
            flood(server, |_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 100]));
        })
        .fails(Protocol, USELESS),
        http2("WINDOW_UPDATE without end", |server| {
            flood(server, |stream| frame(WINDOW_UPDATE, 0, stream, &[0, 0, 0, 1]));
        })
        .fails(Protocol, USELESS),
        http2("GOAWAY without end", |server| flood(server, |_| go_away(0x7fff_ffff, NO_ERROR)))
            .fails(Protocol, USELESS),
        http2("frames of an unknown kind without end", |server| {
            flood(server, |_| frame(0x33, 0, 0, b""));
        })
        .fails(Protocol, USELESS),
        http2("interim responses without end", |server| {
            flood(server, |stream| frame(HEADERS, END_HEADERS, stream, &field(":status", "103")));
        })
        .fails(Protocol, "more than 64 interim responses"),
        http2("empty DATA without end", |server| {
            if let Some(stream) = server.request() {
                server.head(stream);
                server.say_for_ever(&frame(DATA, 0, stream, b""));
            }
        })
        .fails(Protocol, CALM),
        http2("CONTINUATION without end", |server| {
            if let Some(stream) = server.request() {
                server.say(&frame(HEADERS, 0, stream, OK));
                server.say_for_ever(&frame(CONTINUATION, 0, stream, b""));
            }
        })
        .fails(Protocol, CALM),
        http2("a head of many times the limit", |server| {
            server.each(|server, stream| {
                // One byte stands for 4,000, a thousand times.
                let large = [&[0x40, 1, b'x', 127, 0xa1, 0x1e], [b'y'; 4_000].as_slice()].concat();
                let bomb = [OK, &large, &[0xbe; 1_000]].concat();
                server.say(&frame(HEADERS, END_HEADERS, stream, &bomb));
            });
        })
        .fails(Protocol, CALM)
        .heap(6 * MIB),
    ]
}
