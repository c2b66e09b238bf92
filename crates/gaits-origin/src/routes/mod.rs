//! Which path is answered by what. Endpoints are pure: they get a whole request and its draws and give a reply; time,
//! faults and the wire are not theirs.

mod access;
mod data;
mod echo;
mod form;
mod list;
mod ranges;
mod redirects;

use std::time::Duration;

use http::StatusCode;
use http::header::{ALLOW, HeaderValue};

use bytes::Bytes;

use crate::body::Payload;
use crate::draws::Draws;
use crate::limits::LONGEST;
use crate::reply::Reply;
use crate::request::Request;
use crate::script::Script;

const INDEX: &str = "\
A local HTTP server to try clients on. GET and HEAD, where nothing else is said:

/uuid                           a UUID, different each time
/get                            the request, as JSON
/post /put /patch /delete       the request with its body, data, form, files and, of up to 1 MiB,
                                json; that method
/headers                        the request's headers
/anything[/…]                   the request with its body; any method
/delay/{seconds}                the request, after a delay; fractions are fine; any method
/status/{code}                  that status, or one of code[:weight],…; any method
/bytes/{count}?seed=            random bytes, the same for the same seed; Range is heeded
/range/{count}                  letters from a to z, over and over; Range is heeded
/drip?numbytes=&duration=&delay=&code=
                                bytes that come slowly
/redirect/{count}?absolute=     so many redirects, then /get
/redirect-to?url=&status_code=  a redirect to that URL; any method
/cookies                        the cookies that came with the request
/cookies/set?name=value         sets cookies, then redirects to /cookies
/sitemap.xml?urls=              a sitemap of so many pages
/gzip /deflate /brotli /zstd    compressed JSON
/json                           a JSON document
/list?page=|offset=|cursor=&size=&total=
                                a listing in pages, as JSON with links.next and meta.next, and
                                with a link header
/basic-auth/{user}/{password}   asks for these
/hostile                        the ways to break HTTP/1.1 under /hostile/{name}; any method
";

/// Answers a request.
pub(crate) fn answer(request: &Request<'_>, draws: &mut Draws) -> Reply {
    let path = request.path();
    let path = path.strip_prefix('/').unwrap_or(path);
    let (first, rest) = match path.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    let reply = match (first, rest) {
        ("uuid", None) => data::uuid(draws),
        ("get", None) => echo::get(request),
        ("post" | "put" | "patch" | "delete", None) => echo::posted(request),
        ("headers", None) => echo::headers(request),
        ("anything", _) => echo::anything(request),
        ("delay", Some(seconds)) => echo::delay(request, seconds),
        ("status", Some(codes)) => data::status(codes, draws),
        ("bytes", Some(count)) => ranges::bytes(request, count),
        ("range", Some(count)) => ranges::range(request, count),
        ("drip", None) => data::drip(request),
        ("redirect", Some(count)) => redirects::redirect(request, count),
        ("redirect-to", None) => redirects::redirect_to(request),
        ("cookies", None) => access::cookies(request),
        ("cookies", Some("set")) => access::set_cookies(request),
        ("gzip" | "deflate" | "brotli" | "zstd", None) => data::compressed(first),
        ("json", None) => data::json(),
        ("list", None) => list::list(request),
        ("sitemap.xml", None) => list::sitemap(request),
        ("basic-auth", Some(wanted)) => access::basic_auth(request, wanted),
        ("hostile", None) => text(hostile_index()),
        ("", None) => text(INDEX),
        _ => Reply::error(
            StatusCode::NOT_FOUND,
            "there is nothing at this path: see / for what there is",
        ),
    };
    let allowed = match first {
        "anything" | "delay" | "status" | "redirect-to" => return reply,
        "post" => "POST",
        "put" => "PUT",
        "patch" => "PATCH",
        "delete" => "DELETE",
        _ => "GET, HEAD",
    };
    let method = request.parts.method.as_str();
    // A 404 that /drip was asked for is no sign of an unknown path.
    let unknown = reply.status == StatusCode::NOT_FOUND && (first, rest) != ("drip", None);
    if unknown || allowed.split(", ").any(|name| name == method) {
        return reply;
    }
    Reply::error(
        StatusCode::METHOD_NOT_ALLOWED,
        &format!("{method} is not answered here, only {allowed}: use /anything for any method"),
    )
    .with(ALLOW, HeaderValue::from_static(allowed))
}

fn text(text: impl Into<Bytes>) -> Reply {
    Reply::content("text/plain; charset=utf-8", Payload::Whole(text.into()))
}

/// What there is under /hostile.
fn hostile_index() -> String {
    let line = |(path, about)| format!("{path:28} {about}\n");
    let lines: String = Script::hostile().paths().map(line).collect();
    format!("Ways to break HTTP/1.1, as scripted replies:\n\n{lines}")
}

/// Seconds, with fractions, as they are written in a path or a query; none if they are no number or more than a year.
fn seconds(text: &str) -> Option<Duration> {
    let seconds = text.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| *duration <= LONGEST)
}
