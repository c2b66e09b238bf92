//! The header fields of requests: what is sent, and what of it may go where a redirect leads.
//!
//! Limit: reads no response.

use super::h1::{Prepared, Unsendable, write_head};
use super::h2;
use super::request::Request;
use super::spec::{HttpSpec, HttpSpecError};
use super::target::{Origin, Scheme};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gaits_core::{ErrorKind, ItemError};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use std::cell::OnceCell;
use url::Url;

/// The user's fields that another origin may see; all others may hold a secret under a name that nobody knows.
const HARMLESS: [HeaderName; 9] = [
    header::ACCEPT,
    header::ACCEPT_CHARSET,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CACHE_CONTROL,
    header::IF_MODIFIED_SINCE,
    header::PRAGMA,
    header::RANGE,
    header::USER_AGENT,
];

/// Whether another origin may see a field, and anybody its value.
pub(super) fn is_harmless(name: &HeaderName) -> bool {
    HARMLESS.contains(name)
}

/// The fields that are the same for every request.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    /// For the origins of the items.
    all: HeaderMap,
    /// For the origins that redirects lead to.
    harmless: HeaderMap,
}

impl Fields {
    pub(super) fn new(spec: &HttpSpec) -> Result<Self, HttpSpecError> {
        let mut harmless = HeaderMap::new();
        harmless.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        harmless.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(super::decode::ACCEPTED));
        if let Some(agent) = spec.parsed_user_agent()? {
            harmless.insert(header::USER_AGENT, agent);
        }
        let user = spec.parsed_headers()?;
        for (name, _) in &user {
            harmless.remove(name);
        }
        let mut all = harmless.clone();
        for (name, value) in user {
            if HARMLESS.contains(&name) {
                harmless.append(&name, value.clone());
            }
            all.append(name, value);
        }
        Ok(Self { all, harmless })
    }

    const fn of(&self, foreign: bool) -> &HeaderMap {
        if foreign { &self.harmless } else { &self.all }
    }

    /// The cookies that the user gives with every request.
    pub(super) fn given_cookie(&self, foreign: bool) -> Option<&HeaderValue> {
        self.of(foreign).get(header::COOKIE)
    }
}

/// The heads of requests to one origin over HTTP/1.1, written once.
#[derive(Default)]
pub(super) struct Heads {
    own: OnceCell<Prepared>,
    foreign: OnceCell<Prepared>,
}

impl Heads {
    /// Appends the head of `request` to `out`. With `close`, the server is told that no other request will follow on
    /// the connection.
    pub(super) fn write(
        &self,
        out: &mut Vec<u8>,
        request: &Request<'_>,
        close: bool,
    ) -> Result<(), ItemError> {
        let Request { method, target, fields, foreign, cookie } = request;
        let authorization = target.authorization.as_ref().map(HeaderValue::as_bytes);
        let extra = [("authorization", authorization), ("cookie", cookie.as_deref())];
        let extra = extra.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let (method, path) = (method.as_str(), &*target.path);
        let written = if authorization.is_some() || cookie.is_some() {
            // What stands in the common fields under the same name gives way.
            let common = prepared(fields.of(*foreign), &target.origin, close, |name| {
                !(authorization.is_some() && name == header::AUTHORIZATION
                    || cookie.is_some() && name == header::COOKIE)
            });
            common.and_then(|common| write_head(out, method, path, &common, extra))
        } else {
            let cell = if *foreign { &self.foreign } else { &self.own };
            match cell.get() {
                Some(common) => write_head(out, method, path, common, extra),
                None => prepared(fields.of(*foreign), &target.origin, close, |_| true).and_then(
                    |common| write_head(out, method, path, cell.get_or_init(|| common), extra),
                ),
            }
        };
        written.map_err(|e| ItemError::new(ErrorKind::InvalidItem, e.to_string()))
    }
}

/// The fields of `common` that are `wanted`, with those that HTTP/1.1 needs before them.
fn prepared(
    common: &HeaderMap,
    origin: &Origin,
    close: bool,
    wanted: impl Fn(&HeaderName) -> bool,
) -> Result<Prepared, Unsendable> {
    let host = (!common.contains_key(header::HOST)).then_some((header::HOST, &origin.host_field));
    let closing = HeaderValue::from_static("close");
    let close = close && !common.contains_key(header::CONNECTION);
    let close = close.then_some((header::CONNECTION, &closing));
    let own = host.iter().chain(&close).map(|(name, value)| (name.as_str(), value.as_bytes()));
    let common = common.iter().filter(|(name, _)| wanted(name));
    Prepared::new(own.chain(common.map(|(name, value)| (name.as_str(), value.as_bytes()))))
}

/// The head of `request` over HTTP/2.
pub(super) fn http2(request: &Request<'_>) -> Result<http::Request<()>, ItemError> {
    let Request { method, target, fields, foreign, cookie } = request;
    let mut fields = fields.of(*foreign).clone();
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

/// The `authorization` field that stands for the credentials in `url`.
pub(super) fn basic_authorization(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut credentials = percent_decoded(url.username());
    credentials.push(b':');
    credentials.extend(percent_decoded(url.password().unwrap_or_default()));
    let mut value =
        HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(credentials))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn percent_decoded(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(text).collect()
}
