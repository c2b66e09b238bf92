//! The header fields of requests: what is sent, and what of it may go where a redirect leads.
//!
//! Limit: reads no response.

use super::connection::Protocol;
use super::spec::{HttpSpec, HttpSpecError};
use super::target::{Origin, Target};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::rc::Rc;
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
}

/// Makes the fields of each request, keeping those of the last origin at hand.
pub(super) struct Composer {
    fields: Rc<Fields>,
    close: bool,
    last: Option<(Rc<Origin>, HeaderMap)>,
}

impl Composer {
    /// With `close`, the server is told that no other request will follow on the connection.
    pub(super) const fn new(fields: Rc<Fields>, close: bool) -> Self {
        Self { fields, close, last: None }
    }

    /// The fields for a request to `target`; `foreign` when a redirect has led away from the item's origin.
    pub(super) fn compose(
        &mut self,
        target: &Target,
        protocol: Protocol,
        foreign: bool,
    ) -> HeaderMap {
        let mut fields = match (&self.last, protocol, foreign) {
            (Some((origin, fields)), Protocol::Http1, false)
                if Rc::ptr_eq(origin, &target.origin) =>
            {
                fields.clone()
            }
            (_, Protocol::Http1, false) => {
                let fields = self.http1(&self.fields.all, &target.origin);
                self.last = Some((target.origin.clone(), fields.clone()));
                fields
            }
            (_, Protocol::Http1, true) => self.http1(&self.fields.harmless, &target.origin),
            (_, Protocol::Http2, false) => self.fields.all.clone(),
            (_, Protocol::Http2, true) => self.fields.harmless.clone(),
        };
        if let Some(authorization) = &target.authorization {
            fields.insert(header::AUTHORIZATION, authorization.clone());
        }
        fields
    }

    fn http1(&self, constant: &HeaderMap, origin: &Origin) -> HeaderMap {
        let mut fields = HeaderMap::with_capacity(constant.len() + 3);
        if !constant.contains_key(header::HOST) {
            fields.insert(header::HOST, origin.host_field.clone());
        }
        if self.close && !constant.contains_key(header::CONNECTION) {
            fields.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        for (name, value) in constant {
            fields.append(name, value.clone());
        }
        fields
    }
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
