//! Where a redirect leads.
//!
//! Limit: sends nothing.

use super::fault::Fault;
use super::target::{Origin, Scheme, Target};
use gaits_core::ErrorKind;
use url::Url;

/// Where the response to a request for `target` sends the client on to; none when it is an answer in itself.
pub(super) fn next(
    target: &Target,
    status: u16,
    location: Option<&[u8]>,
) -> Result<Option<Target>, Fault> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = location else { return Ok(None) };
    let broken = |why: &dyn std::fmt::Display| {
        Fault::new(ErrorKind::Redirect, format!("{status} leads to no URL: {why}"))
    };
    let location = std::str::from_utf8(location).map_err(|e| broken(&e))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> std::rc::Rc<Origin> {
        Target::parse(url, None).unwrap().origin
    }

    #[test]
    fn only_the_same_origin_and_its_upgrade_are_not_foreign() {
        for (from, to, foreign) in [
            ("http://a.example/x", "http://a.example/y", false),
            ("http://a.example/x", "https://a.example/x", false),
            ("https://a.example/x", "http://a.example/x", true),
            ("http://a.example/x", "http://b.example/x", true),
            ("http://a.example/x", "http://sub.a.example/x", true),
            ("http://a.example/x", "http://a.example:81/x", true),
            ("http://a.example:81/x", "https://a.example/x", true),
            ("http://a.example/x", "https://a.example:444/x", true),
        ] {
            assert_eq!(is_foreign(&origin(from), &origin(to)), foreign, "{from} to {to}");
        }
    }

    #[test]
    fn locations_are_relative_to_where_they_came_from() {
        let from = Target::parse("http://u:p@a.example/dir/file?q#f", None).unwrap();
        for (location, wanted) in [
            ("other", "http://a.example/dir/other"),
            ("/root?x#gone", "http://a.example/root?x"),
            ("?y", "http://a.example/dir/file?y"),
            ("//b.example/z", "http://b.example/z"),
            ("https://b.example:444", "https://b.example:444/"),
            ("", "http://a.example/dir/file?q"),
            ("/ä b", "http://a.example/%C3%A4%20b"),
        ] {
            let next = next(&from, 302, Some(location.as_bytes())).unwrap().unwrap();
            assert_eq!(&*next.url(), wanted, "{location}");
            assert_eq!(next.authorization.is_some(), wanted.starts_with("http://a.example/"));
        }
    }
}
