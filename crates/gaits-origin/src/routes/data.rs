//! Endpoints that make something up: /uuid, /status, /drip, /json and the compressed ones.

use std::io;
use std::sync::LazyLock;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, HeaderValue, PROXY_AUTHENTICATE, WWW_AUTHENTICATE};
use serde_json::json;

use super::seconds;
use crate::body::Payload;
use crate::codings::Coding;
use crate::draws::Draws;
use crate::reply::Reply;
use crate::request::Request;

const BINARY: &str = "application/octet-stream";

pub(super) fn uuid(draws: &mut Draws) -> Reply {
    let uuid = uuid::Builder::from_random_bytes(draws.rng.u128(..).to_be_bytes()).into_uuid();
    Reply::json_text(format!("{{\n  \"uuid\": \"{}\"\n}}\n", uuid.as_hyphenated()))
}

pub(super) fn json() -> Reply {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| {
        let value = json!({
            "library": {
                "title": "Ways of walking",
                "open": true,
                "floors": 3,
                "shelves": [
                    { "name": "walk", "beats": 4, "species": ["elephant", "tortoise"] },
                    { "name": "trot", "beats": 2, "species": ["horse", "wolf"] },
                    { "name": "gallop", "beats": 4, "species": ["horse", "hare"], "airborne": 0.25 },
                ],
                "closed_on": null,
            }
        });
        format!("{value:#}\n").into()
    });
    Reply::json_text(TEXT.clone())
}

/// `codes` is one status, or several with weights: `200:9,503`.
pub(super) fn status(codes: &str, draws: &mut Draws) -> Reply {
    let Some(status) = choose(codes, draws.rng.f64()) else {
        return Reply::bad_request(
            "the status is not a number from 200 to 599, or several as in /status/200:9,503",
        );
    };
    match status {
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => Reply::redirect(status, "/redirect/1"),
        StatusCode::UNAUTHORIZED => {
            Reply::empty(status).with(WWW_AUTHENTICATE, super::access::BASIC)
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            Reply::empty(status).with(PROXY_AUTHENTICATE, super::access::BASIC)
        }
        _ => Reply::empty(status),
    }
}

fn choose(codes: &str, draw: f64) -> Option<StatusCode> {
    let mut choices = Vec::new();
    let mut total = 0.0;
    for choice in codes.split(',') {
        let (code, weight) = choice.split_once(':').unwrap_or((choice, "1"));
        let code: u16 = code.parse().ok().filter(|code| (200..600).contains(code))?;
        let weight: f64 =
            weight.parse().ok().filter(|weight: &f64| weight.is_finite() && *weight >= 0.0)?;
        total += weight;
        choices.push((StatusCode::from_u16(code).ok()?, total));
    }
    let last = choices.last().map(|&(status, _)| status);
    choices.iter().find(|&&(_, below)| draw * total < below).map(|&(status, _)| status).or(last)
}

pub(super) fn drip(request: &Request<'_>) -> Reply {
    let parameter =
        |name, default: &str| request.parameter(name).unwrap_or(default.to_owned().into());
    let Some(total) = parameter("numbytes", "10").parse().ok().filter(|&n: &u64| n > 0) else {
        return Reply::bad_request("numbytes is not a whole number above zero");
    };
    let Some(duration) = seconds(&parameter("duration", "2")) else {
        return Reply::bad_request(
            "duration is not a number of seconds from 0 to 31536000, a year, as in ?duration=2.5",
        );
    };
    let Some(delay) = seconds(&parameter("delay", "0")) else {
        return Reply::bad_request(
            "delay is not a number of seconds from 0 to 31536000, a year, as in ?delay=0.5",
        );
    };
    let Some(status) = choose(&parameter("code", "200"), 0.0) else {
        return Reply::bad_request("code is not a status from 200 to 599");
    };
    Reply { status, delay, ..Reply::content(BINARY, Payload::drip(total, duration)) }
}

/// JSON in the coding that the path names; the texts are compressed when first asked for, and kept.
pub(super) fn compressed(path: &str) -> Reply {
    static TEXTS: [LazyLock<io::Result<Bytes>>; 4] = [
        LazyLock::new(|| encoded(Coding::Gzip, "gzipped")),
        LazyLock::new(|| encoded(Coding::Deflate, "deflated")),
        LazyLock::new(|| encoded(Coding::Brotli, "brotli")),
        LazyLock::new(|| encoded(Coding::Zstd, "zstd")),
    ];
    let [gzip, deflate, brotli, zstd] = &TEXTS;
    let (text, coding) = match path {
        "gzip" => (gzip, Coding::Gzip),
        "deflate" => (deflate, Coding::Deflate),
        "brotli" => (brotli, Coding::Brotli),
        _ => (zstd, Coding::Zstd),
    };
    match text.as_ref() {
        Ok(text) => Reply::json_text(text.clone())
            .with(CONTENT_ENCODING, HeaderValue::from_static(coding.name())),
        Err(error) => Reply::error(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn encoded(coding: Coding, name: &str) -> io::Result<Bytes> {
    coding.encode(&compressible(name)).map(Bytes::from)
}

/// What is compressed: it names its coding, and it has something to gain from it.
fn compressible(name: &str) -> Vec<u8> {
    let text = "the same words, time and again; ".repeat(32);
    format!("{:#}\n", json!({ name: true, "method": "GET", "text": text })).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_chosen_by_weight() {
        assert_eq!(choose("204", 0.9), Some(StatusCode::NO_CONTENT));
        assert_eq!(choose("200:3,503:1", 0.74), Some(StatusCode::OK));
        assert_eq!(choose("200:3,503:1", 0.76), Some(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(choose("200,404", 0.5), Some(StatusCode::NOT_FOUND));
        assert_eq!(choose("500:0", 0.5), Some(StatusCode::INTERNAL_SERVER_ERROR));
        for bad in ["", "abc", "199", "600", "200,", "200:x", "200:-1", "200:inf"] {
            assert_eq!(choose(bad, 0.0), None, "{bad:?}");
        }
    }
}
