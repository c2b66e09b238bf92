//! Where a redirect leads.
//!
//! Limit: sends nothing.

use super::fault::Fault;
use super::target::{Origin, Scheme, Target};
use gaits_core::ErrorKind;
use http::StatusCode;
use http::header::{self, HeaderMap};
use url::Url;

/// Where the response to a request for `target` sends the client on to; none when it is an answer in itself.
pub(super) fn next(
    target: &Target,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<Target>, Fault> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = headers.get(header::LOCATION) else { return Ok(None) };
    let broken = |why: &dyn std::fmt::Display| {
        Fault::new(ErrorKind::Redirect, format!("{} leads to no URL: {why}", status.as_u16()))
    };
    let location = std::str::from_utf8(location.as_bytes()).map_err(|e| broken(&e))?;
    let base = Url::parse(&target.url()).map_err(|e| broken(&e))?;
    let url = base.join(location).map_err(|e| broken(&e))?;
    if !matches!(url.scheme(), "http" | "https") {
        let message =
            format!("redirected to {}:, and only http and https are followed", url.scheme());
        return Err(Fault::new(ErrorKind::Redirect, message));
    }
    let mut next = Target::from_url(&url).map_err(|e| broken(&e))?;
    if next.authorization.is_none() && !is_foreign(&target.origin, &next.origin) {
        next.authorization.clone_from(&target.authorization);
    }
    if next.origin.is_same(&target.origin) {
        next.origin = target.origin.clone();
    }
    Ok(Some(next))
}

/// Whether what was meant for `from` must not be shown to `to`: it is another host, or a less safe way to it.
pub(super) fn is_foreign(from: &Origin, to: &Origin) -> bool {
    let upgraded = from.host == to.host
        && (from.scheme, from.port, to.scheme, to.port) == (Scheme::Http, 80, Scheme::Https, 443);
    !(from.is_same(to) || upgraded)
}
