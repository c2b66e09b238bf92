//! The cookies of one session.
//!
//! Limit: kept in memory, and for one session; which cookies go where is decided by the `cookie_store` crate
//! (RFC 6265), without a list of public suffixes: a server can set cookies for its siblings under `co.uk`.

use super::target::Target;
use cookie_store::{CookieStore, RawCookie};
use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use url::Url;

/// The cookies of one session.
#[derive(Default)]
pub(super) struct Jar {
    store: CookieStore,
}

impl Jar {
    /// Adds the cookies for `target` to the `fields` of a request.
    pub(super) fn add_to(&self, fields: &mut HeaderMap, target: &Target) {
        let Ok(url) = Url::parse(&target.url()) else { return };
        let mut cookies = match fields.get(COOKIE) {
            None => Vec::new(),
            Some(given) => given.as_bytes().to_vec(),
        };
        for (name, value) in self.store.get_request_values(&url) {
            if !cookies.is_empty() {
                cookies.extend_from_slice(b"; ");
            }
            cookies.extend_from_slice(name.as_bytes());
            cookies.push(b'=');
            cookies.extend_from_slice(value.as_bytes());
        }
        if cookies.is_empty() {
            return;
        }
        if let Ok(mut value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(cookies)) {
            value.set_sensitive(true);
            fields.insert(COOKIE, value);
        }
    }

    /// Takes the cookies that the response to a request for `target` sets. Malformed ones are passed over, as
    /// everybody does.
    pub(super) fn take(&mut self, headers: &HeaderMap, target: &Target) {
        let mut set = headers.get_all(SET_COOKIE).iter().peekable();
        if set.peek().is_none() {
            return;
        }
        let Ok(url) = Url::parse(&target.url()) else { return };
        let cookies = set.filter_map(|value| {
            RawCookie::parse(std::str::from_utf8(value.as_bytes()).ok()?)
                .ok()
                .map(RawCookie::into_owned)
        });
        self.store.store_response_cookies(cookies, &url);
    }
}
