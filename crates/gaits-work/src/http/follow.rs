//! From the answer to a page of a listing to the request for the next one.
//!
//! A worker says in the record what URL comes next ([`url`]); the dispatcher's process makes an item of it ([`item`]), with
//! all that the first page's item asked for. Limit: whether a listing goes in circles over several pages is not known here.

use super::detail::HttpDetail;
use super::extract::Named;
use super::item::{self, Described};
use super::json::{fields_of, value_of};
use super::next_page::NextPage;
use super::query::{self, with_value, without};
use super::redirect::is_foreign;
use super::shared::Shared;
use super::spec::{HttpSpec, is_harmless};
use super::target::Target;
use gaits_core::{Data, ErrorKind, ItemError, Refused};
use serde_json::value::RawValue;
use url::Url;

/// The longest URL that is followed: no longer item is taken from a list either.
const LONGEST: usize = 64 * 1024;

/// The URL of the page that `named` leads to, without credentials. The item asked for `asked`, and `page` has answered.
pub(super) fn url(
    next: &NextPage,
    named: Named,
    asked: &str,
    page: &Target,
    shared: &Shared,
) -> Result<Box<str>, ItemError> {
    let spec = &shared.spec;
    let wrong = |why: &str| {
        ItemError::new(ErrorKind::Decode, format!("--next {next}: what the answer names is {why}"))
    };
    let text = match (named, next) {
        (Named::Url(url), _) => {
            if url.len() > LONGEST {
                return Err(wrong(&format!("longer than {LONGEST} bytes")));
            }
            let base = Url::parse(&page.url()).map_err(|error| wrong(&error.to_string()))?;
            let url = base.join(url.trim()).map_err(|error| wrong(&format!("no URL: {error}")))?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(wrong(&format!("no page of the web: {}:", url.scheme())));
            }
            // What all requests add is added to this one, too.
            without(url.as_str(), &spec.query)
        }
        (Named::Value(value), _) if value.len() > LONGEST => {
            return Err(wrong(&format!("longer than {LONGEST} bytes")));
        }
        (Named::Value(value), NextPage::Cursor { name, .. }) => with_value(asked, name, &value),
        (_, NextPage::Counter { name, step }) => {
            let now = match query::value_of(asked, name) {
                Some(now) => now.parse().map_err(|_not_a_number: std::num::ParseIntError| {
                    let message =
                        format!("--next {next}: {name} in the URL is no number to count from");
                    ItemError::new(ErrorKind::InvalidItem, message)
                })?,
                None => u64::from(step.is_none()),
            };
            let then = now.saturating_add(step.unwrap_or(1));
            with_value(asked, name, &then.to_string())
        }
        _ => return Err(wrong("of another kind")),
    };
    let mut target = Target::parse(&text, None).map_err(|error| wrong(&error.to_string()))?;
    shared.access.strip(&mut target);
    Ok(target.url())
}

/// The item for the page that comes after `page`, where `root` is the item of the first one.
pub(super) fn item(spec: &HttpSpec, root: &str, page: &HttpDetail) -> Result<String, Refused> {
    let next = page.next.as_deref().unwrap_or_default();
    let refused = |message: String| Refused { message, shown: Some(Data::from(next)) };
    let described = Described::of(root).map_err(refused)?;
    let parse = |text: &str| Url::parse(text.trim()).map_err(|error| refused(error.to_string()));
    let target = |url: &Url| Target::from_url(url).map_err(|error| refused(error.to_string()));
    let (first, mut url) = (parse(&described.url)?, parse(next)?);
    if let Ok(page) = Url::parse(&page.url)
        && page.scheme() == "https"
        && url.scheme() == "http"
        && page.host() == url.host()
        && url.port().is_none()
        && page.port().is_none()
    {
        // Behind a server that takes off the TLS, many programs write such URLs of themselves.
        let _ = url.set_scheme("https");
    }
    let (from, to) = (target(&first)?, target(&url)?);
    if is_foreign(&from.origin, &to.origin) {
        let is_of_page =
            Target::parse(&page.url, None).is_ok_and(|page| !is_foreign(&page.origin, &to.origin));
        if !is_of_page || has_secrets(spec, &described, &from) {
            return Err(refused(format!(
                "the next page is on another server, {}, which must not get what was meant for {}; fetch it in a run of its own",
                to.origin.prefix(),
                from.origin.prefix()
            )));
        }
    } else {
        let _ = url.set_username(first.username());
        let _ = url.set_password(first.password());
    }
    if !item::is_description(root) {
        return Ok(url.into());
    }
    let unread = || refused("its first page is described in a way that can't be read".to_owned());
    let mut object = fields_of(root).map_err(|_no_object| unread())?;
    // It stands in the URL now.
    object.remove("query");
    object.insert("url".to_owned(), value_of(url.as_str()));
    if let Some(json) = described.json() {
        // It is sent as it is written.
        let json = RawValue::from_string(json.to_owned()).map_err(|_no_json| unread())?;
        object.insert("json".to_owned(), json);
    }
    serde_json::to_string(&object).map_err(|_no_text| unread())
}

