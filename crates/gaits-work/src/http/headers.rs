//! The heads of requests, over HTTP/1.1 and HTTP/2: common fields, and those of one request.
//!
//! Limit: reads no response.

use super::h1::{Prepared, Unsendable, write_head};
use super::h2;
use super::proxy::Proxy;
use super::request::Request;
use super::target::{Origin, Scheme};
use gaits_core::{ErrorKind, ItemError};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use std::cell::OnceCell;
use std::sync::Arc;

/// The heads of requests to one origin over HTTP/1.1, written once.
pub(super) struct Heads {
    /// The proxy that is asked for the whole URL in the origin's place.
    asked: Option<Arc<Proxy>>,
    own: OnceCell<Prepared>,
    foreign: OnceCell<Prepared>,
}

impl Heads {
    /// Of requests that go to the origin, or to the proxy that is `asked` in its place.
    pub(super) fn new(asked: Option<Arc<Proxy>>) -> Self {
        Self { asked, own: OnceCell::new(), foreign: OnceCell::new() }
    }

    /// Appends the head of `request` to `out`. With `close`, the server is told that no other request will follow on
    /// the connection.
    pub(super) fn write(
        &self,
        out: &mut Vec<u8>,
        request: &Request<'_>,
        close: bool,
    ) -> Result<(), ItemError> {
        let Request { method, target, fields, common, foreign, cookie, .. } = request;
        let authorization = target.authorization.as_ref().map(HeaderValue::as_bytes);
        let mut digits = itoa::Buffer::new();
        let length = request.content_length().map(|length| digits.format(length).as_bytes());
        let extra = [
            ("authorization", authorization),
            ("cookie", cookie.as_deref()),
            ("content-type", request.content_type().map(str::as_bytes)),
            ("content-length", length),
        ];
        let extra = extra.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let asked = self.asked.as_deref();
        let (method, whole) = (method.as_str(), asked.map(|_| target.url()));
        let path = whole.as_deref().unwrap_or(&target.path);
        let written = if authorization.is_some() || cookie.is_some() || !common {
            // What stands in the common fields under the same name gives way.
            let common = prepared(fields.of(*foreign), &target.origin, asked, close, |name| {
                !(authorization.is_some() && name == header::AUTHORIZATION
                    || cookie.is_some() && name == header::COOKIE)
            });
            common.and_then(|common| write_head(out, method, path, &common, extra))
        } else {
            let cell = if *foreign { &self.foreign } else { &self.own };
            match cell.get() {
                Some(common) => write_head(out, method, path, common, extra),
                None => prepared(fields.of(*foreign), &target.origin, asked, close, |_| true)
                    .and_then(|common| {
                        write_head(out, method, path, cell.get_or_init(|| common), extra)
                    }),
            }
        };
        written.map_err(|e| ItemError::new(ErrorKind::InvalidItem, e.to_string()))
    }
}

/// The fields of `common` that are `wanted`, with those that HTTP/1.1 needs before them.
fn prepared(
    common: &HeaderMap,
    origin: &Origin,
    asked: Option<&Proxy>,
    close: bool,
    wanted: impl Fn(&HeaderName) -> bool,
) -> Result<Prepared, Unsendable> {
    let host = (!common.contains_key(header::HOST)).then_some((header::HOST, &origin.host_field));
    let closing = HeaderValue::from_static("close");
    let close = close && !common.contains_key(header::CONNECTION);
    let close = close.then_some((header::CONNECTION, &closing));
    let to_proxy = asked.and_then(Proxy::authorization);
    let to_proxy = to_proxy.filter(|_| !common.contains_key(header::PROXY_AUTHORIZATION));
    let to_proxy = to_proxy.map(|value| (header::PROXY_AUTHORIZATION, value));
    let own = host
        .iter()
        .chain(&close)
        .chain(&to_proxy)
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let common = common.iter().filter(|(name, _)| wanted(name));
    Prepared::new(own.chain(common.map(|(name, value)| (name.as_str(), value.as_bytes()))))
}

/// The head of `request` over HTTP/2.
pub(super) fn http2(request: &Request<'_>) -> Result<http::Request<()>, ItemError> {
    let Request { method, target, fields, foreign, cookie, .. } = request;
    let mut fields = fields.of(*foreign).clone();
    if let Some(length) = request.content_length() {
        fields.insert(header::CONTENT_LENGTH, length.into());
    }
    if let Some(Ok(kind)) = request.content_type().map(HeaderValue::from_str) {
        fields.insert(header::CONTENT_TYPE, kind);
    }
    if let Some(authorization) = &target.authorization {
        fields.insert(header::AUTHORIZATION, authorization.clone());
    }
    if let Some(cookie) = cookie
        && let Ok(mut value) = HeaderValue::from_bytes(cookie)
    {
        value.set_sensitive(true);
        fields.insert(header::COOKIE, value);
    }
    let origin = &target.origin;
    let scheme = match origin.scheme {
        Scheme::Http => http::uri::Scheme::HTTP,
        Scheme::Https => http::uri::Scheme::HTTPS,
    };
    let authority = origin.authority.clone();
    let path = PathAndQuery::try_from(&*target.path)
        .map_err(|e| ItemError::new(ErrorKind::InvalidItem, e.to_string()))?;
    h2::request(method.wire(), scheme, authority, path, fields)
}
