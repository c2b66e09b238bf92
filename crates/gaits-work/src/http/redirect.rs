//! Where a redirect leads.
//!
//! Limit: sends nothing.

use super::domain::without_root;
use super::fault::Fault;
use super::target::{Origin, Scheme, Target};
use super::text::text_of;
use gaits_core::ErrorKind;
use url::Url;

/// Where the response to a request for `target` sends the client on to, by its `status` and its `location` field; none when
/// it is an answer in itself. An empty location is no location: followed, it would lead to the same page for ever.
pub(super) fn next(
    target: &Target,
    status: u16,
    location: Option<&[u8]>,
) -> Result<Option<Target>, Fault> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = location.unwrap_or_default().trim_ascii();
    if location.is_empty() {
        return Ok(None);
    }
    let broken = |why: &dyn std::fmt::Display| {
        let why = why.to_string();
        Fault::new(ErrorKind::Redirect, format!("{status} leads to no URL: {}", beginning_of(&why)))
    };
    if location.len() > LONGEST {
        let why =
            format!("its location has {} bytes, and at most {LONGEST} are read", location.len());
        return Err(broken(&why));
    }
    let base = Url::parse(&target.url()).map_err(|e| broken(&e))?;
    let url = base.join(&text_of(location)).map_err(|e| broken(&e))?;
    if !matches!(url.scheme(), "http" | "https") {
        let scheme = beginning_of(url.scheme());
        let message = format!("redirected to {scheme}:, and only http and https are followed");
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

/// The longest location that is read, in bytes. No longer path can be asked for, and a server must not have us go through
/// 400 kB that lead nowhere.
const LONGEST: usize = 64 * 1024;

/// How much of what a server has written stands in a message, in characters.
const SHOWN: usize = 100;

/// The beginning of `text`, which may be as long as a server likes.
fn beginning_of(text: &str) -> &str {
    text.char_indices().nth(SHOWN).map_or(text, |(end, _)| &text[..end])
}

/// Whether what was meant for `from` must not be shown to `to`: it is another host, or a less safe way to it.
pub(super) fn is_foreign(from: &Origin, to: &Origin) -> bool {
    let upgraded = from.host == to.host
        && (from.scheme, from.port, to.scheme, to.port) == (Scheme::Http, 80, Scheme::Https, 443);
    !(from.is_same(to) || upgraded)
}

/// Whether whoever has `from` surely has `to` as well: it is the same host, or one of the same registrable domain.
pub(super) fn is_same_site(from: &Origin, to: &Origin) -> bool {
    from.host == to.host || domain(from).is_some_and(|ours| domain(to) == Some(ours))
}

/// The registrable domain of a host that has a name.
fn domain(origin: &Origin) -> Option<&str> {
    if origin.ip.is_some() { None } else { psl::domain_str(without_root(&origin.host)) }
}

/// What an item fails with that was redirected more often than `most`; `sets_cookies` if cookies were set on the way, and not
/// kept.
pub(super) fn too_many(most: u8, sets_cookies: bool) -> String {
    let how_often = match most {
        1 => "once".to_owned(),
        most => format!("{most} times"),
    };
    let hint =
        if sets_cookies { "; cookies were set on the way, which --cookies sends back" } else { "" };
    format!("redirected more than {how_often}{hint}")
}

/// What an item fails with whose body would have to go to `next`, another server.
pub(super) fn not_sent(status: u16, next: &Origin) -> Fault {
    let host = &next.authority;
    let message = format!("{status} leads to {host}, another host, which is not sent the body");
    Fault::new(ErrorKind::Redirect, message)
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
            ("/ä b", "http://a.example/%C3%A4%20b"),
        ] {
            let next = next(&from, 302, Some(location.as_bytes())).unwrap().unwrap();
            assert_eq!(&*next.url(), wanted, "{location}");
            assert_eq!(next.authorization.is_some(), wanted.starts_with("http://a.example/"));
        }
    }

    #[test]
    fn a_location_that_is_not_utf_8_is_percent_encoded() {
        let from = Target::parse("http://a.example/dir/file", None).unwrap();
        for (location, wanted) in [
            (&b"/caf\xe9?\xfc=%41 b"[..], "http://a.example/caf%E9?%FC=%41%20b"),
            (b"\xff", "http://a.example/dir/%FF"),
            (b"http://b.example/\xe4\xc3\xa4", "http://b.example/%E4%C3%A4"),
        ] {
            let next = next(&from, 301, Some(location)).unwrap().unwrap();
            assert_eq!(&*next.url(), wanted);
        }
        let Err(Fault::Failed(e)) = next(&from, 301, Some(b"http://\xe4.example/")) else {
            panic!()
        };
        assert_eq!(e.kind, ErrorKind::Redirect);
    }

    #[test]
    fn a_location_may_be_long_and_stands_in_no_message_as_a_whole() {
        let from = Target::parse("http://a.example/dir/file", None).unwrap();
        let long = format!("/{}", "l".repeat(60_000));
        assert_eq!(
            &*next(&from, 302, Some(long.as_bytes())).unwrap().unwrap().url(),
            format!("http://a.example{long}")
        );
        for location in [
            "l".repeat(LONGEST + 1),
            format!("{}:x", "s".repeat(1_000)),
            format!("http://{}..example/", "a.".repeat(100)),
        ] {
            let Err(Fault::Failed(e)) = next(&from, 302, Some(location.as_bytes())) else {
                panic!("{location}")
            };
            assert_eq!(e.kind, ErrorKind::Redirect);
            assert!(e.message.len() < 200, "{e}");
        }
    }

    #[test]
    fn a_response_without_a_location_is_an_answer() {
        let from = Target::parse("http://a.example/dir/file", None).unwrap();
        for (status, location) in [
            (302, None),
            (302, Some(&b""[..])),
            (308, Some(b" \t ")),
            (300, Some(b"/x")),
            (304, Some(b"/x")),
            (200, Some(b"/x")),
        ] {
            assert!(next(&from, status, location).unwrap().is_none(), "{status} {location:?}");
        }
    }
}