/// Whether a request to `url` would take what is meant for the hosts of `named` to another one.
#[must_use]
pub fn takes_secrets_away(spec: &HttpSpec, named: &[impl AsRef<str>], url: &str) -> bool {
    // First, since it costs least: a sitemap names many URLs.
    if !all_have_secrets(spec) {
        return false;
    }
    let target = |url: &str| Target::parse(url, None).ok();
    let Some(to) = target(url) else { return false };
    let mut named = named.iter().filter_map(|url| target(url.as_ref())).peekable();
    named.peek().is_some() && named.all(|from| is_foreign(&from.origin, &to.origin))
}

/// Whether a request carries what another host must not see.
fn has_secrets(spec: &HttpSpec, described: &Described, first: &Target) -> bool {
    described.headers.iter().any(|(name, _)| !is_harmless(name))
        || first.authorization.is_some()
        || described.sends.is_some()
        || all_have_secrets(spec)
}

/// Whether all requests carry what another host must not see.
fn all_have_secrets(spec: &HttpSpec) -> bool {
    let is_secret = |name: &str| {
        http::HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| !is_harmless(&name))
    };
    spec.headers.iter().any(|(name, _)| is_secret(name))
        || spec.sends()
        || !spec.query.is_empty()
        || spec.auth != super::auth::Auth::default()
        || spec.cookies
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn page(url: &str, next: &str) -> HttpDetail {
        HttpDetail { url: url.into(), next: Some(next.into()), ..HttpDetail::default() }
    }

    #[test]
    fn what_is_meant_for_some_hosts_is_taken_to_no_other() {
        let plain = HttpSpec::default();
        let secret = HttpSpec { headers: vec![("x-key".into(), "k".into())], ..plain.clone() };
        for (spec, named, url, away) in [
            (&secret, &["http://a/s.xml"][..], "http://a/p", false),
            (&secret, &["http://a/s.xml"], "https://a/p", false),
            (&secret, &["https://a/s.xml"], "http://a/p", true),
            (&secret, &["http://a/s.xml"], "http://b/p", true),
            (&secret, &["http://a/s.xml", "http://b/"], "http://b/p", false),
            (&secret, &["sitemap.xml"], "http://b/p", false),
            (&plain, &["http://a/s.xml"], "http://b/p", false),
        ] {
            assert_eq!(takes_secrets_away(spec, named, url), away, "{named:?} {url}");
        }
    }

    fn next(spec: &HttpSpec, root: &str, page: &HttpDetail) -> Result<String, String> {
        item(spec, root, page).map_err(|refused| refused.message)
    }

    #[test]
    fn the_next_item_asks_as_the_first_one_does() {
        let spec = HttpSpec::default();
        let then = "http://h/p?page=2";
        for (root, wanted) in [
            ("http://h/p", "http://h/p?page=2"),
            ("http://u:s3cret@h/p", "http://u:s3cret@h/p?page=2"),
            (
                r#"{"url":"http://h/p","query":{"page":1},"headers":{"X-A":"1"},"id":7}"#,
                r#"{"url":"http://h/p?page=2","headers":{"X-A":"1"},"id":7}"#,
            ),
        ] {
            let made = next(&spec, root, &page("http://h/p", then)).unwrap();
            let same = |text: &str| serde_json::from_str::<Value>(text).ok();
            assert!(
                made == wanted || same(&made) == same(wanted) && same(wanted).is_some(),
                "{made}"
            );
        }
    }

    #[test]
    fn the_next_item_sends_its_json_as_the_first_one_is_written() {
        let root = r#"{"url":"http://h/p","json":{"b": 1.10, "a": 2}}"#;
        let made = next(&HttpSpec::default(), root, &page("http://h/p", "http://h/p?page=2"));
        assert!(made.unwrap().contains(r#""json":{"b": 1.10, "a": 2}"#));
    }

    #[test]
    fn another_host_is_not_followed_where_it_would_see_what_is_not_its_own() {
        let spec = HttpSpec::default();
        let secret =
            HttpSpec { headers: vec![("X-Key".into(), "s3cret".into())], ..HttpSpec::default() };
        let moved = page("http://www.h/p", "http://www.h/p?page=2");
        assert!(next(&spec, "http://h/p", &moved).is_ok(), "it has redirected there");
        let error = next(&secret, "http://h/p", &moved).unwrap_err();
        assert!(error.contains("on another server, http://www.h, which must not get"), "{error}");
        let away = page("http://h/p", "http://evil/");
        let error = next(&spec, "http://h/p", &away).unwrap_err();
        assert!(error.contains("another server, http://evil"), "{error}");
        let down = page("http://h:8080/p", "http://h:9090/p");
        assert!(next(&spec, "http://h:8080/p", &down).is_err(), "another port is another server");
    }

    #[test]
    fn a_page_that_calls_itself_less_safe_than_it_is_stays_safe() {
        let spec = HttpSpec::default();
        let behind = page("https://h/p", "http://h/p?page=2");
        assert_eq!(next(&spec, "https://h/p", &behind), Ok("https://h/p?page=2".to_owned()));
        let upgraded = page("https://h/p", "https://h/p?page=2");
        assert_eq!(next(&spec, "http://h/p", &upgraded), Ok("https://h/p?page=2".to_owned()));
    }
}
