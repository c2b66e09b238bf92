//! Endpoints about who asks: /cookies, /cookies/set, /basic-auth.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::StatusCode;
use http::header::{AUTHORIZATION, COOKIE, HeaderValue, SET_COOKIE, WWW_AUTHENTICATE};
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::reply::Reply;
use crate::request::{Request, header};

/// The challenge of what wants a user and a password.
pub(super) const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"origin\"");

pub(super) fn cookies(request: &Request<'_>) -> Reply {
    // HTTP/2 may split the header in several.
    let lines = request
        .parts
        .headers
        .get_all(COOKIE)
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()));
    let mut cookies = BTreeMap::new();
    for line in lines {
        for pair in line.split(';') {
            if let Some((name, value)) = pair.split_once('=') {
                cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }
    Reply::json(&json!({ "cookies": cookies }))
}

pub(super) fn set_cookies(request: &Request<'_>) -> Reply {
    let mut reply = Reply::redirect(StatusCode::FOUND, "/cookies");
    for (name, value) in request.parameters() {
        // Names and values are not escaped in any way that all clients would undo: RFC 6265, 4.1.1.
        let plain = |text: &str, also: &str| {
            text.bytes().all(|b| b.is_ascii_graphic() && !also.as_bytes().contains(&b))
        };
        let cookie = HeaderValue::from_str(&format!("{name}={value}; Path=/"));
        match cookie {
            Ok(cookie) if !name.is_empty() && plain(&name, "=;,\"") && plain(&value, ";,\"\\") => {
                reply = reply.with(SET_COOKIE, cookie);
            }
            _ => {
                return Reply::bad_request(
                    "a cookie's name or value has characters that cookies cannot have",
                );
            }
        }
    }
    reply
}

pub(super) fn basic_auth(request: &Request<'_>, wanted: &str) -> Reply {
    let Some((user, password)) =
        wanted.split_once('/').filter(|(_, password)| !password.contains('/'))
    else {
        return Reply::error(StatusCode::NOT_FOUND, "write it as /basic-auth/{user}/{password}");
    };
    let decoded = |text| -> Vec<u8> { Cow::from(percent_decode_str(text)).into_owned() };
    let (user, password) = (decoded(user), decoded(password));
    let authorized = header(&request.parts.headers, AUTHORIZATION)
        .and_then(|given| credentials(&given))
        .is_some_and(|given| given == [&user, &b":"[..], &password].concat());
    if authorized {
        Reply::json(&json!({ "authenticated": true, "user": String::from_utf8_lossy(&user) }))
    } else {
        Reply::error(StatusCode::UNAUTHORIZED, "user or password is missing or wrong")
            .with(WWW_AUTHENTICATE, BASIC)
    }
}

/// `user:password` out of an `Authorization` header.
fn credentials(header: &str) -> Option<Vec<u8>> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    BASE64_STANDARD.decode(encoded.trim()).ok()
}
