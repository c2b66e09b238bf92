//! The header fields that all requests have in common, and which of them may go where a redirect leads.
//!
//! Limit: knows no single request, and so neither its `authorization` nor its cookies.

use super::decode::ACCEPTED;
use super::spec::{HttpSpec, HttpSpecError, is_harmless};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Fields that describe a body. They make no sense where it is left out.
const OF_CONTENT: [HeaderName; 11] = [
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::LAST_MODIFIED,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
];

/// The fields that are the same for every request.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    /// For the origins of the items.
    all: HeaderMap,
    /// For the origins that redirects lead to.
    harmless: HeaderMap,
    /// Whether `all` tells who asks: looked up once, since each item asks for it.
    has_authorization: bool,
}

impl Fields {
    pub(super) fn new(spec: &HttpSpec) -> Result<Self, HttpSpecError> {
        let mut harmless = HeaderMap::new();
        harmless.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        harmless.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
        if let Some(agent) = spec.parsed_user_agent()? {
            harmless.insert(header::USER_AGENT, agent);
        }
        for name in &spec.left_out {
            harmless.remove(&**name);
        }
        let user = spec.parsed_headers()?;
        for (name, _) in &user {
            harmless.remove(name);
        }
        let mut all = harmless.clone();
        for (name, value) in user {
            if is_harmless(&name) {
                harmless.append(&name, value.clone());
            }
            all.append(name, value);
        }
        for (name, value) in spec.auth_fields()? {
            all.insert(name, value);
        }
        Ok(Self::of_both(all, harmless))
    }

    /// With the fields of one request, which take the place of those of the same name. One without a value leaves them out.
    pub(super) fn with(&self, own: &[(HeaderName, Option<HeaderValue>)]) -> Self {
        let (mut all, mut harmless) = (self.all.clone(), self.harmless.clone());
        for (name, _) in own {
            all.remove(name);
            harmless.remove(name);
        }
        for (name, value) in own {
            let Some(value) = value else { continue };
            if is_harmless(name) {
                harmless.append(name, value.clone());
            }
            all.append(name, value.clone());
        }
        Self::of_both(all, harmless)
    }

    /// The fields of a request that a redirect has turned into one without a body (RFC 9110, section 15.4); none if they are
    /// the same.
    pub(super) fn without_content(&self) -> Option<Self> {
        let describes =
            |fields: &HeaderMap| OF_CONTENT.iter().any(|name| fields.contains_key(name));
        if !describes(&self.all) && !describes(&self.harmless) {
            return None;
        }
        let (mut all, mut harmless) = (self.all.clone(), self.harmless.clone());
        for name in &OF_CONTENT {
            all.remove(name);
            harmless.remove(name);
        }
        Some(Self::of_both(all, harmless))
    }

    fn of_both(all: HeaderMap, harmless: HeaderMap) -> Self {
        let has_authorization = all.contains_key(header::AUTHORIZATION);
        Self { all, harmless, has_authorization }
    }

    /// What is sent to the items' own origins, or to `foreign` ones.
    pub(super) const fn of(&self, foreign: bool) -> &HeaderMap {
        if foreign { &self.harmless } else { &self.all }
    }

    /// Whether the items' own origins are told who asks.
    pub(super) const fn has_authorization(&self) -> bool {
        self.has_authorization
    }

    /// The cookies that the user gives with every request.
    pub(super) fn given_cookie(&self, foreign: bool) -> Option<&HeaderValue> {
        self.of(foreign).get(header::COOKIE)
    }
}
