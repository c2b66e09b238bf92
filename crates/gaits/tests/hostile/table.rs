//! Each row alone, beside a healthy neighbour: how it ends, and what it costs.

use crate::measure::{Seen, failure, measure};
use crate::row::{Again, At, KIB, Row};
use crate::stage::{Scene, Stage};
use crate::{built_in, http1, http2};
use gaits::http::HttpDetail;
use gaits_core::{Advice, Performed};
use gaits_origin::Script;
use std::collections::BTreeSet;

/// How long one poll of an item, and one round of its loop, may take of the CPU, in microseconds. Without optimisation
/// both take some ten times of what they take with it. What these rows are for took 700,000 and more.
const TURN_US: u64 = 25_000;

/// How often an item is polled after its deadline, until it is noticed. In a round of the loop, timers come first.
const LATE_POLLS: u64 = 8;

/// How long the message of an error may be, whatever the server has sent.
const MESSAGE: usize = 1_000;

/// How long the head of a request may be, whatever the server has sent.
const REQUEST_HEAD: usize = 16 << 10;

/// How many bytes a server without end gets rid of before its client ends: what buffers of the system hold, and what
/// the client takes for itself.
const SENT: u64 = 64 << 20;

pub(crate) fn rows() -> Vec<Row> {
    [built_in::rows(), http1::rows(), http2::rows()].concat()
}

#[test]
fn every_reply_that_an_origin_has_to_break_http_has_a_row() {
    let rows = rows();
    let tried: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| match row.at {
            At::Origin(path) | At::OriginTls(path) => Some(path),
            At::Own(_) => None,
        })
        .collect();
    for (path, about) in Script::hostile().paths() {
        assert!(tried.contains(path), "{path} has no row: {about}");
    }
}

#[test]
fn whatever_a_server_does_its_item_ends_as_it_should_and_no_neighbour_notices() {
    let stage = Stage::new();
    let healthy = stage.healthy();
    let mut wrong = Vec::new();
    for row in rows() {
        let scene = stage.set(&row);
        let seen = measure(&row.spec, &scene.url(), row.times, &healthy);
        for what in faults(&row, &scene, &seen) {
            wrong.push(format!("{}: {what}", row.name));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is not as the row says.
fn faults(row: &Row, scene: &Scene<'_>, seen: &Seen) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |right: bool, what: String| {
        if !right {
            wrong.push(what);
        }
    };
    let (last, others) = seen.performed.split_last().unwrap();
    let ends_so = |performed: &Performed| row.ends_as(failure(performed), detail(performed));
    check(ends_so(last), format!("ended with {:?}", shown(last)));
    for other in others {
        let fine = other.outcome.is_ok() || ends_so(other);
        check(fine, format!("one before the last ended with {:?}", shown(other)));
    }
    let again = row.again.is_none_or(|again| may_be_tried(&last.advice, again));
    check(again, format!("may be tried again: {:?}", last.advice));
    let message = failure(last).map_or(0, |(_, message)| message.len());
    check(message <= MESSAGE, format!("its message has {message} bytes"));

    let requests = scene.requests();
    check(row.expects_requests(requests), format!("{requests} requests"));
    if let Some(own) = scene.own() {
        let (head, sent) = (own.longest_head(), own.sent());
        check(head <= REQUEST_HEAD, format!("a request with a head of {head} bytes"));
        check(sent <= SENT || row.is_timed(), format!("the server sent {sent} bytes"));
    }

    let Seen { polls, late_polls, longest_poll_us, longest_round_us, peak, .. } = *seen;
    check(longest_poll_us <= TURN_US, format!("a poll of {longest_poll_us} us"));
    check(longest_round_us <= TURN_US, format!("a round of {longest_round_us} us"));
    let details = || seen.performed.iter().filter_map(detail);
    let bytes: u64 = details().map(|detail| detail.bytes).sum();
    let decoded: u64 = details().map(|detail| detail.decoded_bytes).sum();
    let most = polls * row.bytes_a_poll;
    check(bytes <= most, format!("{bytes} bytes in {polls} polls"));
    check(decoded <= most, format!("{decoded} decoded bytes in {polls} polls"));
    check(late_polls <= LATE_POLLS, format!("{late_polls} polls after the deadline"));
    check(peak <= row.heap, format!("{} kB on the heap", peak / KIB));
    for performed in &seen.neighbour {
        check(performed.outcome.is_ok(), format!("the neighbour has {:?}", shown(performed)));
    }
    wrong
}

fn detail(performed: &Performed) -> Option<HttpDetail> {
    performed.detail.as_ref().and_then(HttpDetail::from_detail)
}

/// What is told of an item that ended in another way.
fn shown(performed: &Performed) -> String {
    let detail = detail(performed).unwrap_or_default();
    let (status, bytes, decoded) = (detail.status, detail.bytes, detail.decoded_bytes);
    let error = performed.outcome.as_ref().err().map(ToString::to_string);
    let error: Option<String> = error.map(|error| error.chars().take(200).collect());
    format!("{error:?}, status {status:?}, {bytes} bytes, {decoded} decoded")
}

fn may_be_tried(advice: &Advice, again: Again) -> bool {
    match (advice, again) {
        (Advice::Final, Again::Never)
        | (Advice::Retry | Advice::Pause { until_us: None, of: None }, Again::AnyTime) => true,
        (Advice::Pause { until_us: Some(us), of: None }, Again::After(seconds)) => {
            *us >= seconds.saturating_mul(1_000_000)
        }
        _ => false,
    }
}
