//! The cookies of one session.
//!
//! Limit: kept in memory, and for one session; which cookies go where is decided by the `cookie_store` crate
//! (RFC 6265), without a list of public suffixes: a server can set cookies for its siblings under `co.uk`.

use super::target::Target;
use cookie_store::{CookieStore, RawCookie};
use http::header::HeaderValue;
use url::Url;

/// The cookies of one session.
#[derive(Default)]
pub(super) struct Jar {
    store: CookieStore,
}

impl Jar {
    /// The `cookie` field of a request for `target`, with what the user has `given` for every request; none where there
    /// are no cookies to add.
    pub(super) fn header_for(
        &self,
        target: &Target,
        given: Option<&HeaderValue>,
    ) -> Option<Vec<u8>> {
        let url = Url::parse(&target.url()).ok()?;
        let mut cookies = given.map(|given| given.as_bytes().to_vec()).unwrap_or_default();
        let before = cookies.len();
        for (name, value) in self.store.get_request_values(&url) {
            if !cookies.is_empty() {
                cookies.extend_from_slice(b"; ");
            }
            cookies.extend_from_slice(name.as_bytes());
            cookies.push(b'=');
            cookies.extend_from_slice(value.as_bytes());
        }
        (cookies.len() > before).then_some(cookies)
    }

    /// Takes the cookies that the response to a request for `target` sets. Malformed ones are passed over, as
    /// everybody does.
    pub(super) fn take<'v>(&mut self, set: impl Iterator<Item = &'v [u8]>, target: &Target) {
        let mut set = set.peekable();
        if set.peek().is_none() {
            return;
        }
        let Ok(url) = Url::parse(&target.url()) else { return };
        let cookies = set.filter_map(|value| {
            RawCookie::parse(std::str::from_utf8(value).ok()?).ok().map(RawCookie::into_owned)
        });
        self.store.store_response_cookies(cookies, &url);
    }
}
