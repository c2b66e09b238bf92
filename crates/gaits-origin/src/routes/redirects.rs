//! Endpoints that send the client elsewhere: /redirect, /redirect-to.

use http::StatusCode;

use crate::reply::Reply;
use crate::request::Request;

pub(super) fn redirect(request: &Request<'_>, count: &str) -> Reply {
    let target = match count.parse::<u64>() {
        Ok(1) => "/get".to_owned(),
        Ok(more @ 2..) if absolute(request) => format!("/redirect/{}?absolute=true", more - 1),
        Ok(more @ 2..) => format!("/redirect/{}", more - 1),
        Ok(0) | Err(_) => {
            return Reply::bad_request(
                "the number of redirects is not a whole number above zero, as in /redirect/3",
            );
        }
    };
    if absolute(request) {
        return Reply::redirect(
            StatusCode::FOUND,
            &format!("{}://{}{target}", request.scheme, request.host()),
        );
    }
    Reply::redirect(StatusCode::FOUND, &target)
}

fn absolute(request: &Request<'_>) -> bool {
    request.parameter("absolute").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

pub(super) fn redirect_to(request: &Request<'_>) -> Reply {
    let Some(url) = request.parameter("url") else {
        return Reply::bad_request(
            "there is no url to redirect to: give one as in /redirect-to?url=/get",
        );
    };
    let status = match request.parameter("status_code") {
        None => StatusCode::FOUND,
        Some(code) => match StatusCode::from_bytes(code.as_bytes()) {
            Ok(status) if status.is_redirection() => status,
            _ => {
                return Reply::bad_request(
                    "status_code is not a redirect's status, which are 300 to 399",
                );
            }
        },
    };
    Reply::redirect(status, &url)
}
